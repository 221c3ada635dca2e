"""Where bytes come from: /dev/…, any pyserial URL, or a simulated sensor's terminal.

One light thread per port reads, asks polled sensors, sends them to sleep, and comes back by itself after an unplug.
"""

from __future__ import annotations

import errno
import logging
import termios
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from firmware_bridge.clock import elapsed
from firmware_bridge.drivers import About, Driver, Frame, Send
from firmware_bridge.serial.duty_cycle import SHORTEST_SLEEP_S
from firmware_bridge.serial.gate import Batch, Gate
from firmware_bridge.serial.identity import Claims, Device, Identity
from firmware_bridge.serial.opening import WriteTimeout, open_line, plugged
from firmware_bridge.serial.port_state import PortCounters, PortState, Recorder, Timings, why_not_open
from firmware_bridge.serial.warm_up import LastSeen, Warmth, power_since
from firmware_bridge.serial.watchdog import Watchdog

log = logging.getLogger(__name__)

STALL_S: Final = 3.0
_ANSWER_S: Final = 0.25  # for the answer to a question about the sensor itself
_ASK_WHO_S: Final = 5.0  # until a sensor that has to say who it is has said so
_TWICE_S: Final = 2.0  # two names of one device for so long are no re-plugging any more

# TypeError and AttributeError: pyserial's ways of saying "closed meanwhile". termios.error is no OSError.
_LOST: Final = (OSError, TypeError, AttributeError, termios.error)


