"""Captured bytes in any form, as one stream with flat memory: raw, hexadecimal, a black box."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from firmware_bridge.blackbox.format import FIRST_LINE, LOST, RECEIVED, NotABlackBox, read_header
from firmware_bridge.blackbox.reading import is_black_box, records, segments_of
from firmware_bridge.commands.hex_text import NotHex, pasted_bytes
from firmware_bridge.commands.model import WrongUse

_PIECE: Final = 1 << 16


class Piece(NamedTuple):
    """Bytes as they came. Of a capture nobody knows the time; a pause before these bytes is in `pause_s`.

    `sent`: the bridge sent them to the sensor. `lost`: so many bytes are missing here. `damaged`: a stretch of the
    file could not be read.
    """

    data: bytes
    at_ms: int | None = None
    pause_s: float = 0.0
    sent: bool = False
    lost: int = 0
    damaged: bool = False


class Capture(NamedTuple):
    """A stream and, where the file says so itself, whose it is."""

    pieces: Iterator[Piece]
    model: str = ""
    settings: dict[str, object] = {}  # noqa: RUF012  never changed
    black_box: bool = False


def opened(name: str, hexadecimal: bool, from_ms: int | None, to_ms: int | None) -> Capture:
    """The capture at `name` (`-` is standard input). Raises WrongUse when it is not what it is said to be."""
    bounded = from_ms is not None or to_ms is not None
    if name == "-":
        if bounded:
            raise WrongUse("--from and --to need a black box: raw bytes have no timestamps")
        return Capture(_hex(sys.stdin.buffer, "standard input") if hexadecimal else _raw(sys.stdin.buffer))
    path = Path(name)
    try:
        if not stat.S_ISFIFO(path.stat().st_mode) and not hexadecimal and is_black_box(path):
            return _black_box(path, from_ms, to_ms)
        if path.is_dir():
            raise WrongUse(f"{name} contains no black box segments (*.cbb)")
        if bounded:
            raise WrongUse(f"{name}: --from and --to need a black box: raw bytes have no timestamps")
        file = path.open("rb")
    except OSError as error:
        raise WrongUse(f"{name}: {error.strerror}") from None
    return Capture(_hex(file, name) if hexadecimal or path.suffix == ".hex" else _raw(file))


def _raw(file: BinaryIO) -> Iterator[Piece]:
    # os.read gives what is there: a reading in a pipe is printed when it comes, not when 64 KB have come.
    while data := os.read(file.fileno(), _PIECE):
        yield Piece(data)


def _hex(file: BinaryIO, name: str) -> Iterator[Piece]:
    try:
        for data in pasted_bytes(file):
            yield Piece(data)
    except NotHex as error:
        raise WrongUse(f"{name}, {error}") from None


def _black_box(path: Path, from_ms: int | None, to_ms: int | None) -> Capture:
    newest = segments_of(path)[-1]
    with newest.open("rb") as file:
        try:
            header = read_header(file)
        except NotABlackBox as error:
            raise WrongUse(f"{newest}: {error}") from None
    return Capture(_pieces(path, from_ms, to_ms), header.model, dict(header.settings), black_box=True)


def _pieces(path: Path, from_ms: int | None, to_ms: int | None) -> Iterator[Piece]:
    before: tuple[bytes, int] | None = None
    try:
        for record in records(path, from_ms, to_ms):
            item = record.item
            if record.damaged:
                yield Piece(b"", damaged=True)
                continue
            pause_s = 0.0
            if before is not None:
                # Another boot, or another run of the bridge: what was unfinished stays so.
                pause_s = (item.elapsed_ms - before[1]) / 1000 if before[0] == record.boot else 3600.0
            before = (record.boot, item.elapsed_ms)
            yield Piece(item.data, record.at_ms, pause_s, item.kind not in (RECEIVED, LOST), item.lost)
    except NotABlackBox as error:
        raise WrongUse(str(error)) from None
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from None


def looks_like_black_box(data: bytes) -> bool:
    """Whether bytes from a pipe are a black box segment, which cannot be read from a pipe."""
    return data.startswith(FIRST_LINE[:20])
