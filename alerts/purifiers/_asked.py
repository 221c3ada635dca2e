"""Devices that are asked over the school's network and not heard over the broker: one thread for all, none waits.

The thread has its own loop. A device is asked every POLL_S, at once after an order, and when somebody wants to know;
what it answers waits until control collects it (`heard`). An order is tried once and is soon too old: control repeats
what was not confirmed, and no ON may come out of a queue when it is no longer wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from alerts.control.unit import Command
from alerts.purifiers import Said

log = logging.getLogger(__name__)

POLL_S: Final = 15.0
CALL_S: Final = 6.0  # for an order and the reading after it; a confirmation is waited for 10 s
ORDER_S: Final = 8.0  # an order that has waited longer is not carried out
MISSES: Final = 2  # so many in a row and it is away
TIMER_SLACK_S: Final = 30.0
_MOST_HEARD: Final = 100


class NoAnswer(Exception):
    """It cannot be reached, or answers nothing that can be read."""


class Refused(Exception):
    """It is there and does not let us in; the text is shown to a person."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What it is now. `left_s`: seconds until it switches itself off; None when it will not, or does not say."""

    said: Said
    left_s: float | None = None


class Way(Protocol):
    """How one device is spoken to. Called in the thread's loop only; raises NoAnswer or Refused."""

    async def switch(self, command: Command) -> None: ...

    async def read(self) -> Reading: ...

    async def leave(self) -> None:
        """Gives back what it holds; also after a failure, for a fresh beginning."""
        ...


class Asked:
    """A device's side towards control. It begins with the first question; it ends when nobody holds it any more."""

    def __init__(self, name: str, way: Way, expires: bool, poll_s: float = POLL_S) -> None:
        self._asking = _Asking(name, way, expires, poll_s)
        weakref.finalize(self, self._asking.end)

    @property
    def reachable(self) -> bool:
        """Whether the newest question was answered."""
        return self._asking.misses == 0

    def order(self, command: Command) -> None:
        self._asking.wake(command)

    def ask(self) -> None:
        self._asking.wake(None)

    def heard(self) -> list[Said]:
        """What it has said since the last time. Never waits."""
        self._asking.begin()
        said: list[Said] = []
        with contextlib.suppress(IndexError):
            while True:
                said.append(self._asking.heard.popleft())
        return said


class _Asking:
    """The thread's side of one device; `begin`, `wake`, `end` are called from elsewhere."""

    def __init__(self, name: str, way: Way, expires: bool, poll_s: float) -> None:
        self.heard: deque[Said] = deque(maxlen=_MOST_HEARD)
        self.misses = 0
        self._name, self._way, self._expires, self._poll_s = name, way, expires, poll_s
        self._begun = self._ended = self._away = False
        self._on: bool | None = None
        self._order: tuple[Command, float] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if not self._begun:
            self._begun = True
            _loop().call_soon_threadsafe(self._start)

    def wake(self, command: Command | None) -> None:
        self.begin()
        _loop().call_soon_threadsafe(self._woken, command)

    def end(self) -> None:
        self._ended = True
        if self._begun:
            with contextlib.suppress(RuntimeError):  # the process is ending
                _loop().call_soon_threadsafe(self._stop)

    # -- in the loop --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._ended:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _woken(self, command: Command | None) -> None:
        if command is not None:
            self._order = (command, time.monotonic())
        self._wake.set()

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                await self._once()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._poll_s)
        finally:
            await self._quietly(self._way.leave())

    async def _once(self) -> None:
        waiting, self._order = self._order, None
        order = waiting[0] if waiting is not None and time.monotonic() - waiting[1] <= ORDER_S else None
        try:
            async with asyncio.timeout(CALL_S):
                if order is not None:
                    await self._way.switch(order)
                self._answered(await self._way.read(), order)
        except Refused as error:
            self.misses = 0
            self.heard.append(Said(faults=(str(error),)))
        except (NoAnswer, TimeoutError, OSError) as error:
            await self._missed(error)
        except Exception as error:  # a library's surprise must not end the asking
            log.exception("asked_device_failed purifier=%s", self._name)
            await self._missed(error)

    def _answered(self, reading: Reading, order: Command | None) -> None:
        said = reading.said
        self.misses = 0
        if self._away:
            self._away = False
            self.heard.append(Said(online=True))
        changed = said.on is not None and self._on is not None and said.on != self._on
        self._on = said.on
        self.heard.append(replace(said, answer=changed or self._confirms(reading, order)))

    def _confirms(self, reading: Reading, order: Command | None) -> bool:
        if order is None or reading.said.on is not order.on:
            return False
        if not order.on or not self._expires:
            return True
        # An ON whose end the device does not hold is not the one that was ordered.
        return reading.left_s is not None and reading.left_s >= (order.seconds or 0) - TIMER_SLACK_S

    async def _missed(self, error: BaseException) -> None:
        await self._quietly(self._way.leave())
        self.misses += 1
        log.debug("asked_device_silent purifier=%s misses=%d error=%s", self._name, self.misses, error)
        if self.misses >= MISSES and not self._away:
            self._away = True
            self._on = None
            log.warning("asked_device_away purifier=%s error=%s", self._name, str(error) or type(error).__name__)
            self.heard.append(Said(online=False))

    async def _quietly(self, leaving: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CALL_S):
                await leaving


_lock = threading.Lock()
_running: asyncio.AbstractEventLoop | None = None


def _loop() -> asyncio.AbstractEventLoop:
    """The one loop, in a thread of its own; begun when it is first needed."""
    global _running
    with _lock:
        if _running is None:
            _running = asyncio.new_event_loop()
            threading.Thread(target=_running.run_forever, name="asked-devices", daemon=True).start()
        return _running
