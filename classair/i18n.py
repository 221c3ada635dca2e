"""Words, numbers and dates in a reader's language. One file locales/<code>.toml makes a language.

Texts are one sentence a key. A package with screens of its own keeps their texts beside them and registers the folder.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

REFERENCE: Final = "en"
BUDDHIST_OFFSET: Final = 543
YEAR_OFFSETS: Final[Mapping[str, int]] = {"gregorian": 0, "buddhist": BUDDHIST_OFFSET}

DateStyle = Literal["long", "medium", "time", "day_time", "short"]

# What stays on one line with the number or the day before it, and a phrase that Thai line breaking would part.
_BOUND: Final = (
    (re.compile(r" (?=(?:น\.|มคก\.|พ\.ศ\.|ppm\b))|(?<=พ\.ศ\.) "), "\u00a0"),
    (re.compile("ที่ผ่านมา"), "ที่ผ่าน\u2060มา"),
)

_HERE: Final = resources.files("classair.locales")
_folders: Final[list[Traversable]] = [_HERE]


class TextFault(ValueError):
    """A file of texts that cannot be used; the message names it."""


def _codes() -> tuple[str, ...]:
    """Languages by the names of their files; the reference, into which others fall back, comes last."""
    names = (file.name for file in _HERE.iterdir() if file.name.endswith(".toml"))
    return tuple(sorted((name.removesuffix(".toml") for name in names), key=lambda code: (code == REFERENCE, code)))


LANGUAGES: Final = _codes()


def add_texts(folder: Traversable) -> None:
    """Makes the texts of another package's `<code>.toml` files known. Raises TextFault for a key known already."""
    if folder in _folders:
        return
    known = texts(REFERENCE).keys() & _read(folder, REFERENCE).keys()
    if known:
        raise TextFault(f"{folder}: {', '.join(sorted(known))}: these texts already exist")
    _folders.append(folder)
    texts.cache_clear()


@lru_cache(maxsize=64)
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language by dotted key, missing ones from the reference language."""
    found: dict[str, str] = {}
    for code in dict.fromkeys((REFERENCE, language)):
        for folder in _folders:
            found.update(_read(folder, code))
    return found


def missing(language: str) -> list[tuple[str, str]]:
    """What a language leaves to the reference language, as (file it belongs in, key)."""
    return [
        (str(folder.joinpath(f"{language}.toml")), key)
        for folder in _folders
        for key in sorted(_read(folder, REFERENCE).keys() - _read(folder, language).keys())
    ]


def t(language: str, key: str, **places: Any) -> str:
    """The text at `key` with its {places} filled. Raises KeyError for a key that no language has."""
    text = texts(language if language in LANGUAGES else REFERENCE)[key]
    return _bound(text.format(**places)) if places else text


def in_every_language(key: str, **places: Any) -> dict[str, str]:
    """The text at `key` by language, for messages that carry people's words."""
    return {language: t(language, key, **places) for language in LANGUAGES}


def has(key: str) -> bool:
    return key in texts(REFERENCE)


def _read(folder: Traversable, language: str) -> dict[str, str]:
    file = folder.joinpath(f"{language}.toml")
    return _flat(tomllib.loads(file.read_text("utf-8"))) if file.is_file() else {}


def _bound(text: str) -> str:
    for pattern, bound in _BOUND:
        text = pattern.sub(bound, text)
    return text


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = _bound(str(value))
    return flat


# -- what a language's file says of the language itself ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """The table [language] of a file. `locale` is Babel's; `clock` in strftime's words, which charts use as well."""

    name: str
    direction: str
    locale: str
    calendar: str
    clock: str
    spaces: str

    @property
    def year_offset(self) -> int:
        return YEAR_OFFSETS[self.calendar]


@lru_cache(maxsize=64)
def head(language: str) -> Head:
    """How a language is written. Raises TextFault for a file without a name, or with what no page could follow."""
    said = {key: t(language, f"language.{key}") for key in Head.__slots__}
    if language != REFERENCE and said["name"] == t(REFERENCE, "language.name"):
        raise TextFault(
            f"locales/{language}.toml: language.name is missing; set it to the language's name in that language"
        )
    choices = {"direction": ("ltr", "rtl"), "calendar": tuple(YEAR_OFFSETS), "spaces": ("words", "clauses")}
    for key, known in choices.items():
        if said[key] not in known:
            raise TextFault(f"locales/{language}.toml: language.{key} = {said[key]!r}; expected {' or '.join(known)}")
    return Head(**said)


def show_date(at: datetime | date, language: str, style: DateStyle = "medium") -> str:
    """A date or moment as people write it, in the language's calendar. Only aware datetimes may enter."""
    if isinstance(at, datetime) and at.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown")
    if style in ("time", "day_time"):
        if not isinstance(at, datetime):
            raise ValueError("a date has no time of day")
        time = t(language, "language.time", clock=at.strftime(head(language).clock))
        return time if style == "time" else t(language, "language.day_time", day=show_date(at, language), time=time)
    return _pattern(at, language, t(language, f"language.date.{style}"))


def show_month(at: date, language: str) -> str:
    return _pattern(at, language, t(language, "language.date.month"))


def show_days(first: date, last: date, language: str) -> str:
    """A stretch of days, both included, with month and year said once where they are the same."""
    key = "across_years"
    if first.year == last.year:
        key = "within_month" if first.month == last.month else "within_year"
    places = {
        f"{prefix}{name}": _pattern(at, language, pattern)
        for prefix, at in (("", first), ("to_", last))
        for name, pattern in (("day", "d"), ("month", "MMM"), ("year", "y"))
    }
    return t(language, f"language.days.{key}", **places)


def weekday(number: int, language: str, width: Literal["abbreviated", "wide"] = "abbreviated") -> str:
    """The name of a day of the week, 0 for Monday."""
    from babel.dates import get_day_names

    return str(get_day_names(width, locale=head(language).locale)[number])


def _pattern(at: date, language: str, pattern: str) -> str:
    """Babel's date patterns, with the year of the language's calendar."""
    from babel.dates import format_date, format_datetime

    known = head(language)
    year = str(at.year + known.year_offset)
    pattern = re.sub(r"'[^']*'|y+", lambda part: part[0] if part[0].startswith("'") else year, pattern)
    return str((format_datetime if isinstance(at, datetime) else format_date)(at, pattern, locale=known.locale))
