"""Faults that need an installation made for them: edits of sensors.yaml, a used-up start cap, a server that is gone."""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Final

from alerts.control import saved_state
from alerts.control.unit import Unit
from alerts.ledger import Ledger
from benchmarks.control.apart import ApartHouse
from benchmarks.control.cases import Case, RoomCase
from benchmarks.control.house import SITE, Classroom, House
from benchmarks.control.plugs import PlayedPlug
from benchmarks.control.servicefaults import FAULT_S, ServiceCase

EDIT_S: Final = 25.0
WITHIN_S: Final = 10.0  # from the edit on, the old lease is shortened or ended
MIN_ON_S: Final = 900.0


class Edit(RoomCase):
    """An edit of sensors.yaml while the room's purifier runs until the end of the block."""

    def __init__(self, name: str, says: str, longest_s: float, at_s: float = EDIT_S) -> None:
        super().__init__(name, says, told_within=None)
        self.longest_s, self.at_s = longest_s, at_s

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.room, self.twin = Classroom(self.name, 90.0), Classroom(f"{self.name}-ok", 90.0)
        return [self.room, self.twin]

    def plan(self, house: House, chance: random.Random) -> None:
        house.until_s = max(house.until_s, self.at_s + 200.0)
        house.at(self.at_s, self._edited)
        house.at(self.at_s, lambda: house.edit(self.change))
        house.at(self.at_s + WITHIN_S + 2.0, self._look_at_lease)

    def _edited(self) -> None:
        self.begun = time.monotonic()
        if not self.room.plug.plug.on:
            self.misses.append("was not on")

    def _look_at_lease(self) -> None:
        left = self.room.plug.plug.remaining_s(time.monotonic()) if self.room.plug.plug.on else 0.0
        self.notes.append(f"12 s later the old lease has {left:.0f} s left")
        if self.room.plug.plug.on and not 0 < left <= self.longest_s + 5.0:
            self.misses.append(f"old lease > {self.longest_s:g} s")

    @abstractmethod
    def change(self, config: dict[str, Any]) -> None:
        """Makes the edit."""

    def purifiers(self, config: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = config["sites"][SITE]["purifiers"]
        return found


class TopicChanged(Edit):
    """The purifier moves to a new plug, which is there already."""

    def rooms(self, chance: random.Random) -> list[Classroom]:
        found = super().rooms(chance)
        self.fresh = PlayedPlug(f"socket-{self.name}-new")
        return found

    def plan(self, house: House, chance: random.Random) -> None:
        super().plan(house, chance)
        house.at(self.at_s + 0.5, lambda: self._plug_in(house))

    def _plug_in(self, house: House) -> None:
        try:
            self.fresh.connect(house.address(self.fresh.topic))
        except KeyError:  # the broker does not know it yet
            house.later(0.5, lambda: self._plug_in(house))
        else:
            self.room.plugs.append(self.fresh)

    def change(self, config: dict[str, Any]) -> None:
        self.purifiers(config)[f"{self.room.name}-fan"]["topic"] = self.fresh.topic

    def look(self, house: House) -> None:
        super().look(house)
        on = next((at for at, state in self.fresh.switched if state), None)
        self.notes.append("new plug never on" if on is None else f"new plug on after {on - self.begun:.0f} s")
        if on is None or on - self.begun > 60.0:
            self.misses.append("new plug on later than 60 s")


class Removed(Edit):
    """Nobody can ask for a purifier that is configured no more: what it does costs nothing here."""

    def change(self, config: dict[str, Any]) -> None:
        del self.purifiers(config)[f"{self.room.name}-fan"]

    def extra_s(self, house: House, reference: House | None) -> float | None:
        return 0.0


class Unoccupied(Edit):
    """The timetable says now that no children are there today."""

    def change(self, config: dict[str, Any]) -> None:
        config["sites"][SITE]["rooms"][self.room.name]["timetable"] = "another-day"
        self.room.occupied = False


class StartCap(RoomCase):
    """The four automatic starts stand in the saved state, as a restart behind them finds it."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(name, says, told_within=None)

    def plan(self, house: House, chance: random.Random) -> None:
        self.step_to(house, chance.uniform(2, 20), 300.0)
        house.at(0.0, lambda: setattr(self, "begun", time.monotonic()))
        pauses = sorted(chance.uniform(700, 3300) for _ in range(4))
        house.before_start.append(lambda house: self._remember(house, pauses))
        house.until_s = max(house.until_s, 300.0)

    def _remember(self, house: House, ago_s: list[float]) -> None:
        now = int(time.time() * 1000)
        began = now - 4_000_000
        unit = Unit(watching_since=began, started_at=began, last_on=False, want=False, since=now - 640_000)
        unit = replace(unit, starts=tuple(now - round(ago * 1000) for ago in reversed(ago_s)))
        ledger = Ledger(house.places.ledger)
        ledger.write("insert into purifier_memory values(?,?,?)", self.room.purifier, now, saved_state.written(unit))
        ledger.close()


class ServerGone(ServiceCase):
    """The bridge is on another machine and stays; broker, ingest and alerts are gone for three minutes."""

    def __init__(self, name: str, says: str, for_s: float) -> None:
        super().__init__(name, says, None)
        self.for_s = for_s
        self.back_at = 0.0

    def plan(self, house: House, chance: random.Random) -> None:
        super().plan(house, chance)
        house.until_s = max(house.until_s, FAULT_S + self.for_s + 90.0)

    def _begin(self, house: House) -> None:
        assert isinstance(house, ApartHouse)
        self.begun = time.monotonic()
        house.server_dies()
        house.later(self.for_s, lambda: self._back(house))
        self.notes.append(f"gone for {self.for_s:.0f} s; the ledger is on it: told counts from its return")

    def _back(self, house: ApartHouse) -> None:
        self.back_at = time.monotonic()
        house.server_starts()

    def told_from(self) -> float:
        return self.back_at or self.begun


def edits() -> list[Case]:
    return [
        TopicChanged("topic-changed", "its topic is changed in sensors.yaml while it runs", MIN_ON_S),
        Removed("purifier-removed", "it is taken out of sensors.yaml while it runs", MIN_ON_S),
        Unoccupied("now-empty", "the room is no longer occupied while it runs", MIN_ON_S),
    ]


def start_cap() -> list[Case]:
    return [StartCap("start-cap", "PM2.5 300 with four starts used within the hour")]


def server_gone() -> list[Case]:
    return [ServerGone("server-gone", "server with broker loses power, the bridge stays", 180.0)]
