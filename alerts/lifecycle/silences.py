"""Pure: silences, the times in which a person wants nobody told of some alerts, such as during maintenance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from alerts.lifecycle.model import Alert

LONGEST_MS: Final = 30 * 86_400_000
AHEAD_MS: Final = 120_000  # a silence made further ahead than this was made by a wrong clock


@dataclass(frozen=True, slots=True)
class Silence:
    """From `at` to `until`, of what matches all of its words that are not empty. Rooms and subjects by full id."""

    id: str
    at: int
    until: int
    site: str = ""
    room: str = ""
    subject: str = ""
    rule: str = ""
    who: str = ""
    why: str = ""
    ended_at: int | None = None
    ended_by: str = ""

    def matches(self, alert: Alert) -> bool:
        return (
            self.site in ("", alert.site)
            and self.room in ("", alert.room)
            and self.subject in ("", alert.key.subject)
            and self.rule in ("", alert.key.rule)
        )

    def is_over(self, now: int) -> bool:
        return self.ended_at is not None or now >= self.until


def is_silenced(alert: Alert, silences: Iterable[Silence]) -> bool:
    return any(silence.matches(alert) for silence in silences)


def by_this_clock(silence: Silence, now: int) -> Silence:
    """A silence that a clock of the future has made lasts as long as it was to last, from now on."""
    if silence.at <= now + AHEAD_MS:
        return silence
    return replace(silence, at=now, until=now + min(LONGEST_MS, silence.until - silence.at))
