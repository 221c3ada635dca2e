"""What became of the processes under a supervisor: which one died or hung, when, and since when it works again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

MOST: Final = 50
SUPERVISOR: Final = "supervisor"  # it is told of the run before, which did not end as it should

What = Literal["died", "hung"]


class Incidents:
    """The newest ones, oldest first. What an earlier run left in its file is kept."""

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known, unfinished = _left(file) if file is not None else ([], False)
        if unfinished:
            self.began(SUPERVISOR, "died")

    def began(self, service: str, what: What) -> None:
        self._known.append({"service": service, "what": what, "at": self._now(), "over_at": None})
        del self._known[:-MOST]

    def over(self, service: str) -> None:
        """It works again."""
        for incident in self._known:
            if incident["service"] == service and incident["over_at"] is None:
                incident["over_at"] = self._now()

    def records(self) -> list[dict[str, Any]]:
        """As in the supervisor's file: `service`, `what`, `at` and `over_at` (UTC ms, None while it lasts)."""
        return [dict(incident) for incident in self._known]

    def _now(self) -> int:
        return round(self._clock() * 1000)


def _left(file: Path) -> tuple[list[dict[str, Any]], bool]:
    """What an earlier run wrote down, and whether it was ended without stopping what it had started."""
    try:
        written = json.loads(file.read_bytes())
        incidents = [
            {"service": str(it["service"]), "what": str(it["what"]), "at": int(it["at"]), "over_at": it["over_at"]}
            for it in written.get("incidents", [])
        ][-MOST:]
        return incidents, any(it.get("alive") for it in written.get("services", []))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return [], False
