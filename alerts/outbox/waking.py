"""The alarm clock of the outbox: asks for a look when a message is due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

LONGEST_S: Final = 1.0  # the system's clock may be put right meanwhile


class Waking:
    """`call` is called on a thread of its own, at the moment that was asked for last or after a nudge."""

    def __init__(self, call: Callable[[], None], clock: Callable[[], int]) -> None:
        self._call, self._clock = call, clock
        self._at: int | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def at(self, moment: int | None) -> None:
        """The next look is wanted then (UTC ms); None for not at all."""
        with self._changed:
            self._at = moment
            self._changed.notify()

    def nudge(self) -> None:
        with self._changed:
            self._at = 0
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(2)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (self._at is None or self._clock() < self._at):
                    left = None if self._at is None else min(LONGEST_S, max(0.0, (self._at - self._clock()) / 1000))
                    self._changed.wait(left)
                if self._stopping:
                    return
                self._at = None
            self._call()
