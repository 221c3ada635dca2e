"""Acknowledges readings to each bridge, and requests again what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from classair.wire import Replay, Stored, Topics
from ingest.books.books import Books, Epoch

STORED_EVERY_S: Final = 0.05  # at most so often for one bridge
MISSING_FOR_S: Final = 30.0  # a hole that does not shrink for so long is asked for
LONGEST_PAUSE_S: Final = 600.0
RANGES_AT_ONCE: Final = 20
NO_EPOCH: Final = "00000000"  # in an answer about time to a bridge that has sent nothing yet

Send = Callable[[str, bytes, bool], bool]
"""Publishes (topic, payload, retain); False when there is no connection."""


@dataclass(slots=True)
class _Hole:
    size: int
    since: float
    pause: float


class Acknowledgements:
    """On the writer's thread, but for `answer_time`, which must be quick and runs on the network's."""

    def __init__(self, topics: Topics, send: Send, patience_s: float = MISSING_FOR_S) -> None:
        self._topics, self._send, self.patience_s = topics, send, patience_s
        self._owed: dict[Epoch, float] = {}
        self._told_at: dict[str, float] = {}
        self._upto: dict[str, tuple[str, int]] = {}
        self._holes: dict[Epoch, _Hole] = {}
        self.online: set[str] = set()
        self.replays = 0

    def owe(self, touched: Iterable[Epoch], now: float) -> None:
        """These bridges are owed a word; `now` is monotonic seconds."""
        for epoch in touched:
            self._owed.setdefault(epoch, now)

    def owe_all(self, now: float) -> None:
        """After a new connection: whoever was heard of is told again."""
        self.owe(((bridge, epoch) for bridge, (epoch, _) in self._upto.items()), now)

    @property
    def owing(self) -> bool:
        return bool(self._owed)

    def tell(self, books: Books, now: float, now_ms: int) -> None:
        """Publishes what is due."""
        for bridge, epoch in list(self._owed):
            if now - self._told_at.get(bridge, -1.0) < STORED_EVERY_S:
                continue
            upto = books.store.upto(bridge, epoch)
            self._upto[bridge] = (epoch, upto)
            told = Stored(epoch=epoch, upto=upto, server_time=now_ms).model_dump_json(exclude_none=True).encode()
            if self._send(self._topic(bridge, "stored"), told, True):
                self._told_at[bridge] = now
                del self._owed[bridge, epoch]

    def answer_time(self, bridge: str, question: str, now_ms: int) -> None:
        """Answers a TimeQuestion at once; not retained, because an old answer says nothing about now."""
        epoch, upto = self._upto.get(bridge, (NO_EPOCH, 0))
        told = Stored(epoch=epoch, upto=upto, server_time=now_ms, answer_to=question)
        self._send(self._topic(bridge, "stored"), told.model_dump_json().encode(), False)

    def ask_for_missing(self, books: Books, now: float) -> None:
        """Asks bridges that are there for holes that have not shrunk for a while; ever more rarely.

        A bridge that catches up sends the newest first, so holes that shrink are no loss and are left to it.
        """
        for bridge, (epoch, _) in self._upto.items():
            missing = books.store.missing(bridge, epoch)
            size = sum(last - first + 1 for first, last in missing)
            hole = self._holes.get((bridge, epoch))
            if not size:
                self._holes.pop((bridge, epoch), None)
            elif hole is None or size < hole.size:
                self._holes[bridge, epoch] = _Hole(size, now, self.patience_s)
            elif bridge in self.online and now - hole.since >= hole.pause:
                for first, last in missing[:RANGES_AT_ONCE]:
                    asked = Replay(epoch=epoch, first=first, last=last).model_dump_json().encode()
                    self._send(self._topic(bridge, "replay"), asked, False)
                    self.replays += 1
                hole.size, hole.since, hole.pause = size, now, min(hole.pause * 2, LONGEST_PAUSE_S)
            else:
                hole.size = size

    def missing(self, books: Books) -> int:
        """How many numbers are missing below the highest of each bridge heard."""
        return sum(
            last - first + 1
            for bridge, (epoch, _) in self._upto.items()
            for first, last in books.store.missing(bridge, epoch)
        )

    def _topic(self, bridge: str, leaf: str) -> str:
        site, _, local = bridge.partition(".")
        return self._topics.bridge(site, local, leaf)
