"""`classair flags`: re-runs quality checks; `set`, `list` and `take-back` manage manual exclusions."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from classair.arguments import moment, shared
from classair.asking import NoAnswer, ask_ingest, broker_of_installation
from classair.config import Config
from classair.model import Flag
from classair.places import Places
from classair.science.quality_checks import SETTLED_MS
from classair.science.quality_checks.neighbours import day_start, local_day
from classair.stores import StoreAway
from classair.stores.sqlite.connections import Connections
from classair.timetable import local_time, to_ms
from classair.wire import Answer, Ask
from ingest.books.books import Books
from ingest.books.manual_flags import FlagRejected, ManualFlag, manual_flags
from ingest.books.versions import newest_version
from ingest.clock import now_ms
from ingest.config_acceptance import as_accepted
from ingest.opening import had_journal, only_one
from ingest.rechecking import flag_asks
from ingest.rechecking.recheck import Change, pieces, recheck

if TYPE_CHECKING:
    from ingest.rechecking.slots import SlotReader

CHUNK_DAYS: Final = 7
Asking = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Asks ingest for something by name and gives its result; raises NoAnswer or FlagRejected."""


def main(argv: list[str]) -> int:
    """0 when done, 1 when ingest could not be asked or refused, 2 for wrong use."""
    if argv and argv[0] in ("set", "list", "take-back"):
        return _manual(argv)
    parser = argparse.ArgumentParser(
        prog="classair flags",
        description="re-run quality checks on stored readings, or exclude readings by hand",
        parents=[shared("--data", "--broker")],
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        type=moment,
        help="start: 2026-11-23, 2026-11-23T09:00 (UTC+7) or UTC ms (default: the first reading)",
    )
    parser.add_argument(
        "--to", dest="end", metavar="TIME", type=moment, help="end, at the latest and by default two hours ago"
    )
    parser.add_argument("--site", help="check one school only (default: all)")
    parser.add_argument("--dry-run", action="store_true", help="print what would change, without changing it")
    # For ingest, which keeps history judged: JSON lines of changes, which it makes itself.
    parser.add_argument("--print-changes", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    places = Places(args.data.resolve())
    return _guarded(places, lambda: _recalculate(places, args))


def _guarded(places: Places, work: Callable[[], int]) -> int:
    if not places.readings.exists():
        print(f"classair flags: {places.readings} does not exist", file=sys.stderr)
        return 2
    try:
        return work()
    except (sqlite3.Error, StoreAway, NoAnswer, FlagRejected, ValueError) as error:
        print(f"classair flags: {error}", file=sys.stderr)
        return 1


# -- judging anew ------------------------------------------------------------------------------------------------------


def _recalculate(places: Places, args: argparse.Namespace) -> int:
    readings = Connections(places.readings)
    with readings.use() as connection:
        config = _config(connection)
        sites = sorted({row[0].partition(".")[0] for row in connection.execute("select distinct sensor from series")})
        first = connection.execute("select min(t) from rollup_1h").fetchone()[0]
    if args.site is not None and args.site not in sites:
        raise ValueError(f"--site: {args.site!r} has no stored readings; known: {', '.join(sites) or 'none'}")
    settled = now_ms() - SETTLED_MS
    start = args.start if args.start is not None else (first or 0) * 3_600_000
    end = min(args.end if args.end is not None else settled, settled)
    chunks = [(site, *chunk) for site in ([args.site] if args.site else sites) for chunk in _chunks(start, end)]
    from ingest.rechecking.slots import SlotReader  # with numpy, which the other commands do without

    weeks = SlotReader()
    if args.print_changes:
        for site, since, until in chunks:
            for change in _judged(readings, site, since, until, config, weeks):
                print(json.dumps(asdict(change)), flush=True)
        return 0
    with contextlib.ExitStack() as stack:
        ask = (lambda _do, _args: {"changed": 0}) if args.dry_run else stack.enter_context(_asking(places, args.broker))
        changed, days = 0, set()
        for number, (site, since, until) in enumerate(chunks, 1):
            changes = _judged(readings, site, since, until, config, weeks)
            for part in pieces(changes):
                ask(flag_asks.APPLY, {"changes": [asdict(change) for change in part]})
            changed += sum(change.values for change in changes)
            touched = {
                (site, day)
                for change in changes
                for day in range(local_day(change.start), local_day(change.end - 1) + 1)
            }
            days |= touched
            _tell_chunk(site, since, until, changes, number, len(chunks))
    _tell_end(changed, days, args.dry_run)
    return 0


def _chunks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Weeks of local days from start to end."""
    while start < end:
        after = min(day_start(local_day(start) + CHUNK_DAYS), end)
        yield start, after
        start = after


def _judged(
    readings: Connections, site: str, start: int, end: int, config: Config, weeks: SlotReader | None = None
) -> list[Change]:
    with readings.use() as connection:
        connection.execute("begin")
        try:
            return recheck(connection, site, start, end, config, weeks)
        finally:
            connection.execute("rollback")


def _tell_chunk(site: str, start: int, end: int, changes: Sequence[Change], number: int, of: int) -> None:
    counts: dict[str, int] = {}
    for change in changes:
        for sign, flags in (("+", change.add), ("-", change.remove)):
            for name in (flag.name for flag in Flag if flag & flags and flag.name):
                counts[sign + name] = counts.get(sign + name, 0) + change.values
    what = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing changes"
    span = f"{local_time(start).date()} … {local_time(end - 1).date()}"
    print(f"{number / of:>4.0%}  {site}  {span}  {what}", flush=True)


def _tell_end(changed: int, days: set[tuple[str, int]], dry: bool) -> None:
    by_site: dict[str, list[int]] = {}
    for site, day in days:
        by_site.setdefault(site, []).append(day)
    print(f"{changed:,} values {'would change' if dry else 'changed'} on {len(days)} site-days")
    for site, known in sorted(by_site.items()):
        shown = ", ".join(str(local_time(day_start(day)).date()) for day in sorted(known))
        print(f"  days whose version {'would change' if dry else 'changed'}: {site}: {shown}")


# -- ingest, or in its place -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _asking(places: Places, broker: str | None) -> Iterator[Asking]:
    """Asks the running ingest; where none runs, does it here by the same code, holding ingest's lock."""
    with only_one(places) as alone:
        if alone:
            books = Books(places.readings, journal=had_journal(places))
            try:

                def here(do: str, args: dict[str, Any]) -> dict[str, Any]:
                    ask = Ask(id=f"here-{time.time_ns()}", do=do, who=_who(), args=args)
                    return flag_asks.decide(ask, books, now_ms())

                yield here
            finally:
                books.close()
            return
    with contextlib.closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection:
        org = _config(connection).org
    address = broker_of_installation(places, broker)

    def there(do: str, args: dict[str, Any]) -> dict[str, Any]:
        answer: Answer = ask_ingest(address, org, do, args, timeout=120, who=_who())
        if not answer.ok:
            raise FlagRejected(f"ingest: {answer.error}")
        return answer.result

    yield there


def _config(connection: sqlite3.Connection) -> Config:
    newest = newest_version(connection)
    accepted = as_accepted(newest) if newest else None
    if accepted is None:
        raise NoAnswer("this data folder has no accepted configuration yet")
    return accepted.config


def _who() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or os.environ.get("LOGNAME") or "command line"


# -- by hand -----------------------------------------------------------------------------------------------------------


def _manual(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="classair flags", description="exclude readings by hand, undo it, or list it")
    commands, common = parser.add_subparsers(dest="command", required=True), [shared("--data", "--broker")]
    setting = commands.add_parser(
        "set",
        help="exclude a time range of one sensor",
        description="exclude a time range of one sensor",
        parents=common,
    )
    setting.add_argument("--sensor", required=True, metavar="SITE.SENSOR", help="sensor whose values to exclude")
    setting.add_argument(
        "--from", dest="start", required=True, metavar="TIME", type=moment, help="start of the excluded time range"
    )
    setting.add_argument(
        "--to", dest="end", metavar="TIME", type=moment, help="end of the excluded time range (default: until undone)"
    )
    setting.add_argument("--quantity", help="quantity to exclude, such as pm25 (default: all)")
    setting.add_argument("--why", required=True, help="reason, stored with the values")
    back = commands.add_parser("take-back", help="undo an exclusion", description="undo an exclusion", parents=common)
    back.add_argument("id", type=int, metavar="ID", help="id from classair flags list")
    commands.add_parser(
        "list",
        help="list all exclusions, undone ones included",
        description="list all exclusions, undone ones included",
        parents=common,
    )
    args = parser.parse_args(argv)
    places = Places(args.data.resolve())
    return _guarded(places, lambda: _list(places) if args.command == "list" else _say(places, args))


def _list(places: Places) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection:
        for flag in manual_flags(connection):
            print(_line(flag))
    return 0


def _line(flag: ManualFlag) -> str:
    def at(moment: int) -> str:
        return local_time(moment).strftime("%Y-%m-%d %H:%M") if moment < 2**52 else "on"

    state = "" if flag.back_at is None else f"  undone by {flag.back_by} on {at(flag.back_at)}"
    return (
        f"{flag.id:>4}  {flag.sensor} {flag.quantity or 'all quantities'}  {at(flag.start_ms)} … {at(flag.end_ms)}  "
        f"{flag.who}, {at(flag.set_at)}: {flag.why}{state}"
    )


def _say(places: Places, args: argparse.Namespace) -> int:
    with _asking(places, args.broker) as ask:
        if args.command == "set":
            result = ask(
                flag_asks.SET,
                {
                    "sensor": args.sensor,
                    "from": args.start,
                    "to": args.end,
                    "quantity": args.quantity or "",
                    "why": args.why,
                },
            )
        else:
            result = ask(flag_asks.TAKE_BACK, {"id": args.id})
    until = datetime.fromtimestamp(result["settled_until"] / 1000, UTC)
    print(
        f"manual flag {result['id']}: {result['changed']:,} readings changed; readings after "
        f"{local_time(to_ms(until)).strftime('%H:%M')} follow automatically"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
