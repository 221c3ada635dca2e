"""Where bytes come from: /dev/…, any pyserial URL, or a simulated sensor's terminal. The only file that knows pyserial.

One light thread per port reads, asks polled sensors, and comes back by itself after an unplug.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

import serial

from classair.places import Places
from firmware_bridge.clock import elapsed
from firmware_bridge.drivers import About, Driver, Frame

log = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 0.5
WRITE_TIMEOUT_S: Final = 1.0
BACK_OFF_S: Final = (0.5, 5.0)
STALL_S: Final = 3.0
STARTS_BEFORE_REOPEN: Final = 5      # silences answered by the start sequence before the port is opened anew
_GARBAGE: Final = 64                 # bytes without a whole frame that are no accident any more


@dataclass(frozen=True, slots=True)
class PortState:
    """How a port is. `state` as in classair.wire.SensorHealth; `cause` is a key below [health] in the locales."""

    state: str
    cause: str = ""
    places: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class PortCounters:
    """What happened to the port beside the driver's own counting."""

    opened: int = 0
    silences: int = 0
    asked: int = 0
    stalls: int = 0


class Recorder(Protocol):
    """Sees every byte of one port as it travels, with its elapsed() time; must be quick and never raise."""

    def received(self, data: bytes, at_s: float) -> None: ...

    def sent(self, data: bytes, at_s: float) -> None: ...


def address_of(port: str, sensor: str, places: Places) -> str:
    """What pyserial opens for a port of the configuration; `sensor` is `<site>.<id>`."""
    return str(places.sim_port(sensor)) if port.startswith("sim:") else port


def open_line(address: str, baud: int, read_timeout_s: float = READ_TIMEOUT_S) -> Any:
    """A serial line that nobody else may open meanwhile, without resetting the board behind it and without old bytes.

    Raises OSError or ValueError; `why_not_open` says it in words.
    """
    line = serial.serial_for_url(address, do_not_open=True, baudrate=baud, timeout=read_timeout_s,
                                 write_timeout=WRITE_TIMEOUT_S, exclusive=True)
    # Opening raises these lines, which resets many boards.
    line.dtr = line.rts = False
    line.open()
    if "://" not in address:
        # What a terminal kept while nobody read it was measured at a time nobody knows.
        line.reset_input_buffer()
    return line


