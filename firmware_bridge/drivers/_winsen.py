"""The nine-byte frame of Winsen sensors: FF, eight bytes, whose sum with the check is a multiple of 256."""

from __future__ import annotations

from typing import Final

from firmware_bridge.drivers._framing import complement

SIZE: Final = 9


def framed(*body: int) -> bytes:
    """A frame with these bytes behind its FF; what is missing of seven is 0."""
    data = bytes(body).ljust(7, b"\0")
    return b"\xff" + data + bytes((complement(data),))


def command(what: int, *data: int) -> bytes:
    """A command to sensor 01."""
    return framed(1, what, *data)


def intact(frame: bytes) -> bool:
    return not sum(frame[1:]) & 0xFF


def command_size(data: bytes) -> int:
    """9 when a whole command begins here, else 0."""
    return SIZE if len(data) >= SIZE and data[:2] == b"\xff\x01" and intact(data[:SIZE]) else 0


READ: Final = command(0x86)
