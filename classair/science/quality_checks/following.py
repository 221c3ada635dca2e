"""Live: a sensor that fell in a moment and for hours no longer follows its school as its own past did.

It judges no value: the room's level becomes unknown. Two things together are needed, since a purifier, a window or an
empty room lowers a level as well. First, a step: from one reading to the next the level is a quarter or more below
every reading before, and stays there. Air that a purifier or a window exchanges goes on falling for minutes, so it
never does that. Second, since then, for two hours, the sensor is lower beside the others than it has been at this time
of day in its last fortnight. It ends when the sensor is among the others again where its past was.

Pure and in event time: readings in, sensors out. Levels as ln(µg/m³ + 1), in quarters of an hour; the state of a
sensor is a fortnight of them. `export` and `restore` let a service keep them.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import expm1, log1p
from operator import itemgetter
from statistics import median
from typing import Final

from classair.stores import BANGKOK_MS
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

QUARTER_MS: Final = 15 * MINUTE_MS
PAST_MS: Final = 14 * DAY_MS
PAST_LEAST: Final = 3 * 96  # quarters beside others before a sensor is known
FOR_MS: Final = 2 * HOUR_MS  # below, before it is suspect
BACK: Final = 4  # quarters that must follow again
LEVEL_LEAST: Final = 8.0  # µg/m³ that the sensor should show: less cannot be told from clean air
FALL: Final = 0.75  # every reading after a step, as a share of every reading before it
SIDE_MS: Final = 5 * MINUTE_MS  # of readings on either side of a step …
SIDE_LEAST: Final = 4  # … so many of them, or more
SIDE_SPREAD: Final = 0.5  # of their median, or they say nothing
GOES_ON: Final = 2.5  # times as deep as what follows within SIDE_MS
GAP_MS: Final = 130_000
BELOW_PAST: Final = 0.22  # ln below the lowest of the past
BELOW_BEFORE: Final = 0.35  # ln below the hours before the step
NEAR_PAST: Final = 0.1  # ln below the lowest that still counts as back
LOWEST: Final = 0.02  # share of the past below which it counts as the lowest
WINDOW: Final = 8  # quarters, of which a median is compared
STEP_KEPT_MS: Final = 3 * DAY_MS  # a night may have to come before a fall in lessons can be told from a purifier's
DAYTIME: Final = range(7, 18)  # local hours in which rooms are used


@dataclass(frozen=True, slots=True)
class Quarter:
    """A closed quarter: its start, the sensor's level, and that beside the others (None: nobody was there)."""

    start: int
    level: float
    beside: float | None
    doubted: bool = False


@dataclass(slots=True)
class Followed:
    """One sensor. `fell_at`: the step that is looked into; `before`: how it stood beside the others until then."""

    quarters: deque[Quarter] = field(default_factory=deque)
    open_start: int = 0
    open: list[float] = field(default_factory=list)
    recent: deque[tuple[int, float]] = field(default_factory=deque)
    fell_at: int | None = None
    before: float = 0.0
    suspect_since: int | None = None
    usual: float = 0.0
    usual_at: int = 0


