"""One purifier on the board: its device, its part of sensors.yaml, what is known of it and what was said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from alerts.control import saved_state, speeds
from alerts.control.losses import ORDINARY_M3
from alerts.control.machine import TRIES
from alerts.control.occupancy import Occupancy
from alerts.control.overrides import end_of, is_fresh
from alerts.control.unit import FAULTS, Limits, Unit, What
from alerts.purifiers import AsksItself, Purifier, Said, Traits
from alerts.rules.facts import PurifierMatter
from classair import config
from classair.config import Config, PurifierRule
from classair.control.signal import Signal
from classair.science.purifying import DEVICE
from classair.wire import PurifierState

UNTOLD: Final = -1
_SECRET: Final = re.compile(r"pass|secret|token|key", re.IGNORECASE)  # such settings are not written down


@dataclass(slots=True)
class Managed:
    room: str
    device: Purifier
    part: config.Purifier
    limits: Limits
    unit: Unit
    signal: Signal = field(default_factory=Signal)
    published: PurifierState | None = None
    kept: str = ""
    unread: str = ""
    volume_m3: float = ORDINARY_M3
    loudest_dba: float = 45.0
    held: speeds.Held | None = None
    told_until: int | None = UNTOLD  # the end of the block that its own rule has been told
    trial_until: int = 0  # somebody tries it out by hand until then: it is left alone
    asks_itself: bool = field(init=False)

    def __post_init__(self) -> None:
        self.asks_itself = isinstance(self.device, AsksItself)

    def heard(self) -> list[Said]:
        """What a device has said that is not heard over the broker."""
        return self.device.heard() if self.asks_itself and isinstance(self.device, AsksItself) else []

    def memory(self) -> str:
        """What outlives the process."""
        return saved_state.written(self.unit, self.room, as_kept(self.part))

    def open_matters(self, name: str) -> set[tuple[str, str, str]]:
        """(what, subject, detail) of what people have been told and that is not over; blind is the room, not `name`."""
        return {(it.what, self.room if it.what == "blind" else name, it.detail) for it in self.unit.opened}

    def matters(self, name: str) -> list[PurifierMatter]:
        """The same, as rules look at it."""
        wanted = self.unit.fault_wanted
        return [
            PurifierMatter(
                name,
                self.room,
                it.what,
                it.since,
                it.detail,
                wanted is not False,
                TRIES if it.what == "not_obeying" and wanted is not None else 0,
            )
            for it in self.unit.opened
        ]

    def follow(self, config: Config) -> None:
        """Its room and the school's rule, as its speed depends on them."""
        volume = config.room(self.room).volume_m3 if config.has_room(self.room) else None
        self.volume_m3 = volume or ORDINARY_M3
        self.loudest_dba = config.purifier_rule().loudest_dba

    def at_full(self) -> bool | None:
        """Whether it runs at full speed: False when it is off, None when it runs slower, or nobody knows."""
        full = self.limits.full_speed
        if self.unit.on is not True:
            return self.unit.on
        return True if full is None or self.unit.speed is None or self.unit.speed >= full else None

    def speed(self, occupancy: Occupancy, now: int) -> int | None:
        """The speed that it is to run at, None to leave it: where it has none, or where a person switched it on."""
        if self.limits.full_speed is None or self.unit.override is not None:
            return None
        if occupancy.kind == "empty":
            # Nobody is there: where it runs at all the school wants it low then, but for cleaning.
            self.held = None
            return self.limits.full_speed if occupancy.pre_clean else 0 if self.limits.low_when_empty else None
        level = self.signal.median if is_fresh(self.signal, now) else None
        air = speeds.Room(level, now, occupancy.off_loss, self.volume_m3, occupancy.lesson, self.loudest_dba)
        self.held = speeds.choose(self.part.speeds, self.held if self.unit.on else None, air)
        return None if self.held is None else self.held.index

    def runs_without_us(self, occupancy: Occupancy) -> int | None:
        """Until when its own rule, for when the broker is gone, may switch it on; None when it may not."""
        off = self.unit.override is not None and not self.unit.override.on
        return occupancy.until if occupancy.children and self.limits.when_blind and not off else None

    def state(self, name: str, now: int) -> PurifierState:
        """What screens are told."""
        unit, override = self.unit, self.unit.override
        mode = "person" if override is not None else "unknown" if unit.on is None else unit.mode
        speeds = self.part.speeds
        return PurifierState(
            purifier=name,
            room=self.room,
            on=unit.on,
            since=unit.since or unit.watching_since,
            at=now,
            mode=mode,
            reason=unit.reason,
            confirmed=unit.on is not None and unit.pending is None,
            expires_at=unit.expires_at,
            override_until=override_end(unit, self.limits),
            override_on=override.on if override is not None else None,
            override_by=override.who if override is not None else "",
            # What it drew before it was last switched says nothing of now.
            watts=None if unit.watts is None or unit.watts_at < unit.since else round(unit.watts, 1),
            speed=speeds[unit.speed].name if unit.speed is not None and 0 <= unit.speed < len(speeds) else "",
            faults=[_word(it.what, it.detail) for it in unit.opened if it.what in FAULTS],
            simulated=self.part.simulated,
        )


@dataclass(frozen=True, slots=True)
class Matter:
    """Something a person is told of a purifier, or that it is `over`. `once`: nobody will know when it is over."""

    purifier: str
    room: str
    what: What
    over: bool
    detail: str = ""
    wanted: bool = True
    tries: int = 0
    once: bool = False


def override_end(unit: Unit, limits: Limits) -> int | None:
    return end_of(unit.override, limits) if unit.override is not None else None


def limits_of(rule: PurifierRule, part: config.Purifier, traits: Traits, off_long_s: float) -> Limits:
    """The school's numbers, and what the device can do."""
    return Limits(
        on_for_ms=_ms(rule.on_for),
        off_for_ms=_ms(rule.off_for),
        min_on_ms=_ms(rule.min_on),
        min_off_ms=_ms(rule.min_off),
        max_starts=rule.max_starts_per_hour,
        when_blind=part.when_blind,
        off_below=rule.off_below,
        fast_for_ms=_ms(rule.fast_for),
        person_off_ms=_ms(rule.person_off),
        off_at_most_ms=_ms(rule.off_at_most),
        off_in_heavy_dust_ms=_ms(min(rule.off_in_heavy_dust, rule.off_at_most)),
        off_long_ms=_ms(off_long_s),
        low_when_empty=part.when_empty == "low" and traits.speeds and bool(part.speeds),
        full_speed=len(part.speeds) - 1 if traits.speeds and part.speeds else None,
        expires=traits.expires,
        longest_ms=traits.longest_s * 1000,
        reports=traits.reports,
        asked=traits.asked,
        names_people=traits.names_people,
        meters=traits.meters,
        idle_watts=part.idle_watts,
    )


def same_device(one: config.Purifier, other: config.Purifier) -> bool:
    """Whether both parts of sensors.yaml speak of the same thing on the wall."""
    return (one.kind, one.settings, one.url, one.port) == (other.kind, other.settings, other.url, other.port)


def as_kept(part: config.Purifier) -> dict[str, Any]:
    """What of a part is needed to reach its device once more when it has left the configuration."""
    kept = {"room": part.room, "kind": part.kind, "cadr_m3h": part.cadr_m3h, "url": part.url, "port": part.port}
    return kept | {key: value for key, value in part.settings.items() if not _SECRET.search(key)}


def _word(what: What, detail: str) -> str:
    return f"{DEVICE}{detail}" if what == "device" else what


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