class Port:
    """One sensor's line, on a thread of its own.

    on_frames(frames, arrived_s, warming_up): frames and the elapsed() time at which their first byte came.
    on_state(state): when it changes. Both are called on the port's thread and must be quick.
    wanted: what the sensor has to say of itself, "" for anything. asleep_until(now_s): when it should sleep now.
    last, boot: when it last spoke, as far as that is known, and this run of the machine.
    """

    each_alone: Final = False  # frames of a line are averaged
    brings_backlog: Final = False

    def __init__(
        self,
        name: str,
        address: str | Identity,
        driver: Driver,
        on_frames: Callable[[list[Frame], float, bool], None],
        on_state: Callable[[PortState], None],
        *,
        simulated: bool = False,
        recorder: Recorder | None = None,
        claims: Claims | None = None,
        wanted: str = "",
        last: LastSeen | None = None,
        boot: str = "",
        asleep_until: Callable[[float], float | None] = lambda now_s: None,
        timings: Timings = Timings(),
    ) -> None:
        self.name, self.driver = name, driver
        self.identity = address if isinstance(address, Identity) else Identity(address, plugged)
        self.address = ""  # what is open, or was last
        self.counters = PortCounters()
        self.state = PortState("starting", "starting")
        self.device: Device | None = None
        self.passed_s = elapsed()  # when the thread last came by
        self._on_frames, self._on_state = on_frames, on_state
        self._simulated, self._recorder = simulated, recorder
        self._claims = claims or Claims()
        self._wanted, self._last, self._boot = wanted, last, boot
        self._asleep_until, self._timings = asleep_until, timings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"port {name}", daemon=True)
        self._serial: Any = None
        self._warmth = Warmth(driver.warm_up_s)
        self._was_away = False
        # Names may be in motion after a plug was put in, and nobody knows what happened before this start.
        self._unsure = not (simulated or self.identity.url)
        self._asleep = last is not None and last.asleep
        self._gate = Gate(wanted, 0.0, 0.0)
        self._first_byte_s = 0.0
        self._twice_since: float | None = None

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
            with suppress(OSError, TypeError, AttributeError):  # it was just being closed
                cancel()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def frame_every_s(self) -> float:
        return self.driver.frame_every_s

    @property
    def warm_up_s(self) -> float:
        return self.driver.warm_up_s

    @property
    def about(self) -> About:
        return self.driver.about

    def counts(self) -> dict[str, int]:
        return {**asdict(self.driver.counters), **asdict(self.counters), **self.driver.about.unread_counts()}

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        first, longest = self._timings.back_off_s
        pause = first
        while not self._stop.is_set():
            self.passed_s = elapsed()
            try:
                line = self._open()
            except (OSError, ValueError, termios.error) as error:
                state = self._not_open(error)
                self._say(state)
                away = state.state == "unplugged"
                if away and (not self._simulated or self.counters.opened):
                    # What is away is without power; a simulated sensor that we were merely quicker than is not.
                    self._lost()
                if self.identity.url:
                    self._stop.wait(pause)
                    pause = min(pause * 2, longest)
                else:
                    # A look at a name costs next to nothing, and whatever is wrong may end at any moment.
                    self._stop.wait(self._timings.look_s)
                continue
            self._serial = line
            try:
                if self._read(line):
                    pause = first
            except _LOST as error:
                if not self._stop.is_set():
                    log.warning("port_lost sensor=%s port=%s error=%s", self.name, self.address, error)
                    self._lost()
                    self._say(PortState("unplugged", "unplugged", {"port": self.identity.port}))
            except Exception:  # a thread that must live; said with the sensor's name
                log.exception("port_failed sensor=%s", self.name)
                self._say(PortState("error", "failed"))
            finally:
                self._serial = None
                self._claims.claim(self.name, None)
                with suppress(*_LOST):
                    line.close()
            self._stop.wait(min(pause, self._timings.look_s))

    def _lost(self) -> None:
        self._was_away = self._unsure = True
        self._warmth.power_lost()

    def _not_open(self, error: Exception) -> PortState:
        state = why_not_open(error, self.identity.port)
        other = self._claims.claim(self.name, self.identity.device() if state.cause == "in_use" else None)
        return PortState("error", "same_device_twice", {"other": other}) if other else state

    def _open(self) -> Any:
        address = self.identity.look_up()
        self._claims.claim(self.name, self.identity.device())
        line = open_line(address, self.driver.baud, self._timings.look_s)
        if not self.identity.url and not self.identity.still(line.fileno()):
            line.close()
            raise FileNotFoundError(errno.ENOENT, "it was replugged meanwhile", address)
        now = elapsed()
        self.address, self.device = address, self.identity.device()
        if not self.counters.opened and not self._was_away:
            since_s = power_since(self._last, self._boot, now, self.device)
            self._warmth = Warmth(self.driver.warm_up_s, since_s)
        self.counters.opened += 1
        # Whoever speaks here now has not said who it is.
        about = self.driver.about
        about.identity = about.firmware = about.mode = ""
        about.notes.clear()
        self.driver.silence()
        log.info("port_opened sensor=%s port=%s", self.name, address)
        if self.state.state in ("unplugged", "error"):
            self._say(PortState("starting", "starting"))
        self._gate = Gate(self._wanted, now, self._timings.settle_s if self._unsure else 0.0)
        return line

    def _read(self, line: Any) -> bool:
        """Until stopped, lost (raises OSError) or silent for so long that it is opened anew. True when frames came."""
        driver, good = self.driver, self.driver.counters.good
        if self._asleep:
            # It was sent to sleep before the port was lost, or before this bridge was started anew.
            self._wake(line)
        self._send(line, driver.start())
        now = elapsed()
        watchdog = Watchdog(
            now, driver.frame_every_s, driver.counters.skipped, self._timings.limits, empty=driver.counters.other
        )
        next_ask = next_look = now
        next_inquiry: float | None = now if self._wanted else None
        inquired = False
        while not self._stop.is_set():
            began, allowed = now, STALL_S + self._timings.look_s
            if self._rests(line, now):
                began = now = elapsed()
                watchdog.rest(now, driver.counters.skipped, driver.counters.other)
                next_ask = now
            else:
                if next_inquiry is not None and now >= next_inquiry:
                    self._send(line, driver.inquire(), _ANSWER_S)
                    inquired, now = True, elapsed()
                    allowed += _ANSWER_S
                    next_inquiry = now + _ASK_WHO_S if self._wanted and not driver.about.identity else None
                if driver.poll_every_s is not None and now >= next_ask:
                    next_ask = max(next_ask + driver.poll_every_s, now)
                    self._ask(line)
            data = line.read(1)
            now = elapsed()
            self.passed_s = now
            if now - began > allowed:
                # This process stood still; what has piled up cannot be dated.
                line.reset_input_buffer()
                driver.silence()
                self.counters.stalls += 1
            elif data:
                more = line.in_waiting
                self._take(data + line.read(more) if more else data, now)
            elif driver.pending:
                # Half a second without a byte is many frame times: that frame will not be finished.
                self._queue(driver.silence(), now)
            if now >= next_look or self._gate.holding:
                next_look = now + self._timings.look_s
                # What is open never becomes another device: only until it is certain which one it is, a look comes
                # before anything passes.
                certain = not self._unsure
                if not certain:
                    self._look(line, now)
                passed = self._pass_on(now)
                if certain:
                    self._look(line, now)
                if passed:
                    watchdog.heard(now, driver.counters.skipped, driver.counters.other)
                    if not inquired and next_inquiry is None:
                        next_inquiry = now
            watchdog.frame_every_s = driver.frame_every_s
            verdict = watchdog.due(now, driver.counters.skipped, driver.counters.other)
            if verdict is not None:
                self.counters.silences += 1
                if not self._gate.fault(driver.about.identity, now):
                    self._say(
                        PortState("silent", "silent", {"seconds": round(verdict.seconds)})
                        if verdict.cause == "silent"
                        else PortState("error", verdict.cause)
                    )
                if verdict.do == "reopen":
                    break
                self._send(line, driver.start())
                now = elapsed()  # the pauses of a command are no standing still
        return driver.counters.good > good

    # -- receiving -----------------------------------------------------------------------------------------------------

    def _take(self, data: bytes, now: float) -> None:
        if self._recorder is not None:
            self._recorder.received(data, now)
        if not self.driver.pending:
            self._first_byte_s = now
        self._warmth.byte(now)
        self._queue(self.driver.feed(data), now)

    def _queue(self, frames: list[Frame], now: float) -> None:
        if frames:
            self._gate.put(Batch(frames, self._first_byte_s, self._warmth.warming_up(now)))

    def _look(self, line: Any, now: float) -> None:
        """Whether the open device is still the one meant. Raises OSError when it is not."""
        if not self.identity.url and not self.identity.still(line.fileno()):
            raise OSError(errno.ENODEV, "its name has gone, or names another device")
        other = self._claims.claim(self.name, self.device)
        self._twice_since = None if not other else self._twice_since or now
        if other and now - (self._twice_since or now) >= _TWICE_S and self.state.state == "ok":
            self._say(PortState("ok", "same_device_twice", {"other": other}))

    def _pass_on(self, now: float) -> bool:
        """Gives what is certain to be this sensor's; True when frames were given."""
        identity = self.driver.about.identity
        fault = self._gate.fault(identity, now)
        if fault:
            self._say(PortState("error", fault, {"identity": identity, "wanted": self._wanted}))
        if self._wanted and identity not in ("", self._wanted):
            self.counters.foreign += self._gate.count
        batches = self._gate.take(identity, now)
        for batch in batches:
            self._on_frames(batch.frames, batch.at_s, batch.warming_up)
        if batches:
            self._was_away = self._unsure = False
            if not self._asleep and (self._twice_since is None or self.state.state != "ok"):
                self._say(PortState("ok"))
        return bool(batches)

    # -- sleeping ------------------------------------------------------------------------------------------------------

    def _rests(self, line: Any, now: float) -> bool:
        """Sends the sensor to sleep or wakes it when that is due; True while it sleeps."""
        until = self._asleep_until(now)
        if self._asleep and until is None:
            self._wake(line)
        elif not self._asleep and until is not None and until - now >= SHORTEST_SLEEP_S:
            commands = self.driver.sleep()
            if commands and not self._gate.holding:
                self._send(line, commands)
                self._asleep = True
                self.counters.slept += 1
                self._say(PortState("asleep", "asleep", {"until_s": until}))
        return self._asleep

    def _wake(self, line: Any) -> None:
        self._warmth.power_lost()
        self._send(line, self.driver.wake())
        self._asleep = False
        self._say(PortState("starting", "warming_up"))

    # -- sending -------------------------------------------------------------------------------------------------------

    def _send(self, line: Any, commands: Sequence[Send], least_pause_s: float = 0.0) -> None:
        """Sends one after the other with its pause, reading what comes meanwhile."""
        for data, pause_s in commands:
            self._write(line, data)
            until = elapsed() + max(pause_s, least_pause_s)
            while (left := until - elapsed()) > 0 and not self._stop.wait(min(left, 0.02)):
                waiting = line.in_waiting
                if waiting:
                    self._take(line.read(waiting), elapsed())

    def _ask(self, line: Any) -> None:
        # What lies there answers an older question.
        line.reset_input_buffer()
        self.counters.asked += 1
        self._write(line, self.driver.ask())

    def _write(self, line: Any, data: bytes) -> None:
        forbidden = self.driver.changes(data)
        if forbidden:
            log.critical(
                "serial_write_blocked sensor=%s command=%s allowed_by=classair_configure", self.name, forbidden
            )
            return
        if self._recorder is not None:
            self._recorder.sent(data, elapsed())
        try:
            line.write(data)
        except WriteTimeout:
            log.debug("port_not_listening sensor=%s", self.name)  # silence will say it

    def _say(self, state: PortState) -> None:
        if (state.state, state.cause) != (self.state.state, self.state.cause):
            self.state = state
            self._on_state(state)
