"""Random histories of a bridge without a good clock: what is dated is right, what cannot be dated is not guessed.

500 are played, others in each run; 10,000 with --all.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import firmware_bridge
from firmware_bridge.clock import BUILT_MS, Clock

TRUTH_MS = BUILT_MS + 40 * 86_400_000
WITHIN_MS = 1000
HOUR_S = 3600.0


@dataclass
class Machine:
    """True time, and what the machine makes of it. Its clocks are exact; what is wrong is where they stand."""

    chance: random.Random
    true_ms: float = TRUTH_MS
    elapsed_s: float = 0.0
    wall_off_ms: float = 0.0
    synchronised: bool = False
    server: bool = False
    clock: Clock = field(init=False)
    waiting: list[tuple[float, float]] = field(default_factory=list)  # (elapsed, truth) of undated readings
    dated: list[tuple[int, float, float, str]] = field(default_factory=list)  # (at, truth, truth when dated, quality)
    lost: int = 0
    question: tuple[str, float, float] | None = None  # (id, answered at, the server's word)

    def boot(self) -> None:
        """Power comes: the wall clock stands at 1970, hours or days off, or where it should."""
        self.lost += len(self.waiting)
        self.waiting.clear()
        self.elapsed_s, self.synchronised, self.question = self.chance.uniform(3, 40), False, None
        self.wall_off_ms = self.chance.choice(
            [-self.true_ms, self.chance.uniform(-9e6, 9e6), self.chance.uniform(-9e9, 9e9), 0.0]
        )
        self.clock = Clock(
            elapsed=lambda: self.elapsed_s,
            wall=lambda: (self.true_ms + self.wall_off_ms) / 1000,
            synchronised=lambda: self.synchronised,
        )

    def passes(self, seconds: float) -> None:
        self.true_ms += seconds * 1000
        self.elapsed_s += seconds

    def happens(self) -> None:
        """Something, now and then."""
        roll = self.chance.random()
        if roll < 0.01:
            self.passes(self.chance.uniform(0, 60))
            self.boot()
        elif roll < 0.02:
            self.synchronised, self.wall_off_ms = True, self.chance.uniform(-80, 80)  # network time at last
        elif roll < 0.03:
            self.synchronised = False  # nobody disciplines it any more
        elif roll < 0.05:
            # A step by hand; the kernel calls its own clock undisciplined from then on.
            self.synchronised, self.wall_off_ms = False, self.chance.uniform(-2e8, 2e8)
        elif roll < 0.06:
            self.passes(self.chance.uniform(1, HOUR_S))  # suspended
        elif roll < 0.09:
            self.server = not self.server

    def asks(self) -> None:
        if self.question is not None and self.elapsed_s >= self.question[1]:
            name, _, told = self.question
            self.question = None
            self.clock.answer(name, round(told), self.elapsed_s)
        name = self.clock.question() if self.server else None
        if name is not None:
            there = self.chance.expovariate(1 / self.chance.choice([0.01, 0.3, 3.0]))
            back = self.chance.expovariate(1 / self.chance.choice([0.01, 0.3, 3.0]))
            # The server looks at its own clock, right to a few milliseconds, somewhere on the trip.
            told = self.true_ms + there * 1000 + self.chance.uniform(-20, 20)
            if back + there > 20:
                told = self.chance.choice([told, 0.0, BUILT_MS - 1.0])
            self.question = (name, self.elapsed_s + there + back, told)

    def measures(self) -> None:
        moment = self.clock.date(self.elapsed_s)
        if moment is None:
            self.waiting.append((self.elapsed_s, self.true_ms))
        else:
            self.dated.append((moment.at_ms, self.true_ms, self.true_ms, moment.quality))
        offset = self.clock.offset()
        if offset is not None:
            self.dated += [
                (round(s * 1000) + offset.at_ms, truth, self.true_ms, offset.quality) for s, truth in self.waiting
            ]
            self.waiting.clear()


def play(seed: int) -> Machine:
    chance = random.Random(seed)
    machine = Machine(chance)
    machine.boot()
    for _ in range(chance.randint(20, 300)):
        machine.happens()
        machine.asks()
        machine.measures()
        machine.passes(chance.choice([0.25, 1.0, 10.0]))
    return machine


def test_over_many_histories_every_dated_reading_is_right_to_a_second(exhaustive: bool, chance: random.Random) -> None:
    dated = lost = waiting = 0
    histories, first = 10_000 if exhaustive else 500, chance.randrange(2**32)
    for seed in range(first, first + histories):
        machine = play(seed)
        for at, truth, now, quality in machine.dated:
            assert abs(at - truth) <= WITHIN_MS, f"history {seed}: {at - truth} ms off by {quality}"
            assert at <= now + WITHIN_MS, f"history {seed}: in the future"
            assert at >= BUILT_MS, f"history {seed}: before the build"
        times = [at for at, *_ in sorted(machine.dated, key=lambda it: it[1])]
        assert all(later - earlier > -2 * WITHIN_MS for earlier, later in pairwise(times))
        dated, lost, waiting = dated + len(machine.dated), lost + machine.lost, waiting + len(machine.waiting)
    # The histories are worth their name only when each of the three happens a great deal.
    assert dated > histories * 10
    assert lost > histories // 10
    assert waiting > histories


def test_no_schedule_of_the_bridge_looks_at_the_wall_clock() -> None:
    folder = Path(firmware_bridge.__file__).parent
    looking = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if re.search(r"\btime\.(time|time_ns|localtime)\b|datetime\.now", path.read_text("utf-8"))
    }
    # The clock itself, the black box, which dates bytes for people, and commands that a person watches.
    assert {name for name in looking if not name.startswith("commands/")} == {"clock.py", "blackbox/recorder.py"}
