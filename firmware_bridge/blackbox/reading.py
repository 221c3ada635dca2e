"""Reads a black box: one segment, or a port's folder of them, as dated records with flat memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.blackbox.format import (
    FIRST_LINE,
    LOST,
    Header,
    Item,
    NotABlackBox,
    Stamp,
    decode_payload,
    read_blocks,
    read_header,
)
from firmware_bridge.blackbox.ring import SUFFIX

_BEST_FIRST: Final = ("sync", "server", "holdover", "unsync")
_NO_BOOT: Final = bytes(16)


class Record(NamedTuple):
    """One record of a port. `at_ms` is UTC, None while nobody knew the time of that boot; `item` as it was kept.

    `damaged` stands for a stretch of the file that could not be read; its item is empty.
    """

    header: Header
    at_ms: int | None
    item: Item
    boot: bytes
    damaged: bool = False


def is_black_box(path: Path) -> bool:
    """Whether this is a segment, or a folder that holds some. Raises OSError for a file that cannot be read."""
    if path.is_dir():
        return any(path.glob(f"*{SUFFIX}"))
    with path.open("rb") as file:
        return file.read(len(FIRST_LINE)) == FIRST_LINE


def segments_of(path: Path) -> list[Path]:
    """The segments under `path`, oldest first."""
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]


def records(path: Path, from_ms: int | None = None, to_ms: int | None = None) -> Iterator[Record]:
    """The records of a segment or of a port's folder, in the order they were written.

    With a bound, records whose time nobody knows are left out. A block that was written before the time was known is
    dated by a later one of the same boot. Raises NotABlackBox for a segment without a readable beginning.
    """
    segments = segments_of(path)
    offsets = _offsets(segments)
    for segment in segments:
        try:
            yield from _records_of(segment, offsets, from_ms, to_ms)
        except FileNotFoundError:
            continue  # the bridge made room meanwhile


def _records_of(
    segment: Path, offsets: Mapping[bytes, int], from_ms: int | None, to_ms: int | None
) -> Iterator[Record]:
    with segment.open("rb") as file:
        try:
            header = read_header(file)
        except NotABlackBox as error:
            raise NotABlackBox(f"{segment}: {error}") from None
        for stamp, payload in read_blocks(file):
            if payload is None:
                yield Record(header, None, Item(LOST, 0, b""), _NO_BOOT, damaged=True)
                continue
            offset = offsets.get(stamp.boot)
            for item in decode_payload(payload, stamp.elapsed_ms):
                at_ms = None if offset is None else item.elapsed_ms + offset
                if (from_ms is not None or to_ms is not None) and at_ms is None:
                    continue
                if at_ms is not None and (
                    (from_ms is not None and at_ms < from_ms) or (to_ms is not None and at_ms >= to_ms)
                ):
                    continue
                yield Record(header, at_ms, item, stamp.boot)


def _offsets(segments: list[Path]) -> dict[bytes, int]:
    """For each boot the offset of the best known clock, the newest of equals."""
    best: dict[bytes, Stamp] = {}
    for segment in segments:
        try:
            with segment.open("rb") as file:
                read_header(file)
                for stamp, payload in read_blocks(file):
                    if payload is None or stamp.quality == "unknown":
                        continue
                    known = best.get(stamp.boot)
                    if known is None or _BEST_FIRST.index(stamp.quality) <= _BEST_FIRST.index(known.quality):
                        best[stamp.boot] = stamp
        except (NotABlackBox, FileNotFoundError):
            continue  # said when its records are read
    return {boot: stamp.offset_ms for boot, stamp in best.items()}
