"""The month as the seed draws it: who is told what, when, and what goes wrong meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from classair.alerting.words import Severity, Stage
from classair.timetable import ZONE

MIN, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START: Final = round(datetime(2026, 11, 1, tzinfo=ZONE).timestamp() * 1000)
DAYS: Final = 30
SMOKE: Final = (*range(4, 11), *range(18, 25))  # two weeks
SCHOOLS: Final = 12
FAULTS: Final = (("push", "500", True), ("push", "500", False), ("push", "drop", True), ("push", "rate", False))


@dataclass(frozen=True, slots=True)
class Event:
    """An alert (`people` are told), a fault at LINE, a restart of alerts, or somebody who blocks the account."""

    at: int
    what: str
    name: str = ""
    site: str = ""
    severity: Severity = "warning"
    stage: Stage = "fired"
    people: tuple[str, ...] = ()
    fault: tuple[str, str, bool] = ("", "", False)


@dataclass(frozen=True, slots=True)
class Month:
    people: tuple[str, ...]
    with_second: frozenset[str]
    events: tuple[Event, ...]


def month(seed: int, recipients: int) -> Month:
    """Two smoke weeks with an urgent alert a day at each school and sometimes a second one; the ordinary rest."""
    chance = random.Random(seed)
    people = tuple(f"p{number:02d}" for number in range(1, recipients + 1))
    with_second = frozenset(chance.sample(people, recipients * 2 // 3))
    schools = [people[number::SCHOOLS] for number in range(SCHOOLS)]
    events: list[Event] = []
    for day in range(DAYS):
        midnight = START + day * DAY
        for number, staff in enumerate(schools):
            site = f"s{number + 1}"
            for wave in range(1 + (chance.random() < 0.3) if day in SMOKE else 0):
                at = midnight + chance.randrange(7 * HOUR, 17 * HOUR)
                events.append(Event(at, "alert", f"u{day}-{number}-{wave}", site, "urgent", "fired", staff))
            if staff and chance.random() < 0.2:
                at = midnight + chance.randrange(6 * HOUR, 18 * HOUR)
                told = tuple(chance.sample(staff, min(2, len(staff))))
                name = f"w{day}-{number}"
                events.append(Event(at, "alert", name, site, "warning", "fired", told))
                events.append(Event(at + 2 * HOUR, "alert", name, site, "warning", "recovered", told))
            if day % 7 == 5:
                events.append(Event(midnight + 15 * HOUR, "alert", f"i{day}-{number}", site, "info", "fired", staff))
        events += [
            Event(midnight + chance.randrange(DAY), "fault", fault=chance.choice(FAULTS))
            for _ in range(chance.randrange(4))
        ]
        if chance.random() < 0.3:
            events.append(Event(midnight + chance.randrange(DAY), "fault", fault=("quota", "500", False)))
        if chance.random() < 0.2:
            events.append(Event(midnight + chance.randrange(DAY), "restart"))
    blocking = chance.choice(sorted(with_second))
    events.append(Event(START + 7 * DAY + 9 * HOUR, "blocks", people=(blocking,)))
    return Month(people, with_second, tuple(sorted(events, key=lambda event: (event.at, event.name, event.what))))
