"""A copy of the tree in which a test may add things, and run it from there as users would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from classair import PACKAGES

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Copy:
    """The packages, sensors.yaml and calendars of this tree in a folder of their own."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """For child processes: they import the copy, whatever else is installed."""
        path = os.pathsep.join(filter(None, (str(self.root), os.environ.get("PYTHONPATH"))))
        return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def add(self, path: str, text: str) -> Path:
        """One new file of the copy. A file that is there already is never touched."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("x", encoding="utf-8") as file:
            file.write(text)
        return place

    def command(self, *words: str) -> list[str]:
        """`classair …` of the copy."""
        return [sys.executable, "-m", "classair", *words]

    def run(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs `classair …` of the copy to its end."""
        return subprocess.run(
            self.command(*words), cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=timeout
        )


def copy_to(root: Path) -> Copy:
    """Makes a copy, with the metadata that an installation of it would have."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "calendars", root / "calendars")
    for name in ("sensors.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = root / f"classair-{project['version']}.dist-info"
    metadata.mkdir()
    head = f"Metadata-Version: 2.1\nName: classair\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(head, "utf-8")
    lines: list[str] = []
    for group, points in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{name} = {module}" for name, module in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join([*lines, ""]), "utf-8")
    return Copy(root)


@pytest.fixture(scope="session")
def make_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Copy]:
    """`make_copy()`: a fresh copy of the tree, removed with pytest's other folders."""
    return lambda: copy_to(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def copy(make_copy: Callable[[], Copy]) -> Copy:
    """The copy that the tests of one file share."""
    return make_copy()
