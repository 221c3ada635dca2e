"""`classair simulate`: simulates the schools whose ports are sim:, generates their past, and accepts wishes."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from classair import config as configuration
from classair.config import Config, ConfigFaults
from classair.logs import begin_logging
from classair.places import Places
from classair.service import (
    arguments,
    broker_of,
    parse_as_follower,
    places_of,
    read_announcement,
    run_service,
    stop_on_signals,
)
from simulator import wishes as wishing
from simulator.live import NAME, Live
from simulator.past.history import make_history
from simulator.saved_state import AlreadyPlayed, alone

log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Exit code 0 when asked to stop, 1 when another simulator is at work, 2 for wrong use or configuration."""
    parser = arguments("simulate", "simulate the sensors and smart plugs whose port is sim:")
    parser.add_argument(
        "--history",
        action="store_true",
        help="only generate the readings since the last run (14 days at most), then exit",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="wish WORD",
        help="wish: haze=90, SITE.SENSOR=unplug|silence|stuck|cut|noise, SITE.PURIFIER=press|reboot|drop|offline|"
        "silent|disobey|dead, SITE.ROOM=60 (smoke in a room), …=none to end a wish",
    )
    args = parser.parse_args(argv)
    begin_logging(args.log_level)
    if args.words:
        return run_service(_wish, args)
    return run_service(_play, args)


def _play(args: argparse.Namespace) -> int:
    places = places_of(args)
    stop = stop_on_signals()
    try:
        with alone(places):
            if args.history:
                # The file before what was accepted once: ingest is about to accept it.
                return make_history(places, _from_file(args.config, otherwise=_remembered(places)), stop)
            known = _remembered(places)
            return Live(places, broker_of(args, NAME), known.org if known else None).run(stop)
    except (AlreadyPlayed, OSError) as error:
        print(f"classair simulate: {error}", file=sys.stderr)
        return 1


def _wish(args: argparse.Namespace) -> int:
    places = places_of(args)
    if args.words[0] != "wish" or len(args.words) < 2:
        print("usage: classair simulate wish NAME=WISH …, such as classair simulate wish haze=90", file=sys.stderr)
        return 2
    config = _remembered(places) or _from_file(args.config)
    path = wishing.place_of(places)
    before = wishing.WishFile(path).changed() or wishing.Wishes()
    try:
        wishes = wishing.understood(args.words[1:], config, before)
    except ValueError as error:
        print(f"classair simulate wish: {error}", file=sys.stderr)
        return 2
    wishing.write(path, wishes)
    print(f"wished: {wishes.model_dump_json(exclude={'serial'}, exclude_defaults=True)}")
    return 0


def _remembered(places: Places) -> Config | None:
    path = places.accepted_config
    accepted = read_announcement(path.read_bytes()) if path.exists() else None
    return accepted.config if accepted else None


def _from_file(path: Path, otherwise: Config | None = None) -> Config:
    """sensors.yaml as if it were accepted; secrets in it are nobody's business here. Raises ConfigFaults."""
    try:
        return parse_as_follower(configuration.read(path))
    except ConfigFaults as error:
        if otherwise is None:
            raise
        log.warning("config_file_rejected path=%s error=%s action=keep_previous", path, str(error).splitlines()[0])
        return otherwise
