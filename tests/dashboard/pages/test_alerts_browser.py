"""Alerts in a real browser, before the asks and the ledger of alerts: acknowledge, silence, end; the header's count."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.asks import Asks
from alerts.ledger import Ledger
from alerts.lifecycle.asked import handlers
from alerts.lifecycle.board import AlertBoard
from classair.broker import BrokerAddress, Link, Message
from classair.service import Following
from classair.wire import Topics
from tests.dashboard.conftest import now_ms
from tests.dashboard.pages.alerting import ROOM, busy_school, configured, say

PASSWORD = "four unrelated words here"
LANGUAGES = ("th", "en")


class Nobody:
    """An outbox of which nothing is told; alerts' own is tested where it is."""

    def tell(self, telling: Any, now: int) -> list[Any]:
        return []

    def withdraw(self, alert_id: str, now: int) -> list[Any]:
        return []

    def acknowledged(self, alert_id: str) -> list[Any]:
        return []

    def committed(self) -> None: ...

    def told_at(self, alert_id: str) -> int | None:
        return None


class Alerts:
    """What alerts does with asks: its board, its ledger, at a real broker. `silent`: it hears and does not answer."""

    def __init__(self, path: Path, mosquitto: Any, topics: Topics) -> None:
        self.ledger = Ledger(path)
        self.board = AlertBoard(self.ledger, Nobody())
        self.board.follow(configured(), now_ms())
        self.refuses_all = False
        asks = Asks(self.ledger, None, self._say, lambda *_: None)  # type: ignore[arg-type]
        asks.handlers |= handlers(self.board)
        ready = threading.Event()

        def hear(message: Message) -> None:
            asks.hear(message.topic, message.payload, topics, lambda *_: None, now_ms())  # type: ignore[arg-type]

        self.link = Link(
            BrokerAddress(mosquitto.host, mosquitto.port, "alerts-of-this-test"),
            on_message=hear,
            on_up=ready.set,
            subscriptions=[(topics.ask("alerts", "+"), 1)],
        )
        self.link.start()
        assert ready.wait(10)

    def _say(self, topic: str, text: str, *_: Any, **__: Any) -> None:
        self.link.publish(topic, text, qos=1)

    def row(self, sql: str) -> Any:
        self.ledger.sync()
        return self.ledger.rows(sql)[0]

    def stop(self) -> None:
        self.link.stop()
        self.ledger.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return busy_school(tmp_path / "ledger.db")


@pytest.fixture
def house(make_house: Any, ledger: Path, mosquitto: Any) -> Iterator[Any]:
    """At a real broker, so that what it knows is not called old."""
    house = make_house(config=configured(), ledger=ledger)
    house.desk.add_account("somsri", "teacher", PASSWORD, [ROOM])
    house.desk.add_account("somchai", "caretaker", PASSWORD)
    link = house.live.connect(
        BrokerAddress(mosquitto.host, mosquitto.port, "dashboard-of-this-test"),
        Topics(house.config.org),
        Following(house.processes.with_name("accepted.json")),
    )
    assert link.wait_up(60)
    say(house, 1)
    yield house
    link.stop()


@pytest.fixture
def alerts(house: Any, ledger: Path, mosquitto: Any) -> Iterator[Alerts]:
    running = Alerts(ledger, mosquitto, Topics(house.config.org))
    yield running
    running.stop()


