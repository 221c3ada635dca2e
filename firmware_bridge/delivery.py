"""Gets a spool's items to ingest: live ones at once, the backlog in lists behind them, until ingest says "stored".

Everything here runs on the bridge's one thread; time is an argument. A PUBACK proves nothing and is not waited for.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable
from typing import Final

from classair.wire import MAX_PAYLOAD, Replay, Stored
from firmware_bridge.spool.packing import Hole, SpoolRow, hole_wire, prefix_for
from firmware_bridge.spool.spool import Spool

log = logging.getLogger(__name__)

LIST_ITEMS: Final = 200
WINDOW: Final = 10_000  # items of the backlog on their way at once
ANSWER_WITHIN_S: Final = 10.0
LONGEST_WAIT_S: Final = 60.0
HELD_LOOK_S: Final = 0.003  # how often it is looked whether a live row is on disk
PIECE_PAUSE_S: Final = 0.002  # between two lists, so that live items are never far behind


class Delivery:
    """`publish(payload)` sends to the bridge's stream and says whether there was a connection to send it over."""

    def __init__(
        self, spool: Spool, bridge: str, publish: Callable[[bytes], bool], chance: Callable[[], float] = random.random
    ) -> None:
        self._spool, self._bridge, self._publish, self._chance = spool, bridge, publish, chance
        self._up = False
        self._begin()
        self._replays: deque[tuple[int, int]] = deque()

    def _begin(self) -> None:
        self._epoch = self._spool.epoch
        self._cursor = self._spool.acknowledged  # the backlog is sent up to here
        self._live_from = self._spool.next_seq  # from here on everything was sent live over this connection
        self._on_the_way: deque[tuple[int, int]] = deque()  # (last seq, items) of lists sent
        self._answer_by: float | None = None
        self._wait_s = ANSWER_WITHIN_S
        self._next_piece = 0.0
        self._held: deque[tuple[SpoolRow, bool]] = deque()  # live rows, from the first that must be on disk before

    @property
    def _prefix(self) -> str:
        return prefix_for(self._bridge, self._spool.epoch)

    # -- events --------------------------------------------------------------------------------------------------------

    def connected(self, now: float) -> None:
        """Everything unacknowledged becomes backlog; what is measured from now on goes live."""
        self._up = True
        self._begin()
        self._answer_by = now + self._jittered(ANSWER_WITHIN_S) if self._outstanding() else None

    @property
    def up(self) -> bool:
        return self._up

    def disconnected(self) -> None:
        self._up = False
        self._held.clear()

    @property
    def _sendable(self) -> int:
        """Up to where rows may go out (Spool.sendable); all while the disk fails: memory has taken over."""
        return self._spool.next_seq if self._spool.storage else self._spool.sendable

    def live(self, row: SpoolRow, now: float, late: bool = False, told: bool = False) -> bool:
        """Sends a row just appended, `late` when newer ones have overtaken it; False when it goes with the backlog.

        One that its device will tell again if this process dies before it is on disk (`told`) waits for that, and what
        comes behind it with it: under another number it would be stored twice.
        """
        self._follow_epoch()
        if self._up and row.at is not None and (self._held or (told and row.seq > self._sendable)):
            self._held.append((row, late))
            return True
        return self._send_live(row, now, late)

    def _send_live(self, row: SpoolRow, now: float, late: bool) -> bool:
        sent = (
            self._up
            and row.at is not None
            and self._publish(self._spool.shapes.wire(row, self._prefix, late=late).encode())
        )
        if not sent:
            self._live_from = row.seq + 1
        elif self._answer_by is None:
            self._answer_by = now + self._jittered(ANSWER_WITHIN_S)
        return sent

    def stored(self, confirmed: Stored, now: float) -> bool:
        """Takes ingest's word; False when it is about another epoch or about numbers never given out."""
        self._follow_epoch()
        if confirmed.epoch != self._spool.epoch or confirmed.upto >= self._spool.next_seq:
            return False
        before = self._spool.acknowledged
        if confirmed.upto == before:
            return True
        if confirmed.upto < before:
            # Ingest has lost what it had (a restored backup): it gets again what is still kept.
            log.warning("acknowledgement_moved_back from=%d to=%d", before, confirmed.upto)
            self._cursor, self._live_from = confirmed.upto, self._spool.next_seq
            self._on_the_way.clear()
        self._spool.acknowledge(confirmed.upto)
        while self._on_the_way and self._on_the_way[0][0] <= confirmed.upto:
            self._on_the_way.popleft()
        self._cursor = max(self._cursor, confirmed.upto)
        self._wait_s = ANSWER_WITHIN_S
        self._answer_by = now + self._jittered(self._wait_s) if self._outstanding() else None
        return True

    def replay(self, asked: Replay) -> None:
        """Ingest wants a range again; it is sent piece by piece, what is no longer kept as a gap."""
        if asked.epoch != self._spool.epoch:
            return
        last = min(asked.last, self._spool.next_seq - 1)
        if asked.first <= last and len(self._replays) < 100:
            self._replays.append((asked.first, last))

    def dated(self) -> None:
        """Items that had waited for the time can go now."""
        self._cursor, self._live_from = self._spool.acknowledged, self._spool.next_seq
        self._on_the_way.clear()

    # -- time ----------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> float | None:
        """Sends what may be sent; returns when it wants to be called again, None when nothing is to be done."""
        self._follow_epoch()
        if not self._up:
            return None
        while self._held and self._held[0][0].seq <= self._sendable:
            row, late = self._held.popleft()
            self._send_live(row, now, late)
        if self._answer_by is not None and now >= self._answer_by:
            self._go_back(now)
        if now < self._next_piece:
            return self._next_piece
        if self._send_piece(now):
            self._next_piece = now + PIECE_PAUSE_S
            return self._next_piece
        return now + HELD_LOOK_S if self._held else self._answer_by

    def _go_back(self, now: float) -> None:
        if not self._outstanding():
            self._answer_by = None
            return
        if self._spool.after(self._spool.acknowledged, 1):
            log.warning("readings_not_acknowledged since=%d action=resend", self._spool.acknowledged + 1)
            self._cursor, self._live_from = self._spool.acknowledged, self._spool.next_seq
            self._on_the_way.clear()
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
        self._answer_by = now + self._jittered(self._wait_s)

    def _outstanding(self) -> bool:
        return self._spool.acknowledged < self._spool.next_seq - 1

    def _jittered(self, seconds: float) -> float:
        return seconds * (0.9 + 0.2 * self._chance())

    def _send_piece(self, now: float) -> bool:
        """One list, of the backlog or of a replay; False when there is nothing to send or the window is full."""
        if self._replays:
            return self._send_replay()
        if self._cursor >= self._live_from - 1:
            return False
        if sum(items for _, items in self._on_the_way) >= WINDOW:
            return False
        upto = self._sendable
        waiting = [it for it in self._spool.after(self._cursor, LIST_ITEMS) if _first(it) < self._live_from]
        found = [it for it in waiting if _last(it) <= upto]
        if not found:
            if not waiting:
                self._cursor = self._live_from - 1
            return False
        sent = self._send(found)
        if not sent:
            return False
        self._cursor = _last(found[sent - 1])
        self._on_the_way.append((self._cursor, sent))
        if self._answer_by is None:
            self._answer_by = now + self._jittered(self._wait_s)
        return True

    def _send_replay(self) -> bool:
        first, last = self._replays[0]
        found: list[SpoolRow | Hole] = []
        for it in self._spool.after(first - 1, LIST_ITEMS):
            if _first(it) > last:
                break
            found.append(it if isinstance(it, SpoolRow) else it._replace(last=min(it.last, last)))
        sent = self._send(found) if found else 0
        if found and not sent:
            return False
        self._replays.popleft()
        if sent and _last(found[sent - 1]) < last:
            self._replays.appendleft((_last(found[sent - 1]) + 1, last))
        return True

    def _send(self, found: list[SpoolRow | Hole]) -> int:
        """Sends as many of these as fit into one message; how many that were, 0 without a connection."""
        prefix, wire = self._prefix, self._spool.shapes.wire
        parts: list[str] = []
        size = 2
        for it in found:
            part = (
                wire(it, prefix, late=True)
                if isinstance(it, SpoolRow)
                else hole_wire(it, self._bridge, self._spool.epoch)
            )
            size += len(part) + 1
            if parts and size > MAX_PAYLOAD // 2:
                break
            parts.append(part)
        return len(parts) if self._publish(f"[{','.join(parts)}]".encode()) else 0

    def _follow_epoch(self) -> None:
        """A spool that changed from memory to a file's own sequence begins anew here as well."""
        if self._spool.epoch != self._epoch:
            self._begin()
            self._replays.clear()


def _first(it: SpoolRow | Hole) -> int:
    return it.seq if isinstance(it, SpoolRow) else it.first


def _last(it: SpoolRow | Hole) -> int:
    return it.seq if isinstance(it, SpoolRow) else it.last
