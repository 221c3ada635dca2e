"""Judges a school's settled past anew and says what should change; reads readings.db and writes nothing.

The flags that take memory, neighbours or a person (OWNED) are worked out afresh and replace what is there. Those of a
single value (range, order …) are added when today's rules find them, and never taken away: a bridge may have seen in
one frame what its mean no longer shows. Flags that only the device can know (warm-up, its own error, its clock) stay.
Doing it twice changes nothing, so it may be stopped anywhere and begun again.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from classair.config import Config
from classair.intervals import Interval, holds, union, within
from classair.model import BAD, QUANTITIES, Flag
from classair.science.quality import judge
from classair.science.quality_checks.limits import MASSES, PARTICLES
from classair.science.quality_checks.neighbours import local_day, moving
from classair.science.quality_checks.retrospective import Track, judge_track, still
from classair.science.quality_checks.school import Member, judge_school
from classair.science.quality_checks.spans import FlagSpan
from classair.stores import Series
from classair.stores.local_day import number_of
from classair.stores.sqlite.rows import CLOCKS, all_series, read_marks, trimmed_days
from classair.units import DAY_MS
from ingest.books.manual_flags import manual_flags
from ingest.rechecking.levels import hourly, nightly, purified_days, quarters

if TYPE_CHECKING:
    from ingest.rechecking.slots import SlotReader

OWNED: Final = (
    Flag.STUCK
    | Flag.SPIKE
    | Flag.RATE
    | Flag.DRIFT
    | Flag.PAIR
    | Flag.MOVED
    | Flag.MANUAL
    | Flag.FLOW
    | Flag.SWAPPED
    | Flag.RH_HIGH
)
MARGIN_MS: Final = DAY_MS
"""Read on either side of what is judged: the longest run that a rule waits for."""
HOURS_AROUND_MS: Final = 8 * DAY_MS
LONGEST: Final = 10_000  # readings of one change
MOST_CHANGES: Final = 500
MOST_READINGS: Final = 50_000
"""In one transaction: about a second, in which readings wait."""

_WANTED: Final = (*PARTICLES, "co2_ppm", "temp_c", "rh_pct")


@dataclass(frozen=True, slots=True)
class Change:
    """`readings` of a sensor from `start` up to, not including, `end` get and lose flags; no quantities: as a whole."""

    sensor: str
    quantities: tuple[str, ...]
    add: int
    remove: int
    start: int
    end: int
    readings: int

    @property
    def values(self) -> int:
        return self.readings * max(1, len(self.quantities))


@dataclass(slots=True)
class _Past:
    """One series' rows: time, flags, flags of values, and columns of values in their units."""

    identity: int
    series: Series
    at: list[int]
    flags: list[int]
    marks: list[Mapping[str, int]]
    clock: list[int]
    columns: dict[str, list[float | None]]
    wanted: dict[str, list[tuple[Flag, list[Interval]]]] = field(default_factory=dict)

    def want(self, quantity: str, flag: Flag, stretches: list[Interval]) -> None:
        if stretches:
            self.wanted.setdefault(quantity, []).append((flag, stretches))


def recheck(
    connection: sqlite3.Connection, site: str, start: int, end: int, config: Config, weeks: SlotReader | None = None
) -> list[Change]:
    """What should change from `start` up to, not including, `end` (UTC ms), in order of sensor and time.

    `connection` sees one state of the file; of `config` the sensors' models and the rooms' purifiers count.
    `weeks` remembers what is read around, for whoever judges one stretch after another.
    """
    models = {sensor: settings.model for sensor, settings in config.sensors()}
    rooms = {room for room, _ in config.rooms()}
    pasts = [
        _read(connection, identity, series, start - MARGIN_MS, end + MARGIN_MS)
        for identity, series in all_series(connection).items()
        if series.sensor.partition(".")[0] == site
    ]
    rooms_of: dict[str, int] = {}
    for past in pasts:
        if "pm25" in past.columns:
            rooms_of[past.series.room] = rooms_of.get(past.series.room, 0) + 1
    members = []
    for past in pasts:
        room = past.series.room
        purified = purified_days(connection, config.purifiers_in(room) if room in rooms else (), end)
        members.append(_member(connection, past, start, end, rooms_of.get(room, 0) > 1, purified))
    by_name: dict[str, list[_Past]] = {}
    for past in pasts:
        by_name.setdefault(past.series.sensor, []).append(past)
    grouped: dict[tuple[str, str, Flag], list[Interval]] = {}
    spans = judge_school([member for member in members if member is not None])
    for span in _beside_others(connection, site, start, end, config, spans, weeks) if start < end else spans:
        grouped.setdefault((span.sensor, span.quantity, span.flag), []).append((span.start, span.end))
    for (sensor, quantity, flag), stretches in grouped.items():
        for past in by_name.get(sensor, ()):
            past.want(quantity, flag, union(stretches))
    _from_people(connection, by_name)
    gone = [number_of(day) for day in trimmed_days(connection, site, start, end)] if start < end else []
    return [change for past in pasts for change in _changes(past, start, end, models.get(past.series.sensor, ""), gone)]


