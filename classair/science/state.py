"""Pure: what a room's sensors said + what was known before + now → the one state that every screen shows.

Judged in event time: the window of "now" ends at the newest valid sample, and the clock alone decides how old that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from classair.science import advice, heat, purifying
from classair.science.advice_holding import Shown, follow_row
from classair.science.advice_words import Over, Scene, dust_is_made_inside, is_stricter, over_of, play_beside, texts_of
from classair.science.averages import COMPLETE, Sample, covered_ms, window_mean
from classair.science.indexes import rounded
from classair.science.indexes.thai2023 import INDEX
from classair.units import MINUTE_MS
from classair.wire import Current, PurifierState, RoomState

PM_WINDOW_MS: Final = 15 * MINUTE_MS
CO2_WINDOW_MS: Final = 5 * MINUTE_MS
LATE_MS: Final = 3 * MINUTE_MS
UNKNOWN_MS: Final = 15 * MINUTE_MS
LEVEL_HOLD_MS: Final = 5 * MINUTE_MS  # a level of one step changes on screens after this long
WARM_UP_MS: Final = MappingProxyType({"pm25": MINUTE_MS, "co2_ppm": 15 * MINUTE_MS})

PM_LEVELS: Final = tuple(band.key for band in INDEX.scales["pm25"].bands)
# Upper ends in ppm; surveillance value of the Department of Health (1000) and the project's two steps above it.
CO2_ENDS: Final = ((Decimal(1000), "fresh"), (Decimal(1500), "stuffy_soon"), (Decimal(2000), "stuffy"))
CO2_LEVELS: Final = ("fresh", "stuffy_soon", "stuffy", "very_stuffy")


# -- numbers and levels ------------------------------------------------------------------------------------------------


def pm25_level(value: float | None) -> str:
    return INDEX.level("pm25", value) or "unknown"


def co2_level(value: float | None) -> str:
    tenths = rounded(value, advice.TENTH)
    if tenths is None:
        return "unknown"
    return next((key for end, key in CO2_ENDS if tenths <= end), "very_stuffy")


def pm25_shown(value: float | None) -> str:
    """Whole µg/m³, one decimal where the whole number would fall in another level; "" for unknown."""
    return _shown(value, (Decimal(1), Decimal("0.1")), pm25_level)


def co2_shown(value: float | None) -> str:
    """To 10 ppm, finer where that would fall in another level; "" for unknown."""
    return _shown(value, (Decimal(10), Decimal(1), Decimal("0.1")), co2_level)


def _shown(value: float | None, steps: Sequence[Decimal], level_of: Callable[[float], str]) -> str:
    text = ""
    for step in steps:
        number = rounded(value, step)
        if number is None or value is None:
            return ""
        number = max(number, Decimal(0))  # noise below zero is written as zero
        text = f"{number:f}"
        if level_of(float(number)) == level_of(value):
            break
    return text


# -- one quantity ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measure:
    """What a window of valid samples gives: `mean` None while under three quarters are covered.

    `minutes_left`: until it is complete if samples go on coming, None when it is. `correction`: what the mean has
    been through, by its label.
    """

    newest_at: int | None = None
    mean: float | None = None
    minutes_left: int | None = None
    correction: str = "none"


def measure(samples: Sequence[Sample], length_ms: int) -> Measure:
    """The mean of the window of `length_ms` that ends at the newest sample. Sensors are pooled."""
    newest = max((sample.at for sample in samples), default=None)
    if newest is None:
        return Measure()
    found = window_mean(samples, newest - length_ms, newest)
    if found.mean is not None:
        return Measure(newest, found.mean)
    for minutes in range(1, length_ms // MINUTE_MS + 1):
        start = newest + minutes * MINUTE_MS - length_ms
        covered = covered_ms([(max(s.at - s.interval_ms, start), s.at) for s in samples if start < s.at <= newest])
        if covered + minutes * MINUTE_MS >= COMPLETE * length_ms:
            return Measure(newest, None, minutes)
    return Measure(newest, None, length_ms // MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one quantity from state to state. `at` is the end of the newest complete window."""

    at: int | None = None
    value: float | None = None
    level: str = "unknown"
    pending: str = ""  # a level that has not held long enough yet …
    pending_since: int = 0  # … since this window end
    last_shown: str = ""
    last_at: int | None = None
    level_since: int | None = None  # the window end since which `level` holds
    correction: str = "none"


@dataclass(frozen=True, slots=True)
class Scale:
    """How one quantity is judged and written."""

    levels: tuple[str, ...]
    level_of: Callable[[float | None], str]
    shown: Callable[[float | None], str]


PM25: Final = Scale(PM_LEVELS, pm25_level, pm25_shown)
CO2: Final = Scale(CO2_LEVELS, co2_level, co2_shown)


