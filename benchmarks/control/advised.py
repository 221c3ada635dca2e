"""The one row without processes: eight hours at the limit, with the engine of alerts on a clock of its own."""

from __future__ import annotations

import random
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

from benchmarks.control.cases import Case, Result
from benchmarks.control.house import Classroom, House
from tests.alerts.watched import House as Watched

HOURS: Final = 8
AT_MOST: Final = 12


class Steady(Case):
    """Indoor PM2.5 of 25 ± 2; how often what people are advised to do changes."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(name, says, None, None)
        self.changes: int | None = None

    def rooms(self, chance: random.Random) -> list[Classroom]:
        return []

    def plan(self, house: House, chance: random.Random) -> None:
        self.chance = chance
        assert isinstance(house, OnPaper)
        house.cases.append(self)

    def count(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            watched = Watched(Path(folder))
            watched.live(1200, 25.0, 10.0)
            told, changes = watched.room().rule, 0
            for _ in range(HOURS * 360):
                watched.live(10, self.chance.uniform(23.0, 27.0), 10.0)
                rule = watched.room().rule
                changes += rule != told
                told = rule
            watched.ledger.close()
            self.changes = changes

    def result(self, house: House, reference: House | None) -> Result:
        if self.changes is None:
            return Result(self.name, self.says, None, None, "", (house.error,), ("not run",))
        notes = (f"advice changed {self.changes} times in {HOURS} h", "engine on a simulated clock, no processes")
        misses = (f"more than {AT_MOST} changes",) if self.changes > AT_MOST else ()
        return Result(self.name, self.says, None, None, "", notes, misses)


class OnPaper(House):
    """Plays rows that need no process."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.cases: list[Steady] = []

    def play(self, stop: threading.Event) -> None:
        try:
            for case in self.cases:
                case.count()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"


def cases() -> list[Case]:
    return [Steady("steady-25", "indoor 25 ± 2 for eight hours")]
