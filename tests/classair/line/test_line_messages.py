"""Messages in LINE's form: their sizes, their words, and that LINE (its fake) takes every one of them."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from classair.line import flex, limits
from classair.line.flex import Button, Card
from simulator.line import checks

WORDS = "ห้อง ป.1/2 ตอนนี้ ดี ฝุ่น PM2.5 18 มคก./ลบ.ม. ข้างนอก 46 (สีส้ม) อากาศถ่ายเทดี ปิดหน้าต่างไว้ เปิดเครื่องฟอกต่อไป วัดเมื่อ 09.41 น."
ROOM = Card(
    head="ดี  ▮▮▯▯▯",
    colour=flex.LEVEL_COLOURS["good"],
    place="ห้อง ป.1/2",
    number="18",
    unit="มคก./ลบ.ม. ในห้อง",
    action="ปิดหน้าต่างไว้ เปิดเครื่องฟอกต่อไป",
    lines=("ข้างนอก 46 (สีส้ม) · ถ่ายเทดี", "วัดเมื่อ 09.41 น."),
    buttons=(Button("ดูวันนี้", uri="https://air.example.go.th/r/1"), Button("แจ้งปัญหา", says="แจ้งปัญหา")),
)
LONG_NAME = "โรงเรียนบ้านสวนตัวอย่างราษฎร์บำรุงประชานุเคราะห์วิทยาคารที่ ๑๒๓ " * 4
nasty = st.one_of(
    st.text(max_size=600),
    st.text(alphabet="ที่นี้น้ำกี่ปั๊มญี่ปุ่นเแโใไ ", max_size=700),
    st.sampled_from(["", " ", "\x00", "\ud800", "👩‍👩‍👧‍👦" * 120, "=cmd|' /C calc'!A0", '"}]}', LONG_NAME]),
)


def texts(component: object) -> list[str]:
    if isinstance(component, dict):
        own = [component["text"]] if component.get("type") == "text" else []
        return own + [found for value in component.values() for found in texts(value)]
    return [found for value in component for found in texts(value)] if isinstance(component, list) else []


def test_a_room_is_one_bubble_under_five_kilobytes_with_all_its_words_in_the_alternative_text() -> None:
    made = flex.message(ROOM, WORDS)
    assert (made["type"], made["altText"]) == ("flex", WORDS)
    assert flex.size(made["contents"]) < 5 * 1024
    assert made["contents"]["header"]["backgroundColor"] == flex.LEVEL_COLOURS["good"]
    assert "ปิดหน้าต่างไว้ เปิดเครื่องฟอกต่อไป" in texts(made["contents"])
    assert checks.messages([made]) == []


def test_long_names_wrap_and_are_not_cut() -> None:
    card = Card(head="ดี", place=LONG_NAME.strip(), lines=(LONG_NAME.strip(),))
    made = flex.message(card, "ดี")
    assert made["contents"]["header"]["contents"][1] == {
        "type": "text",
        "text": LONG_NAME.strip(),
        "wrap": True,
        "color": "#FFFFFF",
    }


def test_words_that_do_not_fit_into_the_alternative_text_make_it_a_text_with_its_address() -> None:
    made = flex.message(ROOM, "ยาว" * 200)
    assert made["type"] == "text"
    assert made["text"] == "ยาว" * 200 + "\nhttps://air.example.go.th/r/1"


@given(nasty, nasty, nasty, nasty, nasty)
def test_whatever_the_words_line_takes_the_message_and_it_stays_small(
    head: str, place: str, action: str, label: str, words: str
) -> None:
    card = Card(
        head=head,
        place=place,
        number=label,
        action=action,
        lines=(words, head),
        buttons=(Button(label, uri=f"https://a.example/{len(words)}"), Button(label, says=action, data=words)),
    )
    made = flex.message(card, words)
    assert checks.messages([made]) == []
    if made["type"] == "flex":
        assert flex.size(made["contents"]) <= 5 * 1024
        assert made["altText"] == limits.clean(words)


@given(nasty, st.integers(1, 80))
def test_a_shortened_text_fits_and_ends_with_a_whole_cluster(text: str, most: int) -> None:
    made = limits.shortened(text, most)
    assert limits.units(made) <= most
    if made != text:
        kept = made.removesuffix("…")
        assert text.startswith(kept)
        assert not kept or kept[-1] not in "เแโใไ"
        assert not kept or not limits._goes_with_the_one_before(text[len(kept)])


def test_the_writing_on_every_header_colour_can_be_read() -> None:
    for colour in (*flex.LEVEL_COLOURS.values(), *flex.SEVERITY_COLOURS.values(), flex.UNKNOWN_COLOUR):
        lighter, darker = sorted((flex._luminance(colour), flex._luminance(flex.ink_on(colour))), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, colour


def test_the_colours_of_levels_are_those_of_the_wall_display() -> None:
    sheet = (Path(__file__).parents[3] / "dashboard" / "assets" / "display" / "display.css").read_text("utf-8")
    shown = dict(re.findall(r"\.level\[data-level=(\w+)\]\{background:(#\w{6})", sheet))
    assert {level: colour.lower() for level, colour in flex.LEVEL_COLOURS.items()} == shown
