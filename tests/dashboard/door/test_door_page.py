"""The page behind the code on a classroom's door."""

from __future__ import annotations

import contextlib
import html
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from classair import i18n
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.door.routes import AGAIN_MS, STREAMS_OF_CALLER
from dashboard.line.air import LEAST_PUPILS
from dashboard.public.limits import Seats
from tests.dashboard.conftest import House, state_of

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


@pytest.mark.parametrize("language", ["th", "en"])
def test_what_cannot_be_kept_is_not_offered_and_what_is_possible_is_said(
    own_house: House, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    none, line, mail = (i18n.t(language, f"door.follow.{key}") for key in ("none", "line_how", "mail"))
    for token, secret, with_mail, shown in (
        ("", "", False, [none]),
        ("t", "", False, [none]),  # without the secret nobody who writes is heard
        ("t", "s", False, [line]),
        ("", "s", True, [mail]),
        ("t", "s", True, [line, mail]),
    ):
        monkeypatch.setenv("CLASSAIR_LINE_TOKEN", token)
        monkeypatch.setenv("CLASSAIR_LINE_SECRET", secret)
        own_house.alive(mail=with_mail)
        own_house.put(state_of(ROOM))  # a page is kept for a second, but never one of another state
        text = words(own_house.ask(f"/door/{ROOM}?lang={language}"))
        assert [one for one in (none, line, mail) if one in text] == shown


def test_a_door_without_a_free_place_gives_what_is_new_and_the_walls_go_on(
    own_house: House, wait_for: Callable[..., Any]
) -> None:
    own_house.put(state_of(ROOM))
    path = f"{own_house.url}/door/{ROOM}/live"
    with contextlib.ExitStack() as open_doors:
        for _ in range(STREAMS_OF_CALLER):
            stream = open_doors.enter_context(urllib.request.urlopen(path, timeout=30))
            assert stream.readline() == b"event: hello\n"
        with urllib.request.urlopen(path, timeout=30) as late:
            whole = late.read().decode()  # it ends by itself
        assert whole.startswith(f"retry: {AGAIN_MS}\n") and "event: piece" in whole
        with urllib.request.urlopen(f"{own_house.url}/display/{ROOM}/live", timeout=30) as wall:
            assert wall.readline() == b"event: hello\n"
    wait_for(lambda: own_house.live.hub.listeners == 0)
    with urllib.request.urlopen(path, timeout=30) as stream:
        assert stream.readline() == b"event: hello\n"  # whoever goes makes room


def test_places_are_for_each_and_for_all_and_come_back() -> None:
    seats = Seats(3, 2)
    assert [seats.take(who) for who in ("a", "a", "a", "b", "b")] == [True, True, False, True, False]
    seats.leave("a")
    assert seats.take("b") and not seats.take("a")


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
