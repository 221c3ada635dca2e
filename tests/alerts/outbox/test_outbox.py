"""What people are sent: once, gathered, by the way that works, with every attempt on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alerts.channels import ChannelError
from alerts.outbox import timing
from tests.alerts.outbox.posting import CARETAKER, HOUR, MIN, SEC, TEN, Post, alert, titles

Make = Callable[..., Post]
TWO_WAYS = "caretaker: {channel: paper, to: caretaker, language: en, second: {channel: paper, to: mail}}"


def test_a_message_is_sent_after_the_minute_of_gathering_and_on_record(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a"))
    it.after(MIN - 1)
    assert not paper.PILES["caretaker"]
    it.after(1)
    (message,) = paper.PILES["caretaker"]
    assert (message.title, message.text, message.language) == ("a fired", "(en) s1.r1", "en")
    assert message.link == "https://air.example/alerts?alert=a" and message.stage == "fired" and not message.urgent
    row = it.rows("select id, person, site, state, channel, attempts, delivered_at, receipt, reached from notification")
    assert row == [(message.key, "caretaker", "s1", "delivered", "paper", 1, TEN + MIN, "sheet-1", 1)]
    assert it.rows("select notification, at, person, channel, attempt, ok, error, receipt from attempt") == [
        (message.key, TEN + MIN, "caretaker", "paper", 1, 1, "", "sheet-1")
    ]
    assert it.rows("select alert, stage, kind, title from notification_item") == [("a", "fired", "silent", "a fired")]
    assert (
        it.outbox.told_at("a") == TEN + MIN and it.outbox.told_at("b") is None and it.outbox.told("a") == {"caretaker"}
    )


def test_an_urgent_message_waits_ten_seconds_at_most(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a"))
    it.after(20 * SEC)
    it.tell(alert("b", severity="urgent"))
    it.after(10 * SEC)
    (message,) = paper.PILES["caretaker"]
    assert message.title == "School One: 2 problems" and message.urgent
    assert message.text == "• a fired\n(en) s1.r1\n\n• b fired\n(en) s1.r1"


def test_what_fires_within_a_minute_is_one_message_for_each_person_and_school(post: Make, paper: Any) -> None:
    it = post(CARETAKER, "head: {channel: paper, to: head, language: th}")
    for number in range(40):
        it.tell(alert(f"a{number}", site="s1" if number % 2 else "s2"), ["caretaker", "head"])
        it.after(SEC)
    it.after(5 * MIN)
    assert sorted(titles(paper.PILES["caretaker"])) == ["School One: 20 problems", "School Two: 20 problems"]
    assert sorted(titles(paper.PILES["head"])) == ["โรงเรียนสอง: มี 20 เรื่อง", "โรงเรียนหนึ่ง: มี 20 เรื่อง"]
    assert "… and 10 more" in paper.PILES["caretaker"][0].text
    assert it.outbox.told_at("a0") and it.outbox.told_at("a39")


def test_nobody_gets_a_second_message_of_a_school_within_a_minute_not_even_an_urgent_one(
    post: Make, paper: Any
) -> None:
    it = post()
    it.tell(alert("a", severity="urgent"))
    it.after(10 * SEC)
    it.tell(alert("b", severity="urgent"), stage="escalated")
    it.after(60 * SEC - 1)
    assert titles(paper.PILES["caretaker"]) == ["a fired"]
    it.after(1)
    assert titles(paper.PILES["caretaker"]) == ["a fired", "b escalated"]


def test_the_end_is_told_to_who_heard_of_the_beginning_and_to_nobody_else(post: Make, paper: Any) -> None:
    it = post(CARETAKER, "head: {channel: paper, to: head, language: en}")
    it.tell(alert("a"))
    it.after(2 * MIN)
    it.tell(alert("a"), ["caretaker", "head"], "recovered")
    it.tell(alert("b"), ["head"])
    it.tell(alert("b"), ["head"], "recovered")
    it.after(2 * MIN)
    assert titles(paper.PILES["caretaker"]) == ["a fired", "a recovered"] and not paper.PILES["head"]
    assert sorted(it.states()) == [("delivered", ""), ("delivered", ""), ("dropped", "over_before_sent")]


def test_the_end_never_arrives_before_the_beginning(post: Make, paper: Any) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ChannelError("busy", permanent=False) for _ in range(6)]
    it.tell(alert("a"))
    it.after(MIN)
    it.tell(alert("a"), stage="recovered")
    it.after(HOUR)
    assert titles(paper.PILES["caretaker"]) == ["a fired", "a recovered"]


def test_what_is_over_before_it_was_sent_is_not_sent(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a"))
    it.tell(alert("b"))
    it.withdraw(alert("a"))
    it.after(2 * MIN)
    assert titles(paper.PILES["caretaker"]) == ["b fired"]
    it.tell(alert("c"))
    it.withdraw(alert("c"))
    it.after(2 * MIN)
    assert it.states() == [("delivered", ""), ("dropped", "over_before_sent")]
    assert it.rows("select alert from notification_item order by alert") == [("b",), ("c",)]


def test_once_acknowledged_nobody_hears_any_more_that_nobody_has(post: Make, paper: Any) -> None:
    it = post(CARETAKER, "head: {channel: paper, to: head, quiet: 18:00-06:30}")
    it.at(TEN + 13 * HOUR)
    it.tell(alert("a"))
    it.tell(alert("b"))
    it.after(10 * MIN)
    it.tell(alert("a"), ["head"], "escalated")
    it.tell(alert("b"), ["head"], "escalated")
    it.commit(it.outbox.acknowledged("a"))
    it.after(10 * HOUR)
    assert titles(paper.PILES["head"]) == ["b escalated"]
    it.tell(alert("b"), ["caretaker"], "reminder")
    it.commit(it.outbox.acknowledged("b"))
    it.tell(alert("a"), ["caretaker", "head"], "recovered")
    it.after(10 * MIN)
    assert titles(paper.PILES["caretaker"])[1:] == ["a recovered"]
    assert len(paper.PILES["head"]) == 1


def test_a_failing_channel_is_tried_again_with_growing_pauses_and_the_same_key(post: Make, paper: Any) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ChannelError("busy", permanent=False) for _ in range(3)]
    it.tell(alert("a"))
    it.after(HOUR)
    start = TEN + MIN
    assert it.rows("select at, attempt, ok, error from attempt order by id") == [
        (start, 1, 0, "busy"),
        (start + 5 * SEC, 2, 0, "busy"),
        (start + 20 * SEC, 3, 0, "busy"),
        (start + 50 * SEC, 4, 1, ""),
    ]
    assert len(it.rows("select distinct notification from attempt")) == 1 and it.states() == [("delivered", "")]


def test_a_provider_that_wants_to_be_left_alone_is_for_everybody_in_its_lane(post: Make, paper: Any) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ChannelError("too many", permanent=False, pause_s=90)]
    it.tell(alert("a"))
    it.tell(alert("b", site="s2"))
    it.after(HOUR)
    first, *others = [at for (at,) in it.rows("select at from attempt order by id")]
    assert len(others) >= 2 and sorted(titles(paper.PILES["caretaker"])) == ["a fired", "b fired"]
    assert max(others) == first + 90 * SEC


def test_who_cannot_be_reached_the_first_way_is_reached_the_second_in_the_same_message(post: Make, paper: Any) -> None:
    it = post(TWO_WAYS)
    paper.FAULTS["caretaker"] = [ChannelError("blocked", permanent=True)]
    it.tell(alert("a"))
    it.after(MIN)
    assert titles(paper.PILES["mail"]) == ["a fired"]
    assert it.rows("select attempt, ok, error from attempt order by id") == [(1, 0, "blocked"), (2, 1, "")]
    assert it.states() == [("delivered", "")]


def test_a_used_up_quota_leads_to_the_second_way_though_the_channel_may_work_again(post: Make, paper: Any) -> None:
    it = post(TWO_WAYS)
    paper.FAULTS["caretaker"] = [ChannelError("used up", permanent=False, reason="quota")]
    it.tell(alert("a"))
    it.after(MIN)
    assert titles(paper.PILES["mail"]) == ["a fired"]


def test_an_urgent_message_takes_the_second_way_when_the_first_stays_busy(post: Make, paper: Any) -> None:
    it = post(TWO_WAYS)
    paper.FAULTS["caretaker"] = [ChannelError("busy", permanent=False) for _ in range(99)]
    it.tell(alert("a", severity="urgent"))
    it.after(2 * MIN)
    assert titles(paper.PILES["mail"]) == ["a fired"]


@pytest.mark.parametrize(
    "reason, shown", [("", "refused"), ("quota", "quota"), ("budget", "budget"), ("no_channel",) * 2]
)
def test_what_every_way_refuses_is_abandoned_with_the_reason(post: Make, paper: Any, reason: str, shown: str) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ChannelError("no", permanent=True, reason=reason)]
    it.tell(alert("a"))
    it.after(MIN)
    assert it.states() == [("abandoned", shown)] and it.outbox.told_at("a") is None
    assert it.outbox.attempts.abandoned == 1


def test_news_of_half_a_day_ago_is_abandoned_and_urgent_news_a_day_later(post: Make, paper: Any) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ChannelError("busy", permanent=False) for _ in range(999)]
    it.tell(alert("a"))
    it.tell(alert("b", site="s2", severity="urgent"))
    it.after(14 * HOUR)
    assert sorted(it.states()) == [("abandoned", "too_old"), ("sending", "")]
    it.after(12 * HOUR)
    assert sorted(it.states()) == [("abandoned", "too_old")] * 2


def test_a_channel_that_breaks_is_a_failed_attempt_without_its_words(
    post: Make, paper: Any, caplog: pytest.LogCaptureFixture
) -> None:
    it = post()
    paper.FAULTS["caretaker"] = [ValueError("https://secret.example/token")]
    it.tell(alert("a"))
    it.after(2 * MIN)
    assert it.rows("select ok, error from attempt order by id") == [(0, "ValueError"), (1, "")]
    assert "channel_failed channel=paper error=ValueError line=send:" in caplog.text and "secret" not in caplog.text


def test_the_console_reaches_nobody(post: Make, capsys: pytest.CaptureFixture[str]) -> None:
    it = post("caretaker: {channel: console, language: en}")
    it.tell(alert("a"))
    it.after(MIN)
    assert "** a fired: (en) s1.r1" in capsys.readouterr().out
    assert it.rows("select state, reached from notification") == [("delivered", 0)]
    assert it.outbox.told_at("a") is None and it.outbox.told("a") == {"caretaker"}


def test_who_is_responsible_for_other_schools_is_not_told(post: Make, paper: Any) -> None:
    it = post("caretaker: {channel: paper, to: caretaker, sites: [s2]}")
    it.tell(alert("a"))
    it.tell(alert("b", site="s2"))
    it.after(2 * MIN)
    assert titles(paper.PILES["caretaker"]) == ["b fired"]


def test_a_fault_in_a_text_does_not_keep_the_news_from_people(post: Make, paper: Any) -> None:
    it = post()
    it.outbox._words = lambda *_: {}["missing"]
    it.tell(alert("a"))
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["rule: s1.r1"]


def test_pauses_grow_up_to_an_hour_and_are_never_shorter_than_the_provider_wants() -> None:
    pauses = [timing.pause_ms(attempts) for attempts in range(1, 30)]
    assert pauses == sorted(pauses) and pauses[0] == 5 * SEC and pauses[-1] == HOUR
    assert timing.pause_ms(1, 3600) == HOUR and timing.pause_ms(29, 1) == HOUR
    assert timing.pause_ms(1, float("inf")) == 24 * HOUR


def test_a_test_message_goes_at_once_and_its_result_is_on_record(post: Make, paper: Any) -> None:
    it = post("caretaker: {channel: paper, to: caretaker, quiet: '00:00-23:59'}")
    key, statements = it.outbox.try_out("caretaker", it.now)
    it.commit(statements)
    assert titles(paper.PILES["caretaker"]) == ["ทดสอบการแจ้งเตือนจาก ClassAir"]
    assert it.rows("select id, stage, state, reached from notification") == [(key, "test", "delivered", 1)]


def test_an_episode_is_announced_at_once_in_each_persons_language(post: Make, paper: Any) -> None:
    it = post(
        CARETAKER, "head: {channel: paper, to: head}", "nurse: {channel: paper, to: nurse, mute: [smoke_episode]}"
    )
    people = ["caretaker", "head", "nurse"]
    it.commit(
        it.outbox.announce(people, lambda code: ("Smoke", code), site="s1", severity="urgent", episode="e1", now=it.now)
    )
    assert [m.text for pile in ("caretaker", "head") for m in paper.PILES[pile]] == ["en", "th"]
    assert not paper.PILES["n"]
    assert set(it.rows("select person, episode, stage, state, reason from notification")) == {
        ("caretaker", "e1", "episode", "delivered", ""),
        ("head", "e1", "episode", "delivered", ""),
        ("nurse", "e1", "episode", "dropped", "unsubscribed"),
    }
