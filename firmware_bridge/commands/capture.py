"""`classair capture`: records the bytes of a sensor, raw or in the format of tests/captures."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from pathlib import Path
from types import FrameType
from typing import IO, Any, Final

from classair import __version__
from firmware_bridge.commands.model import WrongUse, add_model, driver_of, settings_of
from firmware_bridge.drivers import Driver, Frame
from firmware_bridge.drivers._framing import FramedDriver
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.serial.ports import Port

_HEX_LINE: Final = 32  # bytes


class Ears(FramedDriver):
    """Listens and understands nothing."""

    warm_up_s = 0.0
    frame_every_s = 1e9

    def __init__(self, baud: int) -> None:
        super().__init__()
        self.baud = baud

    def _scan(self, buffer: bytes, found: list[Frame]) -> int:
        self.counters.skipped += len(buffer)
        return len(buffer)

    def encode(self, values: object) -> bytes:
        return b""

    def answer(self, request: bytes, values: object) -> bytes:
        return b""


class _Keeping:
    """A port's recorder that writes what is received to a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.count = 0
        self.trouble = ""
        self._file = file

    def received(self, data: bytes, at_s: float) -> None:
        try:
            self._file.write(data)
            self._file.flush()
            self.count += len(data)
        except OSError as error:
            self.trouble = error.strerror or str(error)

    def sent(self, data: bytes, at_s: float) -> None:
        pass


def main(argv: list[str]) -> int:
    """0: bytes were kept; 1: none came, or the port cannot be opened; 2: wrong use."""
    parser = argparse.ArgumentParser(
        prog="classair capture",
        description="record the raw bytes of a sensor to a file",
    )
    parser.add_argument("port", metavar="PORT", help="serial port, /dev/serial/by-id/… or any pyserial URL")
    add_model(parser, required=False)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="output file (default: standard output); .hex writes the format of tests/captures (needs --sensor)",
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="note for a .hex file: which unit, where, in which conditions"
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="how long to record (default: until Ctrl-C)")
    parser.add_argument("--baud", type=int, default=9600, help="baud rate without --sensor (default: 9600)")
    args = parser.parse_args(argv)
    if args.seconds is not None and args.seconds <= 0:
        parser.error("--seconds: expected more than 0")
    try:
        if args.output and args.output.endswith(".hex"):
            if not args.sensor:
                raise WrongUse("a .hex capture includes the expected measurements. Name the sensor with --sensor MODEL")
            return _as_hex(args)
        driver = driver_of(args.sensor, settings_of(args.settings)) if args.sensor else Ears(args.baud)
        return _as_bytes(args, driver)
    except WrongUse as error:
        print(f"classair capture: {error}", file=sys.stderr)
        return 2


def _as_bytes(args: argparse.Namespace, driver: Driver) -> int:
    if args.output in (None, "-"):
        return _listen(args, driver, sys.stdout.buffer)
    try:
        with Path(args.output).open("wb") as file:
            return _listen(args, driver, file)
    except OSError as error:
        raise WrongUse(f"{args.output}: {error.strerror}") from None


def _as_hex(args: argparse.Namespace) -> int:
    given = settings_of(args.settings)
    try:
        with tempfile.TemporaryFile() as file:
            code = _listen(args, driver_of(args.sensor, given), file)
            if not code:
                file.seek(0)
                story = as_story(file.read(), args.sensor, given, args.note)
                Path(args.output).write_text(story, "utf-8")
    except OSError as error:
        raise WrongUse(f"{args.output}: {error.strerror}") from None
    return code


def as_story(data: bytes, model: str, settings: dict[str, Any], note: str = "") -> str:
    """A whole file of tests/captures: where it comes from, all that a driver makes of it today, the bytes.

    The driver is new and has asked nothing, as in the test that reads the file.
    """
    driver = driver_of(model, settings)
    frames = driver.feed(data)
    keys = list(dict.fromkeys(key for frame in frames for key in frame.values))
    told: dict[str, Any] = {
        "source": "device",
        "model": model,
        **({"settings": settings} if settings else {}),
        "keys": keys,
        "values": [frame.values.get(key) for frame in frames for key in keys],
        "flags": {str(place): names for place, frame in enumerate(frames) if (names := _flag_names(frame))},
        "counters": {name: count for name, count in asdict(driver.counters).items() if name != "in_frames"},
        "about": {name: value for name, value in asdict(driver.about).items() if value},
    }
    lines = [data[at : at + _HEX_LINE].hex(" ").upper() for at in range(0, len(data), _HEX_LINE)]
    where = f" {' '.join(note.split())}" if note else ""
    return "\n".join(
        [
            f"# A {model}, captured on {datetime.now(UTC):%Y-%m-%d} with classair {__version__}.{where}",
            "# The line below is what the driver decodes today: compare with another instrument or the datasheet.",
            json.dumps(told, ensure_ascii=False),
            "---",
            *lines,
            "",
        ]
    )


def _flag_names(frame: Frame) -> list[str]:
    return sorted(flag.name for flag in reduce(or_, frame.value_flags.values(), frame.flags) if flag.name)


def _listen(args: argparse.Namespace, driver: Driver, file: IO[bytes]) -> int:
    stop, trouble = threading.Event(), [""]
    keeping = _Keeping(file)

    def hear_state(state: PortState) -> None:
        trouble[0] = "" if state.state in ("ok", "starting") else state.cause
        if trouble[0] and not keeping.count and state.state != "silent":
            stop.set()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, end)
        signal.signal(signal.SIGTERM, end)
    port = Port("capture", args.port, driver, lambda frames, at, warm: None, hear_state, recorder=keeping)
    port.start()
    stop.wait(args.seconds)
    port.stop()
    counters = driver.counters
    read = f" with {counters.good} measurements" if args.sensor else ""
    print(f"{keeping.count} bytes{read}", file=sys.stderr)
    if keeping.trouble:
        print(f"classair capture: cannot write the file: {keeping.trouble}", file=sys.stderr)
        return 1
    if not keeping.count:
        why = {
            "in_use": "it is in use by another program, perhaps a bridge",
            "not_allowed": "permission denied",
            "unplugged": "the port does not exist",
            "bad_port": "it is not a port",
        }.get(trouble[0], "nothing came")
        print(f"classair capture: {args.port}: {why}", file=sys.stderr)
        return 1
    return 0