def follow(track: Track, seen: Measure, scale: Scale) -> Track:
    """The memory after a measure: a complete window renews the value, a level of one step waits five minutes.

    An incomplete window renews nothing: after a short gap the last complete mean stays the value and grows old.
    """
    if seen.mean is None or seen.newest_at is None or (track.at is not None and seen.newest_at < track.at):
        return track
    if (seen.newest_at, seen.mean, seen.correction) == (track.at, track.value, track.correction):
        return track
    stale = track.at is None or seen.newest_at - track.at >= UNKNOWN_MS
    level, pending, since = _held(track, scale.level_of(seen.mean), seen.newest_at, scale.levels, stale)
    held_since = track.level_since if level == track.level and not stale else seen.newest_at
    return Track(
        seen.newest_at,
        seen.mean,
        level,
        pending,
        since,
        scale.shown(seen.mean),
        seen.newest_at,
        held_since,
        seen.correction,
    )


def _held(track: Track, fresh: str, at: int, levels: tuple[str, ...], stale: bool) -> tuple[str, str, int]:
    held = track.level
    if stale or held not in levels or fresh not in levels or abs(levels.index(fresh) - levels.index(held)) >= 2:
        return fresh, "", 0
    if fresh == held:
        return held, "", 0
    if track.pending != fresh:
        return held, fresh, at
    if at - track.pending_since >= LEVEL_HOLD_MS:
        return fresh, "", 0
    return held, fresh, track.pending_since