def enter(chromium: Any, house: Any, name: str = "somchai", language: str = "en", **options: Any) -> Any:
    page = chromium.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    page.goto(f"{house.url}/login?next=/alerts%3Flang%3D{language}&lang={language}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".alert-card", timeout=60_000)
    page.wait_for_load_state("load")
    return page


def said(page: Any) -> str:
    page.wait_for_function("() => (document.getElementById('page-said') || {}).textContent", timeout=30_000)
    return str(page.inner_text("#page-said"))


def silence(page: Any, length: str, why: str = "painting", about: str = "all alerts of the room") -> None:
    form = "[data-piece='alert/dust'] .silence-form"
    if not page.is_visible(form):
        page.click("[data-piece='alert/dust'] .alert-silence summary")
    page.select_option(f"{form} select[name=about]", label=about)
    page.select_option(f"{form} select[name=length_]", length)
    page.fill(f"{form} input[name=why]", why)
    page.click(f"{form} button[type=submit]")


# -- acknowledging -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("th", "รับเรื่องแล้ว"), ("en", "Acknowledged.")])
def test_acknowledging_is_one_press_and_the_card_follows(
    house: Any, alerts: Alerts, chromium: Any, language: str, word: str
) -> None:
    page = enter(chromium, house, language=language)
    page.click("[data-acknowledge]")
    assert word in said(page)
    page.wait_for_selector("[data-piece='alert/dust'][data-state=acknowledged]")
    assert page.query_selector("[data-piece='alert/dust'] [data-acknowledge]") is None
    assert alerts.row("select state, acknowledged_by from alert where id='dust'") == (
        "acknowledged",
        "caretaker:somchai",
    )
    assert chromium.errors == []


def test_two_who_acknowledge_at_once_are_both_told_that_it_is_done(house: Any, alerts: Alerts, chromium: Any) -> None:
    pages = [enter(chromium, house, name) for name in ("somchai", "somsri")]
    for page in pages:
        page.evaluate("() => document.querySelector('[data-acknowledge]').click()")
    assert all("Acknowledged." in said(page) for page in pages)
    assert alerts.row("select count(*) from alert_change where alert='dust' and after='acknowledged'")[0] >= 1


def test_without_alerts_it_is_said_that_the_request_may_not_have_arrived(house: Any, chromium: Any) -> None:
    page = enter(chromium, house)
    page.click("[data-acknowledge]")
    assert "may not have arrived" in said(page)
    assert page.get_attribute("[data-piece='alert/dust']", "data-state") == "firing"


def test_signed_out_meanwhile_is_told(house: Any, alerts: Alerts, chromium: Any) -> None:
    page = enter(chromium, house)
    page.context.clear_cookies()
    page.click("[data-acknowledge]")
    assert "Sign in again" in said(page)
    assert alerts.row("select state from alert where id='dust'") == ("firing",)


# -- silences ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "at_least_min", "at_most_min"),
    [("60", 59, 60), ("tomorrow", 6 * 60 - 1, 30 * 60), ("1440", 1439, 1440), ("10080", 10079, 10080)],
)
def test_a_silence_has_the_end_that_was_chosen(
    house: Any, alerts: Alerts, chromium: Any, length: str, at_least_min: int, at_most_min: int
) -> None:
    page = enter(chromium, house, "somsri")
    silence(page, length)
    assert "Silenced." in said(page)
    room, until, who, why = alerts.row("select room, until, who, why from silence where id<>'paint'")
    assert (room, who, why) == (ROOM, "teacher:somsri", "painting")
    assert at_least_min <= (until - now_ms()) / 60_000 <= at_most_min
    if length == "tomorrow":
        assert (until + 7 * 3_600_000) % 86_400_000 // 60_000 == 6 * 60
    page.wait_for_selector(".silence-lines >> text=P.1/2")
    assert not page.is_visible("[data-piece='alert/dust'] .silence-form")


def test_a_silence_until_the_end_of_a_day_asks_for_the_day(house: Any, alerts: Alerts, chromium: Any) -> None:
    page = enter(chromium, house)
    date = "[data-piece='alert/dust'] input[name=date]"
    assert not page.is_visible(date)
    silence(page, "date")
    assert "Choose a day" in said(page) and page.is_visible(date)
    assert page.get_attribute(date, "aria-invalid") == "true"
    day = page.evaluate("() => new Date(Date.now() + 7 * 3600000 + 2 * 86400000).toISOString().slice(0, 10)")
    page.fill(date, day)
    silence(page, "date")
    page.wait_for_function("() => document.getElementById('page-said').textContent.startsWith('Silenced.')")
    (until,) = alerts.row("select until from silence where id<>'paint'")
    assert page.evaluate(f"() => new Date({until} + 7 * 3600000).toISOString().slice(0, 15)") == f"{day}T23:5"


