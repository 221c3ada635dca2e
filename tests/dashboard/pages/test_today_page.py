"""The page of the day's summaries: each sees the rooms that they look after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classair.stores.sqlite.store import SqliteStore
from classair.units import HOUR_MS
from tests.dashboard.conftest import MONDAY, House, now_ms

pytestmark = pytest.mark.servers


@pytest.fixture
def day(make_house: Any, readings: Path) -> Any:
    store = SqliteStore(readings, readonly=True)
    house: House = make_house(store=store, readings=readings, host="0.0.0.0")
    house.offset_ms = MONDAY + 16 * HOUR_MS - now_ms()
    yield house
    store.close()


def test_a_teacher_sees_their_rooms_and_no_other(day: House) -> None:
    day.desk.add_account("malee", "teacher", "three unrelated words", ["ban-suan.p1-2"])
    reader = day.sign_in("malee", "three+unrelated+words")
    text = day.ask("/today?lang=en", Cookie=reader["Cookie"]).text
    assert text.count("<section") == 1 and "P.1/2" in text and "P.1/10" not in text
    assert "Today P.1/2: good or very good" in text and "Advice at that time" not in text
    assert day.ask("/today?room=ban-suan.p1-2&amp;lang=th", Cookie=reader["Cookie"]).status == 200
    assert day.ask("/today?room=ban-suan.p1-10", Cookie=reader["Cookie"]).status == 403
    assert day.ask("/today?room=ban-suan.none", Cookie=reader["Cookie"]).status == 403, "nor whether it exists"
    assert day.ask("/today").status in (303, 401)


def test_a_day_without_lessons_says_so(day: House) -> None:
    day.offset_ms -= 24 * HOUR_MS
    day.desk.add_account("malee", "teacher", "three unrelated words")
    reader = day.sign_in("malee", "three+unrelated+words")
    assert "There are no lessons today." in day.ask("/today?lang=en", Cookie=reader["Cookie"]).text
