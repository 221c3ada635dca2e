"""One message per cause, and silences: what is held back is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.answering import Refused
from alerts.lifecycle.inhibition import Cause, Causes
from alerts.lifecycle.machine import begun
from alerts.lifecycle.model import SILENCED
from alerts.lifecycle.silences import Silence
from tests.alerts.notified import CONFIG, HOUR, MIN, PEOPLE, TWO_PEOPLE, Board, bridge, dust, silent

PI = "s1.pi"
BEHIND = ("bridge:s1.pi",)


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


def both_silent(it: Board, down: bool) -> None:
    it.put(bridge(PI, down), silent("s1.r1", True, BEHIND), silent("s1.r2", True, BEHIND))


def test_rooms_behind_a_dead_bridge_are_not_told_of_and_the_wall_knows_that_the_bridge_is(it: Board) -> None:
    both_silent(it, True)
    it.live(HOUR)
    assert {told.alert.key.subject for told in it.outbox.told} == {PI}
    assert {alert.held for alert in it.board.open() if alert.room} == set(BEHIND)
    cause = next(alert for alert in it.board.open() if not alert.room)
    it.outbox.reached_at[cause.id] = 42
    assert it.board.told_at("s1.r2") == 42


def test_a_room_that_stays_silent_when_its_bridge_is_back_is_told_then(it: Board) -> None:
    both_silent(it, True)
    it.live(HOUR)
    it.put(bridge(PI, False), silent("s1.r2", False, BEHIND))
    it.live(4 * MIN)
    assert ("teacher", "s1.r1") not in it.outbox.of("fired")
    it.live(4 * MIN)
    assert it.outbox.of("fired") == [("teacher", PI), ("teacher", "s1.r1")]
    it.live(30 * MIN)
    assert ("officer", "s1.r1") in it.outbox.of("escalated")
    it.live(HOUR)
    assert ("teacher", "s1.r2") not in it.outbox.of("recovered")


def test_a_cause_of_which_nobody_would_hear_holds_nothing_back(tmp_path: Path) -> None:
    text = CONFIG.replace("fault: {kind", "quiet: {kind: silent, for: 1m}\n  fault: {kind") + PEOPLE
    it = Board(tmp_path, text)
    it.put(bridge(PI, True, rule="quiet"), silent("s1.r1", True, BEHIND))
    it.live(20 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]
    it.close()


def test_a_cause_that_comes_and_goes_without_ever_firing_is_not_waited_for_for_ever(it: Board) -> None:
    for turn in range(360):
        it.put(bridge(PI, turn % 5 != 0), silent("s1.r1", True, BEHIND))
        it.live(MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]
    assert it.outbox.of("escalated") == [("head", "s1.r1"), ("officer", "s1.r1")]


def test_causes_that_explain_each_other_are_told_both_and_still_explain_others(it: Board) -> None:
    it.put(
        bridge(PI, True, causes=("bridge:s1.pi2",)),
        bridge("s1.pi2", True, causes=("bridge:s1.pi",)),
        silent("s1.r1", True, BEHIND),
    )
    it.live(20 * MIN)
    assert sorted(it.outbox.of("fired")) == [("teacher", PI), ("teacher", "s1.pi2")]


def test_a_circle_of_which_nobody_hears_explains_nothing() -> None:
    names = ("a", "b", "c", "a")
    circle = Causes([Cause(name, name, (names[n + 1],), True, False, 0) for n, name in enumerate(names[:3])])
    alert = begun(silent("s1.r1", True, ("a",)), 0, "4")
    assert circle.of(alert, ("a",), 0) == ""


def silence(it: Board, ms: int, **scope: str) -> Silence:
    made = Silence("s-1", it.now, it.now + ms, who="kim", **scope)
    it.ledger.together(it.board.silence(made).statements)
    return made


@pytest.mark.parametrize("scope", [{"site": "s1"}, {"room": "s1.r1"}, {"subject": "s1.r1"}, {"rule": "dust"}])
def test_during_a_silence_nobody_is_told_and_when_it_ends_what_still_holds_is(it: Board, scope: dict[str, str]) -> None:
    silence(it, HOUR, **scope)
    it.put(dust("s1.r1", True))
    it.live(30 * MIN)
    it.restart()
    it.live(29 * MIN)
    assert it.outbox.told == [] and [alert.held for alert in it.board.open()] == [SILENCED]
    it.live(3 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]
    assert ("firing", "firing", "released") in it.changes()


def test_a_silence_of_something_else_holds_nothing_back(it: Board) -> None:
    silence(it, HOUR, site="s1", rule="no-data")
    it.put(dust("s1.r1", True))
    it.live(15 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]


def test_a_silence_that_is_ended_early_is_over_at_once_and_only_once(it: Board) -> None:
    silence(it, HOUR, room="s1.r1")
    it.put(dust("s1.r1", True))
    it.live(20 * MIN)
    it.ledger.together(it.board.end_silence("s-1", "noi", it.now).statements)
    it.live(MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")] and it.ledger.sync()
    assert it.ledger.rows("select who, ended_by from silence") == [("kim", "noi")]
    with pytest.raises(Refused, match="has ended"):
        it.board.end_silence("s-1", "noi", it.now)


def test_what_was_told_before_a_silence_is_not_told_again_after_it_and_its_chain_goes_on(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(15 * MIN)
    silence(it, HOUR, room="s1.r1")
    it.live(HOUR + 4 * MIN)
    assert [told.person for told in it.outbox.told] == ["teacher"]
    it.live(2 * MIN)
    assert [told.person for told in it.outbox.told] == ["teacher", "head"]


def test_a_silence_made_by_a_clock_of_the_future_lasts_as_long_as_it_was_to_last(it: Board) -> None:
    it.now += 1000 * HOUR
    silence(it, HOUR, room="s1.r1")
    it.now -= 1000 * HOUR
    it.put(dust("s1.r1", True))
    it.live(59 * MIN)
    assert it.outbox.told == []
    it.live(3 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]


def test_forty_rooms_behind_a_dead_bridge_make_at_most_two_messages_for_two_people(tmp_path: Path) -> None:
    rooms = "".join(f"      k{n}: {{name: Room {n}, volume_m3: 180}}\n" for n in range(40))
    it = Board(tmp_path, TWO_PEOPLE.replace("      r1: {name", f"{rooms}      r1: {{name"), step_s=60)
    it.put(bridge(PI, True), *(silent(f"s1.k{n}", True, BEHIND) for n in range(40)))
    it.live(3 * HOUR)
    assert sum(it.outbox.messages().values()) == 2
    it.put(bridge(PI, False), *(silent(f"s1.k{n}", False, BEHIND) for n in range(40)))
    it.live(2 * HOUR)
    assert it.outbox.messages() == {"teacher": 2, "head": 2} and it.board.open() == []
    it.close()


def test_a_sensor_that_speaks_every_sixteen_minutes_for_eight_hours_makes_at_most_four_messages(tmp_path: Path) -> None:
    for clear, name in (("1s", "a"), ("5m", "b")):
        (tmp_path / name).mkdir()
        it = Board(tmp_path / name, TWO_PEOPLE.replace("clear_for: 5m", f"clear_for: {clear}"), step_s=60)
        for _ in range(30):
            since = it.now
            for holds in (False, True):
                it.put(replace(silent("s1.r1", holds), since=since))
                it.live(3 * MIN if not holds else 13 * MIN)
        it.put(silent("s1.r1", False))
        it.live(HOUR)
        assert sum(it.outbox.messages().values()) == 4, clear
        it.close()
