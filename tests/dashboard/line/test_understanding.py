"""What people write to LINE is understood however they write a room's name, and health is never answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.line.spelling import as_written, find_rooms, near, room_key, tidy
from dashboard.line.understanding import Asked, understand

ROOMS = [
    ("a.p1-2", ["ป.1/2", "P.1/2"]),
    ("a.p1-10", ["ป.1/10", "P.1/10"]),
    ("a.k1", ["อ.1/1", "K.1/1"]),
    ("a.m3", ["ม.3/1", "M.3/1"]),
    ("b.p1-2", ["ป.1/2", "P.1/2"]),
    ("b.music", ["ห้องดนตรี", "Music room"]),
]


@pytest.mark.parametrize(
    "text",
    [
        "อากาศห้อง ป.1/10",
        "อากาศ ป1/10",
        "ฝุ่น ป. 1/10 ตอนนี้",
        "อากาศ ประถม 1 ห้อง 10",
        "อากาศประถมศึกษาปีที่ ๑/๑๐",
        "อากาศห้อง ป.๑/๑๐ ค่ะ",
        "อากาศ ป.1 ทับ 10",
        "ป.1-10 อากาศเป็นยังไง",
        "ขอดูค่าฝุ่น PM2.5 ห้อง ป 1 10 หน่อยค่ะ",
        "air P.1/10",
        "air in room p1/10 please",
        "AIR P 1/10",
        "how is the air in primary 1 room 10 now?",
        "dust Prathom 1/10",
        "air grade 1-10",
    ],
)
def test_a_room_is_found_however_it_is_written(text: str) -> None:
    asked = understand(text)
    assert asked.wish == "air"
    assert find_rooms(asked.about, ROOMS) == ["a.p1-10"]


_GRADES = {
    "ป": (
        "ป.",
        "ป",
        "ป. ",
        "ประถม",
        "ประถม ",
        "ประถมศึกษาปีที่ ",
        "ชั้นประถมศึกษาปีที่",
        "ประถมปีที่ ",
        "p.",
        "P",
        "primary ",
        "Grade ",
    ),
    "อ": ("อ.", "อ", "อนุบาล", "อนุบาล ", "ชั้นอนุบาลปีที่ ", "k.", "K", "kindergarten ", "Anuban "),
    "ม": ("ม.", "ม", "มัธยม", "มัธยมศึกษาปีที่ ", "m.", "M", "matthayom ", "secondary "),
}
_BETWEEN = ("/", " / ", "-", " ห้อง ", "ห้อง", " ทับ ", " room ")
_BEFORE = ("", "อากาศ", "อากาศห้อง ", "ฝุ่นห้อง", "ขอดูอากาศ ", "air ", "Air in room ", "pm2.5 ")
_AFTER = ("", " ค่ะ", "ค่ะ", " ตอนนี้", " ครับ", " please", " now", " ?")
_DIGITS = (str.maketrans("", ""), str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))


@given(
    grade=st.sampled_from(sorted(_GRADES)),
    year=st.integers(1, 6),
    number=st.integers(1, 12),
    data=st.data(),
)
def test_every_spelling_of_every_room_finds_that_room_and_no_other(
    grade: str, year: int, number: int, data: st.DataObject
) -> None:
    rooms = [
        (f"{one}{a}-{b}", [f"{one}.{a}/{b}", f"{ {'ป': 'P', 'อ': 'K', 'ม': 'M'}[one] }.{a}/{b}"])
        for one in _GRADES
        for a in range(1, 7)
        for b in range(1, 13)
    ]
    spelled = data.draw(st.sampled_from(_GRADES[grade]))
    between = data.draw(st.sampled_from(_BETWEEN))
    digits = data.draw(st.sampled_from(_DIGITS))
    before, after = data.draw(st.sampled_from(_BEFORE)), data.draw(st.sampled_from(_AFTER))
    text = f"{before}{spelled}{year}{between}{number}".translate(digits) + after
    if data.draw(st.booleans()):
        text = text.upper() if text.isascii() else text.replace("แ", "เเ")
    asked = understand(text)
    assert asked.wish == ("air" if before else "unknown"), text
    assert find_rooms(asked.about, rooms) == [f"{grade}{year}-{number}"], text


def test_the_letter_that_is_typed_as_two_is_one_and_what_no_screen_shows_is_nothing() -> None:
    assert tidy("เเม่เเจ่ม") == "แม่แจ่ม"
    assert tidy("ติดตาม\u200b ๔๘๒") == "ติดตาม 482"
    assert tidy("น\u0e4d\u0e32") == "นำ"


@pytest.mark.parametrize(("text", "room"), [("อากาศ อนุบาล 1/1", "a.k1"), ("อากาศ มัธยม 3 ห้อง 1", "a.m3")])
def test_grades_have_long_and_short_names(text: str, room: str) -> None:
    assert find_rooms(understand(text).about, ROOMS) == [room]


def test_a_room_of_two_schools_is_both_and_1_2_is_not_1_10() -> None:
    assert find_rooms(understand("อากาศห้อง ป.1/2").about, ROOMS) == ["a.p1-2", "b.p1-2"]
    assert find_rooms(understand("air P.1/1").about, ROOMS) == []


def test_a_name_without_a_number_is_compared_whole() -> None:
    assert find_rooms(understand("อากาศ ห้องดนตรี").about, ROOMS) == ["b.music"]
    assert find_rooms(understand("air music room").about, ROOMS) == ["b.music"]


def test_an_unknown_room_is_said_back_as_signs_write_it_with_the_nearest_first() -> None:
    assert as_written("ห้อง ป5ห้อง9 ค่ะ") == "ป.5/9" and as_written("p 5 9") == "P.5/9"
    assert near("ป.1/3", ROOMS)[:3] == ["a.p1-2", "b.p1-2", "a.p1-10"]
    assert near("K.1/9", ROOMS)[0] == "a.k1"


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("48291312", "link"),
        ("ติดตาม ๔๘๒๙๑๓๑๒", "link"),
        ("482913", "code"),
        ("482 913", "code"),
        ("๔๘๒๙๑๓", "code"),
        ("ติดตาม 482913", "code"),
        ("follow 482913", "code"),
        ("48291", "unknown"),
        ("ติดตาม", "follow"),
        ("เลิกติดตาม", "stop"),
        ("เลิกติดตามค่ะ", "stop"),
        ("หยุดแจ้ง", "stop"),
        ("Stop", "stop"),
        ("unfollow", "stop"),
        ("แจ้งปัญหา", "problem"),
        ("แจ้งปัญหา ป.1/2", "problem"),
        ("Report a problem", "problem"),
        ("there is a problem with the report", "problem"),
        ("เรื่องที่แจ้ง", "tickets"),
        ("my tickets", "tickets"),
        ("รายงาน", "report"),
        ("รายงานสัปดาห์", "report"),
        ("Weekly report", "report"),
        ("ไม่รับรายงาน ป.1/2", "weekly_off"),
        ("รับรายงาน ป.1/2", "weekly_on"),
        ("แจ้งเตือน ป.1/2", "alerts_on"),
        ("ปิดแจ้งเตือน ป.1/2", "alerts_off"),
        ("alert P.1/2", "alerts_on"),
        ("ห้องของฉัน", "rooms"),
        ("อากาศตอนนี้", "air"),
        ("รายงานอากาศ", "report"),
        ("สรุปวันนี้", "summary"),
        ("English", "language"),
        ("ไทย", "language"),
        ("ลูกไม่สบาย อากาศแย่ไหม", "ill"),
        ("ลูกหอบ แจ้งปัญหา", "ill"),
        ("my child cannot breathe", "ill"),
        ("is he ill?", "ill"),
        ("I'll ask still", "unknown"),
        ("ช่วยเหลือ", "help"),
        ("ช่วยเหลือ/English", "help"),
        ("?", "help"),
        ("สวัสดี", "unknown"),
        ("repair the chair", "unknown"),
        ("", "unknown"),
    ],
)
def test_each_wish_has_its_words(text: str, wish: str) -> None:
    assert understand(text).wish == wish


@pytest.mark.parametrize(
    "text",
    [
        "อากาศตอนนี้",
        "รายงานสัปดาห์",
        "แจ้งปัญหา",
        "ห้องของฉัน",
        "เรื่องที่แจ้ง",
        "Air now",
        "Weekly report",
        "My rooms",
        "My tickets",
    ],
)
def test_a_tap_on_the_menu_names_nothing_more(text: str) -> None:
    assert understand(text).bare


def test_latin_letters_alone_are_answered_in_english() -> None:
    assert understand("air P.1/2").english
    assert not understand("อากาศ P.1/2").english
    assert not understand("48291312").english


@given(st.text(max_size=6000))
def test_any_text_is_one_wish_and_names_no_room_by_accident(text: str) -> None:
    asked = understand(text)
    assert isinstance(asked, Asked)
    for room in find_rooms(asked.about, ROOMS):
        names = dict(ROOMS)[room]
        assert any(room_key(name) in room_key(asked.about) for name in names)
    assert len(as_written(text)) <= 40
