"""The same action on every channel, whatever the room is like and however old its values are."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from alerts.homeassistant import HomeAssistant
from classair import i18n
from classair.wire import PhaseTexts, RoomState
from tests.alerts.test_homeassistant import render
from tests.dashboard.conftest import now_ms
from tests.dashboard.pages.test_live_pages import visit
from tests.dashboard.test_display import ROOM, TOO_BIG, open_display, shown

# Inside, outside, purifier: rows 13, 13a, 4, 3, 14, 0a and a value outside that only the action knows to be gone.
SCENES: tuple[tuple[float | None, float | None, bool | None], ...] = (
    (18, 46, True),
    (18, 46, False),
    (40, 60, False),
    (60, 12, True),
    (8, 10, None),
    (None, 46, True),
    (30, None, True),
)


def put_others(house: Any, make_state: Any) -> None:
    for room in ("a1-1", "p1-10", "p4-1"):
        house.put(make_state(f"ban-suan.{room}"))
    house.put(make_state("ban-suan.yard", 46, co2=None, outdoor=None, on=None))


def words(told: PhaseTexts) -> str:
    return told.action.replace("‹", "").replace("›", "")


def visible(page: Any, selector: str) -> str:
    """What a reader sees of these places, without the blanks between phrases."""
    return "".join("".join(one.inner_text() for one in page.query_selector_all(selector) if one.is_visible()).split())


def in_home_assistant(house: Any, state: RoomState, now: int) -> str:
    home = HomeAssistant()
    home.follow(house.config)
    messages = home.messages()
    topic = next(t for t in messages if t.endswith(f"_room_{ROOM.replace('.', '_')}/config"))
    parts = json.loads(messages[topic])["cmps"]
    return render(parts["advice"]["val_tpl"], state, now)


def test_every_channel_says_the_action_of_the_state(own_house: Any, chromium: Any, make_state: Any) -> None:
    put_others(own_house, make_state)
    own_house.put(make_state(ROOM))
    wall = open_display(chromium, own_house, query="?lang=en")
    room = visit(chromium, own_house, f"/room/{ROOM}")
    overview = visit(chromium, own_house, "/")
    seen = set()
    for inside, outside, on in SCENES:
        state = make_state(ROOM, inside, outdoor=outside, on=on, play=2 if outside == 10 else 4, at=now_ms() + 1)
        own_house.put(state)
        told = state.texts["en"]["ok"]
        action = words(told)
        seen.add(told.rule)
        squeezed = "".join(action.split())
        for page, selector in (
            (wall, "#action"),
            (room, "#room-now .action"),
            (overview, f".card a[href*='{ROOM}'] .action"),
        ):
            page.wait_for_function(
                "([s, t]) => [...document.querySelectorAll(s)].some(n => n.textContent.replace(/\\s/g, '') === t)",
                arg=[selector, squeezed],
                timeout=60_000,
            )
            assert visible(page, selector) == squeezed, (selector, told.rule)
        answer = json.loads(own_house.ask(f"/api/v1/rooms/{ROOM}/now").body)["state"]
        assert (answer["rule"], answer["texts"]["en"]["ok"]["action"]) == (state.rule, told.action)
        listed = next(r for r in json.loads(own_house.ask("/api/v1/rooms").body)["rooms"] if r["room"] == ROOM)
        assert (listed["rule"], listed["action"]["en"]) == (state.rule, action)
        thai = words(state.texts[own_house.config.language]["ok"])
        assert in_home_assistant(own_house, state, now_ms()) == thai
        if "purifier on" in action.lower() and "full" not in action and "until" not in action:
            assert wall.inner_text("#purifier-word") == "Running"
    assert seen == {"13", "13a", "4", "3", "14", "0a", "6"}


def test_a_page_without_a_server_opens_no_window_once_the_value_outside_is_too_old(
    own_house: Any, chromium: Any, make_state: Any
) -> None:
    state = make_state(ROOM, 60, outdoor=12)
    soon = now_ms() + 4_000
    state = state.model_copy(update={"outdoor": state.outdoor.model_copy(update={"unknown_at": soon})})
    assert state.rule == "3"
    own_house.put(state)
    wall = open_display(chromium, own_house, query="?lang=en")
    shown(wall, "#action", words(state.texts["en"]["no_outdoor"]))
    assert "windows" not in wall.inner_text("#action").lower()
    listed = next(r for r in json.loads(own_house.ask("/api/v1/rooms").body)["rooms"] if r["room"] == ROOM)
    assert listed["rule"] == "6" == state.texts["en"]["no_outdoor"].rule
    assert in_home_assistant(own_house, state, soon - 1000) != in_home_assistant(own_house, state, soon)


def test_a_tile_goes_by_the_age_of_its_own_value(own_house: Any, chromium: Any, make_state: Any) -> None:
    state = make_state(ROOM, 18, age_s=0)
    now, minute = now_ms(), 60_000
    ages = {"outdoor": (now - 20 * minute, "unknown"), "co2": (now - 5 * minute, "late")}
    aged = {
        name: getattr(state, name).model_copy(
            update={"newest_at": at, "late_at": at + 3 * minute, "unknown_at": at + 15 * minute}
        )
        for name, (at, _) in ages.items()
    }
    own_house.put(state.model_copy(update=aged))
    room = visit(chromium, own_house, f"/room/{ROOM}", "en")
    assert room.get_attribute(".now", "data-phase") == "ok"
    outside, air = (visible(room, f"#room-now .tiles div:nth-child({n}) dd") for n in (1, 2))
    assert outside.startswith("Nocurrentreading") and "870" in air
    assert "Nocurrentreading" not in visible(room, "#room-now .now-level")


@pytest.mark.parametrize("language", ["th", "en"])
def test_disagreeing_sensors_great_heat_and_a_held_level_are_told_and_fit(
    own_house: Any, chromium: Any, make_state: Any, language: str
) -> None:
    put_others(own_house, make_state)
    state = make_state(ROOM, 130.4, outdoor=128.2, on=True, play=5)
    loud = state.pm25.model_copy(update={"disagree": True})
    own_house.put(state.model_copy(update={"pm25": loud, "heat_index_c": 43.4, "heat": "danger", "temp_c": 34.0}))
    disagree = {"th": "ให้ค่าไม่ตรงกัน", "en": "sensors disagree"}[language]
    heat = {"th": "ดัชนีความร้อน", "en": "Heat index"}[language]
    wall = open_display(chromium, own_house, query=f"?lang={language}")
    shown(wall, "#disagree", disagree)
    shown(wall, "#heat", heat)
    assert wall.evaluate(TOO_BIG) == []
    room = visit(chromium, own_house, f"/room/{ROOM}", language)
    assert disagree in room.inner_text("#room-now") and heat in room.inner_text("#room-now")
    overview = visit(chromium, own_house, "/", language)
    assert disagree in overview.inner_text(f".card a[href*='{ROOM}']")
    listed = next(r for r in json.loads(own_house.ask("/api/v1/rooms").body)["rooms"] if r["room"] == ROOM)
    assert listed["disagree"] is True and (listed["heat_index_c"], listed["heat"]) == (43.4, "danger")
    waiting = state.pm25.model_copy(update={"held": True})
    own_house.put(state.model_copy(update={"pm25": waiting, "at": state.at + 1}))
    shown(wall, "#disagree", i18n.t(language, "display.held"))
    assert wall.evaluate(TOO_BIG) == []


@pytest.mark.parametrize(("language", "size"), list(itertools.product(["th", "en"], [(1280, 720), (1024, 600)])))
def test_the_tiles_hold_what_they_show_at_three_digits_outside(
    own_house: Any, chromium: Any, make_state: Any, language: str, size: tuple[int, int]
) -> None:
    for outdoor, text in ((140.0, "140"), (37.5, "37.5"), (75.3, "75.3")):
        own_house.put(make_state(ROOM, 18, outdoor=outdoor, at=now_ms() + 1))
        wall = open_display(chromium, own_house, query=f"?lang={language}", size=size)
        shown(wall, "#outdoor-value", text)
        inside = wall.evaluate(
            """() => { const tile = document.getElementById('outdoor').getBoundingClientRect();
            const padding = parseFloat(getComputedStyle(document.getElementById('outdoor')).paddingRight);
            return Array.from(document.querySelectorAll('#outdoor .reading > *, #outdoor .bars')).map(
              n => [n.id || n.className, n.getBoundingClientRect().right - (tile.right - padding)]); }"""
        )
        assert all(over <= 1 for _, over in inside), (text, inside)


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_purifier_that_does_not_work_is_called_that_on_the_wall_and_not_counted_on(
    own_house: Any, chromium: Any, make_state: Any, language: str
) -> None:
    healthy = make_state(ROOM, 50, outdoor=60)
    assert healthy.rule == "7" and healthy.purifier is not None
    wall = open_display(chromium, own_house, query=f"?lang={language}")
    for n, (fault, words_of) in enumerate(
        (("no_draw", i18n.t(language, "purifier_fault.no_draw")), ("device: E2", "E2"), ("not_obeying", ""))
    ):
        unit = healthy.purifier.model_copy(update={"faults": [fault]})
        own_house.put(healthy.model_copy(update={"purifier": unit, "at": healthy.at + 1 + n}))
        shown(wall, "#purifier-note", words_of or i18n.t(language, f"purifier_fault.{fault}"))
        assert wall.get_attribute("#purifier", "data-phase") == "late"
        assert wall.evaluate(TOO_BIG) == []
