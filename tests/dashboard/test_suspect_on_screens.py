"""A room whose sensor is suspect: unknown, in the same words, on every screen and in the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from classair.i18n import LANGUAGES, in_every_language, t
from classair.wire import Current, ServiceStatus, Topics
from tests.dashboard.pages.test_live_pages import visit
from tests.dashboard.test_display import ROOM, open_display, shown

WORDS = {"th": "เครื่องวัดอาจผิดปกติ กำลังตรวจสอบ", "en": "The monitor may be wrong; being checked"}


def doubted(make_state: Any, now: int) -> Any:
    """The state that alerts publishes for it."""
    from classair.science.state import Measure, RoomMemory, Sight, room_state

    healthy = make_state(ROOM)
    sight = Sight(
        room=ROOM,
        has=frozenset({"purifier", "openings"}),
        pm25=Measure(now - 60_000, 2.0),
        co2=Measure(now - 60_000, 870.0),
        outdoor=healthy.outdoor,
        play_level=4,
        purifiers=(healthy.purifier,),
        simulated=True,
        suspect_since=now - 20 * 60_000,
    )
    return room_state(sight, RoomMemory(), now)[0]


@pytest.fixture
def school(own_house: Any, make_state: Any) -> Any:
    for room in ("a1-1", "p1-10", "p4-1"):
        own_house.put(make_state(f"ban-suan.{room}"))
    own_house.put(make_state("ban-suan.yard", 46, co2=None, outdoor=None, on=None))
    state = doubted(make_state, make_state(ROOM).at)
    own_house.put(state)
    warnings = [in_every_language("alerts_warning.suspect", sensor=f"{ROOM}-pm", since="2026-11-29 10:20")]
    own_house.live.hear(
        Topics(own_house.config.org).service_status("alerts"),
        ServiceStatus(service="alerts", state="online", at=state.at, warnings=[warnings[0]["en"]], causes=warnings)
        .model_dump_json()
        .encode(),
    )
    return own_house


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_says_that_the_monitor_may_be_wrong(school: Any, chromium: Any, language: str) -> None:
    wall = open_display(chromium, school, query=f"?lang={language}")
    shown(wall, "#reason", WORDS[language])
    assert wall.inner_text("#level") == t(language, "level.unknown")
    assert "2" not in wall.inner_text("#value")
    assert t(language, "age.last_value", value="", time="").split()[0] not in wall.inner_text("#panel")
    for path in (f"/room/{ROOM}", "/"):
        page = visit(chromium, school, path, language)
        assert WORDS[language] in page.inner_text(".content"), path
        for known in ("870", "46"):  # ventilation and outdoors are known all the same
            assert page.get_by_text(known, exact=True).first.is_visible(), (path, known)
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{school.url}/health?lang={language}")
    page.wait_for_selector(".working h1", timeout=60_000)
    assert f"{ROOM}-pm" in page.inner_text(".content")


def test_the_api_gives_no_value_and_names_the_sensor(school: Any) -> None:
    told = json.loads(school.ask(f"/api/v1/rooms/{ROOM}/now").body)["state"]
    assert Current.model_validate(told["pm25"]).status == "suspect" and told["pm25"]["value"] is None
    health = json.loads(school.ask("/api/v1/health").body)
    assert health["state"] == "degraded" and any(f"{ROOM}-pm" in warning for warning in health["warnings"])
