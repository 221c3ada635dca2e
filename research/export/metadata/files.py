"""Files of a package as catalogues describe them: size, checksum, media type."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MEDIA: Final = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".nc": "application/x-netcdf",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".md": "text/markdown",
    ".cff": "application/yaml",
    "": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Described:
    name: str
    bytes: int
    sha256: str

    @property
    def media_type(self) -> str:
        return _MEDIA[Path(self.name).suffix]


def described(path: Path) -> Described:
    with path.open("rb") as file:
        return Described(path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def as_json(what: Any, *, ordered: bool = True) -> bytes:
    """For people and programs: indented; keys in order, unless the order says something."""
    return (json.dumps(what, ensure_ascii=False, indent=1, sort_keys=ordered) + "\n").encode()
