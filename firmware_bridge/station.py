"""What the sensors of one bridge share: the book of their hours, the claims on devices, the pairs of a room."""

from __future__ import annotations

from pathlib import Path

from firmware_bridge.health.hours import Book
from firmware_bridge.health.pairs import Pairs
from firmware_bridge.serial.identity import Claims


class Station:
    """Made once by the bridge and handed to each of its lines. `book`: where the hours are kept, None for nowhere."""

    def __init__(self, book: Path | None = None, boot: str = "") -> None:
        self.boot = boot
        self.book = Book(book)
        self.claims = Claims()
        self.pairs = Pairs()
