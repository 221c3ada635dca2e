"""A day's lesson air in at most six lines: numbers as everywhere, a question mark where a cause is only guessed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from classair.alerting.reading import Records
from classair.stores.sqlite.store import SqliteStore
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import Answer
from dashboard.following.digest import MOST_LINES, Digest, lines, read
from dashboard.following.rounds import Rounds
from research.lesson_air import LessonAir, LessonSlot
from tests.classair.alerting.filled import empty_ledger
from tests.dashboard.conftest import MONDAY, House

ROOM = "ban-suan.p1-2"
DAY = date(2026, 11, 23)
QUARTER = 15 * MINUTE_MS


def day(*values: tuple[float | None, float | None, float | None], start: int = MONDAY + 12 * HOUR_MS) -> LessonAir:
    """Quarters of an hour from 12.00 on: inside, outside, CO2."""
    return LessonAir(ROOM, tuple(LessonSlot(start + n * QUARTER, *value) for n, value in enumerate(values)), "yard")


def said(air: LessonAir, schools: Any, language: str = "th", advice: str = "") -> list[str]:
    found = lines(schools, Digest(ROOM, DAY, air, advice), language)
    assert 1 <= len(found) <= MOST_LINES
    return [line.replace("\u00a0", " ") for line in found]


def test_the_day_is_one_sentence_in_the_words_of_the_design(schools: Any) -> None:
    good = [(14.0, 20.0, 900.0)] * 21 + [(20.0, 20.0, 1600.0)]
    air = day(*good, (30.0, 20.0, 1700.0), (41.0, 12.0, 900.0), (33.0, 40.0, 900.0))
    first, advised, shares = said(air, schools, advice="7d")
    assert first == "วันนี้ ป.1/2: ดี–ดีมาก 88% สูงสุด 41 (17.45 น. ช่วงกวาดห้อง?) อับ 30 นาที ไม่มีข้อมูล 0 นาที"
    assert advised == "คำแนะนำตอนนั้น: งดกวาดห้อง และกิจกรรมที่มีฝุ่น"
    assert shares.startswith("เวลาเรียนทั้งวัน: ดีมาก 84% · ดี 4% · ปานกลาง 8% · เริ่มมีผลกระทบต่อสุขภาพ 4%")


def test_the_same_in_english_and_nothing_is_guessed_without_outdoors(schools: Any) -> None:
    air = day((14.0, None, None), (41.0, None, None), (None, None, None))
    first, shares = said(air, schools, "en")
    assert first == "Today P.1/2: good or very good 50%, highest 41 (12:15), no data 15 min"
    assert shares.endswith("no data 33%")


def test_dust_from_outside_is_asked_as_well(schools: Any) -> None:
    assert "(12:00 windows open?)" in said(day((41.0, 60.0, None)), schools, "en")[0]


@pytest.mark.parametrize("air", [day(), day((None, None, None))])
def test_a_day_without_lessons_or_data_says_so(schools: Any, air: LessonAir) -> None:
    first = said(air, schools, "en")[0]
    assert ("no lesson time" in first) if not air.slots else first == "Today P.1/2: no data 15 min"


def test_what_was_advised_is_what_the_display_showed_then(
    make_house: Any, readings: Path, tmp_path: Path, schools: Any
) -> None:
    ledger = empty_ledger(tmp_path / "ledger.db")
    store = SqliteStore(readings, readonly=True)
    house: House = make_house(store=store, readings=readings, ledger=ledger)
    ctx = replace(house.app.server.state.ctx, records=Records(ledger))
    made = read(ctx, ROOM, DAY)
    assert made.advice == "", "no advice is on record"
    assert made.highest is not None and made.highest.pm25 == 15.0
    store.close()


def test_whoever_wants_the_day_is_sent_it_at_15_45_once(make_house: Any, readings: Path, schools: Any) -> None:
    people = {"malee": schools.people["caretaker"].model_copy(update={"daily": [ROOM]})}
    store = SqliteStore(readings, readonly=True)
    house: House = make_house(store=store, readings=readings, config=schools.model_copy(update={"people": people}))
    asked: list[dict[str, Any]] = []

    class Live:
        """Alerts, which takes everything."""

        async def ask(self, service: str, do: str, who: str, args: dict[str, Any]) -> Answer:
            asked.append(args)
            return Answer(id="x", ok=True, result={"state": "waiting"})

    now = [MONDAY + 15 * HOUR_MS]
    rounds = Rounds(replace(house.app.server.state.ctx, live=Live(), now_ms=lambda: now[0]))
    for minutes in (0, 44, 45, 46, 120, 181, 24 * 60 * 5):
        now[0] = MONDAY + 15 * HOUR_MS + minutes * MINUTE_MS
        asyncio.run(rounds.look())
    store.close()
    (message,) = asked
    assert (message["channel"], message["address"], message["kind"]) == ("person", "malee", "digest")
    assert message["title"] == "สรุปวันนี้ ป.1/2" and message["text"].startswith("วันนี้ ป.1/2: ")
