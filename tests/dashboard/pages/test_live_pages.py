"""Live pages in a real browser: what has changed is changed, everything else stays the same object."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from classair.config import Room
from classair.i18n import in_every_language, t
from classair.wire import RoomState, SensorHealth, Topics

ROOMS = ("a1-1", "p1-2", "p1-10", "p4-1")
# Which nodes were there at the time, by a property that no new node has.
MARK = "document.querySelectorAll('.content *').forEach(node => { node.wasThere = true; })"
# What stands in a view, without what may differ between two readers of the same second: order of attributes, marks.
TEXT = """id => { const read = node => node.nodeType === 3 ? node.data : node.nodeType !== 1 ? '' :
    [node.nodeName, [...node.attributes].filter(one => !['style', 'data-phase'].includes(one.name))
      .map(one => one.name + '=' + one.value).sort().join(' '), [...node.childNodes].map(read)].join('|');
  return read(document.getElementById(id)); }"""

# The cards inside which anything changes from now on.
WATCH = """() => { window.touched = []; new MutationObserver(all => all.forEach(one => {
    const node = one.target.nodeType === 1 ? one.target : one.target.parentElement;
    const inside = node.closest('.card');
    window.touched.push(inside ? inside.querySelector('.name').textContent : 'outside');
  })).observe(document.querySelector('.cards'),
    {subtree: true, childList: true, characterData: true, attributes: true}); }"""


def visit(chromium: Any, house: Any, path: str, language: str = "en", **options: Any) -> Any:
    page = chromium.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    page.goto(f"{house.url}{path}{'&' if '?' in path else '?'}lang={language}")
    page.wait_for_selector(".working h1", timeout=60_000)
    page.wait_for_function("() => window.EventSource && document.querySelector('[data-stream] [data-piece]')")
    return page


def card(page: Any, name: str) -> Any:
    return page.locator(".card").filter(has=page.get_by_text(name, exact=True))


@pytest.fixture
def school(own_house: Any, make_state: Callable[..., RoomState]) -> Any:
    for room in ROOMS:
        own_house.put(make_state(f"ban-suan.{room}"))
    own_house.put(make_state("rim-khlong.a2-1"))
    own_house.put(make_state("ban-suan.yard", 46, co2=None, outdoor=None, on=None))
    return own_house


def tell(house: Any, sensor: str, state: Any) -> None:
    key = "" if state == "ok" else state
    words = in_every_language(f"health_step.{state}") if key else {}
    word = SensorHealth(
        state=state,
        key=key,
        at=time.time_ns() // 1_000_000,
        bridge="suan-pi",
        step=words,
        running_h=12.0,
        notes={"abc_hours": "180"},
        counters={"frames": 1234},
    )
    topic = Topics(house.config.org).sensor_health(*sensor.split(".", 1))
    house.live.hear(topic, word.model_dump_json().encode())


def test_one_card_changes_and_every_other_node_stays_the_same_object(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    page = visit(chromium, school, "/")
    page.evaluate(MARK)
    page.evaluate(WATCH)
    school.put(make_state("ban-suan.p1-2", 33))
    page.wait_for_selector(".card:has-text('P.1/2') .value:has-text('33')")
    assert set(page.evaluate("window.touched")) == {"P.1/2"}
    assert page.evaluate("[...document.querySelectorAll('.card, .card *')].every(node => node.wasThere)")
    assert page.evaluate("document.querySelectorAll('.card').length") == 5


def test_a_new_case_and_its_end_leave_the_other_cases_and_cards_where_they_are(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    school.put(make_state("ban-suan.p4-1", 41))
    page = visit(chromium, school, "/")
    cases = "[...document.querySelectorAll('.cases .where')].map(one => one.textContent)"
    order = f"names => JSON.stringify({cases}.slice(0, names.length)) === JSON.stringify(names)"
    page.wait_for_function(order, arg=["P.4/1"])
    page.evaluate(MARK)
    school.put(make_state("ban-suan.p1-2", 90))
    page.wait_for_function(order, arg=["P.1/2", "P.4/1"])
    assert page.evaluate("document.querySelectorAll('.cases li')[1].wasThere") is True
    school.put(make_state("ban-suan.p4-1", 95))
    worst = "() => document.querySelectorAll('.cases .edge[data-level=affects_health]').length === 2"
    page.wait_for_function(worst)
    school.put(make_state("ban-suan.p1-2", 12))
    page.wait_for_function(order, arg=["P.4/1"])
    assert page.evaluate("[...document.querySelectorAll('.card')].every(node => node.wasThere)")


@pytest.mark.parametrize("language", ["th", "en"])
def test_after_any_changes_the_page_says_what_a_fresh_one_and_the_api_say(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
    language: str,
) -> None:
    chance = random.Random(f"live {language}")
    page = visit(chromium, school, "/", language)
    for _ in range(60):
        room = chance.choice(ROOMS)
        kind = chance.random()
        school.put(
            make_state(f"ban-suan.{room}", None, minutes_left=chance.randrange(1, 15))
            if kind < 0.15
            else make_state(
                f"ban-suan.{room}",
                chance.choice([8, 18, 30, 41, 90, 0]),
                age_s=chance.choice([5, 65, 300, 1000, 7300]),
                co2=chance.choice([700, 1200, 1700, 2500, None]),
                outdoor=chance.choice([46, 12, None]),
                on=chance.choice([True, False, None]),
            )
        )
    school.put(make_state("rim-khlong.a2-1", 77))
    page.wait_for_selector(".card .value:has-text('77')")
    fresh = visit(chromium, school, "/", language)
    same = "([id, text]) => (" + TEXT + ")(id) === text"
    page.wait_for_function(same, arg=["overview", fresh.evaluate(TEXT, "overview")], timeout=15_000)
    for local in ROOMS:
        told = school.ask(f"/api/v1/rooms/ban-suan.{local}/now").json
        current = told["state"]["pm25"]
        shown = card(page, school.config.room(f"ban-suan.{local}").name.in_(language))
        known = current["status"] in ("ok", "late")
        assert shown.locator(".value").inner_text().split()[0] == (current["shown"] if known else "–")
        if known:
            assert t(language, f"level.{current['level']}") in shown.locator(".word").inner_text()
            minutes = (told["server_time"] - current["newest_at"]) // 60_000
            ages = [t(language, "pages.age.minutes", n=n) for n in (minutes - 1, minutes)]
            text = shown.locator(".aged").inner_text()
            assert any(age in text for age in [*ages, t(language, "pages.age.moment")]), text
    assert chromium.errors == []


def test_whatever_happened_while_the_server_was_away_is_shown_when_it_is_back(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    page = visit(chromium, school, "/")
    page.evaluate("window.untouched = true")
    school.stop()
    for local, pm25 in (("p1-2", 34), ("p4-1", 35)):
        school.put(make_state(f"ban-suan.{local}", pm25))
    school.start()
    for name, value in (("P.1/2", "34"), ("P.4/1", "35")):
        page.wait_for_selector(f".card:has-text('{name}') .value:has-text('{value}')", timeout=60_000)
    school.put(make_state("ban-suan.p1-2", 36))
    page.wait_for_selector(".card:has-text('P.1/2') .value:has-text('36')")
    assert page.evaluate("window.untouched") is True, "without loading the page again"


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_room_that_the_configuration_adds_or_takes_away_comes_and_goes(
    school: Any,
    chromium: Any,
    language: str,
) -> None:
    page = visit(chromium, school, "/", language)
    page.evaluate(MARK)
    before = school.config
    site = before.sites["ban-suan"]
    added = Room.model_validate({"name": {"th": "ป.5/1", "en": "P.5/1"}, "volume_m3": 180})
    rooms = {key: room for key, room in site.rooms.items() if key != "p1-10"} | {"p5-1": added}
    sensors = {key: one for key, one in site.sensors.items() if one.room != "p1-10"}
    units = {key: one for key, one in site.purifiers.items() if one.room != "p1-10"}
    changed = site.model_copy(update={"rooms": rooms, "sensors": sensors, "purifiers": units})
    school.config = before.model_copy(update={"sites": {**before.sites, "ban-suan": changed}})
    names = "[...document.querySelectorAll('.card .name')].map(one => one.textContent)"
    wanted = [room.name.in_(language) for room in (added, site.rooms["p1-2"], before.room("rim-khlong.a2-1"))]
    gone = site.rooms["p1-10"].name.in_(language)
    page.wait_for_function(
        f"([wanted, gone]) => wanted.every(one => {names}.includes(one)) && !{names}.includes(gone)",
        arg=[wanted, gone],
        timeout=15_000,
    )
    assert t(language, "pages.no_word") in card(page, wanted[0]).inner_text()
    assert card(page, wanted[1]).evaluate("node => node.wasThere") is True
    school.config = before
    page.wait_for_function(f"gone => {names}.includes(gone) && {names}.length === 5", arg=gone, timeout=15_000)


def test_the_focus_and_the_place_on_the_page_survive_changes_and_moves(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    school.put(make_state("ban-suan.p4-1", 41))
    school.put(make_state("ban-suan.p1-10", 42))
    page = visit(chromium, school, "/", viewport={"width": 400, "height": 500})
    page.locator(".cases a", has_text="P.4/1").focus()
    page.evaluate("window.scrollTo(0, 220)")
    page.evaluate("document.activeElement.mine = true")
    # Above the focused case comes another, then it moves up itself by becoming worse, then its text changes.
    for room, value, first in (("p1-10", 92, "P.1/10"), ("p4-1", 93, "P.1/10"), ("p1-10", 14, "P.4/1")):
        school.put(make_state(f"ban-suan.{room}", value))
        page.wait_for_selector(f".cases li:first-child:has-text('{first}')")
        page.wait_for_selector(f".card .value:has-text('{value}')")
        assert page.evaluate("document.activeElement.mine") is True
        assert page.locator(":focus").inner_text().startswith("P.4/1")
    page.locator(".card a", has_text="P.1/2").focus()
    page.evaluate("window.scrollTo(0, 600)")
    school.put(make_state("ban-suan.p1-2", 19))
    page.wait_for_selector(".card .value:has-text('19')")
    assert page.evaluate("document.activeElement.innerText.startsWith('P.1/2')")
    assert page.evaluate("window.scrollY") == 600


def test_a_focused_case_keeps_the_focus_when_others_move_around_it(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    for room, value in (("p4-1", 90), ("p1-10", 41), ("p1-2", 42)):
        school.put(make_state(f"ban-suan.{room}", value))
    page = visit(chromium, school, "/")
    link = page.locator(".cases a", has_text="P.4/1")
    link.focus()
    link.evaluate("node => { node.mine = true; }")
    for room in ("p1-10", "p1-2"):
        school.put(make_state(f"ban-suan.{room}", 95, age_s=61))
    page.wait_for_function("() => document.querySelectorAll('.cases .edge[data-level=affects_health]').length === 3")
    assert page.evaluate("document.activeElement.mine") is True


def test_ages_go_on_and_values_grow_old_without_any_word_of_the_server(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    school.put(make_state("ban-suan.p1-2", 18, age_s=57))
    page = visit(chromium, school, "/")
    assert "Measured less than 1 min ago" in card(page, "P.1/2").inner_text()
    school.stop()
    page.wait_for_selector(".card:has-text('P.1/2'):has-text('Measured 1 min ago')", timeout=15_000)


def test_a_line_of_the_health_page_changes_alone_and_opened_details_stay_open(school: Any, chromium: Any) -> None:
    for name in ("p1-2-pm", "p4-1-pm"):
        tell(school, f"ban-suan.{name}", "ok")
    page = visit(chromium, school, "/health")
    row = page.locator("tr:has-text('p1-2-pm')")
    row.locator("summary").click()
    page.evaluate(MARK)
    tell(school, "ban-suan.p4-1-pm", "unplugged")
    page.wait_for_selector(".group:first-of-type tr:has-text('p4-1-pm')")
    assert row.locator("details").evaluate("node => node.open && node.wasThere") is True
    tell(school, "ban-suan.p1-2-pm", "silent")
    page.wait_for_selector(".group:first-of-type tr:has-text('p1-2-pm')")
    fresh = visit(chromium, school, "/health")
    assert row.inner_text().split("\n")[0] == fresh.locator("tr:has-text('p1-2-pm')").inner_text().split("\n")[0]
    assert row.locator("details").evaluate("node => node.open") is True
    assert chromium.errors == []


def test_a_room_is_a_page_of_its_own_and_goes_on_living_when_somebody_comes_back(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    page = visit(chromium, school, "/room/ban-suan.p1-2")
    page.wait_for_selector("#room-now .value:has-text('18')")
    assert page.evaluate("typeof window.dash_clientside") == "undefined", "weighs little: nothing of Dash is loaded"
    page.evaluate("document.querySelector('#room-now .now').mine = true")
    school.put(make_state("ban-suan.p1-2", 44))
    page.wait_for_selector("#room-now .value:has-text('44')")
    assert page.evaluate("document.querySelector('#room-now .now').mine") is True
    page.click(".brand")
    page.wait_for_selector("#overview .card")
    school.put(make_state("ban-suan.p1-2", 45))
    page.go_back()
    page.wait_for_selector("#room-now .value:has-text('45')")


def test_the_overview_is_readable_before_and_without_any_script(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    school.put(make_state("ban-suan.p1-2", 41, age_s=130))
    for language, measured in (("en", "Measured 2 min ago"), ("th", "2 นาที")):
        page = chromium.new_page(java_script_enabled=False)
        page.goto(f"{school.url}/?lang={language}")
        name = school.config.room("ban-suan.p1-2").name.in_(language)
        text = card(page, name).inner_text()
        assert "41" in text and t(language, "level.starts_to_affect_health") in text and measured in text
        assert not re.search(r"\{\w+\}|None|undefined", page.locator("body").inner_text())
        page.locator(".menu summary").click()  # folds without a script, too
        page.get_by_role("link", name=t(language, "health_page.title")).click()
        assert page.locator("h1").inner_text() == t(language, "health_page.title")


def test_where_streams_do_not_come_through_the_page_asks(
    school: Any,
    make_state: Callable[..., RoomState],
    chromium: Any,
) -> None:
    page = chromium.new_page()
    page.add_init_script(
        "window.EventSource = function () { this.readyState = 0; this.addEventListener = () => {};"
        " this.close = () => {}; }; const real = performance.now.bind(performance);"
        " performance.now = () => real() * 20;"
    )
    page.goto(f"{school.url}/?lang=en")
    school.put(make_state("ban-suan.p1-2", 37))
    page.wait_for_selector(".card:has-text('P.1/2') .value:has-text('37')", timeout=20_000)
