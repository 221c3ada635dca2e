"""The page of smoke episodes in a real browser: opened, worked through and closed by a person, in both languages.

What alerts would do is done by its own desk of episodes over a ledger on disk, behind a real broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.answering import Refused
from alerts.episodes.desk import EpisodeDesk
from classair.alerting.reading import Records
from classair.i18n import t
from classair.wire import Answer, Ask
from tests.alerts.episodes.town import Town
from tests.dashboard.conftest import alerts_double, now_ms, schools_with, state_of

PASSWORD = "four unrelated words here"
pytestmark = pytest.mark.slow


class School:
    def __init__(self, house: Any, town: Town) -> None:
        self.house, self.town = house, town

    @property
    def records(self) -> Records:
        return self.town.records

    def answer(self, ask: Ask) -> Answer:
        self.town.now = now_ms()
        try:
            return Answer(id=ask.id, ok=True, result=self.town.ask(ask.do, ask.who, **ask.args).result)
        except Refused as error:
            return Answer(id=ask.id, ok=False, error=str(error))


@pytest.fixture
def school(make_house: Any, tmp_path: Path, mosquitto: Any) -> Iterator[School]:
    config = schools_with("rules: {smoke: {kind: smoke_episode, tell: [caretaker]}}")
    town = Town(tmp_path / "ledger.db", config)
    house = make_house(config=config, ledger=town.path)
    house.desk.add_account("somsri", "caretaker", PASSWORD)
    made = School(house, town)
    house.put(state_of("ban-suan.a1-1", 12))
    house.put(state_of("ban-suan.p1-2", 88))
    house.put(state_of("ban-suan.p4-1", None))
    with alerts_double(house, mosquitto, made.answer):
        yield made
    town.close()


def enter(chromium: Any, house: Any, path: str, language: str, **options: Any) -> Any:
    page = chromium.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    page.goto(f"{house.url}/login?next={path}%3Flang%3D{language}&lang={language}")
    page.fill("#name", "somsri")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".episode h1", timeout=60_000)
    page.wait_for_load_state("load")
    return page


def test_an_episode_is_opened_worked_through_and_closed_by_hand(school: School, chromium: Any) -> None:
    page = enter(chromium, school.house, "/episode", "en")
    page.click("summary:has-text('Open a smoke episode')")
    page.uncheck("input[value=rim-khlong]")
    page.fill("textarea[name=why]", "Fields burn in the north")
    page.click("button:has-text('Open the episode')")
    page.wait_for_selector(".banner", timeout=30_000)
    (episode,) = school.records.episodes()
    assert (episode.sites, episode.opened_by) == (("ban-suan",), "caretaker:somsri")
    assert page.inner_text(".ranking tbody tr:first-child").startswith("P.1/2")
    page.click("[data-state=open] button[type=submit] >> nth=0")
    page.wait_for_selector(".tasks [data-state=done]", timeout=30_000)
    assert "by somsri (caretaker)" in page.inner_text(".tasks [data-state=done]")
    page.click("summary:has-text('Add a task')")
    page.fill("[data-piece='form/task'] textarea", "Shut the north door")
    page.click("button:has-text('Add the task')")
    page.wait_for_selector(".tasks >> text=Shut the north door", timeout=30_000)
    page.fill("[data-piece='form/note'] textarea", "The municipality knows")
    page.click("button:has-text('Write it down')")
    page.wait_for_selector(".log >> text=The municipality knows", timeout=30_000)
    page.click("summary:has-text('Close the episode')")
    page.click("button:has-text('Close it now')")
    page.wait_for_selector(".past >> text=Report", timeout=30_000)
    assert school.records.episodes(open_only=True) == []
    page.click(".past a")
    page.wait_for_selector(".episode-report", timeout=30_000)
    assert "Shut the north door" in page.inner_text(".episode-report")
    assert chromium.errors == []


def test_what_is_typed_stays_while_the_page_is_renewed(school: School, chromium: Any) -> None:
    school.town.now = now_ms()
    key = school.town.ask("episode_open", sites=["ban-suan"]).result["episode"]
    page = enter(chromium, school.house, "/episode", "en")
    page.fill("[data-piece='form/note'] textarea", "half a sentence")
    school.town.ask("episode_note", episode=key, words="from somebody else")
    school.house.put(state_of("ban-suan.p1-2", 140))
    page.wait_for_selector(".log >> text=from somebody else", timeout=30_000)
    assert page.input_value("[data-piece='form/note'] textarea") == "half a sentence"


def test_a_refusal_is_said_in_words(school: School, chromium: Any) -> None:
    school.town.now = now_ms()
    key = school.town.ask("episode_open", sites=["ban-suan"]).result["episode"]
    page = enter(chromium, school.house, "/episode", "en")
    page.fill("[data-piece='form/note'] textarea", "too late")
    page.evaluate("window.EventSource = null")
    school.town.ask("episode_close", episode=key)
    page.click("button:has-text('Write it down')")
    page.wait_for_function("() => (document.getElementById('page-said') || {}).textContent", timeout=30_000)
    assert page.inner_text("#page-said").startswith(f"Nothing was changed: {t('en', 'refusal.changed')}")


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("th", 1280), ("en", 320), ("th", 390)])
def test_pages_fit_and_axe_finds_nothing_serious(school: School, chromium: Any, language: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    def look(page: Any, selector: str) -> None:
        page.wait_for_selector(selector, timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), selector
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []

    page = enter(chromium, school.house, "/episode", language, viewport={"width": width, "height": 800})
    page.click(".episode-more summary")
    look(page, ".episode-form")
    school.town.now = now_ms() - 3 * 3_600_000
    key = school.town.ask("episode_open", sites=["ban-suan"], why="ควัน").result["episode"]
    look(page, ".tasks li")
    page.goto(f"{school.house.url}/episode/{key}/report?lang={language}")
    look(page, ".episode-report")
    page.goto(f"{school.house.url}/?lang={language}")
    look(page, ".smoke a")
    assert chromium.errors == []


def test_the_desk_behind_this_test_is_that_of_alerts(school: School) -> None:
    assert isinstance(school.town.desk, EpisodeDesk)
