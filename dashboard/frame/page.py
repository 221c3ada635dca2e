"""A page of dashboard/pages as the frame knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final
from urllib.parse import unquote

from dashboard.access.roles import Need

FOLDER: Final = Path(__file__).parent.parent / "pages"
MENU_ENDS: Final = 100
"""Pages with this ORDER or a higher one are not in the menu."""


class PageFault(ValueError):
    """A page that cannot be offered; the message names its file and what it must say."""


@dataclass(frozen=True, slots=True)
class Page:
    """`path` has <places>; `need` is what the guard asks of whoever opens it.

    The module's `view(ctx, language, …)` shows what is live; one that has no `layout` is light: the view is all of it.
    """

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
    def live(self) -> bool:
        return callable(getattr(self.module, "view", None))

    @property
    def light(self) -> bool:
        return not callable(getattr(self.module, "layout", None))

    @property
    def stream(self) -> str:
        """Where the pieces of its view come from."""
        return f"/live/{self.name}"

    @property
    def fragments(self) -> Mapping[str, Callable[..., str | None]]:
        """Parts that are made when somebody wants to see them: the module's `FRAGMENTS`, by name."""
        return getattr(self.module, "FRAGMENTS", {})

    def fragment(self, name: str) -> str:
        """Where a part of that name comes from."""
        return f"{self.stream}/{name}"

    @property
    def charts(self) -> bool:
        """Whether a light page draws (`CHARTS = True`); only then the library for charts is loaded."""
        return bool(getattr(self.module, "CHARTS", False))

    @property
    def dates(self) -> bool:
        """Whether a light page has fields for days (`DATES = True`)."""
        return bool(getattr(self.module, "DATES", False))

    @property
    def uses(self) -> tuple[str, ...]:
        """Other pages whose style sheets and scripts it needs, too (`USES`)."""
        return tuple(getattr(self.module, "USES", ()))

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