def test_a_silence_without_a_reason_is_not_sent(house: Any, alerts: Alerts, chromium: Any) -> None:
    page = enter(chromium, house)
    silence(page, "60", why="  ")
    assert "Say why" in said(page)
    assert page.evaluate("document.activeElement.name") == "why"
    assert alerts.row("select count(*) from silence") == (1,)


def test_a_silence_is_ended_by_a_press(house: Any, alerts: Alerts, chromium: Any) -> None:
    page = enter(chromium, house)
    page.click("[data-end]")
    assert "The silence has ended." in said(page)
    page.wait_for_selector("[data-end]", state="detached")
    assert alerts.row("select ended_by from silence where id='paint'") == ("caretaker:somchai",)
    page.reload()
    page.wait_for_selector(".alert-card")


def test_what_is_typed_survives_what_the_stream_draws_again(
    house: Any, alerts: Alerts, ledger: Path, chromium: Any
) -> None:
    page = enter(chromium, house)
    page.click("[data-piece='alert/dust'] .alert-silence summary")
    why = "[data-piece='alert/dust'] input[name=why]"
    page.fill(why, "half a sen")
    alerts.ledger.write("update alert set times=4 where id='dust'")
    page.wait_for_selector("[data-piece='alert/dust'] >> text=4 times")
    assert page.input_value(why) == "half a sen"
    assert page.evaluate("document.activeElement.name") == "why"


def test_everything_goes_by_keyboard_alone(house: Any, alerts: Alerts, chromium: Any) -> None:
    page = enter(chromium, house)
    page.focus("[data-piece='alert/dust'] .alert-silence summary")
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "length_"
    page.keyboard.press("Tab")
    page.keyboard.type("roof")
    page.keyboard.press("Enter")
    assert "Silenced." in said(page)
    page.focus("[data-acknowledge]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-piece='alert/dust'][data-state=acknowledged]")


# -- the count ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/alerts", "/explorer", f"/room/{ROOM}"])
def test_the_count_follows_on_every_kind_of_page(house: Any, chromium: Any, path: str) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{house.url}{path}?lang=en")
    page.wait_for_selector("#alert-count >> text=1 alert", timeout=60_000)
    say(house, 12)
    page.wait_for_selector("#alert-count >> text=12 alerts")
    assert page.get_attribute("#alert-count", "aria-label") == "12 alerts not acknowledged"
    assert page.evaluate("document.getElementById('alert-count').parentElement.getAttribute('role')") == "status"
    say(house, 0)
    page.wait_for_selector("#alert-count", state="hidden")
    say(house, None, "offline")
    page.wait_for_selector("#alert-count >> text=not known")
    assert chromium.errors == []


def test_a_count_of_which_nothing_is_heard_becomes_unknown_without_the_server(house: Any, chromium: Any) -> None:
    page = chromium.new_page()
    page.clock.install()
    page.goto(f"{house.url}/?lang=en")
    page.wait_for_selector("#alert-count >> text=1 alert", timeout=60_000)
    house.stop()
    page.clock.run_for(60_000)
    page.wait_for_selector("#alert-count >> text=not known")


# -- for everybody -----------------------------------------------------------------------------------------------------


@pytest.mark.sampled(6)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("query", ["", "&alert=dust", "&show=history"])
def test_the_page_fits_and_axe_finds_nothing_serious(
    house: Any, chromium: Any, language: str, width: int, query: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = enter(chromium, house, language=language, viewport={"width": width, "height": 800})
    page.goto(f"{house.url}/alerts?lang={language}{query}")
    page.wait_for_selector(".alert-card, .alert-table")
    for summary in page.query_selector_all(".alert-silence summary, .alert-held summary"):
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        "() => [...document.querySelectorAll('.alerts :is(button, a, select, summary), #alert-count')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)"
    )
    assert small == []
    found = json.loads(json.dumps(Axe().run(page).response))
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
