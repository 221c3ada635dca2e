"""Reads a reference instrument's series from CSV: hourly or finer, with a time and a value in each row."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Final

from classair.dates import moment_ms
from classair.science.indexes import exact
from classair.timetable import ZONE
from classair.units import HOUR_MS

TIME_NAMES: Final = ("time", "timestamp", "datetime", "date_time", "date", "time_utc")
VALUE_NAMES: Final = ("pm25", "pm2.5", "pm2_5", "value", "reference", "concentration")
NO_DATA: Final = frozenset({"", "-", "-1", "-1.0", "-999", "-999.0", "-9999", "na", "nan", "n/a", "null", "none"})
"""What stations write where they have no value. A −1 taken for a value would be clean air."""


LONGEST_LINE: Final = 20_000


class Unreadable(ValueError):
    """What is wrong with the file, and where."""


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """Refuses what is no line of a table; the csv module's own limit is the whole process's and may be changed."""
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise Unreadable(f"line {number}: {len(line)} characters; at most {LONGEST_LINE} are allowed")
        yield line


def read_reference(
    lines: Iterable[str],
    *,
    time_column: str = "",
    value_column: str = "",
    utc_offset_h: float | None = None,
    stamp_end: bool = False,
) -> tuple[dict[int, float], list[str]]:
    """Hourly means by the hour's start (UTC ms), and notes on what was left out.

    Times without an offset are Bangkok time unless `utc_offset_h` says otherwise; `stamp_end`: a row's time is the end
    of what it covers. Rows finer than an hour are averaged, with three quarters of them. Raises Unreadable.
    """
    try:
        rows = list(csv.reader(_bounded(lines)))
    except csv.Error as error:
        raise Unreadable(f"the file is not CSV: {error}") from error
    if not rows:
        raise Unreadable("the file is empty")
    heads = [head.strip().lstrip("\ufeff").lower() for head in rows[0]]
    when, what = _column(heads, time_column, TIME_NAMES, "time"), _column(heads, value_column, VALUE_NAMES, "value")
    zone = ZONE if utc_offset_h is None else timezone(timedelta(hours=utc_offset_h))
    values: dict[int, float | None] = {}
    twice = 0
    for number, row in enumerate(rows[1:], 2):
        if not any(field.strip() for field in row):
            continue
        if len(row) <= max(when, what):
            raise Unreadable(f"line {number}: {len(row)} fields; expected at least {max(when, what) + 1}")
        at, value = _moment(row[when], zone, number), _value(row[what], number)
        if at in values:
            twice += 1
            if values[at] is not None and value is not None and values[at] != value:
                raise Unreadable(f"line {number}: a second, different value for {row[when].strip()}")
        values[at] = value if value is not None else values.get(at)
    if not values:
        raise Unreadable("the file has a header but no rows")
    found, notes = _hourly(values, stamp_end)
    missing = sum(value is None for value in values.values())
    notes += [f"{missing} rows without a value"] * bool(missing) + [f"{twice} duplicate rows"] * bool(twice)
    return found, notes


def _hourly(values: dict[int, float | None], stamp_end: bool) -> tuple[dict[int, float], list[str]]:
    ordered = sorted(values)
    steps = [b - a for a, b in pairwise(ordered)]
    step = min(int(statistics.median_low(steps)) if steps else HOUR_MS, HOUR_MS)
    hours: dict[int, list[float]] = {}
    for at in ordered:
        value = values[at]
        if value is not None:
            hours.setdefault((at - (1 if stamp_end else 0)) // HOUR_MS * HOUR_MS, []).append(value)
    expected = max(HOUR_MS // step, 1)
    whole = {start: math.fsum(there) / len(there) for start, there in hours.items() if 4 * len(there) >= 3 * expected}
    short = len(hours) - len(whole)
    return whole, [f"{short} hours with less than 75% of their rows"] * bool(short)


def _column(heads: Sequence[str], named: str, usual: Sequence[str], what: str) -> int:
    wanted = [named.strip().lower()] if named else list(usual)
    for name in wanted:
        if name in heads:
            return heads.index(name)
    option = f"--{what}-column"
    raise Unreadable(
        f"the file has no {what} column ({' or '.join(wanted)}), only {', '.join(heads)}. Name it with {option}"
    )


def _moment(text: str, zone: tzinfo, number: int) -> int:
    try:
        return moment_ms(text, zone)
    except ValueError as error:
        raise Unreadable(f"line {number}: {text.strip()!r}: {error}") from None


def _value(text: str, number: int) -> float | None:
    text = text.strip()
    if text.lower() in NO_DATA:
        return None
    try:
        found = exact(text)
    except ValueError:
        raise Unreadable(f"line {number}: {text!r} is not a number; expected something like 34.1, or nothing") from None
    return None if found is None else float(found)
