"""Faults of one room, one plug, one sensor or one person; all of them live in one installation at the same time."""

from __future__ import annotations

import random
import time

from benchmarks.control.cases import Case, Result, RoomCase
from benchmarks.control.house import Classroom, House

FAST_ON_S = 130.0  # one-minute median at 50 for a minute, with an interval of 10 s and the confirmation
SLOW_ON_S = 360.0  # five-minute median at 25 for three minutes


class RelayFalls(RoomCase):
    """`after`: seconds from ON to the fall. `running`: the purifier runs from the beginning."""

    def __init__(self, name: str, says: str, after: tuple[float, float], times: int = 1, running: bool = False) -> None:
        super().__init__(name, says)
        self.after, self.times, self.running = after, times, running

    def rooms(self, chance: random.Random) -> list[Classroom]:
        starts_at = 90.0 if self.running else 8.0
        self.room, self.twin = Classroom(self.name, starts_at), Classroom(f"{self.name}-ok", starts_at)
        return [self.room, self.twin]

    def plan(self, house: House, chance: random.Random) -> None:
        if not self.running:
            self.step_to(house, chance.uniform(2, 20), chance.uniform(60, 200))
        pauses = [chance.uniform(*self.after) for _ in range(self.times)]
        fallen: list[float] = []

        def fall() -> None:
            self.begun = self.begun or time.monotonic()
            fallen.append(time.monotonic())
            self.room.plug.fall()

        def heard(on: bool, now: float) -> None:
            if on and len(fallen) < self.times:
                house.later(pauses[len(fallen)], fall)

        if self.running:
            house.at(pauses[0], fall)
        else:
            self.room.plug.on_switched = heard

    def look(self, house: House) -> None:
        super().look(house)
        after = next((at for at, on in self.room.plug.switched if on and at > self.begun), None)
        if after is None:
            self.misses.append("never sent again")
            return
        self.notes.append(f"sent again after {after - self.begun:.1f} s")
        if after - self.begun > 10.0:
            self.misses.append("> 10 s until sent again")


class PersonsOff(RoomCase):
    """At PM2.5 above 75 a person's OFF ends after ten minutes, and the teacher is told at once."""

    def __init__(self, name: str, says: str, lasts_s: float, named: bool) -> None:
        super().__init__(name, says, extra_at_most=lasts_s + 30.0)
        self.lasts_s, self.named = lasts_s, named

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room = Classroom(self.name, prepared=self.named)
        self.twin = Classroom(f"{self.name}-ok", prepared=self.named)
        return [self.room, self.twin]

    def plan(self, house: House, chance: random.Random) -> None:
        self.step_to(house, chance.uniform(2, 10), 120.0)
        house.until_s = max(house.until_s, 180.0 + self.lasts_s + 60.0)

        def press() -> None:
            self.begun = time.monotonic()
            self.room.plug.press()

        again = chance.uniform(15, 40)

        def insist() -> None:
            """A plug that names nobody is switched on again once; whoever meant it presses again."""
            if self.room.plug.plug.on:
                press()

        self.when_on(house, chance.uniform(15, 40), press)
        if not self.named:
            self.when_on(house, 40.0 + again, insist)

    def look(self, house: House) -> None:
        super().look(house)
        after = next((at for at, on in self.room.plug.switched if on and at > self.begun), None)
        self.notes.append("off to the end" if after is None else f"off for {after - self.begun:.0f} s")
        if after is not None and after - self.begun < self.lasts_s - 30:
            self.misses.append("a person's word was cut short")


