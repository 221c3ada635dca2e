"""What leaves for reporters: taps by LINE, links by mail, each to whom it belongs; nobody is called told too early."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classair import i18n
from classair.alerting.messages import message_id
from classair.alerting.reading import Records
from classair.units import DAY_MS
from dashboard.context import Context
from dashboard.line.understanding import NOT_WELL, WELL
from dashboard.public.report import PER_MAIL
from dashboard.tickets.book import Tickets
from dashboard.tickets.keeping import Keeping
from dashboard.tickets.records import Evidence, NewTicket, Reporter
from dashboard.tickets.telling import links, steps
from tests.classair.alerting.filled import empty_ledger, put_notification
from tests.dashboard.conftest import House
from tests.dashboard.tickets.test_form import WISH, report, send

BY = "account:somchai"
MAIL = "parent@example.org"


@pytest.fixture
def reached(desk_house: House) -> Iterator[House]:
    """The demo, from which mail leaves and whose address is known."""
    before = desk_house.config
    desk_house.config = before.model_copy(update={"public_url": "https://air.example"})
    desk_house.alive(mail=True)
    yield desk_house
    desk_house.config = before
    desk_house.alive()


def context(house: House) -> Context:
    found: Context = house.app.server.state.ctx
    return found


def sent(house: House, channel: str) -> list[Any]:
    """What the loop hands over now."""
    found: list[Any] = []

    async def take(_: Any, message: Any) -> None:
        found.append(message)

    asyncio.run(Keeping(context(house), take).once())
    return [one for one in found if one.channel == channel]


def solve(tickets: Tickets, ticket: int = 1) -> None:
    tickets.work.resolve(ticket, "เปลี่ยนปลั๊ก", Evidence("none", "ไฟดับ"), frozenset({"none"}), BY)


@pytest.fixture
def no_loop(desk_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The house's own loop waits, so that the test hands over."""

    async def nothing(_: Keeping) -> None: ...

    kept = Keeping.once
    monkeypatch.setattr(Keeping, "once", lambda self: kept(self) if self._send.__name__ == "take" else nothing(self))


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.usefixtures("no_loop")
def test_by_line_a_solved_report_is_answered_with_a_tap(reached: House, tickets: Tickets, language: str) -> None:
    new = NewTicket("purifier_dead", "ban-suan", "ban-suan.p1-2", reporter=Reporter("line", "U1", language))
    ticket = tickets.receive(new, "a")
    solve(tickets)
    (message,) = sent(reached, "line")
    card = message.card
    taps = [item["action"]["text"] for item in card["quickReply"]["items"]]
    assert [tap.removesuffix(f" {ticket.number}").casefold() for tap in taps] == [
        i18n.t(language, f"line_talk.{key}").casefold() for key in ("well", "not_well")
    ]
    assert taps[0].rpartition(" ")[0].casefold() in WELL and taps[1].rpartition(" ")[0].casefold() in NOT_WELL
    assert card["type"] == "flex" and message.text in card["altText"] and ticket.number in card["altText"]


@pytest.mark.usefixtures("no_loop")
def test_a_report_that_was_answered_meanwhile_asks_for_no_tap(reached: House, tickets: Tickets) -> None:
    tickets.receive(NewTicket("smoke", "ban-suan", reporter=Reporter("line", "U1")), "a")
    solve(tickets)
    tickets.answer(1, well=True)
    tickets.receive(NewTicket("smoke", "ban-suan", reporter=Reporter("line", "U1")), "b")
    tickets.work.decline(2, "x", "y", BY)
    assert [one.card for one in sent(reached, "line")] == [None, None]


def test_an_address_is_asked_for_only_where_a_mail_would_leave(reached: House, tickets: Tickets) -> None:
    assert 'id="mail"' in reached.ask("/report").text
    staff = reached.sign_in("lung", "correct+horse+battery")
    assert 'id="mail"' not in reached.ask("/report", **staff).text
    reached.alive(mail=False)
    assert 'id="mail"' not in reached.ask("/report").text
    report(reached, mail=MAIL)
    reached.alive(mail=True)
    reached.config = reached.config.model_copy(update={"public_url": ""})
    assert 'id="mail"' not in reached.ask("/report").text
    report(reached, mail=MAIL, key="z" * 22)
    assert {who.channel for one in tickets.listed() for who, _ in tickets.reporters(one.id)} == {"web"}


