"""One sensor of a bridge: its port, its driver, its averaging and how it is; everything about one entry of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from classair.config import Sensor
from classair.i18n import LANGUAGES, t
from classair.model import Flag
from classair.places import Places
from classair.wire import SensorHealth
from firmware_bridge.averaging import Averager, Mean
from firmware_bridge.drivers import Frame, UnknownModel
from firmware_bridge.ports import PortState, Recorder
from firmware_bridge.sources import Source, source_for

HEALTH_EVERY_S: Final = 60.0
# Fewer particles than this per 0.1 L say nothing about the shape of the size distribution.
_ENOUGH_COUNTED: Final = 50

Event = tuple[str, Any]
"""("frames", (line, frames, arrived_s, warming_up)) or ("state", (line, PortState)), posted by the port's thread."""


class Line:
    """Its methods run on the bridge's one thread; the port's thread only posts events."""

    def __init__(self, sensor: str, settings: Sensor, places: Places, post: Callable[[Event], None],
                 recorder: Recorder | None = None) -> None:
        """`sensor` is `<site>.<id>`. An unknown model makes a line without a port that says so."""
        self.sensor, self.settings = sensor, settings
        self.id = sensor.partition(".")[2]
        self.readings = 0
        self.port: Source | None = None
        self._told: tuple[str, str] | None = None
        self._tell_at = 0.0
        self._mean_flags = Flag.NONE
        self._newest: Mapping[str, float] = {}
        try:
            source = source_for(
                sensor, settings, places,
                lambda frames, at, warm: post(("frames", (self, frames, at, warm))),
                lambda state: post(("state", (self, state))),
                recorder,
            )
        except UnknownModel as error:
            known = str(error).rpartition("known: ")[2]
            self._state = PortState("error", "unknown_model", {"model": settings.model, "known": known})
            return
        self._state = PortState("starting", "starting")
        self.averager = Averager(settings.every, source.frame_every_s)
        self.port = source
        self.port.start()

    def same_line(self, settings: Sensor) -> bool:
        """Whether a changed entry still means this port and this model."""
        mine = self.settings
        return (settings.port, settings.model, settings.settings) == (mine.port, mine.model, mine.settings)

    def adopt(self, settings: Sensor) -> Mean | None:
        """Takes a changed entry of the same line; the reading that a changed `every` closes early."""
        mean = None
        if settings.every != self.settings.every and self.port is not None:
            mean = self.averager.flush()
            self.averager = Averager(settings.every, self.port.frame_every_s)
        self.settings = settings
        return mean

    # -- measuring -----------------------------------------------------------------------------------------------------

    def take(self, frames: list[Frame], at_s: float, warming_up: bool) -> list[Mean]:
        """The readings that these frames complete."""
        means = []
        for frame in frames:
            self._newest = frame.values
            mean = self.averager.add(frame, at_s, warming_up)
            if mean is not None:
                means.append(mean)
        return means

    def tick(self, now_s: float) -> Mean | None:
        return self.averager.tick(now_s) if self.port is not None else None

    def due_s(self) -> float | None:
        return self.averager.due_s() if self.port is not None else None

    def flush(self) -> Mean | None:
        return self.averager.flush() if self.port is not None else None

    def item(self, mean: Mean) -> dict[str, Any]:
        """A mean as a wire item, without what the spool adds."""
        self.readings += 1
        self._mean_flags = mean.flags
        item: dict[str, Any] = {"sensor": self.id, "values": mean.values, "interval_s": mean.interval_s, "n": mean.n}
        if mean.flags:
            item["flags"] = _names(mean.flags)
        if mean.value_flags:
            item["value_flags"] = {key: _names(flag) for key, flag in mean.value_flags.items()}
        if self.settings.simulated:
            item["simulated"] = True
        return item

    # -- how it is -----------------------------------------------------------------------------------------------------

    def now_is(self, state: PortState) -> Mean | None:
        """Takes the port's word; when frames stop for certain, the reading they had begun."""
        self._state = state
        return self.flush() if state.state == "unplugged" else None

    def _judged(self) -> PortState:
        """What the port says, overruled by what the sensor says of itself."""
        if self._state.state == "ok":
            if self._mean_flags & Flag.SENSOR_ERROR:
                return PortState("error", "sensor_fault")
            if self._mean_flags & Flag.WARMUP:
                return PortState("starting", "warming_up")
        return self._state

    def health(self, now_s: float, at_ms: int, bridge: str) -> SensorHealth | None:
        """What is to be told now, None while nothing changed and nothing is due."""
        state = self._judged()
        if (state.state, state.cause) == self._told and now_s < self._tell_at:
            return None
        self._told, self._tell_at = (state.state, state.cause), now_s + HEALTH_EVERY_S
        cause = {language: t(language, f"health.{state.cause}", **state.places) for language in LANGUAGES} \
            if state.cause else {}
        return SensorHealth(state=state.state, at=at_ms, bridge=bridge, port=self.settings.port,
                            model=self.settings.model, cause=cause, counters=self._counters())

    def tell_again(self) -> None:
        """The broker is new or back: everything is told afresh."""
        self._tell_at = 0.0

    def _counters(self) -> dict[str, int]:
        if self.port is None:
            return {}
        counters = {**self.port.counts(), "readings": self.readings}
        if "version" in self._newest:
            counters["version"] = int(self._newest["version"])
        small, large = self._newest.get("n03", 0), self._newest.get("n05", 0)
        if large > _ENOUGH_COUNTED:
            counters["n03_per_100_n05"] = round(100 * small / large)
        return counters


def removed(settings: Sensor, at_ms: int, bridge: str) -> SensorHealth:
    """The last word about a sensor that this bridge no longer reads."""
    cause = {language: t(language, "health.removed") for language in LANGUAGES}
    return SensorHealth(state="stopped", at=at_ms, bridge=bridge, port=settings.port, model=settings.model, cause=cause)


def _names(flags: Flag) -> list[str]:
    return [flag.name for flag in flags if flag.name]