def _beside_others(
    connection: sqlite3.Connection,
    site: str,
    start: int,
    end: int,
    config: Config,
    spans: list[FlagSpan],
    weeks: SlotReader | None,
) -> list[FlagSpan]:
    """With what the comparison of weeks finds; it knows better when a drift of dust began and ended."""
    # Here, so that numpy is never loaded where readings come in: re-checking is a process of its own.
    from classair.science.comparison.judging import judge_beside, reach
    from ingest.rechecking.slots import SlotReader

    since, until = reach(start, end)
    known = {
        identity: series
        for identity, series in all_series(connection).items()
        if series.sensor.partition(".")[0] == site
    }
    outdoor = {name: room.outdoor for name, room in config.rooms()}
    members = (weeks or SlotReader()).read(connection, known, outdoor, since, until)
    if not members:
        return spans
    drifts = [span for span in spans if span.flag is Flag.DRIFT and span.quantity in MASSES]
    return [span for span in spans if span not in drifts] + judge_beside(members, since, drifts)


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(connection: sqlite3.Connection, identity: int, series: Series, start: int, end: int) -> _Past:
    rows: list[Any] = connection.execute(
        f"select at_ms, flags, vflags, clock, {', '.join(QUANTITIES)} from reading "
        "where series=? and at_ms>=? and at_ms<? order by at_ms, seq",
        (identity, start, end),
    ).fetchall()
    if not rows:
        return _Past(identity, series, [], [], [], [], {})
    at, flags, marks, clock, *values = zip(*rows, strict=True)
    columns: dict[str, list[float | None]] = {}
    for quantity, column in zip(QUANTITIES.values(), values, strict=True):
        if any(value is not None for value in column):
            scale = quantity.scale
            columns[quantity.key] = [None if value is None else value / scale for value in column]
    return _Past(identity, series, list(at), list(flags), [read_marks(mark) for mark in marks], list(clock), columns)


def _member(
    connection: sqlite3.Connection, past: _Past, start: int, end: int, paired: bool, purified: set[int]
) -> Member | None:
    """Judges the series by itself, and gathers what its neighbours are compared by."""
    dated = [not flags & Flag.CLOCK for flags in past.flags]
    track = past if all(dated) else None
    at = past.at if track else _where(past.at, dated)
    columns = {
        key: column if track else _where(column, dated) for key, column in past.columns.items() if key in _WANTED
    }
    blamed: list[Interval] = []
    for (quantity, flag), stretches in judge_track(Track(at, columns)).items():
        past.want(quantity, flag, stretches)
        if flag & BAD:
            blamed += stretches
    keys = frozenset(past.columns)
    if not keys & {"pm25", "co2_ppm"}:
        return None
    zeros: list[Interval] = []
    if "pm25" in keys:
        zeros = still(at, [columns["pm25"]], lambda row: 0 if row[0] == 0.0 else None)
    span = (start - HOURS_AROUND_MS, end + HOURS_AROUND_MS)
    own = past.identity
    return Member(
        past.series.sensor,
        past.series.room,
        keys,
        {**nightly(connection, own, "pm25"), **hourly(connection, own, "pm25", *span)} if "pm25" in keys else {},
        quarters(past.at, past.columns["pm25"], _sound(past)) if paired and "pm25" in keys else {},
        hourly(connection, own, "co2_ppm", *span) if "co2_ppm" in keys else {},
        purified,
        zeros,
        union(blamed),
    )


def _where(column: Sequence[Any], keep: Sequence[bool]) -> list[Any]:
    return [value for value, kept in zip(column, keep, strict=True) if kept]


def _sound(past: _Past) -> list[bool]:
    """Whether PM2.5 is good but for what is judged here anew."""
    bad = int(BAD & ~OWNED)
    return [not (flags | marks.get("pm25", 0)) & bad for flags, marks in zip(past.flags, past.marks, strict=True)]


