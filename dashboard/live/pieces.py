"""Live pages in pieces: what has changed is rendered once for each language and sent to all who have the page open."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Set
from contextlib import aclosing
from typing import Final, Protocol

from dashboard.live import alert_count
from dashboard.live.hub import Hub, frame

log = logging.getLogger(__name__)

KEPT_S: Final = (
    60.0  # how long a view is kept up to date for nobody: from its page to the page's stream, and between two
)
TOGETHER_S: Final = 0.05  # news that come so close after another are rendered together


class View(Protocol):
    """What a page shows live, in one language. Called on a thread beside the event loop, never twice at once."""

    every_s: float
    """How often it wants to look for itself: at the clock, the configuration or the disk."""

    def concerns(self, key: str) -> bool:
        """Whether news of this key of the hub (full/<room>, health/<kind>/<id>) may change a piece."""
        ...

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        """Every piece as HTML by its key; the one with the key "" is the outermost.

        `changed` are the keys that concern it and have had news since the last call; whatever else a piece depends on
        the view watches itself. What is the same text as before is not sent.
        """
        ...


class Board:
    """A view that somebody looks at: its newest pieces, each with the number of the change that made it."""

    def __init__(self, hub: Hub, name: str, view: View, numbers: Iterator[int]) -> None:
        self._hub, self._name, self._view, self._numbers = hub, name, view, numbers
        self._lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._changed: set[str] = set()
        self._latest: dict[str, tuple[int, str]] = {}
        self._readers = 0
        self._until = 0.0
        self.touch()

    @property
    def wanted(self) -> bool:
        return self._readers > 0 or time.monotonic() < self._until

    @property
    def status(self) -> int:
        """The HTTP status of its document."""
        return int(getattr(self._view, "status", 200))

    def touch(self) -> None:
        self._until = time.monotonic() + KEPT_S

    def hear(self, key: str) -> None:
        if self._view.concerns(key):
            self._changed.add(key)
            self._news.set()

    async def keep(self) -> None:
        """Renews the pieces as long as somebody wants them."""
        while self.wanted:
            try:
                await asyncio.wait_for(self._news.wait(), self._view.every_s)
                await asyncio.sleep(TOGETHER_S)
            except TimeoutError:
                pass
            try:
                await self.renew()
            except Exception:
                # One room's oddity must not end the page of all; the next change tries again.
                log.exception("pieces_failed view=%s", self._name)

    async def renew(self) -> None:
        """Brings every piece up to date and sends those that differ."""
        async with self._lock:
            self._news.clear()
            changed, self._changed = self._changed, set()
            pieces = await asyncio.to_thread(self._view.pieces, changed)
            for key in self._latest.keys() - pieces.keys():
                del self._latest[key]
            for key, text in pieces.items():
                if key not in self._latest or self._latest[key][1] != text:
                    number = next(self._numbers)
                    self._latest[key] = (number, text)
                    self._hub.publish(f"{self._name}/{key}", _frame(key, text, number), keep=False)

    def pieces(self) -> tuple[Mapping[str, str], int]:
        """Everything as it is, and the number after which a stream goes on."""
        newest = max((number for number, _ in self._latest.values()), default=0)
        return {key: text for key, (_, text) in self._latest.items()}, newest

    async def stream(self, since: int, once: bool, *, public: bool = False) -> AsyncGenerator[bytes, None]:
        """Every piece that is newer than `since`, then each change; `once`: nothing more.

        The count of alerts comes with them, except to the `public`.
        """
        self._readers += 1
        try:
            await self.renew()
            newer = sorted((number, key, text) for key, (number, text) in self._latest.items() if number > since)
            first = {f"{self._name}/{key}": _frame(key, text, number) for number, key, text in newer}
            counted = () if public else (alert_count.KEY,)
            for key in counted:
                first |= self._hub.latest(key)
            prefix = f"{self._name}/"
            wants = lambda key: key in counted or key.startswith(prefix)  # noqa: E731
            async with aclosing(self._hub.stream(wants, first, once)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._readers -= 1
            self.touch()


class Pieces:
    """The views that somebody looks at. Belongs to the hub's event loop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._numbers = itertools.count(time.time_ns() // 1_000_000)  # larger than whatever an earlier process gave
        self._boards: dict[str, tuple[Board, asyncio.Task[None]]] = {}
        hub.on_news = self._hear

    def _hear(self, key: str) -> None:
        for board, _ in self._boards.values():
            board.hear(key)

    def board(self, name: str, view: View) -> Board:
        """The board of this name, begun with `view` when there is none."""
        known = self._boards.get(name)
        if known is not None and not known[1].done():
            known[0].touch()
            return known[0]
        board = Board(self._hub, f"piece/{name}", view, self._numbers)
        task = asyncio.get_running_loop().create_task(board.keep())
        self._boards = {key: kept for key, kept in self._boards.items() if not kept[1].done()}
        self._boards[name] = (board, task)
        return board


def _frame(key: str, text: str, number: int) -> bytes:
    return frame("piece", json.dumps([key, text], ensure_ascii=False), number)
