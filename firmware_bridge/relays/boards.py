"""What boards with relays are told and answer.

lcus: LCUS-1 to LCUS-8 and their many copies, 9600 baud: A0, channel, 1 or 0, sum of the three. Those with one relay
answer nothing, so what was written is all that is known. numato: Numato's boards and others with the same text
commands (`relay on 0`, `relay read 0`), which read back.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final, Protocol


class Line(Protocol):
    """An open serial line."""

    def write(self, data: bytes) -> Any: ...

    def read(self, size: int) -> bytes: ...

    def reset_input_buffer(self) -> None: ...


class Board(Protocol):
    baud: int

    def switch(self, line: Line, channel: int, on: bool) -> bool:
        """What the relay is afterwards, as far as the board tells. Raises OSError when it does not answer."""
        ...


class Lcus:
    baud = 9600

    def switch(self, line: Line, channel: int, on: bool) -> bool:
        line.write(bytes((0xA0, channel, int(on), (0xA0 + channel + int(on)) & 0xFF)))
        return on


class Numato:
    baud = 19200  # a USB line without a speed of its own
    _LONGEST: Final = 64

    def switch(self, line: Line, channel: int, on: bool) -> bool:
        with contextlib.suppress(AttributeError):
            line.reset_input_buffer()
        self._ask(line, f"relay {'on' if on else 'off'} {_digit(channel)}")
        words = self._ask(line, f"relay read {_digit(channel)}").split()
        # It repeats the command before it answers.
        if not words or words[-1] not in ("on", "off"):
            raise OSError("the board does not say what its relay is")
        return words[-1] == "on"

    def _ask(self, line: Line, command: str) -> str:
        line.write(f"{command}\r".encode())
        told = b""
        while len(told) < self._LONGEST and (byte := line.read(1)):
            if byte == b">":
                break
            told += byte
        return told.decode("ascii", "replace").removeprefix(command)


def _digit(channel: int) -> str:
    """Channels above 9 are letters there."""
    return str(channel) if channel < 10 else chr(ord("A") + channel - 10)


BOARDS: Final[dict[str, Board]] = {"lcus": Lcus(), "numato": Numato()}
