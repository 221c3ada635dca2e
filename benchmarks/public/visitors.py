"""The load of `load.py`, a process of its own: displays that hold event streams, and visitors at a fixed rate.

Requests leave at the times that the rate says, whether or not earlier ones have been answered, and a request's time
counts from then: a server that stops for a second has a second in a thousand answers, not in one. Connections are kept
alive. Each window of seconds is one line of JSON on standard output.

    python benchmarks/public/visitors.py '{"port": 8050, "rooms": [...], "displays": 300, "town": 1000, ...}'
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

WAITING = 4000  # requests without an answer; more are counted as failed and not sent


@dataclass
class Window:
    times: dict[str, list[float]] = field(default_factory=lambda: {"town": [], "door": [], "event": []})
    failed: int = 0
    bytes: int = 0


class Line(asyncio.Protocol):
    """One kept-alive connection: one request at a time."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.buffer = pool, b""
        self.left = -1  # bytes of the body still to come; -1: the head is not whole yet
        self.kind, self.due = "", 0.0
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.pool.free(self)

    def ask(self, kind: str, head: bytes, due: float) -> None:
        self.kind, self.due, self.left = kind, due, -1
        assert self.transport is not None
        self.transport.write(head)

    def data_received(self, data: bytes) -> None:
        self.pool.window.bytes += len(data)
        if self.left < 0:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data, self.buffer = self.buffer[:end].lower(), self.buffer[end + 4 :], b""
            if not head.startswith(b"http/1.1 200"):
                self.pool.window.failed += 1
            at = head.find(b"content-length: ")
            self.left = int(head[at + 16 :].split(b"\r", 1)[0])
        self.left -= len(data)
        if self.left <= 0:
            self.pool.window.times[self.kind].append(time.perf_counter() - self.due)
            self.pool.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pool.lost(self)


class Pool:
    def __init__(self, port: int) -> None:
        self.port, self.window = port, Window()
        self.idle: deque[Line] = deque()
        self.waiting: deque[tuple[str, bytes, float]] = deque()
        self.opening = 0

    def ask(self, kind: str, head: bytes, due: float) -> None:
        if self.idle:
            self.idle.popleft().ask(kind, head, due)
        elif len(self.waiting) < WAITING:
            self.waiting.append((kind, head, due))
        else:
            self.window.failed += 1

    def free(self, line: Line) -> None:
        if self.waiting:
            line.ask(*self.waiting.popleft())
        else:
            self.idle.append(line)

    def lost(self, line: Line) -> None:
        with contextlib.suppress(ValueError):
            self.idle.remove(line)
        asyncio.get_running_loop().create_task(self.open(1))

    async def open(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            try:
                await loop.create_connection(lambda: Line(self), "127.0.0.1", self.port)
            except OSError:
                self.window.failed += 1
                await asyncio.sleep(0.2)


class Display(asyncio.Protocol):
    """Holds a room's stream and reads when each state was worked out."""

    def __init__(self, pool: Pool, room: str) -> None:
        self.pool, self.room, self.buffer = pool, room, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(request(f"/display/{self.room}/live", self.pool.port))

    def data_received(self, data: bytes) -> None:
        self.pool.window.bytes += len(data)
        self.buffer += data
        whole, _, self.buffer = self.buffer.rpartition(b"\n\n")
        for frame in whole.split(b"\n\n"):
            at = frame.find(b'"at":')
            if b"event: state" in frame and at >= 0:
                made = int(frame[at + 5 : at + 18])
                self.pool.window.times["event"].append(time.time() - made / 1000)


def request(path: str, port: int) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n"
    ).encode()


def share(values: list[float], part: float) -> float:
    """Milliseconds; 0 of nothing."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


async def run(asked: dict[str, object]) -> None:
    port, rooms, seconds = int(str(asked["port"])), list(asked["rooms"]), float(str(asked["seconds"]))  # type: ignore[call-overload]
    pool = Pool(port)
    await pool.open(int(str(asked["connections"])))
    loop = asyncio.get_running_loop()
    for number in range(int(str(asked["displays"]))):
        room = rooms[number % len(rooms)]
        await loop.create_connection(lambda room=room: Display(pool, room), "127.0.0.1", port)  # type: ignore[misc]
    kinds = {
        "town": (float(str(asked["town"])), [request(f"/town?lang={code}", port) for code in ("th", "en")]),
        "door": (float(str(asked["door"])), [request(f"/door/{room}?lang=th", port) for room in rooms]),
    }
    begun = time.perf_counter()
    sent = dict.fromkeys(kinds, 0)
    told, every = begun, float(str(asked["every"]))
    while (now := time.perf_counter()) - begun < seconds:
        for kind, (rate, heads) in kinds.items():
            while rate and begun + sent[kind] / rate <= now:
                pool.ask(kind, heads[sent[kind] % len(heads)], begun + sent[kind] / rate)
                sent[kind] += 1
        if now - told >= every:
            last, pool.window, lasted, told = pool.window, Window(), now - told, now
            said: dict[str, object] = {
                "seconds": round(now - begun),
                "failed": last.failed,
                "mb": round(last.bytes / 1e6, 1),
            }
            for kind, times in last.times.items():
                said[kind] = [round(len(times) / lasted, 1), *(round(share(times, p), 1) for p in (0.5, 0.95, 0.99))]
            print(json.dumps(said), flush=True)
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(run(json.loads(sys.argv[1])))
    except ImportError:
        asyncio.run(run(json.loads(sys.argv[1])))
