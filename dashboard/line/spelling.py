"""Rooms' names however people write them: Thai digits, long and short grades, missing dots and blanks. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

# Longer words first: what a grade is called in full, in short, and in English.
_GRADES: Final = (
    ("ประถมศึกษาปีที่", "ป"),
    ("มัธยมศึกษาปีที่", "ม"),
    ("อนุบาลศึกษาปีที่", "อ"),
    ("ประถมศึกษา", "ป"),
    ("มัธยมศึกษา", "ม"),
    ("ประถมปีที่", "ป"),
    ("มัธยมปีที่", "ม"),
    ("อนุบาลปีที่", "อ"),
    ("อนุบาล", "อ"),
    ("ประถม", "ป"),
    ("มัธยม", "ม"),
)
_ENGLISH_GRADES: Final = re.compile(
    r"(?<![a-z])(?:(prathomsuksa|prathom|primary|grade)|(anuban|kindergarten)|(matthayom|mathayom|secondary))(?![a-z])"
)
_ASIDE: Final = re.compile(
    r"ห้องเรียน|ห้อง|ชั้น|ของ|ตอนนี้|วันนี้|เป็นยังไง|เป็นอย่างไร|เป็นไง|เท่าไหร่|เท่าไร|หน่อย|ขอดู|ขอทราบ|ไหม|มั้ย|ค่ะ|ครับ|คะ|จ้า|นะ|ใน"
)
_ENGLISH_ASIDE: Final = re.compile(
    r"(?<![a-z])(?:rooms?|class(?:room)?|in|the|of|now|for|at|is|how|what|please|quality|today|my|about)(?![a-z])"
)
_BETWEEN: Final = re.compile(r"(?<=\d)\s*(?:ห้องที่|ห้อง|ทับ|room|class|[/\\.\-–]|\s)\s*(?=\d)")
_UNSEEN: Final = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")


def tidy(text: str) -> str:
    """Small letters, every script's digits as 0-9, two short e (เเ) as the one letter (แ), one blank."""
    plain = unicodedata.normalize("NFC", _UNSEEN.sub("", text[:1000])).replace("\u0e4d\u0e32", "\u0e33")
    plain = "".join(str(unicodedata.decimal(one)) if unicodedata.category(one) == "Nd" else one for one in plain)
    return " ".join(plain.replace("เเ", "แ").casefold().split())


@lru_cache(maxsize=8192)  # a town has a thousand rooms with two names each
def room_key(name: str) -> str:
    """What is left of a room's name when it is compared: ป.1/2, ป1/2 and ประถม 1 ห้อง 2 are the same."""
    plain = tidy(name)
    for long, short in _GRADES:
        plain = plain.replace(long, short)
    plain = _ENGLISH_GRADES.sub(lambda found: "p" if found[1] else "k" if found[2] else "m", plain)
    plain = _BETWEEN.sub("/", plain)
    plain = _ENGLISH_ASIDE.sub(" ", _ASIDE.sub(" ", plain))
    return re.sub(r"[^0-9a-z/\u0e00-\u0e7f]", "", plain)


def find_rooms(about: str, rooms: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """The rooms whose name is what was written; `rooms` are ids with their names in all languages.

    A school's name beside the room's is allowed: then the room's key ends or begins what was written.
    """
    wanted = room_key(about)
    if not wanted:
        return []
    found, nearly = [], []
    for room, names in rooms:
        keys = {room_key(name) for name in names} - {""}
        if wanted in keys:
            found.append(room)
        elif any(_holds(wanted, key) for key in keys):
            nearly.append(room)
    return found or nearly


def near(about: str, rooms: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """The rooms ordered by how near their names are to what was written: the same grade first, then by number."""
    grade, numbers = _taken_apart(room_key(about))

    def distance(names: Iterable[str]) -> tuple[int, int, int]:
        best = (2, 0, 0)
        for name in names:
            its_grade, its_numbers = _taken_apart(room_key(name))
            first, second, *_ = [*(abs(a - b) for a, b in zip(numbers, its_numbers, strict=False)), 0, 0]
            best = min(best, (0 if grade and its_grade == grade else 1, first, second))
        return best

    return [room for _, _, room in sorted((distance(names), place, room) for place, (room, names) in enumerate(rooms))]


def as_written(about: str) -> str:
    """A room's name to say back: ป.5/9 for ป5ห้อง9; else the words themselves, without what is beside a name."""
    key = room_key(about)
    if found := re.fullmatch(r"([\u0e00-\u0e7fa-z])(\d{1,2})(?:/(\d{1,2}))?", key):
        number = f"{found[2]}/{found[3]}" if found[3] else found[2]
        return f"{found[1].upper()}.{number}"
    return " ".join(_ENGLISH_ASIDE.sub(" ", _ASIDE.sub(" ", tidy(about))).split())[:40]


def _taken_apart(key: str) -> tuple[str, list[int]]:
    return re.sub(r"[\d/]", "", key), [int(number[:6]) for number in re.findall(r"\d+", key)]


def _holds(wanted: str, key: str) -> bool:
    """Whether what was written names the room among other words; 1/1 is not named by 1/10."""
    at = wanted.find(key)
    if at < 0 or not re.search(r"\d", key):
        return False
    before, after = wanted[:at][-1:], wanted[at + len(key) :][:1]
    if key[:1].isascii() and before.isascii() and before.isalnum():
        return False  # part of another word
    return not (before.isdigit() and key[0].isdigit()) and not after.isdigit()
