"""`classair signs`: a PDF of door signs, one A5 page for each classroom."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from classair import i18n
from classair.alerting import links
from classair.arguments import shared
from classair.places import Places, write_atomically
from classair.service import Following
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.desk_file import DeskFile
from dashboard.public.room_codes import RoomCodes
from dashboard.reports import engine
from dashboard.signs.sheets import document, rooms_of, signs


def main(argv: list[str]) -> int:
    """Returns 0, or 2 when nothing was made (said on standard error)."""
    args = _parser().parse_args(argv)
    try:
        print(f"wrote {_write(args)} signs to {args.output}")
    except (ValueError, OSError) as error:
        print(f"classair signs: {error}", file=sys.stderr)
        return 2
    return 0


def _write(args: argparse.Namespace) -> int:
    """The number of signs. Raises ValueError, OSError."""
    places = Places(args.data.resolve())
    accepted = Following(places.accepted_config).current
    if accepted is None:
        raise ValueError(f"no configuration in {places.root}. Start classair once, or give --data")
    config = accepted.config
    base = (args.address or links.base(config)).rstrip("/")
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise ValueError(
            "phones need an address: set public_url or address in sensors.yaml, or give --address https://…"
        )
    if why := engine.unavailable():
        raise ValueError(f"PDF cannot be made here: {why}")
    language = args.language or config.language
    rooms = rooms_of(config, args.site, args.room)
    if not rooms:
        raise ValueError("there is no classroom in sensors.yaml")
    file = DeskFile(places.desk)
    desk = Desk(file, lambda: time.time_ns() // 1_000_000)
    try:
        made = signs(config, rooms, base, language, RoomCodes(file).code_of)
        desk.note("console", Action.DOOR_SIGNS, " ".join([*args.site, *args.room]) or "all", str(len(made)))
    finally:
        desk.close()
    title = i18n.t(language, "signs.title")
    write_atomically(args.output, engine.render(document(made, language), "pdf", title=title, language=language), 0o644)
    return len(made)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classair signs",
        description="write door signs with QR and room code, one A5 page for each classroom",
        parents=[shared("--data")],
    )
    parser.add_argument("--site", action="append", default=[], help="school; repeatable (default: all schools)")
    parser.add_argument("--room", action="append", default=[], help="room (<site>.<room>); repeatable")
    parser.add_argument("--output", type=Path, default=Path("signs.pdf"), help="PDF to write (default: signs.pdf)")
    parser.add_argument(
        "--language", choices=i18n.LANGUAGES, help="main language of the signs (default: that of sensors.yaml)"
    )
    parser.add_argument("--address", default="", help="where phones open ClassAir (default: public_url, else address)")
    return parser
