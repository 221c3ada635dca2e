"""With a part that is silent no page and no answer calls well, promises or knows what depends on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from classair.i18n import t
from classair.units import MINUTE_MS
from classair.wire import Current, RoomState
from dashboard.live.alive import judge
from dashboard.live.lives import KnownParts, lives_of
from dashboard.pages import health
from dashboard.pages.health.sensor_rows import asked
from tests.dashboard.conftest import ALIVE_MS

BRIDGE = "bridge/ban-suan.suan-pi"
WELL = "nothing needs attention"
LATER_MS = ALIVE_MS + 4 * MINUTE_MS
HOUSE_PARTS = ("broker", "service/ingest", "service/alerts", BRIDGE, "bridge/rim-khlong.khlong-pi")


def words(house: Any, path: str, language: str = "en") -> str:
    text = house.ask(f"{path}{'&' if '?' in path else '?'}lang={language}").text
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def put_good(house: Any, make_state: Callable[..., RoomState]) -> None:
    """Every room is good at this moment."""
    for room, settings in house.config.rooms():
        state = make_state(room, 18, age_s=5, at=house.app.server.state.ctx.now_ms())
        house.put(state.model_copy(update={"purifier": None}) if settings.outdoor else state)


@pytest.fixture
def school(own_house: Any, make_state: Callable[..., RoomState]) -> Any:
    """Every room good, every part alive."""
    put_good(own_house, make_state)
    assert WELL in words(own_house, "/")
    return own_house


def again(house: Any, make_state: Callable[..., RoomState], later_ms: int, *silent: str) -> None:
    """`later_ms` on: every part but these has gone on speaking."""
    house.offset_ms = later_ms
    house.alive(silent=silent)


@pytest.mark.parametrize("part", HOUSE_PARTS)
def test_no_page_calls_a_house_well_in_which_a_part_is_silent(
    school: Any, make_state: Callable[..., RoomState], part: str
) -> None:
    again(school, make_state, LATER_MS, part)
    if part != "service/alerts":
        put_good(school, make_state)
    assert WELL not in words(school, "/") and "ไม่มีเรื่องที่ต้องดูแลตอนนี้" not in words(school, "/", "th")
    assert t("en", "health_page.all_well") not in words(school, "/health")
    answer = school.ask("/api/v1/health").json
    assert answer["state"] == "degraded" and answer["alive"][part]["state"] == "unknown"


def test_sensors_of_a_silent_bridge_are_unknown_with_the_bridge_named_everywhere(
    school: Any, make_state: Callable[..., RoomState]
) -> None:
    again(school, make_state, LATER_MS, BRIDGE, *(f"sensor/{full}" for full, _ in school.config.sensors()))
    ctx = school.app.server.state.ctx
    for language in ("en", "th"):
        rows = {row.key: row for row in health.rows(ctx, language, asked(ctx))}
        of_bridge = [row for key, row in rows.items() if key.startswith("sensor/ban-suan.")]
        assert len(of_bridge) == 9
        for row in of_bridge:
            assert (row.well, row.word, row.depends) == ("wait", "unknown", True)
            assert school.config.sites["ban-suan"].bridges["suan-pi"].name.in_(language) in row.cause
    alive = school.ask("/api/v1/health").json["alive"]
    assert {alive[f"sensor/{full}"]["by"] for full, one in school.config.sensors() if one.bridge == "suan-pi"} == {
        BRIDGE
    }
    assert alive["room/ban-suan.p1-2"] == {"state": "unknown", "since": alive[BRIDGE]["since"], "by": BRIDGE}
    said = words(school, "/")
    assert "Bridge Staff room box" in said and t("en", "overview.case.rooms", n=5) in said


def test_nothing_is_promised_of_a_room_whose_bridge_is_silent(
    school: Any, make_state: Callable[..., RoomState]
) -> None:
    """Alerts, too, goes on saying "value in 9 min" for up to three minutes after the last reading."""
    room, promise = "ban-suan.p1-2", t("en", "pages.filling", n=9)
    at = school.app.server.state.ctx.now_ms()
    state = make_state(room, None)
    filling = Current(status="filling", newest_at=at, minutes_left=9)
    school.put(state.model_copy(update={"pm25": filling}))
    assert promise in words(school, "/")
    again(school, make_state, 0, BRIDGE)
    school.live.hear("classair/v1/demo-town/ban-suan/bridge/suan-pi/status", b'{"state": "offline", "at": 0}')
    assert promise not in words(school, "/")


def test_a_promise_of_a_state_that_nobody_renews_ends(school: Any, make_state: Callable[..., RoomState]) -> None:
    room, at = "ban-suan.p1-2", school.app.server.state.ctx.now_ms()
    for promised in (
        Current(status="filling", newest_at=at, minutes_left=9),
        Current(status="warming_up", minutes_left=9),
    ):
        school.put(make_state(room, None, at=at).model_copy(update={"pm25": promised}))
        for later, status in (
            (0, promised.status),
            (3 * MINUTE_MS - 1000, promised.status),
            (3 * MINUTE_MS, "unknown"),
        ):
            school.offset_ms = later
            told = school.ask(f"/api/v1/rooms/{room}/now").json["state"]["pm25"]
            assert (told["status"], told["minutes_left"]) == (status, 9 if status != "unknown" else None), later
        school.offset_ms = 0


def test_the_purifier_tile_has_its_own_age_and_three_states(school: Any, make_state: Callable[..., RoomState]) -> None:
    room = "/room/ban-suan.p1-2"

    def phase() -> str:
        text = school.ask("/live/room?room=ban-suan.p1-2&lang=en&once=true").text.replace('\\"', '"')
        tile = re.search(r'phased" data-phase="(\w+)"[^>]*><span class="if-known"><span class="purifier">', text)
        assert tile is not None, room
        return tile[1]

    assert phase() == "ok"
    again(school, make_state, 4 * MINUTE_MS)
    assert phase() == "late"
    again(school, make_state, 16 * MINUTE_MS)
    assert phase() == "unknown"
    school.offset_ms = 0
    school.alive()
    silent = make_state("ban-suan.p1-2").purifier
    assert silent is not None
    school.live.hear(
        "classair/v1/demo-town/ban-suan/purifier/p1-2-fan/state",
        silent.model_copy(update={"faults": ["silent"]}).model_dump_json().encode(),
    )
    assert phase() == "unknown"


def test_a_last_will_keeps_when_its_sender_spoke_last(school: Any) -> None:
    before = school.live.bridge("ban-suan.suan-pi").at
    school.live.hear("classair/v1/demo-town/ban-suan/bridge/suan-pi/status", b'{"state": "offline", "at": 0}')
    assert school.live.bridge("ban-suan.suan-pi").at == before
    verdict = lives_of(school.app.server.state.ctx).of("sensor/ban-suan.p1-2-pm")
    assert (verdict.life, verdict.since, verdict.by) == ("unknown", before, BRIDGE)


def test_every_part_of_the_configuration_is_judged(school: Any) -> None:
    ctx = school.app.server.state.ctx
    parts = KnownParts(ctx.config(), ctx.live, ctx.now_ms())
    named = [
        *(f"sensor/{full}" for full, _ in ctx.config().sensors()),
        *(f"bridge/{full}" for full, _ in ctx.config().bridges()),
        *(f"room/{full}" for full, _ in ctx.config().rooms()),
        *(f"purifier/{full}" for full, _ in ctx.config().purifiers()),
    ]
    assert set(named) < set(parts) and set(judge(parts, ctx.now_ms())) == set(parts)


@pytest.mark.parametrize("path", ["/", "/municipality", "/live/room?room=ban-suan.p1-2&once=true"])
def test_the_outdoor_tile_has_its_own_age_on_every_page(
    school: Any, make_state: Callable[..., RoomState], path: str
) -> None:
    yard = make_state("ban-suan.yard", 46, age_s=4 * 60, co2=None).model_copy(update={"purifier": None})
    school.put(yard)
    school.put(make_state("ban-suan.p1-2", 18, age_s=5).model_copy(update={"outdoor": yard.pm25}))
    text = school.ask(f"{path}{'&' if '?' in path else '?'}lang=en").text.replace('\\"', '"')
    assert re.search(r'class="phased" data-phase="late"[^>]*>.*?data-age="late"', text, re.DOTALL)
