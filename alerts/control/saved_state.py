"""What of a purifier's control outlives the process, as JSON in the ledger."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from typing import Any, Final

from alerts.control.unit import Override, Pending, Unit

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
)


def written(unit: Unit) -> str:
    kept: dict[str, Any] = {key: getattr(unit, key) for key in _PLAIN}
    kept["starts"] = unit.starts
    kept["override"] = asdict(unit.override) if unit.override is not None else None
    sent = unit.pending or unit.unanswered
    kept["pending"] = asdict(sent) if sent is not None else None
    return json.dumps(kept)


def read(text: str | None, now: int) -> Unit:
    """The unit as it was left; one that knows nothing when there is no memory or it cannot be read (logged)."""
    if text is None:
        return Unit(watching_since=now)
    try:
        kept = json.loads(text)
        override, pending = kept.get("override"), kept.get("pending")
        return replace(
            Unit(watching_since=now),
            **{key: kept[key] for key in _PLAIN if key in kept},
            starts=tuple(kept["starts"]),
            override=Override(**override) if override else None,
            pending=Pending(**pending) if pending else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("purifier_state_read_failed error=%s", error)
        return Unit(watching_since=now)
