"""The page of all schools: the worst first with who cares for it, a week that equals a recount, a map with its list."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from classair.i18n import t
from classair.stores.memory.store import MemoryStore
from classair.timetable import local_time
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.access.roles import Principal
from dashboard.municipality.week import week_of
from dashboard.pages.municipality import Town
from dashboard.tickets.records import NewTicket
from research.lesson_air import LessonReader
from tests.classair.alerting.filled import empty_ledger, put_alert, put_notification
from tests.dashboard.conftest import three_hours

PASSWORD = "kwan-fai-2569"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def words(house: Any, path: str = "/municipality", language: str = "en", **headers: str) -> str:
    text = house.ask(f"{path}{'&' if '?' in path else '?'}lang={language}", **headers).text
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def put_all(house: Any, make_state: Callable[..., RoomState], value: float = 18) -> None:
    for room, settings in house.config.rooms():
        state = make_state(room, value)
        house.put(state.model_copy(update={"purifier": None}) if settings.outdoor else state)


@pytest.fixture
def town(make_house: Any, make_state: Any, tmp_path: Any) -> Any:
    store = MemoryStore()
    three_hours(store, "ban-suan.p1-2", "ban-suan.p1-2-pm", 18, now_ms())
    house = make_house(store=store, ledger=empty_ledger(tmp_path / "ledger.db"))
    put_all(house, make_state)
    return house


def counted(house: Any) -> str:
    """The page's words once the week has been counted."""
    until = time.monotonic() + 30
    while t("en", "municipality.week.counting") in (said := words(house)):
        assert time.monotonic() < until
        time.sleep(0.05)
    return said


def test_the_worst_comes_first_with_who_has_it(town: Any, make_state: Any) -> None:
    ledger = town.app.server.state.ctx.records.path
    town.put(make_state("ban-suan.p1-2", 90))
    town.put(make_state("ban-suan.p4-1", 41))
    town.put(make_state("rim-khlong.a2-1", 18, age_s=3000))
    put_alert(ledger, "dust-1", room="ban-suan.p1-2", kind="above", acknowledged_at=now_ms(), acknowledged_by="head:x")
    put_alert(ledger, "silent-1", room="rim-khlong.a2-1", site="rim-khlong", kind="silent")
    put_notification(ledger, "n-1", "silent-1", channel="line", delivered_at=now_ms(), reached=1)
    said = words(town)
    lines = [said.index(name) for name in ("P.1/2", "K.2/1", "P.4/1")]
    assert lines == sorted(lines)
    assert re.search(rf"Acknowledged by {t('en', 'alerts_page.by.head')} at \d\d:\d\d", said)
    assert "1 told, at" in said
    assert t("en", "municipality.owner.none") in said.partition("P.4/1")[2]


def test_a_reported_problem_names_its_unit_and_a_message_that_reached_nobody_is_not_telling(
    town: Any, make_state: Any
) -> None:
    ctx = town.app.server.state.ctx
    town.put(make_state("ban-suan.p1-2", 90))
    town.put(make_state("ban-suan.p4-1", 41))
    put_alert(ctx.records.path, "dust-4", room="ban-suan.p4-1", kind="above")
    put_notification(ctx.records.path, "n-4", "dust-4", channel="console", delivered_at=now_ms(), reached=0)
    ticket = ctx.tickets.receive(NewTicket("purifier_dead", "ban-suan", "ban-suan.p1-2"), "key-1")
    said = words(town)
    assert ticket.number in said and t("en", "municipality.owner.nobody") in said
    assert " told, at" not in said


def test_rooms_outdoors_and_what_is_unknown_are_counted_as_they_are(town: Any, make_state: Any) -> None:
    town.put(make_state("rim-khlong.a2-1", 18, age_s=3000))
    said = words(town)
    assert "Rooms with data 4 of 5 80%" in said
    assert re.search(r"Outdoors 18 µg/m³ .*Ban Suan Example School", said)
    assert "0 of 1 rooms with data" in said
    assert t("en", "overview.all_well") not in said


