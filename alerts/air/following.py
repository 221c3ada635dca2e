"""Which sensors no longer follow their school: the live judgement, with its past kept in the ledger.

It needs neither ingest nor the store of readings. Where the ledger knows nothing of a sensor yet, the store's last
fortnight is taken in once (`lived_through`, `prime`), if it is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.ledger import Ledger, void
from classair.config import Config
from classair.model import Reading
from classair.science.quality_checks.following import PAST_MS, Quarter, SchoolFollowing


@dataclass(frozen=True, slots=True)
class Past:
    """What one sensor's past amounts to, as the ledger keeps it."""

    quarters: Sequence[Quarter]
    memory: dict[str, Any]


def lived_through(means: Mapping[str, Iterable[tuple[int, float]]]) -> dict[str, Past]:
    """The past of sensors by their quarter-hour means (start in UTC ms, µg/m³). Pure; on any thread."""
    in_time = sorted((at, sensor, mean) for sensor, known in means.items() for at, mean in known)
    schools: dict[str, SchoolFollowing] = {}
    for at, sensor, mean in in_time:
        schools.setdefault(sensor.partition(".")[0], SchoolFollowing()).take(sensor, at, mean)
    return {
        sensor: Past(list(known.quarters), school.export(sensor))
        for school in schools.values()
        for sensor, known in school.sensors.items()
    }


class Following:
    """All schools. Not thread-safe; called from the loop only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._schools: dict[str, SchoolFollowing] = {}
        self._rooms: dict[str, str] = {}
        self._kept = ledger.following()
        self._trimmed_at = 0

    def follow(self, config: Config) -> None:
        """Sensors in the rooms where they hang now; one that was moved begins anew."""
        rooms = {full: f"{full.partition('.')[0]}.{sensor.room}" for full, sensor in config.sensors()}
        for full, room in rooms.items():
            school = self._schools.setdefault(full.partition(".")[0], SchoolFollowing())
            if self._rooms.get(full, room) != room:
                school.forget(full)
            elif (kept := self._kept.pop(full, None)) is not None and kept[0] == room:
                school.restore(full, [Quarter(*quarter) for quarter in kept[2]], json.loads(kept[1]))
        for school in self._schools.values():
            school.only(rooms)
        self._rooms = rooms

    def take(self, readings: Iterable[Reading]) -> bool:
        """Valid readings of now, in order; whether the suspects may have changed."""
        changed = False
        for reading in readings:
            value = reading.valid("pm25")
            if value is None or reading.sensor not in self._rooms:
                continue
            school = self._schools[reading.sensor.partition(".")[0]]
            if closed := school.take(reading.sensor, reading.at_ms, value):
                self._keep(school, closed)
                changed = True
        return changed

    def prime(self, past: Mapping[str, Past]) -> None:
        """Takes in the past of sensors of which nothing is known."""
        for sensor, known in past.items():
            school = self._schools.get(sensor.partition(".")[0])
            if school is not None and not self.knows(sensor):
                school.restore(sensor, known.quarters, known.memory)
                self._write(sensor, known.quarters)

    def knows(self, sensor: str) -> bool:
        """Whether there is a past of this sensor."""
        known = self._schools.get(sensor.partition(".")[0], SchoolFollowing()).sensors.get(sensor)
        return known is not None and len(known.quarters) > 1

    def unknown(self) -> list[str]:
        """Sensors without a past."""
        return [sensor for sensor in list(self._rooms) if not self.knows(sensor)]

    def suspects(self) -> dict[str, int]:
        """Sensors with since when (UTC ms)."""
        return {sensor: at for school in self._schools.values() for sensor, at in school.suspects.items()}

    def _keep(self, school: SchoolFollowing, closed: Iterable[str]) -> None:
        newest = 0
        for sensor in closed:
            known = school.sensors[sensor]
            newest = max(newest, known.quarters[-1].start)
            self._write(sensor, [known.quarters[-1]])
            self._ledger.write(
                "insert or replace into followed values(?,?,?)",
                sensor,
                self._rooms[sensor],
                json.dumps(school.export(sensor)),
            )
        if newest - self._trimmed_at > PAST_MS // 14:
            self._trimmed_at = newest
            self._ledger.write("delete from followed_quarter where start<?", newest - PAST_MS)

    def _write(self, sensor: str, quarters: Iterable[Quarter]) -> None:
        rows = [(sensor, quarter.start, quarter.level, quarter.beside, int(quarter.doubted)) for quarter in quarters]
        self._ledger.put(
            lambda connection: void(
                connection.executemany("insert or replace into followed_quarter values(?,?,?,?,?)", rows)
            )
        )
