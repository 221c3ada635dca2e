"""What somebody who writes to LINE wants: their words → one wish. No language model; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.line.spelling import tidy

Wish = Literal[
    "link",
    "code",
    "ill",
    "problem",
    "tickets",
    "stop",
    "follow",
    "weekly_off",
    "weekly_on",
    "report",
    "summary",
    "alerts_off",
    "alerts_on",
    "rooms",
    "air",
    "language",
    "help",
    "unknown",
]

_LINK: Final = re.compile(r"(?:ติดตาม|เชื่อม|follow|link)?(\d{8})")
_CODE: Final = re.compile(r"(?:ติดตาม|ห้อง|รหัส|follow|code|room)*(\d{6})")
_BETWEEN_DIGITS: Final = re.compile(r"[\s.:-]+")
_ILL: Final = (
    "ไม่สบาย",
    "หายใจลำบาก",
    "หายใจไม่ออก",
    "หายใจติดขัด",
    "หอบ",
    "ป่วย",
    "เป็นไข้",
    "มีไข้",
    "ตัวร้อน",
    "ภูมิแพ้",
    "แพ้ฝุ่น",
    "ไอไม่หยุด",
    "ไอมาก",
    "เจ็บหน้าอก",
    "แน่นหน้าอก",
    "เลือดกำเดา",
    "ยาพ่น",
    "หาหมอ",
    "asthma",
    "sick",
    "ill",
    "unwell",
    "breath",
    "breathe",
    "breathing",
    "cough",
    "coughing",
    "fever",
    "wheezing",
    "allergy",
    "allergic",
    "nosebleed",
    "inhaler",
    "doctor",
)
# In the order in which they are looked for: whoever has a problem must not get a report, whoever stops not a room.
_WORDS: Final[tuple[tuple[Wish, tuple[str, ...]], ...]] = (
    ("problem", ("แจ้งปัญหา", "แจ้งเหตุ", "แจ้งซ่อม", "มีปัญหา", "ร้องเรียน", "report a problem", "problem", "complaint")),
    ("tickets", ("เรื่องที่แจ้ง", "เรื่องของฉัน", "ติดตามเรื่อง", "my tickets", "my ticket", "tickets", "ticket")),
    (
        "stop",
        (
            "เลิกติดตาม",
            "หยุดติดตาม",
            "ไม่ติดตาม",
            "หยุดแจ้ง",
            "หยุดส่ง",
            "ลบข้อมูล",
            "stop",
            "unsubscribe",
            "unfollow",
            "delete my data",
        ),
    ),
    ("follow", ("ติดตาม", "follow")),
    ("weekly_off", ("ไม่รับรายงาน", "เลิกรับรายงาน", "no weekly report", "no report")),
    ("weekly_on", ("รับรายงาน", "send weekly report")),
    ("report", ("รายงาน", "สัปดาห์", "weekly report", "report", "weekly")),
    ("summary", ("สรุปวันนี้", "สรุป", "summary", "today's summary")),
    ("alerts_off", ("ปิดแจ้งเตือน", "ไม่แจ้งเตือน", "alerts off", "alert off", "no alerts")),
    ("alerts_on", ("แจ้งเตือน", "เตือนฝุ่น", "alerts on", "alerts", "alert")),
    ("rooms", ("ห้องของฉัน", "my rooms", "my room")),
)
_AIR: Final = ("คุณภาพอากาศ", "อากาศ", "ฝุ่น", "pm2.5", "pm 2.5", "pm25", "air", "dust", "aqi")
_HELP: Final = ("ช่วยเหลือ", "วิธีใช้", "เมนู", "help", "menu", "?")
_LANGUAGES: Final = {
    "english": "en",
    "ภาษาอังกฤษ": "en",
    "อังกฤษ": "en",
    "ไทย": "th",
    "ภาษาไทย": "th",
    "thai": "th",
}
YES: Final = frozenset(
    ("รับ", "รับค่ะ", "รับครับ", "ใช่", "ใช่ค่ะ", "ใช่ครับ", "ต้องการ", "เอา", "ตกลง", "โอเค", "yes", "y", "ok", "yes please")
)
NO: Final = frozenset(
    ("ไม่รับ", "ไม่รับค่ะ", "ไม่รับครับ", "ไม่", "ไม่ค่ะ", "ไม่ครับ", "ไม่ต้องการ", "ไม่เอา", "no", "n", "no thanks", "no thank you")
)
SKIP: Final = frozenset(("ข้าม", "ข้ามค่ะ", "ข้ามครับ", "ไม่มี", "skip", "none", *NO))
SEND: Final = frozenset(("ส่ง", "ส่งค่ะ", "ส่งครับ", "ส่งเลย", "send", *YES))
CHANGE: Final = frozenset(("แก้ไข", "แก้", "เปลี่ยน", "change", "edit"))
CANCEL: Final = frozenset(("ยกเลิก", "cancel"))
WELL: Final = frozenset(("เรียบร้อย", "เรียบร้อยค่ะ", "เรียบร้อยครับ", "เรียบร้อยแล้ว", "all well", "fixed", "yes"))
NOT_WELL: Final = frozenset(("ยังไม่เรียบร้อย", "ไม่เรียบร้อย", "ยัง", "not yet", "not fixed"))


@dataclass(frozen=True, slots=True)
class Asked:
    """`about`: the code, the language, or what was written of a room; `english`: whether in Latin letters.

    `plain`: all words, tidied.
    """

    wish: Wish
    about: str = ""
    english: bool = False
    plain: str = ""

    @property
    def bare(self) -> bool:
        """Whether the command is all that was written, as a tap on the menu writes it."""
        return self.wish != "unknown" and (not self.about or self.wish in ("link", "code", "language"))


def understand(text: str) -> Asked:
    """The first wish that fits; a question about health goes before all others, as nobody else must answer it."""
    plain = tidy(text)
    english = bool(re.search(r"[a-z]", plain)) and not re.search(r"[\u0e00-\u0e7f]", plain)
    digits = _BETWEEN_DIGITS.sub("", plain)
    if code := _LINK.fullmatch(digits):
        return Asked("link", code[1], english, plain)
    if code := _CODE.fullmatch(digits):
        return Asked("code", code[1], english, plain)
    if language := _LANGUAGES.get(plain):
        return Asked("language", language, language == "en", plain)
    if is_about_health(plain):
        return Asked("ill", "", english, plain)
    for wish, words in _WORDS:
        if found := [word for word in words if _names(plain, word)]:
            return Asked(wish, _without(plain, found), english, plain)
    if found := [word for word in _AIR if _names(plain, word)]:
        return Asked("air", _without(plain, found), english, plain)
    if any(word == plain or (len(word) > 1 and _names(plain, word)) for word in _HELP):
        return Asked("help", "", english, plain)
    return Asked("unknown", plain, english, plain)


def is_about_health(plain: str) -> bool:
    return any(_names(plain, word) for word in _ILL)


def _names(plain: str, word: str) -> bool:
    """Thai has no blanks between words; a Latin word must stand alone."""
    if not word.isascii():
        return word in plain
    return word in plain and bool(re.search(rf"(?<![a-z0-9'’]){re.escape(word)}(?![a-z])", plain))


def _without(plain: str, words: list[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        plain = plain.replace(word, " ")
    about = re.sub(r"(?:นะคะ|นะครับ|ค่ะ|ครับ|คะ|จ้า|please|ด้วย|now|ตอนนี้)$", "", " ".join(plain.split()).strip(" .!"))
    return about.strip()