class MinuteOff(RoomCase):
    """Off for a minute by the API; when that is over, nothing more is waited for."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(name, says, extra_at_most=60.0 + 15.0, told_within=None)

    def plan(self, house: House, chance: random.Random) -> None:
        self.step_to(house, chance.uniform(2, 20), chance.uniform(60, 74))
        tokens: list[str] = []
        house.at(0.0, lambda: tokens.append(house.token()))

        def ask() -> None:
            self.begun = time.monotonic()
            house.override(self.room.purifier, "off", 1, tokens[0])

        self.when_on(house, chance.uniform(10, 40), ask)


class PlugSilent(RoomCase):
    """Dead without its last will; `running`: at a moment when the purifier is on."""

    def __init__(self, name: str, says: str, running: bool) -> None:
        super().__init__(name, says, told_within=120.0)
        self.running = running

    def plan(self, house: House, chance: random.Random) -> None:
        step = chance.uniform(2, 20)
        self.step_to(house, step, chance.uniform(60, 200))

        def die() -> None:
            self.begun = time.monotonic()
            self.room.plug.die()

        if self.running:
            self.when_on(house, chance.uniform(5, 60), die)
        else:
            house.at(step + chance.uniform(-2, 60), die)


class Disobeys(RoomCase):
    """The relay sticks: it answers every command with OFF."""

    def plan(self, house: House, chance: random.Random) -> None:
        self.step_to(house, chance.uniform(2, 20), chance.uniform(60, 200))
        self.room.plug.plug.disobey = True

    def result(self, house: House, reference: House | None) -> Result:
        self.begun = self.room.plug.refused_at or 0.0  # nobody can know before it is told to switch
        return super().result(house, reference)


class DeadUnit(RoomCase):
    """The plug obeys and stays on; the purifier behind it does not run."""

    def __init__(self, name: str, says: str, metered: bool, told_within: float) -> None:
        super().__init__(name, says, told_within=told_within)
        self.metered = metered

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room = Classroom(self.name, metered=self.metered)
        self.twin = Classroom(f"{self.name}-ok", metered=self.metered)
        self.room.plug.plug.dead = True
        return [self.room, self.twin]

    def plan(self, house: House, chance: random.Random) -> None:
        self.step_to(house, chance.uniform(2, 20), chance.uniform(60, 200))
        if self.told_within is not None:
            house.until_s = max(house.until_s, 20.0 + FAST_ON_S + self.told_within + 30.0)

        def began() -> None:
            self.begun = time.monotonic()

        self.when_on(house, 0.0, began)


class TwoSensors(RoomCase):
    """One shows a tenth of the truth and the other the truth, which dies once the purifier runs."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(name, says, told_within=None)

    def rooms(self, chance: random.Random) -> list[Classroom]:
        low = (lambda true: 0.1 * true, lambda true: true)
        self.true = chance.randrange(2)
        self.room = Classroom(self.name, shows=low if self.true else low[::-1])
        self.twin = Classroom(f"{self.name}-ok", shows=(lambda true: true, lambda true: true))
        return [self.room, self.twin]

    def plan(self, house: House, chance: random.Random) -> None:
        self.step_to(house, chance.uniform(2, 10), 80.0)
        house.rule = {"min_on": "2m", "off_for": "2m"}
        house.until_s = 560.0
        house.at(0.0, lambda: setattr(self, "begun", time.monotonic()))
        self.when_on(house, chance.uniform(5, 60), lambda: self.room.ports[self.true].set_fault("silence"))

    def look(self, house: House) -> None:
        super().look(house)
        on = [at for at, state in self.room.plug.switched if state]
        off = [at for at, state in self.room.plug.switched if not state]
        self.notes.append("never on" if not on else f"on after {on[0] - self.begun:.0f} s")
        if not on:
            self.misses.append("never on")
        elif off:
            self.misses.append(f"switched off {off[0] - on[0]:.0f} s later")


class SensorSilent(RoomCase):
    """No byte comes any more, or the cable is pulled, within seconds of a rise of the true air."""

    def __init__(self, name: str, says: str, pulled: bool) -> None:
        super().__init__(name, says)
        self.pulled = pulled

    def plan(self, house: House, chance: random.Random) -> None:
        step = chance.uniform(10, 30)
        self.step_to(house, step, chance.uniform(60, 200))
        gone = step + chance.uniform(-10, 80)
        self.notes.append(f"{gone - step:+.0f} s from the rise")

        def go() -> None:
            self.begun = time.monotonic()
            port = self.room.ports[0]
            if self.pulled:
                port.unplug()
            else:
                port.set_fault("silence")

        house.at(gone, go)


