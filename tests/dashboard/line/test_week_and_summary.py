"""The weekly report and the day's summary by LINE: the same numbers as on their pages, to whom they are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS
from dashboard.following.followers import Followers
from simulator.line.server import LineFake
from tests.dashboard.conftest import MONDAY, Builder, House, now_ms
from tests.dashboard.line.conftest import Phone, listening, new_user

pytestmark = pytest.mark.servers
ROOM = "ban-suan.p1-2"


@pytest.fixture(scope="module")
def week_house(
    fake: LineFake, tmp_path_factory: pytest.TempPathFactory, schools: Any, readings: Path
) -> Iterator[House]:
    builder, store = Builder(tmp_path_factory.mktemp("week"), schools), SqliteStore(readings, readonly=True)
    config = schools.model_copy(update={"public_url": "https://air.example"})
    yield listening(fake, lambda **given: builder(store=store, readings=readings, **given), config)
    builder.close()
    store.close()


@pytest.fixture
def reader(fake: LineFake, week_house: House, wait_for: Any) -> Phone:
    """On the Saturday after."""
    week_house.offset_ms = MONDAY + 5 * DAY_MS + 10 * HOUR_MS - now_ms()
    return Phone(fake, week_house, wait_for, new_user())


def of(house: House) -> Followers:
    ctx = house.app.server.state.ctx
    return Followers(ctx.desk, ctx.now_ms)


def test_the_last_week_comes_as_picture_headline_and_link(reader: Phone) -> None:
    picture, said, headline, *more = reader.says("รายงานห้อง ป.1/2").splitlines()
    assert said == "รายงานห้อง ป.1/2 สัปดาห์ 23–27 พ.ย. 2569 ค่ะ"
    assert headline.startswith("สัปดาห์นี้ข้อมูลไม่พอสรุป")
    link = more[-1]
    assert link.startswith("https://air.example/report/") and link.endswith("?lang=th")
    assert picture == link.replace("?lang=th", ".png?lang=th")
    assert reader.house.ask(link.removeprefix("https://air.example")).status == 200
    assert "Report for P.1/2, 23–27 Nov 2026" in reader.says("report P.1/2")


def test_without_a_room_the_followed_ones_are_meant(reader: Phone) -> None:
    assert reader.says("รายงานสัปดาห์").startswith("ห้องไหนคะ เช่น ")
    of(reader.house).follow("line", reader.user, ROOM, weekly=True, alerts=False)
    assert "รายงานห้อง ป.1/2 สัปดาห์" in reader.says("รายงาน")
    of(reader.house).follow("line", reader.user, "ban-suan.p1-10", weekly=True, alerts=False)
    assert reader.says("รายงาน").startswith("ห้องไหนคะ\n1. ")
    assert "รายงานห้อง ป.1/10 สัปดาห์" in reader.says(next(tap for tap in reader.buttons if "1/10" in tap))


def test_until_friday_17_00_it_is_the_week_before(reader: Phone) -> None:
    reader.house.offset_ms = MONDAY + 4 * DAY_MS + 16 * HOUR_MS - now_ms()
    assert "สัปดาห์ 16–20 พ.ย. 2569" in reader.says("รายงาน ป.1/2")


def test_the_days_summary_is_for_people_of_the_school_alone(reader: Phone) -> None:
    reader.house.offset_ms = MONDAY + 16 * HOUR_MS - now_ms()
    of(reader.house).follow("line", reader.user, ROOM, weekly=True, alerts=False)
    assert reader.says("สรุปวันนี้").startswith("สรุปประจำวันส่งให้บุคลากรของโรงเรียน")
    of(reader.house).set_person("line", reader.user, "caretaker")
    said = reader.says("สรุปวันนี้").splitlines()
    assert said[0].startswith("วันนี้ ป.1/2: ดี–ดีมาก 100% สูงสุด 15 (15.00") and len(said) <= 6
    assert "Today P.1/10: no data" in reader.says("summary P.1/10")
