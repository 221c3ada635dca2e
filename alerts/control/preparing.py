"""Rooms made ready for children: what each room's own runs have taught, when it is cleaned before they come, and
whether an OFF while they are there would last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from alerts.control.losses import ORDINARY_M3, Losses, LossFollower, read, written
from alerts.control.occupancy import Occupancy
from alerts.control.precleaning import LONGEST, Plan, lead
from alerts.ledger import Ledger
from classair.config import Config, PurifierRule
from classair.control.signal import Signal
from classair.units import MINUTE_MS


@dataclass(slots=True)
class _Room:
    volume_m3: float
    cadr_m3h: float
    follower: LossFollower
    plan: Plan = field(default_factory=Plan)
    rule: PurifierRule = field(default_factory=lambda: PurifierRule(kind="purifier"))
    losses: Losses | None = None

    def known(self) -> Losses:
        if self.losses is None:
            self.losses = self.follower.losses(self.volume_m3, self.cadr_m3h)
        return self.losses


class Preparing:
    """Every room with a purifier. Not thread-safe: called from the one loop of alerts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept = ledger.losses()
        self._rooms: dict[str, _Room] = {}

    def follow(self, config: Config) -> None:
        """Rooms as configured; what was learned of one stays while its purifiers do."""
        cadr: dict[str, float] = {}
        for name, part in config.purifiers():
            room = f"{name.partition('.')[0]}.{part.room}"
            cadr[room] = cadr.get(room, 0.0) + part.cadr_m3h
        fresh: dict[str, _Room] = {}
        for name, cadr_m3h in cadr.items():
            volume = config.room(name).volume_m3 or ORDINARY_M3 if config.has_room(name) else ORDINARY_M3
            old = self._rooms.get(name)
            if old is not None and (old.volume_m3, old.cadr_m3h) == (volume, cadr_m3h):
                fresh[name] = old
            elif old is not None:
                fresh[name] = _Room(volume, cadr_m3h, LossFollower())  # other purifiers: what was learned is not theirs
            else:
                fresh[name] = _Room(volume, cadr_m3h, read(self._kept.pop(name, None)))
        self._rooms = fresh
        for name, known in fresh.items():
            known.rule = config.purifier_rule(name)

    def knows(self, room: str) -> bool:
        return room in self._rooms

    def learn(self, room: str, signal: Signal, running: Iterable[bool | None], empty: bool) -> None:
        """The room's signal of now. `running`: of each purifier, True at full speed, False off, None between."""
        known = self._rooms.get(room)
        if known is None or signal.median is None or signal.newest_at is None:
            return
        at = list(running)
        full, off = bool(at) and all(it is True for it in at), all(it is False for it in at)
        if known.follower.add(signal.newest_at, signal.median, full=full, off=off, empty=empty):
            known.losses = None
            self._ledger.write(
                "insert or replace into room_losses values(?,?,?)", room, signal.newest_at, written(known.follower)
            )

    def occupancy(
        self, room: str, plain: Occupancy, level: float | None, outdoor: float | None, lesson: bool, now: int
    ) -> Occupancy:
        """Who is there, with what is to be done for who comes. `level`, `outdoor`: fresh signals, None if not known."""
        known = self._rooms.get(room)
        if known is None:
            return plain
        if plain.kind == "empty":
            return self._before(known, plain, level, outdoor, now)
        known.plan = Plan()
        stays = plain.children and self._stays(known, level, outdoor)
        return replace(plain, stay_on=stays, lesson=lesson, off_loss=known.known().off)

    def _stays(self, known: _Room, level: float | None, outdoor: float | None) -> bool:
        return known.rule.stay_on and would_return(level, outdoor, known.known(), known.rule)

    def _before(
        self, known: _Room, plain: Occupancy, level: float | None, outdoor: float | None, now: int
    ) -> Occupancy:
        start = plain.next_start
        if not known.rule.pre_clean or start is None or start - now > LONGEST * MINUTE_MS:
            known.plan = Plan()
            return plain
        known.plan = known.plan.after(now, start, lead(level, known.rule.off_below, known.known(), outdoor))
        if not known.plan.running:
            return plain
        stays = self._stays(known, level, outdoor)
        return replace(plain, pre_clean=True, stay_on=stays, off_loss=known.known().off)


def would_return(level: float | None, outdoor: float | None, losses: Losses, rule: PurifierRule) -> bool:
    """Whether a room with children in it would not stay clean without its purifier.

    Outdoors dirtier than what an OFF asks of the room makes it so. Without a value from outdoors, what the room's own
    runs have taught: its level without purifier is that with it over Λoff/Λon.
    """
    if outdoor is not None:
        return outdoor > rule.off_below
    return level is not None and losses.measured and level / losses.share_left > rule.on_above
