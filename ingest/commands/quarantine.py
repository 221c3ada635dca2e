"""`classair quarantine list | replay`: lists messages in quarantine, or processes them again."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys

from classair.arguments import shared
from classair.asking import NoAnswer, ask_ingest, broker_of_installation
from classair.broker import Message
from classair.places import Places
from classair.stores import StoreAway
from classair.timetable import local_time
from ingest.books.books import Books, Outcome
from ingest.books.quarantine import Kept, quarantined
from ingest.books.versions import newest_version
from ingest.clock import Synchronised, now_ms
from ingest.config_acceptance import ConfigAcceptance, as_accepted
from ingest.intake import Intake
from ingest.opening import had_journal, only_one

_SHOWN = 100  # characters of a payload in the list


def main(argv: list[str]) -> int:
    """0 when done, 1 when something is still quarantined after replaying it or nobody answered, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="classair quarantine", description="list or replay messages in quarantine", parents=[shared("--data")]
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="list | replay")
    listing = commands.add_parser(
        "list", help="list the messages, oldest first", description="list the messages, oldest first"
    )
    listing.add_argument("--full", action="store_true", help="print whole payloads")
    again = commands.add_parser(
        "replay",
        help="process messages again, for example after correcting sensors.yaml",
        description="process messages again, for example after correcting sensors.yaml",
        parents=[shared("--broker")],
    )
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", type=int, metavar="N", help="replay the message with this number")
    which.add_argument("--all", action="store_true", help="replay all messages")
    args = parser.parse_args(argv)
    places = Places(args.data.resolve())
    if not places.readings.exists():
        print(f"classair quarantine: {places.readings} does not exist", file=sys.stderr)
        return 2
    try:
        return _list(places, args.full) if args.command == "list" else _replay(places, args.id, args.broker)
    except (sqlite3.Error, StoreAway, NoAnswer, ValueError) as error:
        print(f"classair quarantine: {error}", file=sys.stderr)
        return 1


def _list(places: Places, full: bool) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection:
        rows = list(quarantined(connection)) if _has_table(connection) else []
    for row in rows:
        print(_line(row, full))
    print(f"{len(rows)} message{'s' * (len(rows) > 1)} in quarantine" if rows else "Quarantine is empty.")
    return 0


def _has_table(connection: sqlite3.Connection) -> bool:
    return connection.execute("select 1 from sqlite_schema where name='quarantine'").fetchone() is not None


def _line(row: Kept, full: bool) -> str:
    at = local_time(row.at_ms).strftime("%Y-%m-%d %H:%M:%S")
    number = f" {row.key.bridge} seq {row.key.seq}" if row.key else ""
    times = f" ({row.times} times)" if row.times > 1 else ""
    text = row.payload.decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() else "·" for char in (text if full else text[:_SHOWN]))
    more = "…" if not full and len(text) > _SHOWN else ""
    return f"{row.id:>5}  {at}{number}{times}  {row.reason}\n       {row.topic}  {row.size} bytes: {shown}{more}"


def _replay(places: Places, identity: int | None, broker: str | None) -> int:
    with only_one(places) as alone:
        if alone:
            outcome = _replay_here(places, identity)
            return _tell(outcome.stored, outcome.duplicates, outcome.quarantined)
    answer = ask_ingest(
        broker_of_installation(places, broker),
        _org(places),
        "quarantine_replay",
        {"all": True} if identity is None else {"id": identity},
        timeout=60,
    )
    if not answer.ok:
        raise NoAnswer(f"ingest: {answer.error}")
    return _tell(*(int(answer.result[name]) for name in ("stored", "duplicates", "still")))


def _replay_here(places: Places, identity: int | None) -> Outcome:
    """Without a running ingest: by the same path, on the file itself."""
    books = Books(places.readings, journal=had_journal(places))
    try:
        accepting = ConfigAcceptance(books)
        if accepting.current is None:
            raise NoAnswer("this data folder has no accepted configuration yet")
        books.org = accepting.current.config.org
        intake, synchronised, outcome = Intake(accepting.current.config, books.deployments), Synchronised(), Outcome()
        for row in books.quarantine.rows(identity):
            decided = intake.decide([Message(row.topic, row.payload, False, 0, 0)], now_ms(), synchronised())
            outcome.add(books.take_again(row, decided, now_ms()))
        return outcome
    finally:
        books.close()


def _org(places: Places) -> str:
    """Whose topics ingest listens to: of the configuration in force."""
    with contextlib.closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection:
        newest = newest_version(connection)
    accepted = as_accepted(newest) if newest else None
    if accepted is None:
        raise NoAnswer("this data folder has no accepted configuration yet")
    return accepted.config.org


def _tell(stored: int, duplicates: int, still: int) -> int:
    print(f"{stored} stored, {duplicates} already stored, {still} still in quarantine")
    return 1 if still else 0
