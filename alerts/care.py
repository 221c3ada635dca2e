"""Run hours, filter, energy and cost of purifiers: counted from the states as told, kept in the ledger by local day."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, Final
from zlib import crc32

from alerts.control import usage
from alerts.control.switchboard import Say
from alerts.control.usage import DAYS, NAMES, Day, Working
from alerts.ledger import Ledger
from classair.config import Config, Purifier
from classair.config.purifiers import FilterSettings
from classair.control.signal import Signal
from classair.timetable import day_start_ms, local_time
from classair.wire import PurifierCare, PurifierState, Topics

EVERY_MS: Final = 10_000  # how finely the room's dust is followed
KEPT_EVERY_MS: Final = 60_000  # what a killed process loses at most
TOLD_EVERY_MS: Final = 300_000
FIRST_S: Final = 3_600  # in its first hour each minute, so that whoever sets it up sees it count
UNSEEN_MS: Final = 30_000  # a longer pause of ours is time of which nothing is known
DUST_MS: Final = 180_000  # an older value is not the room's
EARLIEST_MS: Final = 1_704_067_200_000  # 2024: a clock before it has not been set


@dataclass(slots=True)
class Counted:
    """One purifier. `seen_ms`: up to when it is counted; `was`: what it was when its state was last known.

    `new`: what is counted and not yet in the ledger, which adds it to its rows: a clock that goes back harms no day.
    `phase_ms`: so that a town's purifiers are not all kept and told in the same second.
    """

    unit: Purifier
    days: dict[date, Day]
    ever: Day
    of_filter: Day
    began: date | None
    doing: Working | None = None
    key: tuple[object, ...] = ()
    seen_ms: int = 0
    was: bool | None = None
    new: dict[date, Day] = field(default_factory=dict)
    phase_ms: int = 0
    kept_ms: int = 0
    told_ms: int = 0
    told: PurifierCare | None = None


class Care:
    """All purifiers. Not thread-safe: called from the loop of alerts only."""

    def __init__(self, ledger: Ledger, say: Say) -> None:
        self._ledger, self._say = ledger, say
        self._counted: dict[str, Counted] = {}
        self._price: float | None = None
        self._topics: Topics | None = None

    def follow(self, config: Config) -> None:
        """Purifiers as configured; what was counted of one that stays goes on."""
        self._topics, self._price = Topics(config.org), config.price_per_kwh
        wanted = dict(config.purifiers())
        for name in self._counted.keys() - wanted.keys():
            self._keep(name, self._counted.pop(name))
        anew = {
            name: unit
            for name, unit in wanted.items()
            if name not in self._counted or self._counted[name].unit.filter.since != unit.filter.since
        }
        for name in anew.keys() & self._counted.keys():
            self._keep(name, self._counted[name])
        if anew.keys() & self._counted.keys():
            self._ledger.sync(2)
        known = counted_in(self._ledger.usage(), anew) if anew else {}
        for name, unit in wanted.items():
            if name in anew:
                old = self._counted.get(name)
                self._counted[name] = counted = known.get(name) or Counted(unit, {}, Day(), Day(), None)
                if old is not None:
                    counted.doing, counted.seen_ms, counted.was = old.doing, old.seen_ms, old.was
            self._counted[name].unit = unit
            self._counted[name].phase_ms = crc32(name.encode()) % TOLD_EVERY_MS
            self._counted[name].told_ms = 0

    def topics(self) -> set[str]:
        """Where something of ours is retained."""
        return {self._topic(name) for name in self._counted}

    def saw(self, state: PurifierState, signal: Signal, now: int) -> None:
        """What a purifier is at this moment; called each second while there is a connection."""
        counted = self._counted.get(state.purifier)
        if counted is None or now < EARLIEST_MS:
            return
        before = counted.doing
        dust = signal.median if signal.newest_at is not None and abs(now - signal.newest_at) <= DUST_MS else None
        key = (state.on, state.watts, state.speed)
        phase = counted.phase_ms
        if key == counted.key and not _due(counted.seen_ms, now, EVERY_MS, phase):
            return
        if before is not None and 0 < now - counted.seen_ms <= UNSEEN_MS:
            self._count(counted, before, counted.seen_ms, now)
        counted.key, counted.seen_ms = key, now
        counted.doing = usage.working(state, counted.unit, dust)
        if state.on is not None:
            if state.on and counted.was is False:
                self._add(counted, local_time(now).date(), Day(starts=1))
            counted.was = state.on
        if _due(counted.kept_ms, now, KEPT_EVERY_MS, phase):
            counted.kept_ms = now
            self._keep(state.purifier, counted)
        often = KEPT_EVERY_MS if counted.ever.known_s < FIRST_S else TOLD_EVERY_MS
        if _due(counted.told_ms, now, often, phase):
            counted.told_ms = now
            self._tell(state.purifier, counted, now)

    def reconnected(self) -> None:
        """The broker may have lost what was retained."""
        for counted in self._counted.values():
            counted.told, counted.told_ms = None, 0

    def clock_stepped(self) -> None:
        """Between the last look and this one nobody knows how long it was."""
        for counted in self._counted.values():
            counted.doing, counted.key, counted.seen_ms, counted.kept_ms, counted.told_ms = None, (), 0, 0, 0

    def close(self) -> None:
        """Keeps what is counted."""
        for name, counted in self._counted.items():
            self._keep(name, counted)

    def of(self, name: str, now: int) -> PurifierCare:
        """What is known of one purifier's use. Raises KeyError."""
        return told(name, self._counted[name], self._price, now)

    def known(self, name: str, now: int) -> PurifierCare | None:
        """The same; None for a purifier that is not counted."""
        return self.of(name, now) if name in self._counted else None

    # -- inside --------------------------------------------------------------------------------------------------------

    def _count(self, counted: Counted, doing: Working, start_ms: int, end_ms: int) -> None:
        for day, seconds in usage.by_day(start_ms, end_ms):
            self._add(counted, day, usage.spent(doing, seconds))

    def _add(self, counted: Counted, day: date, more: Day) -> None:
        if more == Day():
            return
        if day not in counted.days:
            oldest = day - timedelta(days=DAYS + 1)
            counted.days = {known: total for known, total in counted.days.items() if known > oldest}
        counted.days.setdefault(day, Day()).add(more)
        counted.ever.add(more)
        since = counted.unit.filter.since
        if since is None or day >= since:
            counted.of_filter.add(more)
        counted.began = day if counted.began is None else min(day, counted.began)
        counted.new.setdefault(day, Day()).add(more)

    def _keep(self, name: str, counted: Counted) -> None:
        rows = [(name, day.isoformat(), *astuple(more)) for day, more in sorted(counted.new.items())]
        counted.new.clear()
        if rows:
            self._ledger.put(partial(_write, rows))

    def _tell(self, name: str, counted: Counted, now: int) -> None:
        care, old = told(name, counted, self._price, now), counted.told
        if old is not None and care == old.model_copy(update={"at": now}):
            return
        if self._say(self._topic(name), care.model_dump_json(), retain=True):
            counted.told = care

    def _topic(self, name: str) -> str:
        assert self._topics is not None
        site, _, purifier = name.partition(".")
        return self._topics.purifier_care(site, purifier)


