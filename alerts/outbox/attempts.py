"""One attempt after the other: which way is tried, what its outcome makes of a message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from alerts.ledger import Ledger
from alerts.outbox import texts, timing
from alerts.outbox.arrivals import Arrivals
from alerts.outbox.pending import Pending
from alerts.outbox.rows import Row, Statement
from alerts.outbox.sender import Outcome, Parcel, Sender
from alerts.outbox.ways import Ways
from classair.alerting.links import Links, make_key
from classair.alerting.words import Reason
from classair.config import Config
from classair.places import Places

log = logging.getLogger(__name__)

_ON_TO_SECOND: Final = ("quota", "budget")  # refused by our own counting: the other way is there for it
_REASONS: Final[dict[str, Reason]] = {"quota": "quota", "budget": "budget", "no_channel": "no_channel"}


class Attempts:
    """Of frozen messages. Not thread-safe: outcomes are reported to the loop's thread."""

    def __init__(
        self,
        ledger: Ledger,
        pending: Pending,
        ways: Ways,
        arrivals: Arrivals,
        report: Callable[[Callable[[], None]], None],
        clock: Callable[[], int],
    ) -> None:
        self._ledger, self._pending, self._ways, self._arrivals = ledger, pending, ways, arrivals
        self._clock = clock
        self._links = _links(ledger)
        self._paused: dict[str, int] = {}  # lane → until when its provider wants to be left alone
        self._sender = Sender(lambda outcome: report(lambda: self._attempted(outcome)))
        self.delivered = 0
        self.abandoned = 0

    def send(self, row: Row, config: Config, now: int) -> None:
        if row.began_at is not None and timing.too_old(row.severity, row.began_at, now):
            self._ledger.together([self.abandon(row, "too_old")], self._wiped(row))
            return
        if row.letter is not None and now >= row.letter.until:
            self._ledger.together([self.abandon(row, "too_old")], self._wiped(row))
            return
        ways = self._ways.of(row)
        number = timing.way_of(row.attempts, len(ways), row.refused, row.urgent)
        if number is None:
            self._ledger.together([self.abandon(row, row.reason or "no_channel")], self._wiped(row))
            return
        if row.began_at is None:
            row.began_at = now
        way = ways[number]
        if (until := self._paused.get(way.lane, 0)) > now:
            row.due_at = until
            self._pending.schedule(row)
            return
        row.on_the_way = True
        message = texts.message(config, row, self._links)
        self._sender.send(Parcel(row.id, number, way.kind, way.lane, way.channel, message, way.reaches))

    def abandon(self, row: Row, reason: Reason) -> Statement:
        self._pending.forget(row)
        self.abandoned += 1
        log.error("notification_abandoned id=%s reason=%s attempts=%d", row.id, reason, row.attempts)
        return row.ended("abandoned", reason)

    def clock_stepped(self) -> None:
        self._paused.clear()

    def stop(self) -> None:
        self._sender.stop()

    def _attempted(self, outcome: Outcome) -> None:
        now, parcel = self._clock(), outcome.parcel
        row = self._pending.rows.get(parcel.notification)
        if row is None:
            return
        row.on_the_way = False
        row.attempts += 1
        statements = [row.attempted(now, parcel.kind, outcome.error, outcome.receipt.id)]
        if outcome.ok:
            self._pending.forget(row)
            self.delivered += 1
            self._arrivals.add(row, now, parcel.reaches)
            statements.append(row.delivered(now, parcel.kind, outcome.receipt.id, parcel.reaches))
            log.info("notification_delivered id=%s channel=%s attempt=%d", row.id, parcel.kind, row.attempts)
        else:
            statements.append(self._failed(row, outcome, now))
        self._ledger.together(statements, self._wiped(row) if row.id not in self._pending.rows else None)

    def _wiped(self, row: Row) -> Callable[[], object] | None:
        """The address of somebody who is not in sensors.yaml is to leave no byte on the disk."""
        return self._ledger.wipe if row.letter is not None else None

    def _failed(self, row: Row, outcome: Outcome, now: int) -> Statement:
        parcel = outcome.parcel
        for_good = outcome.permanent or outcome.reason in _ON_TO_SECOND
        retry = str(not for_good).lower()
        log.warning(
            "notification_failed id=%s channel=%s attempt=%d retry=%s", row.id, parcel.kind, row.attempts, retry
        )
        if for_good:
            row.refused.add(parcel.way)
            row.reason = _REASONS.get(outcome.reason, "refused")
            if timing.way_of(row.attempts, len(self._ways.of(row)), row.refused, row.urgent) is None:
                return self.abandon(row, row.reason)
            row.due_at = now
        else:
            row.due_at = now + timing.pause_ms(row.attempts, outcome.pause_s)
            if outcome.pause_s is not None:
                self._paused[parcel.lane] = row.due_at
        self._pending.schedule(row)
        return row.failed(parcel.kind)


def _links(ledger: Ledger) -> Links:
    """The links in messages, whose key lies beside the ledger; a disk that refuses one leaves messages without."""
    path = Places(ledger.path.parent).link_key
    try:
        make_key(path)
    except OSError as error:
        log.error("link_key_failed path=%s error=%s", path, error.strerror)
    return Links(path)
