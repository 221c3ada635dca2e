"""A device whose own clock is wrong: its values stay usable, what waited keeps its time, and the clock is known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.model import BAD, Flag
from firmware_bridge.adapters import Arrival, Heard, Measured, MessageRejected, adapter_for
from firmware_bridge.adapters._heard import recall, remembered
from tests.firmware_bridge.adapters.sample_readings import NOW_MS, T

MINUTE = 60_000
QUARTER = 15 * MINUTE
HOUR = 60 * MINUTE


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Device:
    """Speaks as an Enviro or a Zigbee sensor does, with a clock that is `wrong_ms` ahead."""

    def __init__(self, model: str = "enviro", wrong_ms: int = 0) -> None:
        self.model, self.wrong_ms = model, wrong_ms
        place = {"enviro": "http:yard", "zigbee2mqtt": "mqtt:zigbee2mqtt/p1"}[model]
        self.adapter: Heard = adapter_for(model, place)
        self.now_ms, self._count = NOW_MS // 1000 * 1000, 0

    def send(self, waited_ms: int = 0, *, retained: bool = False) -> tuple[int | None, Flag]:
        """When the bridge says it was measured, relative to the truth (None: on receipt), and its flags."""
        self._count += 1
        said_ms = self.now_ms - waited_ms + self.wrong_ms
        message: dict[str, Any] = (
            {"nickname": "yard", "timestamp": iso(said_ms), "readings": {"temperature": 20 + self._count / 100}}
            if self.model == "enviro"
            else {"pm25": self._count % 50, "last_seen": said_ms}
        )
        topics = self.adapter.topics()
        found = self.adapter.take(
            Arrival(
                topics[0] if topics else "", json.dumps(message).encode(), retained, self.now_ms / 1000, self.now_ms
            )
        )
        assert not isinstance(found, MessageRejected), found
        one: Measured = found[0]
        return None if one.at_ms is None else one.at_ms - (self.now_ms - waited_ms), one.frame.flags

    def session(self, waits_ms: Iterable[int], apart_ms: int = 1000) -> list[tuple[int | None, Flag]]:
        found = []
        for waited_ms in waits_ms:
            found.append(self.send(waited_ms))
            self.now_ms += apart_ms
        return found

    def live(self, times: int, every_ms: int = QUARTER) -> list[tuple[int | None, Flag]]:
        return self.session([0] * times, every_ms)


MODELS = ("enviro", "zigbee2mqtt")
FAST = [61_000, 90_000, 180_000, 10 * MINUTE, HOUR, 7 * HOUR, 14 * HOUR]


@pytest.mark.parametrize("wrong_ms", FAST)
@pytest.mark.parametrize("model", MODELS)
def test_a_clock_that_is_fast_is_known_from_the_first_message_and_its_values_count(model: str, wrong_ms: int) -> None:
    device = Device(model, wrong_ms)
    assert device.live(8) == [(None, T)] * 8
    assert device.adapter.clock.wrong_ms == wrong_ms and not T & BAD


@pytest.mark.parametrize("wrong_ms", [-5 * MINUTE, -20 * MINUTE, -7 * HOUR, -400 * 24 * HOUR])
def test_a_clock_that_is_slow_is_known_when_it_stays_so(wrong_ms: int) -> None:
    device = Device("enviro", wrong_ms)
    told = device.live(6)
    assert told[2:] == [(None, T)] * 4 and device.adapter.clock.wrong_ms == wrong_ms
    believable = wrong_ms > -HOUR * 24
    assert told[:2] == ([(wrong_ms, Flag.NONE)] * 2 if believable else [(None, T | Flag.CLOCK)] * 2)


@pytest.mark.parametrize("wrong_ms", [-5 * MINUTE, -7 * HOUR])
def test_what_keeps_nothing_back_shows_a_slow_clock_with_its_second_message(wrong_ms: int) -> None:
    assert Device("zigbee2mqtt", wrong_ms).live(4)[1:] == [(None, T)] * 3


@pytest.mark.parametrize("wrong_ms", [-90_000, -20_000, 0, 20_000, 60_000])
@pytest.mark.parametrize("model", MODELS)
def test_a_clock_that_is_about_right_is_believed(model: str, wrong_ms: int) -> None:
    for at, flags in Device(model, wrong_ms).live(8):
        assert flags == Flag.NONE and at is not None and abs(at) <= 90_000


BACKLOG = [*range(10 * QUARTER, -1, -QUARTER)]


def test_what_waited_keeps_its_own_time() -> None:
    device = Device()
    for _ in range(5):
        assert device.session(BACKLOG) == [(0, Flag.NONE)] * len(BACKLOG)
        device.now_ms += 11 * QUARTER
    assert device.adapter.clock.wrong_ms == 0


@pytest.mark.parametrize("apart_ms", [100, 1000, 20_000, 3 * MINUTE])
@pytest.mark.parametrize("order", ["oldest first", "newest first", "shuffled"])
def test_a_long_backlog_is_no_slow_clock_however_it_comes(apart_ms: int, order: str) -> None:
    device = Device()
    device.live(4)
    measured = [device.now_ms + 12 * HOUR - i * QUARTER for i in range(48)]
    device.now_ms += 12 * HOUR
    if order == "oldest first":
        measured.reverse()
    elif order == "shuffled":
        measured = measured[::3] + measured[1::3] + measured[2::3]
    for moment in measured:
        at, flags = device.send(device.now_ms - moment)
        assert at is not None and -1000 < at <= 0 and flags == Flag.NONE, "in whole seconds"
        device.now_ms += apart_ms
    assert device.live(3)[-1][1] == Flag.NONE


@pytest.mark.parametrize("wrong_ms", [180_000, 7 * HOUR, -5 * MINUTE, -3 * HOUR])
def test_what_waited_behind_a_wrong_clock_is_put_right_once_the_clock_is_known(wrong_ms: int) -> None:
    device = Device("enviro", wrong_ms)
    device.live(3)
    device.now_ms += 40 * QUARTER
    told = device.session([*range(40 * QUARTER, -1, -QUARTER)])
    assert [flags for _, flags in told] == [T] * 41
    assert told[-1][0] is None, "the newest came as soon as it was measured"
    assert all(at is not None and abs(at) <= MINUTE for at, _ in told[:-1])


def test_a_first_session_of_a_clock_that_is_three_minutes_fast_loses_nothing() -> None:
    told = Device("enviro", 180_000).session([3 * QUARTER, 2 * QUARTER, QUARTER, 0])
    assert [flags & BAD for _, flags in told] == [Flag.NONE] * 4 and told[-1] == (None, T)


def test_old_values_never_pass_for_the_present_when_a_zone_is_wrong() -> None:
    told = Device("enviro", 7 * HOUR).session([*range(40 * QUARTER, -1, -QUARTER)])
    as_now = [
        waited for waited, (at, flags) in zip(range(40, -1, -1), told, strict=True) if at is None and not flags & BAD
    ]
    assert len(as_now) <= 1


def test_a_clock_that_was_set_right_is_believed_again_from_its_second_message() -> None:
    for wrong_ms in (180_000, 7 * HOUR, -5 * MINUTE, -7 * HOUR):
        device = Device("enviro", wrong_ms)
        device.live(4)
        device.wrong_ms = 0
        assert device.live(3)[1:] == [(0, Flag.NONE)] * 2


def test_steps_of_a_clock_are_followed() -> None:
    device = Device("enviro")
    device.live(3)
    for wrong_ms in (180_000, 400_000, 120_000, 2 * HOUR):
        device.wrong_ms = wrong_ms
        assert all(not flags & BAD for _, flags in device.live(4))
        assert device.live(1) == [(None, T)]


def test_a_wrong_clock_is_known_after_a_restart() -> None:
    device = Device("enviro", 7 * HOUR)
    device.live(3)
    known = json.loads(json.dumps(remembered(device.adapter)))
    device.adapter = adapter_for("enviro", "http:yard")
    recall(device.adapter, known)
    device.now_ms += 3 * QUARTER
    assert device.session([3 * QUARTER, QUARTER, 0]) == [(0, T), (0, T), (None, T)]
    for broken in ({}, {"facts": 3, "clock_wrong_min": "x"}, {"facts": {"kind": 1}}):
        recall(adapter_for("enviro", "http:yard"), broken)


def test_what_the_broker_kept_says_nothing_of_the_clock() -> None:
    device = Device("zigbee2mqtt")
    assert device.send(3 * HOUR, retained=True) == (0, Flag.NONE)
    device.now_ms += MINUTE
    assert device.live(3) == [(0, Flag.NONE)] * 3


@given(
    st.integers(-4 * HOUR // 1000, 14 * HOUR // 1000).map(lambda seconds: seconds * 1000),
    st.lists(st.integers(0, 12), min_size=6, max_size=12),
    st.sampled_from([MINUTE, 10 * MINUTE, QUARTER]),
)
@settings(max_examples=150)
@pytest.mark.thorough
def test_whatever_the_clock_says_what_is_sent_live_is_soon_dated_within_two_minutes(
    wrong_ms: int, waits: list[int], every_ms: int
) -> None:
    """`waits`: for each session how many readings come with the newest, oldest first."""
    device = Device("enviro", wrong_ms)
    for number, count in enumerate(waits):
        device.now_ms += max(count, 1) * every_ms
        told = device.session([i * every_ms for i in range(count, -1, -1)], 500)
        at, flags = told[-1]
        if number >= 3:
            assert at is None or abs(at) <= 2 * MINUTE + 1000
            assert not flags & BAD