class SchoolFollowing:
    """The sensors of one school. `take` each valid PM2.5 reading, in order of time as far as possible."""

    def __init__(self) -> None:
        self.sensors: dict[str, Followed] = {}
        self._closed = 0

    @property
    def suspects(self) -> dict[str, int]:
        """Sensors with since when (UTC ms)."""
        return {name: known.suspect_since for name, known in self.sensors.items() if known.suspect_since is not None}

    def only(self, sensors: Iterable[str]) -> None:
        """Forgets all but these."""
        wanted = set(sensors)
        self.sensors = {name: known for name, known in self.sensors.items() if name in wanted}

    def forget(self, sensor: str) -> None:
        """It hangs elsewhere now: its past is another room's."""
        self.sensors.pop(sensor, None)

    def take(self, sensor: str, at_ms: int, pm25: float) -> list[str]:
        """One reading. Names of sensors for which a quarter closed by it."""
        known = self.sensors.setdefault(sensor, Followed())
        level, start = log1p(max(0.0, pm25)), at_ms // QUARTER_MS * QUARTER_MS
        closed: list[str] = []
        if start >= self._closed + 2 * QUARTER_MS or not self._closed:
            closed = self._close(start)
        if start < known.open_start or start < self._closed:
            return closed  # late: its quarter is history
        if start > known.open_start:
            known.open_start, known.open = start, []
        known.open.append(level)
        self._look_for_step(known, at_ms, level)
        return closed

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _look_for_step(self, known: Followed, at_ms: int, level: float) -> None:
        recent = known.recent
        if recent and at_ms // SECOND_MS <= recent[-1][0] // SECOND_MS:
            return  # late, or of a second that is known: a fast sensor weighs no more, and costs no more, than its time
        recent.append((at_ms, level))
        while recent and recent[0][0] < at_ms - 2 * SIDE_MS - GAP_MS:
            recent.popleft()
        if known.fell_at is None and _may_have_fallen(recent) and (at := _step(recent)) is not None:
            beside = [quarter.beside for quarter in list(known.quarters)[-WINDOW:] if quarter.beside is not None]
            if len(beside) >= WINDOW // 2:
                known.fell_at, known.before = at, median(beside)

    # -- quarters ------------------------------------------------------------------------------------------------------

    def _close(self, start: int) -> list[str]:
        """Closes what ended before the quarter before `start`, so that stragglers of a minute or two count."""
        until = start - QUARTER_MS
        ripe = {
            name: known for name, known in self.sensors.items() if known.open and known.open_start < until + QUARTER_MS
        }
        ended = {name: known for name, known in ripe.items() if known.open_start < start}
        self._closed = max(self._closed, until)
        levels = {name: median(known.open) for name, known in ended.items()}
        moments = {name: known.open_start for name, known in ended.items()}
        for name, known in ended.items():
            now = moments[name]
            near = [
                levels[other] - self._usual(other, now)
                for other in levels
                if other != name and moments[other] == now and self.sensors[other].suspect_since is None
            ]
            beside = levels[name] - median(near) - self._usual(name, now) if near else None
            known.quarters.append(Quarter(now, levels[name], beside, known.suspect_since is not None))
            known.open = []
            while known.quarters[0].start < now - PAST_MS:
                known.quarters.popleft()
            self._judge(known)
        return list(ended)

    def _usual(self, name: str, now: int) -> float:
        """Where a sensor stands among the others, from its past; looked at again once a day."""
        known = self.sensors[name]
        if now - known.usual_at >= DAY_MS and known.quarters:
            past = [quarter.beside for quarter in known.quarters if quarter.beside is not None and not quarter.doubted]
            if len(past) >= 96:
                shift = median(past)
                known.usual += shift
                known.quarters = deque(
                    Quarter(q.start, q.level, None if q.beside is None else q.beside - shift, q.doubted)
                    for q in known.quarters
                )
                known.before -= shift
            known.usual_at = now
        return known.usual

    # -- judging -------------------------------------------------------------------------------------------------------

    def _judge(self, known: Followed) -> None:
        newest = known.quarters[-1]
        if known.fell_at is None:
            return
        if newest.start - known.fell_at > STEP_KEPT_MS and known.suspect_since is None:
            known.fell_at = None
            return
        after = [q for q in known.quarters if q.start >= known.fell_at]
        told = [q for q in after[-WINDOW:] if _tells(q)]
        if known.suspect_since is not None:
            last = [q for q in after[-BACK:] if _tells(q)]
            lowest = _lowest(known, newest.start)
            least = known.before - BELOW_BEFORE / 2 if lowest is None else lowest - NEAR_PAST
            if len(last) >= BACK - 1 and _middle(last) >= least:
                known.suspect_since = known.fell_at = None
            return
        if len(after) >= 2 and len(told) >= 2 and _middle(told[-2:]) > known.before - BELOW_BEFORE / 2:
            known.fell_at = None  # it was a door, or a draught: it is back already
            return
        if newest.start + QUARTER_MS - known.fell_at < FOR_MS or len(told) < WINDOW - 2:
            return
        lowest = _lowest(known, newest.start)
        now = _middle(told)
        if lowest is not None and now <= lowest - BELOW_PAST and now <= known.before - BELOW_BEFORE:
            known.suspect_since = newest.start + QUARTER_MS

    # -- keeping -------------------------------------------------------------------------------------------------------

    def export(self, sensor: str) -> dict[str, float | int | None]:
        """What is known of a sensor beside its quarters."""
        known = self.sensors[sensor]
        return {
            "fell_at": known.fell_at,
            "before": known.before,
            "suspect_since": known.suspect_since,
            "usual": known.usual,
            "usual_at": known.usual_at,
        }

    def restore(self, sensor: str, quarters: Iterable[Quarter], state: Mapping[str, float | int | None]) -> None:
        """What a service kept, older than anything it has heard since; a sensor that is known keeps what it knows."""
        if sensor in self.sensors and self.sensors[sensor].quarters:
            return
        known = self.sensors.setdefault(sensor, Followed())
        known.quarters.extend(sorted(quarters, key=lambda quarter: quarter.start))
        for name in ("fell_at", "suspect_since"):
            moment = state.get(name)
            setattr(known, name, None if moment is None else int(moment))
        known.before, known.usual = float(state.get("before") or 0.0), float(state.get("usual") or 0.0)
        known.usual_at = int(state.get("usual_at") or 0)


