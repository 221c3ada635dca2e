"""What people are told, each as one row in the ledger from the moment it is known until it is over.

Whoever is told by whichever channel comes on top of it (rules); this is the record, and what health and overview show.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from alerts.control.managed import Matter
from alerts.control.unit import What
from alerts.ledger import Ledger
from alerts.ledger_schema import Notice
from classair.i18n import in_every_language
from classair.timetable import local_time
from classair.units import HOUR_MS
from classair.wire import BridgeStatus, address

log = logging.getLogger(__name__)

EDGE: Final = "edge:"  # before the name of a bridge whose orders are known
EDGES_KNOWN: Final = 200  # of a bridge, which tells far fewer at once
SERVICE: Final = "service:"  # before the name of one that hung or died
BROKER_MS: Final = 10_000  # the broker is told as away when it has been for so long
_MACHINES: Final = frozenset(get_args(What))
LOOK_MS: Final = 2_000  # how often the supervisor's word is read


@dataclass(slots=True)
class _Seen:
    at: int = 0
    signature: tuple[int, int] = (0, 0)


class Notices:
    """Not thread-safe; called from the loop only. What is open survives a restart, so that nothing is told twice."""

    def __init__(self, ledger: Ledger, processes: Path | None = None) -> None:
        self._ledger, self._processes = ledger, processes
        self._open: dict[tuple[str, str, str], Notice] = {
            _key(it.what, it.subject, it.detail): it for it in ledger.open_notices()
        }
        self._away_since: int | None = None
        self._read = _Seen()
        self._edges: dict[str, set[tuple[str, int]]] = {}
        self._told: dict[str, int] = {}  # service → the moment of its newest incident that was told

    def open(self) -> list[Notice]:
        return sorted(self._open.values(), key=lambda it: it.at)

    def begin(self, what: str, subject: str, room: str, at: int, detail: str = "") -> None:
        key = _key(what, subject, detail)
        if key in self._open:
            return
        self._open[key] = Notice(at, what, subject, room, detail)
        self._ledger.write(
            "insert into notice(at, what, subject, room, detail) values(?,?,?,?,?)", at, what, subject, room, detail
        )
        log.warning("notice_opened what=%s subject=%s detail=%s", what, subject, detail)

    def end(self, what: str, subject: str, at: int, detail: str = "") -> None:
        notice = self._open.pop(_key(what, subject, detail), None)
        if notice is None:
            return
        self._ledger.write(
            "update notice set over_at=? where what=? and subject=? and detail=? and over_at is null",
            max(at, notice.at),
            what,
            subject,
            notice.detail,
        )
        log.info("notice_closed what=%s subject=%s", what, subject)

    def purifier(self, matter: Matter, now: int) -> None:
        """What the machine of a purifier says."""
        subject = matter.room if matter.what == "blind" else matter.purifier
        if matter.once:
            self._ledger.write(
                "insert into notice(at, what, subject, room, detail, over_at) values(?,?,?,?,?,?)",
                now,
                matter.what,
                subject,
                matter.room,
                matter.detail,
                now,
            )
            return
        if matter.over:
            self.end(matter.what, subject, now, matter.detail)
        else:
            self.begin(matter.what, subject, matter.room, now, matter.detail)

    def only(self, rooms: set[str], purifiers: set[str], matters: set[tuple[str, str, str]], now: int) -> None:
        """Closes what is open about rooms and purifiers that are not configured any more.

        `matters`: what the purifiers' machines hold open; whatever else of their kind is in the record was about a
        device that was exchanged, or about a room that it has left.
        """
        held = {_key(*matter) for matter in matters}
        for key in list(self._open):
            what, subject, detail = key
            about_us = what.startswith(SERVICE) or what in ("broker", "clock")
            gone = not about_us and subject not in rooms and subject not in purifiers
            if gone or (what in _MACHINES and key not in held):
                self.end(what, subject, now, detail)

    def line(self, connected: bool, now: int) -> None:
        """Whether the broker can be reached; told when it has been away for a while, or does not answer."""
        if connected:
            if self._away_since is not None:
                self._away_since = None
            self.end("broker", "broker", now)
        elif self._away_since is None:
            self._away_since = now
        elif now - self._away_since >= BROKER_MS:
            self.begin("broker", "broker", "", self._away_since)

    def services(self, now: int) -> None:
        """What the supervisor writes down of services that hung or died."""
        if self._processes is None or 0 <= now - self._read.at < LOOK_MS:
            return
        try:
            found = self._processes.stat()
            signature = (found.st_mtime_ns, found.st_size)
            if signature != self._read.signature:
                for incident in json.loads(self._processes.read_text("utf-8")).get("incidents", []):
                    self._incident(incident, now)
            self._read = _Seen(now, signature)
        except FileNotFoundError:
            self._read.at = now
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("processes_read_failed error=%s", error)
            self._read.at = now

    def _incident(self, incident: dict[str, Any], now: int) -> None:
        """One of the supervisor's records; one that ended before we could read of it is told as well."""
        service, at, over_at = str(incident["service"]), int(incident["at"]), incident["over_at"]
        what = f"{SERVICE}{service}"
        if service not in self._told:
            self._told[service] = int(self._ledger.remembered(what) or 0)
        if at > self._told[service]:
            self._told[service] = at
            self._ledger.write("insert or replace into meta values(?,?)", what, str(at))
            if over_at is None or now - int(over_at) < HOUR_MS:  # no news of long ago, where this is new
                self.begin(what, service, "", at, str(incident["what"]))
        told = self._open.get((what, service, ""))
        if over_at is not None and told is not None and told.at <= at:
            self.end(what, service, int(over_at))

    def edge(self, topic: str, payload: bytes, now: int) -> None:
        """Purifiers that a bridge switched on while we were away: each a row, over with our return."""
        try:
            orders = BridgeStatus.model_validate_json(payload).edge_orders
        except ValidationError:
            return
        where = address(topic)
        if where is None or not orders:
            return
        key = f"{EDGE}{where.full}"
        known = self._edges.get(where.full)
        if known is None:
            known = {(str(purifier), int(at)) for purifier, at in json.loads(self._ledger.remembered(key) or "[]")}
        news = [it for it in orders if it.at and (it.purifier, it.at) not in known]
        for it in news:
            self.begin("edge", it.purifier, it.room, min(it.at, now), it.reason)
            self.end("edge", it.purifier, now, it.reason)
        known |= {(it.purifier, it.at) for it in news}
        known = set(sorted(known, key=lambda it: it[1])[-EDGES_KNOWN:])
        self._edges[where.full] = known
        if news:
            self._ledger.write("insert or replace into meta values(?,?)", key, json.dumps(sorted(known)))

    def clock_stepped(self, by_ms: int, now: int) -> None:
        self._away_since = None if self._away_since is None else now
        self._happened("clock", "clock", now, now, f"{by_ms / 1000:+.0f} s")

    def ended_badly(self, alive_at: int, now: int) -> None:
        """The process before this one was not asked to end; it was alive last at `alive_at`."""
        self.services(now)
        if (f"{SERVICE}alerts", "alerts", "") in self._open:
            return  # the supervisor knows more: whether it hung
        if now < alive_at:
            alive_at = now  # the clock was put right meanwhile
        key = f"{SERVICE}alerts"
        self._ledger.write("insert or replace into meta values(?,?)", key, str(now))
        self._happened(key, "alerts", alive_at, now, "died")

    def _happened(self, what: str, subject: str, at: int, now: int, detail: str) -> None:
        """What is over already is in the record as well."""
        self.begin(what, subject, "", at, detail)
        self.end(what, subject, now)

    def warnings(self) -> list[dict[str, str]]:
        """What is open, by language, for health and overview."""
        found = []
        for notice in self.open():
            key = "service" if notice.what.startswith(SERVICE) else notice.what
            found.append(
                in_every_language(
                    f"alerts_warning.{key}",
                    subject=notice.subject,
                    room=notice.room,
                    detail=notice.detail,
                    since=f"{local_time(notice.at):%Y-%m-%d %H:%M}",
                )
            )
        return found


def _key(what: str, subject: str, detail: str) -> tuple[str, str, str]:
    """What a notice is known by: the words of a device are each a matter of its own."""
    return what, subject, detail if what == "device" else ""
