"""What of a purifier's control outlives the process, as JSON in the ledger."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from alerts.control.unit import Open, Override, Pending, Unit

log = logging.getLogger(__name__)

_PLAIN: Final = (
    "watching_since",
    "started_at",
    "seen_until",
    "since",
    "last_on",
    "want",
    "expires_at",
    "mode",
    "reason",
    "fault_since",
    "fault_wanted",
    "falls",
    "fell_at",
    "names_people",
    "speed",
)

_EVERY_MS: Final = 60_000  # how finely it is kept when the device last said what it is: not a row for each report


@dataclass(frozen=True, slots=True)
class Kept:
    """A unit as it was left, and the device that it was: its `room` and its `part` of sensors.yaml."""

    unit: Unit
    room: str = ""
    part: dict[str, Any] | None = None


def written(unit: Unit, room: str = "", part: dict[str, Any] | None = None) -> str:
    kept: dict[str, Any] = {key: getattr(unit, key) for key in _PLAIN}
    kept["known_at"] = unit.known_at // _EVERY_MS * _EVERY_MS
    kept["starts"] = unit.starts
    kept["override"] = asdict(unit.override) if unit.override is not None else None
    sent = unit.pending or unit.unanswered
    kept["pending"] = asdict(sent) if sent is not None else None
    kept["opened"] = [asdict(it) for it in unit.opened]
    kept["room"], kept["part"] = room, part
    return json.dumps(kept)


def read(text: str | None, now: int) -> Unit:
    """The unit as it was left; one that knows nothing when there is no memory or it cannot be read (logged)."""
    return read_all(text, now).unit


def read_all(text: str | None, now: int) -> Kept:
    """The unit and the device as they were left."""
    if text is None:
        return Kept(Unit(watching_since=now))
    try:
        kept = json.loads(text)
        override, pending = kept.get("override"), kept.get("pending")
        unit = replace(
            Unit(watching_since=now),
            **{key: kept[key] for key in _PLAIN if key in kept},
            known_at=int(kept.get("known_at", 0)),
            starts=tuple(kept["starts"]),
            override=Override(**override) if override else None,
            pending=Pending(**pending) if pending else None,
            opened=tuple(Open(**it) for it in kept.get("opened", ())),
        )
        part = kept.get("part")
        return Kept(unit, str(kept.get("room") or ""), part if isinstance(part, dict) else None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("purifier_state_read_failed error=%s", error)
        return Kept(Unit(watching_since=now))
