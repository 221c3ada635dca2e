"""Long random lives of a purifier and its controller, in which no promise breaks."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from alerts.control import machine as control
from alerts.control import saved_state
from alerts.control.occupancy import Occupancy
from alerts.control.unit import Command, Limits, Query, Unit, restarted
from alerts.purifiers import Said
from classair.control.signal import Signal, SignalFollower
from classair.science.averages import Sample
from tests.alerts.controlled import MIN, T0, who

pytestmark = pytest.mark.thorough

# -- long random lives -------------------------------------------------------------------------------------------------


@dataclass
class Plug:
    """A relay with a timer, a button, a line that loses messages, and a power supply that fails."""

    on: bool = False
    ends_at: int | None = None
    set_ms: int = 0
    powered: bool = True
    out: list[tuple[str, bool]] = field(default_factory=list)
    changes: list[tuple[int, bool, str]] = field(default_factory=list)

    def switch(self, on: bool, now: int, why: str) -> None:
        if on != self.on:
            self.changes.append((now, on, why))
        self.on = on
        self.ends_at = now + self.set_ms if on and self.set_ms else None
        self.out.append(("button" if why == "button" else "answer", on))

    def obey(self, command: Command, now: int) -> None:
        if command.seconds is not None:
            self.set_ms = command.seconds * 1000
        self.switch(command.on, now, command.mode if command.on or command.mode != "auto" else "auto")

    def tick(self, now: int) -> None:
        if self.on and self.ends_at is not None and now >= self.ends_at:
            self.switch(False, now, "expiry")


def _life(seed: int, steps: int) -> int:
    """One random life; asserts every promise on what the relay really did. Returns how often it was switched."""
    rng = random.Random(seed)
    limits = Limits(when_blind=rng.random() < 0.8, names_people=True)
    follower, plug, now = SignalFollower(25, 15), Plug(on=rng.random() < 0.3), T0
    unit = Unit(watching_since=now)
    level, mute, lossy = 20.0, 0, rng.choice([0.0, 0.0, 0.05, 0.5])
    block_end: int | None = None
    auto_starts: list[int] = []
    dirty_until = 0  # after button, loss, power cut or restart the relay's truth and our knowledge may differ a while
    for _ in range(steps):
        now += rng.choice([1000, 1000, 5000, 10_000])
        if block_end is not None and now >= block_end:
            block_end = None
        chance = rng.random()
        actions: list[control.Action] = []
        if chance < 0.0006:
            block_end = None if block_end else now + rng.randrange(5, 500) * MIN
        elif chance < 0.0012:
            mute = now + rng.randrange(1, 40) * MIN
        elif chance < 0.0016 and plug.powered:
            plug.switch(not plug.on, now, "button")
        elif chance < 0.0019:
            unit = restarted(saved_state.read(saved_state.written(unit), now), now)
        elif chance < 0.0023:
            plug.powered = not plug.powered
            if plug.powered:
                plug.switch(rng.random() < 0.5, now, "power")
                plug.out.clear()
            unit, actions = control.line(unit, plug.powered, False, now)
        elif chance < 0.0028:
            wish, minutes = rng.choice([True, False, None]), rng.choice([None, 5, 90])
            unit = control.order(unit, wish, minutes, "u", who(block_end), limits, now)
        if chance < 0.004:
            dirty_until = now + 3 * MIN
        if rng.random() < 0.004:
            level = rng.choice([3.0, 12.0, 20.0, 30.0, 80.0])
        if now > mute:
            at = now - rng.choice([0, 0, 0, 5000, 200_000, 4_000_000]) if rng.random() < 0.9 else now
            follower.add([Sample(at, max(0.0, rng.gauss(level, 4)), 10_000)])
        plug.tick(now)
        signal = follower.signal
        unit, more = control.step(unit, signal, who(block_end), limits, now)
        actions = [*actions, *more]
        while actions or plug.out:
            action = actions.pop(0) if actions else None
            if isinstance(action, Command):
                changes = plug.on != action.on
                if action.mode == "auto" and changes and unit.last_on is not action.on:
                    assert signal.newest_at is not None and now - signal.newest_at <= 180_000, "acted on old data"
                assert action.on or action.mode != "fail_safe", "safe mode never switches off"
                if action.on:
                    assert action.seconds is not None and 0 < action.seconds <= 64_800, "an ON without an expiry"
                if unit.override is not None:
                    assert action.on == unit.override.on and action.mode == "person", "a person was overruled"
                if not action.on and action.mode == "auto":
                    assert now - unit.since >= limits.min_on_ms, "automatic OFF before its minimum time"
                    assert signal.median is not None and signal.median <= 15
                if plug.powered and rng.random() >= lossy:
                    before = plug.on
                    plug.obey(action, now)
                    if changes and before != plug.on and action.mode == "auto" and now > dirty_until and not lossy:
                        if plug.on:
                            fast = signal.lasts(signal.fast_since, limits.fast_for_ms) and block_end is not None
                            restored = unit.no_rest or fast
                            off = next((at for at, on, _ in reversed(plug.changes[:-1]) if not on), 0)
                            assert restored or now - off >= limits.min_off_ms - 1000, ("no rest", action, unit)
                            auto_starts = [*(s for s in auto_starts if now - s < 3_600_000), now]
                            assert block_end is not None or len(auto_starts) <= limits.max_starts, "too many starts"
                        else:
                            began = next((at for at, on, _ in reversed(plug.changes[:-1]) if on), 0)
                            assert now - began >= limits.min_on_ms - 1000, ("too short a run", plug.changes[-6:], unit)
            elif isinstance(action, Query) and plug.powered and rng.random() >= lossy:
                plug.out.append(("report", plug.on))
            if plug.out:
                kind, on = plug.out.pop(0)
                if rng.random() >= lossy:
                    unit, _ = control.heard(unit, now)
                    said = Said(on=on, answer=kind == "answer", by="person" if kind == "button" else "")
                    unit, more = control.observed(unit, said, who(block_end), limits, now)
                    actions += more
        if plug.on and plug.powered and plug.changes and plug.changes[-1][2] in ("auto", "fail_safe", "person"):
            assert plug.ends_at is not None, "it would run for ever"
    return len(plug.changes)


def test_in_a_long_random_life_no_promise_breaks(exhaustive: bool) -> None:
    for seed in range(50 if exhaustive else 3):
        assert _life(seed, 10_000) > 3, seed


def test_the_walk_would_notice_a_missing_minimum_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: with the guard off the same walk fails."""
    real = control.step

    def careless(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> control.Outcome:
        return real(unit, signal, occupancy, replace(limits, min_on_ms=0, min_off_ms=0), now)

    monkeypatch.setattr(control, "step", careless)
    with pytest.raises(AssertionError):
        for seed in range(12):
            _life(seed, 10_000)
