"""The wall display never lies about age: to the second, by a clock that the test moves, with and without a server."""

from __future__ import annotations

from typing import Any

import pytest

from classair import i18n
from classair.units import MINUTE_MS, SECOND_MS
from tests.dashboard.conftest import now_ms
from tests.dashboard.test_display import ROOM, shown

NOTHING_TO_RELOAD = "Math.random = () => 0.5;"


class Wall:
    """A display and its server, both by clocks that only the test moves."""

    def __init__(self, house: Any, page: Any) -> None:
        self.house, self.page = house, page

    def go_on(self, ms: int) -> None:
        """Lets `ms` pass, for the server too while it lives."""
        while ms > 0:
            step = min(ms, SECOND_MS)
            if self.house.still_at is not None:
                self.house.still_at += step
            self.page.clock.run_for(step)
            ms -= step

    def phase(self) -> tuple[str, str]:
        return self.page.get_attribute("body", "data-phase"), self.page.text_content("#age-words")


@pytest.fixture
def wall(make_house: Any, chromium: Any, make_state: Any) -> Wall:
    """A value that is 2:50 old to the millisecond, and a chart without data, on a Tuesday before noon."""
    house = make_house.demo()
    house.still_at = now_ms()
    house.put(make_state(ROOM, 18, age_s=170, at=house.still_at))
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page.add_init_script(NOTHING_TO_RELOAD)
    page.clock.install()
    page.goto(f"{house.url}/display/{ROOM}?lang=en")
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    # The clock of the page has stood since; the newest word of the server sets it right.
    house.put(make_state(ROOM, 18, age_s=170, at=house.still_at).model_copy(update={"at": house.still_at + 1}))
    shown(page, "#value", "18")
    page.wait_for_function("document.getElementById('age-words').textContent.includes('2 minutes')")
    return Wall(house, page)


@pytest.mark.thorough
@pytest.mark.parametrize("killed", ["feed", "server"])
def test_a_value_is_late_at_three_minutes_and_unknown_at_fifteen_on_the_second(wall: Wall, killed: str) -> None:
    if killed == "server":
        wall.house.stop()
        wall.house.still_at = None
        wall.page.wait_for_function("performance.now() > 0")
    left = 10 * SECOND_MS  # to three minutes
    wall.go_on(left - 1)
    assert wall.phase() == ("ok", "Measured 2 minutes ago")
    wall.go_on(1)
    assert wall.phase() == ("late", "Reading is 3 min old")
    for tile in ("outdoor", "co2"):
        assert wall.page.get_attribute(f"#{tile}", "data-phase") == "late"
    assert wall.page.text_content("#stale") == "Reading is 3 min old"
    wall.go_on(11 * MINUTE_MS + 59 * SECOND_MS + 999)
    assert wall.phase() == ("late", "Reading is 14 min old")
    assert wall.page.text_content("#value") == "18"
    wall.go_on(1)
    assert wall.phase() == ("unknown", i18n.t("en", "age.not_current"))
    assert wall.page.text_content("#value") == wall.page.text_content("#outdoor-value") == "–"
    assert wall.page.get_attribute("#panel", "data-level") == "unknown"
    assert wall.page.get_attribute("#outdoor", "data-phase") == "unknown"
    wall.go_on(22 * MINUTE_MS)
    if killed == "feed":
        assert wall.page.is_hidden("#away")
        assert "No data from the sensor for 37 minutes" in wall.page.text_content("#reason")
    else:
        # Without the server nobody knows anything of the sensor; the age goes on all the same.
        wall.page.wait_for_selector("#away:not([hidden])")
        wall.go_on(SECOND_MS)
        assert "No contact with the server for 34 minutes" in wall.page.text_content("#reason")


@pytest.mark.thorough
def test_a_purifier_of_which_nobody_speaks_is_late_and_then_unknown(wall: Wall) -> None:
    assert wall.page.text_content("#purifier-word") == "Running"
    assert wall.page.text_content("#purifier-note").endswith("checked just now")
    wall.go_on(MINUTE_MS)
    assert wall.page.text_content("#purifier-note").endswith("checked 1 min ago")
    wall.go_on(2 * MINUTE_MS)
    assert wall.page.get_attribute("#purifier", "data-phase") == "late"
    assert wall.page.text_content("#purifier-note").endswith("Reading is 3 min old")
    wall.go_on(12 * MINUTE_MS)
    assert wall.page.get_attribute("#purifier", "data-phase") == "unknown"
    assert wall.page.text_content("#purifier-word") == "State unknown"
    assert wall.page.text_content("#purifier-note") == ""


def test_what_was_promised_is_promised_no_longer_once_nobody_keeps_it_up(wall: Wall, make_state: Any) -> None:
    state = make_state(ROOM, None, minutes_left=7, at=wall.house.still_at)
    wall.house.put(state.model_copy(update={"at": wall.house.still_at + 2}))
    shown(wall.page, "#age-words", "reading in 7 min")
    assert "reading in 7 min" in wall.page.text_content("#reason")
    wall.go_on(3 * MINUTE_MS + 2)
    assert wall.phase() == ("unknown", i18n.t("en", "age.not_current"))
    assert "reading in" not in wall.page.text_content("#reason")
