"""What needs a person's attention now, worst first, each with since when. Pure: room states in, cases out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from classair.wire import Beat, PurifierState, RoomState, SensorHealth
from dashboard.live.ages import UNCONFIRMED_MS

Kind = Literal[
    "affects_health",
    "unknown",
    "suspect",
    "starts_to_affect_health",
    "purifier_unconfirmed",
    "purifier_unknown",
    "purifier_fail_safe",
    "late",
    "outdoor",
]
_ORDER: Final[tuple[Kind, ...]] = (
    "affects_health",
    "unknown",
    "suspect",
    "starts_to_affect_health",
    "purifier_unconfirmed",
    "purifier_unknown",
    "purifier_fail_safe",
    "late",
    "outdoor",
)

BEAT_SILENT_MS: Final = 20_000
"""The controller beats every 5 s; after this long without, bridges follow their edge rule."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to look after. `since` is UTC ms, None when nobody knows."""

    room: str
    kind: Kind
    since: int | None


def purifier_trouble(unit: PurifierState | None, now_ms: int) -> Kind | None:
    """Whether a person should look at a purifier, and why."""
    if unit is None:
        return None
    if unit.mode == "fail_safe":
        return "purifier_fail_safe"
    if unit.on is None:
        return "purifier_unknown"
    if not unit.confirmed and now_ms - unit.since > UNCONFIRMED_MS:
        return "purifier_unconfirmed"
    return None


def beat_is_silent(beat: Beat | None, now_ms: int) -> bool:
    """Whether the controller has beaten once and does so no longer."""
    return beat is not None and now_ms - beat.at > BEAT_SILENT_MS


def sensor_well(word: SensorHealth) -> Literal["yes", "wait", "no"]:
    """Whether a sensor's own word needs a person (`no`), patience or a look some day (`wait`), or nobody."""
    if word.state == "asleep" or (word.state == "ok" and not word.key):
        return "yes"
    return "wait" if word.state in ("ok", "starting") else "no"


def cases_of(room: str, outdoor: bool, state: RoomState | None, now_ms: int) -> list[Case]:
    """The cases of one room, from its state as it stands at `now_ms`."""
    if state is None:
        return [Case(room, "outdoor" if outdoor else "unknown", None)]
    current, found = state.pm25, []
    if current.status == "suspect":
        found.append(Case(room, "suspect", current.level_since))
    elif current.status in ("unknown", "filling", "warming_up"):
        found.append(Case(room, "outdoor" if outdoor else "unknown", current.newest_at or current.last_at))
    elif current.status == "late":
        found.append(Case(room, "late", current.newest_at))
    if not outdoor and current.level == "affects_health":
        found.append(Case(room, "affects_health", current.level_since))
    elif not outdoor and current.level == "starts_to_affect_health":
        found.append(Case(room, "starts_to_affect_health", current.level_since))
    trouble = purifier_trouble(state.purifier, now_ms)
    if trouble is not None and state.purifier is not None:
        found.append(Case(room, trouble, state.purifier.since))
    return found


def worst_first(cases: Iterable[Case]) -> list[Case]:
    """By kind, and within a kind the longest standing first."""
    return sorted(cases, key=lambda case: (_ORDER.index(case.kind), case.since or 0, case.room))
