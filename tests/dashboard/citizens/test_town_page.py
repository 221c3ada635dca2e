"""The citizens' page: schools and not rooms, half an hour behind, made once for all who look."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from classair import i18n
from classair.model import Reading
from classair.stores.memory.store import MemoryStore
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import RoomState
from dashboard.citizens import figures
from dashboard.context import Context
from tests.dashboard.conftest import MONDAY, Builder, House, now_ms

LESSON = MONDAY + 8 * HOUR_MS + 30 * MINUTE_MS


def stored(rooms: dict[str, float], until: int) -> MemoryStore:
    """A value a minute for each room since the first lesson of a Monday."""
    store = MemoryStore()
    for number, (room, value) in enumerate(rooms.items()):
        store.write(
            Reading(
                f"{room}-pm",
                "ban-suan.suan-pi",
                "ab12cd34ef",
                number * 5000 + minute + 1,
                LESSON + minute * MINUTE_MS,
                {"pm25": value},
                60.0,
                room=room,
                simulated=True,
            )
            for minute in range((until - LESSON) // MINUTE_MS)
        )
    return store


@pytest.fixture(scope="module")
def _public(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Iterator[House]:
    """A school that the internet can see, at 10:40 on a Monday: one room good, one room worse."""
    builder = Builder(tmp_path_factory.mktemp("town"), schools)
    until = LESSON + 130 * MINUTE_MS
    config = schools.model_copy(update={"public_url": "https://air.example"})
    house = builder(store=stored({"ban-suan.p1-2": 10.0, "ban-suan.p1-10": 60.0}, until), config=config)
    house.offset_ms = until - now_ms()
    yield house
    builder.close()


@pytest.fixture
def town(_public: House, schools: Any, make_state: Callable[..., RoomState]) -> House:
    _public.config = schools.model_copy(update={"public_url": "https://air.example"})
    at = now_ms() + _public.offset_ms
    _public.put(make_state("ban-suan.yard", 46, at=at, co2=None, outdoor=None))
    return _public


def context(house: House) -> Context:
    found: Context = house.app.server.state.ctx
    return found


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text.partition("<body>")[2])).split())


@pytest.mark.parametrize("language", ["th", "en"])
def test_citizens_read_of_schools_what_is_true_of_their_lessons(town: House, language: str) -> None:
    text = words(town.ask(f"/town?lang={language}").text)
    assert i18n.t(language, "town.of", n=1, all=2) in text
    assert "50%" in text  # two rooms, one of them good
    assert i18n.t(language, "level.starts_to_affect_health") in text and "46" in text
    assert not re.search(r"\bP\.1/|ป\.1/|\bp1-", text)


def test_what_is_told_of_classrooms_is_half_an_hour_behind(town: House) -> None:
    now = town.offset_ms + now_ms()
    told = figures.indoors(context(town), now)
    assert told.until == now - 30 * MINUTE_MS
    # Lessons since 08:30, of two rooms and two that have no values: slots that were over half an hour ago.
    over = (told.until - LESSON) // (15 * MINUTE_MS)
    assert told.schools is not None
    assert (told.schools["ban-suan"].slots, told.schools["ban-suan"].known) == (4 * over, 2 * over)


def test_rooms_with_fewer_than_ten_pupils_are_in_no_figure(schools: Any) -> None:
    site = schools.sites["ban-suan"]
    rooms = {key: room.model_copy(update={"capacity": 9}) for key, room in site.rooms.items()}
    config = schools.model_copy(
        update={"sites": {**schools.sites, "ban-suan": site.model_copy(update={"rooms": rooms})}}
    )
    assert list(figures.schools(config)) == ["rim-khlong"]
    one = {**rooms, "p1-2": site.rooms["p1-2"]}
    config = schools.model_copy(update={"sites": {**schools.sites, "ban-suan": site.model_copy(update={"rooms": one})}})
    assert figures.schools(config)["ban-suan"] == ["ban-suan.p1-2"]


def test_a_visitor_costs_no_question_to_any_store(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    town.ask("/town?lang=th")
    asked: list[int] = []
    monkeypatch.setattr(figures, "indoors", lambda *_: asked.append(1))
    answers = {town.ask("/town?lang=th").body for _ in range(20)}
    assert len(answers) == 1 and asked == []


def test_browsers_and_caches_may_keep_the_page_and_ask_whether_it_changed(town: House) -> None:
    town.ask("/town?lang=en")
    first = town.ask("/town?lang=en", Accept_Encoding="gzip")
    assert "public" in first.headers["Cache-Control"] and first.headers["Content-Encoding"] == "gzip"
    assert "frame-ancestors 'none'" in first.headers["Content-Security-Policy"]
    assert "<h1>" in gzip.decompress(first.body).decode()
    again = town.ask("/town?lang=en", If_None_Match=first.headers["ETag"])
    assert again.status == 304 and again.body == b""
    plain = town.ask("/town?lang=en")
    assert plain.body == gzip.decompress(first.body) and "Content-Encoding" not in plain.headers


def test_the_page_can_be_switched_off(town: House) -> None:
    assert town.ask("/town").status == 200
    town.config = town.config.model_copy(update={"town_page": False})
    assert town.ask("/town").status == 404


def test_without_a_public_address_the_page_stays_inside_the_school(make_house: Builder, schools: Any) -> None:
    house = make_house(store=MemoryStore(), proxies="127.0.0.1")
    assert house.ask("/town", X_Forwarded_For="192.168.1.9").status == 200
    assert house.ask("/town", X_Forwarded_For="8.8.8.8").status == 404
    house.config = schools.model_copy(update={"public_url": "https://air.example"})
    assert house.ask("/town", X_Forwarded_For="8.8.8.8").status == 200


def test_a_server_asked_by_a_foreign_name_shows_nothing(town: House) -> None:
    town.ask("/town")
    assert town.ask("/town", Host="elsewhere.example").status == 421


@pytest.mark.parametrize(("age_s", "shown"), [(240, "town.late"), (1200, "outdoor_play.unknown")])
def test_an_old_value_outside_is_late_or_unknown_and_never_the_last_one(
    town: House, make_state: Callable[..., RoomState], age_s: int, shown: str
) -> None:
    at = now_ms() + town.offset_ms
    town.put(make_state("ban-suan.yard", 46, at=at - age_s * 1000, age_s=0, co2=None, outdoor=None))
    town.config = town.config.model_copy(update={"language": "en"})  # another configuration: made again
    text = words(town.ask("/town?lang=en").text)
    assert i18n.t("en", shown) in text
    assert ("46" in text) == (shown == "town.late")


def test_schools_stand_in_the_order_of_their_names_and_none_is_ranked(town: House) -> None:
    text = words(town.ask("/town?lang=th").text)
    assert text.index("บ้านสวน") < text.index("ริมคลอง")


def test_hostile_names_are_text(town: House) -> None:
    site = town.config.sites["ban-suan"]
    name = site.name.model_copy(update={"th": "<script>alert(1)</script>", "en": "<img src=x onerror=alert(1)>"})
    town.config = town.config.model_copy(
        update={"sites": {**town.config.sites, "ban-suan": site.model_copy(update={"name": name})}}
    )
    for language in ("th", "en"):
        text = town.ask(f"/town?lang={language}").text
        assert "<script>alert" not in text and "<img src=x" not in text


def test_a_database_that_is_away_is_said_and_no_number_shown(make_house: Builder, schools: Any) -> None:
    house = make_house(config=schools.model_copy(update={"public_url": "https://air.example"}))
    assert i18n.t("en", "pages.store_away") in words(house.ask("/town?lang=en").text)


def test_the_page_that_is_sent_before_the_guard_is_the_one_behind_it(town: House) -> None:
    town.ask("/town?lang=en")
    for encoding in ("identity", "gzip"):
        front, behind = (town.ask(f"/town?lang=en{more}", Accept_Encoding=encoding) for more in ("", "&from=poster"))
        assert front.body == behind.body
        own = {"date", "server", "content-length"}
        one, other = ({key.lower(): value for key, value in it.headers.items()} for it in (front, behind))
        assert {key: one[key] for key in one.keys() - own} == {key: other[key] for key in other.keys() - own}
