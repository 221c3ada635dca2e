"""Sensors that fell silent in dusty air and still count: kept in the ledger, so that no restart cleans a room."""

from __future__ import annotations

from alerts.air.rooms import RoomWatch
from alerts.ledger import Ledger
from classair.science.averages import Sample

_INTERVAL_MS = 10_000


class Held:
    """Not thread-safe; called from the loop only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rooms: dict[str, dict[str, tuple[int, float]]] = {}
        for sensor, room, at, median in ledger.held():
            self._rooms.setdefault(room, {})[sensor] = (at, median)

    def note(self, watch: RoomWatch) -> None:
        """Keeps what a room holds now."""
        known = self._rooms.get(watch.room, {})
        held = dict(watch.signal.held)
        for sensor, (at, median) in known.items():
            if sensor not in held and watch.signal.last_at(sensor) == at:
                held[sensor] = (at, median)  # nobody has spoken since: that it is silent shows by the others alone
        if held == known:
            return
        for sensor in known.keys() - held.keys():
            self._ledger.write("delete from held where sensor=?", sensor)
        for sensor, (at, median) in held.items():
            self._ledger.write("insert or replace into held values(?,?,?,?)", sensor, watch.room, at, median)
        self._rooms[watch.room] = held

    def remind(self, watch: RoomWatch, now: int) -> None:
        """Tells a room that begins anew what it held; whatever its sensors have said since goes first.

        What was written down under a clock that was ahead is of now at the latest: a word of the future would count as
        fresh until then, and make all that the sensor says meanwhile too old.
        """
        words = self._rooms.get(watch.room, {})
        for sensor, (at, median) in words.items():
            words[sensor] = (min(at, now), median)
        watch.signal.add(
            Sample(at, median, _INTERVAL_MS, sensor)
            for sensor, (at, median) in words.items()
            if sensor in watch.sensors
        )

    def clock_stepped(self, by_ms: int) -> None:
        self._rooms = {
            room: {sensor: (at + by_ms, median) for sensor, (at, median) in held.items()}
            for room, held in self._rooms.items()
        }
