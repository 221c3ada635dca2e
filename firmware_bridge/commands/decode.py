"""`classair decode`: decodes recorded bytes and prints one line of JSON for each measurement."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from classair.arguments import moment_utc
from classair.model import Flag
from firmware_bridge.commands.capture_files import Capture, Piece, looks_like_black_box, opened
from firmware_bridge.commands.model import WrongUse, add_model, driver_of, settings_of
from firmware_bridge.drivers import Driver, Frame
from firmware_bridge.drivers.textlines import TextLines

SILENCE_S: Final = 0.5  # a port gives up an unfinished frame after such a pause


def main(argv: list[str]) -> int:
    """0: measurements were found, or the input is empty; 1: bytes, but no measurement in them; 2: wrong use."""
    parser = argparse.ArgumentParser(
        prog="classair decode",
        description="decode recorded bytes or a black box, one JSON line per measurement",
        epilog="FILE is raw bytes, hexadecimal text (--hex, or a name that ends in .hex), a black box segment or the "
        "folder of a sensor in a black box. A black box needs no --sensor.",
    )
    add_model(parser, required=False)
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="recorded bytes (default: standard input)")
    parser.add_argument(
        "--hex",
        action="store_true",
        help="read the input as hexadecimal text, also as dumped by xxd, hexdump, od, C or Python",
    )
    parser.add_argument(
        "--from",
        dest="from_ms",
        type=moment_utc,
        metavar="TIME",
        help="start of the time range in a black box, such as 2026-11-20T08:00 (UTC) or with +07:00",
    )
    parser.add_argument(
        "--to", dest="to_ms", type=moment_utc, metavar="TIME", help="end of the time range in a black box"
    )
    parser.add_argument(
        "--stats", action="store_true", help="print counts of decoded and rejected bytes instead of measurements"
    )
    args = parser.parse_args(argv)
    try:
        capture = opened(args.file, args.hex, args.from_ms, args.to_ms)
        model = args.sensor or capture.model
        if not model:
            raise WrongUse("the sensor of these bytes is unknown. Give --sensor MODEL")
        driver = driver_of(model, settings_of(args.settings) or dict(capture.settings))
        return _print_all(driver, capture, args.stats)
    except WrongUse as error:
        print(f"classair decode: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our lines has gone, as `head` does; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _print_all(driver: Driver, capture: Capture, stats: bool) -> int:
    printed, flagged, notes = 0, Counter[str](), Counter[str]()
    for frame, at_ms in measurements(driver, capture.pieces, notes):
        printed += 1
        if stats:
            flagged.update(_all_flags(frame))
        else:
            print(json.dumps(line_of(frame, printed, at_ms), ensure_ascii=False))
    if stats:
        told = {**asdict(driver.counters), "pending": driver.pending, "flagged": dict(sorted(flagged.items())), **notes}
        about = driver.about
        told["about"] = {key: value for key, value in asdict(about).items() if value}
        print(json.dumps(told, ensure_ascii=False))
    sys.stdout.flush()
    if not printed and driver.counters.bytes_in:
        counters = driver.counters
        print(
            f"classair decode: no measurement in {counters.bytes_in} bytes ({counters.checksum} candidates with a "
            f"wrong checksum, {counters.length} with a wrong length, {counters.other} frames without a measurement); "
            "check --sensor MODEL",
            file=sys.stderr,
        )
        return 1
    return 0


def measurements(driver: Driver, pieces: Iterator[Piece], notes: Counter[str]) -> Iterator[tuple[Frame, int | None]]:
    """Frames with the time of the bytes that completed them, decoded as the port would have done it.

    `notes` counts what a capture says beside its bytes: those sent, those lost, and damaged stretches.
    """
    at_ms: int | None = None
    first, found = True, False
    for piece in pieces:
        if piece.damaged or piece.lost:
            notes["lost_bytes"] += piece.lost
            notes["damaged_blocks"] += piece.damaged
            yield from ((frame, at_ms) for frame in driver.silence())
            continue
        if piece.pause_s >= SILENCE_S and driver.pending:
            yield from ((frame, at_ms) for frame in driver.silence())
        if piece.sent:
            notes["sent_bytes"] += len(piece.data)
            if driver.poll_every_s is not None:
                driver.ask()  # as it was then: what is left of an older answer is skipped
            continue
        if first and looks_like_black_box(piece.data):
            raise WrongUse("a black box cannot be read from a pipe. Give its file or folder")
        first, at_ms = False, piece.at_ms
        frames = driver.feed(piece.data)
        for frame in frames:
            yield frame, at_ms
        found = found or bool(frames)
        if at_ms is None and frames:
            sys.stdout.flush()
    if not found and at_ms is None and driver.pending and isinstance(driver, TextLines):
        yield from ((frame, at_ms) for frame in driver.feed(b"\n"))  # one line, pasted without its end
    yield from ((frame, at_ms) for frame in driver.silence())


def line_of(frame: Frame, number: int, at_ms: int | None) -> dict[str, Any]:
    """What is printed for a frame; flags by name, absent when there are none."""
    told: dict[str, Any] = {"n": number}
    if at_ms is not None:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        told["at"] = f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
    told["values"] = frame.values
    if frame.flags:
        told["flags"] = _names(frame.flags)
    if frame.value_flags:
        told["value_flags"] = {key: _names(flag) for key, flag in frame.value_flags.items()}
    return told


def _names(flags: Flag) -> list[str]:
    return [flag.name for flag in flags if flag.name]


def _all_flags(frame: Frame) -> set[str]:
    found = set(_names(frame.flags))
    for flag in frame.value_flags.values():
        found |= set(_names(flag))
    return found or {"none"}
