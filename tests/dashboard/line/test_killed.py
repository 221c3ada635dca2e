"""Whatever is cut off between two writes, an event that is worked on again acts once and is answered from its step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.line.topics import reporting
from tests.dashboard.line.conftest import Phone

pytestmark = pytest.mark.servers


def work_again(phone: Phone, told: dict[str, Any]) -> None:
    """As after a kill: the event was worked on, and that it was done did not reach the disk."""
    event = told["events"][0]["webhookEventId"]
    with phone.house.app.server.state.ctx.desk.change() as db:
        body = json.dumps(told["events"][0])
        db.execute("update line_event set done_at=null, outcome='', body=? where id=?", (body, event))


def test_every_step_worked_on_twice_is_one_report(phone: Phone, wait_for: Any) -> None:
    for words in ("แจ้งปัญหา", "เครื่องฟอกไม่ทำงาน", "ป.1/2", "ไฟไม่ติด", "ส่ง"):
        told = phone.fake.webhook.message(phone.user, {"type": "text", "text": words})
        first = phone.read(told)
        work_again(phone, told)
        other = phone.another()
        other.says("help")  # wakes the talk
        phone.outcome(told)
        conversation = phone.house.app.server.state.ctx.desk.ask(
            "select step from line_conversation where user=?", phone.user
        )
        assert conversation and first
    (ticket,) = phone.tickets
    written = phone.house.app.server.state.ctx.tickets.written(ticket.id)
    assert [one.text for one in written] == ["ไฟไม่ติด"]


def test_a_report_cut_off_before_it_was_noted_is_sent_once(
    phone: Phone, wait_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ("แจ้งปัญหา ป.1/10", "3", "ข้าม"):
        phone.says(words)
    go = reporting.Reporting._go

    async def cut(self: Any, user: str, step: str, about: Any, event: str) -> Any:
        if step == reporting.DONE:
            raise KeyError("cut off")
        return await go(self, user, step, about, event)

    with monkeypatch.context() as broken:
        broken.setattr(reporting.Reporting, "_go", cut)
        told = phone.fake.webhook.message(phone.user, {"type": "text", "text": "ส่ง"})
        assert phone.outcome(told) == "failed"
        assert phone.read(told).startswith("ตอนนี้บันทึกไม่ได้ค่ะ")
    assert len(phone.tickets) == 1
    assert phone.says("ส่ง").startswith("รับเรื่องแล้ว เลขที่ ")
    assert len(phone.tickets) == 1
