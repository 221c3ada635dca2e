"""Sending: one message for a room, week and follower, whoever is killed in between, and what was not sent is listed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from classair.timetable import day_start_ms
from classair.units import DAY_MS
from classair.wire import Answer, Ask
from dashboard.following.followers import Followers
from dashboard.reports.week import sending
from dashboard.reports.week.sending import Recipient, Sending
from dashboard.reports.week.shelf import Shelf
from tests.dashboard.conftest import Builder, House, alerts_double, now_ms
from tests.dashboard.reports import weeks

pytestmark = [pytest.mark.servers, pytest.mark.thorough]

FRIDAY_EVENING = day_start_ms(weeks.MONDAY) + 4 * DAY_MS + 18 * 3_600_000
LINE_ID = "U" + "0123456789abcdef" * 2


@pytest.fixture
def school(make_house: Builder, tmp_path: Path) -> House:
    house = make_house(config=weeks.schools())
    house.offset_ms = FRIDAY_EVENING - now_ms()
    ctx: Any = house.app.server.state.ctx
    object.__setattr__(ctx, "papers", tmp_path / "reports")
    return house


def test_each_follower_gets_one_message_with_picture_and_link(school: House, mosquitto: Any) -> None:
    ctx: Any = school.app.server.state.ctx
    asked: list[dict[str, Any]] = []

    def answer(ask: Ask) -> Answer:
        asked.append(ask.args)
        return Answer(id=ask.id, ok=True, result={"state": "waiting"})

    followers = Followers(ctx.desk, ctx.now_ms)
    followers.follow("line", LINE_ID, weeks.ROOM, "th", weekly=True, alerts=False)
    followers.follow("mail", "parent@example.org", weeks.ROOM, "en", weekly=True, alerts=False)
    followers.follow("mail", "other@example.org", weeks.ROOM, "en", weekly=False, alerts=True)
    shelf = Shelf(ctx.papers)
    shelf.put(weeks.report(weeks.air(lambda d, n: 15.0)), {})
    sender = Sending(ctx)
    with alerts_double(school, mosquitto, answer):
        asyncio.run(sender.look())
        assert asked == []  # made is not sent: nobody has ordered it
        sending.order(shelf, weeks.MONDAY, [weeks.ROOM])
        asyncio.run(sender.look())
        asyncio.run(Sending(ctx).look())  # after a restart, and when the command runs again
        sending.order(shelf, weeks.MONDAY, [weeks.ROOM])
        asyncio.run(sender.look())
        school.offset_ms += 4 * DAY_MS
        followers.follow("mail", "late@example.org", weeks.ROOM, "en", weekly=True, alerts=False)
        asyncio.run(sender.look())  # an order ends
    assert [(one["channel"], one["language"]) for one in asked] == [("line", "th"), ("mail", "en")]
    line, mail = asked
    assert line["kind"] == mail["kind"] == "week" and line["key"] != mail["key"]
    assert line["title"] == "อากาศในห้องเรียนของลูก ห้อง ป.1/2"
    assert "ข้อมูลจำลอง" in line["text"] and "100% ของเวลาเรียน" in line["text"]
    assert line["picture"][0].startswith("https://air.example.org/report/") and ".png?lang=th" in line["picture"][0]
    assert mail["picture"] is None and ".pdf?lang=en" in mail["text"]
    assert "/unfollow/" in mail["text"] and "/unfollow/" not in line["text"]
    kept = ctx.desk.ask("select * from week_told")
    assert len(kept) == 2 and LINE_ID not in str(kept) and "parent@" not in str(kept)


def test_what_alerts_refuses_is_listed_and_while_it_is_away_the_order_stays(school: House, mosquitto: Any) -> None:
    ctx: Any = school.app.server.state.ctx
    Followers(ctx.desk, ctx.now_ms).follow("mail", "parent@example.org", weeks.ROOM, "en", weekly=True, alerts=False)
    shelf = Shelf(ctx.papers)
    shelf.put(weeks.report(weeks.air(lambda d, n: 15.0)), {})
    sending.order(shelf, weeks.MONDAY, [weeks.ROOM])
    asyncio.run(Sending(ctx).look())  # no broker yet
    assert ctx.desk.ask("select * from week_told") == []
    with alerts_double(school, mosquitto, lambda ask: Answer(id=ask.id, ok=False, error="no mail server")):
        asyncio.run(Sending(ctx).look())
    found = sending.sent(ctx, weeks.ROOM, weeks.MONDAY)
    assert (found.told, found.waiting, found.not_sent) == (0, 0, {"not_accepted": 1})
    assert "1 not sent: no channel took it" in school.ask("/reports?lang=en&week=2026-11-16").text


def test_the_key_names_room_week_and_follower_and_no_address() -> None:
    one, other = (Recipient("mail", name, "th") for name in ("a@example.org", "b@example.org"))
    keys = {
        sending.key_of(weeks.ROOM, weeks.MONDAY, it) for it in (one, other, Recipient("line", "a@example.org", "en"))
    }
    assert len(keys) == 3 and not any("example" in key for key in keys)
