"""One row of the table: a fault, how it is brought about, and what it is held to."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.control.house import Classroom, House

UNSAFE_AT_MOST_S: Final = 60.0
TOLD_WITHIN_S: Final = 60.0
LOOK_S: Final = 1.5  # the ledger is read twice a second, and a row counts when it can be read


@dataclass(frozen=True, slots=True)
class Result:
    """A row. `extra_s` and `told_s` None: nothing to measure, or nobody was told. `misses`: which limits, in words."""

    name: str
    says: str
    extra_s: float | None
    told_s: float | None
    words: str
    notes: tuple[str, ...]
    misses: tuple[str, ...]


@dataclass
class Case(ABC):
    """`told_within` None: there is nothing to tell. `begun`: when the fault was there, on the monotonic clock."""

    name: str
    says: str
    extra_at_most: float | None = UNSAFE_AT_MOST_S
    told_within: float | None = TOLD_WITHIN_S
    begun: float = 0.0
    notes: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    @abstractmethod
    def rooms(self, chance: random.Random) -> list[Classroom]:
        """The classrooms that it needs, made for one run."""

    @abstractmethod
    def plan(self, house: House, chance: random.Random) -> None:
        """Lays down what happens in the house, and when."""

    def result(self, house: House, reference: House | None) -> Result:
        if house.error or not self.begun:
            why = house.error or "the fault was never brought about"
            return Result(self.name, self.says, None, None, "", (why,), ("not run",))
        extra = self.extra_s(house, reference)
        told = house.told_about(self.subjects(), self.told_from())
        told_s = None if told is None else told.at - self.told_from()
        self.look(house)
        misses = list(self.misses)
        if self.extra_at_most is not None and (extra is None or extra > self.extra_at_most):
            misses.append(f"> {self.extra_at_most:g} s unsafe")
        if self.told_within is not None and (told_s is None or told_s > self.told_within + LOOK_S):
            misses.append(f"not told in {self.told_within:g} s")
        return Result(
            self.name, self.says, extra, told_s, "" if told is None else told.words, tuple(self.notes), tuple(misses)
        )

    def subjects(self) -> set[str] | None:
        """Whom the row that tells of it may be about; None: whatever it is about."""
        return set()

    def told_from(self) -> float:
        """From when on it counts how long it takes until a person is told."""
        return self.begun

    def extra_s(self, house: House, reference: House | None) -> float | None:
        return None

    def look(self, house: House) -> None:  # noqa: B027  most faults are held to nothing else
        """Whatever else this fault is held to goes into `notes` and `misses`."""


class RoomCase(Case):
    """A fault in one room; beside it a twin with the same air and no fault, in the same installation."""

    room: Classroom
    twin: Classroom

    def __init__(
        self,
        name: str,
        says: str,
        extra_at_most: float | None = UNSAFE_AT_MOST_S,
        told_within: float | None = TOLD_WITHIN_S,
    ) -> None:
        super().__init__(name, says, extra_at_most, told_within)
        self.first_on: list[tuple[float, Callable[[], None]]] = []

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room, self.twin = Classroom(self.name), Classroom(f"{self.name}-ok")
        return [self.room, self.twin]

    def both(self, act: Callable[[Classroom], None]) -> None:
        act(self.room)
        act(self.twin)

    def step_to(self, house: House, at: float, pm25: float) -> None:
        """The air of both rooms becomes as bad."""
        house.at(at, lambda: self.both(lambda room: room.air.jump(pm25)))
        self.notes.append(f"PM2.5 {pm25:.0f}")

    def when_on(self, house: House, seconds: float, act: Callable[[], None]) -> None:
        """So long after the purifier has come on for the first time."""
        self.first_on.append((seconds, act))

        def heard(on: bool, now: float) -> None:
            if on:
                for pause, call in self.first_on:
                    house.later(pause, call)
                self.first_on.clear()

        self.room.plug.on_switched = heard

    def subjects(self) -> set[str] | None:
        return self.room.subjects()

    def extra_s(self, house: House, reference: House | None) -> float | None:
        until = house.begin + house.until_s
        mine = self.room.air.unsafe_s(house.begin, until)
        return mine - self.twin.air.unsafe_s(house.begin, until)

    def look(self, house: House) -> None:
        false = [one for one in house.told.rows if one.subject in self.twin.subjects() and one.at >= house.begin]
        if false:
            self.notes.append(f"of the room without a fault was told: {false[0].words}")
            self.misses.append("false alarm")
