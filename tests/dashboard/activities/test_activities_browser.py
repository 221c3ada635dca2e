"""Activities and the practice week in a real browser: keyboard, sizes, and what axe finds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from classair.timetable import ZONE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["th", "en"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    house: Any, chromium: Any, language: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    at = datetime.now(ZONE) - timedelta(minutes=45)
    room = f"/activity/ban-suan.p1-2?lang={language}&highest=x&day={at:%Y-%m-%d}&at={at:%H:%M}"
    page = chromium.new_page(viewport={"width": width, "height": 720}, bypass_csp=True)
    for path in (room, f"/training?lang={language}&d=o", f"/training?lang={language}&d={'opcrn' * 3}"):
        page.goto(house.url + path)
        found = [(it["id"], it["nodes"][0]["html"][:120]) for it in Axe().run(page).response["violations"]]
        assert not found, path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_week_is_practised_with_the_keyboard_alone(house: Any, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{house.url}/training?lang=en")
    for step in range(1, 4):
        assert f"Decision {step} of 15" in page.inner_text("#content")
        page.focus(".choices .choice >> nth=2")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**d={'p' * step}*")
    assert "You: windows closed, purifier on full" in page.inner_text("#content")
