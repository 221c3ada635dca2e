"""Levels that sensors are compared by: means of hours from the rollups, of quarter-hours from readings."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from classair.model import QUANTITIES
from classair.science.quality_checks.neighbours import NIGHT_HOURS, PAIR_QUARTER_MS, local_day
from classair.stores import BANGKOK_MS
from classair.units import DAY_MS, HOUR_MS

_NIGHT_MS = len(NIGHT_HOURS) * HOUR_MS


def hourly(connection: sqlite3.Connection, series: int, quantity: str, start: int, end: int) -> dict[int, float]:
    """Means of valid values by the start of their hour, UTC ms."""
    return _hours(connection, series, quantity, "and t>=? and t<?", (start // HOUR_MS, -(-end // HOUR_MS)))


def nightly(connection: sqlite3.Connection, series: int, quantity: str) -> dict[int, float]:
    """The same of every night there is."""
    return _hours(connection, series, quantity, f"and (t + {BANGKOK_MS // HOUR_MS}) % 24 < {len(NIGHT_HOURS)}", ())


def _hours(
    connection: sqlite3.Connection, series: int, quantity: str, where: str, given: tuple[int, ...]
) -> dict[int, float]:
    scale = QUANTITIES[quantity].scale
    return {
        t * HOUR_MS: total / n / scale
        for t, total, n in connection.execute(
            f"select t, sum(sum_{quantity}), sum(n) from rollup_1h where series=? {where} "
            f"and low_{quantity} is not null group by t",
            (series, *given),
        )
    }


def quarters(at: Sequence[int], column: Sequence[float | None], sound: Sequence[bool]) -> dict[int, float]:
    """Means of quarter-hours by their start; readings that are not sound are left out."""
    sums: dict[int, list[float]] = {}
    for moment, value, good in zip(at, column, sound, strict=True):
        if good and value is not None:
            sums.setdefault(moment // PAIR_QUARTER_MS * PAIR_QUARTER_MS, []).append(value)
    return {start: sum(values) / len(values) for start, values in sums.items()}


def purified_days(connection: sqlite3.Connection, purifiers: Collection[str], until: int) -> set[int]:
    """Local days before `until` in whose night one of these purifiers was seen on."""
    found: set[int] = set()
    for purifier in purifiers:
        since: int | None = None
        for at_ms, on in [
            *connection.execute('select at_ms, "on" from switch where purifier=? order by at_ms', (purifier,)),
            (until, 0),
        ]:
            if since is not None and since < at_ms:
                found.update(_nights(since, at_ms))
            since = at_ms if on else None
    return found


def _nights(start: int, end: int) -> set[int]:
    days = set()
    for day in range(local_day(start), local_day(end) + 1):
        begins = day * DAY_MS - BANGKOK_MS
        if start < begins + _NIGHT_MS and end > begins:
            days.add(day)
    return days
