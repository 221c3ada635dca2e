"""A service tells whoever keeps it that it makes progress, in the words of sd_notify(3).

The supervisor of `classair run` and systemd read the same datagrams, so a service need not know which of them it has.
Nothing is said by a thread of its own: that would go on while the work stands still.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

SOCKET_VARIABLE: Final = "NOTIFY_SOCKET"
TELL_EVERY_S: Final = 2.0
DISK_PATIENCE_S: Final = 30.0
"""A card that is worn out takes many seconds over one commit; starting anew makes it no faster."""

OPENING_AT_MOST_S: Final = 1800.0  # bringing a large file of an older version up takes minutes
_OPENING_TOLD_EVERY_S: Final = 10.0
_OPENING_PATIENCE_S: Final = 60.0
_SAY_STILL_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Part:
    moved_at: Callable[[], float]
    patience_s: float


class Progress:
    """One of a process. `watch` names its parts; its main loop calls `tick` at each turn, at least every second.

    The word goes out only when every part has moved since the last one: the loop by calling, the others by what they
    say of themselves.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address, self._clock = environment.get(SOCKET_VARIABLE, ""), clock
        self._parts: dict[str, _Part] = {}
        self._told_at = clock()
        self._ready = False
        self._still = ""

    def watch(self, name: str, moved_at: Callable[[], float], patience_s: float = 0.0) -> None:
        """`moved_at()`: until which moment of `time.monotonic` the part is known to move, now for one at rest."""
        self._parts[name] = _Part(moved_at, patience_s)

    def tick(self) -> None:
        """The main loop goes round."""
        now = self._clock()
        if self._ready and now - self._told_at < TELL_EVERY_S:
            return
        still = [name for name, part in self._parts.items() if part.moved_at() + part.patience_s <= self._told_at]
        if still:
            if not self._still and now - self._told_at > _SAY_STILL_S:
                self._still = ",".join(still)
                log.error("progress_stopped part=%s for_s=%.0f", self._still, now - self._told_at)
            return
        if self._still:
            log.info("progress_resumed part=%s", self._still)
            self._still = ""
        self._told_at = now
        self._say("WATCHDOG=1" if self._ready else "READY=1\nWATCHDOG=1")
        self._ready = True

    def busy(self, seconds: float) -> None:
        """What comes now may take so long, and nothing is heard of us meanwhile."""
        self._say(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    @contextmanager
    def opening(self) -> Iterator[None]:
        """While a file is opened, looked over and brought up in one go; after half an hour it counts as hung."""
        done, until = threading.Event(), self._clock() + OPENING_AT_MOST_S

        def tell() -> None:
            while self._clock() < until:
                self.busy(_OPENING_PATIENCE_S)
                if done.wait(_OPENING_TOLD_EVERY_S):
                    return

        telling = threading.Thread(target=tell, name="opening", daemon=True)
        telling.start()
        try:
            yield
        finally:
            done.set()
            telling.join(1)

    def _say(self, words: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is one of Linux' abstract names.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        # Nobody listens, or the queue is full because the listener stands still: it is no fault of ours.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(words.encode(), address)
