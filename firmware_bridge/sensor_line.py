"""One sensor of a bridge: its port, its driver, its averaging and how it is; everything about one entry of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from classair.config import Sensor
from classair.model import BAD, Flag
from classair.places import Places
from classair.timetable import ALWAYS_EMPTY, Timetable
from classair.wire import SensorHealth
from firmware_bridge.averaging import Averager, Mean
from firmware_bridge.drivers import Frame, UnknownModel
from firmware_bridge.foreign.port import Crossing, ForeignPort
from firmware_bridge.health import topic
from firmware_bridge.health.hints import TypeHint, below_air, has_working_period
from firmware_bridge.health.values import PATIENCE_AT_LEAST_S, PATIENCE_INTERVALS, Newest, NewestValues
from firmware_bridge.serial.duty_cycle import DutyCycle
from firmware_bridge.serial.identity import Device
from firmware_bridge.serial.port_state import PortState, Recorder
from firmware_bridge.serial.warm_up import LastSeen
from firmware_bridge.sources import Source, source_for
from firmware_bridge.station import Station

HEALTH_EVERY_S: Final = 60.0
WARNINGS_EVERY_S: Final = 5.0
# Nothing from the port's own thread for so long: the system holds it in a call that does not return.
STUCK_S: Final = 15.0
SELDOM_S: Final = 10.0  # no sensor that streams is slower
# Fewer particles than this per 0.1 L say nothing about the shape of the size distribution.
_ENOUGH_COUNTED: Final = 50

Event = tuple[str, Any]
"""("frames", (line, frames, arrived_s, warming_up)) or ("state", (line, PortState)), posted by the port's thread."""


