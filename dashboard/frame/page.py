"""A page of dashboard/pages, found by its name: everything about it stands in its own file or folder."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import unquote

from classair import i18n
from dashboard.access.roles import Need

FOLDER: Final = Path(__file__).parent.parent / "pages"
# A page's content comes over a route that asks for READ, so a page cannot ask for less.
NEEDS: Final = (Need.READ, Need.MEMBER, Need.CONTROL, Need.EXPORT, Need.ADMIN)
MENU_ENDS: Final = 100
"""Pages with this ORDER or a higher one are not in the menu."""
_SAYS: Final = {"PATH": str, "ORDER": int, "TITLE_KEY": str, "NEED": Need}
_OFFERS: Final = ("layout", "callbacks")


class PageFault(ValueError):
    """A page that cannot be offered; the message names its file and what it must say."""


@dataclass(frozen=True, slots=True)
class Page:
    """`path` has <places>; `need` is what the guard asks of whoever opens it."""

    name: str
    path: str
    order: int
    title_key: str
    need: Need
    module: ModuleType

    @property
    def route(self) -> str:
        """The path as the web server spells it: /room/<room> → /room/{room}."""
        return re.sub(r"<(\w+)>", r"{\1}", self.path)

    @property
    def in_menu(self) -> bool:
        return "<" not in self.path and self.order < MENU_ENDS

    @property
    def files(self) -> list[Path]:
        """Style sheets and scripts in the page's folder."""
        return sorted(path for path in (FOLDER / self.name).glob("*") if path.suffix in (".css", ".js"))

    def match(self, path: str) -> dict[str, str] | None:
        """The places filled from an address, None when it is not this page's."""
        pattern = "".join(
            f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("<") else re.escape(part)
            for part in re.split(r"(<\w+>)", self.path)
        )
        found = re.fullmatch(pattern, path.rstrip("/") or "/")
        return {key: unquote(value) for key, value in found.groupdict().items()} if found else None


def find() -> tuple[Page, ...]:
    """Every page in the folder, in its order. Raises PageFault for one that does not say what it must."""
    package = importlib.import_module("dashboard.pages")
    pages = [
        _page(importlib.import_module(f"dashboard.pages.{info.name}"), info.name)
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    ]
    _refuse_twice(pages)
    return tuple(sorted(pages, key=lambda page: (page.order, page.name)))


def _page(module: ModuleType, name: str) -> Page:
    said: dict[str, Any] = {key: getattr(module, key, None) for key in _SAYS}
    lacking = [f"{key} ({kind.__name__})" for key, kind in _SAYS.items() if not isinstance(said[key], kind)]
    lacking += [f"{key}()" for key in _OFFERS if not callable(getattr(module, key, None))]
    if lacking:
        raise PageFault(f"dashboard/pages/{name} does not say: {', '.join(lacking)}")
    page = Page(name, said["PATH"], said["ORDER"], said["TITLE_KEY"], said["NEED"], module)
    if page.need not in NEEDS:
        raise PageFault(f"dashboard/pages/{name}: NEED must be one of {', '.join(need.name for need in NEEDS)}")
    if not i18n.has(page.title_key):
        raise PageFault(f"dashboard/pages/{name}: there is no text {page.title_key!r}; put it into locales/en.toml")
    return page


def _refuse_twice(pages: Iterable[Page]) -> None:
    taken: dict[str, str] = {}
    for page in pages:
        if page.path in taken:
            raise PageFault(f"dashboard/pages/{page.name}: {page.path} is the page {taken[page.path]} already")
        taken[page.path] = page.name
