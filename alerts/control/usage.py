"""Pure: what a purifier has done by the day, and what follows for its filter and its cost.

Only time for which the state is known is counted; a year is projected from the known time of the last 30 days. Power
is measured where the device measures it, else it is the rated one. Dust on the filter is clean air delivery rate ×
concentration × time, at the speed in use, by the room's own sensor as it is (docs/science.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from math import ceil
from typing import Final, Literal

from classair.config.purifiers import FilterSettings, Purifier
from classair.timetable import day_start_ms, local_time
from classair.units import DAY_MS
from classair.wire import PurifierState

DAYS: Final = 30  # of these the rate is worked out
ENOUGH_S: Final = 3 * 86_400.0  # known time without which nothing is projected
LONGEST: Final = 3_650  # days; a filter that lasts longer is not dated
YEAR: Final = 365

By = Literal["", "meter", "rated", "both"]


@dataclass(slots=True)
class Day:
    """Totals of a stretch of time. Seconds on and off are known ones; `metered` + `rated` are seconds with a power.

    `dust_s`: seconds on for which the concentration was known.
    """

    on_s: float = 0.0
    off_s: float = 0.0
    starts: int = 0
    metered_s: float = 0.0
    metered_wh: float = 0.0
    rated_s: float = 0.0
    rated_wh: float = 0.0
    dust_s: float = 0.0
    dust_mg: float = 0.0

    def add(self, other: Day) -> None:
        for name in NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def known_s(self) -> float:
        return self.on_s + self.off_s

    @property
    def kwh(self) -> float:
        return (self.metered_wh + self.rated_wh) / 1000


NAMES: Final = tuple(field.name for field in fields(Day))


@dataclass(frozen=True, slots=True)
class Working:
    """What it does at a moment. `watts` as metered, `rated` as configured for its speed; `dust` in µg/m³."""

    on: bool | None
    watts: float | None = None
    rated: float | None = None
    cadr_m3h: float = 0.0
    dust: float | None = None


def working(state: PurifierState, unit: Purifier, dust: float | None) -> Working:
    """A purifier's speed decides what it cleans and draws; where that is unknown it is taken to run at full speed."""
    speed = next((one for one in unit.speeds if one.name == state.speed), None)
    full = speed is None or speed is unit.speeds[-1]
    rated = speed.watts if speed is not None and speed.watts is not None else unit.watts if full else None
    return Working(state.on, state.watts, rated, unit.cadr_m3h if speed is None else speed.cadr_m3h, dust)


def spent(doing: Working, seconds: float) -> Day:
    """What so many seconds of it come to; nothing while its state is unknown."""
    if doing.on is None:
        return Day()
    day, hours = Day(), seconds / 3600
    if doing.watts is not None:
        day.metered_s, day.metered_wh = seconds, max(0.0, doing.watts) * hours
    elif doing.on and doing.rated is not None:
        day.rated_s, day.rated_wh = seconds, doing.rated * hours
    if not doing.on:
        day.off_s = seconds
        return day
    day.on_s = seconds
    if doing.dust is not None:
        day.dust_s, day.dust_mg = seconds, max(0.0, doing.dust) * doing.cadr_m3h * hours / 1000
    return day


def by_day(start_ms: int, end_ms: int) -> Iterator[tuple[date, float]]:
    """A stretch of time in seconds of each local day."""
    while start_ms < end_ms:
        day = local_time(start_ms).date()
        until = min(end_ms, day_start_ms(day) + DAY_MS)
        yield day, (until - start_ms) / 1000
        start_ms = until


# -- what follows from it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """`used`: share of the filter's life that is gone. `due`: when it is due, "by" hours of running or dust load.

    `left_out`: counting began after the filter was fitted, so its use is at least this. Costs in the currency of the
    prices given; None where something that is needed for it is not known.
    """

    used: float | None
    due: date | None
    due_by: Literal["", "hours", "load"]
    left_out: bool
    energy_by: By
    cost: float | None
    yearly_electricity: float | None
    yearly_filters: float | None


def recent(days: Mapping[date, Day], today: date) -> Day:
    """The last 30 days, today included."""
    return joined(total for day, total in days.items() if today - timedelta(days=DAYS) < day <= today)


def joined(days: Iterable[Day]) -> Day:
    whole = Day()
    for day in days:
        whole.add(day)
    return whole


def figures(
    ever: Day, of_filter: Day, last: Day, filter_: FilterSettings, price_per_kwh: float | None, began: date, today: date
) -> Figures:
    """`ever`: since counting began; `of_filter`: since it was fitted; `last`: the last 30 days."""
    days = last.known_s / 86_400
    projects = last.known_s >= ENOUGH_S
    lives = [
        (of_filter.on_s / 3600, filter_.hours, last.on_s / 3600, "hours"),
        (of_filter.dust_mg, filter_.load_mg, last.dust_mg, "load"),
    ]
    limited = [(gone, life, spend, by) for gone, life, spend, by in lives if life is not None]
    used = max((gone / life for gone, life, _, _ in limited), default=None)
    ends: list[tuple[float, Literal["hours", "load"]]] = []
    lasts: list[float] = []
    for gone, life, spend, by in limited:
        name: Literal["hours", "load"] = "hours" if by == "hours" else "load"
        if gone >= life:
            ends.append((0.0, name))
        elif projects and spend > 0:
            ends.append(((life - gone) * days / spend, name))
        if projects and spend > 0:
            lasts.append(life * days / spend)
    left, due_by = min(ends, default=(float(LONGEST + 1), ""))
    soon = left <= LONGEST
    powered = ever.metered_s + ever.rated_s > 0
    price = price_per_kwh if powered else None
    return Figures(
        used=used,
        due=today + timedelta(days=ceil(left)) if soon else None,
        due_by=due_by if soon else "",  # type: ignore[arg-type]
        left_out=bool(limited) and filter_.since is not None and filter_.since < began,
        energy_by=_by(ever),
        cost=None if price is None else ever.kwh * price,
        yearly_electricity=None if price is None or not projects else last.kwh / days * YEAR * price,
        yearly_filters=_filters(filter_.price, lasts, projects, bool(limited)),
    )


def _by(total: Day) -> By:
    if total.metered_s and total.rated_s:
        return "both"
    return "meter" if total.metered_s else "rated" if total.rated_s else ""


def _filters(price: float | None, lasts: list[float], projects: bool, limited: bool) -> float | None:
    """A purifier that did not run needs no filter; of one whose filter has no life nothing is known."""
    if price is None or not projects or not limited:
        return None
    return price * YEAR / min(lasts) if lasts else 0.0
