"""What people write to LINE is understood however they write a room's name, and health is never answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.line.understanding import find_rooms, room_key, tidy, understand

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
        "air P.1/10",
        "air in room p1/10 please",
        "AIR P 1/10",
    ],
)
def test_a_room_is_found_however_it_is_written(text: str) -> None:
    asked = understand(text)
    assert asked.wish == "air"
    assert find_rooms(asked.about, ROOMS) == ["a.p1-10"]


def test_the_letter_that_is_typed_as_two_is_one() -> None:
    assert tidy("เเม่เเจ่ม") == "แม่แจ่ม"


@pytest.mark.parametrize(("text", "room"), [("อากาศ อนุบาล 1/1", "a.k1"), ("อากาศ มัธยม 3 ห้อง 1", "a.m3")])
def test_grades_have_long_and_short_names(text: str, room: str) -> None:
    assert find_rooms(understand(text).about, ROOMS) == [room]


def test_a_room_of_two_schools_is_both_and_1_2_is_not_1_10() -> None:
    assert find_rooms(understand("อากาศห้อง ป.1/2").about, ROOMS) == ["a.p1-2", "b.p1-2"]
    assert find_rooms(understand("air P.1/1").about, ROOMS) == []


def test_a_name_without_a_number_is_compared_whole() -> None:
    assert find_rooms(understand("อากาศ ห้องดนตรี").about, ROOMS) == ["b.music"]
    assert find_rooms(understand("air music room").about, ROOMS) == ["b.music"]


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("48291312", "code"),
        ("ติดตาม ๔๘๒๙๑๓๑๒", "code"),
        ("482913", "unknown"),
        ("เลิกติดตาม", "stop"),
        ("หยุดแจ้ง", "stop"),
        ("Stop", "stop"),
        ("ลูกไม่สบาย อากาศแย่ไหม", "ill"),
        ("my child cannot breathe", "ill"),
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


def test_latin_letters_alone_are_answered_in_english() -> None:
    assert understand("air P.1/2").english
    assert not understand("อากาศ P.1/2").english
    assert not understand("48291312").english


@given(st.text(max_size=6000))
def test_any_text_is_one_wish_and_names_no_room_by_accident(text: str) -> None:
    asked = understand(text)
    assert asked.wish in ("code", "stop", "air", "ill", "help", "unknown")
    for room in find_rooms(asked.about, ROOMS):
        names = dict(ROOMS)[room]
        assert any(room_key(name) in room_key(asked.about) for name in names)
