"""Whether a message may be sent by LINE: the month's quota, which is LINE's word, and what goes first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, Protocol

from alerts.line.tally import restored
from classair.line.answers import LineError, MonthlyLimit, Quota
from classair.timetable import local_time

log = logging.getLogger(__name__)

Priority = Literal["low", "normal", "high"]
"""`low`: weekly reports and information; `normal`; `high`: urgent alerts and notices of tickets."""

LOW_UNTIL: Final = 0.20  # of the quota left; below it nothing of low priority goes out
NORMAL_UNTIL: Final = 0.10
POLL_MS: Final = 3_600_000
POLL_AGAIN_MS: Final = 300_000  # after LINE did not answer
_KEY: Final = "line.month"

Refusal = Literal["", "quota", "budget"]


class Meter(Protocol):
    """LINE's own numbers (classair.line.client.LineClient)."""

    def quota(self) -> Quota: ...

    def consumption(self) -> int: ...


class Memory(Protocol):
    """Where the count lies between restarts (alerts.channels.Office)."""

    def remember(self, key: str, value: str) -> None: ...

    def remembered(self, key: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Forecast:
    """`left`: None without a limit. `ends_on`: at the pace of the last days, within this month. `episode_days`: for how
    many days everybody can be told once a day, as in a smoke episode; None where that is longer than the month.
    """

    known: bool
    limit: int | None
    used: int
    left: int | None
    ends_on: date | None = None
    episode_days: int | None = None
    held: int = 0  # not sent this month, to keep the rest for what is urgent
    asked_at: int = 0
    error: str = ""


class Budget:
    """One for all people. Thread-safe; LINE is asked with no lock held."""

    def __init__(self, meter: Callable[[], Meter], memory: Memory, clock: Callable[[], int]) -> None:
        self._meter, self._memory, self._clock = meter, memory, clock
        self._tally = restored(memory.remembered(_KEY))
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._due_at = 0  # at once after a start: what was sent by others, or lost by us, is in LINE's number
        self._error = ""

    def take(self, key: str, priority: Priority) -> Refusal:
        """Reserves one message, before its first attempt and at each further one. Why not, or ""."""
        self.refresh()
        now = self._clock()
        with self._lock:
            tally = self._tally
            tally.at(now)
            if key in tally.pending:
                return ""
            refusal = _refusal(tally.limit, tally.left(), priority)
            if refusal:
                tally.held[refusal] = tally.held.get(refusal, 0) + 1
            else:
                tally.begun(key, now)
            self._keep()
        return refusal

    def sent(self, key: str) -> None:
        """LINE has taken it, now or at an earlier attempt."""
        with self._lock:
            self._tally.sent(key, self._clock())
            self._keep()

    def not_sent(self, key: str, error: LineError) -> None:
        """LINE said that it has not sent it. (Where it said nothing, the message goes on counting.)"""
        with self._lock:
            self._tally.refused(key)
            if isinstance(error, MonthlyLimit):
                self._tally.full()
            self._keep()

    def refresh(self) -> None:
        """Asks LINE when an hour has passed, the month is new, or it is the first time."""
        now = self._clock()
        with self._lock:
            month = self._tally.month
            self._tally.at(now)
            if self._tally.month != month:
                self._due_at = 0
            due = now >= self._due_at or now < self._due_at - POLL_MS  # a clock that was put back
        if not due or not self._asking.acquire(blocking=False):
            return
        try:
            self._ask(now)
        finally:
            self._asking.release()

    def refresh_apart(self) -> None:
        """The same on a thread of its own, for a loop that must not wait for LINE."""
        if self._clock() >= self._due_at and not self._asking.locked():
            threading.Thread(target=self.refresh, name="line-quota", daemon=True).start()

    def forecast(self, people: int) -> Forecast:
        """`people`: how many are reached by LINE."""
        now = self._clock()
        with self._lock:
            tally = self._tally
            tally.at(now)
            left, per_day = tally.left(), tally.per_day(now)
            made = Forecast(
                tally.known,
                tally.limit,
                tally.used(),
                left,
                held=sum(tally.held.values()),
                asked_at=tally.polled_at,
                error=self._error,
            )
        if left is None:
            return made
        today = local_time(now).date()
        days_to_come = (_next_month(today) - today).days
        ends_on = today + timedelta(days=int(left / per_day)) if per_day and left / per_day < days_to_come else None
        lasts = left // people if people else days_to_come
        return Forecast(
            made.known,
            made.limit,
            made.used,
            left,
            ends_on,
            lasts if lasts < days_to_come else None,
            made.held,
            made.asked_at,
            made.error,
        )

    # -- inside --------------------------------------------------------------------------------------------------------

    def _ask(self, now: int) -> None:
        with self._lock:
            own_before = self._tally.own
        try:
            meter = self._meter()
            limit, consumption = meter.quota().limit, meter.consumption()
        except LineError as error:
            with self._lock:
                self._due_at = now + POLL_AGAIN_MS
                self._error = str(error)
            log.warning("line_quota_unread status=%d action=count_on", error.status)
            return
        with self._lock:
            self._due_at = now + POLL_MS
            self._error = ""
            self._tally.told(limit, consumption, own_before, now)
            self._keep()
        log.info("line_quota_read limit=%s used=%d", limit, consumption)

    def _keep(self) -> None:
        self._memory.remember(_KEY, self._tally.dumped())


def _refusal(limit: int | None, left: int | None, priority: Priority) -> Refusal:
    if limit is None or left is None:
        return ""
    if left <= 0:
        return "quota"
    if priority == "low" and left < LOW_UNTIL * limit:
        return "budget"
    if priority == "normal" and left < NORMAL_UNTIL * limit:
        return "budget"
    return ""


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
