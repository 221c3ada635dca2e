"""`classair reports week`: makes the parents' weekly reports of all rooms, and has them sent.

Making is this process's work alone; sending is the dashboard's, which knows who follows a room. `--send` leaves an
order in the week's folder that the running dashboard carries out, once for each follower.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from classair import config as configuration
from classair.arguments import day, shared
from classair.config import Config
from classair.places import Places, alone
from classair.service import Following, parse_as_follower
from classair.stores import StoreAway
from classair.timetable import local_time
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.engine import unavailable
from dashboard.reports.month import command as month_command
from dashboard.reports.week import sending
from dashboard.reports.week.making import Made, Maker, opened
from dashboard.reports.week.numbers import ends_ms, monday_of, rooms_with_lessons
from dashboard.reports.week.page import ready_ms
from dashboard.reports.week.shelf import Shelf, iso_week


def main(argv: list[str]) -> int:
    """0 when all reports are there, 1 when some could not be made, 2 for wrong use."""
    args = _parser().parse_args(argv)
    places = Places(args.data.resolve())
    try:
        config = in_force(places, args.config)
        if args.paper == "month":
            return month_command.run(args, places, config)
        now = time.time_ns() // 1_000_000
        monday = monday_of(args.week) if args.week else newest(now)
        rooms = _chosen(config, monday, args.room, args.site)
    except (configuration.ConfigFaults, ValueError, OSError) as fault:
        print(f"classair reports: {fault}", file=sys.stderr)
        return 2
    running = [room for room in rooms if now < (ends_ms(config, room, monday) or 0)]
    if running and not args.draft:
        print(
            f"classair reports: the week of {monday} is not over in {running[0]}"
            + (f" and {len(running) - 1} more rooms" if running[1:] else "")
            + ". Wait, or give --draft for reports that are not kept for parents",
            file=sys.stderr,
        )
        return 2
    if args.draft and args.send:
        print("classair reports: drafts are not sent", file=sys.stderr)
        return 2
    with alone(places.reports / ".lock") as free:
        if not free:
            print("classair reports: another process is making reports; wait for it", file=sys.stderr)
            return 1
        return _make(args, places, config, monday, rooms, now)


def newest(now_ms: int) -> date:
    """The Monday of the newest week whose reports are due."""
    monday = monday_of(local_time(now_ms).date())
    return monday if now_ms >= ready_ms(monday) else monday - timedelta(days=7)


def in_force(places: Places, file: Path) -> Config:
    """The configuration this data folder follows, else the file's. Raises ConfigFaults."""
    known = Following(places.accepted_config).current
    return known.config if known is not None else parse_as_follower(configuration.read(file))


def _make(args: argparse.Namespace, places: Places, config: Config, monday: date, rooms: list[str], now: int) -> int:
    if why := unavailable():
        print(f"PDF and picture cannot be made here ({why}); pages are", file=sys.stderr)
    root = places.reports / "drafts" if args.draft else places.reports
    shelf, began = Shelf(root), time.monotonic()
    made = kept = size = 0
    failed: list[tuple[str, str]] = []
    try:
        with opened(places, config, now) as sources:
            maker = Maker(sources, shelf, places)
            for number, room in enumerate(rooms, 1):
                one = maker.make(room, monday, again=args.again or args.draft)
                made, kept, size = made + (one.state == "made"), kept + (one.state == "kept"), size + one.size
                if one.state == "failed":
                    failed.append((room, one.why))
                if not args.quiet:
                    _say(number, len(rooms), room, one)
    except (StoreAway, StoreUnavailable, OSError) as fault:
        print(f"classair reports: {fault}. What is made stays; run the command again to go on", file=sys.stderr)
        return 1
    if not args.quiet and sys.stderr.isatty():
        print(file=sys.stderr)
    print(
        f"{root / iso_week(monday)}: {made} made, {kept} were there, {len(failed)} failed; "
        f"{size / 1e6:.1f} MB, {time.monotonic() - began:.1f} s"
    )
    for room, why in failed:
        print(f"not made: {room}: {why}")
    if args.send:
        sending.order(shelf, monday, rooms)
        print("the dashboard sends them to those who follow the rooms; what was not sent is on its page /reports")
    return 1 if failed else 0


def _say(number: int, of: int, room: str, one: Made) -> None:
    """A line that stays where it is on a terminal, otherwise one for each tenth."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{number} of {of} {room} {one.state}", end="", file=sys.stderr, flush=True)
    elif number == of or number * 10 // of != (number - 1) * 10 // of:
        print(f"{number} of {of} rooms", file=sys.stderr, flush=True)


def _chosen(config: Config, monday: date, rooms: Sequence[str], sites: Sequence[str]) -> list[str]:
    """Rooms with lessons in that week. Raises ValueError for one that does not exist or has none."""
    there = rooms_with_lessons(config, monday)
    for site in sites:
        if site not in config.sites:
            raise ValueError(f"unknown site {site!r}; known: {', '.join(config.sites)}")
    for room in rooms:
        if room not in there:
            known = "has no lessons in that week" if config.has_room(room) else "is not in the configuration"
            raise ValueError(f"{room} {known}")
    return [room for room in there if (not rooms and not sites) or room in rooms or room.partition(".")[0] in sites]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="classair reports", description="make reports for parents and have them sent")
    what = parser.add_subparsers(metavar="REPORT", required=True, dest="paper")
    month = what.add_parser(
        "month",
        help="the executives' monthly paper",
        description="make the executives' monthly paper about all schools, or some, as page and PDF",
        parents=[shared("--data", "--config")],
    )
    month.add_argument(
        "--month",
        type=month_command.month,
        metavar="MONTH",
        help="the month, such as 2026-11 (default: the newest that is over)",
    )
    month.add_argument("--site", action="append", default=[], metavar="SITE", help="only this school (repeatable)")
    week = what.add_parser(
        "week",
        help="the weekly report of every room",
        description="make the weekly report of every room as page, PDF and picture, in every language",
        parents=[shared("--data", "--config")],
    )
    week.add_argument(
        "--week", type=day, metavar="DAY", help="any day of the week (default: the newest week that is due)"
    )
    week.add_argument("--room", action="append", default=[], metavar="SITE.ROOM", help="only this room (repeatable)")
    week.add_argument("--site", action="append", default=[], metavar="SITE", help="only this school (repeatable)")
    week.add_argument("--again", action="store_true", help="make reports anew that are there already")
    week.add_argument(
        "--draft", action="store_true", help="make reports of a week that is not over, in reports/drafts/; never sent"
    )
    week.add_argument("--send", action="store_true", help="have them sent to those who follow the rooms")
    week.add_argument("--quiet", action="store_true", help="print no progress")
    return parser
