"""`classair configure`: the only way to send a command that calibrates a sensor or changes its stored settings."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from classair.places import Places
from firmware_bridge.clock import elapsed
from firmware_bridge.commands.model import WrongUse, add_model, driver_of, settings_of
from firmware_bridge.drivers import Driver, Send, UnknownModel
from firmware_bridge.drivers import settings_of as driver_settings
from firmware_bridge.serial.opening import open_line
from firmware_bridge.serial.port_state import why_not_open

log = logging.getLogger(__name__)

_ANSWER_S: Final = 1.5
_READ_S: Final = 0.3  # for each question afterwards


def main(argv: list[str]) -> int:
    """0: sent, and not refused; 1: not sent or refused, or the port cannot be used; 2: wrong use, or not confirmed."""
    parser = argparse.ArgumentParser(
        prog="classair configure",
        description="calibrate a sensor, change what it stores, or let it start, stop, sleep or clean its fan; without "
        "--do, list its commands",
    )
    parser.add_argument("port", metavar="PORT", help="serial port, /dev/serial/by-id/… or any pyserial URL")
    add_model(parser, required=True)
    parser.add_argument("--do", metavar="NAME", help="command to send")
    parser.add_argument(
        "--address",
        metavar="ID",
        help="speak only to this sensor: device id of an SDS011 (4 hexadecimal digits), Modbus address of an S8",
    )
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
        driver = driver_of(args.sensor, _settings(args))
        kept = driver.kept()
        known: dict[str, Sequence[Send]] = {**{name: (Send(data),) for name, data in kept.items()}, **driver.actions()}
        if args.do is None:
            print("\n".join(known) if known else f"{args.sensor} has no command that can be sent")
            return 0
        if args.do not in known:
            names = ", ".join(repr(name) for name in known) or "none"
            raise WrongUse(f"{args.sensor} has no command {args.do!r}; known: {names}")
        sends = known[args.do]
        whole = b"".join(send.data for send in sends)
        print(explained(args.sensor, args.do, whole, args.port, stored=args.do in kept), file=sys.stderr)
        if not (args.confirm or _typed(args.do)):
            raise WrongUse("nothing was sent: add --confirm, or run the command in a terminal and type its name")
    except WrongUse as error:
        print(f"classair configure: {error}", file=sys.stderr)
        return 2
    return _send(driver, args, sends, read_back=args.do in kept)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    """The driver's settings, with the address. Raises WrongUse where a model has none."""
    settings = settings_of(args.settings)
    if args.address is None:
        return settings
    try:
        fields = driver_settings(args.sensor).model_fields
    except UnknownModel as error:
        raise WrongUse(str(error)) from None
    if "address" not in fields:
        raise WrongUse(f"a {args.sensor} has no address; only one can be on a line")
    return {**settings, "address": args.address}


def explained(model: str, name: str, command: bytes, port: str, *, stored: bool) -> str:
    """What is about to happen, for the person who must confirm it."""
    lines = [f"This sends “{name}” ({command.hex(' ').upper()}) to the {model} on {port}."]
    if stored:
        lines.append("The sensor stores it permanently; only another such command undoes it.")
    else:
        lines.append("The sensor does it at once and stores nothing. A bridge that opens this port starts it again.")
    lines += [text for words, text in _EFFECTS.items() if re.search(words, name)]
    return "\n".join(lines)