class SensorLine:
    """Its methods run on the bridge's one thread; the port's thread only posts events."""

    def __init__(
        self,
        sensor: str,
        settings: Sensor,
        places: Places,
        post: Callable[[Event], None],
        recorder: Recorder | None = None,
        *,
        station: Station | None = None,
        timetable: Timetable = ALWAYS_EMPTY,
        crossing: Crossing | None = None,
    ) -> None:
        """`sensor` is `<site>.<id>`. An unknown model makes a line without a port that says so."""
        self.sensor, self.settings = sensor, settings
        self.id = sensor.partition(".")[2]
        self.readings = 0
        self.port: Source | None = None
        self._station = station or Station()
        self._timetable = timetable
        self._published: tuple[str, str] | None = None
        self._tell_at = 0.0
        self._warmup = False
        self._fault_s: float | None = None
        self._newest: Mapping[str, float] = {}
        self._values = NewestValues()
        self._well_s: float | None = None  # since when the port is well and values should come
        self._hint = TypeHint(settings.model)
        self._warning: PortState | None = None
        self._warn_at = 0.0
        self._ran_s = 0.0
        self._heard_s: float | None = None
        self._cycle = DutyCycle(settings.duty, 0.0, timetable)
        self._place()
        try:
            source = source_for(
                sensor,
                settings,
                places,
                lambda frames, at, warm: post(("frames", (self, frames, at, warm))),
                lambda state: post(("state", (self, state))),
                recorder,
                station=self._station,
                asleep_until=lambda now_s: self._cycle.asleep_until(now_s),
                crossing=crossing,
            )
        except UnknownModel as error:
            known = str(error).rpartition("known: ")[2]
            self._state = PortState("error", "unknown_model", {"model": settings.model, "known": known})
            return
        except ValueError as error:
            why = str(error).splitlines()[0]
            self._state = PortState("error", "foreign_unfit", {"port": settings.port, "why": why})
            return
        self._state = source.state
        learnt = self._station.book.known(self._key)
        self._values = NewestValues(_days(learnt.get("has")))
        if isinstance(source, ForeignPort):
            source.recall(learnt)
        self.averager = _averager(settings.every, source)
        self.port = source
        self._cycle = DutyCycle(settings.duty, getattr(source, "warm_up_s", 0.0), timetable)
        self.port.start()

    @property
    def _key(self) -> str:
        """Under which what is learnt of the sensor is kept: another model or port is another sensor."""
        return f"{self.sensor} {self.settings.model} {self.settings.port}"

    def same_line(self, settings: Sensor) -> bool:
        """Whether a changed entry still means this port, this model and this sensor."""
        mine = self.settings
        return (settings.port, settings.model, settings.settings, settings.identity) == (
            mine.port,
            mine.model,
            mine.settings,
            mine.identity,
        )

    def adopt(self, settings: Sensor, timetable: Timetable | None = None) -> Mean | None:
        """Takes a changed entry of the same line; the reading that a changed `every` closes early."""
        mean = None
        if settings.every != self.settings.every and self.port is not None:
            mean = self.averager.flush()
            self.averager = _averager(settings.every, self.port)
        timetable = self._timetable if timetable is None else timetable
        if (settings.duty, timetable) != (self.settings.duty, self._timetable):
            self._timetable = timetable
            self._cycle = DutyCycle(settings.duty, getattr(self.port, "warm_up_s", 0.0), timetable)
        self.settings = settings
        self._place()
        return mean

    def _place(self) -> None:
        self._station.pairs.place(self.sensor, f"{self.sensor.partition('.')[0]}.{self.settings.room}")

    @property
    def every_s(self) -> float:
        """How often a reading is expected."""
        if self.port is None:
            return self.settings.every or 1.0
        return self.averager.every_s or self.port.frame_every_s

    def leave(self) -> None:
        """This bridge reads the sensor no longer."""
        self._station.pairs.remove(self.sensor)

    # -- measuring -----------------------------------------------------------------------------------------------------

    def take(self, frames: list[Frame], at_s: float, warming_up: bool) -> list[Mean]:
        """The readings that these frames complete."""
        means = []
        newest = self._heard_s is None or at_s >= self._heard_s  # a device's backlog comes after what is newer
        self._runs(at_s)
        self._warmup = warming_up
        for frame in frames:
            self._hint.add(frame.values)
            if newest:
                self._newest = frame.values
            if newest and frame.flags & Flag.SENSOR_ERROR:
                self._fault_s = at_s
            mean = self.averager.add(frame, at_s, warming_up)
            if mean is not None:
                means.append(mean)
        return means

    def _runs(self, at_s: float) -> None:
        """Counts running time from frame to frame; a pause of more than a few frames' time was none."""
        before = self._heard_s
        self._heard_s = at_s if before is None else max(at_s, before)
        if before is not None and self.port is not None and 0 < at_s - before <= 5 * self.port.frame_every_s:
            self._ran_s += at_s - before

    def tick(self, now_s: float) -> Mean | None:
        return self.averager.tick(now_s) if self.port is not None else None

    def due_s(self) -> float | None:
        return self.averager.due_s() if self.port is not None else None

    def flush(self) -> Mean | None:
        return self.averager.flush() if self.port is not None else None

    def item(self, mean: Mean) -> dict[str, Any]:
        """A mean as a wire item, without what the spool adds."""
        self.readings += 1
        self._values.take(mean)
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
        return self.flush() if state.state in ("unplugged", "asleep") else None

    def _judged(self, now_s: float, at_ms: int) -> PortState:
        """What the port says, overruled by what the sensor says of itself, and by values that do not come."""
        state = self._state
        if state.state != "ok" or self._warmup or self._well_s is None:
            self._well_s = now_s
        passed_s = getattr(self.port, "passed_s", now_s)
        if now_s - passed_s > STUCK_S:
            return PortState("silent", "stuck")
        if state.state == "asleep":
            return PortState("asleep", "asleep", topic.asleep(state.places["until_s"], now_s, at_ms))
        if state.state == "ok":
            every = self.settings.every or (self.port.frame_every_s if self.port is not None else 0.0)
            if self._fault_s is not None and now_s - self._fault_s <= max(every, 2.0) + 2.0:
                return PortState("error", "sensor_fault", {"code": f"{int(self._newest.get('error', 0)):#x}"})
            if self._warmup:
                return PortState("starting", "warming_up")
            lacking = self._values.lacking(now_s, self._well_s, self.patience_s)
            if lacking is not None and (lacking.state != "ok" or not state.cause):
                return lacking
            if not state.cause:
                return self._warning_now(now_s) or state
        return state

    @property
    def patience_s(self) -> float:
        """How long a value may be away before that is told."""
        return max(PATIENCE_INTERVALS * self.every_s, PATIENCE_AT_LEAST_S)

    @property
    def watched(self) -> dict[str, str]:
        """The quantities whose absence is entered in the gap ledger, see firmware_bridge.health.values."""
        return self._values.watched

    def gives(self, quantity: str) -> bool:
        """Whether the sensor is known to measure it, by its last days."""
        return quantity in self._values.watched.values()

    def without_values(self, now_s: float) -> PortState:
        """The port's word for the gap ledger; that no value comes is another reason than that nothing does."""
        state = self._judged(now_s, 0) if self._state.state == "ok" else self._state
        return state if state.cause == "no_value" else self._state

    def _warning_now(self, now_s: float) -> PortState | None:
        """Looked for now and then: nothing of it changes from one second to the next."""
        if now_s >= self._warn_at:
            self._warn_at = now_s + WARNINGS_EVERY_S
            self._warning = self._look_for_warnings()
        return self._warning

    def _look_for_warnings(self) -> PortState | None:
        pairs = self._station.pairs
        mode = self.port.about.mode if self.port is not None else ""
        return topic.warning(
            self.settings,
            self._hint.suggests,
            has_working_period(mode),
            pairs.agreement(self.sensor),
            below_air(pairs.mean(self.sensor, "co2_ppm")),
        )

    def health(self, now_s: float, at_ms: int, bridge: str) -> SensorHealth | None:
        """What is to be told now, None while nothing changed and nothing is due. `at_ms` is 0 while not known."""
        self._cycle.know(now_s, at_ms)
        self._values.know(at_ms)
        state = self._judged(now_s, at_ms)
        if (state.state, state.cause) == self._published and now_s < self._tell_at:
            return None
        self._published, self._tell_at = (state.state, state.cause), now_s + HEALTH_EVERY_S
        self.note(now_s)
        if self.port is None:
            return topic.health_of(state, self.settings, at_ms, bridge)
        about = self.port.about
        fresh = self._fresh(state, now_s)
        pair = self._station.pairs.agreement(self.sensor)
        return topic.health_of(
            state,
            self.settings,
            at_ms,
            bridge,
            counters=self._counters(),
            address=getattr(self.port, "address", ""),
            identity=about.identity,
            firmware=about.firmware,
            mode=about.mode,
            notes={**about.notes, **(topic.notes_of_pair(*pair) if pair else {})},
            running_h=round(self._station.book.hours(self._meter()), 2),
            newest_at=_moment(max(one.at_s for one in fresh.values()), now_s, at_ms) if fresh and at_ms else None,
            newest={key: one.value for key, one in fresh.items()},
            value_at={key: _moment(one.at_s, now_s, at_ms) for key, one in fresh.items()} if at_ms else {},
        )

    def _fresh(self, state: PortState, now_s: float) -> dict[str, Newest]:
        """The newest value of each quantity while values come: a single one that is missing takes no other away."""
        comes = self._state.state in ("ok", "starting") or self._state.cause == "foreign_stuck"
        if not comes or state.cause in ("sensor_fault", "stuck"):
            return {}
        return self._values.fresh(now_s, self.patience_s)

    def _meter(self) -> str:
        """Whose hours these are: the sensor's own where it says who it is, else this place's in sensors.yaml."""
        identity = self.port.about.identity if self.port is not None else ""
        return f"{self.settings.model} {identity}" if identity else self.sensor

    def note(self, now_s: float) -> None:
        """Enters hours and sign of life in the bridge's book."""
        book = self._station.book
        book.ran(self._meter(), self._ran_s)
        self._ran_s = 0.0
        learnt = self.port.remembered() if isinstance(self.port, ForeignPort) else {}
        if self._values.has or learnt:
            book.know(self._key, {**learnt, "has": dict(self._values.has)})
        sleeps = self._state.state == "asleep"
        if self._heard_s is not None or sleeps:
            device: Device | None = getattr(self.port, "device", None)
            at_s = self._heard_s if self._heard_s is not None else now_s
            book.saw(self.sensor, LastSeen(self._station.boot, at_s, device, sleeps))

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


def good_of(mean: Mean) -> dict[str, float]:
    """The values of a reading that are not set aside."""
    if mean.flags & BAD:
        return {}
    return {key: value for key, value in mean.values.items() if not mean.value_flags.get(key, Flag.NONE) & BAD}


def removed(settings: Sensor, at_ms: int, bridge: str) -> SensorHealth:
    """The last word about a sensor that this bridge no longer reads."""
    return topic.health_of(PortState("stopped", "removed"), settings, at_ms, bridge)


def _days(known: Any) -> dict[str, int]:
    return {key: day for key, day in known.items() if isinstance(day, int)} if isinstance(known, dict) else {}


def _moment(at_s: float, now_s: float, now_ms: int) -> int:
    return now_ms - round((now_s - at_s) * 1000)


def _averager(every_s: float, source: Source) -> Averager:
    """What comes more seldom than `every_s`, or from a device that speaks readings, is not averaged."""
    alone = source.each_alone or source.frame_every_s > max(every_s, SELDOM_S)
    return Averager(0.0 if alone else every_s, source.frame_every_s)


def _names(flags: Flag) -> list[str]:
    return [flag.name for flag in flags if flag.name]
