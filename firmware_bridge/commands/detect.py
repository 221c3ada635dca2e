"""`classair detect`: identifies the sensor on a port by listening and by read-only requests."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

from firmware_bridge.clock import elapsed
from firmware_bridge.commands.candidates import Candidate, Evidence, judge, refusal
from firmware_bridge.commands.naming import steady_name
from firmware_bridge.drivers import driver_for, models
from firmware_bridge.serial.opening import open_line
from firmware_bridge.serial.port_state import why_not_open

BAUDS: Final = (9600, 115200)
LISTEN_S: Final = 5.5  # two frames of the slowest sensor that speaks by itself
ANSWER_S: Final = 0.4
# As drivers name the ways of working in which a sensor is asked; a driver refuses those it does not know.
_MODES: Final[tuple[dict[str, str], ...]] = ({}, {"mode": "passive"}, {"mode": "poll"})
_KEPT: Final = 1 << 20  # bytes; a line that talks more than that has said enough


def main(argv: list[str]) -> int:
    """0: one sensor fits; 1: several, or none, or the port cannot be opened; 2: wrong use."""
    parser = argparse.ArgumentParser(
        prog="classair detect",
        description="identify the sensor on a serial port (read-only) and print its line for sensors.yaml",
    )
    parser.add_argument(
        "port", metavar="PORT", help="serial port, /dev/ttyUSB0, /dev/serial/by-id/… or any pyserial URL"
    )
    parser.add_argument(
        "--baud",
        type=int,
        action="append",
        help=f"baud rate to try; repeatable (default: {' and '.join(map(str, BAUDS))})",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=LISTEN_S,
        metavar="N",
        help=f"how long to listen at each baud rate (default: {LISTEN_S:g})",
    )
    parser.add_argument("--json", action="store_true", help="print the candidates with reasons as JSON; ask nothing")
    args = parser.parse_args(argv)
    if args.seconds <= 0:
        parser.error("--seconds: expected more than 0")
    try:
        heard, candidates = look(args.port, tuple(args.baud or BAUDS), args.seconds)
    except (OSError, ValueError) as error:
        told = {
            "in_use": "it is in use by another program; stop that first (a running bridge keeps its ports open)",
            "not_allowed": "permission denied; add your user to the group dialout",
            "bad_port": "not a valid port",
        }
        cause = why_not_open(error, args.port).cause
        print(f"classair detect: {args.port}: {told.get(cause, 'the port does not exist')}", file=sys.stderr)
        return 1
    fitting = [candidate for candidate in candidates if not candidate.against]
    if args.json:
        print(
            json.dumps(
                {
                    "port": args.port,
                    "steady_name": steady_name(args.port),
                    "heard": heard,
                    "decided": len(fitting) == 1,
                    "candidates": [candidate.as_record() for candidate in candidates],
                },
                ensure_ascii=False,
                indent=2,
            )
        )
        return 0 if len(fitting) == 1 else 1
    return _tell(args.port, heard, candidates, fitting)


def look(address: str, bauds: tuple[int, ...], seconds: float) -> tuple[dict[str, int], list[Candidate]]:
    """Bytes heard at each speed, and the candidates of the first speed at which any driver understood something.

    Raises OSError or ValueError when the port cannot be opened.
    """
    heard: dict[str, int] = {}
    for baud in bauds:
        line = open_line(address, baud, 0.1)
        try:
            evidence = Evidence(baud, _listen(line, seconds))
            candidates = judge(evidence)
            if not candidates:
                for question in _questions(baud):
                    line.reset_input_buffer()
                    line.write(question)
                    evidence.answers.append((question, _listen(line, ANSWER_S)))
                candidates = judge(evidence)
        finally:
            line.close()
        heard[str(baud)] = len(evidence.heard) + sum(len(answer) for _, answer in evidence.answers)
        if candidates:
            return heard, candidates
    return heard, []


def _questions(baud: int) -> list[bytes]:
    """What every driver of this speed asks; nothing that any driver says would change a sensor."""
    found: dict[bytes, None] = {}
    for model in models():
        for settings in _MODES:
            try:
                driver = driver_for(model, settings)
            except ValueError:
                continue  # it needs settings, or knows no such mode
            if driver.baud == baud:
                found.update(dict.fromkeys([driver.ask(), *(send.data for send in driver.inquire())]))
    return [question for question in found if question and not refusal(question)]


def _listen(line: Any, seconds: float) -> bytes:
    data, until = b"", elapsed() + seconds
    while elapsed() < until and len(data) < _KEPT:
        data += line.read(max(1, line.in_waiting))
    return data


def _tell(port: str, heard: dict[str, int], candidates: list[Candidate], fitting: list[Candidate]) -> int:
    if not candidates:
        total = sum(heard.values())
        print(
            f"{port}: "
            + (
                "no data, neither sent unprompted nor as an answer. Check the sensor's power and whether TX and RX are "
                "swapped."
                if not total
                else f"{total} bytes received ({', '.join(f'{n} at {baud}' for baud, n in heard.items())} baud), "
                "which no driver can decode. Record them with classair capture."
            )
        )
        return 1
    for candidate in candidates:
        mark = "fits" if not candidate.against else "does not fit"
        print(f"{candidate.title}: {mark}")
        for reason in [*candidate.for_, *candidate.against]:
            print(f"    {reason}")
    chosen = fitting[0] if len(fitting) == 1 else _asked(fitting or candidates)
    if chosen is None:
        print("\nThe bytes fit several models. Check the label on the sensor and enter its model yourself.")
        return 1
    print(
        f"\nFor sensors.yaml (replace SENSOR, BRIDGE and ROOM):\n\n"
        f'      SENSOR: {{bridge: BRIDGE, room: ROOM, model: {chosen.model}, port: "{steady_name(port)}"}}'
    )
    return 0


def _asked(candidates: list[Candidate]) -> Candidate | None:
    if not sys.stdin.isatty():
        return None
    print("\nWhich model is on the label of the sensor?")
    for number, candidate in enumerate(candidates, 1):
        print(f"  {number}  {candidate.title}")
    print("Number, or Enter if unknown: ", end="", flush=True)
    answer = sys.stdin.readline().strip()
    return candidates[int(answer) - 1] if answer.isdigit() and 1 <= int(answer) <= len(candidates) else None
