"""From the air inside and outside to the one thing a class should do: a table of data with a version.

Rows, limits and order are those of the display's design; the words are in the locale files under [action]. What a room
shows in time, and for how long, is in `advice_holding.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from classair.science.indexes import rounded
from classair.science.indexes.thai2023 import INDEX

VERSION: Final = "2026-12.2"
TENTH: Final = Decimal("0.1")
CO2_HOLD_MS: Final = 20 * 60_000  # conditions with `lasting` need CO2 above their limit for this long
FLAT_AFTER_MS: Final = 30 * 60_000  # a purifier that ran this long should have brought the dust down
FALLING: Final = 0.9  # at or under this share of the earlier value the dust is falling
OUTDOOR_ROW: Final = "outdoor"  # a room outdoors has no row of the table: it says what playing there is like
NOT_KNOWN: Final = "0"

Need = Literal["purifier", "openings", "clean_room"]
Purifier = Literal["on", "off", "unknown"]
Claim = Literal[
    "opens_windows", "opens_door", "outside_cleaner", "runs", "starts_itself", "high_outside", "good", "stuffy"
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the table asks about. Dust in µg/m³, CO2 in ppm; None is unknown.

    `indoor_level`, `outdoor_level`: the levels (1…5) that the screen shows beside the numbers, 0 where it shows none. A
    level is held for some minutes, so it can be worse than its number; limits are then judged by the level.
    `starts_itself`: every purifier that is off was switched off by its control, which is healthy and will start it.
    `flat`: the purifier has run for half an hour and the dust is not falling. `door`: where the room's door leads.
    `co2_lasting`: the limits of the table above which CO2 has been for twenty minutes. `play`: the level (1…5) by which
    playing outdoors is advised. `sensitive`: the room is judged by the stricter limits.
    """

    indoor: float | None = None
    outdoor: float | None = None
    co2: float | None = None
    indoor_level: int = 0
    outdoor_level: int = 0
    purifier: Purifier = "unknown"
    starts_itself: bool = False
    flat: bool = False
    door: Literal["inside", "outside"] = "outside"
    play: int | None = None
    co2_lasting: frozenset[int] = frozenset()
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """Conditions that must all hold; an unknown value meets none, except where `…_unknown` asks for it."""

    indoor_unknown: bool = False
    indoor_above: float | None = None
    indoor_upto: float | None = None
    outdoor_unknown: bool = False
    outdoor_known: bool = False
    outdoor_above: float | None = None
    outdoor_upto: float | None = None
    through_door_upto: float | None = None  # outdoor_upto for a room whose door leads inside the building
    indoor_over_outdoor: float | None = None  # indoor > outdoor + this
    outdoor_over_indoor: bool = False  # outdoor > indoor
    outdoor_upto_indoor: float | None = None  # outdoor <= indoor + this
    co2_above: int | None = None
    lasting: bool = True  # … for twenty minutes
    purifier: Purifier | None = None
    starts_itself: bool = False
    flat: bool = False
    play_upto: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: holds when one of `when` does, for a room that has what it `needs` and has not what it does `without`.

    `claims`: what its words say or ask for that can be untrue, or do harm, at another moment. `closes_windows`: in a
    room without openings those words are left out (texts under [action.no_windows]).
    """

    id: str
    when: tuple[When, ...] = (When(),)
    needs: frozenset[Need] = frozenset()
    without: frozenset[Need] = frozenset()
    claims: frozenset[Claim] = frozenset()
    closes_windows: bool = False


_P: Final[frozenset[Need]] = frozenset({"purifier"})
_O: Final[frozenset[Need]] = frozenset({"openings"})
_C: Final[frozenset[Need]] = frozenset({"clean_room"})
_OPENS: Final[frozenset[Claim]] = frozenset({"opens_windows"})
_CLEANER: Final[frozenset[Claim]] = frozenset({"opens_windows", "outside_cleaner"})
_DOOR: Final[frozenset[Claim]] = frozenset({"opens_door"})
_HIGH: Final[frozenset[Claim]] = frozenset({"high_outside"})

# 25: Department of Health's surveillance value; 37.5 and 75: ends of the Thai index's yellow and orange bands.
TABLE: Final[tuple[Row, ...]] = (
    Row("0c", (When(indoor_unknown=True, outdoor_upto=25, co2_above=1500),), needs=_O, claims=_OPENS),
    Row("0a", (When(indoor_unknown=True, outdoor_above=37.5),), needs=_P, closes_windows=True),
    Row("0b", (When(indoor_unknown=True, outdoor_above=37.5),), needs=_O, closes_windows=True),
    Row(NOT_KNOWN, (When(indoor_unknown=True),)),
    Row("1", (When(indoor_above=75, outdoor_upto=25),), needs=_O, claims=_OPENS),
    Row("2", (When(indoor_above=75),), needs=_C),
    Row("3", (When(indoor_above=25, outdoor_upto=25, indoor_over_outdoor=5),), needs=_O, claims=_CLEANER),
    Row(
        "3a",
        (When(indoor_above=37.5, outdoor_upto=37.5, indoor_over_outdoor=10),),
        needs=_O,
        without=_P,
        claims=_CLEANER,
    ),
    Row(
        "3b",
        (When(indoor_above=25, indoor_upto=37.5, co2_above=2000, outdoor_upto=37.5, outdoor_upto_indoor=0),),
        needs=_O,
        claims=_OPENS,
    ),
    Row("4", (When(indoor_above=25, purifier="off", outdoor_known=True),), needs=_P, closes_windows=True),
    Row("5", (When(indoor_above=37.5, flat=True),), needs=_P, closes_windows=True),
    Row("6", (When(indoor_above=25, outdoor_unknown=True),), needs=_P),
    Row("7", (When(indoor_above=25),), needs=_P, closes_windows=True),
    Row("7a", (When(indoor_above=37.5),), needs=_C),
    Row("7b", (When(indoor_above=37.5),), closes_windows=True),
    Row(
        "7c",
        (When(indoor_above=25, outdoor_over_indoor=True), When(indoor_above=25, outdoor_unknown=True)),
        closes_windows=True,
    ),
    Row(
        "8",
        (
            When(co2_above=1500, outdoor_upto=25),
            When(co2_above=1500, outdoor_upto=37.5, outdoor_upto_indoor=0),
        ),
        needs=_O,
        claims=_OPENS,
    ),
    Row(
        "9",
        (
            When(co2_above=1500, outdoor_upto=37.5, through_door_upto=75),
            When(co2_above=2000, outdoor_unknown=True),
        ),
        claims=_DOOR,
    ),
    Row("10", (When(co2_above=1500, outdoor_above=37.5),), claims=frozenset({"stuffy"})),
    Row("11", (When(co2_above=1000, lasting=False, outdoor_upto=25),), needs=_O, claims=_OPENS),
    Row(
        "12",
        (When(co2_above=1000, outdoor_upto=37.5), When(co2_above=1000, outdoor_unknown=True)),
        claims=_DOOR,
    ),
    Row("7d", (When(indoor_above=25),)),
    Row(
        "13",
        (When(outdoor_above=37.5, purifier="on"),),
        needs=_P,
        claims=frozenset({"runs"}),
        closes_windows=True,
    ),
    Row(
        "13a",
        (When(outdoor_above=37.5, purifier="off", starts_itself=True),),
        needs=_P,
        claims=frozenset({"starts_itself"}),
        closes_windows=True,
    ),
    Row("13b", (When(outdoor_above=37.5),), needs=_O, claims=_HIGH, closes_windows=True),
    Row("13c", (When(outdoor_above=37.5),), claims=_HIGH),
    Row(
        "14",
        (
            When(outdoor_upto=15, play_upto=3),
            When(outdoor_upto=25, outdoor_upto_indoor=5, play_upto=3),
        ),
        needs=_O,
        claims=frozenset({"opens_windows", "good"}),
    ),
    Row("15"),
)
# Rooms of young children and of children with asthma are a step earlier: WHO's guideline for 24 hours (2021) in place
# of the Department of Health's surveillance value, that in place of the Thai 24-hour standard, and that in place of 75.
STRICTER: Final = {25: 15.0, 37.5: 25.0, 75: 37.5}
_SAME_EVERYWHERE: Final = frozenset({"7b"})  # masks are nothing for the youngest: no earlier than for others


def _stricter(row: Row) -> Row:
    if row.id in _SAME_EVERYWHERE:
        return row

    def limit(value: float | None) -> float | None:
        return None if value is None else STRICTER.get(value, value)

    return replace(
        row,
        when=tuple(
            replace(
                when,
                indoor_above=limit(when.indoor_above),
                indoor_upto=limit(when.indoor_upto),
                outdoor_above=limit(when.outdoor_above),
            )
            for when in row.when
        ),
    )


STRICT_TABLE: Final = tuple(_stricter(row) for row in TABLE)
ROWS: Final = {row.id: row for row in TABLE}
STRICT_ROWS: Final = {row.id: row for row in STRICT_TABLE}
# What these rows ask for is asked for because of the dust in the room.
DUST_ROWS: Final = frozenset(row.id for row in TABLE for when in row.when if when.indoor_above is not None)
ORDER: Final = {row.id: place for place, row in enumerate(TABLE)}
CO2_LIMITS: Final = tuple(sorted({when.co2_above for row in TABLE for when in row.when if when.co2_above is not None}))
# Whoever says one of these says that the air is stuffy.
STUFFY_ROWS: Final = frozenset({"0c", "3b", "8", "9", "10", "11", "12"})
_BANDS: Final = INDEX.scales["pm25"].bands


# -- numbers as the table judges them: whole tenths --------------------------------------------------------------------


@lru_cache(maxsize=8192)
def tenths(value: float | None) -> int | None:
    number = rounded(value, TENTH)
    return None if number is None else int(number * 10)


_LOWEST: Final = (0, *(int(band.low * 10) for band in _BANDS))  # by level, in tenths; the first for none


@dataclass(frozen=True, slots=True)
class Air:
    """The facts' numbers in tenths. `inside` and `outside` are the worse of a number and the level shown beside it;
    where inside and outside are compared, `inside_measured` is the number alone, so that no doubt opens a window.
    """

    inside: int | None
    inside_measured: int | None
    outside: int | None
    co2: int | None


def air_of(facts: Facts) -> Air:
    inside, outside = tenths(facts.indoor), tenths(facts.outdoor)
    return Air(
        _at_least(inside, facts.indoor_level), inside, _at_least(outside, facts.outdoor_level), tenths(facts.co2)
    )


def without_outdoors(facts: Facts) -> Facts:
    """The facts once the value outside is too old, the numbers inside brought to the limits that they are above."""
    air = air_of(facts)
    inside = None if air.inside is None else max(low for low in _LOWEST if low == 0 or low <= air.inside)
    co2 = None if air.co2 is None else max((limit for limit in CO2_LIMITS if air.co2 > limit * 10), default=0) + 1
    return replace(
        facts,
        indoor=None if inside is None else inside / 10,
        indoor_level=0,
        outdoor=None,
        outdoor_level=0,
        co2=co2,
        play=None,
    )


def _at_least(value: int | None, level: int) -> int | None:
    return value if value is None or not level else max(value, _LOWEST[level])


@lru_cache(maxsize=8192)
def level_of(value: float | None) -> int:
    """The level (1…5) of a number, 0 for an unknown one."""
    return INDEX.level_number("pm25", value) or 0


# -- the choice --------------------------------------------------------------------------------------------------------


def choose(facts: Facts, has: frozenset[Need]) -> str:
    """The first row that holds and that this room can follow. There always is exactly one."""
    return _choose(facts, air_of(facts), has)


@lru_cache(maxsize=4096)
def choose_blind(facts: Facts, has: frozenset[Need]) -> str:
    """The row without a value outside: by the limits that the room is above, so that few answers are remembered."""
    return _choose(facts, air_of(facts), has)


def _choose(facts: Facts, air: Air, has: frozenset[Need]) -> str:
    for row_id, conditions in _followable(has, facts.sensitive):
        for when in conditions:
            if _holds(when, facts, air, 0):
                return row_id
    raise AssertionError("the last row has no condition")


@lru_cache(maxsize=16)
def _followable(has: frozenset[Need], sensitive: bool) -> tuple[tuple[str, tuple[When, ...]], ...]:
    table = STRICT_TABLE if sensitive else TABLE
    return tuple((row.id, row.when) for row in table if row.needs <= has and not row.without & has)


def row_of(row_id: str, sensitive: bool) -> Row:
    return (STRICT_ROWS if sensitive else ROWS)[row_id]


def limit_of(value: float, sensitive: bool) -> float:
    """One of the table's limits of dust (µg/m³) as it is in this room."""
    return STRICTER.get(value, value) if sensitive else value


