"""The page behind the code on a classroom's door."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from classair import i18n
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.line.air import LEAST_PUPILS
from tests.dashboard.conftest import House

ROOM = "ban-suan.p1-2"


def words(answer: Any) -> str:
    """The page's text as somebody without styles reads it."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text.partition("<body>")[2])).split())


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_room_now_is_told_without_an_account_and_without_a_script(house: House, language: str) -> None:
    answer = house.ask(f"/door/{ROOM}?lang={language}")
    text = words(answer)
    assert answer.status == 200
    for key in ("level.good", "ventilation.fresh", "outdoor_play.none"):
        assert i18n.t(language, key) in text
    assert "18" in text and "46" in text
    assert i18n.t(language, "pages.age.measured", age=i18n.t(language, "pages.age.minutes", n=1)) in text


def test_no_number_of_co2_reaches_the_public(house: House) -> None:
    page, stream = house.ask(f"/door/{ROOM}"), house.ask(f"/door/{ROOM}/live?once=true")
    assert "870" not in page.text and "870" not in stream.text and "event: piece" in stream.text


def test_of_a_small_room_not_even_the_ventilation_is_told(
    own_house: House, make_state: Callable[..., RoomState]
) -> None:
    site = own_house.config.sites["ban-suan"]
    small = site.rooms["p1-2"].model_copy(update={"capacity": LEAST_PUPILS - 1})
    rooms = {**site.rooms, "p1-2": small}
    sites = {**own_house.config.sites, "ban-suan": site.model_copy(update={"rooms": rooms})}
    own_house.config = own_house.config.model_copy(update={"sites": sites})
    own_house.put(make_state(ROOM))
    text = words(own_house.ask(f"/door/{ROOM}?lang=en"))
    assert "Ventilation" not in text and "Fresh" not in text and "Good" in text


def test_the_count_of_alerts_is_not_sent_to_the_public(house: House) -> None:
    assert "event: alerts" not in house.ask(f"/door/{ROOM}/live?once=true").text


@pytest.mark.parametrize(("minutes", "phase"), [(1, "ok"), (5, "late"), (20, "unknown")])
def test_an_old_value_is_marked_by_its_age(
    own_house: House, make_state: Callable[..., RoomState], minutes: int, phase: str
) -> None:
    own_house.put(make_state(ROOM, age_s=0))
    own_house.offset_ms = minutes * MINUTE_MS
    section = own_house.ask(f"/door/{ROOM}?lang=en").text.partition('data-piece="now"')[0].rpartition("<section")[2]
    assert f'data-phase="{phase}"' in section


def test_an_unknown_room_is_a_page_that_says_so(house: House) -> None:
    answer = house.ask("/door/ban-suan.nowhere", Accept="text/html")
    assert answer.status == 404 and "<h1>" in answer.text
    assert house.ask("/door/ban-suan.nowhere/live").status == 404


def test_the_page_and_all_it_needs_weigh_at_most_150_kb(house: House) -> None:
    first = house.ask(f"/door/{ROOM}?lang=th")
    weight = len(first.body)
    for address in re.findall(r'(?:href|src)="(/assets/[^"]+)"', first.text):
        part = house.ask(address)
        assert part.status == 200, address
        weight += len(part.body)
        if "fonts.css" in address:
            weight += sum(
                len(house.ask(f"/assets/{font}").body) for font in set(re.findall(r"fonts/[\w-]+\.woff2", part.text))
            )
    assert weight <= 150_000


def test_what_a_school_is_called_is_text_and_no_markup(own_house: House) -> None:
    site = own_house.config.sites["ban-suan"]
    name = site.name.model_copy(update={"th": "<script>alert(1)</script>", "en": '"><img src=x onerror=alert(1)>'})
    sites = {**own_house.config.sites, "ban-suan": site.model_copy(update={"name": name})}
    own_house.config = own_house.config.model_copy(update={"sites": sites})
    for language in ("th", "en"):
        page = own_house.ask(f"/door/{ROOM}?lang={language}").text
        assert "<script>alert" not in page and "<img src=x" not in page
