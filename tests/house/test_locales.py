"""Thai and English say everything with the same places to fill; any other language what it has."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest

from classair import PACKAGES, i18n

ROOT = Path(__file__).parents[2]
FOUNDATION = ROOT / "classair" / "locales"
FOLDERS = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("locales") if path.is_dir())
COMPLETE = ("th", "en")


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return found


def texts(file: Path) -> dict[str, str]:
    return flat(tomllib.loads(file.read_text("utf-8")))


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


FILES = [file for folder in FOLDERS for file in sorted(folder.glob("*.toml"))]
every_file = pytest.mark.parametrize("file", FILES, ids=_shown)


@pytest.mark.parametrize("folder", FOLDERS, ids=_shown)
def test_thai_and_english_are_complete(folder: Path) -> None:
    thai, english = (set(texts(folder / f"{code}.toml")) for code in COMPLETE)
    assert (sorted(english - thai), sorted(thai - english)) == ([], [])


@every_file
def test_a_language_that_a_folder_speaks_is_one_that_there_is(file: Path) -> None:
    assert file.stem in i18n.LANGUAGES


@every_file
def test_a_text_is_one_of_the_reference_with_its_places(file: Path) -> None:
    reference = texts(file.with_name("en.toml"))
    wrong = {
        key: (places(text), places(reference[key]) if key in reference else "not in en.toml")
        for key, text in texts(file).items()
        if key not in reference or places(text) != places(reference[key])
    }
    assert wrong == {}


def test_every_text_stands_in_one_folder() -> None:
    keys = [key for folder in FOLDERS for key in texts(folder / "en.toml")]
    assert sorted(key for key in set(keys) if keys.count(key) > 1) == []


@every_file
def test_no_text_is_empty_or_ends_in_a_blank(file: Path) -> None:
    wrong = [key for key, text in texts(file).items() if not isinstance(text, str) or not text or text != text.strip()]
    assert wrong == []


@every_file
def test_phrases_that_stay_on_one_line_are_closed(file: Path) -> None:
    assert [key for key, text in texts(file).items() if text.count("‹") != text.count("›")] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=_shown)
def test_thai_texts_are_thai(folder: Path) -> None:
    """A sentence left in English shows; names of places to fill, units and product names may be the same in both."""
    english = texts(folder / "en.toml")
    left = {
        key
        for key, text in texts(folder / "th.toml").items()
        if text == english.get(key)
        and not key.startswith("language.")
        and len(re.findall(r"[A-Za-z]{3,}", re.sub(r"\{\w*\}", "", text))) > 1
    }
    assert left == set()


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_language_says_how_it_is_written(language: str) -> None:
    from babel import Locale

    head = i18n.head(language)
    assert Locale.parse(head.locale)
    assert "language.name" in texts(FOUNDATION / f"{language}.toml")
    assert set(re.findall("%.", head.clock)) == {"%H", "%M"}, "what display and charts both understand"


def test_every_flag_has_its_words() -> None:
    from classair.model import Flag

    flags = {flag.name.lower() for flag in Flag if flag.name and flag}
    told = {key.partition(".")[2] for key in texts(FOUNDATION / "en.toml") if key.startswith("flag.")}
    assert told == flags | {"late", "incomplete"}


def test_every_text_that_code_asks_for_by_name_exists() -> None:
    keys = {key for folder in FOLDERS for key in texts(folder / "en.toml")}
    asked = re.compile(r"""\b(?:t|in_every_language)\((?:[\w.]+, )?["']([a-z_]+(?:\.\w+)+)["']""")
    sources = (path for package in PACKAGES for kind in ("*.py", "*.html") for path in (ROOT / package).rglob(kind))
    wrong = {
        f"{_shown(path)}: {key}"
        for path in sources
        for key in asked.findall(path.read_text("utf-8"))
        if key not in keys
    }
    assert wrong == set()
