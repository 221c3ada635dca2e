"""Light or dark: as the reader's device says, unless the reader has chosen; a choice is kept in a cookie."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import Request
from starlette.responses import Response

Theme = Literal["", "light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
COOKIE: Final = "classair_theme"
KEEP_S: Final = 365 * 86_400


def theme_of(request: Request) -> Theme:
    """What the address says (?theme=), else what was chosen before; "" for what the device says."""
    asked = (request.query_params.get("theme", ""), request.cookies.get(COOKIE, ""))
    return next((theme for said in asked for theme in THEMES if theme == said), "")


def keep(request: Request, response: Response) -> None:
    """A choice that the address makes is kept for the pages that follow."""
    if (theme := request.query_params.get("theme", "")) in THEMES:
        response.set_cookie(COOKIE, theme, max_age=KEEP_S, httponly=True, samesite="lax")


def attribute(theme: Theme) -> str:
    """For the <html> of a page."""
    return f' data-theme="{theme}"' if theme else ""