def counted_in(rows: Iterable[Sequence[Any]], units: Mapping[str, Purifier]) -> dict[str, Counted]:
    """What the ledger has counted of these purifiers; `rows` as the ledger gives its usage."""
    found: dict[str, Counted] = {}
    for name, text, *numbers in rows:
        unit = units.get(name)
        if unit is None:
            continue
        day, total = date.fromisoformat(text), Day(*numbers)
        counted = found.setdefault(name, Counted(unit, {}, Day(), Day(), None))
        counted.ever.add(total)
        if unit.filter.since is None or day >= unit.filter.since:
            counted.of_filter.add(total)
        counted.days[day] = total
        counted.began = day if counted.began is None else min(day, counted.began)
    for counted in found.values():
        oldest = max(counted.days) - timedelta(days=DAYS + 1)
        counted.days = {day: total for day, total in counted.days.items() if day > oldest}
    return found


def told(name: str, counted: Counted, price: float | None, now: int) -> PurifierCare:
    """What people are told of a purifier's use."""
    today = local_time(now).date()
    filter_: FilterSettings = counted.unit.filter
    ever, of_filter, last = counted.ever, counted.of_filter, usage.recent(counted.days, today)
    began = counted.began or today
    found = usage.figures(ever, of_filter, last, filter_, price, began, today)
    passed_s = max(1, (now - day_start_ms(began)) / 1000)
    return PurifierCare(
        purifier=name,
        at=now,
        since=began,
        hours_on=round(ever.on_s / 3600, 1),
        known=round(min(1.0, ever.known_s / passed_s), 3),
        starts=ever.starts,
        energy_kwh=_rounded(ever.kwh, 2) if found.energy_by else None,
        energy_by=found.energy_by,
        cost=_rounded(found.cost, 2),
        filter_since=filter_.since or began,
        filter_hours=round(of_filter.on_s / 3600, 1),
        filter_dust_mg=round(of_filter.dust_mg, 1),
        filter_used=_rounded(found.used, 3),
        filter_at_least=found.left_out,
        filter_due=found.due,
        filter_due_by=found.due_by,
        yearly_electricity=_rounded(found.yearly_electricity, 0),
        yearly_filters=_rounded(found.yearly_filters, 0),
    )


def _due(last: int, now: int, every: int, phase: int) -> bool:
    """Whether a moment that comes each `every` ms has passed since; also after a clock that went anywhere."""
    return not 0 <= now - last < every or (now + phase) // every != (last + phase) // every


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _write(rows: list[tuple[object, ...]], connection: sqlite3.Connection) -> None:
    places = ",".join("?" * (2 + len(NAMES)))
    sums = ",".join(f"{name}={name}+excluded.{name}" for name in NAMES)
    connection.executemany(
        f"insert into purifier_usage values({places}) on conflict(purifier, day) do update set {sums}", rows
    )
