"""Choosing one's notifications by the link in a message: whose link it is, what is asked of alerts, what is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from classair.alerting.links import KEPT_S, Links, make_key
from classair.config import Config, parse
from classair.wire import Answer, Ask
from tests.classair.alerting.filled import put
from tests.dashboard.conftest import SCHOOLS, alerts_double, now_ms

RULES = """
  haze: {kind: above, above: 37.5, tell: [malee]}
  later: {kind: co2_high, escalation: heads}
  others: {kind: disagree, tell: [caretaker]}
  muted: {kind: filter_due, tell: [malee]}
"""
PEOPLE = "  malee: {channel: console, language: en, mute: [filter_due]}\n"
CHAINS = "  heads: [{tell: [caretaker]}, {tell: [malee], after: 10m}]\n"


@pytest.fixture(scope="module")
def config() -> Config:
    text = SCHOOLS.read_text("utf-8") + "\naddress: http://air.local\n"
    for table, more in (("rules", RULES), ("people", PEOPLE), ("escalation", CHAINS)):
        head, place, rest = re.split(rf"(?m)^({table}:.*\n)", text)
        text = head + place + more + rest
    return parse(text, {})


@pytest.fixture
def house(make_house: Any, config: Config, ledger: Path, tmp_path: Path) -> Any:
    make_key(tmp_path / "link-key")
    return make_house(config=config, ledger=ledger)


@pytest.fixture
def address(house: Any, config: Config, tmp_path: Path) -> str:
    return Links(tmp_path / "link-key").preferences(config, "malee", now_ms()).removeprefix("http://air.local")


@pytest.fixture
def asked(house: Any, mosquitto: Any) -> Iterator[list[Ask]]:
    heard: list[Ask] = []

    def answer(ask: Ask) -> Answer:
        heard.append(ask)
        return Answer(id=ask.id, ok=True)

    with alerts_double(house, mosquitto, answer):
        yield heard


def send(house: Any, address: str, kinds: list[str], why: str = "", **headers: str) -> Any:
    body = urlencode({"kind": kinds, "why": why}, doseq=True).encode()
    form = "application/x-www-form-urlencoded"
    return house.ask(address, "POST", body=body, Content_Type=form, **{"Origin": house.url, **headers})


def ticked(text: str) -> dict[str, bool]:
    boxes = [line for line in text.splitlines() if 'type="checkbox"' in line]
    return {line.partition('value="')[2].partition('"')[0]: "checked" in line for line in boxes}


def test_the_link_lists_what_its_person_may_be_told_of_in_their_language(house: Any, address: str) -> None:
    answer = house.ask(address)
    assert answer.status == 200
    assert ticked(answer.text) == {"above": True, "co2_high": True, "filter_due": False}
    assert "Air reading above the limit" in answer.text
    assert "ค่าในอากาศสูงเกินกำหนด" in house.ask(f"{address}?lang=th").text


def test_what_was_chosen_before_is_shown(house: Any, address: str, ledger: Path) -> None:
    put(ledger, "preference", person="malee", kind="co2_high", at=1, wanted=0)
    put(ledger, "preference", person="malee", kind="filter_due", at=1, wanted=1)
    assert ticked(house.ask(address).text) == {"above": True, "co2_high": False, "filter_due": True}


def test_no_search_engine_cache_or_other_site_learns_of_the_link(house: Any, address: str) -> None:
    headers = house.ask(address).headers
    assert "noindex" in headers["X-Robots-Tag"] and headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


def test_only_what_changes_is_asked_of_alerts(house: Any, address: str, asked: list[Ask]) -> None:
    answer = send(house, address, ["above"], "too many")
    assert (answer.status, answer.headers["Location"]) == (303, f"{address}?saved=1")
    assert [(one.do, one.who, one.args) for one in asked] == [
        ("preference", "link:malee", {"person": "malee", "kind": "co2_high", "wanted": False, "why": "too many"})
    ]
    assert "Saved" in house.ask(f"{address}?saved=1").text


def test_kinds_that_do_not_concern_the_person_are_not_asked_for(house: Any, address: str, asked: list[Ask]) -> None:
    send(house, address, ["above", "co2_high", "disagree", "nonsense"])
    assert asked == []


def test_a_form_of_another_site_is_refused(house: Any, address: str, asked: list[Ask]) -> None:
    assert send(house, address, [], Origin="http://elsewhere.example").status == 403
    assert send(house, address, [], Sec_Fetch_Site="cross-site").status == 403
    assert asked == []


def test_without_alerts_it_says_so_and_keeps_what_was_ticked(house: Any, address: str) -> None:
    answer = send(house, address, ["co2_high"])
    assert answer.status == 503
    assert "could not be saved" in answer.text and ticked(answer.text) == {
        "above": False,
        "co2_high": True,
        "filter_due": False,
    }


def test_an_unknown_ledger_is_not_everything_wanted(make_house: Any, config: Config, tmp_path: Path) -> None:
    make_key(tmp_path / "link-key")
    house = make_house(config=config, ledger=tmp_path / "nothing.db")
    address = Links(tmp_path / "link-key").preferences(config, "malee", now_ms()).removeprefix("http://air.local")
    for answer in (house.ask(address), send(house, address, [])):
        assert answer.status == 503 and ticked(answer.text) == {}
        assert "cannot be read right now" in answer.text


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_wrong_link_is_a_plain_page_with_words(house: Any, address: str, language: str) -> None:
    words = {"th": "ลิงก์นี้ใช้ไม่ได้แล้ว", "en": "This link no longer works"}[language]
    for wrong in ("/notify/nonsense", address[:-3], f"/notify/{'x' * 2000}"):
        answer = house.ask(f"{wrong}?lang={language}")
        assert answer.status == 404 and words in answer.text


def test_an_old_link_is_a_plain_page_with_words(house: Any, address: str) -> None:
    house.offset_ms = (KEPT_S + 60) * 1000
    answer = house.ask(f"{address}?lang=en")
    assert answer.status == 404 and "no longer works" in answer.text


def test_somebody_who_is_no_longer_told_has_no_link(house: Any, address: str, schools: Config) -> None:
    house.config = schools
    assert house.ask(address).status == 404
