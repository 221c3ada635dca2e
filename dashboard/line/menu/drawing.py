"""The menu's picture and its fields: six, as large as LINE lets them be, the same words as in the conversation."""

from __future__ import annotations

from typing import Final

from classair import i18n
from classair.line.menus import Area, Menu
from dashboard.reports import engine
from dashboard.reports.paper import paper

AREAS: Final = ("air", "report", "problem", "rooms", "tickets", "help")
COLUMNS: Final = 3
WIDTH, HEIGHT = 1080, 728


def menu(language: str) -> Menu:
    width, height = WIDTH // COLUMNS, HEIGHT * COLUMNS // len(AREAS)
    fields = tuple(
        Area(
            place % COLUMNS * width,
            place // COLUMNS * height,
            width,
            height,
            i18n.t(language, f"line_menu.{area}"),
            i18n.t(language, f"line_menu.{area}"),
        )
        for place, area in enumerate(AREAS)
    )
    return Menu(f"ClassAir {language}", i18n.t(language, "line_menu.bar"), WIDTH, HEIGHT, fields)


def picture(language: str) -> bytes:
    """PNG of 1080 × 728 pixels. Raises OSError or ImportError where `engine.unavailable` says why."""
    title = i18n.t(language, "line_menu.title")
    html = paper("line_menu.html", language, areas=AREAS)
    return engine.render(html, "png", title=title, language=language)
