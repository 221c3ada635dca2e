"""Problems are reported by LINE in four steps, once each, and taken back when their writer takes them back."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from classair.units import HOUR_MS, MINUTE_MS
from simulator.line.platform import Fault
from simulator.line.server import LineFake
from tests.dashboard.line.conftest import Phone

pytestmark = pytest.mark.servers

ROOM = "ban-suan.p1-2"


def photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 100, 50)).save(made, "JPEG")
    return made.getvalue()


def test_a_problem_is_reported_in_four_steps_with_words_and_a_photo(phone: Phone, fake: LineFake) -> None:
    tickets = phone.house.app.server.state.ctx.tickets
    said = phone.says("แจ้งปัญหา").splitlines()
    assert said[0] == "เกิดอะไรขึ้นคะ" and len(said) == 11 and said[3] == "3. เครื่องฟอกไม่ทำงาน"
    assert phone.says("เครื่องฟอกไม่ทำงาน") == "ห้องไหนคะ"
    assert phone.says("ประถม ๑ ห้อง ๒") == "พิมพ์เพิ่มหรือส่งรูปได้ ข้ามก็ได้ค่ะ\nถ่ายเฉพาะอุปกรณ์ อย่าให้เห็นหน้าเด็ก"
    assert phone.says("ไฟไม่ติดตั้งแต่เช้า").splitlines() == [
        "เครื่องฟอกไม่ทำงาน · ห้อง ป.1/2 โรงเรียนบ้านสวนตัวอย่าง",
        "ไฟไม่ติดตั้งแต่เช้า",
        "ส่งเรื่องนี้ไหมคะ (ส่ง / แก้ไข)",
    ]
    assert "แนบรูป 1 รูป" in phone.sends(photo())
    assert phone.tickets == []
    sent = fake.webhook.message(phone.user, {"type": "text", "text": "ส่ง"})
    said = phone.read(sent).splitlines()
    (ticket,) = phone.tickets
    assert said[0].startswith(f"รับเรื่องแล้ว เลขที่ {ticket.number} เราจะแก้ไขภายใน ") and said[0].endswith("ค่ะ")
    assert (ticket.kind, ticket.room, ticket.channel) == ("purifier_dead", ROOM, "line")
    assert [(one.text, bool(one.photo)) for one in tickets.written(ticket.id)] == [("ไฟไม่ติดตั้งแต่เช้า", False), ("", True)]
    fake.webhook.again(sent["events"][0]["webhookEventId"])
    assert phone.says("เรื่องที่แจ้ง").startswith(f"{ticket.number}: เครื่องฟอกไม่ทำงาน")
    assert len(phone.tickets) == 1
    assert {sent["how"] for sent in phone.received} == {"reply"}, "which costs nothing"


def test_the_same_in_english_with_change_and_skip(phone: Phone) -> None:
    assert phone.says("report a problem").startswith("What happened?")
    assert phone.says("1") == "Which room?"
    assert phone.says("P.1/10").startswith("Add words or a photo, or skip.")
    assert phone.says("skip").endswith("Send this? (send / change)")
    assert phone.says("change").startswith("What happened?")
    assert phone.says("7") == "Which room?"
    assert phone.says("Ban Suan Example School").startswith("Add words or a photo, or skip.")
    phone.says("skip")
    (said,) = [phone.says("send")]
    (ticket,) = phone.tickets
    assert said.startswith(f"Received, no. {ticket.number}. We will fix it by ")
    assert (ticket.room, ticket.site) == ("", "ban-suan")


def test_what_is_unclear_is_asked_again_and_cancel_ends_it(phone: Phone) -> None:
    phone.says("แจ้งปัญหา")
    assert phone.says("ไม่รู้เหมือนกัน").startswith("เกิดอะไรขึ้นคะ")
    phone.says("2")
    assert phone.says("ป.9/9").startswith("ยังไม่มีเครื่องวัดในห้อง ป.9/9 ค่ะ")
    assert phone.says("ยกเลิก") == "ยกเลิกแล้ว ยังไม่ได้ส่งเรื่องค่ะ"
    assert phone.says("ส่ง").startswith("ขอโทษค่ะ ยังไม่เข้าใจ")


def test_a_conversation_ends_after_an_hour(phone: Phone) -> None:
    phone.says("แจ้งปัญหา")
    phone.house.offset_ms = HOUR_MS + MINUTE_MS
    assert phone.says("เครื่องฟอกไม่ทำงาน").startswith("ขอโทษค่ะ ยังไม่เข้าใจ")


def test_health_words_in_a_report_get_the_emergency_number_and_are_kept(phone: Phone) -> None:
    for words in ("แจ้งปัญหา", "1", "ป.1/2"):
        phone.says(words)
    said = phone.says("ควันเยอะ เด็กหายใจไม่ออก")
    assert "1669" in said and said.endswith("ส่งเรื่องนี้ไหมคะ (ส่ง / แก้ไข)") and "ควันเยอะ" in said


def test_a_tap_on_the_menu_is_answered_within_a_report(phone: Phone) -> None:
    for words in ("แจ้งปัญหา", "1", "ป.1/2"):
        phone.says(words)
    assert phone.says("ห้องของฉัน").startswith("ยังไม่ได้ติดตามห้องใดค่ะ")
    assert phone.says("เหม็นมาก").endswith("ส่งเรื่องนี้ไหมคะ (ส่ง / แก้ไข)")


def test_what_is_reported_already_is_followed_on_request(phone: Phone) -> None:
    bob = phone.another()
    for words in ("แจ้งปัญหา ป.1/2", "เครื่องฟอกไม่ทำงาน", "ข้าม", "ส่ง"):
        phone.says(words)
    bob.says("report a problem P.1/2")
    assert bob.says("3") == "Already reported: follow it? (yes / no)"
    (ticket,) = phone.tickets
    assert bob.says("yes") == f"You will get the news of {ticket.number}."
    assert [follows for _, follows in phone.house.app.server.state.ctx.tickets.reporters(ticket.id)] == [False, True]


def test_a_message_that_is_taken_back_is_gone_from_the_report_before_and_after_it_was_sent(
    phone: Phone, fake: LineFake
) -> None:
    tickets = phone.house.app.server.state.ctx.tickets
    for words in ("แจ้งปัญหา ป.1/2", "3"):
        phone.says(words)
    first = fake.webhook.message(phone.user, {"type": "text", "text": "ความลับ"})
    phone.read(first)
    phone.outcome(fake.webhook.unsend(phone.user, first["events"][0]["message"]["id"]))
    second = fake.webhook.message(phone.user, {"type": "text", "text": "ไฟไม่ติด"})
    assert "ความลับ" not in phone.read(second)
    phone.says("ส่ง")
    (ticket,) = phone.tickets
    assert [one.text for one in tickets.written(ticket.id)] == ["ไฟไม่ติด"]
    phone.outcome(fake.webhook.unsend(phone.user, second["events"][0]["message"]["id"]))
    assert [(one.text, one.taken_back) for one in tickets.written(ticket.id)] == [("", True)]


@pytest.mark.parametrize("fault", ["404", "500", "drop"])
def test_a_photo_that_line_does_not_give_is_asked_for_again_and_the_report_is_sent(
    phone: Phone, fake: LineFake, fault: str
) -> None:
    tickets = phone.house.app.server.state.ctx.tickets
    for words in ("แจ้งปัญหา ป.1/2", "3"):
        phone.says(words)
    phone.sends(photo())
    fake.platform.faults.append(Fault("content", fault))
    assert phone.says("ส่ง").splitlines()[1] == "รับรูปไม่ได้ค่ะ ส่งรูปใหม่ได้ที่นี่"
    (ticket,) = phone.tickets
    assert phone.sends(photo()) == f"เพิ่มในเรื่อง {ticket.number} แล้วค่ะ"
    assert [bool(one.photo) for one in tickets.written(ticket.id)] == [True]


def test_a_picture_that_is_none_is_refused_and_a_photo_alone_begins_a_report(phone: Phone) -> None:
    assert phone.sends(b"not a picture").startswith("เกิดอะไรขึ้นคะ")
    for words in ("3", "ป.1/2", "ข้าม"):
        phone.says(words)
    assert "รับรูปไม่ได้ค่ะ" in phone.says("ส่ง")


def test_whether_it_is_solved_and_what_is_asked_are_answered_by_line(phone: Phone) -> None:
    tickets = phone.house.app.server.state.ctx.tickets
    for words in ("แจ้งปัญหา ป.1/2", "3", "ข้าม", "ส่ง"):
        phone.says(words)
    (ticket,) = phone.tickets
    tickets.work.ask(ticket.id, "เครื่องรุ่นไหนคะ", by="account:malee")
    assert phone.says("รุ่น A สีขาว") == f"เพิ่มในเรื่อง {ticket.number} แล้วค่ะ"
    known = tickets.get(ticket.id)
    assert known is not None and known.state in ("received", "assigned")
