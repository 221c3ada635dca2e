"""What a batch of messages comes to before it is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from classair.model import Gap, Missing, Reading, SwitchEvent
from ingest.books.quarantine import Key


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """One item or message that cannot be stored, and why; `key` when its number can be read."""

    topic: str
    payload: bytes
    reason: str
    key: Key | None = None


@dataclass(slots=True)
class Decided:
    """What a batch of messages comes to."""

    readings: list[Reading] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    switches: list[tuple[Key, SwitchEvent]] = field(default_factory=list)
    missing: list[tuple[Key, Missing]] = field(default_factory=list)
    states: list[SwitchEvent] = field(default_factory=list)
    refused: list[RejectedItem] = field(default_factory=list)
