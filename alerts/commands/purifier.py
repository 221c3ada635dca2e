"""`classair purifier prepare | try | care SITE.ID`: sets a device up, tries it out, says what it has done and costs."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from alerts import offer, purifiers
from alerts.commands import caring, preparing, trying
from alerts.commands.talk import Talk, retained_commands
from alerts.commands.words import Words
from alerts.purifiers import Purifier
from classair import config as configuration
from classair.arguments import shared
from classair.asking import NoAnswer, broker_of_installation
from classair.broker import BrokerAddress
from classair.config import Config
from classair.i18n import LANGUAGES
from classair.places import Places, alone
from classair.plugins import UnknownPlugin
from classair.wire import Topics

LONGEST_S: Final = 600  # control leaves the purifier alone for a quarter of an hour


def main(argv: list[str]) -> int:
    """0: all is as it should be; 1: something is not, or nobody answers; 2: wrong use or wrong configuration."""
    parser = argparse.ArgumentParser(
        prog="classair purifier",
        description="set up a purifier's device (prepare) or try it out step by step (try), with a broker running; "
        "or show its run hours, filter and cost (care)",
        parents=[shared("--data", "--config", "--broker")],
    )
    parser.add_argument("do", choices=("prepare", "try", "care"), help="what to do")
    parser.add_argument("purifier", metavar="SITE.ID", help="purifier in sensors.yaml")
    parser.add_argument("--yes", action="store_true", help="try: do not wait for the Enter key before each step")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="try: how long to wait for each thing that a person does (default: 60)",
    )
    parser.add_argument(
        "--expiry", type=int, default=20, metavar="SECONDS", help="try: expiry of the first trial (default: 20)"
    )
    parser.add_argument("--language", choices=LANGUAGES, help="language of the output (default: that of sensors.yaml)")
    args = parser.parse_args(argv)
    if not 2 <= args.expiry <= LONGEST_S or not 0 < args.patience <= LONGEST_S:
        parser.error(f"--expiry: expected 2 to {LONGEST_S}; --patience: expected more than 0, at most {LONGEST_S}")
    path: Path = args.config
    try:
        config = configuration.load(path)
    except OSError as error:
        print(f"classair purifier: cannot read {path}: {error.strerror}", file=sys.stderr)
        return 2
    except configuration.ConfigFaults as faults:
        print("\n".join(f"{path}: {fault}" for fault in faults.faults), file=sys.stderr)
        return 2
    units = dict(config.purifiers())
    if args.purifier not in units:
        known = ", ".join(units) or "none"
        print(f"classair purifier: {args.purifier!r} is not a purifier in {path}; known: {known}", file=sys.stderr)
        return 2
    language = args.language or config.language
    if args.do == "care":
        ledger = Places(args.data.resolve()).ledger
        return caring.show(ledger, config, args.purifier, language, time.time_ns() // 1_000_000)
    site, _, local = args.purifier.partition(".")
    if found := [fault for fault in offer.faults(config) if fault.startswith(_of_section(site, local))]:
        print("\n".join(f"{path}: {fault}" for fault in found), file=sys.stderr)
        return 2
    try:
        unit = purifiers.make(args.purifier, units[args.purifier], lambda: round(time.time() * 1000))
        address = broker_of_installation(Places(args.data.resolve()), args.broker)
    except (NoAnswer, ValueError, UnknownPlugin) as wrong:
        print(f"classair purifier: {wrong}", file=sys.stderr)
        return 2
    words = Words(language)
    if not unit.topics():
        words.say("no_device", kind=units[args.purifier].kind)
        return 0
    places = Places(args.data.resolve())
    # All are one user at the broker, which lets in one of them at a time; elsewhere than at the data nobody can tell.
    with alone(places.run / "tool.lock") if places.root.is_dir() else nullcontext(True) as is_alone:
        if not is_alone:
            print("classair purifier: another one is running here; try again when it has ended", file=sys.stderr)
            return 1
        return _talked(args, config, unit, address, words)


def _of_section(site: str, local: str) -> tuple[str, ...]:
    """How a fault in a purifier's section of sensors.yaml begins: with one of its keys, or with the section itself."""
    section = f"sites.{site}.purifiers.{local}"
    return f"{section}.", f"{section}:"


def _talked(args: argparse.Namespace, config: Config, unit: Purifier, address: BrokerAddress, words: Words) -> int:
    talk: Talk | None = None
    try:
        if args.do == "prepare":
            found = retained_commands(address, unit)
            talk = Talk(address, unit, Topics(config.org))
            preparing.clear(talk, found)
            left = {}
            if found:
                talk.close()
                left = retained_commands(address, unit)
                talk = Talk(address, unit, Topics(config.org))
            return preparing.prepare(talk, unit, words, found, left)
        talk = Talk(address, unit, Topics(config.org))
        hand = trying.Hand(args.yes, args.patience, args.expiry)
        return trying.walk(talk, args.purifier, unit, words, hand)
    except NoAnswer as wrong:
        print(f"classair purifier: {wrong}", file=sys.stderr)
        return 1
    except EOFError:
        print("classair purifier: no Enter key can be pressed here; use --yes", file=sys.stderr)
        return 2
    finally:
        if talk is not None:
            talk.close()
