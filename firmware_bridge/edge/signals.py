"""The dust of one room as its bridge measures it, in ms of elapsed(): no clock has to be right for that."""

from __future__ import annotations

from collections.abc import Collection

from classair.config.purifiers import PurifierRule
from classair.control.signal import BLIND_MS, SignalFollower
from classair.science.averages import Sample


class RoomSignal:
    """Control's own signal, from the sensors of this bridge alone."""

    def __init__(self, began_ms: int, rule: PurifierRule) -> None:
        self._began_ms = began_ms
        self._follower = SignalFollower(rule.on_above, rule.off_below, rule.fast_above)

    def follow(self, rule: PurifierRule, sensors: Collection[str]) -> None:
        """The rule in force, and the sensors that are in the room now."""
        self._follower.limits(rule.on_above, rule.off_below, rule.fast_above)
        self._follower.only(sensors)

    def add(self, sensor: str, at_ms: int, value: float, interval_ms: int) -> None:
        self._follower.add([Sample(at_ms, value, interval_ms, sensor)])

    def empty(self) -> None:
        """Nobody is in the room: sensors that have fallen silent hold nothing any more."""
        self._follower.forget_silent()

    def high(self, now_ms: int, rule: PurifierRule) -> bool:
        told = self._follower.signal
        if self.blind(now_ms):
            return False
        slow, fast = round(rule.on_for * 1000), round(rule.fast_for * 1000)
        return told.lasts(told.high_since, slow) or told.lasts(told.fast_since, fast)

    def level(self, now_ms: int) -> float | None:
        """The signal, None while the room is blind."""
        return None if self.blind(now_ms) else self._follower.signal.median

    def blind(self, now_ms: int) -> bool:
        told = self._follower.signal
        return now_ms > (self._began_ms + BLIND_MS if told.newest_at is None else told.newest_at + told.blind_ms)
