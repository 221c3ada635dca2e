"""Quiet hours, also over midnight: what is not urgent waits for their end, and is not sent if it is over by then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.outbox import timing
from classair.timetable import ZONE, HoursOfDay, local_time
from tests.alerts.outbox.posting import HOUR, MIN, SEC, Post, alert, titles

Make = Callable[..., Post]
NIGHTLY = "caretaker: {channel: paper, to: caretaker, language: en, quiet: '18:00-06:30'}"


def at(hour: int, minute: int = 0, day: int = 23) -> int:
    return round(datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


def test_what_is_not_urgent_waits_for_the_end_of_quiet_hours_as_one_message(post: Make, paper: Any) -> None:
    it = post(NIGHTLY, now=at(20))
    it.tell(alert("a"))
    it.after(HOUR)
    it.tell(alert("b"))
    it.at(at(6, 29, day=24))
    assert not paper.PILES["caretaker"] and it.states() == [("waiting", "quiet_hours")]
    it.at(at(6, 30, day=24))
    assert titles(paper.PILES["caretaker"]) == ["School One: 2 problems"]


def test_what_is_urgent_comes_at_once_and_leaves_the_rest_to_the_morning(post: Make, paper: Any) -> None:
    it = post(NIGHTLY, now=at(20))
    it.tell(alert("a"))
    it.tell(alert("b", severity="urgent"))
    it.after(10 * SEC)
    assert titles(paper.PILES["caretaker"]) == ["b fired"]
    it.at(at(7, day=24))
    assert titles(paper.PILES["caretaker"]) == ["b fired", "a fired"]


def test_what_is_over_by_the_end_of_quiet_hours_is_not_sent(post: Make, paper: Any) -> None:
    it = post(NIGHTLY, now=at(20))
    it.tell(alert("a"))
    it.restart()
    it.after(HOUR)
    it.withdraw(alert("a"))
    it.tell(alert("a"), stage="recovered")
    it.at(at(12, day=24))
    assert not paper.PILES["caretaker"] and it.states() == [("dropped", "over_before_sent")]


def test_a_message_that_comes_due_in_quiet_hours_waits_too(post: Make, paper: Any) -> None:
    it = post(NIGHTLY, now=at(17, 59) + 30 * SEC)
    it.tell(alert("a"))
    it.after(5 * MIN)
    assert not paper.PILES["caretaker"]
    it.restart()
    it.at(at(7, day=24))
    assert titles(paper.PILES["caretaker"]) == ["a fired"]


def test_quiet_hours_that_begin_while_it_waits_count_too(post: Make, paper: Any) -> None:
    it = post(NIGHTLY.replace("18:00-06:30", "11:00-12:00"), now=at(17))
    it.tell(alert("a"))
    it.config = Post.parsed(NIGHTLY.replace("18:00", "17:00"))
    it.outbox.follow(it.config)
    it.after(2 * MIN)
    assert it.states() == [("waiting", "quiet_hours")]


clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@given(start=clock_times, end=clock_times, now=st.integers(at(0), at(0) + 3 * 24 * HOUR))
def test_the_end_of_quiet_hours_is_the_next_moment_outside_of_them(start: time, end: time, now: int) -> None:
    quiet = HoursOfDay(start, end)
    until = timing.quiet_until(quiet, now)
    if not quiet.holds(local_time(now).time()):
        assert until is None
        return
    assert until is not None and now < until <= now + 24 * HOUR
    assert local_time(until).time() == end
    inside = local_time(now)
    while (inside := inside + timedelta(minutes=7)) < local_time(until):
        assert start == end or quiet.holds(inside.time())
