"""Which speed a purifier with several runs at: the lowest that holds the target, quiet in lessons, full in heavy dust.

Pure. Whether a speed holds the target follows from what the present one does: in the well-mixed room the steady level
is inflow/Λ, so the level at speed j would be C·Λ(now)/Λ(j), with Λ(j) = Λoff + CADR(j)/V. A slower speed is taken
only when the target holds by that reckoning, so that it does not have to be left again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

FULL_ABOVE: Final = 37.5  # µg/m³, above which dust is worse than noise (Thai 24-hour limit)
UP_MS: Final = 180_000  # so long the target must be missed before a faster speed
DOWN_MS: Final = 600_000  # and so long a slower one must do before it is taken
CALM_MS: Final = 600_000  # so long dust must be no longer heavy before a lesson gets its quiet back
REST_MS: Final = 1_200_000  # at one speed before a slower one: the level has to settle (1/Λ is 10 to 30 min)
MARGIN: Final = 0.9  # a slower speed must hold this share of the target, for the noise of the signal


TARGET: Final = 9.0  # µg/m³, what a speed is chosen to hold; below `off_below`, so that clean air can end a run


class Speed(Protocol):
    """One of a purifier's speeds, the slowest first (classair.config.purifiers.Speed)."""

    @property
    def cadr_m3h(self) -> float: ...
    @property
    def dba(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Held:
    """The speed asked for, and since when each reason to leave it has lasted (event time, UTC ms)."""

    index: int
    since: int
    missed_since: int | None = None
    eased_since: int | None = None
    calm_since: int | None = None  # since when the speed of lessons would do, while it runs louder


@dataclass(frozen=True, slots=True)
class Room:
    """What the choice depends on besides the purifier. `level`: the signal (None: not known) of the moment `at`."""

    level: float | None
    at: int
    off_loss: float  # 1/h, without the purifier
    volume_m3: float
    lesson: bool
    loudest_dba: float
    target: float = TARGET


def choose(speeds: Sequence[Speed], held: Held | None, room: Room) -> Held | None:
    """The speed from now on; None for a purifier that only knows on and off. `held` None: it is just being started."""
    if not speeds:
        return None
    top = len(speeds) - 1
    quiet = _quietest_allowed(speeds, room)
    if room.level is None:
        return _at(held, quiet, room.at)  # no data does not mean clean air, nor noise all morning
    if held is None or held.index > top:
        return Held(top if room.level > FULL_ABOVE else quiet, room.at)
    if room.level > FULL_ABOVE:
        return replace(_at(held, top, room.at), calm_since=None)
    if held.index > quiet:
        # Too loud for a lesson, unless its quiet would bring heavy dust back.
        calm = held.calm_since if _level_at(speeds, held.index, quiet, room) <= MARGIN * FULL_ABOVE else room.at
        held = replace(held, calm_since=_since(calm, room.at))
        assert held.calm_since is not None
        return _at(held, quiet, room.at) if room.at - held.calm_since >= CALM_MS else held
    missed = room.level > room.target
    slower = max(held.index - 1, 0)
    eases = held.index > 0 and _level_at(speeds, held.index, slower, room) <= MARGIN * room.target
    held = replace(
        held,
        missed_since=_since(held.missed_since, room.at) if missed else None,
        eased_since=_since(held.eased_since, room.at) if eases else None,
    )
    if held.missed_since is not None and room.at - held.missed_since >= UP_MS and held.index < quiet:
        return _at(held, _lowest_that_holds(speeds, held.index, quiet, room), room.at)
    eased = held.eased_since is not None and room.at - held.eased_since >= DOWN_MS
    if eased and room.at - held.since >= REST_MS:
        return _at(held, slower, room.at)
    return held


def _quietest_allowed(speeds: Sequence[Speed], room: Room) -> int:
    """The fastest speed that a lesson may hear; the slowest where all are louder, for noise never means off.

    A speed whose loudness nobody has written down is allowed: dust that is breathed is certain, its noise is not.
    """
    if not room.lesson:
        return len(speeds) - 1
    fitting = [i for i, speed in enumerate(speeds) if speed.dba is None or speed.dba <= room.loudest_dba]
    return max(fitting, default=0)


def _level_at(speeds: Sequence[Speed], now: int, then: int, room: Room) -> float:
    """C·Λ(now)/Λ(then): where the level would go at another speed, from the level of the present one."""
    assert room.level is not None
    return room.level * _loss(speeds[now], room) / _loss(speeds[then], room)


def _lowest_that_holds(speeds: Sequence[Speed], now: int, quiet: int, room: Room) -> int:
    for index in range(now + 1, quiet):
        if _level_at(speeds, now, index, room) <= MARGIN * room.target:
            return index
    return quiet


def _loss(speed: Speed, room: Room) -> float:
    return room.off_loss + speed.cadr_m3h / room.volume_m3


def _since(old: int | None, at: int) -> int:
    return at if old is None else old


def _at(held: Held | None, index: int, at: int) -> Held:
    if held is not None and held.index == index:
        return held
    return Held(index, at)