def current(
    track: Track,
    seen: Measure,
    now: int,
    *,
    expected: bool = True,
    warming_until: int | None = None,
    source: str = "",
    suspect_since: int | None = None,
) -> Current:
    """The value as it stands at `now`. `expected` False: nothing here measures this quantity.

    `suspect_since`: since when what measures it is not to be trusted; its last value is then no value either.
    """
    if suspect_since is not None:
        return Current(status="suspect", level_since=suspect_since, source=source)
    if track.at is not None and track.value is not None and now < track.at + UNKNOWN_MS:
        late = now >= track.at + LATE_MS
        return Current(
            status="late" if late else "ok",
            value=track.value,
            shown=track.last_shown,
            level=track.level,
            level_since=track.level_since,
            newest_at=track.at,
            late_at=track.at + LATE_MS,
            unknown_at=track.at + UNKNOWN_MS,
            last_shown=track.last_shown,
            last_at=track.last_at,
            source=source,
            correction=track.correction,
            held=bool(track.pending),
        )
    old = {"last_shown": track.last_shown, "last_at": track.last_at, "source": source}
    if not expected:
        return Current(status="none", **old)
    if seen.newest_at is not None and seen.mean is None and now < seen.newest_at + LATE_MS:
        return Current(status="filling", newest_at=seen.newest_at, minutes_left=seen.minutes_left, **old)
    if warming_until is not None:
        left = max(1, -(-(warming_until - now) // MINUTE_MS))
        return Current(status="warming_up", minutes_left=left, **old)
    return Current(status="unknown", newest_at=seen.newest_at, **old)


NOTHING: Final = Current(status="none")


# -- the room ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomMemory:
    """All that a room's state needs of its own past."""

    pm25: Track = Track()
    co2: Track = Track()
    co2_above: tuple[tuple[int, int], ...] = ()  # limit → window end since which CO2 is above it
    trail: tuple[tuple[int, float], ...] = ()  # (window end, PM2.5), one a minute, for "not falling"
    shown: Shown | None = None  # the row of the advice on the screen


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a room at one moment, from outside of its own memory.

    `has`: what the advice may ask for; a clean room only while one has free seats. `outdoor`: the yard's value as the
    yard's own state has it. `play_level`: the worse of the outdoor 24 h level and the last hour's (1…5), `play_over`
    which of them it is. `sensitive`: the stricter limits hold. `empty`: the timetable says that nobody is there.
    `told_at`: when a message about this room's silence was delivered.
    """

    room: str
    has: frozenset[advice.Need] = frozenset()
    is_outdoor: bool = False
    pm25: Measure = Measure()
    co2: Measure = Measure()
    expects: frozenset[str] = frozenset({"pm25", "co2_ppm"})
    warming: MappingProxyType[str, int] = field(default_factory=lambda: MappingProxyType({}))
    temp_c: float | None = None
    rh_pct: float | None = None
    outdoor: Current = NOTHING
    play_level: int | None = None
    play_over: Over = ""
    sensitive: bool = False
    purifiers: tuple[PurifierState, ...] = ()
    is_clean: bool = False
    door: Literal["inside", "outside"] = "outside"
    occupied: bool = False
    empty: bool = False
    simulated: bool = False
    config_version: int = 0
    told_at: int | None = None
    suspect_since: int | None = None  # no sensor of its PM2.5 follows its school any more


def remember(memory: RoomMemory, sight: Sight) -> RoomMemory:
    """The memory after what is seen; depends on event times only."""
    pm25, co2 = follow(memory.pm25, sight.pm25, PM25), follow(memory.co2, sight.co2, CO2)
    if pm25 is memory.pm25 and co2 is memory.co2:
        return memory
    above = memory.co2_above
    if co2 is not memory.co2 and co2.at is not None:
        gap = memory.co2.at is None or co2.at - memory.co2.at >= UNKNOWN_MS
        since = {} if gap else dict(above)
        value = rounded(co2.value, advice.TENTH)
        above = tuple(
            (limit, since.get(limit, co2.at)) for limit in advice.CO2_LIMITS if value is not None and value > limit
        )
    trail = memory.trail
    if pm25.at is not None and pm25.value is not None and (not trail or pm25.at - trail[-1][0] >= MINUTE_MS):
        oldest = pm25.at - advice.FLAT_AFTER_MS - 5 * MINUTE_MS
        trail = (*(point for point in trail if point[0] >= oldest), (pm25.at, pm25.value))
    return replace(memory, pm25=pm25, co2=co2, co2_above=above, trail=trail)


def room_state(sight: Sight, memory: RoomMemory, now: int) -> tuple[RoomState, RoomMemory]:
    """The room's state at `now`, and what to remember for the next one."""
    memory = remember(memory, sight)
    pm25 = current(
        memory.pm25,
        sight.pm25,
        now,
        expected="pm25" in sight.expects,
        warming_until=sight.warming.get("pm25"),
        suspect_since=sight.suspect_since,
    )
    co2 = current(
        memory.co2, sight.co2, now, expected="co2_ppm" in sight.expects, warming_until=sight.warming.get("co2_ppm")
    )
    units = purifying.counted(sight.purifiers, now)
    has = sight.has if units else sight.has - {"purifier"}
    facts = _facts(sight, memory, pm25, co2, units, now)
    shown: Shown | None = None
    if not sight.is_outdoor:
        shown = follow_row(memory.shown, facts, has, now)
        row = shown.row
    else:
        row = advice.OUTDOOR_ROW if facts.indoor is not None else advice.NOT_KNOWN
    felt = heat.heat_index_c(sight.temp_c, sight.rh_pct)
    band = heat.heat_band(felt)
    key, minutes = _unknown_reason(pm25, sight.told_at)
    scene = Scene(
        row=row,
        level=pm25.level if facts.indoor is not None else "unknown",
        worst=max(facts.indoor_level, advice.level_of(facts.indoor)),
        play=play_beside(row, facts.play),
        over=over_of(sight.play_level, sight.play_over, facts.outdoor_level),
        stricter=is_stricter(facts, row, has),
        stuffy=co2.level not in ("fresh", "unknown"),
        made_inside=dust_is_made_inside(row, facts),
        heat=band,
        openings="openings" in has,
        is_clean=sight.is_clean,
        unknown_key=key,
        minutes=minutes,
    )
    state = RoomState(
        room=sight.room,
        at=now,
        simulated=sight.simulated,
        config_version=sight.config_version,
        advice_version=advice.VERSION,
        pm25=pm25,
        co2=co2,
        outdoor=sight.outdoor,
        purifier=purifying.shown(sight.purifiers, now),
        temp_c=sight.temp_c,
        rh_pct=sight.rh_pct,
        heat_index_c=None if felt is None else float(rounded(felt, advice.TENTH) or 0),
        heat=band,
        occupied=sight.occupied,
        rule=row,
        told_at=sight.told_at,
        texts=texts_of(scene, facts, has, sight.is_outdoor),
    )
    return state, replace(memory, shown=shown)


def _facts(
    sight: Sight, memory: RoomMemory, pm25: Current, co2: Current, units: Sequence[PurifierState], now: int
) -> advice.Facts:
    outdoor = pm25 if sight.is_outdoor else sight.outdoor
    outdoor_level = _shown_level(outdoor)
    play = None if _judged(outdoor) is None else advice.play_in(sight.play_level, outdoor_level, sight.sensitive)
    return advice.Facts(
        indoor=_judged(pm25),
        outdoor=_judged(outdoor),
        co2=co2.value,
        indoor_level=_shown_level(pm25),
        outdoor_level=outdoor_level,
        purifier=purifying.word(units),
        starts_itself=purifying.starts_itself(units, sight.empty),
        flat=purifying.is_flat(units, memory.pm25.value, memory.pm25.at, memory.trail, now),
        door=sight.door,
        play=play,
        co2_lasting=frozenset(
            limit
            for limit, since in memory.co2_above
            if memory.co2.at is not None and co2.value is not None and memory.co2.at - since >= advice.CO2_HOLD_MS
        ),
        sensitive=sight.sensitive,
    )


def _judged(current: Current) -> float | None:
    """A value that has a level; an impossible one is unknown to the advice."""
    return current.value if current.level != "unknown" else None


def _shown_level(current: Current) -> int:
    """The level (1…5) that stands beside a value, 0 where there is none."""
    if current.value is None or current.level not in PM_LEVELS:
        return 0
    return PM_LEVELS.index(current.level) + 1


def _unknown_reason(pm25: Current, told_at: int | None) -> tuple[str, int]:
    if pm25.status in ("filling", "warming_up"):
        return f"reason.{pm25.status}", pm25.minutes_left or 1
    if pm25.status == "suspect":
        return "reason.suspect", 0
    if pm25.status == "none":
        return "reason.no_sensor", 0
    return ("reason.silent_told" if told_at is not None else "reason.silent"), 0
