"""Words, numbers and dates in a reader's language. Texts live in locales/<language>.toml, one sentence a key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any, Final, Literal

LANGUAGES: Final = ("th", "en")
REFERENCE: Final = "en"
BUDDHIST_OFFSET: Final = 543

DateStyle = Literal["long", "medium", "time", "day_time", "short"]


@lru_cache(maxsize=8)
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language by dotted key, missing ones from the reference language."""
    found = _flat(_read(REFERENCE))
    if language != REFERENCE:
        found = {**found, **_flat(_read(language))}
    return found


def t(language: str, key: str, **places: Any) -> str:
    """The text at `key` with its {places} filled. Raises KeyError for a key that no language has."""
    text = texts(language if language in LANGUAGES else REFERENCE)[key]
    return text.format(**places) if places else text


def in_every_language(key: str, **places: Any) -> dict[str, str]:
    """The text at `key` by language, for messages that carry people's words."""
    return {language: t(language, key, **places) for language in LANGUAGES}


def has(key: str) -> bool:
    return key in texts(REFERENCE)


def _read(language: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("classair.locales").joinpath(f"{language}.toml").read_text("utf-8"))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def show_date(at: datetime | date, language: str, style: DateStyle = "medium") -> str:
    """A date or moment as people write it; Thai in Buddhist years. Only aware datetimes may enter."""
    from babel.dates import format_date, format_datetime

    if isinstance(at, datetime) and at.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown")
    if style in ("time", "day_time"):
        if not isinstance(at, datetime):
            raise ValueError("a date has no time of day")
        clock = f"{at:%H.%M}\u00a0น." if language == "th" else f"{at:%H:%M}"
        if style == "time":
            return clock
        return f"{show_date(at, language)} {clock}" if language == "th" else f"{show_date(at, language)}, {clock}"
    locale = "th" if language == "th" else "en_GB"
    pattern = {"long": "EEEE d MMMM", "medium": "d MMM", "short": "EEE d MMM"}[style]
    call = format_datetime if isinstance(at, datetime) else format_date
    if language == "th":
        day = call(at, pattern.replace("EEEE d", "EEEE'ที่' d"), locale=locale)
        era = "พ.ศ.\u00a0" if style == "long" else ""
        return f"{day} {era}{at.year + BUDDHIST_OFFSET}"
    day = call(at, {"long": "EEEE d MMMM", "medium": "EEE d MMM", "short": "EEE d MMM"}[style], locale=locale)
    return f"{day.replace(',', '')} {at.year}"