def _from_people(connection: sqlite3.Connection, by_name: Mapping[str, list[_Past]]) -> None:
    for flag in manual_flags(connection):
        if flag.in_force:
            for past in by_name.get(flag.sensor, ()):
                past.want(flag.quantity, Flag.MANUAL, [(flag.start_ms, flag.end_ms)])
    moments: dict[str, list[int]] = {}
    if connection.execute("select 1 from sqlite_schema where name='deployment'").fetchone() is not None:
        for sensor, at_ms in connection.execute("select sensor, from_ms from deployment where from_ms>0"):
            moments.setdefault(sensor, []).append(at_ms)
    for sensor, times in moments.items():
        for past in by_name.get(sensor, ()):
            past.want("", Flag.MOVED, moving(times))


# -- comparing ---------------------------------------------------------------------------------------------------------


def _changes(past: _Past, start: int, end: int, model: str, gone: Sequence[int]) -> Iterator[Change]:
    """What differs; nothing on days `gone`, which are in the archive alone, and nothing that reaches across them."""
    inside = [i for i, at in enumerate(past.at) if start <= at < end]
    if not inside:
        return
    first, last = inside[0], inside[-1] + 1
    at = past.at[first:last]
    found: dict[tuple[str, int, int], list[int]] = {}
    alone = _alone(past, first, last, model)
    for quantity in ("", *past.columns):
        wanted = [0] * len(at)
        for flag, stretches in past.wanted.get(quantity, ()):
            for i, held in enumerate(holds(union(within(stretches, start, end)), at)):
                if held:
                    wanted[i] |= int(flag)
        column = past.columns.get(quantity)
        for i, want in enumerate(wanted):
            there = past.flags[first + i] if not quantity else past.marks[first + i].get(quantity, 0)
            if column is not None:
                if column[first + i] is None:
                    continue
                want |= alone.get(i, _NOTHING).get(quantity, 0)
            add, remove = want & ~there, there & int(OWNED) & ~want
            if add or remove:
                found.setdefault((quantity, add, remove), []).append(i)
    yield from _together(past.series.sensor, at, found, gone)


def _alone(past: _Past, first: int, last: int, model: str) -> dict[int, Mapping[str, int]]:
    """What today's rules say of single readings, by place; most have nothing against them."""
    keys = tuple(past.columns)
    found = {}
    for i, row in enumerate(zip(*(past.columns[key][first:last] for key in keys), strict=True)):
        values = {key: value for key, value in zip(keys, row, strict=True) if value is not None}
        _, marks = judge(
            values, Flag.NONE, {}, at_ms=past.at[first + i], clock=CLOCKS[past.clock[first + i]], model=model
        )
        if marks:
            found[i] = marks
    return found


_NOTHING: Final[Mapping[str, int]] = {}


def _together(
    sensor: str, at: list[int], found: Mapping[tuple[str, int, int], list[int]], gone: Sequence[int]
) -> Iterator[Change]:
    """Neighbouring readings with the same change are one; quantities that change alike are told together."""
    trimmed = frozenset(gone)

    def run_of(pair: tuple[int, int]) -> tuple[int, int]:
        return pair[1] - pair[0], bisect(gone, local_day(at[pair[1]])) if gone else 0

    alike: dict[tuple[int, int, int, int, bool], list[str]] = {}
    for (quantity, add, remove), places in found.items():
        if trimmed:
            places = [place for place in places if local_day(at[place]) not in trimmed]
        for _, run in groupby(enumerate(places), run_of):
            stretch = [place for _, place in run]
            for begin in range(0, len(stretch), LONGEST):
                part = stretch[begin : begin + LONGEST]
                alike.setdefault((part[0], part[-1], add, remove, quantity == ""), []).append(quantity)
    for (first, last, add, remove, whole), quantities in sorted(alike.items()):
        yield Change(sensor, () if whole else tuple(quantities), add, remove, at[first], at[last] + 1, last - first + 1)


def apply(changes: Iterable[Change], reflag: Callable[..., int]) -> int:
    """Makes the changes by SqliteStore.reflag, inside the caller's transaction; how many readings changed."""
    return sum(
        reflag(
            change.sensor,
            change.start,
            change.end,
            add=Flag(change.add),
            remove=Flag(change.remove),
            quantity=change.quantities or None,
        )
        for change in changes
    )


def pieces(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes in pieces that ingest makes in one transaction each; a longer one is a piece by itself."""
    piece: list[Change] = []
    readings = 0
    for change in changes:
        if piece and (len(piece) >= MOST_CHANGES or readings + change.values > MOST_READINGS):
            yield piece
            piece, readings = [], 0
        piece.append(change)
        readings += change.values
    if piece:
        yield piece
