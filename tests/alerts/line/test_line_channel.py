"""The channel `line` against LINE's fake: receipts, what is tried again, what takes the second way, and warnings."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from alerts.channels import ChannelError, Message, line, warnings
from alerts.ledger import Ledger
from alerts.line.desk import desk
from alerts.line.warnings import not_linked, said, without_second
from alerts.outbox.office import Office
from simulator.line.platform import Fault
from simulator.line.server import LineFake
from tests.alerts.line.offices import configured, ledger_in, linked, office_of
from tests.neighbours.line import TOKEN, line_fake, user

URGENT = Message(
    "ฝุ่นสูง ห้อง ป.1/2", "ฝุ่น 52 มคก./ลบ.ม. เมื่อ 10.20 น.", "th", True, "", "https://air.example/alerts", "fired", "urgent"
)


NOVEMBER = 1_793_466_000.0  # its first midnight in Bangkok


@pytest.fixture
def fake() -> Iterator[LineFake]:
    with line_fake(lambda: NOVEMBER) as running:
        yield running


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = ledger_in(tmp_path)
    yield made
    made.close()


@pytest.fixture
def office(fake: LineFake, ledger: Ledger) -> Office:
    made = office_of(fake, ledger)
    linked(made, ledger, "head", user(1))
    return made


def channel(office: Office, person: str = "head", **settings: str) -> line.Channel:
    return line.make(line.Settings.model_validate(settings), person, office)


def urgent(**changes: object) -> Message:
    return replace(URGENT, key=str(uuid.uuid4()), **changes)  # type: ignore[arg-type]


def failed(way: line.Channel, message: Message) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        way.send(message)
    return error.value


def test_a_message_arrives_as_a_card_whose_alternative_text_has_all_its_words(fake: LineFake, office: Office) -> None:
    receipt = channel(office).send(urgent())
    (got,) = fake.platform.received
    (card,) = got["messages"]
    assert (got["user"], got["request_id"]) == (user(1), receipt.id)
    assert card["altText"] == f"{URGENT.title}\n{URGENT.text}"
    assert card["contents"]["footer"]["contents"][0]["action"] == {
        "type": "uri",
        "label": "เปิดดู",
        "uri": "https://air.example/alerts",
    }


def test_an_attempt_that_was_accepted_before_it_failed_is_delivered_once_and_counted_once(
    fake: LineFake, office: Office
) -> None:
    fake.platform.faults.append(Fault("push", "500", accepted=True))
    way, message = channel(office), urgent()
    error = failed(way, message)
    assert (error.permanent, error.pause_s) == (False, None)
    assert way.send(message).repeated
    assert len(fake.platform.received) == 1
    assert desk(office).budget.forecast(1).used == 1


def test_the_monthly_limit_is_for_good_and_names_the_quota(fake: LineFake, office: Office) -> None:
    fake.platform.quota = 1
    way = channel(office)
    way.send(urgent())
    assert (failed(way, urgent()).permanent, failed(way, urgent()).reason) == (True, "quota")
    assert [asked["status"] for asked in fake.platform.requests if asked["path"].endswith("push")] == [200]


def test_a_month_that_others_have_used_up_is_the_same(fake: LineFake, office: Office) -> None:
    way = channel(office)
    way.send(urgent())
    fake.platform.faults.append(Fault("push", "monthly"))
    error = failed(way, urgent())
    assert (error.permanent, error.reason) == (True, "quota")


def test_pauses_grow_while_line_says_too_fast_and_nothing_is_asked_of_it_meanwhile(
    fake: LineFake, office: Office
) -> None:
    way = channel(office)
    pauses = []
    fake.platform.faults.append(Fault("push", "rate", times=3))
    for _ in range(3):
        error = failed(way, urgent())
        assert not error.permanent
        pauses.append(error.pause_s)
        asked = len(fake.platform.requests)
        waiting = failed(way, urgent())
        assert waiting.pause_s is not None and not waiting.permanent
        assert len(fake.platform.requests) == asked
        fake.platform.ahead_s += error.pause_s or 0
    assert pauses == [5.0, 10.0, 20.0]
    way.send(urgent())
    fake.platform.faults.append(Fault("push", "rate"))
    assert failed(way, urgent()).pause_s == 5.0


def test_a_user_that_does_not_exist_is_refused_for_good_and_not_tried_again(fake: LineFake, office: Office) -> None:
    fake.platform.unknown.add(user(1))
    error = failed(channel(office), urgent())
    assert (error.permanent, error.reason) == (True, "refused")
    assert office.contact("head", "line") is None
    assert failed(channel(office), urgent()).reason == "no_channel"


def test_a_message_that_line_does_not_take_blames_nobody(fake: LineFake, office: Office) -> None:
    fake.platform.faults.append(Fault("push", "413"))
    error = failed(channel(office), urgent())
    assert (error.permanent, error.reason, office.contact("head", "line")) == (True, "refused", user(1))


def test_a_token_that_line_refuses_is_tried_again_later(fake: LineFake, office: Office) -> None:
    fake.platform.token = "renewed"
    assert not failed(channel(office), urgent()).permanent


def test_somebody_who_has_not_linked_line_has_no_channel(office: Office) -> None:
    error = failed(channel(office, "teacher"), urgent())
    assert (error.permanent, error.reason) == (True, "no_channel")


def test_a_user_id_in_the_configuration_needs_no_link(fake: LineFake, office: Office) -> None:
    channel(office, "teacher", user=user(9)).send(urgent())
    assert fake.platform.received[0]["user"] == user(9)
    for wrong in ("U123", user(9).lower(), f"{user(9)}0", f"{user(9)}\n"):
        with pytest.raises(ValidationError) as refused:
            channel(office, "teacher", user=wrong)
        assert wrong.strip() not in str(refused.value)


def test_information_is_kept_back_for_urgent_messages_below_a_fifth(fake: LineFake, office: Office) -> None:
    fake.platform.count(241)
    way = channel(office)
    error = failed(way, urgent(severity="info"))
    assert (error.permanent, error.reason) == (True, "budget")
    fake.platform.count(30)
    fake.platform.ahead_s += 3600
    for kept in ({"severity": "warning"}, {"stage": "recovered"}, {"stage": "test"}):
        assert failed(way, urgent(**kept)).reason == "budget"
    way.send(urgent())


def test_without_a_token_nobody_is_told_and_the_health_page_says_so(fake: LineFake, ledger: Ledger) -> None:
    office = office_of(fake, ledger, "{head: {channel: line}}", token="")
    linked(office, ledger, "head", user(1))
    assert failed(channel(office), urgent()).reason == "no_channel"
    (warning,) = warnings(office.config(), office)
    assert "CLASSAIR_LINE_TOKEN" in warning["en"] and "head" in warning["th"]


def test_neither_the_token_nor_a_user_stands_in_an_error_or_a_log(
    fake: LineFake, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    way = channel(office)
    way.send(urgent())
    errors = []
    for kind in ("500", "rate", "monthly", "401", "400", "drop"):
        fake.platform.faults.append(Fault("push", kind))
        errors.append(repr(failed(way, urgent())))
        fake.platform.ahead_s += 4000
    fake.platform.unknown.add(user(1))
    errors.append(repr(failed(way, urgent())))
    told = f"{errors} {caplog.text} {office.remembered('line.month')} {vars(way)}"
    assert TOKEN not in told and user(1) not in told


def test_who_has_no_second_channel_is_listed_beforehand_with_the_day_the_quota_ends(
    fake: LineFake, ledger: Ledger
) -> None:
    people = ", ".join(
        f"p{n}: {{channel: line{', second: {channel: line}' if n == 3 else ''}}}"
        if n % 3 == 0
        else f"p{n}: {{channel: line, second: {{channel: console}}}}"
        for n in range(60)
    )
    office = office_of(fake, ledger, f"{{{people}}}")
    shared = desk(office)
    shared.budget.refresh()
    first, second = warnings(office.config(), office)
    assert first["en"].endswith("the quota ends on day 5.")
    assert "300" in first["th"] and "5" in first["th"]
    alone = without_second(office.config())
    assert len(alone) == 60  # a console reaches nobody, and a second way by LINE is none
    assert all(name in second["en"] for name in alone)


def test_who_has_linked_no_account_and_has_no_other_way_is_named_before_the_first_message(
    fake: LineFake, ledger: Ledger
) -> None:
    people = "{head: {channel: line}, nurse: {channel: line, user: U1}, cook: {channel: line, second: {channel: mail}}}"
    office = office_of(fake, ledger, people)
    (found,) = not_linked(office.config(), office)
    assert "(1): head." in found["en"] and "1 คน: head" in found["th"]
    linked(office, ledger, "head", "U2")
    assert not_linked(office.config(), office) == []
    office.blocked("head", "line")
    assert len(not_linked(office.config(), office)) == 1


def test_a_quota_that_outlasts_the_month_is_no_warning(fake: LineFake, ledger: Ledger) -> None:
    office = office_of(fake, ledger, "{head: {channel: line}}")
    desk(office).budget.refresh()
    assert warnings(office.config(), office) == []
    assert warnings(configured(fake.url), office) == []
    fake.platform.quota = 0
    fake.platform.ahead_s += 3600
    desk(office).budget.refresh()
    assert [words["en"].split(".")[0] for words in said(desk(office).budget.forecast(1), ["head"])] == [
        "The 0 LINE messages of this month are used up",
        "Without LINE these people would be told nothing (1): head",
    ]


def test_the_count_outlives_a_restart(fake: LineFake, tmp_path: Path, ledger: Ledger, office: Office) -> None:
    fake.platform.lag_s = 1800
    channel(office).send(urgent())
    ledger.close()
    again = ledger_in(tmp_path)
    later = office_of(fake, again)
    desk(later).budget.refresh()
    assert fake.platform.used == 1
    assert desk(later).budget.forecast(1).used == 1
    again.close()


def test_what_is_shared_by_all_channels_is_made_once_and_may_look_into_what_is_kept(
    fake: LineFake, ledger: Ledger
) -> None:
    office = Office(ledger, lambda: 0)
    office.follow(configured(fake.url))
    assert desk(office) is desk(office)


def test_while_line_does_not_answer_only_one_in_half_a_minute_waits_for_it(fake: LineFake, office: Office) -> None:
    way, message = channel(office), urgent()
    fake.platform.faults.append(Fault("push", "drop"))
    assert not failed(way, message).permanent
    asked = len(fake.platform.requests)
    for kept in (message, urgent(), urgent()):
        error = failed(way, kept)
        assert (error.permanent, error.pause_s) == (False, None)  # so that the second way comes in its turn
    assert len(fake.platform.requests) == asked and fake.platform.received == []
    fake.platform.ahead_s += 30
    way.send(message)
    way.send(urgent())
    assert len(fake.platform.received) == 2


def test_somebody_in_the_configuration_who_blocks_the_account_is_not_told_by_line_until_they_unblock_it(
    fake: LineFake, ledger: Ledger, tmp_path: Path
) -> None:
    people = f"{{head: {{channel: line, user: {user(9)}}}}}"
    office = office_of(fake, ledger, people)
    way = channel(office, "head", user=user(9))
    gone, statements = office.forget("line", user(9))
    ledger.together(statements)
    assert gone == ["head"]
    assert failed(way, urgent()).reason == "no_channel"
    ledger.close()
    again = ledger_in(tmp_path)
    later = office_of(fake, again, people)
    way = channel(later, "head", user=user(9))
    assert failed(way, urgent()).reason == "no_channel", "known after a restart"
    back, statements = later.welcome("line", user(9))
    again.together(statements)
    assert (back, later.welcome("line", user(9))[0]) == (["head"], [])
    way.send(urgent())
    again.close()
