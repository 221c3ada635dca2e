"""`classair room-code`: the code by which parents follow a room, as it stands on the room's door sign."""

from __future__ import annotations

import argparse
import difflib
import sys
import time

from classair.arguments import shared
from classair.places import Places
from classair.service import Following
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.desk_file import DeskFile
from dashboard.public.room_codes import RoomCodes


def main(argv: list[str]) -> int:
    """Returns 0, or 2 for a room or a data folder that is not there (said on standard error)."""
    parser = argparse.ArgumentParser(
        prog="classair room-code",
        description="show a room's 6-digit code, by which parents follow it; renew a code that got into wrong hands",
        parents=[shared("--data")],
    )
    parser.add_argument("room", help="room (<site>.<room>)")
    parser.add_argument(
        "--renew", action="store_true", help="make a new code; the old one and signs that carry it stop working"
    )
    args = parser.parse_args(argv)
    places = Places(args.data.resolve())
    accepted = Following(places.accepted_config).current
    if accepted is None:
        print(
            f"classair room-code: no configuration in {places.root}. Start classair once, or give --data",
            file=sys.stderr,
        )
        return 2
    if not accepted.config.has_room(args.room):
        near = difflib.get_close_matches(args.room, [room for room, _ in accepted.config.rooms()], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        print(f"classair room-code: there is no room {args.room!r} in sensors.yaml{hint}", file=sys.stderr)
        return 2
    file = DeskFile(places.desk)
    desk = Desk(file, lambda: time.time_ns() // 1_000_000)
    try:
        codes = RoomCodes(file)
        if args.renew:
            print(codes.renew(args.room))
            desk.note("console", Action.ROOM_CODE, args.room, "renewed")
            print("Print the room's door sign again: the old code leads nowhere.", file=sys.stderr)
        else:
            print(codes.code_of(args.room))
    finally:
        desk.close()
    return 0
