"""What is talked by LINE, word for word, in Thai and English, against LINE's fake and a running dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classair.alerting.messages import message_id
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import Ask, RoomState
from dashboard.following.followers import Followers
from dashboard.public.room_codes import RoomCodes
from simulator.line.server import LineFake
from tests.classair.alerting.filled import empty_ledger, put_notification
from tests.dashboard.conftest import House
from tests.dashboard.line.conftest import Phone, listening, new_user

pytestmark = pytest.mark.servers

ROOM = "ban-suan.p1-2"


def real(state: RoomState) -> RoomState:
    """As a school with real sensors has it: without the word for simulated data."""
    return state.model_copy(update={"simulated": False})


def of(house: House) -> Followers:
    ctx = house.app.server.state.ctx
    return Followers(ctx.desk, ctx.now_ms)


def code(house: House, room: str = ROOM) -> str:
    return RoomCodes(house.app.server.state.ctx.desk).code_of(room)


def test_whoever_adds_the_account_is_greeted(phone: Phone, fake: LineFake) -> None:
    assert phone.read(fake.webhook.follow(phone.user)) == (
        'สวัสดีค่ะ ถามอากาศในห้องเรียนได้ เช่น "อากาศห้อง ป.1/2" หรือพิมพ์รหัสห้อง 6 หลักเพื่อติดตามห้องของลูก '
        "เราเก็บเพียงรหัสผู้ใช้ LINE เพื่อส่งข้อความ เลิกติดตามได้ทุกเมื่อค่ะ"
    )
    of(phone.house).set_language("line", phone.user, "en")
    assert phone.read(fake.webhook.follow(phone.user)) == (
        'Hello. Ask about a room, e.g. "air P.1/2", or send the 6-digit room code to follow it. '
        "We keep only your LINE user id, to send messages. Stop at any time."
    )


def test_the_air_of_a_room_is_told_in_the_displays_words(phone: Phone, make_state: Any) -> None:
    state = real(make_state(ROOM, 18))
    phone.house.put(state)
    action = state.texts["th"]["ok"].action.replace("‹", "").replace("›", "")
    minutes = state.pm25.newest_at
    assert minutes is not None
    said = phone.says("อากาศห้อง ป.1/2")
    assert said.startswith(
        f'ห้อง ป.1/2 ตอนนี้ "ดี" ฝุ่น PM2.5 18\u00a0มคก./ลบ.ม. ข้างนอก 46 (สีส้ม) อากาศถ่ายเทดี คำแนะนำในห้องตอนนี้: {action} วัดเมื่อ '
    )
    assert said.endswith("\u00a0น. ค่ะ")
    english = state.texts["en"]["ok"].action.replace("‹", "").replace("›", "")
    assert phone.says("air P.1/2").startswith(
        'Room P.1/2 is "good" now. PM2.5 18 µg/m³, outside 46 (orange), air fresh. '
        f"Advice in the room: {english[0].lower()}{english[1:]}. Measured "
    )
    (card,) = phone.received[-1]["messages"]
    bodies = [part["text"] for part in card["contents"]["body"]["contents"]]
    assert bodies[0] == "18\u00a0µg/m³ in the room" and bodies[2] == "outside 46 (orange) · Fresh"
    assert [one["action"]["label"] for one in card["contents"]["footer"]["contents"]] == [
        "Ask again",
        "Report a problem",
    ]


@pytest.mark.parametrize("age_s", [4 * 60, 40 * 60])
def test_a_late_or_unknown_value_is_not_told_as_current(phone: Phone, make_state: Any, age_s: int) -> None:
    phone.house.put(real(make_state(ROOM, 18, age_s=60)))
    phone.house.offset_ms = (age_s - 60) * 1000
    said = phone.says("อากาศห้อง ป.1/2")
    assert said.startswith("ตอนนี้ไม่มีค่าปัจจุบันของห้อง ป.1/2 ค่าสุดท้าย 18 เมื่อ ") and said.endswith(" กำลังตรวจสอบค่ะ")
    english = phone.says("air P.1/2")
    assert english.startswith("There is no current value for P.1/2. The last was 18 at ")
    assert english.endswith(" We are looking into it.")


def test_a_sensor_that_is_not_trusted_is_told_in_the_displays_words(phone: Phone, make_state: Any) -> None:
    state = real(make_state(ROOM, 18))
    doubted = state.pm25.model_copy(update={"status": "suspect", "value": None, "shown": "", "level": "unknown"})
    phone.house.put(state.model_copy(update={"pm25": doubted}))
    assert phone.says("อากาศ ป1/2") == "ตอนนี้ไม่มีค่าปัจจุบันของห้อง ป.1/2 เครื่องวัดอาจผิดปกติ กำลังตรวจสอบค่ะ"


def test_a_room_that_several_schools_have_is_chosen_by_a_button(
    fake: LineFake, make_house: Any, schools: Any, wait_for: Any, make_state: Any
) -> None:
    sites = dict(schools.sites)
    room, second = sites["ban-suan"].rooms["p1-2"], sites["rim-khlong"]
    sites["rim-khlong"] = second.model_copy(update={"rooms": {**second.rooms, "p1-2": room}})
    town_house = listening(fake, make_house, schools.model_copy(update={"sites": sites}))
    phone = Phone(fake, town_house, wait_for, new_user())
    town_house.put(real(make_state("rim-khlong.p1-2", 12)))
    said = phone.says("อากาศห้อง ป.1/2")
    assert said.splitlines() == [
        "ห้อง ป.1/2 มีหลายโรงเรียน เลือกได้เลยค่ะ",
        "1. โรงเรียนบ้านสวนตัวอย่าง",
        "2. โรงเรียนริมคลองตัวอย่าง",
    ]
    assert 'ห้อง ป.1/2 ตอนนี้ "ดีมาก" ฝุ่น PM2.5 12' in phone.says(phone.buttons[1])
    assert phone.says("air P.1/2").splitlines()[0] == "P.1/2 exists in several schools. Please choose."
    of(town_house).follow("line", phone.user, "rim-khlong.p1-2", weekly=False, alerts=False)
    assert "PM2.5 12" in phone.says("air P.1/2"), "of several, the one that is followed"


def test_an_unknown_room_names_those_nearby(phone: Phone) -> None:
    assert phone.says("อากาศห้อง ป.5/9") == "ยังไม่มีเครื่องวัดในห้อง ป.5/9 ค่ะ ห้องใกล้เคียง: ป.4/1, ป.1/10, ป.1/2, อ.2/1, อ.1/1"
    assert phone.says("air P.5/9").startswith("No monitor in P.5/9 yet. Nearby: P.4/1, ")


@pytest.mark.parametrize("written", ["{code}", "ติดตาม {code}", "ติดตาม{thai}", "{thai}", "{spaced}"])
def test_a_room_is_followed_by_its_code_and_the_report_is_offered(phone: Phone, written: str) -> None:
    known = code(phone.house)
    thai = known.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))
    said = phone.says(written.format(code=known, thai=thai, spaced=f"{known[:3]} {known[3:]}"))
    assert said == "ติดตามห้อง ป.1/2 โรงเรียนบ้านสวนตัวอย่าง แล้วค่ะ ต้องการรับรายงานทุกวันศุกร์ไหมคะ (รับ / ไม่รับ)"
    assert phone.buttons == ["รับ", "ไม่รับ"]
    assert phone.says("รับ") == "จะส่งรายงานให้ทุกวันศุกร์ค่ะ"
    (one,) = of(phone.house).of("line", phone.user)
    assert (one.room, one.weekly, one.alerts) == (ROOM, True, False)


def test_the_same_in_english_and_no_is_no(phone: Phone) -> None:
    assert phone.says(f"follow {code(phone.house)}") == "You now follow P.1/2. Weekly report on Fridays? (yes / no)"
    assert phone.says("no").startswith("No report will be sent.")
    (one,) = of(phone.house).of("line", phone.user)
    assert (one.weekly, one.language) == (False, "en")


def test_after_five_wrong_codes_even_the_right_one_waits_an_hour(phone: Phone) -> None:
    known = code(phone.house)
    wrong = "100000" if known != "100000" else "100001"
    for _ in range(5):
        assert phone.says(wrong) == "ไม่พบรหัสนี้ค่ะ ตรวจดูที่ป้ายหน้าห้องหรือถามครูประจำชั้นค่ะ"
    assert phone.says(known).startswith("ใส่รหัสผิดหลายครั้งเกินไปค่ะ")
    assert of(phone.house).of("line", phone.user) == []
    phone.house.offset_ms = HOUR_MS + MINUTE_MS
    assert phone.says(known).startswith("ติดตามห้อง ป.1/2")
    assert phone.another().says("follow 999999") == "Code not found. See the sign on the door or ask the teacher."


def test_without_a_room_those_that_are_followed_are_meant(phone: Phone, make_state: Any) -> None:
    assert phone.says("อากาศตอนนี้").startswith("ห้องไหนคะ เช่น ")
    phone.house.put(real(make_state(ROOM, 18)))
    of(phone.house).follow("line", phone.user, ROOM, weekly=False, alerts=False)
    of(phone.house).follow("line", phone.user, "ban-suan.p1-10", weekly=False, alerts=False)
    first, second = sorted(phone.says("อากาศตอนนี้").splitlines())
    assert first.startswith("ตอนนี้ไม่มีค่าปัจจุบันของห้อง ป.1/10") and second.startswith('ห้อง ป.1/2 ตอนนี้ "ดี"')


def test_stop_deletes_everything_of_the_user_and_says_so(phone: Phone, alerts: list[Ask], wait_for: Any) -> None:
    phone.says(f"ติดตาม {code(phone.house)}")
    phone.says("แจ้งปัญหา")
    assert phone.says("เลิกติดตาม") == "เลิกติดตามแล้ว และลบข้อมูลของคุณแล้วค่ะ"
    desk = phone.house.app.server.state.ctx.desk
    for table, column in (("follower", "address"), ("follower_address", "address"), ("line_conversation", "user")):
        assert desk.ask(f"select count(*) from {table} where {column}=?", phone.user) == [(0,)], table
    assert [(ask.do, ask.args["address"]) for ask in alerts] == [("forget_contact", phone.user)]
    file = Path(desk.ask("pragma database_list")[0][2])

    def left() -> bool:
        return any(phone.user.encode() in path.read_bytes() for path in file.parent.glob(f"{file.name}*"))

    # The file is tidied right after the event is done, which is what `says` has waited for.
    wait_for(lambda: not left(), 20, "no byte of it is left")
    assert phone.says("stop") == "Stopped, and your data deleted."


def test_one_of_several_rooms_is_left_by_its_name(phone: Phone) -> None:
    for room in (ROOM, "ban-suan.p1-10"):
        of(phone.house).follow("line", phone.user, room, weekly=True, alerts=False)
    assert phone.says("เลิกติดตาม ป.1/10") == "เลิกติดตามห้อง ป.1/10 แล้วค่ะ"
    assert [one.room for one in of(phone.house).of("line", phone.user)] == [ROOM]


def test_blocking_the_account_deletes_as_well(phone: Phone, fake: LineFake, alerts: list[Ask]) -> None:
    phone.says(f"follow {code(phone.house)}")
    assert phone.outcome(fake.webhook.unfollow(phone.user)) == "forgotten"
    assert of(phone.house).of("line", phone.user) == []


def test_my_rooms_are_listed_with_their_wishes_and_buttons_change_them(phone: Phone) -> None:
    assert phone.says("ห้องของฉัน").startswith("ยังไม่ได้ติดตามห้องใดค่ะ")
    of(phone.house).follow("line", phone.user, ROOM, weekly=True, alerts=False)
    assert phone.says("ห้องของฉัน").splitlines() == [
        "ห้องที่ติดตามค่ะ",
        "ห้อง ป.1/2 โรงเรียนบ้านสวนตัวอย่าง: รับรายงานวันศุกร์ · ไม่แจ้งเตือนฝุ่น",
    ]
    assert phone.says(phone.buttons[0]).startswith("เมื่อฝุ่นในห้อง ป.1/2 ถึงระดับสีส้มหรือสีแดง")
    phone.says("ห้องของฉัน")
    assert phone.says(phone.buttons[1]).startswith("ไม่ส่งรายงานค่ะ")
    (one,) = of(phone.house).of("line", phone.user)
    assert (one.weekly, one.alerts) == (False, True)


def test_the_language_is_chosen_once_and_remembered(phone: Phone) -> None:
    assert phone.says("English").startswith("Ask about a room")
    assert phone.says("ช่วยเหลือ/English").startswith("Ask about a room")
    assert phone.says("ป.5/9 อากาศ").startswith("No monitor in ")
    assert phone.says("ไทย").startswith("ถามอากาศได้")
    assert phone.says("my rooms").startswith("ยังไม่ได้ติดตามห้องใดค่ะ")


@pytest.mark.parametrize("written", ["ลูกไม่สบาย ไปโรงเรียนได้ไหม", "ลูกหอบ แจ้งปัญหา", "อากาศแบบนี้ลูกไอไม่หยุด"])
def test_a_question_about_health_gets_the_emergency_number_and_nothing_else(phone: Phone, written: str) -> None:
    assert phone.says(written) == (
        "ระบบนี้ตอบเรื่องสุขภาพไม่ได้ค่ะ หากหายใจลำบากโทร 1669 ทันที เรื่องอื่นปรึกษาแพทย์หรือสถานพยาบาลใกล้บ้านค่ะ"
    )
    assert phone.says("My son has asthma, is the air ok?") == (
        "We cannot answer health questions. Trouble breathing: call 1669 now. "
        "Otherwise ask a doctor or your local clinic."
    )


@pytest.mark.parametrize("written", ["สวัสดี", "😀", "ก" * 5000, "<b>ก</b>", "1/2/3/4", "\u200b"])
def test_anything_else_is_not_understood_in_kind_words(phone: Phone, written: str) -> None:
    assert phone.says(written) == 'ขอโทษค่ะ ยังไม่เข้าใจ ลองพิมพ์ "อากาศห้อง ป.1/2" หรือกดเมนูด้านล่างค่ะ'
    assert phone.says("blah") == 'Sorry, I did not understand. Try "air P.1/2" or the menu below.'


# -- what goes out later -----------------------------------------------------------------------------------------------


def test_an_answer_that_is_too_late_for_a_reply_goes_out_as_a_message(phone: Phone, alerts: list[Ask]) -> None:
    event = {
        "type": "message",
        "webhookEventId": f"01LATE{phone.user[-8:]}",
        "source": {"type": "user", "userId": phone.user},
        "replyToken": "used-before",
        "message": {"type": "text", "id": "1", "text": "air P.4/1"},
    }
    assert phone.outcome(phone.fake.webhook.anything(event)) == "air_pushed"
    (asked,) = [ask for ask in alerts if ask.do == "message"]
    assert (asked.args["kind"], asked.args["address"]) == ("answer", phone.user)
    assert asked.args["card"]["altText"].startswith("There is no current value for P.4/1.")


def test_without_alerts_a_late_answer_is_given_up(phone: Phone) -> None:
    event = {
        "type": "message",
        "webhookEventId": f"01GONE{phone.user[-8:]}",
        "source": {"type": "user", "userId": phone.user},
        "replyToken": "used-before",
        "message": {"type": "text", "id": "1", "text": "help"},
    }
    assert phone.outcome(phone.fake.webhook.anything(event)) == "help_late"


def test_what_the_months_quota_kept_back_is_told_in_my_rooms(
    fake: LineFake, make_house: Any, schools: Any, wait_for: Any, tmp_path: Path
) -> None:
    ledger = empty_ledger(tmp_path / "ledger.db")
    house = listening(fake, lambda **given: make_house(ledger=ledger, **given), schools)
    phone = Phone(fake, house, wait_for, new_user())
    of(house).follow("line", phone.user, ROOM, weekly=True, alerts=False)
    for key, title in (("week:1", "รายงานห้อง ป.1/2"), ("week:2", "ส่งแล้ว")):
        of(house).asked_for(key, "line", phone.user, title)
    put_notification(ledger, message_id("week:1"), "none", person="", state="abandoned", reason="budget")
    put_notification(ledger, message_id("week:2"), "none", person="", state="delivered")
    said = phone.says("ห้องของฉัน").splitlines()
    assert said[2] == "ข้อความเหล่านี้ไม่ได้ส่ง เพราะโควตาข้อความของเดือนนี้ใกล้หมดหรือหมดแล้วค่ะ:"
    assert len(said) == 4 and said[3].endswith("รายงานห้อง ป.1/2")
