"""Each message has its reader's own link to choose by; each attempt to deliver it has the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerts.channels import Message
from alerts.channels.line import composed
from alerts.outbox.rows import Row
from alerts.outbox.texts import message
from classair.alerting.links import Links, make_key
from classair.config import parse

SCHOOL = "org: t\nsites: {a: {name: A, bridges: {b: {}}, rooms: {r: {name: R, outdoor: yes}}, sensors: {}}}\n"
MADE = 1_795_401_720_000


@pytest.fixture
def links(tmp_path: Path) -> Links:
    make_key(tmp_path / "key")
    return Links(tmp_path / "key")


def row(person: str = "malee") -> Row:
    return Row("n-1", MADE, MADE, "a", person, "fired", "warning", "en", title="Dust", text="52 in room R")


def test_the_link_is_its_readers_own_and_the_same_at_each_attempt(links: Links) -> None:
    config = parse(SCHOOL + "public_url: https://air.example\n")
    first, again, other = (message(config, one, links) for one in (row(), row(), row("somchai")))
    assert first == again
    for told, person in ((first, "malee"), (other, "somchai")):
        assert links.person(told.choose.removeprefix("https://air.example/notify/"), MADE) == person


def test_without_an_address_of_the_dashboard_there_is_no_link(links: Links) -> None:
    told = message(parse(SCHOOL), row(), links)
    assert (told.link, told.choose) == ("", "")


@pytest.mark.parametrize(("language", "label"), [("th", "เลือกการแจ้งเตือน"), ("en", "My notifications")])
def test_a_card_in_line_has_a_button_to_it(language: str, label: str) -> None:
    told = Message("Dust", "52", language, link="https://air.example/alerts", choose="https://air.example/notify/x")
    shown = json.dumps(composed(told), ensure_ascii=False)
    assert label in shown and "https://air.example/notify/x" in shown
