"""How the black box lies on disk: segments of blocks, each block a minute of one port's bytes, checked and compressed.

A segment is the line `classair black box 1`, a line of JSON (sensor, model, settings, port) and blocks. A block is

    magic CBX1 · u32 bytes of payload · u32 CRC-32 of all that follows · boot id (16 bytes) · u64 elapsed ms of the
    first record · i64 ms to add to elapsed for UTC · u8 how well that is known · payload

all big-endian. The payload is zlib of records: u8 kind, varint ms since the record before (0 for the first), varint
length, bytes. Kind 0 was received from the sensor, 1 was sent to it, 2 says that `length` bytes could not be kept.
A block that was cut or damaged is skipped up to the next magic.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, BinaryIO, Final, NamedTuple

FIRST_LINE: Final = b"classair black box 1\n"
MAGIC: Final = b"CBX1"
RECEIVED: Final = 0
SENT: Final = 1
LOST: Final = 2
QUALITIES: Final = ("unknown", "sync", "server", "holdover", "unsync")

_HEAD: Final = Struct(">4sII")
_STAMP: Final = Struct(">16sQqB")
_LONGEST_PAYLOAD: Final = 4 << 20  # no writer makes larger blocks; a larger number is damage
_LONGEST_LINE: Final = 64 << 10


class NotABlackBox(ValueError):
    """The file does not begin as a black box does."""


class Item(NamedTuple):
    """Bytes that travelled together. `elapsed_ms` counts within a boot; of LOST bytes only the number is known."""

    kind: int
    elapsed_ms: int
    data: bytes
    lost: int = 0


class Stamp(NamedTuple):
    """What a block says of its time: UTC ms = elapsed_ms + offset_ms, unless the quality is unknown."""

    boot: bytes
    elapsed_ms: int
    offset_ms: int
    quality: str


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of its port; enough to decode it without any other file."""

    sensor: str
    model: str
    port: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        told = {"sensor": self.sensor, "model": self.model, "port": self.port, "settings": dict(self.settings)}
        return FIRST_LINE + json.dumps(told, ensure_ascii=False, default=str).encode() + b"\n"


def encode_block(boot: bytes, offset_ms: int, quality: str, items: Iterable[Item]) -> bytes:
    """One block; `items` in order of time and not empty."""
    body = bytearray()
    first = last = None
    for item in items:
        if last is None:
            first = last = item.elapsed_ms
        body.append(item.kind)
        body += _varint(max(item.elapsed_ms - last, 0))
        last = max(item.elapsed_ms, last)
        body += _varint(item.lost if item.kind == LOST else len(item.data))
        body += item.data
    payload = zlib.compress(bytes(body), 6)
    rest = _STAMP.pack(boot, first or 0, offset_ms, QUALITIES.index(quality)) + payload
    return _HEAD.pack(MAGIC, len(payload), zlib.crc32(rest)) + rest


def read_header(file: BinaryIO) -> Header:
    """The header at the beginning of a segment. Raises NotABlackBox."""
    if file.read(len(FIRST_LINE)) != FIRST_LINE:
        raise NotABlackBox("the first line is not 'classair black box 1'")
    try:
        told = json.loads(file.readline(_LONGEST_LINE))
        return Header(str(told["sensor"]), str(told["model"]), str(told["port"]), dict(told.get("settings") or {}))
    except (ValueError, KeyError, TypeError) as error:
        raise NotABlackBox(f"the second line is damaged: {error}") from None


def read_blocks(file: BinaryIO) -> Iterator[tuple[Stamp, bytes | None]]:
    """Stamp and payload of every whole block behind the header; (stamp of nothing, None) where bytes were skipped."""
    while True:
        at = file.tell()
        head = file.read(_HEAD.size)
        if not head:
            return
        if len(head) == _HEAD.size:
            magic, size, crc = _HEAD.unpack(head)
            if magic == MAGIC and size <= _LONGEST_PAYLOAD:
                rest = file.read(_STAMP.size + size)
                if len(rest) == _STAMP.size + size and zlib.crc32(rest) == crc:
                    boot, elapsed_ms, offset_ms, quality = _STAMP.unpack_from(rest)
                    known = QUALITIES[quality] if quality < len(QUALITIES) else "unknown"
                    yield Stamp(boot, elapsed_ms, offset_ms, known), rest[_STAMP.size :]
                    continue
        yield Stamp(bytes(16), 0, 0, "unknown"), None
        if not _seek_magic(file, at + 1):
            return


def decode_payload(payload: bytes, elapsed_ms: int) -> Iterator[Item]:
    """The records of a block whose first record is at `elapsed_ms`. Ends quietly where the payload does not add up."""
    try:
        body = zlib.decompress(payload)
    except zlib.error:
        return
    position = 0
    while position < len(body):
        kind = body[position]
        delta, position = _read_varint(body, position + 1)
        size, position = _read_varint(body, position)
        elapsed_ms += delta
        if kind == LOST:
            yield Item(LOST, elapsed_ms, b"", size)
            continue
        if kind not in (RECEIVED, SENT) or position + size > len(body):
            return
        yield Item(kind, elapsed_ms, body[position : position + size])
        position += size


def _seek_magic(file: BinaryIO, start: int) -> bool:
    """Places the file at the next magic from `start` on; False when there is none."""
    while True:
        file.seek(start)
        piece = file.read(1 << 16)
        found = piece.find(MAGIC)
        if found >= 0:
            file.seek(start + found)
            return True
        if len(piece) < 1 << 16:
            return False
        start += len(piece) - len(MAGIC) + 1


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, position
