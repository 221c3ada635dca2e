"""Readings that others have overtaken: what was concluded without them is concluded again."""

from __future__ import annotations

import random

from alerts.air.rooms import RoomWatch
from alerts.air.surroundings import Place
from classair.model import Reading
from classair.science import state
from classair.wire import RoomState

NOW = 1_763_700_000_000


def watch() -> RoomWatch:
    return RoomWatch("s.r", is_outdoor=False, simulated=False, sensors=["s.pm"], began_at=NOW)


def reading(minutes_ago: float, pm25: float) -> Reading:
    at = NOW - round(minutes_ago * 60_000)
    return Reading(sensor="s.pm", bridge="s.b", epoch="e", seq=at, at_ms=at, values={"pm25": pm25}, interval_s=60.0)


def told(room: RoomWatch) -> RoomState:
    return room.state(
        NOW,
        outdoor=state.NOTHING,
        play=(None, ""),
        purifiers=(),
        occupied=False,
        config_version=1,
        place=Place(frozenset()),
    )


def test_a_level_is_not_held_because_half_of_its_window_came_late() -> None:
    # Clean for half an hour until five minutes ago, then "good"; the clean part arrives first, the rest piece by piece.
    past = [reading(m, 12.0 if m > 20 else 20.0) for m in range(45, -1, -1)]
    room = watch()
    room.add([past[-1]], NOW)  # live first
    for begin in range(0, len(past) - 1, 7):
        room.add(past[begin : begin + 7], NOW)
        told(room)
    shown = told(room)
    assert (shown.pm25.shown, shown.pm25.level) == ("20", "good")


def test_the_level_is_the_same_whatever_the_order_of_arrival() -> None:
    past = [reading(m, 10 + 15 * ((m // 9) % 2)) for m in range(60, -1, -1)]
    in_order = watch()
    in_order.prime(past, NOW)
    for seed in range(20):
        mixed = past[:]
        random.Random(seed).shuffle(mixed)
        room = watch()
        for one in mixed:
            room.add([one], NOW)
        assert told(room).pm25 == told(in_order).pm25
