"""What the clock does to reported problems, and what it leaves for others to send and to look up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from classair.units import DAY_MS, HOUR_MS, SECOND_MS
from dashboard.tickets import log
from dashboard.tickets.changes import CLOCK, Changes
from dashboard.tickets.photos import KEPT_MS, Photos
from dashboard.tickets.records import Notice, Ticket
from dashboard.tickets.telling import notices

AT_ONCE: Final = 100
NOTICE_FOR_MS: Final = 2 * DAY_MS
"""So long it is tried to hand a message over; then it is written down that it was not."""
_PAUSES_MS: Final = (5 * SECOND_MS, 30 * SECOND_MS, 120 * SECOND_MS, 600 * SECOND_MS, HOUR_MS)


class Clock:
    def __init__(self, changes: Changes, photos: Photos) -> None:
        self._changes, self._photos = changes, photos

    def run(self) -> int:
        """Writes down whatever has become due; gives how many reports have changed. Doing it again does nothing."""
        due = self._changes.desk.ask(
            "select id from ticket where next_at<=? order by next_at limit ?", self._changes.now_ms(), AT_ONCE
        )
        for (ticket,) in due:
            with self._changes.turn(int(str(ticket))):
                pass
        return len(due)

    def without_evidence(self) -> list[Ticket]:
        """Reports whose circumstances were not looked up yet, the oldest first."""
        rows = self._changes.desk.ask("select folded from ticket where evidence=0 order by id limit ?", AT_ONCE)
        return [log.of_row(row[0]) for row in rows]

    def attach(self, ticket: int, evidence: Mapping[str, Any]) -> None:
        """The circumstances of a report, once."""
        with self._changes.turn(ticket) as turn:
            if turn.ticket.evidence_at is None:
                turn.add("evidence", CLOCK, **json.loads(json.dumps(evidence)))

    # -- messages ------------------------------------------------------------------------------------------------------

    def notices(self) -> list[Notice]:
        """Messages that wait to be handed over, the oldest first."""
        rows = self._changes.desk.ask(
            f"select {notices.COLUMNS} from ticket_notice where next_at<=? order by at, key limit ?",
            self._changes.now_ms(),
            AT_ONCE,
        )
        return [notices.read(row) for row in rows]

    def told(self, notice: Notice) -> None:
        """Somebody has taken it who answers for the rest."""
        self._set(notice, "next_at=null, tries=tries+1, told_at=?", self._changes.now_ms())

    def not_told(self, notice: Notice, why: str) -> None:
        """It is tried again after a growing pause, and given up in the end: `why` is written down then."""
        now = self._changes.now_ms()
        if now - notice.at >= NOTICE_FOR_MS:
            self._set(notice, "next_at=null, tries=tries+1, ended=?", why or "not taken")
        else:
            pause = _PAUSES_MS[min(notice.tries, len(_PAUSES_MS) - 1)]
            self._set(notice, "next_at=?, tries=tries+1", now + pause)

    def _set(self, notice: Notice, change: str, value: object) -> None:
        with self._changes.desk.change() as db:
            db.execute(f"update ticket_notice set {change} where key=? and ended=''", (value, notice.key))

    # -- what is not kept ----------------------------------------------------------------------------------------------

    def clear(self) -> int:
        """Removes photos after 90 days, files that belong to no report, and contacts of what ended 90 days ago."""
        before = self._changes.now_ms() - KEPT_MS
        with self._changes.desk.change() as db:
            old = db.execute("select id, photo from ticket_words where photo<>'' and at<?", (before,)).fetchall()
            db.execute("update ticket_words set photo='' where photo<>'' and at<?", (before,))
            db.execute(
                "delete from ticket_reporter where ticket in (select id from ticket where next_at is null"
                " and state in ('closed', 'declined', 'merged') and json_extract(folded, '$.closed_at')<?)",
                (before,),
            )
            db.execute("update ticket_notice set address='' where at<?", (before,))
            kept = {row[0] for row in db.execute("select photo from ticket_words where photo<>''")}
        for name in self._photos.names():
            if name not in kept and self._photos.age_ms(name, self._changes.now_ms()) > HOUR_MS:
                self._photos.remove(name)
        return len(old)
