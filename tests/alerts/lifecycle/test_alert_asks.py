"""What people ask of alerts: done once, answered when it is on disk, and within bounds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.asks import Asks
from alerts.control.switchboard import Switchboard
from alerts.lifecycle.asked import handlers
from classair.wire import Answer, Topics
from tests.alerts.notified import HOUR, MIN, Board, dust

TOPICS = Topics("town")


class Desk:
    """The dashboard's side: asks, and notes the answers; `on_disk` are the rows when an answer was said."""

    def __init__(self, it: Board) -> None:
        self.it = it
        self.answers: list[Answer] = []
        self.kept: list[int] = []
        self.answered = threading.Condition()
        self.begin()

    def begin(self) -> None:
        switchboard = Switchboard(self.it.ledger, self.say, lambda: self.it.now)
        self.asks = Asks(self.it.ledger, switchboard, self.say, lambda matters, now: None)
        self.asks.handlers.update(handlers(self.it.board))

    def say(self, topic: str, payload: str, **_: Any) -> bool:
        answer = Answer.model_validate_json(payload)
        with self.answered:
            self.kept.append(len(self.it.ledger.rows("select 1 from answered where id=?", answer.id)))
            self.answers.append(answer)
            self.answered.notify()
        return True

    def ask(self, ask_id: str, do: str, who: str = "kim", **args: Any) -> Answer:
        count = len(self.answers)
        payload = json.dumps({"id": ask_id, "do": do, "who": who, "args": args}).encode()
        self.asks.hear(TOPICS.ask("alerts", ask_id), payload, TOPICS, lambda room: None, self.it.now)  # type: ignore[arg-type, return-value]
        with self.answered:
            assert self.answered.wait_for(lambda: len(self.answers) > count, 60)
        return self.answers[-1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    it = Board(tmp_path)
    it.put(dust("s1.r1", True))
    it.live(11 * MIN)
    yield Desk(it)
    it.close()


def test_an_acknowledgement_is_answered_when_it_is_on_disk_and_says_who_was_first(desk: Desk) -> None:
    (alert,) = desk.it.board.open()
    answer = desk.ask("ask-00001", "acknowledge", alert=alert.id)
    assert answer.ok and answer.result["state"] == "acknowledged" and desk.kept == [1]
    answer = desk.ask("ask-00002", "acknowledge", who="noi", alert=alert.id)
    assert answer.ok and answer.result["acknowledged_by"] == "kim"
    rows = desk.it.ledger.rows("select who from alert_change where why='acknowledged' order by id")
    assert rows == [("kim",), ("noi",)]


def test_an_ask_that_arrives_again_is_done_once_also_after_a_restart(desk: Desk) -> None:
    for again in range(2):
        first = desk.ask("ask-00001", "silence", minutes=60, room="s1.r1", why="painting")
        assert first.ok and first.result == {"silence": "ask-00001", "until": desk.answers[0].result["until"]}
        desk.it.now += MIN
        if not again:
            desk.it.restart()
            desk.begin()
    assert desk.it.ledger.rows("select id, room, who, why from silence") == [("ask-00001", "s1.r1", "kim", "painting")]
    assert desk.ask("ask-00002", "end_silence", silence="ask-00001").ok
    assert not desk.ask("ask-00003", "end_silence", silence="ask-00001").ok


@pytest.mark.parametrize(
    ("do", "args", "why"),
    [
        ("acknowledge", {}, "alert: Field required"),
        ("acknowledge", {"alert": "unknown"}, "there is no alert unknown"),
        ("silence", {"minutes": 60}, "at least one of site, room"),
        ("silence", {"room": "s1.r1"}, "minutes: Field required"),
        ("silence", {"minutes": 43_201, "room": "s1.r1"}, "minutes: Input should be less than or equal to 43200"),
        ("silence", {"minutes": "NaN", "room": "s1.r1"}, "minutes: "),
        ("silence", {"minutes": 60, "room": "' or 1=1"}, "room: "),
        ("silence", {"minutes": 60, "site": "s1", "why": "x" * 301}, "why: "),
        ("end_silence", {"silence": ""}, "silence: "),
        ("end_silence", {"silence": "unknown"}, "there is no silence unknown"),
        ("dance", {}, "known: acknowledge, end_silence, override, silence, trial"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason_and_changes_nothing(
    desk: Desk, do: str, args: dict[str, Any], why: str
) -> None:
    before = desk.it.changes()
    answer = desk.ask("ask-00009", do, **args)
    assert not answer.ok and why in answer.error
    assert desk.it.changes() == before and desk.it.ledger.rows("select * from silence") == []


def test_a_silence_asked_for_holds_back_what_comes_and_ends_by_itself(desk: Desk, wait_for: Callable[..., Any]) -> None:
    desk.ask("ask-00001", "silence", minutes=60, site="s1")
    desk.it.put(dust("s1.r2", True))
    desk.it.live(HOUR - MIN)
    assert desk.it.outbox.of("fired") == [("teacher", "s1.r1")]
    desk.it.live(3 * MIN)
    assert desk.it.outbox.of("fired")[1:] == [("teacher", "s1.r2")]
