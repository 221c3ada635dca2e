"""The wall display in a real browser, fed over a real broker: what is shown, how it ages, that it fits."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from classair import config as configuration
from classair import i18n
from classair.broker import BrokerAddress, Link
from classair.service import Following
from classair.stores.memory.store import MemoryStore
from classair.timetable import ALWAYS_EMPTY, ZONE, HoursOfDay, SchoolCalendar, Timetable, local_time, to_ms
from classair.wire import Topics
from dashboard.public.display import LEVELS, MOST_TYPED
from dashboard.public.waking import is_asleep

SIZES = ((1920, 1080), (1280, 720), (1024, 600), (800, 1280))
ROOM = "ban-suan.p1-2"

# What sticks out of the screen, of its tile, or of two lines.
TOO_BIG = """() => {
  const found = [], width = innerWidth, height = innerHeight;
  const seen = node => !node.closest('[hidden]') && getComputedStyle(node).display !== 'none' && node.offsetParent;
  document.querySelectorAll('#stage *').forEach(node => {
    if (node.closest('svg') || !seen(node)) return;
    const box = node.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.bottom > height + 1 || box.left < -1 || box.top < -1))
      found.push('off screen: ' + node.tagName + '#' + node.id + '.' + node.className);
    if (node.matches('.tile, .tile *, #advice, #action, #reason, #level, footer, header, .beside *')
        && !node.matches('.plot, .plot *, .reading, .reading *') && node.scrollWidth > node.clientWidth + 1
        && node.clientWidth)
      found.push('too wide: ' + node.tagName + '#' + node.id + '.' + node.className);
    const holder = node.closest('.tile, #panel, #advice');
    if (holder && holder !== node && !node.matches('.plot *')) {
      const around = holder.getBoundingClientRect();
      if (box.width && (box.right > around.right + 1 || box.bottom > around.bottom + 1 || box.top < around.top - 1))
        found.push('out of ' + holder.id + ': ' + node.tagName + '#' + node.id + '.' + node.className);
    }
  });
  for (const id of ['action', 'level']) {
    const node = document.getElementById(id);
    const lines = node.getBoundingClientRect().height / parseFloat(getComputedStyle(node).lineHeight);
    if (lines > 2.3) found.push(id + ' takes ' + lines.toFixed(1) + ' lines');
  }
  return found;
}"""


def shown(page: Any, selector: str, text: str, timeout: float = 60_000) -> None:
    page.wait_for_function(
        "([s, t]) => document.querySelector(s).textContent.includes(t)", arg=[selector, text], timeout=timeout
    )


def open_display(
    chromium: Any,
    house: Any,
    room: str = ROOM,
    query: str = "",
    size: tuple[int, int] = (1280, 720),
) -> Any:
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    page.goto(f"{house.url}/display/{room}{query}")
    return page


def test_a_state_published_at_the_broker_is_on_the_wall(
    house: Any,
    chromium: Any,
    mosquitto: Any,
    make_state: Any,
    tmp_path: Path,
) -> None:
    topics = Topics("wall-town")
    link = house.live.connect(
        BrokerAddress(mosquitto.host, mosquitto.port, "dashboard-wall"), topics, Following(tmp_path / "accepted.json")
    )
    alerts = Link(BrokerAddress(mosquitto.host, mosquitto.port, "alerts-wall"), on_message=lambda _: None)
    alerts.start()
    try:
        assert link.wait_up(60) and alerts.wait_up(5)
        page = open_display(chromium, house)
        shown(page, "#value", "18")
        state = make_state(ROOM, 52.4, co2=1720, outdoor=18, on=False)
        alerts.publish(topics.room_now("ban-suan", "p1-2"), state.model_dump_json(), qos=1, retain=True)
        shown(page, "#value", "52")
        texts = state.texts["th"]["ok"]
        assert page.inner_text("#level").replace("\n", "") == texts.level
        plain = texts.action.replace("‹", "").replace("›", "")
        assert page.inner_text("#action").split() == plain.split()
        assert page.get_attribute("#panel", "data-level") == state.pm25.level
        assert page.locator("#bars .full").count() == 4
        assert page.inner_text("#outdoor-value") == "18" and page.inner_text("#co2-value") == "1720"
        assert page.inner_text("#purifier-word") == "ปิดอยู่"
        alerts.publish(topics.room_now("ban-suan", "p1-2"), b"not a state at all", qos=1)
        alerts.publish(topics.room_now("ban-suan", "p1-2"), make_state(ROOM, 20).model_dump_json(), qos=1, retain=True)
        shown(page, "#value", "20")
        assert page.get_attribute("#panel", "aria-label").startswith("ห้อง ป.1/2 ดี ฝุ่น 20")
        assert not chromium.errors
    finally:
        alerts.publish(topics.room_now("ban-suan", "p1-2"), b"", qos=1, retain=True)
        link.stop()
        alerts.stop()


def test_the_page_itself_lets_a_value_become_late_and_then_unknown(house: Any, chromium: Any, make_state: Any) -> None:
    """Nobody publishes anew: the page counts, and crosses both limits on the second."""
    house.put(make_state(ROOM, 18, age_s=130))
    page = open_display(chromium, house, query="?lang=en")
    shown(page, "#age-words", "Measured 2 minutes ago")
    house.put(make_state(ROOM, 18, age_s=178))
    shown(page, "#age-words", "Reading is 3 min old", 4000)
    assert page.inner_text("#value") == "18"
    assert page.evaluate("getComputedStyle(document.getElementById('panel')).borderTopStyle") == "dashed"
    house.put(make_state(ROOM, 18, age_s=850))
    shown(page, "#age-words", "Reading is 14 min old")
    house.put(make_state(ROOM, 18, age_s=898))
    shown(page, "#age-words", i18n.t("en", "age.not_current"), 4000)
    assert page.inner_text("#value") == "–"
    assert page.get_attribute("#panel", "data-level") == "unknown"
    assert "Last reading 18 at" in page.inner_text("#last")
    closed = i18n.t("en", "action.0a").replace("‹", "").replace("›", "")  # what was high outside may be so still
    assert page.inner_text("#action").replace("\n", " ") == closed


def test_the_wall_says_how_long_the_monitor_is_silent_and_who_was_told(
    house: Any,
    chromium: Any,
    make_state: Any,
) -> None:
    house.put(make_state("ban-suan.p1-10", 18, age_s=37 * 60 + 5, told_at=1))
    page = open_display(chromium, house, "ban-suan.p1-10")
    shown(page, "#reason", "ไม่มีข้อมูลจากเครื่องวัด 37 นาทีแล้ว แจ้งผู้ดูแลแล้ว")
    house.put(make_state("ban-suan.p1-10", 18, age_s=38 * 60 + 5))
    shown(page, "#reason", "38 นาทีแล้ว")
    assert "แจ้งผู้ดูแลแล้ว" not in page.inner_text("#reason")


def test_after_a_gap_the_wall_says_when_there_will_be_a_value(house: Any, chromium: Any, make_state: Any) -> None:
    house.put(make_state(ROOM, None, minutes_left=7))
    page = open_display(chromium, house)
    shown(page, "#age-words", i18n.t("th", "age.filling", n=7))
    assert page.inner_text("#value") == "–"


def test_a_wrong_clock_in_the_television_changes_nothing(house: Any, chromium: Any, make_state: Any) -> None:
    house.put(make_state(ROOM, 18, age_s=60))
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, timezone_id="America/Lima")
    page.add_init_script("const real = Date.now; Date.now = () => real() - 86400000 * 400;")
    page.goto(f"{house.url}/display/{ROOM}?lang=en")
    shown(page, "#age-words", "Measured 1 minute ago")
    at = local_time(house.ask(f"/display/{ROOM}/now").json["server_time"])
    assert page.inner_text("#clock") in (f"{at:%H:%M}", f"{at.replace(minute=(at.minute + 59) % 60):%H:%M}")


def test_a_dead_server_is_named_and_a_living_one_found_again(
    make_house: Any,
    chromium: Any,
    make_state: Any,
) -> None:
    house = make_house()
    house.put(make_state(ROOM, 18))
    page = open_display(chromium, house)
    shown(page, "#value", "18")
    assert page.is_hidden("#away")
    house.stop()
    page.wait_for_selector("#away:not([hidden])", timeout=8000)
    assert page.inner_text("#value") == "18"
    house.start()
    house.put(make_state(ROOM, 21))
    page.wait_for_selector("#away", state="hidden", timeout=15000)
    shown(page, "#value", "21", 15000)


def test_a_new_version_of_the_display_reloads_it_and_the_old_one_stays_until_it_can(
    make_house: Any,
    chromium: Any,
    make_state: Any,
) -> None:
    house = make_house()
    house.put(make_state(ROOM, 18))
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script("Math.random = () => 0;")
    page.goto(f"{house.url}/display/{ROOM}")
    shown(page, "#value", "18")
    page.evaluate("window.old = true")
    house.stop()
    house.live.hub.build = "another"
    house.start()
    page.wait_for_function("() => window.old === undefined", timeout=20000)


def full(schools: configuration.Config) -> configuration.Config:
    """The demo's schools with all that a display can hold: both codes, and the mark of a sensitive room."""
    site, _, room = ROOM.partition(".")
    rooms = {**schools.sites[site].rooms, room: schools.sites[site].rooms[room].model_copy(update={"sensitive": True})}
    sites = {**schools.sites, site: schools.sites[site].model_copy(update={"rooms": rooms})}
    return schools.model_copy(update={"address": "http://192.168.1.5:8050", "sites": sites})


