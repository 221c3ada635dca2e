"""The wall display never lies about age: to the second, by a clock that the test moves, with and without a server."""

from __future__ import annotations

from typing import Any

import pytest

from classair import i18n
from classair.units import MINUTE_MS, SECOND_MS
from classair.wire import RoomState
from tests.dashboard.conftest import now_ms
from tests.dashboard.test_display import shown

ROOM = "ban-suan.p1-10"  # without a line for children, which would take turns with the reason
AGE_MS = 170 * SECOND_MS  # of the value when a test begins


class Wall:
    """A display and its server, both by clocks that only the test moves."""

    def __init__(self, house: Any, page: Any, state: RoomState) -> None:
        self.house, self.page, self._state, self._words = house, page, state, 0

    def say_again(self) -> None:
        """As alerts does every 30 s: the same state, and with it the server's time, to the millisecond."""
        self._words += 1
        unit = self._state.purifier.model_copy(update={"speed": f"word {self._words}"})
        self.house.put(self._state.model_copy(update={"at": self.house.still_at, "purifier": unit}))
        shown(self.page, "#purifier-speed", f"word {self._words}")

    def pass_by(self, ms: int) -> None:
        """Lets time pass for both. Alerts lives: every 30 s it says the same again."""
        while ms > 0:
            step = min(ms, 30 * SECOND_MS)
            self.page.clock.run_for(step)
            self.house.still_at += step
            self.say_again()
            ms -= step

    def go_on(self, ms: int) -> None:
        """Lets time pass for the page alone, so that it counts by itself."""
        self.page.clock.run_for(ms)

    def stop_server(self) -> None:
        self.house.stop()
        self.page.wait_for_function("() => window.stopped")

    def phase(self) -> tuple[str, str]:
        return self.page.get_attribute("body", "data-phase"), self.page.text_content("#age-words")


STOPPED = """window.EventSource = class extends window.EventSource {
  constructor(url) { super(url); this.addEventListener('error', () => { window.stopped = true; }); }
};"""


@pytest.fixture
def wall(make_house: Any, chromium: Any, make_state: Any) -> Wall:
    """A value that is 2:50 old to the millisecond."""
    house = make_house()
    house.still_at = now_ms()
    house.live.hub._keep_alive_s = 10_000  # the server's time comes when the test says so
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page.add_init_script(STOPPED)
    page.route("**/now", lambda route: route.abort())  # an answer that comes late would set the page's clock back
    page.clock.install(time=house.still_at / 1000)
    page.goto(f"{house.url}/display/{ROOM}?lang=en")
    page.wait_for_function("() => document.getElementById('clock').textContent")
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    opened = Wall(house, page, make_state(ROOM, 18, age_s=AGE_MS / 1000, at=house.still_at))
    opened.say_again()
    return opened


@pytest.mark.thorough
@pytest.mark.parametrize("killed", ["feed", "server"])
def test_a_value_is_late_at_three_minutes_and_unknown_at_fifteen_on_the_second(wall: Wall, killed: str) -> None:
    if killed == "server":
        wall.stop_server()
    wall.go_on(3 * MINUTE_MS - AGE_MS - 1)
    assert wall.phase() == ("ok", "Measured 2 minutes ago")
    wall.go_on(2)  # timers count whole milliseconds
    assert wall.phase() == ("late", "Reading is 3 min old")
    for tile in ("outdoor", "co2"):
        assert wall.page.get_attribute(f"#{tile}", "data-phase") == "late"
    assert wall.page.text_content("#stale") == "Reading is 3 min old"
    if killed == "server":
        wall.go_on(11 * MINUTE_MS + 50 * SECOND_MS)
    else:
        wall.house.still_at += 10 * SECOND_MS + 1
        wall.pass_by(11 * MINUTE_MS + 50 * SECOND_MS)
    wall.go_on(9 * SECOND_MS + 998)
    assert wall.phase() == ("late", "Reading is 14 min old")
    assert wall.page.text_content("#value") == "18"
    wall.go_on(2)
    assert wall.phase() == ("unknown", i18n.t("en", "age.not_current"))
    assert wall.page.text_content("#value") == wall.page.text_content("#outdoor-value") == "–"
    assert wall.page.get_attribute("#panel", "data-level") == "unknown"
    assert wall.page.get_attribute("#outdoor", "data-phase") == "unknown"
    if killed == "feed":
        assert wall.page.is_hidden("#away")
        assert "No data from the sensor for 15 minutes" in wall.page.text_content("#reason")
    else:
        # Without the server nobody knows anything of the sensor; how long nothing was heard goes on all the same.
        wall.go_on(22 * MINUTE_MS)
        assert wall.page.is_visible("#away")
        assert "No contact with the server for 34 minutes" in wall.page.text_content("#reason")


def test_a_purifier_of_which_nobody_speaks_is_late_and_then_unknown(wall: Wall) -> None:
    wall.stop_server()
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
    wall.house.put(state.model_copy(update={"at": wall.house.still_at + 1}))
    shown(wall.page, "#age-words", "reading in 7 min")
    assert "reading in 7 min" in wall.page.text_content("#reason")
    wall.stop_server()
    wall.go_on(3 * MINUTE_MS - 2)
    assert wall.phase()[1].endswith("reading in 7 min")
    wall.go_on(4)
    assert wall.phase() == ("unknown", i18n.t("en", "age.not_current"))
    assert "reading in" not in wall.page.text_content("#reason")
