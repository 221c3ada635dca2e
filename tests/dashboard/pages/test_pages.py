"""The working pages in a real browser, on the real application."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from classair.i18n import in_every_language, t
from classair.service import Accepted
from classair.timetable import local_time
from classair.wire import BridgeStatus, RoomState, SensorHealth, ServiceStatus, Topics

ROOM = "/room/ban-suan.p1-2"
PAGES = {"overview": "/", "room": ROOM, "health": "/health", "nowhere": "/room/no.where"}
HEADINGS = {
    "th": {"overview": "ภาพรวม", "room": "ป.1/2", "health": "สถานะระบบ", "nowhere": "ไม่พบห้องนี้"},
    "en": {"overview": "Overview", "room": "P.1/2", "health": "System health", "nowhere": "Room not found"},
}


def visit(chromium: Any, where: Any, path: str, language: str = "en", **options: Any) -> Any:
    """A page that has drawn everything."""
    options.setdefault("viewport", {"width": 1440, "height": 900})
    page = chromium.new_page(**options)
    page.goto(where.url + path + ("&" if "?" in path else "?") + f"lang={language}")
    page.wait_for_selector(".working h1", timeout=60_000)
    if path.startswith(ROOM):
        drawn = "() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 3"
        page.wait_for_function(drawn, timeout=60_000)
    return page


@pytest.mark.parametrize("language", ["th", "en"])
def test_every_page_names_itself_and_says_that_it_is_simulated(house: Any, chromium: Any, language: str) -> None:
    """How they look and what they weigh: test_every_page.py."""
    for name, path in PAGES.items():
        page = visit(chromium, house, path, language)
        assert page.locator("h1").inner_text() == HEADINGS[language][name]
        assert page.title().endswith("ClassAir")
        assert ("ข้อมูลจำลอง" if language == "th" else "Simulated") in page.locator(".working").inner_text()
        page.close()


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_room_page_tells_estimates_when_somebody_asks(house: Any, chromium: Any, language: str) -> None:
    page = visit(chromium, house, ROOM, language)
    page.click("#room-estimates-ask")
    page.wait_for_selector("#room-estimates li", timeout=60_000)
    lines = page.locator("#room-estimates li").all_inner_texts()
    for name in ("clean_air", "exposure", "filter"):
        assert any(t(language, f"room_physics.{name}") in line for line in lines)
    page.close()
    assert chromium.errors == []


def test_the_overview_puts_what_needs_care_first_and_shows_states_as_they_are(
    own_house: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    for room in ("ban-suan.p1-2", "rim-khlong.a2-1"):
        own_house.put(make_state(room))
    own_house.put(make_state("ban-suan.p4-1", 41.3))
    own_house.put(make_state("ban-suan.a1-1", 18, age_s=3000))
    own_house.put(make_state("ban-suan.p1-10", 12, on=None))
    own_house.put(make_state("ban-suan.yard", 46, co2=None, outdoor=None, on=None))
    page = visit(chromium, own_house, "/")
    cases = [case.inner_text().replace("\n", " ") for case in page.locator(".cases li").all()]
    assert [case.split()[0] for case in cases[:3]] == ["K.1/1", "P.4/1", "P.1/10"]
    assert "Dust level unknown" in cases[0]
    assert "50 min" in cases[0]
    assert "41 µg/m³, Starting to affect health" in cases[1].replace("\u00a0", " ")
    names = [name.inner_text() for name in page.locator(".card .name").all()]
    assert names == ["K.1/1", "P.1/2", "P.1/10", "P.4/1", "K.2/1"]
    assert page.locator(".fact").first.inner_text().split("\n")[1:] == ["4 of 5", "80%"]
    shown = page.locator(".card", has_text="P.4/1").locator(".value").inner_text().split()
    assert shown == ["41", "µg/m³"]
    assert page.locator(".card", has_text="K.1/1").locator(".value").inner_text() == "–", "an old value is not shown"


def test_a_new_state_reaches_an_open_page_without_reload(
    house: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    for path, place in (("/", ".card:has-text('P.1/2') .value"), (ROOM, "#room-now .value")):
        page = visit(chromium, house, path)
        page.evaluate("window.untouched = true")
        for value in ("63", "17"):
            house.put(make_state("ban-suan.p1-2", float(value)))
            page.wait_for_selector(f"{place}:has-text('{value}')", timeout=8000)
        assert page.evaluate("window.untouched") is True


@pytest.mark.slow
def test_without_the_server_a_value_becomes_late_and_unknown_by_its_age_alone(
    own_house: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    own_house.put(make_state("ban-suan.p1-2", 18, age_s=176))
    own_house.put(make_state("ban-suan.p4-1", 18, age_s=875))
    page = visit(chromium, own_house, "/")
    soon_late, soon_unknown = page.locator(".card", has_text="P.1/2"), page.locator(".card", has_text="P.4/1")
    own_house.stop()
    page.wait_for_selector(".card[data-phase=late]:has-text('P.1/2')", timeout=60_000)
    page.wait_for_selector(".card[data-phase=unknown]:has-text('P.4/1')", timeout=40_000)
    assert soon_unknown.locator(".value").inner_text() == "–"
    assert t("en", "pages.not_current") in soon_unknown.inner_text()
    assert "Reading is 3 min old" in soon_late.inner_text()


def test_the_room_says_its_charts_in_words_and_numbers_and_names_the_gap(house: Any, chromium: Any) -> None:
    # The day that holds the gap of the three hours: shortly after midnight that is yesterday.
    day = local_time(time.time_ns() // 1_000_000 - 95 * 60_000).date()
    page = visit(chromium, house, f"{ROOM}?range=day&date={day}")
    text = page.locator("#room-pm25-text").inner_text()
    assert re.search(r"Average \d+\.\d µg/m³, maximum \d+\.\d at", text)
    assert "5-minute average" in text
    assert "not calibrated" in text
    page.locator("#room-pm25-more").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#room-pm25-table table", timeout=8000)
    rows = page.locator("#room-pm25-table tbody tr").all_inner_texts()
    assert len(rows) > 5
    assert any("No data" in row for row in rows), "the gap is a row, not a zero"
    assert page.locator(".js-plotly-plot .main-svg").count() >= 3


def test_the_address_reproduces_what_is_shown(house: Any, chromium: Any) -> None:
    page = visit(chromium, house, ROOM, "th")
    page.get_by_role("link", name="สัปดาห์").click()
    page.wait_for_selector(".ranges .here:has-text('สัปดาห์')")
    page.get_by_role("link", name="ก่อนหน้า").click()
    page.wait_for_function("() => document.querySelector('.button[aria-disabled]') === null")
    shown = page.locator(".shown-date").inner_text()
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["range"], asked["lang"]) == (["week"], ["th"])
    again = visit(chromium, house, page.url.removeprefix(house.url).replace("lang=th", "x=1"), "th")
    assert again.locator(".shown-date").inner_text() == shown
    page.get_by_role("link", name="English").click()
    page.wait_for_function("() => document.documentElement.lang === 'en'")
    assert parse_qs(urlsplit(page.url).query)["date"] == asked["date"], "the other language shows the same time"


def test_a_day_can_be_chosen_from_the_calendar(house: Any, chromium: Any) -> None:
    page = visit(chromium, house, ROOM)
    page.wait_for_selector(".date-field input")
    page.fill(".date-field input", "2026-01-15")
    page.press(".date-field input", "Enter")
    page.wait_for_selector(".shown-date:has-text('15 January 2026')", timeout=8000)
    assert "No data in this range" in page.locator("#room-pm25-text").inner_text()
    assert page.locator(".date-field input").input_value() == "2026-01-15"


def test_a_thai_page_takes_days_of_the_thai_calendar_and_asks_for_gregorian_ones(house: Any, chromium: Any) -> None:
    page = visit(chromium, house, ROOM, "th")
    field = page.locator(".date-field input[type=text]")
    for day, typed in enumerate(
        ("{}/1/2569", "{}/๐๑/๒๕๖๙", "{} ม.ค. 2569", "{} มกราคม 2569", "{}012569", "{}-1-2026"), 15
    ):
        field.fill(typed.format(day))
        field.press("Enter")
        page.wait_for_selector(f".shown-date:has-text('{day} มกราคม พ.ศ. 2569')", timeout=8000)
        assert parse_qs(urlsplit(page.url).query)["date"] == [f"2026-01-{day}"]
        assert field.input_value() == f"{day}/01/2569"


def test_what_is_no_day_is_said_beside_the_field_and_goes_nowhere(house: Any, chromium: Any) -> None:
    page = visit(chromium, house, ROOM, "th")
    before = page.url
    field = page.locator(".date-field input[type=text]")
    for typed in ("31/2/2569", "15/1/69", "15/1/2469", "พรุ่งนี้", "15/13/2569"):
        field.fill(typed)
        field.press("Enter")
        page.wait_for_selector(".date-fault:has-text('กรอกวันที่ เช่น 29/11/2569')")
        assert field.get_attribute("aria-invalid") == "true"
        assert page.url == before


def test_a_store_that_is_away_is_said_and_the_current_value_stays(
    make_house: Any,
    make_state: Any,
    chromium: Any,
) -> None:
    house = make_house(store=None)
    house.put(make_state("ban-suan.p1-2", 18))
    page = visit(chromium, house, ROOM)
    assert t("en", "pages.store_away") in page.locator("#room-store-away").inner_text()
    assert page.locator("#room-now .value").inner_text().split() == ["18", "µg/m³"]


def test_the_health_page_names_what_is_wrong_and_what_to_do_first(own_house: Any, chromium: Any) -> None:
    topics, now = Topics(own_house.config.org), time.time_ns() // 1_000_000
    own_house.live.hear(
        topics.sensor_health("ban-suan", "p1-2-pm"),
        SensorHealth(
            state="unplugged",
            at=now - 200_000,
            bridge="suan-pi",
            cause={"th": "ไม่พบพอร์ต", "en": "The port is gone"},
        )
        .model_dump_json()
        .encode(),
    )
    own_house.live.hear(
        topics.service_status("ingest"),
        ServiceStatus(service="ingest", state="offline", at=now).model_dump_json().encode(),
    )
    refused = Accepted(3, now, "", own_house.config, "sites.ban-suan.rooms.p1-2.volume: unknown key")
    own_house.live._accepted = lambda: refused
    page = visit(chromium, own_house, "/health")
    text = page.locator("#health").inner_text()
    first = page.locator("#health .group", has_text="Needs attention").inner_text()
    assert "The port is gone" in first
    assert "ingest.log" in first
    assert "volume: unknown key" in text
    assert "version 3" in text
    assert text.index("Needs attention") < text.index("Services")


def test_the_health_page_says_that_the_store_is_still_being_filled(own_house: Any, chromium: Any) -> None:
    topic, now = Topics(own_house.config.org).service_status("ingest"), time.time_ns() // 1_000_000
    own_house.live.hear(
        topic,
        ServiceStatus(service="ingest", state="online", at=now, figures={"carry_left": 1234})
        .model_dump_json()
        .encode(),
    )
    for language in ("en", "th"):
        page = visit(chromium, own_house, "/health", language)
        assert t(language, "health_page.do.filling", n="1,234") in page.locator("#health .group").first.inner_text()


def test_what_a_service_warns_of_is_told_in_the_readers_language(own_house: Any, chromium: Any) -> None:
    topic, now = Topics(own_house.config.org).service_status("ingest"), time.time_ns() // 1_000_000
    causes = [in_every_language("ingest_warning.disk_low", megabytes=7)]
    own_house.live.hear(
        topic,
        ServiceStatus(service="ingest", state="online", at=now, warnings=[causes[0]["en"]], causes=causes)
        .model_dump_json()
        .encode(),
    )
    for language, words in causes[0].items():
        assert words in visit(chromium, own_house, "/health", language).locator("#health .group").first.inner_text()


def test_a_bridge_that_cannot_write_its_spool_is_told_in_both_languages(own_house: Any, chromium: Any) -> None:
    topics, now = Topics(own_house.config.org), time.time_ns() // 1_000_000
    own_house.live.hear(
        topics.bridge("ban-suan", "suan-pi", "status"),
        BridgeStatus(state="online", at=now, storage="suan-pi.db: database or disk is full").model_dump_json().encode(),
    )
    for language, words in (("en", "Free disk space"), ("th", "โปรดเพิ่มที่ว่างในดิสก์")):
        first = visit(chromium, own_house, "/health", language).locator("#health .group").first.inner_text()
        assert words in first and "disk is full" in first


def test_the_keyboard_reaches_the_content_first(house: Any, chromium: Any) -> None:
    page = visit(chromium, house, "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
