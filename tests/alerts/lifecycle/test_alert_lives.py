"""One alert from its first sight until it is closed, and what people are told of it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.answering import Refused
from alerts.lifecycle.model import Key, Sight
from classair import config as configuration
from tests.alerts.notified import CONFIG, HOUR, MIN, PEOPLE, Board, dust, silent


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


def test_what_does_not_last_leaves_no_row_and_tells_nobody(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(9 * MIN)
    it.put(dust("s1.r1", False))
    it.live(MIN)
    assert it.changes() == [] and it.outbox.told == [] and it.board.open() == []
    assert it.ledger.rows("select * from alert") == []


def test_it_fires_escalates_resolves_and_is_told_as_over_when_it_closes(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(10 * MIN + 10_000)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")] and it.states() == [("s1.r1", "firing")]
    it.live(10 * MIN)
    assert it.outbox.of("escalated") == [("head", "s1.r1")]
    it.put(dust("s1.r1", False))
    it.live(6 * MIN)
    assert it.states() == [("s1.r1", "resolved")] and not it.outbox.of("recovered")
    it.live(30 * MIN)
    assert it.outbox.of("recovered") == [("head", "s1.r1"), ("teacher", "s1.r1")]
    assert it.board.open() == []
    assert it.changes() == [
        ("pending", "firing", "holds"),
        ("firing", "resolved", "over"),
        ("resolved", "closed", "over"),
    ]
    assert it.ledger.rows("select state, holds, times, closed_at is not null from alert") == [("closed", 0, 1, 1)]


def test_what_fires_again_within_half_an_hour_joins_and_is_not_told_again(it: Board) -> None:
    for _ in range(3):
        it.put(dust("s1.r1", True))
        it.live(12 * MIN)
        it.put(dust("s1.r1", False))
        it.live(20 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]
    assert [alert.times for alert in it.board.open()] == [3]
    it.live(HOUR)
    assert it.outbox.of("recovered")[-1] == ("teacher", "s1.r1") and it.outbox.messages()["teacher"] == 2
    it.put(dust("s1.r1", True))
    it.live(12 * MIN)
    assert len(it.outbox.of("fired")) == 2


def test_an_acknowledged_alert_goes_no_further_up_and_reminds_nobody(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(11 * MIN)
    (alert,) = it.board.open()
    done = it.board.acknowledge(alert.id, "kim", it.now)
    assert it.outbox.heard == [alert.id], "no message that waits says any more that nobody has"
    assert done.result["state"] == "acknowledged" and done.result["acknowledged_by"] == "kim"
    it.live(9 * HOUR)
    assert [told.stage for told in it.outbox.told] == ["fired"]


def test_without_an_acknowledgement_the_chain_is_told_to_its_end_and_reminded_while_it_lasts(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(41 * MIN)
    assert [told.person for told in it.outbox.told] == ["teacher", "head", "officer"]
    it.live(4 * HOUR)
    assert [told.stage for told in it.outbox.told[3:]] == ["reminder"] * 3


def test_nobody_is_reminded_of_what_was_interrupted_or_is_unknown(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(3 * HOUR)
    it.put(dust("s1.r1", False))
    it.live(MIN)
    it.put(dust("s1.r1", True))
    it.live(3 * HOUR + 30 * MIN)
    it.put(dust("s1.r1", None))
    it.live(5 * HOUR)
    assert not it.outbox.of("reminder") and it.states() == [("s1.r1", "firing")]


def test_two_acknowledgements_are_two_rows_and_one_state(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(11 * MIN)
    (alert,) = it.board.open()
    for who in ("kim", "noi"):
        done = it.board.acknowledge(alert.id, who, it.now)
        it.ledger.together(done.statements)
    assert it.ledger.sync()
    rows = it.ledger.rows("select before, after, who from alert_change where why='acknowledged' order by id")
    assert rows == [("firing", "acknowledged", "kim"), ("acknowledged", "acknowledged", "noi")]
    assert it.ledger.rows("select state, acknowledged_by from alert") == [("acknowledged", "kim")]


def test_acknowledging_what_is_over_does_not_reopen_it(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(11 * MIN)
    it.put(dust("s1.r1", False))
    it.live(6 * MIN)
    (alert,) = it.board.open()
    assert it.board.acknowledge(alert.id, "kim", it.now).result["state"] == "resolved"
    it.live(HOUR)
    assert it.board.open() == []
    assert it.ledger.sync()
    done = it.board.acknowledge(alert.id, "noi", it.now)
    it.ledger.together(done.statements)
    it.live(MIN)
    assert done.result["state"] == "closed" and it.board.open() == [] and it.ledger.sync()
    assert it.ledger.rows("select state, acknowledged_by from alert") == [("closed", "kim")]
    with pytest.raises(Refused, match="no alert"):
        it.board.acknowledge("unknown", "kim", it.now)


def test_an_event_is_told_once_and_is_closed_at_once_also_over_a_restart(it: Board) -> None:
    event = Sight(Key("fault", "s1.fan", "left"), "purifier_fault", "s1", "s1.r1", True, once=True)
    it.put(event)
    it.live(20 * MIN)
    it.restart()
    it.live(20 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.fan")] and len(it.outbox.told) == 1 and it.board.open() == []
    it.sees.clear()
    it.live(HOUR)
    it.put(event)
    it.live(MIN)
    assert len(it.outbox.told) == 2


def test_a_restart_neither_tells_again_nor_forgets(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(11 * MIN)
    (before,) = it.board.open()
    it.restart()
    assert replace(it.board.open()[0], held_since=None) == replace(before, held_since=None)
    it.live(10 * MIN)
    assert [told.person for told in it.outbox.told] == ["teacher", "head"]


def test_what_nobody_is_to_be_told_of_exists_and_is_warned_of(tmp_path: Path) -> None:
    it = Board(
        tmp_path,
        CONFIG.replace("fault: {kind: purifier_fault, tell: [teacher]}", "fault: {kind: purifier_fault}") + PEOPLE,
    )
    it.put(Sight(Key("fault", "s1.fan"), "purifier_fault", "s1", "s1.r1", True))
    it.live(MIN)
    assert it.states() == [("s1.fan", "firing")] and it.outbox.told == []
    assert ["fault" in warning["en"] for warning in it.board.warnings()] == [True]
    it.follow(configuration.parse(CONFIG + PEOPLE))
    it.live(MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.fan")] and it.board.warnings() == []
    it.close()


def test_what_is_no_longer_configured_is_closed_without_a_word(it: Board) -> None:
    it.put(dust("s1.r1", True), silent("s1.r2", True))
    it.live(16 * MIN)
    it.follow(configuration.parse((CONFIG + PEOPLE).replace("dust: {kind: above", "other: {kind: above")))
    assert it.states() == [("s1.r2", "firing")] and not it.outbox.of("recovered")
    assert it.changes()[-1] == ("firing", "closed", "gone")


def test_a_clock_that_is_set_back_makes_nothing_wait_and_a_step_that_is_told_of_changes_nothing(it: Board) -> None:
    it.put(dust("s1.r1", True))
    it.live(5 * MIN)
    it.now -= 10 * HOUR
    it.live(11 * MIN)
    assert it.outbox.of("fired") == [("teacher", "s1.r1")]
    it.now += 100 * HOUR
    it.board.clock_stepped(100 * HOUR, it.now)
    it.live(5 * MIN)
    assert len(it.outbox.told) == 1
    it.live(6 * MIN)
    assert [told.person for told in it.outbox.told] == ["teacher", "head"]


def test_the_wall_says_notified_only_of_silence_and_only_once_a_person_is_reached(it: Board) -> None:
    it.put(silent("s1.r1", True), dust("s1.r1", True))
    it.live(16 * MIN)
    assert it.board.told_at("s1.r1") is None
    by_kind = {alert.kind: alert.id for alert in it.board.open()}
    it.outbox.reached_at = {by_kind["above"]: 5, by_kind["silent"]: 7}
    assert it.board.told_at("s1.r1") == 7 and it.board.told_at("s1.r2") is None