class Port:
    """One sensor's line, on a thread of its own.

    on_frames(frames, arrived_s, warming_up): frames and the elapsed() time at which their first byte came.
    on_state(state): when it changes. Both are called on the port's thread and must be quick.
    """

    def __init__(
        self,
        name: str,
        address: str,
        driver: Driver,
        on_frames: Callable[[list[Frame], float, bool], None],
        on_state: Callable[[PortState], None],
        *,
        simulated: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        self.name, self.address, self.driver = name, address, driver
        self.counters = PortCounters()
        self.state = PortState("starting", "starting")
        self._on_frames, self._on_state = on_frames, on_state
        self._simulated = simulated
        self._recorder = recorder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"port {name}", daemon=True)
        self._serial: Any = None
        # A restarted bridge finds sensors that have long been on; a machine just switched on has sensors that are not.
        self._warm_at = driver.warm_up_s
        self._was_away = False
        self._begun = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 1.5) -> None:
        """Closes the port and ends the thread."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def ask_to_stop(self) -> None:
        """So that several ports can be told first and waited for afterwards."""
        self._stop.set()
        cancel = getattr(self._serial, "cancel_read", None)
        if cancel is not None:
            try:
                cancel()
            except (OSError, TypeError, AttributeError):
                pass  # it was just being closed

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def frame_every_s(self) -> float:
        return self.driver.frame_every_s

    @property
    def about(self) -> About:
        return self.driver.about

    def counts(self) -> dict[str, int]:
        return {**asdict(self.driver.counters), **asdict(self.counters)}

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        pause = BACK_OFF_S[0]
        while not self._stop.is_set():
            try:
                line = self._open()
            except (OSError, ValueError) as error:
                self._say(why_not_open(error, self.address))
                if not self._simulated or self.counters.opened:
                    # What is away is without power; a simulated sensor that we were merely quicker than is not.
                    self._was_away = True
                self._stop.wait(pause)
                pause = min(pause * 2, BACK_OFF_S[1])
                continue
            self._serial = line
            try:
                if self._read(line):
                    pause = BACK_OFF_S[0]
            except (OSError, TypeError) as error:  # TypeError: pyserial's way of saying "closed meanwhile"
                if not self._stop.is_set():
                    log.warning("port_lost sensor=%s port=%s why=%s", self.name, self.address, error)
                    self._was_away = True
                    self._say(PortState("unplugged", "unplugged", {"port": self.address}))
            except Exception:  # a thread that must live; said with the sensor's name
                log.exception("port_failed sensor=%s", self.name)
                self._say(PortState("error", "failed"))
            finally:
                self._serial = None
                try:
                    line.close()
                except (OSError, TypeError):
                    pass
            self._stop.wait(pause)

    def _open(self) -> Any:
        line = open_line(self.address, self.driver.baud)
        self.counters.opened += 1
        self._begun = False
        self.driver.silence()
        log.info("port_opened sensor=%s port=%s", self.name, self.address)
        if self.state.state in ("unplugged", "error"):
            self._say(PortState("starting", "starting"))
        return line

    def _read(self, line: Any) -> bool:
        """Until stopped, lost (raises OSError) or silent for so long that it is opened anew. True when frames came."""
        driver = self.driver
        silent_after = max(5.0, 2 * driver.frame_every_s)
        self._start(line)
        now = elapsed()
        heard_at = started_at = first_byte_at = now
        next_ask = now
        starts, came, skipped = 0, False, driver.counters.skipped
        while not self._stop.is_set():
            if driver.poll_every_s is not None and now >= next_ask:
                next_ask = max(next_ask + driver.poll_every_s, now)
                self._ask(line)
            data = line.read(1)
            before, now = now, elapsed()
            if now - before > STALL_S:
                # This process stood still; what has piled up cannot be dated.
                line.reset_input_buffer()
                driver.silence()
                self.counters.stalls += 1
            elif data:
                more = line.in_waiting
                if more:
                    data += line.read(more)
                if self._recorder is not None:
                    self._recorder.received(data, now)
                if not driver.pending:
                    first_byte_at = now
                if not self._begun:
                    self._begun = True
                    if self._was_away:
                        self._was_away = False
                        self._warm_at = now + driver.warm_up_s
                frames = driver.feed(data)
                if frames:
                    came, heard_at, starts, started_at = True, now, 0, now
                    skipped = driver.counters.skipped
                    self._on_frames(frames, first_byte_at, now < self._warm_at)
                    self._say(PortState("ok"))
                    continue
            elif driver.pending:
                # Half a second without a byte is many frame times: that frame will not be finished.
                frames = driver.silence()
                if frames:
                    self._on_frames(frames, first_byte_at, now < self._warm_at)
            if now - started_at >= silent_after:
                self.counters.silences += 1
                garbage = driver.counters.skipped - skipped >= _GARBAGE
                self._say(PortState("error", "no_frames") if garbage
                          else PortState("silent", "silent", {"seconds": round(now - heard_at)}))
                starts += 1
                started_at = now
                if starts > STARTS_BEFORE_REOPEN:
                    return came
                self._start(line)
        return came

    def _start(self, line: Any) -> None:
        for data, pause_s in self.driver.start():
            self._write(line, data)
            if pause_s:
                self._stop.wait(pause_s)

    def _ask(self, line: Any) -> None:
        # What lies there answers an older question.
        line.reset_input_buffer()
        self.counters.asked += 1
        self._write(line, self.driver.ask())

    def _write(self, line: Any, data: bytes) -> None:
        forbidden = self.driver.changes(data)
        if forbidden:
            log.critical("write_refused sensor=%s would=%s; only a person may do that", self.name, forbidden)
            return
        if self._recorder is not None:
            self._recorder.sent(data, elapsed())
        try:
            line.write(data)
        except serial.SerialTimeoutException:
            log.debug("port_not_listening sensor=%s", self.name)  # silence will say it

    def _say(self, state: PortState) -> None:
        if (state.state, state.cause) != (self.state.state, self.state.cause):
            self.state = state
            self._on_state(state)


def why_not_open(error: Exception, address: str) -> PortState:
    """What open_line raised, as a state with its cause."""
    number = getattr(error, "errno", None)
    where = {"port": address}
    if number in (errno.EACCES, errno.EPERM):
        return PortState("error", "not_allowed", where)
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortState("error", "in_use", where)
    if isinstance(error, ValueError):
        return PortState("error", "bad_port", where)
    return PortState("unplugged", "unplugged", where)
