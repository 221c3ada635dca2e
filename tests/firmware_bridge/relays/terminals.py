"""Boards with relays at pseudo-terminals: they take bytes as the real ones do, and can be pulled out."""

from __future__ import annotations

import contextlib
import os
import re
import select
import threading
import tty
from abc import ABC, abstractmethod
from pathlib import Path


class FakeBoard(ABC):
    """`link` names the terminal, as /dev/serial/by-path does. Without power every relay falls."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.on: dict[int, bool] = {}
        self.stuck = False
        self.log: list[tuple[int, bool]] = []
        self._master = self._slave = -1
        self._thread: threading.Thread | None = None
        self.plug_in()

    def plug_in(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._slave))
        self._thread = threading.Thread(target=self._live, args=(self._master,), daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        self.on.clear()
        self.link.unlink(missing_ok=True)
        master, self._master = self._master, -1
        os.close(self._slave)
        with contextlib.suppress(OSError):
            os.close(master)
        assert self._thread is not None
        self._thread.join(5)

    def _live(self, master: int) -> None:
        held = b""
        while master == self._master:
            try:
                if not select.select([master], [], [], 0.05)[0]:
                    continue
                held += os.read(master, 256)
            except (OSError, ValueError):
                return
            held = self._take(held)

    @abstractmethod
    def _take(self, held: bytes) -> bytes:
        """Obeys the whole orders in what was read; what is left of it."""

    def _switch(self, channel: int, on: bool) -> None:
        self.log.append((channel, on))
        if not self.stuck:
            self.on[channel] = on

    def _answer(self, text: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, text)


class FakeLcus(FakeBoard):
    """A0, channel, state, sum; a wrong sum is ignored. It answers nothing."""

    def _take(self, held: bytes) -> bytes:
        while len(held) >= 4:
            frame, rest = held[:4], held[4:]
            if frame[0] != 0xA0 or sum(frame[:3]) & 0xFF != frame[3]:
                held = held[1:]
                continue
            self._switch(frame[1], frame[2] == 1)
            held = rest
        return held


class FakeNumato(FakeBoard):
    """Text up to a carriage return, repeated, answered, and a prompt."""

    def _take(self, held: bytes) -> bytes:
        while b"\r" in held:
            line, _, held = held.partition(b"\r")
            self._answer(line + b"\n\r")
            order = re.fullmatch(r"relay (on|off|read) ([0-9A-V])", line.decode("ascii", "replace").strip())
            if order is not None:
                channel = int(order[2], 32)
                if order[1] == "read":
                    self._answer(b"on\n\r" if self.on.get(channel) else b"off\n\r")
                else:
                    self._switch(channel, order[1] == "on")
            self._answer(b">")
        return held
