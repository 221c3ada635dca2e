"""The display's level colours stay apart for colour-blind readers and in grey, and their texts can be read on them."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import Final

import pytest

from dashboard.public.pages import ASSETS

Colour = tuple[float, float, float]
LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health", "unknown")
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
DEFICIENCIES: Final = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
APART: Final = 15.8  # ΔE*ab between two levels, as the design has it
UNKNOWN_APART: Final = 13.0  # grey has no number, no bar and another face
GREY_APART: Final = 4.0  # L* between levels that follow each other, on paper; face, word and bars say it as well


def css() -> dict[str, tuple[str, str]]:
    """Ground and text of each level as display.css has them; unknown is the plain panel."""
    text = (ASSETS / "display" / "display.css").read_text("utf-8")
    levels = re.findall(r"\.level\[data-level=(\w+)\]\{background:(#\w+);color:(#\w+)\}", text)
    found = {name: (ground, ink) for name, ground, ink in levels}
    plain = re.search(r"\.level\{background:(#\w+);color:(#\w+)", text)
    assert plain is not None
    return {**found, "unknown": (plain.group(1), plain.group(2))}


def linear(code: str) -> Colour:
    digits = code[1:] if len(code) == 7 else "".join(digit * 2 for digit in code[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts)
    return red, green, blue


def seen(colour: Colour, matrix: tuple[Colour, Colour, Colour]) -> Colour:
    red, green, blue = (min(1.0, max(0.0, sum(m * c for m, c in zip(row, colour, strict=True)))) for row in matrix)
    return red, green, blue


def luminance(colour: Colour) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def lab(colour: Colour) -> Colour:
    red, green, blue = colour
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (it ** (1 / 3) if it > 0.008856 else 7.787 * it + 16 / 116 for it in (x, luminance(colour), z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(one: Colour, other: Colour) -> float:
    return sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5


@pytest.mark.parametrize("kind", [None, *DEFICIENCIES])
def test_all_levels_are_told_apart(kind: str | None) -> None:
    grounds = {name: linear(css()[name][0]) for name in LEVELS}
    if kind is not None:
        grounds = {name: seen(colour, DEFICIENCIES[kind]) for name, colour in grounds.items()}
    near = {(a, b): round(apart(grounds[a], grounds[b]), 1) for a, b in combinations(LEVELS, 2)}
    wrong = {pair: by for pair, by in near.items() if by < (UNKNOWN_APART if "unknown" in pair else APART)}
    assert not wrong


def test_in_grey_neighbouring_levels_differ_in_lightness() -> None:
    light = {name: lab(linear(css()[name][0]))[0] for name in LEVELS}
    steps = {(a, b): abs(light[a] - light[b]) for a, b in pairwise(LEVELS[:5])}
    assert min(steps.values()) >= GREY_APART, steps


def test_the_words_on_every_level_can_be_read() -> None:
    for ground, ink in css().values():
        high, low = sorted((luminance(linear(ground)), luminance(linear(ink))), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ground, ink)
