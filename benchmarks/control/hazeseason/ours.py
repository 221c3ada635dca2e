"""ClassAir's own control in a simulated room: its pure functions as they run in production, a value each minute.

Nothing here decides anything. It does what alerts.engine and a smart plug do: hands over the time, the timetable and
the sensor's values, carries commands to a relay that obeys at once, and lets the relay fall at its expiry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.control import machine, occupancy, precleaning, speeds
from alerts.control.losses import LossFollower
from alerts.control.overrides import is_fresh
from alerts.control.preparing import would_return
from alerts.control.unit import Command, Limits, Unit
from alerts.purifiers import Said
from benchmarks.control.hazeseason.instruments import Instruments
from benchmarks.control.hazeseason.playing import Played, play
from benchmarks.control.hazeseason.world import MINUTE_MS, Clock, Room
from classair.config.purifiers import PurifierRule, Speed
from classair.control.signal import SignalFollower
from classair.model import BAD, Flag
from classair.science.averages import Sample
from classair.science.quality_checks.realtime import SensorMemory


@dataclass(frozen=True, slots=True)
class Choice:
    """What is left out for comparison: pre-cleaning, to stay on in dirty air, stepped speeds."""

    pre_clean: bool = True
    stay_on: bool = True
    stepped: bool = True


EVERYTHING: Final = Choice()


class Running:
    """One room and its controller."""

    def __init__(self, room: Room, timing: Clock, given: Instruments, choice: Choice = EVERYTHING) -> None:
        self.room, self.timing, self.given, self.choice = room, timing, given, choice
        self.rule = PurifierRule(kind="purifier")
        rule = self.rule
        self.follower = SignalFollower(rule.on_above, rule.off_below, rule.fast_above)
        self.losses = LossFollower()
        self.plan = precleaning.Plan()
        unit = room.unit
        names = ("low", "middle", "full") if unit.stepped else ("full",)
        made = [
            Speed(name=n, cadr_m3h=c, dba=d, watts=w)
            for n, c, d, w in zip(names, unit.cadr, unit.dba, unit.watts, strict=True)
        ]
        self.steps = made if unit.stepped and choice.stepped else []
        # The plug of this room reports by itself and always obeys, so that it is never asked.
        self.limits = Limits(asked=False, full_speed=len(made) - 1 if self.steps else None)
        self.known = self.losses.losses(room.volume, unit.cadr[-1])
        self.memories = [SensorMemory() for _ in given.sensors]
        self.checks = given.fault != "none"

    def play(self) -> Played:
        """The season."""
        return play(self.room, np.array(self.speeds(), np.int8))

    def speeds(self) -> list[int]:
        """Of each minute."""
        room, timing = self.room, self.timing
        top = len(room.unit.cadr)
        clean = [0.0, *(cadr / room.volume for cadr in room.unit.cadr)]
        inflow, loss = room.inflow.tolist(), room.loss.tolist()
        occupied, lesson = timing.occupied.tolist(), timing.lesson.tolist()
        ends, starts = _edges(timing)
        arriving = self._arriving()
        yard = self.given.yard.tolist()
        unit = Unit(watching_since=timing.began)
        unit, _ = machine.observed(unit, Said(on=False), occupancy.UNKNOWN, self.limits, timing.began)
        level, speed, expires = inflow[0] / loss[0], 0, 0
        held: speeds.Held | None = None
        found = [0] * timing.minutes
        there: occupancy.Occupancy | None = None
        asleep = self._asleep()
        for i in range(timing.minutes):
            found[i] = speed
            rate = loss[i] + clean[speed]
            steady = inflow[i] / rate
            level = steady + (level - steady) * math.exp(-rate / 60)
            now = timing.began + (i + 1) * MINUTE_MS
            at = min(i + 1, timing.minutes - 1)
            samples = arriving(i, level, now)
            if not speed and asleep[i]:
                continue
            if samples:
                self.follower.add(samples)
            signal = self.follower.signal
            if speed and now >= expires:
                speed = 0
                said = Said(on=False, by="timer")
                unit, _ = machine.observed(unit, said, there or occupancy.UNKNOWN, self.limits, now)
            heard = signal.median if is_fresh(signal, now) else None
            there = self._occupancy(occupied[at], lesson[at], ends[at], starts[at], heard, yard[i], now)
            if samples and signal.median is not None and signal.newest_at is not None:
                full, off, alone = speed == top, speed == 0, there.kind == "empty"
                if self.losses.add(signal.newest_at, signal.median, full=full, off=off, empty=alone):
                    self.known = self.losses.losses(room.volume, room.unit.cadr[-1])
            wish = None
            if self.steps:
                held = self._speed(held if speed else None, heard, lesson[at], there, now)
                wish = held.index if held is not None else None
            unit, actions = machine.step(unit, signal, there, self.limits, now, wish)
            for action in actions:
                if isinstance(action, Command):
                    speed = 0 if not action.on else top if action.speed is None else action.speed + 1
                    expires = now + (action.seconds or 10**9) * 1000
                    said = Said(on=action.on, answer=True, speed=action.speed)
                    unit, _ = machine.observed(unit, said, there, self.limits, now)
        return found

    def _asleep(self) -> list[bool]:
        """Minutes more than 80 before a block: nothing is decided with the purifier off, every 15th is played."""
        near = np.zeros(self.timing.minutes + 90, bool)
        for at in np.flatnonzero(np.diff(self.timing.occupied.astype(np.int8), prepend=0) == 1):
            near[max(0, at - 80) : at] = True
        awake = near[: self.timing.minutes] | self.timing.occupied
        awake[::15] = True
        return (~awake).tolist()

    def _occupancy(
        self, occupied: bool, lesson: bool, end: int, start: int | None, level: float | None, outdoor: float, now: int
    ) -> occupancy.Occupancy:
        stays = self.choice.stay_on and would_return(level, outdoor, self.known, self.rule)
        if occupied:
            return occupancy.Occupancy("occupied", end, None, False, stays, lesson, self.known.off)
        if not self.choice.pre_clean or start is None or start - now > precleaning.LONGEST * MINUTE_MS:
            self.plan = precleaning.Plan()
        else:
            self.plan = self.plan.after(now, start, precleaning.lead(level, self.rule.off_below, self.known, outdoor))
        running = self.plan.running
        return occupancy.Occupancy("empty", None, start, running, running and stays, False, self.known.off)

    def _speed(
        self, held: speeds.Held | None, level: float | None, lesson: bool, there: occupancy.Occupancy, now: int
    ) -> speeds.Held | None:
        if there.kind == "empty":
            return speeds.Held(len(self.steps) - 1, now)
        room = speeds.Room(level, now, self.known.off, self.room.volume, lesson, self.rule.loudest_dba)
        return speeds.choose(self.steps, held, room)

    def _arriving(self):  # type: ignore[no-untyped-def]
        """(minute, level, now) → the valid samples that arrive then."""
        rows = [
            tuple(part.tolist() for part in (it.gain, it.offset, it.silent, it.stuck, it.late))
            for it in self.given.sensors
        ]
        if not self.checks:
            gain, offset = rows[0][:2]

            def plain(i: int, level: float, now: int) -> list[Sample]:
                value = level * gain[i] + offset[i]
                return [Sample(now, value if value > 0 else 0.0, MINUTE_MS, "s0")]

            return plain
        waiting: dict[int, list[tuple[int, int, float]]] = {}
        frozen: list[float | None] = [None] * len(rows)

        def checked(i: int, level: float, now: int) -> list[Sample]:
            for n, (gain, offset, silent, stuck, late) in enumerate(rows):
                value = round(max(0.0, level * gain[i] + offset[i]))
                if not stuck[i]:
                    frozen[n] = None
                elif frozen[n] is None:
                    frozen[n] = value
                said = frozen[n] if frozen[n] is not None else value
                if not silent[i]:
                    waiting.setdefault(i + late[i], []).append((n, now, float(said)))  # type: ignore[arg-type]
            arrived = []
            for n, at, value in waiting.pop(i, ()):
                values = {"pm1": float(round(0.7 * value)), "pm25": float(value), "pm10": float(round(1.15 * value))}
                flags, own = self.memories[n].judge(
                    values, Flag.NONE, {}, at_ms=at, now_ms=now, clock="sync", model="pms5003", late=at < now
                )
                if not (int(flags) | own.get("pm25", 0)) & BAD:
                    arrived.append(Sample(at, float(value), MINUTE_MS, f"s{n}"))
            return arrived

        return checked


def _edges(timing: Clock) -> tuple[list[int], list[int | None]]:
    """Of each minute: when its block ends (0 outside of one), and when the next one begins."""
    n = timing.minutes
    ends, starts = [0] * n, [None] * n  # type: list[int], list[int | None]
    end, start = 0, None
    occupied = timing.occupied.tolist()
    for i in range(n - 1, -1, -1):
        if occupied[i]:
            if i + 1 == n or not occupied[i + 1]:
                end = timing.began + (i + 1) * MINUTE_MS
            ends[i] = end
            if i == 0 or not occupied[i - 1]:
                start = timing.began + i * MINUTE_MS
        starts[i] = start
    return ends, starts
