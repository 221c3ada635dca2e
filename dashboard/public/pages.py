"""Filling templates: the language, the theme, the build and what every light page shares."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import classair
from classair import i18n
from dashboard.context import Context
from dashboard.frame import served
from dashboard.frame import theme as themes

ASSETS: Final = Path(__file__).parent.parent / "assets"
_TEMPLATES: Final = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dashboard.public", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def build() -> str:
    """Changes when what a display shows or runs changes, not at every restart."""
    digest = hashlib.sha256(classair.__version__.encode())
    for path in sorted([*(ASSETS / "display").glob("*"), ASSETS / "fonts.css", *_TEMPLATES.glob("*")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def display_files() -> list[str]:
    """Addresses of all that a display's page loads, as it asks for them."""
    own = sorted(path.name for path in (ASSETS / "display").glob("*") if path.name != "light.css")
    fonts = sorted(path.name for path in (ASSETS / "fonts").glob("*.woff2"))
    return [
        *(served.address(f"display/{name}") for name in own),
        served.address("fonts.css"),
        *(served.address(f"fonts/{name}") for name in fonts),
    ]


def plain_text(template: str, **places: Any) -> str:
    """A template that is no page, filled."""
    return _environment().get_template(template).render(**places)


def page(request: Request, template: str, language: str, *, status: int = 200, **places: Any) -> HTMLResponse:
    """A template filled, as the answer to a request."""
    text = filled(template, language, request.url.path, look=themes.theme_of(request), **places)
    answer = HTMLResponse(text, status)
    themes.keep(request, answer)
    return answer


def filled(template: str, language: str, here: str, *, look: themes.Theme = "", **places: Any) -> str:
    """A template filled; `t(key)` in it gives text in the page's language, `here` is the page's own address. `look`:
    light or dark where the reader has chosen."""

    def t(key: str, **values: Any) -> str:
        return i18n.t(language, key, **values)

    return (
        _environment()
        .get_template(template)
        .render(
            t=t,
            lang=language,
            dir=i18n.head(language).direction,
            others=[(code, i18n.head(code).name) for code in i18n.LANGUAGES if code != language],
            build=build(),
            asset=served.address,
            look=Markup(themes.attribute(look)),  # noqa: S704  one of two words of ours
            version=classair.__version__,
            here=here,
            **places,
        )
    )


def phrases(text: str) -> Markup:
    """‹phrases› kept on one line, everything else as text."""
    safe = str(escape(text))
    return Markup(safe.replace("‹", '<span class="phrase">').replace("›", "</span>"))  # noqa: S704  escaped above


def language(request: Request) -> str:
    ctx: Context = request.app.state.ctx
    return ctx.language(request.query_params)


def plain_page(request: Request, status: int, words: str = "") -> HTMLResponse:
    """A short page for people who came to an address that is not there, not for them, or does not work just now."""
    words = words or {403: "access.not_allowed", 503: "access.unreadable"}.get(status, "access.not_found")
    return page(request, "plain.html", language(request), status=status, words=words)


def refused(request: Request, why: str, status: int) -> HTMLResponse:
    """A page that says what was wrong with a form, with the way back to it."""
    chosen, page = language(request), _page_of(request.url.path)
    text = filled("refused.html", chosen, page, look=themes.theme_of(request), words=f"form.{why}")
    return HTMLResponse(text, status)


def _page_of(path: str) -> str:
    """Where the form stands that is sent to `path`."""
    parts = path.split("/")
    if parts[1] == "door":
        return "/".join(parts[:3])
    return "/login" if parts[1] in ("login", "logout") else path
