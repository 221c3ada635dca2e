"""Simulated sensors as real serial ports: each a pseudo-terminal under its own link, speaking genuine frames."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import struct
import termios
import tty
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from firmware_bridge.drivers import Driver, driver_for

Fault = Literal["noise", "cut", "silence", "stuck", "unplug"]
FAULTS: Final[tuple[Fault, ...]] = ("noise", "cut", "silence", "stuck", "unplug")
_UNREAD_LIMIT: Final = 256  # bytes; what nobody reads is lost, as on a wire


class SimulatedPort:
    """One sensor on its pseudo-terminal. `values` is asked for whenever the sensor speaks.

    A streaming sensor speaks when `due`; one that is asked answers in `readable`. Writing never waits.
    """

    def __init__(self, name: str, model: str, link: Path, values: Callable[[], Mapping[str, float]]) -> None:
        self.name, self.model, self.link = name, model, link
        self.driver: Driver = driver_for(model)
        self.fault: Fault | None = None
        self.dropped = 0  # frames that nobody took
        self.sent = 0
        self.master = -1
        self._slave = -1
        self.values = values
        self._stuck: dict[str, float] | None = None
        self._chance = random.Random(name)  # noqa: S311  faults are no secret
        # Between the 0.8 s and 2.3 s that Plantower sensors take; each unit has its own pace.
        self.every_s = self._chance.uniform(0.85, 1.25)
        self._next = 0.0

    @property
    def plugged(self) -> bool:
        return self.master >= 0

    def plug_in(self) -> None:
        """Makes the pseudo-terminal and puts its link in place in one step."""
        if self.plugged:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        # The slave stays open here, or the master would report "hung up" for ever while nobody reads.
        self.master, self._slave = master, slave
        self.driver = driver_for(self.model)  # switched on: what was told to it before is gone
        self.link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self.link)

    def unplug(self) -> None:
        """As pulling the plug: the link is gone, whoever reads gets an error."""
        with contextlib.suppress(OSError):
            self.link.unlink(missing_ok=True)
        for end in (self.master, self._slave):
            if end >= 0:
                os.close(end)
        self.master = self._slave = -1

    def set_fault(self, fault: Fault | None) -> None:
        """From now on so; plugging and unplugging are done by whoever owns the loop."""
        self.fault = fault
        self._stuck = dict(self.values()) if fault == "stuck" else None

    def next_due(self) -> float | None:
        """When it next speaks by itself, None when it waits to be asked."""
        return self._next if self.driver.speaks and self.plugged and self.fault != "silence" else None

    def due(self, now: float) -> None:
        """Speaks, if it is time; `now` is seconds of a steady clock."""
        due = self.next_due()
        if due is None or now < due:
            return
        pause = self.every_s * self._chance.uniform(0.97, 1.03)
        # A simulator that was held up goes on from now, without a burst.
        self._next = due + pause if now - due < pause else now + pause
        self._write(self._spoilt(self.driver.encode(self._heard())))

    def readable(self) -> None:
        """Somebody wrote to the sensor: it obeys and answers."""
        try:
            request = os.read(self.master, 4096)
        except (BlockingIOError, OSError):
            return
        if not request or self.fault == "silence":
            return
        answer = self.driver.answer(request, self._heard())
        if answer:
            self._write(self._spoilt(answer))

    def _heard(self) -> Mapping[str, float]:
        return self._stuck if self._stuck is not None else self.values()

    def _spoilt(self, frame: bytes) -> bytes:
        chance = self._chance
        if self.fault == "noise":
            if chance.random() < 0.4:
                frame = chance.randbytes(chance.randint(1, 24)) + frame
            if chance.random() < 0.3:
                place = chance.randrange(len(frame))
                frame = frame[:place] + bytes((frame[place] ^ 1 << chance.randrange(8),)) + frame[place + 1 :]
        elif self.fault == "cut" and chance.random() < 0.6:
            frame = frame[: chance.randrange(1, len(frame))]
        return frame

    def _write(self, data: bytes) -> None:
        if not self.plugged:
            return
        try:
            unread = struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, b"\0\0\0\0"))[0]
            if unread > _UNREAD_LIMIT:
                # Nobody reads. A wire keeps nothing, so whoever comes later must not find old frames.
                termios.tcflush(self._slave, termios.TCIFLUSH)
                self.dropped += 1
            os.write(self.master, data)
            self.sent += 1
        except BlockingIOError:
            self.dropped += 1
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.dropped += 1


def clear_links(folder: Path, keep: frozenset[str] = frozenset()) -> None:
    """Removes links to pseudo-terminals that a killed simulator left: by now they may be somebody else's."""
    if not folder.is_dir():
        return
    for link in folder.iterdir():
        if link.is_symlink() and link.name not in keep:
            with contextlib.suppress(OSError):
                link.unlink()
