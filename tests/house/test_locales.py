"""Both languages say everything, with the same places to fill."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest

LOCALES = Path(__file__).parents[2] / "classair" / "locales"
LANGUAGES = sorted(path.stem for path in LOCALES.glob("*.toml"))


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return found


def texts(language: str) -> dict[str, str]:
    return flat(tomllib.loads((LOCALES / f"{language}.toml").read_text("utf-8")))


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_thai_and_english_are_there() -> None:
    assert {"th", "en"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_keys_of_the_reference(language: str) -> None:
    reference, here = set(texts("en")), set(texts(language))
    assert (sorted(reference - here), sorted(here - reference)) == ([], [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_the_places_of_the_reference(language: str) -> None:
    reference = texts("en")
    wrong = {
        key: (places(text), places(reference[key]))
        for key, text in texts(language).items()
        if places(text) != places(reference.get(key, text))
    }
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_ends_in_a_blank(language: str) -> None:
    wrong = [
        key for key, text in texts(language).items() if not isinstance(text, str) or not text or text != text.strip()
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_phrases_that_stay_on_one_line_are_closed(language: str) -> None:
    assert [key for key, text in texts(language).items() if text.count("‹") != text.count("›")] == []


def test_thai_texts_are_thai() -> None:
    """A sentence left in English shows; names of places to fill, units and product names may be the same in both."""
    english = texts("en")
    left = {
        key
        for key, text in texts("th").items()
        if text == english.get(key) and len(re.findall(r"[A-Za-z]{3,}", re.sub(r"\{\w*\}", "", text))) > 1
    }
    assert left == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_flag_has_its_words(language: str) -> None:
    from classair.model import Flag

    flags = {flag.name.lower() for flag in Flag if flag.name and flag}
    told = {key.partition(".")[2] for key in texts(language) if key.startswith("flag.")}
    assert told == flags | {"late", "incomplete"}
