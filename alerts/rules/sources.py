"""Where values come from, by the word of others: sensors and bridges that fell silent, a store that cannot be reached.

A bridge notices within seconds that a sensor says nothing; the values alone would show it after minutes. What lasts is
told, and a room none of whose PM2.5 sensors speaks any more is blind at once.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from alerts.notices import Notices
from classair.config import Config
from classair.control.signal import Signal
from classair.wire import BridgeStatus, SensorHealth, ServiceStatus, Topics

log = logging.getLogger(__name__)

LASTS_MS: Final = 20_000  # a sensor that starts anew, a bridge that reconnects, is back by then
AFTER_STEP_MS: Final = 45_000  # a bridge dates by the old time of a server whose clock was set until it asks again
_LOST: Final = ("silent", "unplugged", "error")


@dataclass(slots=True)
class _Trouble:
    """`since`: when it was heard first, by our clock. `told`: whether a notice of it is open."""

    since: int
    detail: str
    told: bool = False


class Sources:
    """Not thread-safe; called from the loop only."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._topics: Topics | None = None
        self._room_of: dict[str, str] = {}
        self._bridges: set[str] = set()
        self._open: dict[tuple[str, str], _Trouble] = {}
        self._stepped_at: int | None = None

    def follow(self, config: Config, now: int) -> None:
        self._topics = Topics(config.org)
        self._room_of = {full: f"{full.partition('.')[0]}.{sensor.room}" for full, sensor in config.sensors()}
        self._bridges = {full for full, _ in config.bridges()}
        for what, subject in list(self._open):
            known = {"sensor": subject in self._room_of, "bridge": subject in self._bridges}
            if not known.get(what, True):
                self._well(what, subject, now)

    def offline(self) -> dict[str, int]:
        """Bridges that are offline by their own last will, and since when we know."""
        return {subject: trouble.since for (what, subject), trouble in self._open.items() if what == "bridge"}

    def names(self) -> set[str]:
        """Whatever a notice of ours can be about."""
        return {*self._room_of, *self._bridges, "store"}

    def topics(self) -> list[str]:
        """What to hear."""
        assert self._topics is not None
        topics = self._topics
        return [topics.sensor_health("+", "+"), topics.bridges("status"), topics.service_status("ingest")]

    def hear(self, topic: str, payload: bytes, now: int) -> bool:
        """Takes in a message; whether it was one of these topics."""
        parts = topic.split("/")
        try:
            if parts[-1] == "health" and parts[-3] == "sensor":
                self._sensor(f"{parts[-4]}.{parts[-2]}", payload, now)
            elif parts[-1] == "status" and parts[-3] == "bridge":
                self._bridge(f"{parts[-4]}.{parts[-2]}", payload, now)
            elif self._topics is not None and topic == self._topics.service_status("ingest"):
                self._ingest(payload, now)
            else:
                return False
        except ValidationError as error:
            log.warning("status_rejected topic=%s error=%s", topic, str(error).splitlines()[0])
        except IndexError:
            return False
        return True

    def tick(self, now: int) -> None:
        """What has lasted is told."""
        for (what, subject), trouble in self._open.items():
            if not trouble.told and now - trouble.since >= LASTS_MS:
                trouble.told = True
                room = self._room_of.get(subject, "") if what == "sensor" else ""
                self._notices.begin(what, subject, room, trouble.since, trouble.detail)

    def seen(self, measuring: Collection[str], signal: Signal, now: int) -> Signal:
        """A room's signal; it is `gone` when nobody of those who measured it speaks any more.

        Nor does anybody after the clock was set, when nothing valid has come for a while: what comes is misdated.
        """
        if self._stepped_at is not None and signal.newest_at is None and now - self._stepped_at >= AFTER_STEP_MS:
            return replace(signal, gone=True)
        if measuring and all(self._lost(sensor, now) for sensor in measuring):
            return replace(signal, gone=True)
        return signal

    def clock_stepped(self, by_ms: int, now: int) -> None:
        self._stepped_at = now
        for trouble in self._open.values():
            trouble.since += by_ms

    # -- inside --------------------------------------------------------------------------------------------------------

    def _sensor(self, sensor: str, payload: bytes, now: int) -> None:
        if not payload or sensor not in self._room_of:
            return
        state = SensorHealth.model_validate_json(payload).state
        if state in _LOST:
            self._ill("sensor", sensor, state, now)
        elif state != "stopped":  # the word of a bridge that ends
            self._well("sensor", sensor, now)

    def _bridge(self, bridge: str, payload: bytes, now: int) -> None:
        if not payload or bridge not in self._bridges:
            return
        if BridgeStatus.model_validate_json(payload).state == "offline":
            self._ill("bridge", bridge, "", now)
        else:
            self._well("bridge", bridge, now)

    def _ingest(self, payload: bytes, now: int) -> None:
        if not payload:
            return
        status = ServiceStatus.model_validate_json(payload)
        away = str(status.figures.get("store_away") or "")
        if away and status.state == "online":
            self._ill("store", "store", away[:200], now)
        elif status.state == "online":
            self._well("store", "store", now)

    def _lost(self, sensor: str, now: int) -> bool:
        trouble = self._open.get(("sensor", sensor))
        return trouble is not None and now - trouble.since >= LASTS_MS

    def _ill(self, what: str, subject: str, detail: str, now: int) -> None:
        self._open.setdefault((what, subject), _Trouble(now, detail))

    def _well(self, what: str, subject: str, now: int) -> None:
        # A notice of an earlier life of ours may be open as well.
        self._open.pop((what, subject), None)
        self._notices.end(what, subject, now)
