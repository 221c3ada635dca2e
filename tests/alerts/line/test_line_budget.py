"""The month's budget: never more than LINE allows, urgent messages first, and counted across restarts."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.line.budget import Budget, Priority
from alerts.line.tally import LAG_MS, restored
from classair.line.answers import MonthlyLimit, NotReached, Quota, TooFast

NOVEMBER = (calendar.timegm((2026, 11, 1, 0, 0, 0)) - 7 * 3600) * 1000  # its first midnight in Bangkok
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@dataclass
class Line:
    """LINE's count, which shows a message `lag` after it was accepted; nothing is refused, so that too many show."""

    limit: int | None = 300
    lag: int = 0
    now: int = NOVEMBER
    accepted: list[int] = field(default_factory=list)
    away: bool = False
    asked: int = 0

    def quota(self) -> Quota:
        self.asked += 1
        if self.away:
            raise NotReached("LINE answered 500", 500)
        return Quota(self.limit)

    def consumption(self) -> int:
        if self.away:
            raise NotReached("LINE answered 500", 500)
        return sum(at <= self.now - self.lag for at in self.accepted)

    def clock(self) -> int:
        return self.now


class Memory(dict[str, str]):
    def remember(self, key: str, value: str) -> None:
        self[key] = value

    def remembered(self, key: str) -> str | None:
        return self.get(key)


class Account:
    def __init__(self, **line: int | None) -> None:
        self.line, self.memory = Line(**line), Memory()  # type: ignore[arg-type]
        self.restart()
        self.number = 0

    def restart(self) -> None:
        self.budget = Budget(lambda: self.line, self.memory, self.line.clock)

    def send(self, priority: Priority = "high", how: str = "ok", key: str = "") -> str:
        self.number += 1
        key = key or str(self.number)
        refusal = self.budget.take(key, priority)
        if refusal:
            return refusal
        if how != "refused" and how != "lost":
            self.line.accepted.append(self.line.now)
        if how == "ok":
            self.budget.sent(key)
        elif how == "refused":
            self.budget.not_sent(key, TooFast("429", 429))
        return ""


def test_the_quota_is_lines_and_the_last_message_is_the_last() -> None:
    account = Account(limit=5)
    assert [account.send() for _ in range(7)] == [""] * 5 + ["quota"] * 2
    assert len(account.line.accepted) == 5


def test_what_somebody_else_sent_counts_from_the_next_hour_on() -> None:
    account = Account(limit=10)
    account.send()
    account.line.accepted += [account.line.now] * 8
    account.line.now += HOUR
    assert [account.send() for _ in range(2)] == ["", "quota"]


def test_weekly_and_informing_messages_stop_below_a_fifth_and_all_but_urgent_ones_below_a_tenth() -> None:
    account = Account(limit=100)
    account.line.accepted += [account.line.now] * 80
    assert [account.send(priority) for priority in ("low", "normal", "high")] == ["", "", ""]
    account.line.accepted += [account.line.now] * 8
    account.line.now += HOUR
    account.budget.refresh()
    assert account.budget.forecast(1).left == 9
    assert [account.send(priority) for priority in ("low", "normal", "high")] == ["budget", "budget", ""]
    account = Account(limit=100)
    account.line.accepted += [account.line.now] * 81
    assert [account.send(priority) for priority in ("low", "normal", "high")] == ["budget", "", ""]
    assert account.budget.forecast(1).held == 1


def test_an_account_without_a_limit_sends_everything() -> None:
    account = Account(limit=None)
    assert {account.send(priority) for priority in ("low", "normal", "high") for _ in range(400)} == {""}
    assert account.budget.forecast(10).left is None


def test_while_line_does_not_answer_the_last_quota_and_our_own_count_go_on() -> None:
    account = Account(limit=4)
    account.send()
    account.line.away = True
    account.line.now += 5 * HOUR
    assert [account.send() for _ in range(4)] == ["", "", "", "quota"]
    assert "500" in account.budget.forecast(1).error


def test_a_quota_that_was_never_heard_stops_nothing() -> None:
    account = Account(limit=0)
    account.line.away = True
    assert account.send() == ""


def test_line_is_asked_once_an_hour_and_five_minutes_after_it_did_not_answer() -> None:
    account = Account()
    for _ in range(10):
        account.send()
    assert account.line.asked == 1
    account.line.now += HOUR
    account.line.away = True
    account.send()
    account.send()
    assert account.line.asked == 2
    account.line.now += 5 * MINUTE
    account.send()
    assert account.line.asked == 3


