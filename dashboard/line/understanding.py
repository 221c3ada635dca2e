"""What somebody who writes to LINE wants: their words → one wish. No language model; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Wish = Literal["code", "stop", "air", "ill", "help", "unknown"]

_THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_CODE: Final = re.compile(r"^(?:ติดตาม|เชื่อม|follow|link)?\s*(\d{8})$", re.IGNORECASE)
_STOP: Final = ("เลิกติดตาม", "หยุดแจ้ง", "หยุดส่ง", "stop", "unsubscribe", "unfollow")
_AIR: Final = ("อากาศ", "ฝุ่น", "pm2.5", "pm 2.5", "pm25", "air", "dust")
_ILL: Final = ("ไม่สบาย", "หายใจลำบาก", "หายใจไม่ออก", "หอบ", "ป่วย", "asthma", "sick", "breathe", "breathing")
_HELP: Final = ("ช่วยเหลือ", "วิธีใช้", "help", "english", "?")
# Longer words first: what a grade is called in full, in short, and in English.
_GRADES: Final = (
    ("ประถมศึกษาปีที่", "ป"),
    ("มัธยมศึกษาปีที่", "ม"),
    ("ชั้นอนุบาล", "อ"),
    ("อนุบาล", "อ"),
    ("ประถม", "ป"),
    ("มัธยม", "ม"),
)
_ASIDE: Final = re.compile(r"ห้องเรียน|ห้อง|ชั้น|ของ|ตอนนี้|วันนี้|เป็นยังไง|เป็นอย่างไร|ค่ะ|ครับ|คะ|ใน")
_ENGLISH_ASIDE: Final = re.compile(r"\b(?:room|class|in|the|of|now|for|at|please|quality)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """`about`: the code, or what was written of a room; `english` whether it was written in Latin letters."""

    wish: Wish
    about: str = ""
    english: bool = False


def understand(text: str) -> Asked:
    """The first wish that fits; a question about health goes before all others, as nobody else must answer it."""
    plain = tidy(text)
    english = bool(re.search(r"[a-z]", plain)) and not re.search(r"[\u0e00-\u0e7f]", plain)
    if code := _CODE.match(plain):
        return Asked("code", code[1], english)
    if any(word in plain for word in _ILL):
        return Asked("ill", "", english)
    if any(word in plain for word in _STOP):
        return Asked("stop", "", english)
    for word in _AIR:
        if word in plain and (word.isascii() is False or re.search(rf"\b{re.escape(word)}\b", plain)):
            return Asked("air", plain.replace(word, " ").strip(), english)
    if any(word == plain or (len(word) > 1 and word in plain) for word in _HELP):
        return Asked("help", "", english)
    return Asked("unknown", plain, english)


def tidy(text: str) -> str:
    """Small letters, Thai digits as Arabic ones, two short e (เเ) as the one letter (แ), one blank."""
    plain = unicodedata.normalize("NFC", text[:1000]).translate(_THAI_DIGITS).replace("เเ", "แ").casefold()
    return " ".join(plain.split())


def room_key(name: str) -> str:
    """What is left of a room's name when it is compared: ป.1/2, ป1/2 and ประถม 1 ห้อง 2 are the same."""
    plain = tidy(name)
    for long, short in _GRADES:
        plain = plain.replace(long, short)
    plain = re.sub(r"(\d)\s*(?:ห้อง|ทับ|room)\s*(\d)", r"\1/\2", plain)
    plain = _ENGLISH_ASIDE.sub(" ", _ASIDE.sub(" ", plain))
    return re.sub(r"[^0-9a-z/\u0e00-\u0e7f-]", "", plain)


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


def _holds(wanted: str, key: str) -> bool:
    """Whether what was written names the room among other words; 1/1 is not named by 1/10."""
    at = wanted.find(key)
    if at < 0 or not re.search(r"\d", key):
        return False
    before, after = wanted[:at][-1:], wanted[at + len(key) :][:1]
    return not (before.isdigit() and key[0].isdigit()) and not after.isdigit()