def play_in(over: int | None, now: int, sensitive: bool) -> int | None:
    """The level of the advice on outdoor play: the worse of what was `over` the last day or hour and what is shown now,
    0 or None for unknown. For the children of a sensitive room it is one step earlier from yellow on.
    """
    play = max(over or 0, now) or None
    return min(play + 1, 5) if sensitive and play is not None and play >= 3 else play


def row_holds(row: Row, facts: Facts, air: Air, has: frozenset[Need], leeway: float) -> bool:
    """Whether a row holds when every limit of dust may be missed by `leeway` (µg/m³)."""
    if not row.needs <= has or row.without & has:
        return False
    return any(_holds(when, facts, air, leeway) for when in row.when)


def _holds(when: When, facts: Facts, air: Air, leeway: float) -> bool:
    return (
        _inside_holds(when, air, leeway)
        and _outside_holds(when, facts, air, leeway)
        and (when.co2_above is None or _co2_holds(when, facts, air))
        and (when.purifier is None or facts.purifier == when.purifier)
        and (not when.starts_itself or facts.starts_itself)
        and (not when.flat or facts.flat)
        and (when.play_upto is None or (facts.play is not None and facts.play <= when.play_upto))
    )


def _inside_holds(when: When, air: Air, leeway: float) -> bool:
    inside = air.inside
    if when.indoor_unknown:
        return inside is None
    if when.indoor_above is not None and not (inside is not None and inside > (when.indoor_above - leeway) * 10):
        return False
    return when.indoor_upto is None or (inside is not None and inside <= (when.indoor_upto + leeway) * 10)


