"""The dust of one room as its bridge measures it, in ms of elapsed(): no clock has to be right for that."""

from __future__ import annotations

from classair.config.purifiers import PurifierRule
from classair.control.signal import BLIND_MS, SignalFollower
from classair.science.averages import Sample


class RoomSignal:
    """One follower a sensor: the room is high when one of them is, and blind when all are."""

    def __init__(self, began_ms: int) -> None:
        self._began_ms = began_ms
        self._sensors: dict[str, SignalFollower] = {}

    def add(self, sensor: str, at_ms: int, value: float, interval_ms: int, rule: PurifierRule) -> None:
        follower = self._sensors.setdefault(sensor, SignalFollower(rule.on_above, rule.off_below))
        follower.limits(rule.on_above, rule.off_below)
        follower.add([Sample(at_ms, value, interval_ms, sensor)])

    def only(self, sensors: set[str]) -> None:
        """Forgets sensors that are not in the room any more."""
        for gone in self._sensors.keys() - sensors:
            del self._sensors[gone]

    def high(self, now_ms: int, rule: PurifierRule) -> bool:
        for follower in self._sensors.values():
            told = follower.signal
            if told.newest_at is None or told.high_since is None or now_ms - told.newest_at > told.blind_ms:
                continue
            if told.newest_at - told.high_since >= rule.on_for * 1000:
                return True
        return False

    def blind(self, now_ms: int) -> bool:
        ends = [
            told.newest_at + told.blind_ms
            for follower in self._sensors.values()
            if (told := follower.signal).newest_at is not None
        ]
        return now_ms > max(ends, default=self._began_ms + BLIND_MS)
