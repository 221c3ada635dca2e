"""Following a room by mail: nothing is kept or sent until the address is confirmed, and stopping is one button."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import urlencode

import pytest

from classair.i18n import t
from classair.units import HOUR_MS
from classair.wire import Answer
from dashboard.context import Context
from dashboard.door.following import OF_CALLER
from dashboard.door.wishes import stop_path
from dashboard.following.followers import Followers
from tests.dashboard.conftest import Builder, House

ROOM = "ban-suan.p1-2"


def post(house: House, path: str, **fields: str) -> Any:
    return house.ask(
        path,
        "POST",
        body=urlencode(fields).encode(),
        Content_Type="application/x-www-form-urlencoded",
        Origin=house.url,
    )


@pytest.fixture(scope="module")
def _one(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Iterator[House]:
    builder = Builder(tmp_path_factory.mktemp("mail"), schools)
    yield builder.demo()
    builder.close()


@pytest.fixture
def own_house(_one: House) -> House:
    """Hours after the test before, so that its requests count no longer; nobody follows a room."""
    _one.offset_ms += 25 * HOUR_MS
    _one.alive(mail=True)
    with context(_one).desk.change() as db:
        for table in ("follower", "mail_wish"):
            db.execute(f"delete from {table}")
    return _one


@pytest.fixture
def asked(own_house: House, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What alerts was asked to send."""
    found: list[dict[str, Any]] = []

    async def ask(service: str, do: str, who: str, args: dict[str, Any]) -> Answer:
        found.append(args)
        return Answer(id="1", ok=True, result={"state": "waiting"})

    monkeypatch.setattr(own_house.live, "ask", ask)
    return found


def context(house: House) -> Context:
    found: Context = house.app.server.state.ctx
    return found


def followers(house: House) -> Followers:
    return Followers(context(house).desk, context(house).now_ms)


def link_in(args: dict[str, Any], path: str) -> str:
    found = re.search(rf"{path}[\w./?=&-]+", args["text"])
    assert found is not None
    return found[0]


def test_an_address_is_kept_only_after_its_owner_confirmed_it(own_house: House, asked: list[dict[str, Any]]) -> None:
    answer = post(own_house, f"/door/{ROOM}/follow?lang=en", mail="parent@example.org")
    assert answer.status == 303 and "said=check_mail" in answer.headers["Location"]
    assert asked[0]["channel"] == "mail" and asked[0]["address"] == "parent@example.org"
    assert followers(own_house).of("mail", "parent@example.org") == []
    link = link_in(asked[0], "/follow/")
    assert own_house.ask(link).status == 200
    assert followers(own_house).of("mail", "parent@example.org") == []  # opening a link is no wish
    assert "Done" in post(own_house, link).text
    assert [one.room for one in followers(own_house).weekly(ROOM)] == [ROOM]
    assert own_house.ask(link).status == 404


def test_the_answer_is_the_same_for_an_address_that_follows_already(
    own_house: House, asked: list[dict[str, Any]]
) -> None:
    followers(own_house).follow("mail", "known@example.org", ROOM, "en", weekly=True, alerts=False)
    first = post(own_house, f"/door/{ROOM}/follow?lang=en", mail="known@example.org")
    other = post(own_house, f"/door/{ROOM}/follow?lang=en", mail="new@example.org")
    assert (first.status, first.headers["Location"], first.body) == (
        other.status,
        other.headers["Location"],
        other.body,
    )


def test_each_mail_has_a_link_to_stop_which_erases_the_address(own_house: House) -> None:
    followers(own_house).follow("mail", "parent@example.org", ROOM, "en", weekly=True, alerts=False)
    path = stop_path(context(own_house), ROOM, "parent@example.org")
    assert "parent" not in path
    assert own_house.ask(path).status == 200 and followers(own_house).weekly(ROOM)
    assert "Stopped" in post(own_house, f"{path}?lang=en").text
    assert followers(own_house).of("mail", "parent@example.org") == []
    assert "Stopped" in own_house.ask(f"{path}?lang=en").text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "parent",
        "a@b",
        "a b@example.org",
        "a@example.org\r\nBcc: x@example.org",
        "ก@example.org",
        f"{'a' * 300}@example.org",
    ],
)
def test_what_is_no_address_is_not_sent_to(own_house: House, asked: list[dict[str, Any]], address: str) -> None:
    answer = post(own_house, f"/door/{ROOM}/follow", mail=address)
    assert answer.status == 422 and t("th", "door.said.wrong_mail") in answer.text and not asked
    assert f'value="{escape(address.strip())}"' in answer.text or "\r" in address, "what was typed stays"


def test_one_caller_fills_no_mailboxes(own_house: House, asked: list[dict[str, Any]]) -> None:
    said = [
        post(own_house, f"/door/{ROOM}/follow", mail=f"p{n}@example.org").headers["Location"]
        for n in range(OF_CALLER + 2)
    ]
    assert sum("check_mail" in one for one in said) == OF_CALLER == len(asked) and "too_many" in said[-1]


def test_without_alerts_nothing_is_promised_and_nothing_kept(own_house: House) -> None:
    answer = post(own_house, f"/door/{ROOM}/follow", mail="parent@example.org")
    assert "said=no_mail" in answer.headers["Location"]
    assert context(own_house).desk.ask("select * from mail_wish") == []


def test_where_no_mail_is_set_up_none_is_offered_and_none_promised(
    own_house: House, asked: list[dict[str, Any]]
) -> None:
    assert 'id="mail"' in own_house.ask(f"/door/{ROOM}").text
    own_house.alive(mail=False)
    own_house.offset_ms += 2_000  # the page is kept for a second
    assert 'id="mail"' not in own_house.ask(f"/door/{ROOM}?said=no_mail").text
    answer = post(own_house, f"/door/{ROOM}/follow", mail="parent@example.org")
    assert "said=no_mail" in answer.headers["Location"] and not asked


@pytest.mark.parametrize("path", ["/follow/nonsense", "/unfollow/nonsense"])
def test_a_link_that_nobody_signed_leads_nowhere(house: House, path: str) -> None:
    assert house.ask(path).status == 404 and post(house, path).status == 404


def test_another_site_cannot_send_the_form(own_house: House, asked: list[dict[str, Any]]) -> None:
    answer = own_house.ask(
        f"/door/{ROOM}/follow",
        "POST",
        body=b"mail=parent@example.org",
        Content_Type="application/x-www-form-urlencoded",
        Origin="http://elsewhere.example",
    )
    assert answer.status == 403 and not asked
