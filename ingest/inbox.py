"""The queue between the network thread and the writer: messages in order, bounded, and jobs from other threads."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from classair.broker import Message

MAX_MESSAGES: Final = 20_000
MAX_BYTES: Final = 64 * 1024 * 1024
BATCH_BYTES: Final = 3 * 1024 * 1024  # about ten thousand readings: a commit of them takes less than a second

WAIT_S: Final = 2.0  # for room; well under the keepalive, after which the broker would give us up

Job = Callable[[], Any]


class Inbox:
    """One thread puts messages, one takes; any thread may put jobs.

    When there is no room the network thread waits a little, and the broker with it: mosquitto sends all that waited
    for us at once, whatever its limit in flight. Only when the writer takes nothing for that long (the store is away)
    is a message not kept and not acknowledged: the broker sends it again at the next connection, the bridge when it is
    not told that it is stored. `overflowed` counts them.
    """

    def __init__(self, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._queue: queue.SimpleQueue[tuple[int, Message] | Job] = queue.SimpleQueue()
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._bytes_in = 0  # written by the network thread alone
        self._bytes_out = 0  # written by the writer alone
        self.connection = 0
        self.overflowed = 0
        self._given_up = False  # nothing is waited for until there is room again
        self._room = threading.Event()

    def connected(self) -> None:
        """Message numbers belong to one connection; from here on it is another."""
        self.connection += 1

    def put(self, message: Message) -> None:
        size = len(message.payload)
        if not self._has_room(size) and not self._wait_for_room(size):
            self.overflowed += 1
            return
        self._bytes_in += size
        self._queue.put((self.connection, message))

    def _has_room(self, size: int) -> bool:
        return self._queue.qsize() < self._max_messages and self._bytes_in - self._bytes_out + size <= self._max_bytes

    def _wait_for_room(self, size: int) -> bool:
        while not self._given_up:
            self._room.clear()
            if self._has_room(size):
                return True
            self._given_up = not self._room.wait(WAIT_S)
        return False

    def do(self, job: Job) -> None:
        """Runs `job` on the writer's thread, after what waits before it."""
        self._queue.put(job)

    def __len__(self) -> int:
        return self._queue.qsize()

    def take(self, limit: int, timeout: float) -> tuple[list[tuple[int, Message]], list[Job]]:
        """Waits for something, then gives what is there, at most `limit`; both empty when nothing came in time."""
        messages: list[tuple[int, Message]] = []
        jobs: list[Job] = []
        get, size = self._queue.get, 0
        try:
            one = get(timeout=timeout)
            while True:
                if isinstance(one, tuple):
                    messages.append(one)
                    size += len(one[1].payload)
                else:
                    jobs.append(one)
                if len(messages) + len(jobs) >= limit or size >= BATCH_BYTES:
                    break
                one = get(block=False)
        except queue.Empty:
            pass
        self._bytes_out += size
        if messages:
            self._given_up = False
            self._room.set()
        return messages, jobs