@pytest.mark.usefixtures("no_loop")
def test_by_mail_each_state_is_told_once_with_a_link_that_answers_and_that_ends_it(
    reached: House, tickets: Tickets
) -> None:
    check = send(reached, "/report?lang=en", do="check", mail=MAIL, **WISH)
    assert f'name="mail" value="{MAIL}"' in check.text
    report(reached, mail=MAIL)
    solve(tickets)
    received, solved = sent(reached, "mail")
    assert tickets.get(1).number in received.text and "เรียบร้อยไหมคะ" in solved.text  # type: ignore[union-attr]
    assert sent(reached, "mail") == []
    link = re.search(r"https://air\.example(/ticket/[\w.-]+)", solved.text)
    assert link is not None and MAIL not in link[1]
    send(reached, link[1], do="not_yet")
    assert tickets.get(1).state == "received"  # type: ignore[union-attr]
    page = reached.ask(f"{link[1]}?lang=en").text
    assert "Stop e-mails to this address" in page and MAIL not in page
    assert "Stop e-mails" not in reached.ask(links.path(context(reached), tickets.get(1))).text  # type: ignore[arg-type]
    send(reached, link[1], do="no_mail")
    assert all(who.channel == "web" for who, _ in tickets.reporters(1))
    assert "Stop e-mails" not in reached.ask(f"{link[1]}?lang=en").text
    solve(tickets)
    assert sent(reached, "mail") == []


@pytest.mark.usefixtures("no_loop")
def test_of_a_merged_report_the_mail_leads_to_ones_own_and_not_to_what_others_wrote(
    reached: House, tickets: Tickets
) -> None:
    report(reached, words="ลูกชายไอ")
    report(reached, key="z" * 22, mail=MAIL)
    tickets.work.merge(2, 1, BY, "same")
    solve(tickets)
    solved = sent(reached, "mail")[-1]
    link = re.search(r"(/ticket/[\w.-]+)", solved.text)
    assert link is not None
    page = reached.ask(f"{link[1]}?lang=en").text
    assert "was merged with this one" in page and "ลูกชายไอ" not in page
    send(reached, link[1], do="well")
    assert tickets.get(1).closing == "confirmed"  # type: ignore[union-attr]


def test_a_follower_hears_by_mail_and_has_a_followers_link(reached: House, tickets: Tickets) -> None:
    report(reached)
    assert send(reached, "/report?follow=1", do="follow", mail=MAIL, **WISH).status == 303
    ticket = tickets.get(1)
    assert ticket is not None and (Reporter("mail", MAIL, "th"), True) in tickets.reporters(1)
    assert tickets.own(ticket, "mail", MAIL) == (ticket, "follower")


def test_a_wrong_address_and_a_full_mailbox_are_said_beside_the_field(reached: House, tickets: Tickets) -> None:
    answer = send(reached, "/report?lang=en", do="check", mail="parent@", **WISH)
    assert answer.status == 422 and "not a complete e-mail address" in answer.text and 'value="parent@"' in answer.text
    places = ["ban-suan.p1-2", "ban-suan.p1-10", "ban-suan.p4-1", "ban-suan.a1-1"]
    answers = [
        send(reached, "/report?lang=en", do="send", mail=MAIL, **{**WISH, "place": place, "key": f"{n:022d}"})
        for n, place in enumerate(places)
    ]
    assert [one.status for one in answers] == [303] * PER_MAIL + [422]
    assert "several reports today" in answers[-1].text and len(tickets.listed()) == PER_MAIL
    refused = send(reached, "/report?follow=1&lang=en", do="follow", mail=MAIL, **WISH)
    assert refused.status == 422 and "several reports today" in refused.text
    reached.offset_ms += DAY_MS
    assert send(reached, do="send", mail=MAIL, **{**WISH, "key": "n" * 22}).status == 303


@pytest.mark.parametrize(("channel", "reached", "said"), [("in_app", 0, ""), ("line", 1, "The people in charge were")])
def test_somebody_is_said_to_be_told_only_by_the_receipt(
    desk_house: House, tickets: Tickets, tmp_path: Path, channel: str, reached: int, said: str
) -> None:
    tickets.receive(NewTicket("purifier_dead", "ban-suan", "ban-suan.p1-2"), "a")
    solve(tickets)
    ticket = tickets.answer(1, well=False)
    ledger = empty_ledger(tmp_path / "ledger.db")
    ctx = replace(context(desk_house), records=Records(ledger))
    key = next(one.key for one in tickets.notices(1) if one.what == "reopened")

    def step() -> str:
        return next(one.more for one in steps.of(ctx, ticket, tickets.history(1), "en") if one.title == "Reopened")

    assert step() == ""
    put_notification(
        ledger, message_id(key), "", person="head", channel=channel, delivered_at=ticket.changed_at, reached=reached
    )
    assert step().startswith(said) and bool(step()) == bool(said)
