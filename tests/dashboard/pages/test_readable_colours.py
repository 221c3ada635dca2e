"""Colours in the light and in the dark: what carries words has a contrast of at least 4.5, lines and borders 3."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from dashboard import chart_theme, figures
from dashboard.pages.explorer import figures_series

ASSETS: Final = Path(chart_theme.__file__).parent / "assets"
DASHBOARD: Final = ASSETS.parent
WORDS: Final = (
    ("ink", "paper"),
    ("ink", "ground"),
    ("soft", "paper"),
    ("soft", "ground"),
    ("soft", "stripe"),
    ("accent", "paper"),
    ("accent", "ground"),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("well-ink", "well-ground"),
    ("warn-ink", "warn-ground"),
    ("bad-ink", "paper"),
    ("bad-ink", "bad-ground"),
    ("urgent", "paper"),
    ("ink", "table-head"),
    ("ink", "hover"),
)
BORDERS: Final = (("field-line", "paper"), ("focus", "paper"), ("focus", "ground"))


def looks() -> dict[str, dict[str, str]]:
    """The variables of the theme by look."""
    text = (ASSETS / "page-theme.css").read_text("utf-8")
    found = {}
    for look, selector in (
        ("light", r":root \{"),
        ("dark", r":root\[data-theme=dark\] \{"),
        ("device", r":root:not\(\[data-theme=light\]\) \{"),
    ):
        body = re.split(selector, text, maxsplit=1)[1].partition("}")[0]
        found[look] = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_pair_of_the_theme_can_be_read(look: str) -> None:
    colours = looks()[look]
    for least, pairs in ((4.5, WORDS), (3.0, BORDERS)):
        for one, other in pairs:
            assert contrast(colours[one], colours[other]) >= least, f"{one} on {other}"


def test_dark_is_the_same_whether_chosen_or_of_the_device() -> None:
    found = looks()
    assert found["dark"] == found["device"]
    assert found["dark"].keys() == found["light"].keys() - set(figures.LEVEL_COLOURS)


def test_lines_and_words_of_charts_can_be_read_in_the_dark() -> None:
    paper = looks()["dark"]["paper"]
    for light, dark in chart_theme.LINES.items():
        if light not in (figures.LINE, "#98A2AD"):  # the grid and the hatching stay behind
            assert contrast(dark, paper) >= 4.5, light


def test_every_colour_that_a_figure_draws_with_has_one_for_the_dark() -> None:
    named = {figures.INK, figures.SOFT, figures.LINE, figures.INDOOR, figures.OUTDOOR, figures.AIR, figures.WARMTH}
    named |= {figures.DAMP, figures.RUNNING, *figures_series.COLOURS}
    assert named <= chart_theme.LINES.keys()


def test_the_style_sheet_of_charts_is_what_the_table_says() -> None:
    assert chart_theme.SHEET.read_text("utf-8") == chart_theme.sheet(), "run: python -m dashboard.describe"
