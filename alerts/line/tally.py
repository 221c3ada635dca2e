"""The month's count of LINE messages: LINE's own, which comes once an hour, and what was sent since. Pure values.

It never counts too little while nobody else sends: a message counts from before its first attempt until LINE has said
that it was not sent. LINE's number may lag, so where it is lower than ours, what was sent in the hour before counts on
top of it; after that it is believed (what went to somebody who has blocked the account is never counted by LINE).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final

from classair.timetable import local_time

LAG_MS: Final = 3_600_000
KEY_MS: Final = 86_400_000  # older keys that nobody answered for are in the count that LINE tells now, or never will be
_MINUTE_MS: Final = 60_000
_DAYS: Final = 8  # kept for the forecast


@dataclass(slots=True)
class Tally:
    """`limit`: None where the account has none. `known`: whether LINE has told it at all."""

    month: str = ""
    known: bool = False
    limit: int | None = None
    polled: int = 0
    polled_at: int = 0
    hidden: int = 0  # sent shortly before LINE's count, and not in it yet
    since: int = 0  # sent since
    own: int = 0  # of this month
    others: int = 0  # by somebody else from this account, as far as it was seen
    recent: dict[str, int] = field(default_factory=dict)  # minute → how many of ours, in the last hour
    pending: dict[str, int] = field(default_factory=dict)  # attempts of which nobody knows the end → when they began
    days: dict[str, int] = field(default_factory=dict)  # day → how much of the month was used at its end
    held: dict[str, int] = field(default_factory=dict)  # reason → how many were not sent this month

    def used(self) -> int:
        return self.polled + self.hidden + self.since + len(self.pending)

    def left(self) -> int | None:
        """None where there is no limit, or none is known."""
        return None if self.limit is None else max(0, self.limit - self.used())

    def at(self, now: int) -> None:
        """Lets the time pass: a new month begins with nothing used."""
        month = local_time(now).strftime("%Y-%m")
        if month != self.month:
            if self.month:
                self.polled = self.hidden = self.since = self.own = self.others = self.polled_at = 0
                self.held = {}
            self.month = month
        oldest = (now - LAG_MS) // _MINUTE_MS
        self.recent = {minute: count for minute, count in self.recent.items() if int(minute) >= oldest}

    def begun(self, key: str, now: int) -> None:
        self.pending.setdefault(key, now)

    def sent(self, key: str, now: int) -> None:
        self.pending.pop(key, None)
        self.since += 1
        self.own += 1
        minute = str(now // _MINUTE_MS)
        self.recent[minute] = self.recent.get(minute, 0) + 1
        self._day(now)

    def refused(self, key: str) -> None:
        self.pending.pop(key, None)

    def full(self) -> None:
        """LINE says that the month is used up, whatever we have counted."""
        if self.limit is not None:
            self.polled = max(self.polled, self.limit - self.hidden - self.since)

    def told(self, limit: int | None, consumption: int, own_before: int, now: int) -> None:
        """LINE's numbers. `own_before`: ours when it was asked; what was sent meanwhile may be in or not."""
        self.at(now)
        self.known, self.limit = True, limit
        self.pending = {key: at for key, at in self.pending.items() if at > now - KEY_MS}
        missing = own_before + self.others - consumption
        self.hidden = min(max(0, missing), sum(self.recent.values()))
        self.others = max(self.others, consumption - self.own - len(self.pending))
        self.polled, self.polled_at = consumption, now
        self.since = max(0, self.own - own_before)
        self._day(now)

    def per_day(self, now: int) -> float:
        """How many messages a day: of the last week, or of yesterday or today where smoke makes it more."""
        today = local_time(now).date()
        used = {day: self.days.get(day.isoformat()) for day in (today - timedelta(days=n) for n in range(_DAYS))}
        counts: list[int] = []
        for back in range(_DAYS - 1):
            day = today - timedelta(days=back)
            before = used.get(day - timedelta(days=1)) if day.day > 1 else 0
            end = used.get(day)
            counts.append(max(0, (end or 0) - (before or 0)) if end is not None else 0)
        return max(sum(counts) / len(counts), *counts[:2])

    def dumped(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    def _day(self, now: int) -> None:
        today = local_time(now).date()
        self.days[today.isoformat()] = self.used()
        oldest = (today - timedelta(days=_DAYS)).isoformat()
        self.days = {day: used for day, used in self.days.items() if day >= oldest}


def restored(text: str | None) -> Tally:
    """What was remembered; a new one where that is nothing, or damaged."""
    try:
        kept: Any = json.loads(text or "{}")
        made = Tally(**kept)
        made.used()
        made.at(made.polled_at)
        return made
    except (TypeError, ValueError, AttributeError):
        return Tally()
