"""The wheel that is built here holds exactly our packages, whatever an editable installation would hide."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from classair import PACKAGES

ROOT = Path(__file__).parents[2]


def tracked(*under: str) -> set[str]:
    told = subprocess.run(["git", "ls-files", "-z", *under], cwd=ROOT, capture_output=True, text=True)
    if told.returncode:
        pytest.skip("not a git checkout, so there is no list to compare with")
    return {name for name in told.stdout.split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from the tracked files alone, so that scratch in the working tree neither helps nor harms."""
    copy = tmp_path_factory.mktemp("tree")
    for name in tracked(*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    program = "import uv_build, sys; print(uv_build.build_wheel(sys.argv[1]))"
    environment = {"PATH": str(Path(sys.executable).parent)}
    told = subprocess.run(
        [sys.executable, "-c", program, str(copy)], cwd=copy, capture_output=True, text=True, env=environment
    )
    assert told.returncode == 0, told.stderr
    return zipfile.ZipFile(copy / told.stdout.strip().splitlines()[-1])


def test_the_wheel_holds_every_file_of_our_packages_and_no_other(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if not name.endswith("/") and ".dist-info/" not in name}
    assert inside == tracked(*PACKAGES)


def test_the_wheel_brings_licence_and_command(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "classair = classair.__main__:main" in wheel.read(entry_points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_every_package_is_typed(wheel: zipfile.ZipFile) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())