class EmptyRoom(Case):
    """No block today: nobody is to be served."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(name, says, extra_at_most=None, told_within=None)

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room = Classroom(self.name, occupied=False)
        return [self.room]

    def plan(self, house: House, chance: random.Random) -> None:
        def rise() -> None:
            self.begun = time.monotonic()
            self.room.air.jump(40.0)

        house.at(chance.uniform(0, 5), rise)

    def look(self, house: House) -> None:
        ran = self.room.air.cleaned_s(self.begun, time.monotonic())
        self.notes.append(f"PM2.5 40, on for {ran:.0f} of {house.begin + house.until_s - self.begun:.0f} s")
        if ran:
            self.misses.append("ran for nobody")


class Step(Case):
    """No fault: how long after a rise from 10 the purifier is on."""

    def __init__(self, name: str, low: float, high: float) -> None:
        super().__init__(name, f"rise from 10 to {low:g}…{high:g}", extra_at_most=None, told_within=None)
        self.low, self.high = low, high
        self.limit = FAST_ON_S if low >= 55.0 else SLOW_ON_S

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room = Classroom(self.name, 10.0)
        return [self.room]

    def plan(self, house: House, chance: random.Random) -> None:
        to = chance.uniform(self.low, self.high)
        self.notes.append(f"PM2.5 {to:.0f}")

        def rise() -> None:
            self.begun = time.monotonic()
            self.room.air.jump(to)

        house.at(chance.uniform(0, 20), rise)
        house.until_s = max(house.until_s, 20.0 + self.limit + 20.0)

    def look(self, house: House) -> None:
        after = next((at - self.begun for at, on in self.room.plug.switched if on and at > self.begun), None)
        self.notes.append("never on" if after is None else f"on after {after:.0f} s")
        if after is None or after > self.limit:
            self.misses.append(f"on later than {self.limit:g} s")


def unmetered() -> list[Case]:
    return [DeadUnit("dead-unmetered", "purifier dead behind a plug without a meter", False, 35 * 60.0)]


def two_sensors() -> list[Case]:
    return [TwoSensors("two-sensors", "sensors 8 and 80 in one room, the true one dies (min_on, off_for 2 min)")]


def cases() -> list[Case]:
    return [
        RelayFalls("relay-falls", "relay lets go 3 to 6 s after it confirmed ON", (3, 6)),
        RelayFalls("unexpected-off", "plug reports OFF that nobody asked for", (20, 60)),
        RelayFalls("unexpected-twice", "the same again within two minutes, plug names persons", (10, 50), times=2),
        PersonsOff("persons-off", "a person presses OFF at PM2.5 120", 600.0, True),
        PersonsOff("unnamed-off", "a person presses OFF twice at a plug that names nobody", 600.0, False),
        MinuteOff("minute-off", "OFF for a minute by the API, then its end"),
        PlugSilent("plug-silent", "plug dead without last will, purifier on", True),
        PlugSilent("plug-silent-off", "plug dead without last will around a rise", False),
        Disobeys("plug-disobeys", "plug answers every ON with OFF"),
        DeadUnit("dead-metered", "purifier dead behind a plug with a meter", True, 60.0),
        SensorSilent("sensor-silent", "sensor falls silent around a rise", False),
        SensorSilent("sensor-pulled", "sensor's cable is pulled around a rise", True),
        EmptyRoom("empty-room", "a day without school"),
        Step("rise-30", 30, 45),
        Step("rise-60", 60, 75),
        Step("rise-120", 100, 150),
        Step("rise-300", 250, 320),
    ]
