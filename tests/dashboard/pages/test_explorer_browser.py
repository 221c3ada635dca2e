"""The explorer in a real browser: both languages, links, keyboard, pictures, a phone, events."""

from __future__ import annotations

import re
import secrets
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from classair.model import Reading
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, MINUTE_MS
from classair.wire import Answer
from ingest.books.books import Books

MONDAY = 1_794_762_000_000  # 2026-11-16T00:00+07:00
VIEW = "rooms=ban-suan.p1-2,ban-suan.p4-1&first=2026-11-16&last=2026-11-19&rooms2=ban-suan.yard"


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of two rooms and the yard, a value in ten minutes; a night is missing in one room."""
    path = tmp_path_factory.mktemp("explorer") / "readings.db"
    books = Books(path, journal=False)
    books.store.write(
        Reading(
            f"ban-suan.{room}-pm",
            "ban-suan.suan-pi",
            "ab12cd34ef",
            number * 1000 + i + 1,
            MONDAY + i * 10 * MINUTE_MS,
            {"pm25": round((20 + i % 144 / 6) * share, 1)},
            600.0,
            room=f"ban-suan.{room}",
            simulated=True,
        )
        for number, (room, share) in enumerate((("p1-2", 0.5), ("p4-1", 0.8), ("yard", 1.0)))
        for i in range(4 * 144)
        if not (room == "p1-2" and 190 < i < 240)
    )
    books.close()
    return path


@pytest.fixture
def school(make_house: Any, readings: Path) -> Iterator[Any]:
    store = SqliteStore(readings, readonly=True)
    house = make_house(store=store, readings=readings)
    house.offset_ms = MONDAY + 4 * DAY_MS - time.time_ns() // 1_000_000
    yield house
    store.close()


def visit(chromium: Any, house: Any, query: str = VIEW, language: str = "en", **options: Any) -> Any:
    """A page that has drawn everything."""
    options.setdefault("viewport", {"width": 1280, "height": 800})
    page = chromium.new_page(**options)
    page.goto(f"{house.url}/explorer?{query}&lang={language}")
    drawn(page)
    return page


def drawn(page: Any) -> None:
    page.wait_for_selector("#explorer-week .main-svg", timeout=30_000)
    page.wait_for_selector("#explorer-strip .main-svg", timeout=30_000)


def numbers(page: Any) -> list[str]:
    """The whole table of a page, opened."""
    page.locator("#explorer-more").evaluate("one => one.click()")
    page.wait_for_selector("#explorer-table table", state="attached", timeout=60_000)
    return list(page.locator("#explorer-table tbody tr").all_inner_texts())


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_explorer_is_whole_and_accessible_in_both_languages(school: Any, chromium: Any, language: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(chromium, school, language=language)
    page.evaluate("document.querySelectorAll('details > summary').forEach(one => one.click())")
    page.wait_for_selector("#explorer-table table", state="attached", timeout=60_000)
    page.wait_for_selector("#explorer-event-form form")
    text = page.locator(".working").inner_text()
    assert not re.search(r"\{\w+\}|\bNone\b|undefined|NaN|explorer\.\w", text), "a place was left unfilled"
    assert ("จับคู่วันและชั่วโมงเดียวกัน" if language == "th" else "paired by day and hour") in text
    assert ("ข้อมูลจำลอง" if language == "th" else "Simulated") in text
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
    assert chromium.errors == []


@pytest.mark.slow
def test_a_views_link_shows_the_same_numbers_in_a_second_browser(school: Any, chromium: Any) -> None:
    first = visit(chromium, school)
    link = first.locator("#explorer-link").get_attribute("href")
    second = chromium.new_page(viewport={"width": 1000, "height": 700})
    second.goto(school.url + link)
    drawn(second)
    assert numbers(first) == numbers(second)
    for figure in (
        "explorer-series-pm25",
        "explorer-shares",
        "explorer-week",
        "explorer-scatter",
        "explorer-compare",
        "explorer-strip",
    ):
        read = f"JSON.stringify(document.querySelector('#{figure} .js-plotly-plot').data.map(t => [t.x, t.y, t.z]))"
        assert first.evaluate(read) == second.evaluate(read), figure


def test_choices_go_into_the_address_and_the_back_button_brings_them_back(school: Any, chromium: Any) -> None:
    page = visit(chromium, school)
    page.get_by_role("checkbox", name="Lesson time only").check()
    field = page.get_by_label("From", exact=True)
    field.fill("2026-11-17")
    page.get_by_role("button", name="Show").click()
    page.wait_for_function("() => location.search.includes('lesson=1')", timeout=60_000)
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["first"], asked["rooms"], asked["lang"]) == (["2026-11-17"], ["ban-suan.p1-2,ban-suan.p4-1"], ["en"])
    page.wait_for_selector("#explorer-series-pm25 ~ *, .made-text:has-text('lesson time only')", timeout=60_000)
    drawn(page)
    page.go_back()
    page.wait_for_function("() => !location.search.includes('lesson=1')")
    page.wait_for_function(
        "() => ![...document.querySelectorAll('.made-text')].some(one => one.textContent.includes('lesson time only'))",
        timeout=60_000,
    )
    assert not page.get_by_role("checkbox", name="Lesson time only").is_checked()
    page.wait_for_function("() => document.querySelector('[data-store=explorer-first] input').value === '2026-11-16'")
    page.get_by_role("link", name="ไทย").click()
    page.wait_for_function("() => document.documentElement.lang === 'th'")
    assert parse_qs(urlsplit(page.url).query)["rooms2"] == ["ban-suan.yard"], "the other language shows the same view"


def test_a_school_offers_its_own_rooms(school: Any, chromium: Any) -> None:
    page = visit(chromium, school)
    page.get_by_label("School").first.click()
    page.get_by_role("option", name="Rim Khlong Example School").click()
    page.wait_for_selector(".explorer-form :text('K.2/1')", timeout=60_000)
    page.get_by_role("button", name="Show").click()
    page.wait_for_function("() => location.search.includes('rim-khlong.a2-1')", timeout=60_000)
    page.wait_for_selector("text=No data in this range.", timeout=60_000)


def test_a_figure_becomes_a_picture_without_the_network(school: Any, chromium: Any, tmp_path: Path) -> None:
    page = visit(chromium, school, language="th", accept_downloads=True)
    for figure in ("explorer-series-pm25", "explorer-shares", "explorer-strip"):
        with page.expect_download(timeout=60_000) as coming:
            page.locator(f"button[data-figure={figure}]").click()
        file = tmp_path / f"{figure}.png"
        coming.value.save_as(file)
        head = file.read_bytes()[:24]
        width, height = struct.unpack(">II", head[16:24])
        assert head[1:4] == b"PNG" and width > 600 and height > 250


def test_the_csv_is_the_table(school: Any, chromium: Any, tmp_path: Path) -> None:
    page = visit(chromium, school, VIEW + "&step=1d", accept_downloads=True)
    with page.expect_download(timeout=60_000) as coming:
        page.locator("#explorer-csv").click()
    coming.value.save_as(tmp_path / "view.csv")
    text = (tmp_path / "view.csv").read_bytes().decode("utf-8-sig")
    assert coming.value.suggested_filename.startswith("classair-")
    assert len(text.strip().splitlines()) == 1 + 8 == 1 + len(numbers(page))


def test_nothing_is_cut_on_a_phone(school: Any, chromium: Any) -> None:
    page = visit(chromium, school, language="th", viewport={"width": 320, "height": 640})
    page.wait_for_selector("#explorer-event-form form", state="attached")
    page.evaluate("document.querySelectorAll('details > summary').forEach(one => one.click())")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_everything_is_reached_with_the_keyboard(school: Any, chromium: Any) -> None:
    page = visit(chromium, school)
    page.locator("#explorer-show").focus()
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.getAttribute('aria-label') "
                "|| document.activeElement.textContent.trim()"
            )
        )
    assert "Download image: PM2.5 over time" in names
    assert {"explorer-link", "explorer-csv", "explorer-more"} <= set(names)
    assert "Log an event" in names


def test_an_event_is_noted_marked_and_withdrawn_on_the_page(
    make_house: Any,
    readings: Path,
    chromium: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import shutil

    from classair.wire import Ask

    path = tmp_path / "readings.db"
    shutil.copy(readings, path)
    books = Books(path, journal=False)
    store = SqliteStore(path, readonly=True)
    house = make_house(store=store, readings=path)
    house.offset_ms = MONDAY + 4 * DAY_MS - time.time_ns() // 1_000_000

    async def ask(service: str, do: str, who: str, args: dict[str, Any]) -> Answer:
        identity = secrets.token_hex(8)
        event = books.note_event(Ask(id=identity, do=do, who=who, args=args), house.config, MONDAY + 4 * DAY_MS)
        return Answer(
            id=identity, ok=True, result={"event": {key: getattr(event, key) for key in event.__dataclass_fields__}}
        )

    monkeypatch.setattr(house.live, "ask", ask)
    page = visit(chromium, house)
    page.locator("summary", has_text="Log an event").click()
    page.get_by_label("Start", exact=True).fill("2026-11-17")
    page.get_by_label("Start, time of day").fill("09:00")
    page.get_by_label("Note (no pupils").fill("<b>HEPA</b>")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("#explorer-event-says a:has-text('Sign in')", timeout=60_000)

    house.desk.add_account("one", "caretaker", "a long enough password")
    page.locator("#explorer-event-says a").click()
    page.locator("[name=name]").fill("one")
    page.locator("[name=password]").fill("a long enough password")
    page.locator("[name=password]").press("Enter")
    drawn(page)
    page.locator("summary", has_text="Log an event").click()
    page.get_by_label("Start", exact=True).fill("2026-11-17")
    page.get_by_label("Start, time of day").fill("09:00")
    page.get_by_label("Note (no pupils").fill("<b>HEPA</b>")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("table.events", timeout=60_000)
    assert "Tue 17 Nov 2026, 09:00" in page.locator("table.events").inner_text()
    assert "Filter changed <b>HEPA</b>" in page.locator("table.events").inner_text()
    drawn(page)
    assert page.locator("#explorer-series-pm25 .annotation-text", has_text=re.compile("^1$")).count() == 1
    page.get_by_role("button", name=re.compile("Retract")).click()
    page.wait_for_selector("text=No events were logged in this range.", timeout=60_000)
    store.close()
    books.close()
