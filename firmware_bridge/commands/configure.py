"""`classair configure`: the only way to send a command that calibrates a sensor or changes its stored settings."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from classair.places import Places
from firmware_bridge.clock import elapsed
from firmware_bridge.commands.model import WrongUse, add_model, driver_of, settings_of
from firmware_bridge.drivers import Driver
from firmware_bridge.serial.opening import open_line
from firmware_bridge.serial.port_state import why_not_open

log = logging.getLogger(__name__)

_ANSWER_S: Final = 1.5


def main(argv: list[str]) -> int:
    """0: sent; 1: not sent, or the port cannot be used; 2: wrong use, or not confirmed."""
    parser = argparse.ArgumentParser(
        prog="classair configure",
        description="change a sensor's stored settings or calibrate it; without --do, list its commands",
    )
    parser.add_argument("port", metavar="PORT", help="serial port, /dev/serial/by-id/… or any pyserial URL")
    add_model(parser, required=True)
    parser.add_argument("--do", metavar="NAME", help="command to send")
    parser.add_argument("--confirm", action="store_true", help="send without asking for confirmation")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="data folder where the command is logged (default: data)",
    )
    args = parser.parse_args(argv)
    try:
        driver = driver_of(args.sensor, settings_of(args.settings))
        kept = driver.kept()
        if args.do is None:
            print("\n".join(kept) if kept else f"{args.sensor} has no stored settings that a command can change")
            return 0
        if args.do not in kept:
            known = ", ".join(repr(name) for name in kept) or "none"
            raise WrongUse(f"{args.sensor} has no command {args.do!r}; known: {known}")
        print(explained(args.sensor, args.do, kept[args.do], args.port), file=sys.stderr)
        if not (args.confirm or _typed(args.do)):
            raise WrongUse("nothing was sent: add --confirm, or run the command in a terminal and type its name")
    except WrongUse as error:
        print(f"classair configure: {error}", file=sys.stderr)
        return 2
    return _send(driver, args, kept[args.do])


def explained(model: str, name: str, command: bytes, port: str) -> str:
    """What is about to happen, for the person who must confirm it."""
    lines = [
        f"This sends “{name}” ({command.hex(' ').upper()}) to the {model} on {port}.",
        "The sensor stores it permanently; only another such command undoes it.",
    ]
    if "calibration" in name:
        lines.append(
            "A calibration takes the present air as the reference. In ordinary room air it makes "
            "every later value wrong, and the factory calibration cannot be restored."
        )
    elif "coefficient" in name:
        lines.append("The sensor multiplies every later value by it, invisibly to ClassAir.")
    elif name.startswith("abc"):
        lines.append(
            "Self-calibration takes the lowest value of several days as 400 ppm: right for a room that "
            "is aired at night, wrong for one that never is."
        )
    return "\n".join(lines)


def _typed(name: str) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"Type {name} to send it, anything else to cancel: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == name


def _send(driver: Driver, args: argparse.Namespace, command: bytes) -> int:
    try:
        line = open_line(args.port, driver.baud, 0.1)
    except (OSError, ValueError) as error:
        cause = why_not_open(error, args.port).cause
        told = {"in_use": "it is in use by another program; stop the bridge first", "not_allowed": "permission denied"}
        print(
            f"classair configure: {args.port}: {told.get(cause, 'cannot open it')}; nothing was sent",
            file=sys.stderr,
        )
        return 1
    answer = b""
    try:
        # Noted before it happens: a command that was sent and is noted nowhere must not exist.
        try:
            _note(args, command, "sending")
        except OSError as error:
            print(
                f"classair configure: cannot log the command in {args.data}: {error.strerror}; nothing was sent",
                file=sys.stderr,
            )
            return 1
        line.write(command)
        until = elapsed() + _ANSWER_S
        while elapsed() < until:
            answer += line.read(256)
    except OSError as error:
        print(
            f"classair configure: {args.port}: {error}; the sensor may or may not have received the command",
            file=sys.stderr,
        )
        return 1
    finally:
        line.close()
    driver.feed(answer)
    _note(args, command, "sent", answer)
    counters = driver.counters
    said = f"{counters.other} answers and {counters.good} measurements" if answer else "no answer"
    print(
        f"Sent. The sensor gave {said}"
        + (f": {answer.hex(' ').upper()}" if len(answer) <= 64 else "")
        + ". Some sensors never answer such a command. Check the values now.",
        file=sys.stderr,
    )
    return 0


def _note(args: argparse.Namespace, command: bytes, state: str, answer: bytes = b"") -> None:
    """One line in the data folder's log. Raises OSError when it cannot be written: then nothing is sent."""
    told = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "state": state,
        "port": args.port,
        "sensor": args.sensor,
        "did": args.do,
        "bytes": command.hex(),
        "answer": answer.hex(),
    }
    place = Places(args.data.resolve()).configured
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps(told, ensure_ascii=False) + "\n")
    log.warning("sensor_configured port=%s sensor=%s command=%s state=%s", args.port, args.sensor, args.do, state)
