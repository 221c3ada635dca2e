"""From one update to every open browser: encoded once, the latest value wins, no queue that can grow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

KEEP_ALIVE_S: Final = 15.0


def frame(event: str, data: str, number: int | None = None) -> bytes:
    """One Server-Sent Event; `data` must be a single line, which JSON is. A browser that reconnects says the number."""
    said = "" if number is None else f"id: {number}\n"
    return f"event: {event}\n{said}data: {data}\n\n".encode()


class Readers(Protocol):
    """Who reads a stream, asked where the stream is written."""

    def wanted(self, wants: Callable[[str], bool]) -> Callable[[str], bool]:
        """`wants` without what the reader may not see."""
        ...

    async def sent(self, frames: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Frames as the reader is sent them."""
        ...


class _Everyone:
    def wanted(self, wants: Callable[[str], bool]) -> Callable[[str], bool]:
        return wants

    async def sent(self, frames: Mapping[str, bytes]) -> Mapping[str, bytes]:
        return frames


@dataclass(eq=False, slots=True)
class Box:
    """What one browser has not been sent yet: at most one frame for each key it wants."""

    wants: Callable[[str], bool]
    frames: dict[str, bytes]
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """Belongs to one event loop; `publish` and `stream` are called there and nowhere else."""

    def __init__(self, build: str, now_ms: Callable[[], int], keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self.build = build
        self._now_ms = now_ms
        self._keep_alive_s = keep_alive_s
        self._boxes: set[Box] = set()
        self._ending = False
        self._latest: dict[str, bytes] = {}
        self.readers: Readers = _Everyone()
        self.on_news: Callable[[str], None] = lambda _: None

    @property
    def listeners(self) -> int:
        return len(self._boxes)

    def publish(self, key: str, encoded: bytes, *, keep: bool = True) -> None:
        """`keep`: whoever comes later is given it too."""
        if keep:
            self._latest[key] = encoded
            self.on_news(key)
        for box in self._boxes:
            if box.wants(key):
                box.frames.pop(key, None)  # so that frames leave in the order of their numbers
                box.frames[key] = encoded
                box.ready.set()

    def latest(self, key: str) -> dict[str, bytes]:
        """What was said last under a key, by the key; empty where nothing was."""
        return {key: self._latest[key]} if key in self._latest else {}

    def end(self) -> None:
        """Lets every stream come to its end, so that a server that stops need not cut them off."""
        self._ending = True
        for box in self._boxes:
            box.ready.set()

    def forget(self, key: str) -> None:
        self._latest.pop(key, None)
        self.on_news(key)

    async def stream(
        self, wants: Callable[[str], bool], first: Mapping[str, bytes] | None = None, once: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """The snapshot of what `wants` holds for, then every change; each chunk begins with the server's time.

        A page that opens later is given older frames, so the time travels beside them and not inside. `first`: another
        snapshot; `once`: nothing after it.
        """
        wants = self.readers.wanted(wants)
        whole = self._latest if first is None else first
        known = {key: encoded for key, encoded in whole.items() if wants(key)}
        box = Box(wants, known)
        self._boxes.add(box)
        try:
            yield frame("hello", json.dumps({"build": self.build, "server_time": self._now_ms()}))
            box.ready.set()
            while not self._ending:
                try:
                    await asyncio.wait_for(box.ready.wait(), self._keep_alive_s)
                except TimeoutError:
                    yield self._time()
                    continue
                box.ready.clear()
                frames, box.frames = box.frames, {}
                out = b"".join((await self.readers.sent(frames)).values())
                if out:
                    yield self._time() + out
                if once:
                    return
        finally:
            self._boxes.discard(box)

    def _time(self) -> bytes:
        return frame("time", str(self._now_ms()))
