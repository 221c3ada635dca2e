"""The practice room: what its air becomes with each decision. Pure; the room obeys classair/science/balance.py.

Outdoor values follow the shape of a smoke week in northern Thailand (clean on Monday, smoke from Tuesday evening, worst
on Thursday, clearing on Friday); they are made up, not measured, and every page says that this is practice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from classair.science import advice
from classair.science.balance import loss_rate, steady_state
from classair.science.indexes.thai2023 import INDEX

Decision = Literal["open", "close", "purify", "clean_room", "nothing"]
DECISIONS: Final[tuple[Decision, ...]] = ("open", "close", "purify", "clean_room", "nothing")
"""`open`: windows; `close`: windows; `purify`: windows closed and purifier on full; `clean_room`: the class goes to the
clean room and this room is shut with its purifier on; `nothing`: all stays as it is."""
LETTERS: Final[dict[str, Decision]] = {"o": "open", "c": "close", "p": "purify", "r": "clean_room", "n": "nothing"}

VOLUME_M3: Final = 180.0
CADR_M3H: Final = 420.0
AIR_CHANGES: Final = {False: 1.0, True: 6.0}  # 1/h, windows closed and open
PENETRATION: Final = {False: 0.7, True: 1.0}
DEPOSITION: Final = 0.2  # 1/h
PUPILS: Final = 32
CO2_OUTSIDE: Final = 430.0  # ppm
CO2_EACH_LH: Final = 13.0  # litres breathed out by a child at a desk in an hour
CLEAN_ROOM_UGM3: Final = 14.0
STUFFY_PPM: Final = 1500.0
HAS: Final[frozenset[advice.Need]] = frozenset({"purifier", "openings", "clean_room"})


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the week at which somebody decides: weekday (Monday 0), minutes of the day, PM2.5 outdoors, µg/m³."""

    weekday: int
    minute: int
    outdoor: float


MOMENTS: Final[tuple[Moment, ...]] = (
    Moment(0, 510, 18.0),
    Moment(0, 600, 21.0),
    Moment(0, 795, 16.0),
    Moment(1, 510, 29.0),
    Moment(1, 630, 41.0),
    Moment(1, 840, 58.0),
    Moment(2, 510, 88.0),
    Moment(2, 600, 104.0),
    Moment(2, 795, 71.0),
    Moment(3, 510, 152.0),
    Moment(3, 630, 168.0),
    Moment(3, 840, 96.0),
    Moment(4, 510, 47.0),
    Moment(4, 660, 23.0),
    Moment(4, 795, 12.0),
)
BEGINS_MIN: Final = 450
"""At 7.30 the room is opened: its air is that of a night with closed windows."""
ENDS_MIN: Final = 960


@dataclass(frozen=True, slots=True)
class Room:
    """The room at one moment: PM2.5 in µg/m³, CO2 in ppm. `away`: the class sits in the clean room."""

    pm25: float
    co2: float
    windows: bool = False
    purifier: bool = False
    away: bool = False

    def decided(self, decision: Decision) -> Room:
        match decision:
            case "open":
                return replace(self, windows=True, purifier=False, away=False)
            case "close":
                return replace(self, windows=False, away=False)
            case "purify":
                return replace(self, windows=False, purifier=True, away=False)
            case "clean_room":
                return replace(self, windows=False, purifier=True, away=True)
            case "nothing":
                return self

    def after(self, minutes: float, outdoor: float) -> Room:
        """So many minutes later with nothing else changed."""
        air, hours = AIR_CHANGES[self.windows], minutes / 60
        loss = loss_rate(air, DEPOSITION, CADR_M3H if self.purifier else 0.0, VOLUME_M3)
        # Children walking about stir up some dust.
        stirred = 0.0 if self.away else 6.0
        steady = steady_state(PENETRATION[self.windows] * air * outdoor, stirred, loss)
        breath = 0.0 if self.away else PUPILS * CO2_EACH_LH * 1000 / VOLUME_M3  # ppm/h
        stale = CO2_OUTSIDE + breath / air
        return replace(
            self,
            pm25=steady + (self.pm25 - steady) * math.exp(-loss * hours),
            co2=stale + (self.co2 - stale) * math.exp(-air * hours),
        )

    @property
    def breathed(self) -> float:
        """PM2.5 where the class is."""
        return CLEAN_ROOM_UGM3 if self.away else self.pm25


