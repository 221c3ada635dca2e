"""A room's evidence over some days: what clean air it can get, inside against outside in lessons, days below the limit.

Every measured figure follows from two exports that the evidence names, for a room with one PM2.5 sensor to the digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.config import Config
from classair.science.advice import tenths
from classair.timetable import day_start_ms, local_time
from classair.units import DAY_MS
from dashboard.context import Context
from dashboard.queries.research import data_id
from research.lesson_air import LessonAir
from research.selection import Selection

LIMIT_UGM3: Final = 37.5
"""The Thai 24-hour standard: a day counts as below it when its mean, rounded half up to 0.1, is not above."""
DAYS: Final = (30, 90, 365)
USUAL_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class CleanAir:
    """What purifiers can give: m³/h by their labels, None without a purifier; air changes an hour need the volume."""

    cadr_m3h: float | None
    volume_m3: float | None

    @property
    def per_hour(self) -> float | None:
        return self.cadr_m3h / self.volume_m3 if self.cadr_m3h and self.volume_m3 else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of the local days first … last. µg/m³; None is not known.

    `slots`: quarter-hours of lessons, `known` with a value. `inside`, `outside`: means of the `pairs` that have both.
    `below`, `above`: days whose mean is known; `unknown`: days whose mean is not. `data`: names the state of the data.
    """

    room: str
    first: date
    last: date
    seats: int
    designated: bool
    air: CleanAir
    slots: int
    known: int
    pairs: int
    inside: float | None
    outside: float | None
    below: int
    above: int
    unknown: int
    corrections: tuple[str, ...]
    simulated: bool
    data: str

    @property
    def ratio(self) -> float | None:
        """Inside over outside, of the same quarter-hours of lessons."""
        return self.inside / self.outside if self.inside is not None and self.outside else None

    @property
    def known_share(self) -> float | None:
        return self.known / self.slots if self.slots else None


def clean_air(config: Config, room: str) -> CleanAir:
    units = dict(config.purifiers())
    cadrs = [units[one].cadr_m3h for one in config.purifiers_in(room)]
    return CleanAir(sum(cadrs) if cadrs else None, config.room(room).volume_m3)


def span(now_ms: int, days: int = USUAL_DAYS) -> tuple[date, date]:
    """The last whole days."""
    yesterday = local_time(now_ms).date() - timedelta(days=1)
    return yesterday - timedelta(days=days - 1), yesterday


def requests(config: Config, room: str, first: date, last: date) -> tuple[Selection, Selection]:
    """The exports from which the figures follow: inside and outside by quarter-hours, and the room's days.

    The first has every quarter-hour, because a place outdoors has no lessons of its own; the column `lesson` chooses.
    """
    yard = config.outdoor_of(room)
    rooms = (room, yard) if yard and yard != room else (room,)
    quarters = Selection(rooms=rooms, quantities=("pm25",), first=first, last=last, step="15m", method="accepted")
    return quarters, quarters.model_copy(update={"rooms": (room,), "step": "1d"})


@dataclass(frozen=True, slots=True)
class Measured:
    """Clean air that the purifiers gave by the room's data, m³/h with its 95% interval; or `why` it is not known."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    why: str = ""


def measured(ctx: Context, room: str, first: date, last: date) -> Measured:
    """What `classair room` estimates of the same days. Takes seconds. Raises StoreUnavailable."""
    if not ctx.config().purifiers_in(room):
        return Measured(why="no_purifier")
    try:
        lines = ctx.research.estimates(room, day_start_ms(first), day_start_ms(last + timedelta(days=1)))
    except ImportError:
        return Measured(why="not_installed")
    found = next((line for line in lines if line["quantity"] == "clean_air"), None)
    if found is None or found.get("value") is None:
        return Measured(n=int(found.get("n") or 0) if found else 0, why=str(found.get("why") or "") if found else "")
    return Measured(found["value"], found["low"], found["high"], int(found["n"]))


def collect(ctx: Context, room: str, first: date, last: date) -> Evidence:
    """Asks the store. Raises StoreUnavailable; KeyError for a room that is not configured."""
    config = ctx.config()
    settings = config.room(room)
    with ctx.queries.lessons() as reader:
        lessons: LessonAir = reader.of_room(room, first, last)
    both = lessons.paired_means
    days = ctx.queries.series(
        room, "pm25", day_start_ms(first), day_start_ms(last + timedelta(days=1)), step_ms=DAY_MS
    ).rows
    means = [tenths(row.value) for row in days if row.value is not None]
    below = sum(mean is not None and mean <= LIMIT_UGM3 * 10 for mean in means)
    site = room.partition(".")[0]
    selection = requests(config, room, first, last)[0]
    versions = {site: ctx.research.site_versions(site, first, last)}
    labels = {label for row in days if row.n for label in row.correction.split(",")}
    return Evidence(
        room,
        first,
        last,
        settings.capacity,
        settings.clean_room,
        clean_air(config, room),
        len(lessons.slots),
        len(lessons.known),
        sum(slot.paired for slot in lessons.slots),
        both[0] if both else None,
        both[1] if both else None,
        below,
        len(means) - below,
        (last - first).days + 1 - len(means),
        tuple(sorted(labels - {"none"})),
        config.site_simulated(site),
        data_id(selection, versions),
    )
