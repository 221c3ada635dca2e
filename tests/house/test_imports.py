"""Imports lean the right way, and every library has one address."""

from __future__ import annotations

import ast
import fnmatch
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# package → the packages that its files may import beside their own
MAY: dict[str, set[str]] = {
    "classair": set(),
    "research": {"classair"},
    "firmware_bridge": {"classair"},
    "simulator": {"classair", "firmware_bridge"},
    "ingest": {"classair", "research"},
    "alerts": {"classair"},
    "dashboard": {"classair", "research"},
}
PACKAGES = set(MAY)

# library → the files that may know it
ADDRESSES = {
    "paho": ["classair/broker.py"],
    "influxdb_client": ["classair/stores/influxdb/*"],
    "serial": ["firmware_bridge/serial/ports.py"],
    "dash": ["dashboard/*"],
    "dash_mantine_components": ["dashboard/*"],
    "plotly": ["dashboard/*"],
    "fastapi": ["dashboard/*"],
    "starlette": ["dashboard/*"],
    "uvicorn": ["dashboard/*"],
    "jinja2": ["dashboard/*"],
    "argon2": ["dashboard/access/*"],
    # Never in a bridge or where readings come in.
    "numpy": ["research/*", "dashboard/*", "classair/science/corrections/vector.py"],
    # Never in a service: nightly work and exports run in processes of their own.
    "pyarrow": ["research/archive/*", "research/export/*"],
    "h5netcdf": ["research/export/netcdf.py"],
    "amqtt": ["classair/ops/amqtt*.py"],
    "babel": ["classair/i18n.py", "dashboard/*"],
    "yaml": ["classair/config/*.py"],
}
BRIDGE_MAY = {"pydantic", "yaml", "serial", "paho"}  # beside the standard library
FOUNDATION_OF_THE_BRIDGE = {"pydantic", "pydantic_core", "yaml", "paho"}


def files() -> list[Path]:
    return [path for package in sorted(PACKAGES) for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Full names of everything imported anywhere in a file, also inside functions."""
    own = path.relative_to(ROOT).with_suffix("").parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(own[: len(own) - node.level]) if node.level else ""
            found.add(".".join(part for part in (start, node.module) if part))
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", files(), ids=_shown)
def test_a_package_imports_only_what_lies_below_it(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert top(imports(path)) & PACKAGES <= {package, *MAY[package]}


def test_the_model_imports_only_the_standard_library() -> None:
    assert top(imports(ROOT / "classair" / "model.py")) <= sys.stdlib_module_names


def test_every_library_has_one_address() -> None:
    strangers = {
        f"{_shown(path)} imports {library}"
        for path in files()
        for library in top(imports(path)) & set(ADDRESSES)
        if not any(fnmatch.fnmatch(_shown(path), pattern) for pattern in ADDRESSES[library])
    }
    assert strangers == set()


def test_the_bridge_needs_nothing_heavy() -> None:
    for path in (ROOT / "firmware_bridge").rglob("*.py"):
        extra = top(imports(path)) - set(sys.stdlib_module_names) - {"firmware_bridge", "classair"} - BRIDGE_MAY
        assert not extra, f"{_shown(path)} imports {extra}"


def test_loading_the_bridge_loads_no_library_of_the_server() -> None:
    heavy = set(ADDRESSES) - {"paho", "serial", "yaml"} | {"numpy", "httpx2"}
    program = f"import sys, firmware_bridge.service; print(sorted({heavy!r} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_the_time_is_asked_for_in_science_nowhere() -> None:
    """Pure means: the time is an argument."""
    for path in (ROOT / "classair" / "science").rglob("*.py"):
        assert not imports(path) & {"time", "socket", "sqlite3", "threading", "random"}, _shown(path)
