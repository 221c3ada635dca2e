"""Messages about dust to followers: once on the way up, never on the way down, at night, or of what nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.timetable import ZONE, HoursOfDay
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import Answer, PurifierState, RoomState
from dashboard.access.desk_file import DeskFile
from dashboard.following.dust import LEVELS, DustNews, News, at_full, has_lessons
from dashboard.following.followers import Followers
from dashboard.following.rounds import QUIET, Rounds, dust_message
from tests.dashboard.conftest import House, state_of
from tests.neighbours.line import user

ROOM = "ban-suan.p1-2"
TEN = round(datetime(2026, 11, 23, 10, tzinfo=ZONE).timestamp() * 1000)  # a Monday of the term
VALUES = {"very_good": 10, "good": 20, "moderate": 30, "starts_to_affect_health": 52, "affects_health": 90}


def state(level: str, at: int, *, age_s: float = 30) -> RoomState:
    return state_of(ROOM, VALUES[level], at=at, age_s=age_s)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[DeskFile]:
    made = DeskFile(tmp_path / "desk.db")
    yield made
    made.close()


def told(news: DustNews, schools: Any, *steps: tuple[str, int], age_s: float = 30) -> list[tuple[str, int]]:
    """Level and minute of each message, of levels at these minutes after ten."""
    found = []
    for level, minute in steps:
        now = TEN + minute * MINUTE_MS
        if news.look(schools, state(level, now, age_s=age_s), QUIET, now, False):
            found.append((level, minute))
    return found


def test_orange_and_red_are_told_once_each_on_the_way_up(file: DeskFile, schools: Any) -> None:
    steps = ("moderate", 0), (LEVELS[3], 5), (LEVELS[3], 60), (LEVELS[4], 70), (LEVELS[3], 90), (LEVELS[4], 100)
    assert told(DustNews(file), schools, *steps) == [(LEVELS[3], 5), (LEVELS[4], 70)]


def test_the_way_down_is_silent_even_after_hours(file: DeskFile, schools: Any) -> None:
    assert told(DustNews(file), schools, (LEVELS[4], 0), (LEVELS[4], 200), (LEVELS[3], 240)) == [(LEVELS[4], 0)]


def test_the_same_level_is_told_again_after_three_hours_and_a_clean_time(file: DeskFile, schools: Any) -> None:
    steps = (LEVELS[3], 0), ("good", 20), (LEVELS[3], 60), ("good", 80), (LEVELS[3], 181)
    assert told(DustNews(file), schools, *steps) == [(LEVELS[3], 0), (LEVELS[3], 181)]


def test_nothing_is_told_at_night_and_the_morning_is_told_what_lasts(file: DeskFile, schools: Any) -> None:
    evening, morning = 8 * 60, 20 * 60 + 30
    assert told(DustNews(file), schools, (LEVELS[3], evening), (LEVELS[3], morning - 1), (LEVELS[3], morning)) == [
        (LEVELS[3], morning)
    ]


@pytest.mark.parametrize("age_s", [4 * 60, 20 * 60])
def test_what_is_late_or_unknown_is_no_news(file: DeskFile, schools: Any, age_s: float) -> None:
    assert told(DustNews(file), schools, (LEVELS[4], 0), age_s=age_s) == []


def test_no_lessons_no_message(schools: Any) -> None:
    assert has_lessons(schools, ROOM, TEN)
    assert not has_lessons(schools, ROOM, TEN - 24 * HOUR_MS), "a Sunday"


def test_a_restart_neither_repeats_nor_forgets(file: DeskFile, schools: Any) -> None:
    assert told(DustNews(file), schools, (LEVELS[3], 0))
    again = DustNews(file)
    assert told(again, schools, (LEVELS[3], 1)) == []
    (news,) = again.waiting(TEN + MINUTE_MS)
    assert (news.level, news.shown) == (LEVELS[3], "52")
    again.done(news)
    assert again.waiting(TEN + MINUTE_MS) == []


def test_what_could_not_be_handed_on_for_half_an_hour_is_no_news_any_more(file: DeskFile, schools: Any) -> None:
    news = DustNews(file)
    told(news, schools, (LEVELS[3], 0))
    assert news.waiting(TEN + 31 * MINUTE_MS) == []


@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.integers(1, 90)), max_size=40))
def test_whatever_the_air_does_a_message_is_higher_than_all_since_it_was_low(
    schools: Any, changes: list[tuple[str, int]]
) -> None:
    news, file, minute = None, DeskFile(), 0
    news, height, last = DustNews(file), 0, dict[str, int]()
    for level, wait in changes:
        minute += wait
        now, rank = TEN + minute * MINUTE_MS, LEVELS.index(level)
        was_told = news.look(schools, state(level, now), QUIET, now, False)
        if was_told:
            assert rank >= 3 and rank > height
            assert not QUIET.holds(datetime.fromtimestamp(now / 1000, ZONE).time()) and has_lessons(schools, ROOM, now)
            assert level not in last or minute - last[level] >= 180
            last[level] = minute
        if rank < 3:
            height = 0
        elif was_told:
            height = rank
    file.close()


def unit(**changes: Any) -> PurifierState:
    known = PurifierState(purifier=f"{ROOM}-fan", room=ROOM, on=True, since=TEN, at=TEN, confirmed=True)
    return known.model_copy(update=changes)


@pytest.mark.parametrize(
    ("known", "full"),
    [
        (unit(), True),
        (unit(on=False), False),
        (unit(on=None), False),
        (unit(confirmed=False), False),
        (unit(at=TEN - 16 * MINUTE_MS), False),
        (None, False),
    ],
)
def test_full_speed_is_said_only_where_it_is_known(schools: Any, known: PurifierState | None, full: bool) -> None:
    assert at_full(schools, ROOM, lambda _: known, TEN) is full
    assert not at_full(schools, "ban-suan.yard", lambda _: unit(), TEN)


@pytest.mark.parametrize(
    ("full", "language", "words"),
    [
        (True, "th", "ห้อง ป.1/2 ฝุ่น 52 มคก./ลบ.ม. (สีส้ม) เมื่อ 10.20 น. เครื่องฟอกเปิดแรงสุดแล้ว"),
        (False, "th", "ห้อง ป.1/2 ฝุ่น 52 มคก./ลบ.ม. (สีส้ม) เมื่อ 10.20 น."),
        (True, "en", "P.1/2: dust 52 µg/m³ (orange) at 10:20. The purifier is on full."),
    ],
)
def test_the_words_are_those_of_the_design(own_house: House, full: bool, language: str, words: str) -> None:
    ctx = own_house.app.server.state.ctx
    followers = Followers(ctx.desk, ctx.now_ms)
    followers.follow("line", user(1), ROOM, language, weekly=False, alerts=True)
    (follower,) = followers.to_alert(ROOM)
    message = dust_message(ctx, News(ROOM, LEVELS[3], TEN + 20 * MINUTE_MS, "52", full), follower)
    assert message.card is not None and message.card["altText"].replace("\u00a0", " ") == words
    assert (message.severity, message.kind, user(1) in message.key) == ("warning", "alert", False)


def test_followers_are_told_by_alerts_once_also_when_alerts_was_away(own_house: House, schools: Any) -> None:
    ctx = own_house.app.server.state.ctx
    followers = Followers(ctx.desk, lambda: TEN)
    followers.follow("line", user(1), ROOM, weekly=False, alerts=True)
    followers.follow("mail", "a@b.example", ROOM, weekly=False, alerts=True)
    followers.follow("line", user(2), ROOM, weekly=True, alerts=False)

    class Live:
        """The room in orange; alerts answers when it is there."""

        there, asked = False, list[Any]()

        def state(self, room: str) -> RoomState:
            return state(LEVELS[3], TEN)

        def purifier(self, purifier: str) -> None:
            return None

        async def ask(self, service: str, do: str, who: str, args: Any) -> Answer:
            from classair.asking import NoAnswer

            if not self.there:
                raise NoAnswer("alerts did not answer")
            self.asked.append((service, do, args["channel"], args["key"]))
            return Answer(id="x", ok=True, result={"state": "waiting"})

    live = Live()
    rounds = Rounds(replace(ctx, live=live, now_ms=lambda: TEN))
    with pytest.raises(Exception, match="did not answer"):
        asyncio.run(rounds.look())
    live.there = True
    asyncio.run(rounds.look())
    asyncio.run(rounds.look())
    assert [(service, do, channel) for service, do, channel, _ in live.asked] == [
        ("alerts", "message", "line"),
        ("alerts", "message", "mail"),
    ]


def test_quiet_is_from_18_00_to_06_30() -> None:
    assert HoursOfDay(time(18), time(6, 30)) == QUIET
