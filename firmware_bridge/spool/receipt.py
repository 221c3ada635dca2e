"""What the sender of a message waits for: that its readings are on the disk of the spool."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Receipt:
    """Of one message, answered once and from any thread. `sensor` is whose message it is, `<site>.<id>`.

    With `on_kept` (a message of the broker) a refusing disk is not told: the broker keeps the message until it is
    acknowledged. Without it somebody waits for an answer. `seq` is the number of the reading, 0 without one. `forget`
    is called when the readings are lost, so that the message is no repeat when it is sent again.
    """

    def __init__(self, on_kept: Callable[[], None] | None = None) -> None:
        self.sensor = ""
        self.seq = 0
        self.forget: Callable[[], None] = lambda: None
        self._on_kept = on_kept
        self._answered = threading.Event()
        self._fault: str | None = None

    @property
    def patient(self) -> bool:
        """Whether it may be answered when the disk works again."""
        return self._on_kept is not None

    def kept(self) -> None:
        """Everything of the message is durable, or it holds nothing to keep."""
        self._fault = ""
        self._answered.set()
        if self._on_kept is not None:
            self._on_kept()

    def refused(self, why: str, *, lost: bool = False) -> None:
        """It was not saved; never acknowledged. `lost`: nor does it wait for the disk any more."""
        if lost:
            self.forget()
        self._fault = why
        self._answered.set()

    def wait(self, seconds: float) -> str | None:
        """Empty when it is kept, else why not; None when there is no answer in time."""
        return self._fault if self._answered.wait(seconds) else None
