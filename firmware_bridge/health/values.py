"""Which values of a sensor come, quantity by quantity, and which do not that it has given before. Pure.

A sensor is well when values come, not when bytes do. What it has given in the last days it has, whatever a single
message carries, and also after a restart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from classair.model import BAD, Flag
from classair.units import DAY_MS
from firmware_bridge.averaging import Mean
from firmware_bridge.health.missing import LONGEST_MS, MissingReadings
from firmware_bridge.serial.port_state import PortState

PATIENCE_INTERVALS: Final = 3
PATIENCE_AT_LEAST_S: Final = 60.0
FORGOTTEN_DAYS: Final = 7
"""A quantity that has not come for so long was taken out."""

WATCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "pm25": ("pm25", "pm25_cf1", "pm25_stream"),  # the first of these that it has
    "co2_ppm": ("co2_ppm",),
    "temp_c": ("temp_c",),
    "rh_pct": ("rh_pct",),
}
NEEDED: Final = ("pm25", "co2_ppm")
"""Without these a room cannot be judged; without the others it can."""

OF_ITSELF: Final = frozenset(("version", "error", "meter_status", "state", "internal_temp_c"))
"""What a sensor says of itself and not of the air."""


@dataclass(frozen=True, slots=True)
class Newest:
    """`at_s`: when it was measured, elapsed seconds."""

    value: float
    at_s: float


class NewestValues:
    """Of one sensor. `has`: the day (UTC, since 1970) on which it last gave each quantity."""

    def __init__(self, has: Mapping[str, int] | None = None) -> None:
        self.has = dict(has or {})
        self._newest: dict[str, Newest] = {}
        self._aside: dict[str, tuple[Flag, float]] = {}
        self._new: set[str] = set()

    def take(self, mean: Mean) -> None:
        """A reading."""
        for key, value in mean.values.items():
            flags = mean.flags | mean.value_flags.get(key, Flag.NONE)
            if flags & BAD:
                self._aside[key] = flags & BAD, mean.end_s
            elif key not in self._newest or self._newest[key].at_s <= mean.end_s:
                self._newest[key] = Newest(value, mean.end_s)
                self._new.add(key)

    def know(self, at_ms: int) -> None:
        """What time it is, as soon as that is known: what came is had today, what has not come for days is not."""
        today = at_ms // DAY_MS
        if today:
            self.has.update(dict.fromkeys(self._new, today))
            self._new.clear()
            self.has = {key: day for key, day in self.has.items() if day > today - FORGOTTEN_DAYS}

    @property
    def watched(self) -> dict[str, str]:
        """Name in WATCHED → the quantity of this sensor that is meant."""
        known = self.has.keys() | self._new
        found = {name: next((key for key in keys if key in known), "") for name, keys in WATCHED.items()}
        return {name: key for name, key in found.items() if key}

    def fresh(self, now_s: float, patience_s: float) -> dict[str, Newest]:
        """The newest value of each quantity, as far as it is no older than `patience_s`."""
        return {key: newest for key, newest in self._newest.items() if now_s - newest.at_s <= patience_s}

    def lacking(self, now_s: float, since_s: float, patience_s: float) -> PortState | None:
        """What a line lacks that has been well since `since_s`; None when every value it should give is there."""
        if now_s - since_s <= patience_s:
            return None
        fresh = self.fresh(now_s, patience_s).keys() - OF_ITSELF
        if not fresh:
            aside = [flags for flags, at_s in self._aside.values() if now_s - at_s <= patience_s]
            return _set_aside(aside) if aside else PortState("silent", "no_value")
        for name, key in self.watched.items():
            if key in fresh:
                continue
            state = "error" if name in NEEDED else "ok"
            flags, at_s = self._aside.get(key, (Flag.NONE, 0.0))
            if flags and now_s - at_s <= patience_s:
                return PortState(state, f"aside_{name}")
            return PortState(state, f"no_{name}")
        return None


def _set_aside(aside: Sequence[Flag]) -> PortState:
    """What is to be told of a sensor of which all values are set aside."""
    if all(flags & Flag.WARMUP for flags in aside):
        return PortState("starting", "warming_up")
    return PortState("error", "values_clock" if all(flags & Flag.CLOCK for flags in aside) else "values_aside")


@dataclass(slots=True)
class _Spell:
    """Readings without a quantity: up to where it was there or has been told of, and what came since."""

    since_ms: int
    last_ms: int
    count: int = 0
    told: bool = False


class AbsentSpells:
    """Lines of the gap ledger for readings that came without a quantity, of one sensor; in ms of elapsed()."""

    def __init__(self) -> None:
        self._spells: dict[str, _Spell] = {}

    def reading(
        self, at_ms: int, every_ms: int, watched: Mapping[str, str], present: Collection[str], patience_ms: int
    ) -> list[MissingReadings]:
        """Takes a reading that ends at `at_ms`. Without a quantity for less than `patience_ms` is ordinary: many
        devices say each in a message of its own.
        """
        found: list[MissingReadings] = []
        for name, key in watched.items():
            spell = self._spells.setdefault(name, _Spell(at_ms - every_ms, at_ms - every_ms))
            if at_ms <= spell.last_ms:
                continue  # measured earlier and sent later
            if key in present:
                found += self._told(name, spell, patience_ms)
                self._spells[name] = _Spell(at_ms, at_ms)
                continue
            spell.last_ms = at_ms
            spell.count += 1
            if at_ms - spell.since_ms >= LONGEST_MS:
                found += self._told(name, spell, patience_ms)
        return found

    def close(self, patience_ms: int) -> list[MissingReadings]:
        """The bridge or the sensor's entry ends."""
        return [line for name, spell in self._spells.items() for line in self._told(name, spell, patience_ms)]

    def _told(self, name: str, spell: _Spell, patience_ms: int) -> list[MissingReadings]:
        length = spell.last_ms - spell.since_ms
        if not spell.count or not (spell.told or length > patience_ms):
            return []
        line = MissingReadings(spell.last_ms, length, spell.count, f"no_{name}")
        spell.since_ms, spell.count, spell.told = spell.last_ms, 0, True
        return [line]