_EFFECTS: Final = {
    "calibration": "A calibration takes the present air as the reference. In ordinary room air it makes "
    "every later value wrong, and the factory calibration cannot be restored.",
    "coefficient": "The sensor multiplies every later value by it, invisibly to ClassAir.",
    "^abc": "Self-calibration takes the lowest value of several days as 400 ppm: right for a room that "
    "is aired at night, wrong for one that never is.",
    "^query mode": "It then sends nothing by itself; a bridge notices and asks. Other programs may not.",
    "^working period": "It then measures 30 seconds of each period and sleeps for the rest, which spares its laser; "
    "fast control of a purifier needs it to work continuously.",
    "^range": "Values above the range read as its end. A smaller range is not more accurate.",
    "^fan cleaning": "It counts only measuring without a pause and begins anew when switched off: a sensor that sleeps "
    "or is switched off daily never reaches it. Then use clean fan.",
    "^clean fan": "The fan runs at full speed for some 10 seconds, and values do not change meanwhile. It is refused "
    "while the sensor does not measure.",
    "^(stop measuring|sleep)": "Fan and laser stop, and no values come until it is started or woken.",
    "^device reset": "It begins as after power-on and does not measure until it is started.",
}
"""Part of a command's name → what a person should know before sending it."""


def _typed(name: str) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"Type {name} to send it, anything else to cancel: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == name


def _send(driver: Driver, args: argparse.Namespace, sends: Sequence[Send], *, read_back: bool) -> int:
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
    command = b"".join(send.data for send in sends)
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
        for send in sends[:-1]:
            line.write(send.data)
            time.sleep(send.pause_s)
        answer, accepted = _exchange(line, driver, sends[-1], _ANSWER_S)
        if read_back and accepted is not False:
            for send in driver.inquire():
                line.write(send.data)
                until = elapsed() + max(send.pause_s, _READ_S)
                while elapsed() < until:
                    driver.feed(line.read(256))
    except OSError as error:
        print(
            f"classair configure: {args.port}: {error}; the sensor may or may not have received the command",
            file=sys.stderr,
        )
        return 1
    finally:
        line.close()
    _note(args, command, "sent", answer, accepted)
    print(_outcome(accepted, answer, driver), file=sys.stderr)
    return 1 if accepted is False else 0


def _exchange(line: Any, driver: Driver, send: Send, longest_s: float) -> tuple[bytes, bool | None]:
    """Sends one command and listens; what was heard, and whether that accepts or refuses it. Raises OSError."""
    line.write(send.data)
    answer, accepted, until = b"", None, elapsed() + longest_s
    while accepted is None and elapsed() < until:
        data = line.read(256)
        driver.feed(data)
        answer += data
        accepted = driver.accepted(send.data, answer)
    return answer, accepted


def _outcome(accepted: bool | None, answer: bytes, driver: Driver) -> str:
    """What came of it, for the person, with what the sensor says of itself now."""
    about = driver.about
    heard = f" ({answer.hex(' ').upper()})" if 0 < len(answer) <= 64 else ""
    if accepted is False:
        why = about.notes.get("refused", "")
        return f"Sent, but the sensor refused it{heard}{f': {why}' if why else ''}. Nothing was changed."
    said = {
        "id": about.identity,
        "firmware": about.firmware,
        "mode": about.mode,
        **{key: value for key, value in about.notes.items() if key != "refused"},
    }
    now = ", ".join(f"{key} {value}" for key, value in said.items() if value)
    told = (
        f"Sent, and the sensor confirmed it{heard}."
        if accepted
        else (
            f"Sent. The sensor's answer does not say whether it obeyed{heard}; some never answer such a command."
            if answer
            else "Sent. The sensor gave no answer; some never answer such a command."
        )
    )
    return f"{told}{f' It now says: {now}.' if now else ''} Check the values now."


def _note(
    args: argparse.Namespace, command: bytes, state: str, answer: bytes = b"", accepted: bool | None = None
) -> None:
    """One line in the data folder's log. Raises OSError when it cannot be written: then nothing is sent."""
    told = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "state": state,
        "port": args.port,
        "sensor": args.sensor,
        "did": args.do,
        "address": args.address or "",
        "bytes": command.hex(),
        "answer": answer.hex(),
        "accepted": accepted,
    }
    place = Places(args.data.resolve()).configured
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps(told, ensure_ascii=False) + "\n")
    log.warning("sensor_configured port=%s sensor=%s command=%s state=%s", args.port, args.sensor, args.do, state)
