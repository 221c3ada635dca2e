"""The edge rule by itself: when the server is away, what a room needs, when an order is given again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.config import parse
from classair.config.purifiers import PurifierRule
from classair.timetable import ZONE, to_ms
from classair.wire import PurifierState
from firmware_bridge.edge.rule import (
    CONFIRM_WITHIN_S,
    JITTER_S,
    LATE_S,
    LEASE_S,
    LOST_S,
    Beats,
    Need,
    Orders,
    Wish,
    forbidden,
    need,
)

RULE = PurifierRule(kind="purifier")
SCHOOL = """
org: demo-town
timetables:
  day: {days: [mon, tue, wed, thu, fri], occupied: ["08:00-12:00", "13:00-16:00"], lessons: []}
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {r: {name: R, volume_m3: 180, timetable: day}}
    sensors: {}
"""
DAY = parse(SCHOOL).timetable_of("s.r")
TEN = to_ms(datetime(2026, 11, 24, 10, tzinfo=ZONE))  # a Tuesday
MINUTE = 60_000


# -- the beat ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_the_server_is_away_after_twenty_seconds_and_a_wait_of_this_bridges_own(chance: float) -> None:
    beats, now = Beats(100.0, lambda: chance), 100.0
    while now < 130:
        now += 1
        beats.heard(now)
        assert not beats.lost(now)
    begun = now
    while not beats.lost(now):
        now += 1
    assert now - begun == pytest.approx(LOST_S + chance * JITTER_S, abs=1)
    beats.heard(now)
    assert not beats.lost(now), "one beat is enough"


def test_a_bridge_that_stood_still_waits_anew() -> None:
    beats = Beats(100.0, lambda: 0.0)
    assert not beats.lost(100.0 + 3600)
    now = 3700.0
    while now < 3700 + LOST_S - 1:
        now += min(LATE_S, 1)
        assert not beats.lost(now)


# -- what a room needs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("high", "blind", "at", "wanted"),
    [
        (True, False, TEN, Need(2 * 3600, "high")),
        (False, True, TEN, Need(2 * 3600, "blind")),
        (False, False, TEN, None),
        (True, True, TEN + 150 * MINUTE, None),  # 12:30, between the blocks
        (True, False, TEN + 120 * MINUTE - 10_000, None),  # ten seconds before the block's end
        (True, False, TEN + 4 * 24 * 60 * MINUTE, None),  # Saturday
    ],
)
def test_a_room_needs_it_in_an_occupied_block_to_the_end_of_the_block(
    high: bool, blind: bool, at: int, wanted: Need | None
) -> None:
    assert need(high=high, blind=blind, timetable=DAY, now_ms=at) == wanted


@pytest.mark.parametrize(("timetable", "at"), [(None, TEN), (DAY, None), (None, None)])
def test_without_timetable_or_time_only_dust_itself_counts_and_a_lease_is_short(timetable: Any, at: int | None) -> None:
    assert need(high=True, blind=False, timetable=timetable, now_ms=at) == Need(LEASE_S, "high")
    assert need(high=False, blind=True, timetable=timetable, now_ms=at) is None


# -- persons -----------------------------------------------------------------------------------------------------------


def state(**more: Any) -> PurifierState:
    return PurifierState(purifier="s.p", room="s.r", on=False, since=TEN, at=TEN, mode="person", **more)


def test_a_persons_off_is_respected_while_it_lasts() -> None:
    off = state(override_on=False, override_until=TEN + 30 * MINUTE)
    assert forbidden(Wish(off, 100), 200, TEN + 29 * MINUTE, RULE)
    assert not forbidden(Wish(off, 100), 200, TEN + 30 * MINUTE, RULE)
    assert forbidden(Wish(off, 100), 100 + 29 * 60, None, RULE), "without the time it is counted from when it was heard"
    assert not forbidden(Wish(off, 100), 100 + 30 * 60, None, RULE)


def test_no_off_lasts_longer_than_it_may_however_wrong_its_time_is() -> None:
    wrong = state(override_on=False, override_until=TEN + 365 * 24 * 60 * MINUTE)
    assert forbidden(Wish(wrong, 100), 101, TEN, RULE)
    for now_ms in (TEN, None):
        assert not forbidden(Wish(wrong, 100), 101 + RULE.off_at_most, now_ms, RULE)
    assert not forbidden(Wish(state(override_on=False), 100), 101 + RULE.off_at_most, TEN, RULE)


def test_heavy_dust_ends_an_off_early_and_a_pause_of_the_sensor_does_not_begin_that_anew() -> None:
    wish = Wish(state(override_on=False, override_until=TEN + 60 * MINUTE), 100)
    wish.dust(76.0, 200)
    wish.dust(None, 500)
    wish.dust(90.0, 700)
    assert forbidden(wish, 799, TEN, RULE) and not forbidden(wish, 800, TEN, RULE)
    wish.dust(75.0, 750)
    assert forbidden(wish, 800, TEN, RULE)


def test_a_persons_on_and_an_automatic_off_forbid_nothing() -> None:
    assert not forbidden(Wish(), 1, TEN, RULE)
    assert not forbidden(Wish(state(override_on=True, override_until=TEN + MINUTE)), 1, TEN, RULE)
    assert not forbidden(Wish(state().model_copy(update={"mode": "auto"})), 1, TEN, RULE)
    assert forbidden(Wish(state(override_until=TEN + MINUTE)), 1, TEN, RULE), (
        "an older alerts says it by the mode alone"
    )


# -- orders ------------------------------------------------------------------------------------------------------------


def test_what_was_not_confirmed_is_tried_by_the_device_itself_and_then_again_after_growing_pauses() -> None:
    orders, wanted = Orders(), Need(7200, "high")
    now, sent, called = 0.0, [], []
    while now < 1500:
        if orders.due(now, wanted, 1800):
            orders.send(now, wanted, True)
            sent.append(now)
        elif orders.call_due(now):
            orders.called = True
            called.append(now)
            orders.answered(False)
        now += 1
    assert sent == [0, 30, 90, 690, 1290]
    assert called == [at + CONFIRM_WITHIN_S for at in sent]


def test_a_device_that_certainly_heard_nothing_is_asked_again_soon() -> None:
    orders, wanted = Orders(), Need(7200, "high")
    sent = []
    for now in range(200):
        if orders.due(now, wanted, 1800):
            orders.send(now, wanted, False)
            orders.called = True
            orders.answered(False)
            sent.append(now)
    assert sent == [0, 30, 60, 90, 120, 150, 180]


def test_a_confirmed_order_rests_for_as_long_as_a_persons_off_lasts() -> None:
    orders, sent = Orders(), []
    for now in range(4000):
        wanted = Need(7200 - now, "high")
        if orders.due(now, wanted, 1800):
            orders.send(now, wanted, True)
            orders.answered(True)
            sent.append(now)
    assert sent == [0, 1800, 3600]


def test_a_lease_is_renewed_before_it_ends_and_the_end_of_a_block_is_not() -> None:
    orders, lease, sent = Orders(), Need(LEASE_S, "high"), []
    for now in range(1000):
        if orders.due(now, lease, 1800):
            orders.send(now, lease, True)
            orders.answered(True)
            sent.append(now)
    assert sent == [0, 200, 400, 600, 800]
    orders = Orders()
    orders.send(0, Need(300, "high"), True)
    orders.answered(True)
    assert not any(orders.due(now, Need(300 - now, "high"), 1800) for now in range(299))


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 600),
            st.one_of(st.none(), st.integers(30, 20_000)),
            st.booleans(),
            st.sampled_from(["", "took", "refused"]),
        ),
        max_size=60,
    )
)
def test_an_order_never_covers_more_than_was_needed_and_a_need_is_never_left_without_one(steps: Any) -> None:
    orders, now, until = Orders(), 0.0, 0.0
    for passed, seconds, over_broker, answer in steps:
        now += passed
        if seconds is None:
            continue
        wanted = Need(seconds, "high")
        if orders.due(now, wanted, 1800):
            orders.send(now, wanted, over_broker)
            until = now + seconds
        assert orders.covers_until_s == until and orders.sent_s is not None
        assert now < orders.covers_until_s, "something covers this moment"
        if answer:
            orders.answered(answer == "took")