@dataclass(frozen=True, slots=True)
class Step:
    """A moment as it presents itself, before anything is decided. `row`: the advice that the wall would give."""

    place: int
    moment: Moment
    room: Room
    row: str

    @property
    def level(self) -> str:
        return INDEX.level("pm25", round(self.room.pm25, 1)) or "unknown"

    @property
    def outdoor_level(self) -> str:
        return INDEX.level("pm25", self.moment.outdoor) or "unknown"


@dataclass(frozen=True, slots=True)
class Week:
    """`steps` up to the one that is to be decided, or all of them when the week is over.

    `mean`: µg/m³ that the class breathed so far, by minutes; `stuffy`: minutes above 1500 ppm where the class was.
    """

    steps: tuple[Step, ...]
    over: bool
    mean: float | None
    stuffy: int


def decisions_of(letters: str) -> list[Decision] | None:
    """From an address; None for what is none, or for more than there is to decide."""
    found = [LETTERS.get(letter) for letter in letters]
    if None in found or len(found) > len(MOMENTS):
        return None
    return [one for one in found if one is not None]


def facts_of(room: Room, moment: Moment) -> advice.Facts:
    # Most limits of CO2 count after twenty minutes; between two decisions lies more than that.
    lasting = frozenset(limit for limit in advice.CO2_LIMITS if room.co2 > limit)
    return advice.Facts(
        indoor=round(room.pm25, 1),
        outdoor=moment.outdoor,
        co2=round(room.co2),
        indoor_level=advice.level_of(round(room.pm25, 1)),
        outdoor_level=advice.level_of(moment.outdoor),
        purifier="on" if room.purifier else "off",
        play=advice.level_of(moment.outdoor),
        co2_lasting=lasting,
    )


def play(decisions: list[Decision]) -> Week:
    """The week as these decisions, in order, have made it."""
    steps: list[Step] = []
    breathed, minutes, stuffy = 0.0, 0, 0
    room = Room(0.0, CO2_OUTSIDE)
    for place, moment in enumerate(MOMENTS):
        before = MOMENTS[place - 1] if place else None
        if before is None or before.weekday != moment.weekday:
            room = _morning(moment).after(moment.minute - BEGINS_MIN, moment.outdoor)
        steps.append(Step(place, moment, room, advice.choose(facts_of(room, moment), HAS)))
        if place >= len(decisions):
            return Week(tuple(steps), False, breathed / minutes if minutes else None, stuffy)
        room = room.decided(decisions[place])
        for outdoor in _minutes(place):
            room = room.after(1, outdoor)
            breathed, minutes = breathed + room.breathed, minutes + 1
            stuffy += room.co2 > STUFFY_PPM and not room.away
    return Week(tuple(steps), True, breathed / minutes, stuffy)


def followed() -> list[Decision]:
    """The decisions of somebody who does each time what the wall says."""
    made: list[Decision] = []
    while len(made) < len(MOMENTS):
        made.append(as_advised(play(made).steps[-1].row))
    return made


def as_advised(row: str) -> Decision:
    """The decision that does what a row of the advice says."""
    known = advice.ROWS[row]
    if "clean_room" in known.needs:
        return "clean_room"
    if "opens_windows" in known.claims:
        return "open"
    if "purifier" in known.needs:
        return "nothing" if row == "13" else "purify"
    return "close" if known.closes_windows else "nothing"


def _morning(first: Moment) -> Room:
    """After a night with closed windows: what leaks in stays."""
    seeped = PENETRATION[False] * AIR_CHANGES[False] / (AIR_CHANGES[False] + DEPOSITION)
    return Room(first.outdoor * seeped, CO2_OUTSIDE)


def _minutes(place: int) -> Iterator[float]:
    """PM2.5 outdoors for each minute until the next moment of the day, or the day's end; straight in between."""
    here = MOMENTS[place]
    after = MOMENTS[place + 1] if place + 1 < len(MOMENTS) and MOMENTS[place + 1].weekday == here.weekday else None
    end = after.minute if after else ENDS_MIN
    target = after.outdoor if after else here.outdoor
    for minute in range(here.minute, end):
        yield here.outdoor + (target - here.outdoor) * (minute - here.minute) / (end - here.minute)
