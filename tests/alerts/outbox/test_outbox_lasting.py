"""Nothing is lost by a restart, a disk that refuses, a channel that is slow or a clock that is put right."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from alerts.channels import ChannelError, Message
from alerts.lifecycle.model import Telling
from tests.alerts.outbox.posting import CARETAKER, HOUR, MIN, SEC, TEN, Post, alert, titles

Make = Callable[..., Post]


def test_what_is_waiting_or_being_sent_goes_on_after_a_restart_with_key_and_words_of_before(
    post: Make, paper: Any
) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ChannelError("busy", permanent=False)] * 2
    it.tell(alert("a"))
    it.tell(alert("b"))
    it.after(MIN)
    it.tell(alert("c"))
    (frozen,) = it.rows("select id, title, text from notification where state='sending'")
    it.restart()
    it.outbox._words = lambda *_: ("other", "words")
    it.after(5 * MIN)
    first, second = paper.PILES["caretaker"]
    assert (first.key, first.title, first.text) == frozen and second.title == "c fired"
    assert it.rows("select attempt from attempt where notification=? order by id", first.key) == [(1,), (2,), (3,)]


def test_a_message_that_waits_takes_in_more_after_a_restart(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a"))
    it.restart()
    it.tell(alert("b"))
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["School One: 2 problems"]


def test_the_minute_between_two_messages_outlasts_a_restart(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a", severity="urgent"))
    it.after(10 * SEC)
    it.restart()
    it.tell(alert("b", severity="urgent"))
    it.after(59 * SEC)
    assert titles(paper.PILES["caretaker"]) == ["a fired"]
    it.after(SEC)
    assert titles(paper.PILES["caretaker"]) == ["a fired", "b fired"]


def test_who_was_told_is_known_after_a_restart_while_the_alert_is_open(post: Make, paper: Any) -> None:
    it = post()
    it.commit(
        [
            (
                "insert into alert(id, rule, kind, subject, part, site, room, severity, state, holds, since, "
                "changed_at) values('a', 'rule', 'silent', 's1.r1', '', 's1', 'r1', 'warning', 'firing', 1, ?, ?)",
                (TEN, TEN),
            )
        ]
    )
    it.tell(alert("a"))
    it.after(MIN)
    it.restart()
    assert it.outbox.told_at("a") == TEN + MIN and it.outbox.told("a") == {"caretaker"}
    it.tell(alert("a"), stage="recovered")
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["a fired", "a recovered"]


def test_the_end_that_waits_when_we_stop_is_told_in_the_next_life(post: Make, paper: Any) -> None:
    it = post("caretaker: {channel: paper, to: caretaker, quiet: 18:00-06:30}")
    it.tell(alert("a"))
    it.after(MIN)
    closed = (
        "insert into alert(id, rule, kind, subject, part, site, room, severity, state, holds, since, changed_at, "
        "closed_at) values('a', 'rule', 'silent', 's1.r1', '', 's1', 's1.r1', 'warning', 'closed', 0, ?, ?, ?)",
        (it.now, it.now, it.now),
    )
    it.at(TEN + 10 * HOUR)
    it.commit([closed, *it.outbox.tell(Telling(alert("a"), "recovered", ("caretaker",)), it.now)])
    it.restart()
    it.after(12 * HOUR)
    assert titles(paper.PILES["caretaker"]) == ["a fired", "a recovered"]


def test_a_clock_that_stood_still_while_the_machine_was_off_keeps_no_message(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a", severity="urgent"))
    it.now -= 8 * HOUR
    it.restart()
    it.now += 9 * HOUR
    it.outbox.clock_stepped(9 * HOUR)
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["a fired"]


def test_messages_are_sent_although_the_disk_refuses(post: Make, paper: Any) -> None:
    it = post()
    with sqlite3.connect(it.folder / "ledger.db", isolation_level=None) as other:
        it.ledger._connection.execute("pragma busy_timeout=1")
        other.execute("begin immediate")  # nobody else writes from now on
        it.ledger.write("insert into meta values('a', 'b')")
        while not it.ledger.failing:
            threading.Event().wait(0.01)
        it.tell(alert("a", severity="urgent"))
        it.after(10 * SEC)
        assert titles(paper.PILES["caretaker"]) == ["a fired"]
        assert it.outbox.told_at("a") == TEN + 10 * SEC
        other.execute("rollback")
    assert it.ledger.sync(60)
    assert it.states() == [("delivered", "")]  # on record as soon as the disk lets it


def test_a_slow_channel_holds_nobody_else_up(post: Make, paper: Any, monkeypatch: Any) -> None:
    it = post(CARETAKER, "head: {channel: paper, to: head, language: en}")
    go, send = threading.Event(), paper.Channel.send

    def slow(channel: Any, message: Message) -> Any:
        if channel._to == "caretaker":
            assert go.wait(60)
        return send(channel, message)

    monkeypatch.setattr(paper.Channel, "send", slow)
    it.tell(alert("a"), ["caretaker", "head"])
    it.now += MIN
    it.outbox.look()
    while not paper.PILES["head"]:
        it.do_next()
    assert not paper.PILES["caretaker"]
    go.set()
    it.settle()
    assert titles(paper.PILES["caretaker"]) == ["a fired"]


def test_a_clock_put_right_neither_delays_nor_hurries_what_waits(post: Make, paper: Any) -> None:
    it = post()
    for by in (-7 * 24 * HOUR, 7 * 24 * HOUR):
        paper.PILES.clear()
        it.tell(alert(f"a{by}"))
        it.now += by
        it.outbox.clock_stepped(by)
        it.after(MIN - 1)
        assert not paper.PILES["caretaker"]
        it.after(1)
        assert len(paper.PILES["caretaker"]) == 1


def test_a_person_or_channel_that_is_gone_ends_what_waits_for_them(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a"))
    it.config = Post.parsed("other: {channel: paper, to: other}")
    it.outbox.follow(it.config)
    it.after(MIN)
    assert it.states() == [("abandoned", "no_channel")]


def test_what_is_wrong_with_a_channel_is_said_without_its_settings(post: Make, paper: Any) -> None:
    it = post()
    wrong = it.outbox.follow(
        Post.parsed(
            "a: {channel: paper, two: hidden}",
            "b: {channel: pigeon}",
            "c: {channel: console, second: {channel: apprise, url: hidden}}",
        )
    )
    assert [line.partition(":")[0] for line in wrong] == ["people.a", "people.b", "people.c.second"]
    assert "pigeon" in wrong[1] and "hidden" not in "".join(wrong)
