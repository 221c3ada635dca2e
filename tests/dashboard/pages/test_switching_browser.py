"""Switching a purifier in a real browser: by pointer, by keyboard, on a phone; what is asked, sent and shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from classair.i18n import t
from classair.wire import Answer, Ask, RoomState
from tests.dashboard.conftest import alerts_double, now_ms

ROOM, FAN = "ban-suan.p1-2", "ban-suan.p1-2-fan"
PASSWORD = "four unrelated words here"
TELEPHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


class Room:
    """A house whose alerts is a double on a real broker: it takes every order for ten minutes and says so."""

    def __init__(self, house: Any, make_state: Callable[..., RoomState]) -> None:
        self.house, self._make_state = house, make_state
        self.asked: list[Ask] = []
        self.refuses = ""

    def air(self, pm25: float | None, **unit: Any) -> None:
        state = self._make_state(ROOM, pm25, at=now_ms())
        assert state.purifier is not None
        self.house.put(state.model_copy(update={"purifier": state.purifier.model_copy(update=unit)}))

    def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if self.refuses:
            return Answer(id=ask.id, ok=False, error=self.refuses)
        do = ask.args["do"]
        until = None if do == "auto" else now_ms() + 600_000
        shortened = until is not None and ask.args.get("minutes", 0) > 10
        self.air(46, on=do != "off", override_on=None if do == "auto" else do == "on", override_until=until)
        return Answer(id=ask.id, ok=True, result={"override_until": until, "shortened": shortened})


@pytest.fixture
def room(own_house: Any, make_state: Any, mosquitto: Any) -> Iterator[Room]:
    own_house.desk.add_account("somsri", "teacher", PASSWORD, [ROOM])
    made = Room(own_house, make_state)
    with alerts_double(own_house, mosquitto, made.answer):
        made.air(18)
        yield made


def enter(chromium: Any, house: Any, path: str, language: str = "en", **options: Any) -> Any:
    page = chromium.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    page.goto(f"{house.url}/login?next={path}%3Flang%3D{language}&lang={language}")
    page.fill("#name", "somsri")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".purifier-card", timeout=60_000)
    page.wait_for_load_state("load")
    return page


def said(page: Any) -> str:
    page.wait_for_function("() => (document.getElementById('page-said') || {}).textContent", timeout=30_000)
    return str(page.inner_text("#page-said"))


def test_off_in_clean_air_is_one_press_and_its_end_is_shown_and_counted_down(room: Room, chromium: Any) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}")
    page.click("button[data-order=off]")
    assert said(page).startswith("Off until ")
    assert room.asked[-1].args == {"purifier": FAN, "do": "off", "minutes": 30}
    assert room.asked[-1].who == "teacher:somsri"
    page.wait_for_selector("button[data-order=off][aria-pressed=true]")
    page.wait_for_function("() => /\\(10 min left\\)/.test(document.querySelector('.left').textContent)")
    assert chromium.errors == []


def test_what_is_left_counts_down_to_seconds_without_the_server(room: Room, chromium: Any) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}/purifier")
    page.clock.install()
    room.air(46, on=False, override_on=False, override_until=now_ms() + 58_000, override_by="device")
    page.wait_for_function("() => / s left\\)/.test((document.querySelector('.left') || {}).textContent)")
    page.clock.run_for(70_000)
    page.wait_for_function("() => /ending now/.test(document.querySelector('.left').textContent)")


def test_in_dusty_air_it_is_asked_first_and_keeping_it_sends_nothing(room: Room, chromium: Any) -> None:
    room.air(46)
    page = enter(chromium, room.house, f"/room/{ROOM}")
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.click("dialog .do-no")):
        page.click("button[data-order=off]")
        page.wait_for_selector("dialog[open]")
        assert "46 µg/m³" in page.inner_text("dialog") and "in 30 min" in page.inner_text("dialog")
        assert page.evaluate("document.activeElement.className") == "do-no", "the careful answer is at hand"
        leave()
        page.wait_for_selector("dialog", state="detached")
    assert room.asked == []
    page.click("button[data-order=off]")
    page.click("dialog .do-off")
    assert said(page).startswith("Off until ") and "shorter than chosen" in said(page)
    assert room.asked[-1].args["do"] == "off"


def test_heavy_dust_is_ten_minutes_whatever_was_chosen(room: Room, chromium: Any) -> None:
    room.air(120)
    page = enter(chromium, room.house, f"/room/{ROOM}")
    page.click("button[data-order=off]")
    page.wait_for_selector("dialog[open]")
    assert "in 10 min" in page.inner_text("dialog") and "short time only" in page.inner_text("dialog")


def test_everything_goes_by_keyboard_alone(room: Room, chromium: Any) -> None:
    room.air(46)
    page = enter(chromium, room.house, f"/room/{ROOM}/purifier")
    page.focus("button[data-order=off]")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.minutes") == "off"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said(page)
    assert room.asked[-1].args["do"] == "off"
    assert page.evaluate("document.activeElement.dataset.order") == "off", "the focus is back where it was"


def test_a_chosen_length_survives_what_the_stream_draws_again_and_is_sent(room: Room, chromium: Any) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}")
    page.select_option("select[data-minutes=off]", "15")
    room.air(18, watts=41.0)
    page.wait_for_selector("text=41 W")
    page.click("button[data-order=off]")
    said(page)
    assert room.asked[-1].args["minutes"] == 15


def test_two_taps_are_one_order(room: Room, chromium: Any) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}/purifier", **TELEPHONE)
    page.evaluate("() => { const b = document.querySelector('button[data-order=on]'); b.click(); b.click(); }")
    said(page)
    assert [ask.args["do"] for ask in room.asked] == ["on"]


def test_a_phone_is_remembered_when_its_session_has_ended(room: Room, chromium: Any) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}/purifier", **TELEPHONE)
    context = page.context
    kept = [one for one in context.cookies() if one["name"] != "classair_session"]
    context.clear_cookies()
    context.add_cookies(kept)
    page.goto(f"{room.house.url}/room/{ROOM}/purifier?lang=en")
    page.tap("button[data-order=on]")
    assert said(page).startswith("On until ")
    page.goto(f"{room.house.url}/phones?lang=en")
    assert "this one" in page.inner_text("main")
    page.click("button:has-text('Forget')")
    page.goto(f"{room.house.url}/room/{ROOM}/purifier?lang=en")
    assert "/login" in page.url


@pytest.mark.parametrize(("language", "word"), [("th", "ยังไม่ได้เปลี่ยน"), ("en", "Nothing was changed")])
def test_what_was_refused_is_told_in_words(room: Room, chromium: Any, language: str, word: str) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}", language)
    room.refuses = "a rule forbids it"
    page.click("button[data-order=on]")
    assert word in said(page) and t(language, "refusal.changed") in said(page)
    assert "a rule forbids it" not in said(page), "the API speaks to programs, in English"


@pytest.mark.parametrize(("language", "word"), [("th", "คำสั่งอาจไปไม่ถึง"), ("en", "may not have arrived")])
def test_without_an_answer_it_is_not_said_that_nothing_was_changed(
    room: Room, chromium: Any, language: str, word: str
) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}", language)
    page.route("**/override", lambda route: route.abort())
    page.click("button[data-order=on]")
    told = said(page)
    assert word in told and "Nothing was changed" not in told and "ยังไม่ได้เปลี่ยน" not in told


def test_signed_out_meanwhile_is_told_and_nothing_is_sent(room: Room, chromium: Any) -> None:
    page = enter(chromium, room.house, f"/room/{ROOM}")
    page.context.clear_cookies()
    page.click("button[data-order=on]")
    assert "Sign in again" in said(page)
    assert room.asked == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_and_axe_finds_nothing_serious(room: Room, chromium: Any, language: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    room.air(90, on=False, override_on=False, override_until=now_ms() + 500_000, faults=["silent"], watts=3.0)
    page = enter(chromium, room.house, f"/room/{ROOM}/purifier", language, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        "() => [...document.querySelectorAll('.purifiers button, .purifiers select, .phone-links a')]"
        ".filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
    )
    assert small == []
    page.click("button[data-order=off]")
    page.wait_for_selector("dialog[open]")
    found = json.loads(json.dumps(Axe().run(page).response))
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
