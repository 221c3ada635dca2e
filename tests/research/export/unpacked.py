"""A package as its reader sees it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from research.export.package import Package


def files(package: Package) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(package.path.iterdir())}


def table(package: Package, name: str = "data.csv") -> list[dict[str, str]]:
    text = (package.path / name).read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def document(package: Package, name: str) -> Any:
    return json.loads((package.path / name).read_bytes())
