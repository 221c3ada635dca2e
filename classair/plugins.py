"""A plugin is found by its file name: `load("alerts.channels", "console")` imports alerts/channels/console.py."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType


class UnknownPlugin(LookupError):
    """No such plugin; the message names those that exist."""


def names(package: str) -> list[str]:
    """Plugins in a folder and those other packages offer under the entry point group `classair.<folder>`."""
    module = importlib.import_module(package)
    here = [info.name for info in pkgutil.iter_modules(module.__path__) if not info.name.startswith("_")]
    return sorted({*here, *(point.name for point in _offered(package))})


def load(package: str, name: str) -> ModuleType:
    """The plugin's module. Raises UnknownPlugin."""
    known = names(package)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
        raise UnknownPlugin(f"{name!r} is not one of the {package.rpartition('.')[2]}; {hint}")
    for point in _offered(package):
        if point.name == name:
            loaded = point.load()
            assert isinstance(loaded, ModuleType)
            return loaded
    return importlib.import_module(f"{package}.{name}")


@cache
def _offered(package: str) -> tuple[EntryPoint, ...]:
    """What other packages offer; read once, because every look goes through all that is installed."""
    return tuple(entry_points(group=f"classair.{package.rpartition('.')[2]}"))
