"""One relay as a pure machine: no order without an end, every ON ends, and what is told is what is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.control.relays import LONGEST_S
from firmware_bridge.relays.leases import Leases
from firmware_bridge.relays.relay import REPORT_S, Order, Relay, order_of


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"ON",
        b"[]",
        b'{"on":true}',
        b'{"on":true,"seconds":0}',
        b'{"on":true,"seconds":-5}',
        b'{"on":true,"seconds":true}',
        b'{"on":true,"seconds":"300"}',
        b'{"on":true,"seconds":1e3}',
        b'{"on":1,"seconds":300}',
        b'{"seconds":300}',
        b"[" * 3000,
    ],
)
def test_an_order_that_would_never_end_or_says_nothing_is_not_one(payload: bytes) -> None:
    assert order_of("set", payload) is None


@given(st.binary(max_size=200))
def test_no_payload_is_too_strange(payload: bytes) -> None:
    order = order_of("set", payload)
    assert order is None or order.on is not None


def test_an_order_is_bounded() -> None:
    assert order_of("set", b'{"on":true,"seconds":9999999,"id":"7"}') == Order(True, 64_800, "7")
    assert order_of("set", b'{"on":false}') == Order(False, 0, "")
    assert order_of("get", b"") == Order(None)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("on"), st.integers(1, 70_000)),
            st.tuples(st.sampled_from(["off", "get", "lost", "told", "tick"]), st.just(0)),
        ),
        max_size=30,
    ),
    st.integers(0, 70_000),
)
def test_whatever_happens_it_is_never_wanted_without_an_end_and_the_end_comes(
    events: list[tuple[str, int]], start: int
) -> None:
    relay, now = Relay(), 1000.0
    relay.resume(None if start == 0 else now + start, now)
    for what, seconds in events:
        now += 7
        if what == "on":
            relay.obey(Order(True, min(seconds, 64_800), "x"), now)
        elif what == "off":
            relay.obey(Order(False), now)
        elif what == "get":
            relay.obey(Order(None), now)
        elif what == "lost":
            relay.lost("away")
        elif what == "told":
            relay.told(relay.wanted)
        relay.tick(now)
        assert relay.wanted is (relay.ends_s is not None)
        assert relay.ends_s is None or relay.ends_s <= now + 70_000
    relay.tick(now + 70_001)
    assert not relay.wanted


def test_only_what_the_board_took_is_said_and_an_order_is_answered_once() -> None:
    relay = Relay()
    relay.resume(None, 0.0)
    relay.lost("relay board away")
    assert relay.report(0.0) == {"faults": ["relay board away"]}
    relay.told(False)
    assert relay.report(1.0) == {"on": False, "by": "start", "faults": []}
    relay.obey(Order(True, 300, "7"), 2.0)
    relay.told(True)
    assert relay.report(2.0) == {"on": True, "by": "command", "faults": [], "id": "7"}
    assert relay.report(3.0) is None
    assert relay.report(2.0 + REPORT_S) == {"on": True, "by": "command", "faults": []}


def test_a_relay_that_sticks_does_not_answer_the_order() -> None:
    relay = Relay()
    relay.resume(None, 0.0)
    relay.obey(Order(True, 300, "7"), 1.0)
    relay.told(False)
    assert relay.report(1.0) == {"on": False, "by": "command", "faults": []}


@pytest.mark.parametrize("end", [float("inf"), 1e300, float("nan"), 900.0])
def test_whatever_the_disk_says_of_an_end_it_comes(end: float) -> None:
    relay = Relay()
    relay.resume(end, 1000.0)
    relay.tick(1000.0 + LONGEST_S)
    assert not relay.wanted


def test_a_damaged_file_of_leases_is_none(tmp_path: Path) -> None:
    path = tmp_path / "relays.json"
    for text in (
        '{"boot": "b", "ends": {"s.f": 1' + "0" * 400 + "}}",
        "[" * 100_000,
        '{"boot": "b", "ends": 1}',
        "\x00",
    ):
        path.write_text(text, "utf-8")
        assert Leases(path, "b").end_of("s.f") is None


def test_what_was_begun_is_remembered_for_this_run_of_the_machine_only(tmp_path: Path) -> None:
    path = tmp_path / "relays.json"
    Leases(path, "boot-1").keep("s.f", 500.0)
    assert Leases(path, "boot-1").end_of("s.f") == 500.0
    assert Leases(path, "boot-2").end_of("s.f") is None
    assert Leases(path, "unknown").end_of("s.f") is None
    again = Leases(path, "boot-1")
    again.keep("s.f", None)
    assert Leases(path, "boot-1").end_of("s.f") is None


@pytest.mark.parametrize(
    "told", ["", "{", "[]", '{"boot":"b"}', '{"boot":"b","ends":[]}', '{"boot":"b","ends":{"a":"x"}}']
)
def test_a_damaged_memory_is_none(tmp_path: Path, told: str) -> None:
    path = tmp_path / "relays.json"
    path.write_text(told)
    assert Leases(path, "b").end_of("a") is None


@pytest.mark.parametrize(("left", "wanted"), [(100.0, True), (0.0, False), (-5.0, False), (None, False)])
def test_at_the_start_it_goes_on_for_the_rest_or_is_switched_off(left: Any, wanted: bool) -> None:
    relay = Relay()
    relay.resume(None if left is None else 50.0 + left, 50.0)
    assert relay.wanted is wanted and relay.due, "its board keeps what it was last told, so it is told"


def test_reports_are_json() -> None:
    relay = Relay()
    relay.told(True)
    assert json.loads(json.dumps(relay.report(0.0)))["on"] is True
