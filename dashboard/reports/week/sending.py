"""Sends weekly reports to those who follow a room: the dashboard's work, on the order that `--send` leaves.

The dashboard alone writes desk.db, where followers are, and alerts alone speaks to LINE and mail servers: so the
command asks by a file, the dashboard asks alerts' outbox once for each follower, and remembers that it did, without
the address. What alerts could not send is read from its receipts.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from classair import i18n
from classair.alerting import links
from classair.asking import NoAnswer
from classair.places import write_atomically
from classair.units import DAY_MS
from dashboard import telling
from dashboard.context import Context
from dashboard.door.wishes import stop_path
from dashboard.following.followers import Followers
from dashboard.reports.week import page
from dashboard.reports.week.numbers import WeekReport
from dashboard.reports.week.shelf import Shelf, iso_week
from dashboard.reports.week.words import headline, words

log = logging.getLogger(__name__)

ORDER: Final = "send.json"
EVERY_S: Final = 30.0
USEFUL_MS: Final = 3 * DAY_MS
"""After Monday afternoon nobody is sent the week before."""
_SCHEMA: Final = """
create table if not exists week_told(
  room text not null, monday text not null, key text not null, channel text not null, refused text not null,
  at int not null, primary key(room, monday, key)
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """`channel`: person, line or mail; `address` as of that channel."""

    channel: Any
    address: str
    language: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one room's messages: how many people have it, wait for it, and were not sent it by reason."""

    told: int
    waiting: int
    not_sent: dict[str, int]


def order(shelf: Shelf, monday: date, rooms: Iterable[str]) -> None:
    """Asks the dashboard to send these rooms' reports of a week. Raises OSError."""
    assert shelf.root is not None
    path = shelf.root / iso_week(monday) / ORDER
    before: set[str] = set()
    with contextlib.suppress(OSError, ValueError, KeyError):
        before = set(json.loads(path.read_text("utf-8"))["rooms"])
    said = {"monday": monday.isoformat(), "rooms": sorted(before | set(rooms))}
    write_atomically(path, json.dumps(said).encode())


class Sending:
    """Looks for orders while the dashboard runs."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._followers = Followers(ctx.desk, ctx.now_ms)
        ctx.desk.add_tables(_SCHEMA)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._ctx.papers is not None:
            self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                # A report that cannot be sent must not end the sending of all others; it is tried again.
                log.exception("week_sending_failed")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Asks for every message of an order that has not been asked for yet."""
        ctx = self._ctx
        for monday, rooms in await asyncio.to_thread(lambda: list(_orders(ctx))):
            for room in rooms:
                report = await asyncio.to_thread(Shelf(ctx.papers).report, room, monday)
                if report is None or not ctx.config().has_room(room):
                    continue
                known = self._asked(room, monday)
                for one in self.recipients(room):
                    if (key := key_of(room, monday, one)) not in known and not await self._tell(report, one, key):
                        return  # alerts is away; the order stays

    def recipients(self, room: str) -> list[Recipient]:
        """Followers who want the week, and the people of sensors.yaml who asked for this room's."""
        config = self._ctx.config()
        people = [
            Recipient("person", name, person.language)
            for name, person in config.people.items()
            if room in person.weekly or room.partition(".")[0] in person.weekly
        ]
        return people + [
            Recipient(one.channel, one.address, one.language or config.language) for one in self._followers.weekly(room)
        ]

    async def _tell(self, report: WeekReport, to: Recipient, key: str) -> bool:
        """Whether alerts has answered, be it with no."""
        refused = ""
        try:
            await telling.tell(self._ctx, message(self._ctx, report, to, key))
        except NoAnswer:
            return False
        except telling.NotAccepted:
            refused = "not_accepted"
            log.warning("week_not_accepted room=%s channel=%s", report.room, to.channel)
        with self._ctx.desk.change() as db:
            db.execute(
                "insert or replace into week_told values(?,?,?,?,?,?)",
                (report.room, report.first.isoformat(), key, to.channel, refused, self._ctx.now_ms()),
            )
        return True

    def _asked(self, room: str, monday: date) -> set[str]:
        rows = self._ctx.desk.ask("select key from week_told where room=? and monday=?", room, monday.isoformat())
        return {str(row[0]) for row in rows}


def key_of(room: str, monday: date, to: Recipient) -> str:
    """One message for a room, week and follower, however often it is asked for; it does not tell the address."""
    who = hashlib.sha256(f"{to.channel}:{to.address}".encode()).hexdigest()[:24]
    return f"week:{room}:{monday.isoformat()}:{who}"


def message(ctx: Context, report: WeekReport, to: Recipient, key: str) -> telling.Message:
    """The headline, the link, and for LINE the picture of page one."""
    config, language = ctx.config(), to.language if to.language in i18n.LANGUAGES else ctx.config().language
    said, signed = words(report, config, language), page.token(ctx.shares, report)
    where = page.address(config, signed)
    lines = [headline(report, language), said.about]
    if said.simulated:
        lines.insert(0, said.simulated)
    if where:
        lines.append(f"{where}?lang={language}")
        if to.channel != "line":
            lines.append(i18n.t(language, "week.pdf_link", link=f"{where}.pdf?lang={language}"))
    if to.channel == "mail" and (stop := stop_path(ctx, report.room, to.address)) and (base := links.base(config)):
        lines.append(i18n.t(language, "door.mail.stop", link=f"{base}{stop}?lang={language}"))
    picture = f"{where}.png?lang={language}" if where.startswith("https://") and config.public_url else ""
    return telling.Message(
        key=key,
        channel=to.channel,
        address=to.address,
        language=language,
        title=f"{said.title} {said.room}",
        text="\n".join(lines),
        severity="info",
        kind="week",
        until_ms=page.ready_ms(report.first) + USEFUL_MS,
        site=report.room.partition(".")[0],
        picture=(picture, picture) if picture and to.channel == "line" else None,
    )


def sent(ctx: Context, room: str, monday: date) -> Sent:
    """What became of a room's messages, from receipts. Raises records.NotKnown. Reads files."""
    with_key = ctx.desk.ask("select key, refused from week_told where room=? and monday=?", room, monday.isoformat())
    told = waiting = 0
    not_sent: Counter[str] = Counter()
    for key, refused in with_key:
        found = telling.told(ctx, str(key)) if not refused else None
        if refused:
            not_sent[str(refused)] += 1
        elif found is not None and found.told_at is not None:
            told += 1
        elif found is None or not found.over:
            waiting += 1
        else:
            not_sent[found.reason or ("only_logged" if found.state == "delivered" else "given_up")] += 1
    return Sent(told, waiting, dict(not_sent))


def _orders(ctx: Context) -> Iterator[tuple[date, list[str]]]:
    """Orders that are still of use, the newest week first."""
    for path in sorted(ctx.papers.glob(f"*/{ORDER}"), reverse=True) if ctx.papers is not None else ():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(path.read_text("utf-8"))
            monday = date.fromisoformat(said["monday"])
            if ctx.now_ms() < page.ready_ms(monday) + USEFUL_MS:
                yield monday, [str(room) for room in said["rooms"]]
