"""All messages that are waiting or being sent: by key, by alert, by the moment at which they are due."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from alerts.outbox.rows import Row, Statement
from classair.alerting.words import Reason


class Pending:
    """`wake` is told when the next look is wanted."""

    def __init__(self, rows: dict[str, Row], wake: Callable[[int | None], None]) -> None:
        self.rows = rows
        self._wake = wake
        self._about: dict[str, set[str]] = {}
        self._due = [(row.due_at, row.id) for row in rows.values()]
        heapq.heapify(self._due)
        for row in rows.values():
            for item in row.items:
                self.concerns(row, item.alert)

    def begin(self, row: Row) -> None:
        self.rows[row.id] = row
        self.schedule(row)

    def schedule(self, row: Row) -> None:
        """`due_at` has changed."""
        heapq.heappush(self._due, (row.due_at, row.id))
        if self._due[0][1] == row.id:
            self.wake()

    def put_off(self, row: Row, due_at: int, reason: Reason) -> list[Statement]:
        found = row.put_off(due_at, reason)
        self.schedule(row)
        return found

    def forget(self, row: Row) -> None:
        self.rows.pop(row.id, None)
        for item in row.items:
            self.concerns_no_more(row, item.alert)

    def due(self, now: int) -> Iterator[Row]:
        """Each row whose time has come, but for those that a delivery thread has."""
        while self._due and self._due[0][0] <= now:
            at, key = heapq.heappop(self._due)
            row = self.rows.get(key)
            if row is not None and row.due_at == at and not row.on_the_way:
                yield row

    def wake(self) -> None:
        self._wake(self._due[0][0] if self._due else None)

    # -- what they are about -------------------------------------------------------------------------------------------

    def concerns(self, row: Row, alert: str) -> None:
        self._about.setdefault(alert, set()).add(row.id)

    def concerns_no_more(self, row: Row, alert: str) -> None:
        about = self._about.get(alert)
        if about is not None:
            about.discard(row.id)
            if not about:
                del self._about[alert]

    def about(self, alert: str) -> list[Row]:
        return [self.rows[key] for key in sorted(self._about.get(alert, ()))]
