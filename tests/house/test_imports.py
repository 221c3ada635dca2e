"""Imports lean the right way, and every library has one address."""

from __future__ import annotations

import ast
import fnmatch
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
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
FRONT_DOOR = "classair/__main__.py"
"""The one composition root: its table of commands names the services as strings."""

# library → the files that may know it
ADDRESSES = {
    "paho": ["classair/broker.py"],
    "influxdb_client": ["classair/stores/influxdb/*"],
    "serial": ["firmware_bridge/serial/opening.py"],
    "dash": ["dashboard/*"],
    "dash_mantine_components": ["dashboard/*"],
    "plotly": ["dashboard/*"],
    "fastapi": ["dashboard/*"],
    "starlette": ["dashboard/*"],
    "uvicorn": ["dashboard/*"],
    "jinja2": ["dashboard/*"],
    "argon2": ["dashboard/access/*"],
    "cryptography": ["dashboard/records/signing.py"],
    "segno": ["dashboard/public/codes.py"],
    "itsdangerous": ["classair/alerting/links.py", "dashboard/reports/shares.py"],
    "weasyprint": ["dashboard/reports/*"],
    "pypdfium2": ["dashboard/reports/*"],
    "PIL": ["dashboard/*"],
    "authlib": ["dashboard/access/*"],
    "joserfc": ["dashboard/access/*"],
    # Never in a bridge or where readings come in.
    "numpy": [
        "research/*",
        "dashboard/*",
        "classair/science/comparison/*",
        # Imported when asked, in a process of its own.
        "classair/stores/bucket_columns.py",
        "ingest/rechecking/slots.py",
    ],
    # Never in a service: nightly work and exports run in processes of their own.
    "pyarrow": ["research/archive/*", "research/export/*"],
    "h5netcdf": ["research/export/forms/netcdf.py"],
    "apprise": ["alerts/channels/apprise.py"],
    "amqtt": ["classair/ops/amqtt*.py"],
    "babel": ["classair/i18n.py", "dashboard/*"],
    "yaml": ["classair/config/*.py"],
}
BRIDGE_MAY = {"pydantic", "yaml", "serial", "paho"}  # beside the standard library
FOUNDATION_OF_THE_BRIDGE = {"pydantic", "pydantic_core", "yaml", "paho"}


def files() -> list[Path]:
    return [path for package in sorted(PACKAGES) for path in sorted((ROOT / package).rglob("*.py"))]


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its full name."""
    return {_module(path): path for path in files()}


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> set[str]:
    """Full names of everything imported anywhere in a file: in functions too, and named by a string.

    A string counts when it names a module or package of ours in full ("alerts.channels"), as a dynamic import needs it;
    so does an f-string that begins with one.
    """
    return _imports(path.read_text("utf-8"), path.relative_to(ROOT).with_suffix("").parts)


def _imports(text: str, own: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(own[: len(own) - node.level]) if node.level else ""
            name = ".".join(part for part in (start, node.module) if part)
            # What is taken from a package may be a module of it.
            inside = {f"{name}.{alias.name}" for alias in node.names} & set(modules())
            found |= inside if len(inside) == len(node.names) else {name, *inside}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            named = node.value.removesuffix(".").partition(":")[0]  # module:attribute, as uvicorn takes it
            found |= {named} & set(modules())
    return found


def dynamic(text: str) -> list[str]:
    """Imports whose target no string of the file says: only a composition root may have such."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in ("import_module", "__import__", "run_module", "load_module", "resolve_name"):
            continue
        target = node.args[0]
        first = target.values[0] if isinstance(target, ast.JoinedStr) else target
        if isinstance(first, ast.FormattedValue):
            first = first.value
        if not isinstance(first, ast.Constant) and getattr(first, "id", "") != "__name__":
            found.append(ast.unparse(node))
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", files(), ids=_shown)
def test_a_package_imports_only_what_lies_below_it(path: Path) -> None:
    if _shown(path) == FRONT_DOOR:
        return
    package = path.relative_to(ROOT).parts[0]
    assert top(imports(path)) & PACKAGES <= {package, *MAY[package]}


@pytest.mark.thorough
def test_only_the_front_door_and_the_finder_of_plugins_import_what_they_are_told() -> None:
    doors = {_shown(path): found for path in files() if (found := dynamic(path.read_text("utf-8")))}
    assert set(doors) == {FRONT_DOOR, "classair/plugins.py"}, doors


def test_no_service_imports_what_a_person_runs_on_the_machine() -> None:
    """classair/ops asks every service, so none may ask it."""
    askers = {
        f"{_shown(path)} imports {name}"
        for path in files()
        for name in imports(path)
        if name.startswith("classair.ops")
        and not _shown(path).startswith("classair/ops/")
        and _shown(path) != FRONT_DOOR
    }
    assert askers == set()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_no_circle_inside_a_package(package: str) -> None:
    graph = {
        name: {other for other in imports(path) if other in modules() and other != name}
        for name, path in modules().items()
        if name.partition(".")[0] == package and _shown(path) != FRONT_DOOR
    }
    assert _circles(graph) == []


def _circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """The modules that reach each other, whichever way round."""

    @cache
    def reach(start: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in graph.get(waiting.pop(), set()) - seen:
                seen.add(name)
                waiting.append(name)
        return frozenset(seen)

    circles = {
        frozenset(other for other in reach(name) if name in reach(other)) for name in graph if name in reach(name)
    }
    return [set(circle) for circle in sorted(circles, key=sorted)]


@pytest.mark.parametrize(
    "line",
    [
        'load("alerts.channels", kind)',
        'import_module("alerts.channels")',
        'import_module(f"alerts.channels.{kind}")',
        "def late():\n    import alerts.channels",
        'COMMANDS = {"tell": ("alerts.channels:main", "")}',
        "from alerts import channels",
    ],
)
def test_the_wall_sees_every_way_to_import(line: str) -> None:
    assert _imports(line, ("classair", "sly")) == {"alerts.channels"}


def test_the_wall_sees_imports_of_what_is_told_and_circles() -> None:
    assert len(dynamic("import_module(name)\nimport_module(f'{package}.x')\nimport_module(f'{__name__}.x')")) == 2
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]


def test_outside_of_it_only_the_public_modules_of_the_sqlite_store_are_used() -> None:
    public = {f"classair.stores.sqlite.{name}" for name in ("store", "columns", "connections", "rows", "damaged")}
    for path in files():
        if not path.is_relative_to(ROOT / "classair" / "stores"):
            used = {
                ".".join(name.split(".")[:4]) for name in imports(path) if name.startswith("classair.stores.sqlite.")
            }
            assert used <= public, path


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


@pytest.mark.thorough
def test_loading_the_bridge_loads_no_library_of_the_server() -> None:
    heavy = set(ADDRESSES) - {"paho", "serial", "yaml"} | {"numpy", "httpx2"}
    program = f"import sys, firmware_bridge.service; print(sorted({heavy!r} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_the_time_is_asked_for_in_science_nowhere() -> None:
    """Pure means: the time is an argument."""
    for path in (ROOT / "classair" / "science").rglob("*.py"):
        assert not imports(path) & {"time", "socket", "sqlite3", "threading", "random"}, _shown(path)
