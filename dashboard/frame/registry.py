"""Finds the pages of dashboard/pages by their names; everything about a page stands in its own file or folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

from classair import i18n
from dashboard.access.roles import Need
from dashboard.frame.page import Page, PageFault

# A page's content comes over a route that asks for READ, so a page cannot ask for less.
NEEDS: Final = (Need.READ, Need.MEMBER, Need.CONTROL, Need.EXPORT, Need.TICKETS, Need.APPROVE, Need.ADMIN)
_SAYS: Final = {"PATH": str, "ORDER": int, "TITLE_KEY": str, "NEED": Need}
_OFFERS: Final = ("layout", "callbacks")


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
    offers = [key for key in _OFFERS if callable(getattr(module, key, None))]
    if offers or not callable(getattr(module, "view", None)):
        lacking += [f"{key}()" for key in _OFFERS if key not in offers]
    if lacking:
        raise PageFault(f"dashboard/pages/{name} lacks: {', '.join(lacking)}")
    page = Page(name, said["PATH"], said["ORDER"], said["TITLE_KEY"], said["NEED"], module)
    if page.need not in NEEDS:
        raise PageFault(f"dashboard/pages/{name}: NEED must be one of {', '.join(need.name for need in NEEDS)}")
    if not i18n.has(page.title_key):
        raise PageFault(f"dashboard/pages/{name}: the text {page.title_key!r} is missing; add it to locales/en.toml")
    return page


def _refuse_twice(pages: Iterable[Page]) -> None:
    taken: dict[str, str] = {}
    for page in pages:
        if page.path in taken:
            raise PageFault(f"dashboard/pages/{page.name}: {page.path} is already the page {taken[page.path]}")
        taken[page.path] = page.name
