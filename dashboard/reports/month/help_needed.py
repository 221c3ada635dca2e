"""Which schools need help this month, and what help: from what was measured and reported, never a ranking. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.municipality.lessons import Lessons

What = Literal["data", "purifier", "stronger", "leaks", "repairs", "filters"]

LEAST_DATA: Final = 0.75
"""With less of a room's lesson time known its measuring needs help."""
OFTEN_ABOVE: Final = 0.05
"""The share of a room's known lesson time above "moderate" from which its air needs help."""
ENOUGH_AIR_ACH: Final = 5.0
"""Clean air changes an hour that purifiers of a classroom are to give; below, a stronger one is needed."""
MOST_SCHOOLS: Final = 3
MOST_ROOMS: Final = 4


@dataclass(frozen=True, slots=True)
class RoomMonth:
    """`ach`: clean air changes an hour that its purifiers can give, None without a purifier."""

    room: str
    lessons: Lessons
    ach: float | None


@dataclass(frozen=True, slots=True)
class SchoolMonth:
    """`late`: reported problems that were not solved in time; `filters`: filters that are due."""

    site: str
    rooms: tuple[RoomMonth, ...]
    late: int = 0
    filters: int = 0

    @property
    def unprotected(self) -> float:
        """Pupil-hours of lessons that were not in air known to be good."""
        return sum(room.lessons.pupil_hours - (room.lessons.protected_slots / 4) for room in self.rooms)


@dataclass(frozen=True, slots=True)
class Help:
    """One thing that helps: `rooms` it is for, at most MOST_ROOMS, `more` beside them; `count` of what there is."""

    what: What
    rooms: tuple[str, ...] = ()
    more: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class SchoolHelp:
    site: str
    helps: tuple[Help, ...]


def needed(schools: Iterable[SchoolMonth]) -> list[SchoolHelp]:
    """At most three schools that something would help, those with the most unprotected pupil-hours, in order of name.

    The order says nothing: whoever shows them sorts them by name.
    """
    known = [(school.unprotected, school.late, school.site, helps) for school in schools if (helps := _helps(school))]
    chosen = sorted(known, key=lambda it: (-it[0], -it[1], it[2]))[:MOST_SCHOOLS]
    return [SchoolHelp(site, helps) for _, _, site, helps in sorted(chosen, key=lambda it: it[2])]


def _helps(school: SchoolMonth) -> tuple[Help, ...]:
    blind = [one for one in school.rooms if (one.lessons.known_share or 0.0) < LEAST_DATA and one.lessons.slots]
    above = [one for one in school.rooms if _above(one) >= OFTEN_ABOVE]
    found: dict[What, list[RoomMonth]] = {
        "data": blind,
        "purifier": [one for one in above if one.ach is None],
        "stronger": [one for one in above if one.ach is not None and one.ach < ENOUGH_AIR_ACH],
        "leaks": [one for one in above if one.ach is not None and one.ach >= ENOUGH_AIR_ACH],
    }
    helps = [_for_rooms(what, rooms) for what, rooms in found.items() if rooms]
    if school.late:
        helps.append(Help("repairs", count=school.late))
    if school.filters:
        helps.append(Help("filters", count=school.filters))
    return tuple(helps)


def _above(room: RoomMonth) -> float:
    """The share of known lesson time above "moderate"; 0 where too little is known to say so."""
    hours = room.lessons.hours_above
    return hours / (room.lessons.known / 4) if hours is not None and room.lessons.known else 0.0


def _for_rooms(what: What, rooms: list[RoomMonth]) -> Help:
    worst = sorted(rooms, key=lambda one: (-_above(one), one.lessons.known_share or 0.0, one.room))
    return Help(what, tuple(one.room for one in worst[:MOST_ROOMS]), max(0, len(rooms) - MOST_ROOMS), len(rooms))


def clean_air_changes(volume_m3: float | None, cadrs: Mapping[str, float]) -> float | None:
    """Air changes an hour of clean air that purifiers can give to a room, from their labels; None without any."""
    if not cadrs or not volume_m3:
        return None
    return sum(cadrs.values()) / volume_m3