@pytest.mark.parametrize(("language", "theme"), [("th", "dark"), ("en", "light")])
def test_nothing_sticks_out_at_any_size_level_or_age(
    make_house: Any,
    schools: configuration.Config,
    chromium: Any,
    make_state: Any,
    language: str,
    theme: str,
) -> None:
    house = make_house(config=full(schools), store=MemoryStore())
    house.put(make_state(ROOM))
    by_hand = make_state(ROOM, 30, outdoor=20, play=5)
    unit = by_hand.purifier.model_copy(
        update={
            "speed": "turbo",
            "mode": "person",
            "override_by": "teacher:x",
            "override_until": by_hand.at + 9_000_000,
        }
    )
    states = {
        "very good": make_state(ROOM, 12),
        "good": make_state(ROOM, 18, outdoor=90, co2=2210),
        "moderate": make_state(ROOM, 37.5, outdoor=28, on=False, play=3, co2=None),
        "orange": make_state(ROOM, 52, outdoor=None, play=None, on=None, co2=1720),
        "red": make_state(ROOM, 112.4, outdoor=18, play=5, co2=12000),
        "late": make_state(ROOM, 37.5, age_s=480),
        "red, two digits": make_state(ROOM, 80, outdoor=90, play=5),
        "silent": make_state(ROOM, 18, age_s=37 * 60, told_at=1),
        "filling": make_state(ROOM, None, minutes_left=7),
        "by hand": by_hand.model_copy(update={"purifier": unit}),
    }
    wrong = []
    page = open_display(chromium, house, query=f"?lang={language}&theme={theme}")
    assert page.locator(".code svg").count() == 2
    shown(page, "#value", "18")
    page.evaluate("document.fonts.ready")
    for name, state in states.items():
        at = house.ask(f"/display/{ROOM}/now").json["server_time"]
        house.put(state.model_copy(update={"at": at}))
        text = state.texts[language]["unknown" if state.pm25.value is None else "ok"].action
        shown(page, "#action", text.split("›")[0].replace("‹", ""))
        page.wait_for_function("v => document.getElementById('value').textContent === v", arg=state.pm25.shown or "–")
        for width, height in (*SIZES, (360, 720), (320, 640)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("w => innerWidth === w", arg=width)
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            wrong += [f"{width}×{height} {name}: {found}" for found in page.evaluate(TOO_BIG)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_first_load_is_at_most_200_kb_on_the_wire(house: Any, chromium: Any, language: str) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, service_workers="block")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    bytes_: list[float] = []
    network.on("Network.loadingFinished", lambda event: bytes_.append(event["encodedDataLength"]))
    page.goto(f"{house.url}/display/{ROOM}?lang={language}")
    shown(page, "#value", "18")
    page.evaluate("document.fonts.ready")
    page.wait_for_selector("#inside-path[d^=M]", state="attached")
    page.wait_for_function("() => document.fonts.status === 'loaded'")
    assert 50_000 < sum(bytes_) < 200_000


@pytest.mark.parametrize("path", [f"/display/{ROOM}", f"/display/{ROOM}?lang=en&theme=light", "/display", "/login"])
def test_axe_finds_nothing_serious(house: Any, chromium: Any, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce", bypass_csp=True)
    page.goto(house.url + path)
    if path.startswith("/display/"):
        shown(page, "#value", "18")
    found = Axe().run(page).response["violations"]
    serious = [
        f"{it['id']}: {[node['html'][:120] for node in it['nodes']]}"
        for it in found
        if it["impact"] in ("serious", "critical")
    ]
    assert not serious, "\n".join(serious)


def test_the_line_has_its_gap_and_says_so(house: Any, chromium: Any) -> None:
    page = open_display(chromium, house)
    page.wait_for_selector("#gaps rect", state="attached")
    assert "ไม่มีข้อมูล" in page.inner_text("#labels")
    assert page.get_attribute("#inside-path", "d").count("M") == 2
    assert "37.5" in page.inner_text("#labels")


def test_words_of_the_levels_on_the_wall_are_those_of_every_other_screen() -> None:
    for language in i18n.LANGUAGES:
        for level in LEVELS:
            marked = i18n.t(language, f"display.level.{level}")
            assert marked.replace("‹", "").replace("›", "") == i18n.t(language, f"level.{level}")


def test_a_room_without_a_timetable_never_sleeps() -> None:
    assert not is_asleep(ALWAYS_EMPTY, 1_795_000_000_000)


def test_a_room_wakes_half_an_hour_before_its_first_block_and_sleeps_after_its_last() -> None:
    table = Timetable(
        frozenset(range(5)),
        (HoursOfDay(time(7, 30), time(11, 30)), HoursOfDay(time(12, 30), time(16, 0))),
        (),
        SchoolCalendar(holidays=frozenset({date(2026, 12, 7)})),
    )

    def asleep(day: int, hour: int, minute: int, month: int = 11) -> bool:
        return is_asleep(table, to_ms(datetime(2026, month, day, hour, minute, tzinfo=ZONE)))

    assert [asleep(23, 6, 59), asleep(23, 7, 0), asleep(23, 12, 0), asleep(23, 15, 59), asleep(23, 16, 0)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert asleep(22, 10, 0)  # a Sunday
    assert asleep(7, 10, 0, 12)  # a holiday


def test_outside_school_hours_the_wall_is_dark_unless_asked_to_stay_awake(
    make_house: Any,
    chromium: Any,
    make_state: Any,
) -> None:
    house = make_house()
    now = house.ask(f"/display/{ROOM}/now").json["server_time"]
    house.offset_ms = to_ms(datetime(2026, 11, 22, 3, 0, tzinfo=ZONE)) - now
    page = open_display(chromium, house, query="?dim=1")
    page.wait_for_selector("body.asleep", timeout=6000)
    assert page.is_visible("#night") and page.is_hidden("#stage")
    assert page.inner_text("#night-clock").startswith("03.0")
    awake = open_display(chromium, house, query="?dim=1&awake=1")
    shown(awake, "#clock", "03.0")
    assert awake.is_visible("#stage")
    assert open_display(chromium, house).is_visible("#stage")  # the demo is awake for whoever comes


def test_the_corner_names_the_form_for_problems_where_the_last_row_has_room(
    own_house: Any, chromium: Any, make_state: Any
) -> None:
    own_house.put(make_state(ROOM))
    given, host = own_house.config, "a" * (MOST_TYPED - len(".example/report")) + ".example"
    for address in (
        {"public_url": f"https://a{host}"},  # too long for the row
        {"address": f"https://{host}"},  # there it says that it works inside the school alone
    ):
        own_house.config = given.model_copy(update=address)
        text = own_house.ask(f"/display/{ROOM}").text
        assert 'id="door"' in text and "example/report" not in text
    own_house.config = given.model_copy(update={"public_url": f"https://{host}"})
    for language, size in (("th", (1024, 600)), ("en", (1280, 720))):
        page = open_display(chromium, own_house, query=f"?lang={language}", size=size)
        shown(page, "footer .door", f"{host}/report")
        code, row = page.locator("#door").bounding_box(), page.locator("footer .door").bounding_box()
        assert row["x"] + row["width"] <= code["x"], (language, size)
