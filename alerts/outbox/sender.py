"""Delivery threads: one for each lane, so that a slow provider holds nobody up but those whom it serves."""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from alerts.channels import Channel, ChannelError, Message, Receipt

log = logging.getLogger(__name__)

LANES: Final = 16  # of all kinds together; further ones share
_END: Final = 2  # after urgent (0) and others (1)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One attempt to be made. `lane`: what is sent one after the other; `way`: which of the person's ways it is."""

    notification: str
    way: int
    kind: str
    lane: str
    channel: Channel
    message: Message
    reaches: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    parcel: Parcel
    ok: bool
    error: str = ""
    permanent: bool = False
    reason: str = ""
    pause_s: float | None = None
    receipt: Receipt = field(default_factory=Receipt)


class Sender:
    """`report` is called on the delivery threads with the outcome of every attempt. `send` never waits."""

    def __init__(self, report: Callable[[Outcome], None]) -> None:
        self._report = report
        self._order = count()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._lanes: dict[int, tuple[queue.PriorityQueue[tuple[int, int, Parcel | None]], threading.Thread]] = {}
        self._numbers: dict[str, int] = {}

    def send(self, parcel: Parcel) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            number = self._numbers.setdefault(parcel.lane, len(self._numbers) % LANES)
            if number not in self._lanes:
                waiting: queue.PriorityQueue[tuple[int, int, Parcel | None]] = queue.PriorityQueue()
                thread = threading.Thread(
                    target=self._run, args=(waiting,), name=f"delivery-{parcel.kind}-{number}", daemon=True
                )
                self._lanes[number] = waiting, thread
                thread.start()
            self._lanes[number][0].put((int(not parcel.message.urgent), next(self._order), parcel))

    def stop(self, timeout_s: float = 3) -> None:
        """Waits a moment for what is being sent; what is not begun yet is left to the next start."""
        with self._lock:
            self._stopping.set()
            lanes = list(self._lanes.values())
        for waiting, _ in lanes:
            waiting.put((_END, next(self._order), None))
        until = time.monotonic() + timeout_s
        for _, thread in lanes:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, waiting: queue.PriorityQueue[tuple[int, int, Parcel | None]]) -> None:
        while True:
            parcel = waiting.get()[2]
            if parcel is None or self._stopping.is_set():
                return
            self._report(attempt(parcel))


def attempt(parcel: Parcel) -> Outcome:
    """Sends, whatever the channel does."""
    try:
        receipt = parcel.channel.send(parcel.message)
    except ChannelError as failure:
        return Outcome(parcel, False, str(failure)[:300] or "?", failure.permanent, failure.reason, failure.pause_s)
    except Exception as failure:  # a channel's fault must not end all delivery; its words may hold addresses
        where = traceback.extract_tb(failure.__traceback__)[-1]
        name = type(failure).__name__
        log.error("channel_failed channel=%s error=%s line=%s:%s", parcel.kind, name, where.name, where.lineno)
        return Outcome(parcel, False, name)
    return Outcome(parcel, True, receipt=receipt if isinstance(receipt, Receipt) else Receipt())
