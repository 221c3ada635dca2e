"""A power cut: the wall starts from the shell that it kept, says that it knows nothing, and goes live by itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from classair import i18n
from tests.dashboard.test_display import ROOM, shown

KEPT = """async room => {
  await navigator.serviceWorker.ready;
  for (let tries = 0; tries < 200; tries += 1) {
    for (const name of await caches.keys()) {
      if (await (await caches.open(name)).match(location.href)) return name;
    }
    await new Promise(done => setTimeout(done, 50));
  }
  return '';
}"""


@pytest.mark.thorough
def test_after_a_power_cut_the_kept_page_shows_unknown_and_then_goes_live(
    make_house: Any, chromium: Any, make_state: Any
) -> None:
    house = make_house()
    house.put(make_state(ROOM, 18))
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page.goto(f"{house.url}/display/{ROOM}?lang=en")
    shown(page, "#value", "18")
    build = json.loads(page.text_content("#facts"))["build"]
    assert page.evaluate(KEPT, ROOM) == f"classair-display-{build}"
    house.stop()
    again = page.context.new_page()
    page.close()
    again.on("pageerror", lambda error: chromium.errors.append(str(error)))
    again.goto(f"{house.url}/display/{ROOM}?lang=en")
    again.wait_for_selector("#away:not([hidden])", timeout=20_000)
    assert again.inner_text("#away") == i18n.t("en", "age.unreachable")
    assert again.text_content("#level") == i18n.t("en", "level.unknown")
    assert again.text_content("#value") == "–" and again.get_attribute("#panel", "data-level") == "unknown"
    assert again.get_attribute("#outdoor", "data-phase") == "unknown"
    assert re.fullmatch(r"\d\d:\d\d", again.text_content("#clock"))
    assert "No contact with the server" in again.text_content("#reason")
    assert "18" not in again.text_content("#stage")
    # The kept page is whole: its fonts and styles came along.
    assert again.evaluate("document.fonts.check('700 20px Sarabun')")
    assert again.evaluate("getComputedStyle(document.getElementById('stage')).position") == "absolute"
    house.start()
    house.put(make_state(ROOM, 21))
    shown(again, "#value", "21", 30_000)
    again.wait_for_selector("#away", state="hidden")
    assert not chromium.errors


def test_the_worker_reaches_no_further_than_displays_and_keeps_what_a_display_loads(house: Any) -> None:
    worker = house.ask("/display/worker")
    assert worker.status == 200 and worker.headers["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in worker.headers  # its reach is /display/, where it lies
    assert worker.headers["Cache-Control"] == "no-store"
    files = json.loads(re.search(r"const FILES = (\[.*?\]);", worker.text).group(1))  # type: ignore[union-attr]
    page = house.ask(f"/display/{ROOM}").text
    loaded = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert loaded and set(loaded) <= set(files)
    styles = house.ask("/assets/fonts.css").text
    assert {f"/assets/{font}" for font in re.findall(r"url\(([^)]+)\)", styles)} <= set(files)
    assert all(house.ask(file).status == 200 for file in files)


def test_what_is_kept_of_a_page_has_no_value_of_the_room(house: Any, make_state: Any) -> None:
    house.put(make_state(ROOM, 47.3, outdoor=88.8, co2=1234))
    # Digests of files and drawings may hold any digits.
    page = re.sub(r"\b[0-9a-f]{12}\b|<svg.*?</svg>", "", house.ask(f"/display/{ROOM}").text, flags=re.S)
    assert not any(value in page for value in ("47", "89", "88.8", "1230", "1234"))


def test_the_clock_of_a_device_that_lost_the_time_is_not_shown(make_house: Any, chromium: Any, make_state: Any) -> None:
    house = make_house()
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script("Date.now = () => 86400000;")
    page.route("**/live", lambda route: route.abort())
    page.route("**/now", lambda route: route.abort())
    page.goto(f"{house.url}/display/{ROOM}?lang=en")
    page.wait_for_selector("#away:not([hidden])", timeout=20_000)
    assert page.text_content("#clock") == ""