def test_the_week_equals_a_recount_of_every_rooms_lesson_slots(town: Any) -> None:
    ctx = town.app.server.state.ctx
    week = week_of(ctx, list(town.config.sites))
    today = local_time(week.at_ms).date()
    monday = today - timedelta(days=today.weekday())
    good = known = every = pupils = 0
    with ctx.queries.lessons() as reader:
        assert isinstance(reader, LessonReader)
        for full, room in town.config.rooms():
            if not room.outdoor:
                air = reader.of_room(full, monday, today)
                every, known = every + len(air.slots), known + len(air.known)
                here = sum(slot.level in ("very_good", "good") for slot in air.slots)
                good, pupils = good + here, pupils + here * room.capacity
    lessons = week.this.lessons
    assert (lessons.slots, lessons.known, lessons.protected_slots) == (every, known, pupils)
    assert lessons.good_share == (good / known if every and known / every >= 0.5 else None)


def test_a_week_that_cannot_be_counted_is_said_to_be_so_and_the_present_stays(make_house: Any, make_state: Any) -> None:
    house = make_house(store=None)
    put_all(house, make_state)
    said = counted(house)
    assert t("en", "municipality.week.failed") in said and "Rooms with data 5 of 5" in said


def test_whoever_sees_one_school_is_shown_that_school_alone(town: Any) -> None:
    ctx = town.app.server.state.ctx
    head = Principal("account", "head", "head", frozenset({"read"}), places=frozenset({"rim-khlong"}))
    pieces = Town(ctx, "en", head).pieces(set())
    assert "school/rim-khlong" in pieces and "school/ban-suan" not in pieces
    assert "Ban Suan" not in " ".join(pieces.values())
    teacher = Principal("account", "t", "teacher", frozenset({"read"}), places=frozenset({"ban-suan.p1-2"}))
    pieces = Town(ctx, "en", teacher).pieces(set())
    assert set(pieces) == {"head", "episode", ""} and t("en", "municipality.no_school") in pieces[""]


@pytest.mark.browser
@pytest.mark.parametrize("language", ["th", "en"])
def test_the_page_is_whole_on_phone_and_wall_in_both_languages(
    town: Any, make_state: Any, chromium: Any, language: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    counted(town)
    town.put(make_state("ban-suan.p1-2", 90))
    town.put(make_state("rim-khlong.a2-1", 18, age_s=3000))
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{town.url}/municipality?lang={language}")
    page.wait_for_selector(".municipality .cases li")
    page.wait_for_selector(".municipality .week-row")
    for width in (1920, 1280, 360, 320):
        page.set_viewport_size({"width": width, "height": 720})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, width
    text = page.locator(".working").inner_text()
    assert not re.search(r"\{\w+\}|\bNone\b|undefined|NaN", text)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
    # The keyboard reaches how a number was counted, and opens it.
    summary = page.locator(".week-row summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator(".week-row details[open]").count() == 1
    assert page.locator(".schools li").count() == page.locator(".school-point").count() == 2
    assert chromium.errors == []
    page.close()


def test_an_open_page_is_told_of_a_case_without_reload(town: Any, make_state: Any, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{town.url}/municipality?lang=en")
    page.wait_for_selector(".municipality .well")
    town.put(make_state("ban-suan.p1-2", 90))
    page.wait_for_selector(".municipality .cases li:has-text('P.1/2')", timeout=8000)
    page.wait_for_selector(".school-point[data-level=affects_health]", timeout=8000)
    page.close()


def test_numbers_of_the_week_are_counted_again_after_five_minutes(town: Any) -> None:
    ctx = town.app.server.state.ctx
    counted(town)
    read = ctx.queries.lesson_days.read
    words(town)
    assert ctx.queries.lesson_days.read == read
    town.offset_ms = 16 * MINUTE_MS
    words(town)
    until = time.monotonic() + 30
    while ctx.queries.lesson_days.read == read:
        assert time.monotonic() < until
        time.sleep(0.05)
    # Only the day under way is read again (two at midnight), not the fortnight.
    assert ctx.queries.lesson_days.read - read <= 2 * 2 * len(town.config.sites)
