"""The scalar formats of sensors.yaml: durations, time ranges, names, yes and no."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from classair import dates, timetable
from classair.i18n import LANGUAGES

_DURATION = re.compile(r"^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CLOCK = re.compile(r"^([01]?\d|2[0-3])[:.][0-5]\d$")
_DAYS = re.compile(r"^(\d{4}-\d{2}-\d{2})\s*\.\.\s*(\d{4}-\d{2}-\d{2})$")
_DOI = re.compile(r"10\.\d{4,9}/[!-~]+")
_DOI_ADDRESS = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_SPAN = re.compile(r"^(\d{1,2}[:.]\d{2})\s*[-–]\s*(\d{1,2}[:.]\d{2})$")


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        match = _DURATION.match(value.strip())
        if not match:
            raise ValueError("expected a duration such as 10s, 3m or 2h")
        return float(match[1]) * _SECONDS[match[2]]
    return value


def _every(value: Any) -> Any:
    return 0.0 if value == "frame" else _seconds(value)


def _plain(text: str) -> str:
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("control characters are not allowed")
    return text


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"unknown language {code!r}; known: {', '.join(LANGUAGES)}")
    return code


def yes_or_no(value: Any) -> Any:
    if isinstance(value, str):
        known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        if value.lower() not in known:
            raise ValueError("expected yes or no")
        return known[value.lower()]
    return value


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=86400 * 400)]
DurationOrNone = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=86400 * 400)]
"""0s is allowed: at once."""
Every = Annotated[float, BeforeValidator(_every), Field(ge=0, le=3600)]
Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
YesNo = Annotated[bool, BeforeValidator(yes_or_no)]
Language = Annotated[str, AfterValidator(_language)]


def _block(value: Any) -> timetable.HoursOfDay:
    """A span that may continue over midnight."""
    match = _SPAN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a time range such as 08:30-15:30")
    start, end = (time.fromisoformat(part.replace(".", ":").rjust(5, "0")) for part in match.groups())
    if start == end:
        raise ValueError("the end must differ from the start")
    return timetable.HoursOfDay(start, end)


def _span(value: Any) -> timetable.HoursOfDay:
    block = _block(value)
    if block.start >= block.end:
        raise ValueError("the end must be after the start")
    return block


HoursOfDay = Annotated[timetable.HoursOfDay, BeforeValidator(_span)]
Block = Annotated[timetable.HoursOfDay, BeforeValidator(_block)]
"""Hours that may continue over midnight: `22:00-06:00`."""


def _clock(value: Any) -> Any:
    if isinstance(value, str):
        if not _CLOCK.match(value):
            raise ValueError("expected a time such as 12:00")
        return time.fromisoformat(value.replace(".", ":").rjust(5, "0"))
    return value


def _days(value: Any) -> Any:
    if isinstance(value, str):
        match = _DAYS.match(value)
        if match is None:
            raise ValueError("expected first and last day, such as 2026-05-16..2026-10-10")
        first, last = map(dates.day, match.groups())
        if last < first:
            raise ValueError("the last day must not be before the first")
        return first, last
    return value


def _doi(value: Any) -> Any:
    """The name alone, of what may have been copied as an address."""
    if not isinstance(value, str) or not value:
        return value
    name = _DOI_ADDRESS.sub("", value.strip())
    if not _DOI.fullmatch(name):
        raise ValueError("expected a DOI such as 10.5281/zenodo.1234567")
    return name


Doi = Annotated[str, Field(max_length=256), BeforeValidator(_doi)]
"""Empty: there is none."""
Licence = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""An SPDX id or words; empty: none was chosen."""

Clock = Annotated[time, BeforeValidator(_clock)]
Days = Annotated[tuple[date, date], BeforeValidator(_days)]
YearName = Annotated[str, Field(pattern=r"^\d{4}$")]  # a name: Thai schools say 2569


def duration(text: str) -> float:
    """Seconds in `10s`, `3m`, `2h`. Raises ValueError."""
    seconds = _seconds(text)
    assert isinstance(seconds, float)
    return seconds
