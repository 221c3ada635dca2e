"""The ledger's arithmetic: over any history, readings and stretches lie end to end and their counts add up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.model import MISSING_REASONS
from firmware_bridge.health.missing import LONGEST_MS, WELL, MissingReadings, SensorLedger, reason_of

EVERY = 10_000
BEGAN = 1_000_000

Event = tuple[str, int, str]

reasons = st.sampled_from(["unplugged", "silent", "asleep", "damaged", "starting", WELL])
events = st.lists(
    st.one_of(
        st.tuples(st.just("reading"), st.integers(EVERY - 1500, EVERY + 1500), st.just("")),
        st.tuples(st.just("reading"), st.integers(1000, 400_000), st.just("")),
        st.tuples(st.just("state"), st.integers(0, 60_000), reasons),
        st.tuples(st.just("tick"), st.integers(0, 5_000_000), st.just("")),
    ),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(events)
@pytest.mark.thorough
def test_readings_and_stretches_cover_the_time_from_first_to_last_without_hole_or_overlap(history: list[Event]) -> None:
    ledger, now = SensorLedger(EVERY, BEGAN), BEGAN
    readings: list[int] = []
    told: list[MissingReadings] = []
    for kind, later, reason in history:
        now += later
        if kind == "reading":
            told += ledger.reading(now)
            readings.append(now)
        elif kind == "state":
            ledger.is_now(reason, now)
        else:
            told += ledger.due(now, connected=True)
    told += ledger.close(now)
    for stretch in told:
        assert stretch.reason in MISSING_REASONS
        assert stretch.expected >= 1
        assert stretch.length_ms > 0
        # As many as fit, to one half: a stretch is never given more readings than its time could hold.
        assert abs(stretch.expected * EVERY - stretch.length_ms) <= EVERY * 1.5
    stretches = sorted((it.end_ms - it.length_ms, it.end_ms) for it in told)
    for (_, end), (start, _) in pairwise(stretches):
        assert end <= start, "no stretch lies over another"
    # From each moment that something ends to the next that begins: a reading begins up to one interval before its end.
    covered, expected = BEGAN, 0
    spans = sorted([(end, "missing", start) for start, end in stretches] + [(at, "reading", at) for at in readings])
    for end, kind, start in spans:
        if kind == "missing":
            assert start == covered or abs(start - covered) <= EVERY, "no hole before a stretch"
        elif end - covered > 0:
            assert end - covered < EVERY * 1.5, "no hole before a reading that a stretch should fill"
        covered = max(covered, end)
    expected = sum(it.expected for it in told)
    steps = sum(max((2 * (b - a) + EVERY) // (2 * EVERY), 0) for a, b in pairwise([BEGAN, *readings, now]))
    extra = sum(1 for a, b in pairwise([BEGAN, *readings]) if (2 * (b - a) + EVERY) // (2 * EVERY) == 0)
    hourly = sum(1 for kind, *_ in history if kind == "tick")
    assert abs(expected + len(readings) - extra - steps) <= hourly, "readings and missing are what was expected"


def test_an_unplugged_hour_is_told_while_it_lasts_and_the_rest_when_it_ends() -> None:
    ledger = SensorLedger(EVERY, BEGAN)
    assert ledger.reading(BEGAN + EVERY) == []
    ledger.is_now(WELL, BEGAN + EVERY)
    ledger.is_now("unplugged", BEGAN + EVERY + 2_000)
    start = BEGAN + EVERY
    assert ledger.due(start + LONGEST_MS - 1, connected=True) == []
    (hour,) = ledger.due(start + LONGEST_MS, connected=True)
    assert (hour.end_ms - hour.length_ms, hour.reason, hour.expected) == (start, "unplugged", 359)
    ledger.is_now("starting", hour.end_ms + 95_000)
    ledger.is_now(WELL, hour.end_ms + 120_000)
    out, began = ledger.reading(hour.end_ms + 130_000)
    assert (out.reason, out.end_ms - out.length_ms, out.expected) == ("unplugged", hour.end_ms, 10)
    assert (began.reason, began.expected) == ("starting", 2)
    assert began.end_ms == hour.end_ms + 120_000


def test_frames_refused_by_their_check_make_the_reason_damaged_and_a_quiet_line_silent() -> None:
    ledger = SensorLedger(1_000, BEGAN)
    ledger.reading(BEGAN + 1_000)
    ledger.is_now(WELL, BEGAN + 1_000)
    assert [it.reason for it in ledger.reading(BEGAN + 3_000, damaged=1)] == ["damaged"]
    assert [it.reason for it in ledger.reading(BEGAN + 6_000, damaged=1)] == ["silent"]


def test_what_was_delivered_late_is_told_as_one_stretch_when_the_connection_is_back() -> None:
    ledger = SensorLedger(EVERY, BEGAN)
    for number in range(1, 7):
        ledger.reading(BEGAN + number * EVERY)
        ledger.late(BEGAN + number * EVERY)
    assert ledger.due(BEGAN + 61_000, connected=False) == []
    assert ledger.due(BEGAN + 62_000, connected=True) == [MissingReadings(BEGAN + 60_000, 60_000, 6, "broker_away")]
    assert ledger.due(BEGAN + 63_000, connected=True) == []


def test_the_time_before_a_start_is_a_stretch_up_to_it() -> None:
    ledger = SensorLedger(EVERY, BEGAN)
    assert ledger.was_away(BEGAN, 3_600_000, "off") == MissingReadings(BEGAN, 3_600_000, 360, "off")
    assert SensorLedger(EVERY, BEGAN).was_away(BEGAN, 4_000, "off") is None


@pytest.mark.parametrize(
    ("state", "cause", "reason"),
    [
        ("ok", "", WELL),
        ("silent", "silent", "silent"),
        ("unplugged", "unplugged", "unplugged"),
        ("error", "no_frames", "damaged"),
        ("error", "in_use", "unplugged"),
        ("error", "not_allowed", "unplugged"),
        ("starting", "starting", "starting"),
        ("asleep", "", "asleep"),
        ("silent", "stale", "stale"),
        ("error", "unknown_model", "unplugged"),
        ("something new", "", "silent"),
    ],
)
def test_every_state_of_a_port_has_a_reason(state: str, cause: str, reason: str) -> None:
    assert reason_of(state, cause) == reason
