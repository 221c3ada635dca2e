"""Messages that the dashboard asks for: once per key, within LINE's budget, and no address stays behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.answering import Done, Refused
from alerts.line.desk import TOKEN as TOKEN_VARIABLE
from alerts.line.desk import Desk
from alerts.outbox.addressed import mail_to
from alerts.outbox.asking import OutboxAsks
from classair.alerting.messages import message_id
from classair.alerting.reading import Records
from classair.line import flex
from classair.wire import Ask
from simulator.line.platform import Fault
from simulator.line.server import LineFake
from tests.alerts.outbox.posting import HOUR, MIN, TEN, Post
from tests.neighbours.line import TOKEN, line_fake, user

PARENT = user(7)
FRIDAY = {
    "key": "week:s1.r1:2026-11-20",
    "channel": "line",
    "address": PARENT,
    "language": "en",
    "title": "Report for Room 1",
    "text": "Mostly good this week",
    "severity": "info",
    "kind": "week",
    "site": "s1",
    "until_ms": TEN + 48 * HOUR,
}


class LinePost(Post):
    """An outbox whose LINE is the fake, on the test's clock."""

    def __init__(self, folder: Path, fake: LineFake) -> None:
        self._fake = fake
        super().__init__(folder, "caretaker: {channel: paper, to: caretaker, language: en}")

    def open(self) -> None:
        self.config = self.config.model_copy(
            update={"line": self.config.line.model_copy(update={"api": self._fake.url})}
        )
        super().open()
        office = self.outbox.office
        office.shared("line", lambda: Desk(office, {TOKEN_VARIABLE: TOKEN}, lambda: self.now))

    def asked(self, **changes: Any) -> Done:
        return self.ask("message", {**FRIDAY, **changes})

    def ask(self, do: str, args: dict[str, Any]) -> Done:
        done = OutboxAsks(self.outbox, self.ledger).handlers[do](Ask(id="ask-00001", do=do, args=args), self.now)
        self.ledger.together(done.statements, done.then)
        self.settle()
        return done

    def bytes_on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("ledger.db*")))


@pytest.fixture
def fake() -> Iterator[LineFake]:
    with line_fake() as running:
        yield running


@pytest.fixture
def it(tmp_path: Path, fake: LineFake, paper: object) -> Iterator[LinePost]:
    made = LinePost(tmp_path, fake)
    yield made
    made.close()


def test_a_message_is_delivered_once_however_often_it_is_asked_for(it: LinePost, fake: LineFake) -> None:
    first = it.asked()
    assert first.result == {"message": message_id(FRIDAY["key"]), "state": "waiting", "reason": ""}
    again = it.asked()
    it.restart()
    later = it.asked()
    assert again.statements == later.statements == ()
    assert later.result["state"] == "delivered"
    (got,) = fake.platform.received
    assert (got["user"], got["how"]) == (PARENT, "push")
    assert got["messages"] == [{"type": "text", "text": "Report for Room 1\nMostly good this week"}]
    told = Records(it.folder / "ledger.db").message(str(FRIDAY["key"]))
    assert told is not None and told.told_at == TEN


def test_card_and_picture_go_in_one_push(it: LinePost, fake: LineFake) -> None:
    card = flex.message(flex.Card(head="Good", place="Room 1"), "Report for Room 1")
    it.asked(card=card, picture=("https://air.example/w.png", "https://air.example/p.png"))
    (got,) = fake.platform.received
    assert [part["type"] for part in got["messages"]] == ["image", "flex"] and fake.platform.used == 1


def test_a_picture_that_line_cannot_fetch_is_left_out(it: LinePost, fake: LineFake) -> None:
    it.asked(picture=("http://10.0.0.5/w.png", "http://10.0.0.5/p.png"))
    assert [part["type"] for part in fake.platform.received[0]["messages"]] == ["text"]


def test_what_was_accepted_before_it_failed_arrives_once_also_after_a_restart(it: LinePost, fake: LineFake) -> None:
    fake.platform.faults.append(Fault("push", "500", accepted=True))
    it.asked()
    it.restart()
    it.after(MIN)
    assert len(fake.platform.received) == 1
    assert it.states() == [("delivered", "")]


