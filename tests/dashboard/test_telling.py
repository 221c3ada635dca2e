"""What the dashboard wants to be sent is handed to alerts, and "told" is what alerts has a receipt for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classair.alerting.messages import message_id
from classair.alerting.reading import Records
from classair.asking import NoAnswer
from classair.wire import Answer, Ask
from dashboard import telling
from tests.classair.alerting.filled import empty_ledger, put_notification
from tests.dashboard.conftest import House, alerts_double
from tests.neighbours.line import user

MESSAGE = telling.Message("k", "line", user(1), "th", "หัวข้อ", "ข้อความ", "info", "week", 2_000_000_000_000, "ban-suan")


def test_a_message_is_asked_of_alerts_with_its_key(own_house: House, mosquitto: Any) -> None:
    asked: list[Ask] = []

    def answer(ask: Ask) -> Answer:
        asked.append(ask)
        return Answer(id=ask.id, ok=True, result={"message": message_id("k"), "state": "waiting", "reason": ""})

    with alerts_double(own_house, mosquitto, answer):
        told = asyncio.run(telling.tell(own_house.app.server.state.ctx, MESSAGE))
    assert (told.state, told.told_at, told.over) == ("waiting", None, False)
    assert [(one.do, one.args["key"], one.args["address"]) for one in asked] == [("message", "k", user(1))]
    assert user(1) not in repr(MESSAGE)


def test_a_refusal_and_no_answer_are_told_apart(own_house: House, mosquitto: Any) -> None:
    ctx = own_house.app.server.state.ctx
    with pytest.raises(NoAnswer):
        asyncio.run(telling.tell(ctx, MESSAGE))
    refusing = alerts_double(own_house, mosquitto, lambda ask: Answer(id=ask.id, ok=False, error="kind: no"))
    with refusing, pytest.raises(telling.NotAccepted, match="kind: no"):
        asyncio.run(telling.tell(ctx, MESSAGE))


def test_told_is_when_a_channel_that_reaches_a_person_gave_a_receipt(tmp_path: Path, own_house: House) -> None:
    ledger = empty_ledger(tmp_path / "ledger.db")
    ctx = replace(own_house.app.server.state.ctx, records=Records(ledger))
    assert telling.told(ctx, "k") is None
    put_notification(ledger, message_id("k"), "none", person="", delivered_at=77, reached=1)
    put_notification(ledger, message_id("log"), "none", person="", delivered_at=77, reached=0)
    put_notification(ledger, message_id("held"), "none", person="", state="abandoned", reason="budget")
    assert telling.told(ctx, "k") == telling.Told("delivered", "", 77)
    assert telling.told(ctx, "log") == telling.Told("delivered", "", None)
    assert telling.told(ctx, "held") == telling.Told("abandoned", "budget", None)