def _outside_holds(when: When, facts: Facts, air: Air, leeway: float) -> bool:
    outside, inside = air.outside, air.inside_measured
    if when.outdoor_unknown:
        return outside is None
    if when.outdoor_known and outside is None:
        return False
    if when.outdoor_above is not None and not (outside is not None and outside > (when.outdoor_above - leeway) * 10):
        return False
    upto = when.outdoor_upto
    if when.through_door_upto is not None and facts.door == "inside":
        upto = when.through_door_upto
    if upto is not None and not (outside is not None and outside <= (upto + leeway) * 10):
        return False
    if when.indoor_over_outdoor is None and not when.outdoor_over_indoor and when.outdoor_upto_indoor is None:
        return True
    if inside is None or outside is None:
        return False
    if when.indoor_over_outdoor is not None and not inside > outside + (when.indoor_over_outdoor - leeway) * 10:
        return False
    if when.outdoor_over_indoor and not outside > inside - leeway * 10:
        return False
    return when.outdoor_upto_indoor is None or outside <= inside + (when.outdoor_upto_indoor + leeway) * 10


def _co2_holds(when: When, facts: Facts, air: Air) -> bool:
    assert when.co2_above is not None
    if air.co2 is None or air.co2 <= when.co2_above * 10:
        return False
    return not when.lasting or when.co2_above in facts.co2_lasting


def is_falling(now: float, earlier: float) -> bool:
    return now <= earlier * FALLING