@pytest.mark.parametrize(
    ("used", "kind", "severity", "sent"),
    [
        (79, "week", "info", True),
        (81, "week", "info", False),
        (81, "alert", "warning", True),
        (91, "alert", "warning", False),
        (91, "alert", "urgent", True),
        (91, "ticket", "info", True),
        (100, "ticket", "info", False),
    ],
)
def test_the_months_budget_keeps_the_rest_for_what_matters(
    it: LinePost, fake: LineFake, used: int, kind: str, severity: str, sent: bool
) -> None:
    fake.platform.quota = 100
    fake.platform.count(used)
    it.asked(kind=kind, severity=severity)
    assert bool(fake.platform.received) is sent
    records = Records(it.folder / "ledger.db")
    reason = "quota" if used == 100 else "budget"
    held = [(one.severity, one.state, one.reason, one.count) for one in records.letters_held(0)]
    assert held == ([] if sent else [(severity, "abandoned", reason, 1)])


def test_quiet_hours_hold_messages_to_addresses_until_the_morning(it: LinePost, fake: LineFake) -> None:
    it.at(TEN + 10 * HOUR)  # 20:00
    it.asked(kind="ticket")
    it.asked(key="urgent", kind="ticket", severity="urgent")
    assert len(fake.platform.received) == 1
    assert Records(it.folder / "ledger.db").message(str(FRIDAY["key"])).reason == "quiet_hours"  # type: ignore[union-attr]
    it.restart()
    it.at(TEN + 20 * HOUR + 29 * MIN)
    assert len(fake.platform.received) == 1
    it.after(MIN)
    assert len(fake.platform.received) == 2


def test_dust_of_the_evening_is_no_news_of_the_morning(it: LinePost, fake: LineFake) -> None:
    it.at(TEN + 10 * HOUR)
    it.asked(kind="alert", severity="urgent", until_ms=TEN + 10 * HOUR + 30 * MIN)
    it.at(TEN + 24 * HOUR)
    assert fake.platform.received == [] and it.states() == [("abandoned", "too_old")]


def test_what_is_over_leaves_no_byte_of_the_address(
    it: LinePost, fake: LineFake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    it.asked()
    it.asked(key="given up", until_ms=TEN - 1)
    it.at(TEN + 10 * HOUR)
    it.asked(key="withdrawn")
    assert PARENT.encode() in it.bytes_on_disk()
    done = it.ask("forget_contact", {"channel": "line", "address": PARENT})
    assert done.result == {"channel": "line", "forgotten": 0, "dropped": 1}
    it.at(TEN + 30 * HOUR)
    assert len(fake.platform.received) == 1
    assert it.rows("select count(*) from letter") == [(0,)]
    until = time.monotonic() + 30
    while PARENT.encode() in it.bytes_on_disk():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert PARENT not in caplog.text


def test_a_person_of_the_configuration_is_told_by_their_own_way(it: LinePost, paper: Any) -> None:
    it.asked(channel="person", address="caretaker", kind="ticket", severity="warning")
    (message,) = paper.PILES["caretaker"]
    assert (message.title, message.kind) == ("Report for Room 1", "ticket")
    (listed,) = Records(it.folder / "ledger.db").notifications()
    assert (listed.person, listed.stage) == ("caretaker", "message")


def test_messages_to_addresses_are_not_among_those_to_people(it: LinePost) -> None:
    it.asked()
    assert Records(it.folder / "ledger.db").notifications() == []


def test_without_a_mail_server_a_mail_is_given_up_with_its_reason(
    it: LinePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLASSAIR_MAIL", raising=False)
    it.asked(channel="mail", address="parent@mail.example")
    assert it.states() == [("abandoned", "no_channel")]


def test_a_mail_goes_to_its_one_recipient() -> None:
    server = "mailtos://me:pw@mail.example?from=air@school.example&to=everybody@school.example"
    assert mail_to(server, "o'neil+a@mail.example") == (
        "mailtos://me:pw@mail.example?from=air@school.example&to=o%27neil%2Ba%40mail.example"
    )
    assert mail_to("mailto://127.0.0.1:25", "a@b.example").endswith("?to=a%40b.example")


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "somebody"},
        {"channel": "mail", "address": "a@b.example,c@d.example"},
        {"channel": "mail", "address": "a b@c.example"},
        {"kind": "joke"},
        {"title": "two\nlines"},
        {"card": {"text": "x" * 30_001}},
        {"picture": ("file:///etc/passwd", "https://air.example/p.png")},
        {"until_ms": 0},
        {"more": 1},
    ],
)
def test_a_message_that_cannot_be_sent_is_refused_without_its_address(it: LinePost, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        it.asked(**changes)
    assert str(changes.get("address", "-none-")) not in str(refused.value)
    assert it.states() == []


def test_a_person_who_is_not_configured_is_refused(it: LinePost) -> None:
    with pytest.raises(Refused, match="not defined under people"):
        it.asked(channel="person", address="nobody")