def _may_have_fallen(recent: deque[tuple[int, float]]) -> bool:
    """False only where `_step` finds nothing: at the same cost however much is kept, as it is asked at every reading.

    The second lowest of all before a step is no higher than that of the last three, and the second highest of all after
    it no lower than that of the first three. Air that falls for minutes hardly differs between these six.
    """
    border = bisect_right(recent, recent[-1][0] - SIDE_MS, key=itemgetter(0))
    if border < SIDE_LEAST or len(recent) - border < SIDE_LEAST:
        return False
    low = sorted(recent[index][1] for index in range(border - 3, border))[1]
    high = sorted(recent[index][1] for index in range(border, border + 3))[1]
    return _is_fall(low, high)


def _is_fall(low: float, high: float) -> bool:
    """Whether what is at most `high` now has lost enough of what was at least `low`; both as ln(µg/m³ + 1)."""
    return high < low and expm1(high) <= FALL * expm1(low)


def _step(recent: deque[tuple[int, float]]) -> int | None:
    """When the readings fell from one to the next, SIDE_MS ago; None where they did not."""
    newest = recent[-1][0]
    after = [level for at, level in recent if at > newest - SIDE_MS]
    moments = [at for at, _ in recent if at > newest - SIDE_MS]
    before = [(at, level) for at, level in recent if newest - 2 * SIDE_MS - GAP_MS < at <= newest - SIDE_MS]
    if len(after) < SIDE_LEAST or len(before) < SIDE_LEAST or moments[0] - before[-1][0] > GAP_MS:
        return None
    low = sorted(level for _, level in before)[1]  # one outlier is nobody's step
    high = sorted(after)[-2]
    if not _is_fall(low, high):
        return None
    # Air goes on falling when it falls; a sensor is there at once.
    half = len(after) // 2
    if high - low > -GOES_ON * max(0.0, median(after[:half]) - median(after[-half:])):
        return None
    values = [expm1(level) for _, level in before]
    if median(values) < LEVEL_LEAST or max(values) - min(values) > SIDE_SPREAD * median(values):
        return None
    return moments[0]


def _tells(quarter: Quarter) -> bool:
    """Whether there was enough dust to tell: what the sensor should have shown."""
    return quarter.beside is not None and quarter.level - quarter.beside >= log1p(LEVEL_LEAST)


def _middle(quarters: list[Quarter]) -> float:
    return median(quarter.beside for quarter in quarters if quarter.beside is not None)


def _lowest(known: Followed, now: int) -> float | None:
    """The lowest that two hours in a row stood beside the others at this time of day; None while not known."""
    day = _is_day(now)
    until = known.fell_at if known.fell_at is not None else now
    run: deque[float] = deque(maxlen=WINDOW)
    medians: list[float] = []
    quarters = 0
    for quarter in known.quarters:
        if quarter.start >= until or quarter.doubted:
            continue
        if quarter.beside is None or not _tells(quarter):
            continue
        quarters += 1
        if _is_day(quarter.start) != day:
            run.clear()
            continue
        run.append(quarter.beside)
        if len(run) == WINDOW:
            insort(medians, median(run))
    if quarters < PAST_LEAST or len(medians) < PAST_LEAST // 6:
        return None
    return medians[int(LOWEST * len(medians))]


def _is_day(at_ms: int) -> bool:
    return (at_ms + BANGKOK_MS) % DAY_MS // HOUR_MS in DAYTIME
