"""The drawings of the working pages are those of the display, in a colour that can be read on each level."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

import dashboard
from dashboard.figures import LEVEL_COLOURS

FOLDER = Path(dashboard.__file__).parent
MACROS = (
    Environment(loader=FileSystemLoader(FOLDER / "public" / "templates"), autoescape=True)
    .get_template("faces.html")
    .module
)
INK = {
    "very_good": "#111",
    "good": "#FFF",
    "moderate": "#111",
    "starts_to_affect_health": "#111",
    "affects_health": "#FFF",
    "unknown": "#FFF",
}
WINDOWS = {"open": "fresh", "ajar": "stuffy_soon", "closed": "stuffy", "alert": "very_stuffy", "unknown": "unknown"}


def drawing(inline: str, ink: str) -> str:
    """A picture file of an inline drawing: it names its language and its colour, and nothing of the page."""
    one_line = re.sub(r">\s+<", "><", inline.strip())
    one_line = re.sub(r' (class|data-level|aria-hidden|focusable)="[^"]*"', "", one_line)
    return one_line.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1).replace("currentColor", ink) + "\n"


@pytest.mark.parametrize("level", LEVEL_COLOURS)
def test_a_level_has_the_same_face_on_pages_and_display(level: str) -> None:
    file = FOLDER / "assets" / f"page-face-{level}.svg"
    assert file.read_text() == drawing(str(MACROS.face(level)), INK[level])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", WINDOWS)
def test_ventilation_has_the_same_window_on_pages_and_display(name: str) -> None:
    file = FOLDER / "assets" / f"page-window-{name}.svg"
    assert file.read_text() == drawing(str(MACROS.window(WINDOWS[name])), "#3D4852")  # type: ignore[attr-defined]
