"""`classair bridge`: reads the sensors of one bridge and delivers what they say."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

from classair import config as configuration
from classair.broker import BrokerAddress, Link, Message
from classair.config import Config, ConfigFaults
from classair.logs import begin_logging
from classair.places import Places
from classair.progress.telling import Progress
from classair.service import (
    Following,
    arguments,
    broker_of,
    parse_as_follower,
    places_of,
    run_service,
    stop_on_signals,
)
from classair.wire import ROOT
from firmware_bridge.bridge import Bridge
from firmware_bridge.clock import Clock
from firmware_bridge.spool.lock import SpoolInUse
from firmware_bridge.spool.spool import Spool

log = logging.getLogger(__name__)

BRIDGE_VARIABLE = "CLASSAIR_BRIDGE"


def main(argv: list[str]) -> int:
    parser = arguments("bridge", "read the sensors of one bridge and publish their readings")
    parser.add_argument(
        "--bridge",
        metavar="SITE.ID",
        default=os.environ.get(BRIDGE_VARIABLE),
        help=f"bridge of the configuration to run (or ${BRIDGE_VARIABLE})",
    )
    args = parser.parse_args(argv)
    if not args.bridge or args.bridge.count(".") != 1:
        parser.error("--bridge SITE.ID is required, such as --bridge ban-suan.suan-pi")
    try:
        address = broker_of(args, args.bridge.partition(".")[2])
    except ValueError as error:
        parser.error(str(error))
    begin_logging(args.log_level)
    stop = stop_on_signals()
    return run_service(_run, args.bridge, args.config, places_of(args), address, stop)


def _run(full: str, file: Path, places: Places, address: BrokerAddress, stop: threading.Event) -> int:
    following = Following(places.bridge_config(full))
    config = first_configuration(full, file, following)
    if config is None:
        log.warning("config_missing tried=%s,%s action=wait_for_server", places.bridge_config(full), file)
        config = _announced(full, following, address, stop)
        if config is None:
            return 0
    try:
        spool = Spool.open(places.spool(full))
    except SpoolInUse as error:
        print(f"classair bridge: {error}", file=sys.stderr)
        return 1
    return Bridge(full, config, following, places, address, spool, Clock()).run(stop)


def first_configuration(full: str, file: Path, following: Following) -> Config | None:
    """The part remembered from the server, else the file (whole or a provisioned part), else None.

    Raises ConfigFaults when the file is wrong or does not know this bridge.
    """
    if following.current is not None:
        return following.current.config
    if not file.exists():
        return None
    config = parse_as_follower(configuration.read(file))
    known = [name for name, _ in config.bridges()]
    if full not in known:
        raise ConfigFaults([f"{file} has no bridge {full!r}; known: {', '.join(known) or 'none'}"])
    return config.part_for(full)


def _announced(full: str, following: Following, address: BrokerAddress, stop: threading.Event) -> Config | None:
    """Waits for the server's word, from whichever organisation's broker this is."""
    site, _, local = full.partition(".")

    def hear(message: Message) -> None:
        if message.payload:
            following.hear(message.payload)

    link = Link(address, on_message=hear, subscriptions=[(f"{ROOT}/+/{site}/bridge/{local}/config", 1)])
    link.start()
    try:
        progress = Progress()
        progress.watch("network", lambda: link.moved_at)
        accepted = following.wait(stop, meanwhile=progress.tick)
    finally:
        link.stop()
    return accepted.config if accepted else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