def test_a_message_of_unknown_end_counts_until_line_has_counted_it_and_its_next_attempt_is_free() -> None:
    account = Account(limit=2)
    assert account.send(how="timeout", key="a") == ""
    assert account.send(key="b") == ""
    assert account.send(key="c") == "quota"
    assert account.budget.take("a", "high") == ""
    account.budget.sent("a")
    assert account.send(key="d") == "quota"


def test_a_message_that_line_refused_costs_nothing() -> None:
    account = Account(limit=1)
    assert [account.send(how="refused") for _ in range(5)] == [""] * 5
    assert account.send() == ""


def test_the_monthly_limit_by_lines_own_word_ends_it_until_line_says_otherwise() -> None:
    account = Account(limit=300)
    account.budget.take("a", "high")
    account.budget.not_sent("a", MonthlyLimit("You have reached your monthly limit.", 429))
    assert account.send() == "quota"
    account.line.now += HOUR
    assert account.send() == ""


def test_a_new_month_begins_with_nothing_used() -> None:
    account = Account(limit=3)
    assert [account.send() for _ in range(4)][-1] == "quota"
    account.line.now += 31 * DAY
    account.line.accepted.clear()
    assert [account.send() for _ in range(4)] == ["", "", "", "quota"]


def test_messages_to_people_who_have_blocked_the_account_are_not_counted_for_long() -> None:
    account = Account(limit=4)
    for _ in range(3):
        account.send(how="ok")
    account.line.accepted.clear()  # LINE never counts them
    account.line.now += 2 * HOUR
    assert account.budget.take("next", "high") == ""
    assert account.budget.forecast(1).used == 1


def test_the_forecast_says_when_the_quota_ends_at_one_message_a_day_for_everybody() -> None:
    account = Account(limit=300)
    account.budget.refresh()
    forecast = account.budget.forecast(60)
    assert (forecast.left, forecast.episode_days, forecast.ends_on) == (300, 5, None)
    assert account.budget.forecast(3).episode_days is None


def test_the_forecast_follows_the_pace_of_the_last_days() -> None:
    account = Account(limit=300)
    for _ in range(4):
        for _ in range(30):
            account.send()
        account.line.now += DAY
    account.budget.refresh()
    ends_on = account.budget.forecast(30).ends_on
    assert ends_on is not None
    assert (ends_on.month, ends_on.day) == (11, 11)  # 180 left at 30 a day


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"polled": "many"}', '{"unheard_of": 1}', "null", '{"days": 3}']
)
def test_a_damaged_memory_is_a_new_beginning(text: str | None) -> None:
    assert restored(text).used() == 0


events = st.lists(
    st.one_of(
        st.tuples(
            st.just("send"),
            st.sampled_from(["high", "normal", "low"]),
            st.sampled_from(["ok", "timeout", "lost", "refused"]),
        ),
        st.tuples(st.just("burst"), st.integers(1, 40), st.just("ok")),
        st.tuples(st.just("wait"), st.sampled_from([MINUTE, 20 * MINUTE, HOUR, 7 * HOUR, DAY]), st.just("")),
        st.tuples(st.just("restart"), st.just(0), st.just("")),
        st.tuples(st.just("away"), st.booleans(), st.just("")),
        st.tuples(st.just("again"), st.just(0), st.just("")),
    ),
    max_size=60,
)


@pytest.mark.thorough
@given(events, st.integers(0, 60), st.integers(0, LAG_MS - 1))
@settings(max_examples=200)
def test_whatever_happens_never_more_is_accepted_than_the_quota(
    history: list[tuple[str, object, str]], limit: int, lag: int
) -> None:
    """Polls that fail or lag, attempts without an answer, restarts: nobody else sends, and LINE would take it all."""
    account = Account(limit=limit, lag=lag)
    account.budget.refresh()
    end = NOVEMBER + 29 * DAY
    unknown: list[tuple[str, bool]] = []
    for number, (what, how, end_of_it) in enumerate(history):
        match what:
            case "send":
                key = f"s{number}"
                if not account.send(how, end_of_it, key) and end_of_it in ("timeout", "lost"):  # type: ignore[arg-type]
                    unknown.append((key, end_of_it == "lost"))
            case "burst":
                for _ in range(int(str(how))):
                    account.send()
            case "wait":
                account.line.now = min(end, account.line.now + int(str(how)))
            case "restart":
                account.restart()
            case "away":
                account.line.away = bool(how)
            case "again" if unknown:  # the same key once more: LINE carries it out once at most
                key, lost = unknown.pop()
                if account.budget.take(key, "high") == "":
                    account.line.accepted += [account.line.now] * lost
                    account.budget.sent(key)
        assert len(account.line.accepted) <= limit
