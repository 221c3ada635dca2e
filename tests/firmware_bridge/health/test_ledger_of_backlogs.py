"""Devices that bring their readings later and in any order: what came is never called missing."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.health.missing import LONGEST_MS, WELL, BacklogLedger

EVERY = 900_000
BEGAN = 10_000_000


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 2**32))
def test_after_an_hour_exactly_the_readings_that_did_not_come_are_told(came: list[bool], seed: int) -> None:
    ledger = BacklogLedger(EVERY, BEGAN, WELL)
    ends = [BEGAN + (number + 1) * EVERY for number in range(len(came))]
    present = [end for end, there in zip(ends, came, strict=True) if there]
    random.Random(seed).shuffle(present)
    told = [stretch for end in present for stretch in ledger.reading(end)]
    assert told == [], "while readings may still come nothing is called missing"
    told = ledger.due(ends[-1] + 2 * LONGEST_MS + EVERY, connected=True)
    gone = {end for end, there in zip(ends, came, strict=True) if not there}
    named = {end for end in ends for stretch in told if stretch.end_ms - stretch.length_ms < end <= stretch.end_ms}
    assert named == gone
    assert sum(stretch.expected for stretch in told if stretch.end_ms <= ends[-1]) <= len(gone)
    stretches = sorted((stretch.end_ms - stretch.length_ms, stretch.end_ms) for stretch in told)
    assert all(end <= start for (_, end), (start, _) in pairwise(stretches))


def test_what_a_device_kept_while_the_bridge_was_off_is_not_missing() -> None:
    ledger = BacklogLedger(EVERY, BEGAN)
    away = ledger.was_away(BEGAN, 4 * EVERY, "off")
    assert away is None
    ledger.is_now(WELL, BEGAN + 1000)
    for number in (0, -2, -1, 1):
        ledger.reading(BEGAN + number * EVERY)
    ledger.reading(BEGAN + 2 * EVERY)
    (stretch,) = ledger.due(BEGAN + 2 * EVERY + LONGEST_MS, connected=True)
    assert (stretch.end_ms, stretch.expected, stretch.reason) == (BEGAN - 3 * EVERY, 1, "off")


def test_a_late_delivery_never_ends_before_it_begins() -> None:
    ledger = BacklogLedger(EVERY, BEGAN)
    for number in (5, 2, 9):
        ledger.late(BEGAN + number * EVERY)
    (stretch,) = ledger.due(BEGAN + 10 * EVERY, connected=True)[-1:]
    assert (stretch.reason, stretch.expected) == ("broker_away", 3)
    assert (stretch.end_ms - stretch.length_ms, stretch.end_ms) == (BEGAN + EVERY, BEGAN + 9 * EVERY)
