"""Which texts of one screen speak against each other, as data: what one says, what the other says, in both languages.

A screen is what stands beside each other: action, reason, the line for children, and what the tiles say (`tile:…`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Against:
    """No screen holds one of `these` and one of `those`. `why` names the kind."""

    why: str
    these: tuple[str, ...]
    those: tuple[str, ...]


EN: Final = (
    Against(
        "kept inside, sent out to play",
        ("let's stay inside", "stay in the room", "| stay indoors", "high outside: stay in"),
        ("play as usual", "learn and play", "windows may be open"),
    ),
    Against(
        "windows opened and closed",
        ("open the windows", "windows may be open", "then open the windows"),
        ("windows closed", "keep the windows closed", "close windows", "shut the windows", "high outside"),
    ),
    Against(
        "windows opened onto bad air", ("open the windows", "windows may be open"), ("tile:outside 4", "tile:outside 5")
    ),
    Against("windows opened onto air nobody knows", ("open the windows", "windows may be open"), ("tile:outside ?",)),
    Against(
        "said to run, shown as off",
        ("keep windows closed, purifier on", "keep the purifier on"),
        ("tile:purifier off", "tile:purifier ?", "tile:purifier none", "tile:purifier fault"),
    ),
    Against(
        "said to start, shown as running",
        ("purifier starts when",),
        ("tile:purifier on", "tile:purifier ?", "tile:purifier none", "tile:purifier fault"),
    ),
    Against("a purifier that is not there", ("purifier", "filter"), ("tile:purifier none", "tile:purifier fault")),
    Against(
        "clean here, dusty here",
        ("air is very clean", "good air", "air in here is good"),
        (
            "so-so",
            "building up",
            "a lot of dust",
            "take the class",
            "masks on indoors",
            "tile:inside 3",
            "tile:inside 4",
            "tile:inside 5",
        ),
    ),
    Against(
        "good air, stuffy air", ("air is very clean", "good air", "air in here is good"), ("stuffy", "tile:air stuffy")
    ),
    Against(
        "nothing to do, something to do",
        ("carry on", "good air:"),
        ("a lot of dust", "building up", "take the class", "high outside", "tile:inside 4", "tile:inside 5"),
    ),
    Against(
        "to the clean room, and here",
        ("take the class to the clean room", "everyone in a clean room", "teacher in the clean room"),
        ("stay in the room", "masks on indoors", "let's stay inside", "carry on", "high outside: stay in"),
    ),
    Against(
        "known and unknown",
        ("don't know the room's", "until we know", "don't know the dust"),
        ("tile:inside 1", "tile:inside 2", "tile:inside 3", "tile:inside 4", "tile:inside 5"),
    ),
    Against("look outside, where nothing is known", ("use the outdoor reading",), ("tile:outside ?",)),
    Against(
        "no value outside, and one",
        ("no outdoor reading",),
        ("tile:outside 1", "tile:outside 2", "tile:outside 3", "tile:outside 4", "tile:outside 5"),
    ),
    Against(
        "high outside, low outside",
        ("high outside", "no outdoor pe", "| stay indoors"),
        ("tile:outside 1 without words", "tile:outside 2 without words"),
    ),
    Against(
        "shorter play, good air outside",
        ("shorter outdoor play",),
        ("tile:outside 1 without words", "tile:outside 2 without words"),
    ),
    Against(
        "play as usual, bad air outside", ("play as usual",), ("tile:outside 3", "tile:outside 4", "tile:outside 5")
    ),
    Against("told and not told", ("has been notified",), ("told: nobody",)),
)

TH: Final = (
    Against(
        "kept inside, sent out to play",
        ("อยู่ในห้องด้วยกัน", "| งดออกนอกอาคาร", "‹อยู่ในห้องก่อน›"),
        ("เล่นกลางแจ้งได้ตามปกติ", "เรียนและเล่นได้ตามปกติ", "เปิดหน้าต่างได้"),
    ),
    Against(
        "windows opened and closed",
        ("‹เปิดหน้าต่าง", "แล้วเปิดหน้าต่าง"),
        ("ปิดหน้าต่างไว้", "‹ปิดหน้าต่าง›", "ปิดหน้าต่างและประตู", "หน้าต่างปิดสนิท"),
    ),
    Against(
        "windows opened onto bad air",
        ("‹เปิดหน้าต่าง", "แล้วเปิดหน้าต่าง"),
        ("tile:outside 4", "tile:outside 5", "tile:outside ?"),
    ),
    Against(
        "said to run, shown as off",
        ("เปิดเครื่องฟอกต่อไป",),
        ("tile:purifier off", "tile:purifier ?", "tile:purifier none", "tile:purifier fault"),
    ),
    Against(
        "said to start, shown as running",
        ("เครื่องฟอกจะเปิดเอง",),
        ("tile:purifier on", "tile:purifier ?", "tile:purifier none", "tile:purifier fault"),
    ),
    Against("a purifier that is not there", ("เครื่องฟอก", "ไส้กรอง"), ("tile:purifier none", "tile:purifier fault")),
    Against(
        "clean here, dusty here",
        ("อากาศสะอาดมาก", "อากาศดี", "อากาศในห้องดี"),
        ("อากาศพอใช้", "ฝุ่นเริ่มเยอะ", "วันนี้ฝุ่นเยอะมาก", "พาเด็ก", "tile:inside 3", "tile:inside 4", "tile:inside 5"),
    ),
    Against("nothing to do, something to do", ("| เรียนได้ตามปกติ",), ("ฝุ่นเริ่มเยอะ", "ฝุ่นเยอะมาก", "พาเด็ก", "ข้างนอกฝุ่นเยอะ")),
    Against(
        "known and unknown",
        ("ไม่รู้ค่าฝุ่นในห้อง",),
        ("tile:inside 1", "tile:inside 2", "tile:inside 3", "tile:inside 4", "tile:inside 5"),
    ),
    Against("look outside, where nothing is known", ("ดูค่าข้างนอก",), ("tile:outside ?",)),
    Against(
        "advice on a day beside a number of now",
        ("งดพละกลางแจ้ง", "งดออกนอกอาคาร", "ลดเวลาเล่นกลางแจ้ง", "เด็กทุกคนอยู่ห้องปลอดฝุ่น"),
        ("tile:outside 1 without words", "tile:outside 2 without words"),
    ),
    Against("told and not told", ("แจ้งผู้ดูแลแล้ว",), ("told: nobody",)),
)
BY_LANGUAGE: Final = {"en": EN, "th": TH}


def contradiction(said: str, beside: str, language: str) -> str:
    """The first contradiction of a screen: what its sentences say, what stands beside them. "" for none."""
    for against in BY_LANGUAGE[language]:
        for one in against.these:
            if one not in said:
                continue
            for other in against.those:
                rest = said.replace(one, "", 1) if other in one else said
                if other in rest or other in beside:
                    return f"{against.why}: {one!r} and {other!r}"
    return ""
