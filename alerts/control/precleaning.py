"""Pre-cleaning: how long before the children a purifier starts, so that they come into clean air. Pure.

Time to a target in the well-mixed room, t = ln[(C0 − Css)/(T − Css)]/Λ (classair.science.balance), with a factor for
what the model leaves out: doors, sweeping, a filter that is not new. Λ is the room's own (alerts.control.losses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from alerts.control.losses import Losses
from classair.science.balance import minutes_to
from classair.units import MINUTE_MS

FACTOR: Final = 1.5
SHORTEST: Final = 10.0  # minutes; a shorter run cleans little and shows nothing
LONGEST: Final = 60.0  # minutes; by then the room stands near its steady level whatever it was
UNKNOWN_LEVEL: Final = 75.0  # µg/m³, taken for a room whose air is not known: no data does not mean clean air
PENETRATION: Final = 0.8  # of PM2.5 through the gaps of closed windows (0.7 to 1)

Why = Literal["not_needed", "reachable", "unreachable", "unknown"]


@dataclass(frozen=True, slots=True)
class Lead:
    """Minutes before the children come; 0 where none are needed. `floor`: the level the room can reach, µg/m³."""

    minutes: float
    why: Why
    floor: float | None = None


def lead(level: float | None, target: float, losses: Losses, outdoor: float | None = None) -> Lead:
    """The lead for a room at `level` now (None: not known), to `target`.

    What the room can reach follows from its level without the purifier: Css = C0·Λoff/Λon, since by the end of a night
    C0 is steady and has the same inflow. Where outdoors is known and has risen meanwhile, from that:
    P·(Λoff − k)·Cout/Λon with all of Λoff taken for air changes, which is never too low.
    """
    if level is not None and level <= target:
        return Lead(0.0, "not_needed")
    start = UNKNOWN_LEVEL if level is None else level
    floor = start * losses.share_left
    if outdoor is not None:
        floor = max(floor, PENETRATION * losses.off * outdoor / losses.on)
    needed = minutes_to(target, start, floor, losses.on)
    if needed is None:
        return Lead(LONGEST, "unreachable", floor)
    minutes = min(max(FACTOR * needed, SHORTEST), LONGEST)
    return Lead(minutes, "unknown" if level is None else "reachable", floor)


@dataclass(frozen=True, slots=True)
class Plan:
    """`begun_for`: the start of the block (UTC ms) for which pre-cleaning has begun; it goes on until then.

    Without that memory the lead would shrink as the air gets clean, and the purifier go off before the children come.
    """

    begun_for: int | None = None

    def after(self, now: int, next_block: int | None, wanted: Lead) -> Plan:
        """The plan at `now`, in an empty room; `next_block`: when children come next."""
        if next_block is None or now >= next_block:
            return Plan()
        if self.begun_for == next_block:
            return self
        due = wanted.minutes > 0 and next_block - now <= wanted.minutes * MINUTE_MS
        return Plan(next_block if due else None)

    @property
    def running(self) -> bool:
        return self.begun_for is not None
