"""The page of data sets in a real browser: from the wish to the file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.i18n import t
from classair.model import Reading
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.units import MINUTE_MS
from dashboard.queries.exports import Exports

MONDAY = 1_795_366_800_000  # 2026-11-23T00:00+07:00
LINK = "/exports?rooms=ban-suan.p1-2&first=2026-11-23&last=2026-11-24"
WORDS = {
    "en": ("Exports", "Preview", "Create export", "Your export is ready: 48 rows", "No data in this range"),
    "th": ("ชุดข้อมูล", "ดูตัวอย่าง", "สร้างชุดข้อมูล", "ชุดข้อมูลพร้อมแล้ว 48 แถว", "ไม่มีข้อมูลในช่วงที่เลือก"),
}


@pytest.fixture
def house(make_house: Any, tmp_path: Path) -> Iterator[Any]:
    places = Places(tmp_path / "data")
    store = SqliteStore(places.readings)
    store.write(
        [
            Reading(
                "ban-suan.p1-2-pm",
                "ban-suan.suan-pi",
                "ab12cd34ef",
                minute + 1,
                MONDAY + minute * MINUTE_MS,
                {"pm25": float(minute // 60 % 24)},
                60.0,
                room="ban-suan.p1-2",
                simulated=True,
            )
            for minute in range(2 * 1440)
        ]
    )
    store.close()
    exports = Exports(places, Path("sensors.yaml").resolve(), lambda: MONDAY + 5 * 86_400_000)
    exports.begin()
    reading = SqliteStore(places.readings, readonly=True)
    yield make_house(store=reading, readings=places.readings, exports=exports)
    reading.close()
    exports.close()


def signed_in(house: Any, chromium: Any, language: str, **options: Any) -> Any:
    if "one" not in {name for name, _, _ in house.desk.accounts()}:
        house.desk.add_account("one", "researcher", "a long enough password")
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, **options)
    cookies = house.sign_in("one", "a+long+enough+password")["Cookie"].split("; ")
    page.context.add_cookies(
        [
            {"name": name, "value": value, "url": house.url}
            for name, value in (cookie.split("=", 1) for cookie in cookies)
        ]
    )
    page.goto(f"{house.url}{LINK}&lang={language}")
    page.wait_for_selector(".working h1", timeout=60_000)
    assert page.locator("#export-make").count() == 1, page.locator(".working").inner_text()
    return page


@pytest.mark.parametrize("language", ["en", "th"])
def test_a_data_set_is_previewed_made_announced_and_downloaded(
    house: Any,
    chromium: Any,
    tmp_path: Path,
    language: str,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    title, preview, make, ready, nothing = WORDS[language]
    page = signed_in(house, chromium, language, accept_downloads=True)
    assert page.locator("h1").inner_text() == title
    page.get_by_role("button", name=preview, exact=True).click()
    page.wait_for_selector("#export-answer tbody tr", timeout=30_000)
    assert page.locator("#export-answer tbody tr").count() == 3
    page.get_by_role("button", name=make, exact=True).click()
    page.wait_for_function(
        "words => document.querySelector('#export-jobs').innerText.includes(words)", arg=ready, timeout=60_000
    )
    if folder := os.environ.get("CLASSAIR_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/exports-{language}.png", full_page=True)
    found = [
        (v["id"], v["nodes"][0]["html"][:200])
        for v in Axe().run(page).response["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert found == []
    with page.expect_download() as waiting:
        page.locator("#export-jobs a[download]").click()
    waiting.value.save_as(tmp_path / "package.zip")
    assert zipfile.ZipFile(tmp_path / "package.zip").testzip() is None
    for name, day in (("first", "1/1/2563"), ("last", "2/1/2563")):
        field = page.locator(f"[data-name={name}] input:not([type=hidden])").first
        field.fill(day if language == "th" else f"2020-01-0{day[0]}")
        field.press("Tab")
    page.get_by_role("button", name=preview, exact=True).click()
    page.wait_for_function(
        "words => document.querySelector('#export-answer').innerText.includes(words)", arg=nothing, timeout=30_000
    )
    page.locator("#export-jobs button").first.click()
    page.wait_for_function("() => !document.querySelector('#export-jobs a[download]')", timeout=60_000)
    assert chromium.errors == []


def test_whoever_has_not_signed_in_is_told_to(house: Any, chromium: Any) -> None:
    page = chromium.new_page()
    page.goto(f"{house.url}{LINK}&lang=en")
    page.wait_for_selector(".notice", timeout=60_000)
    assert "researcher" in page.locator(".notice").inner_text()
    assert page.locator("#export-make").count() == 0


def test_an_export_of_no_room_asks_for_one_in_the_language_of_the_page(house: Any, chromium: Any) -> None:
    page = signed_in(house, chromium, "th")
    page.goto(page.url.replace("rooms=", "none="))
    page.get_by_role("button", name=WORDS["th"][2], exact=True).click()
    page.wait_for_selector("#export-answer .notice")
    assert t("th", "wish.rooms_too_short") in page.locator("#export-answer").inner_text()
    assert t("th", "wish.rooms_too_short") in page.locator("#field-rooms").inner_text(), "beside the field, too"


def test_a_form_works_without_a_script_and_keeps_what_was_typed(house: Any, chromium: Any) -> None:
    page = signed_in(house, chromium, "th", java_script_enabled=False)
    page.locator("[name=doi]").fill("ไม่รู้")
    page.locator("#export-preview").click()
    assert page.locator("[name=doi]").input_value() == "ไม่รู้"
    assert page.locator("#fault-doi").inner_text() == t("th", "wish.doi")
    page.locator("[name=doi]").fill("")
    page.locator("#export-preview").click()
    assert page.locator("#export-answer tbody tr").count() == 3
