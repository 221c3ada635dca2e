""" "The caretaker has been notified" stands on a screen only after a receipt of a channel that reaches a person."""

from __future__ import annotations

import re
from typing import Any

import pytest

import dashboard
from classair import i18n
from dashboard.line import air
from tests.dashboard.pages.test_live_pages import visit
from tests.dashboard.test_display import shown

assert dashboard  # its parts' texts are known once it is imported

ROOM = "ban-suan.p1-10"
CLAIM = {"en": r"caretaker (has been|was) (notified|told)", "th": r"แจ้งผู้ดูแลแล้ว|ผู้ดูแลได้รับแจ้งแล้ว|ผู้ดูแลทราบแล้ว"}
FROM_A_RECEIPT = {"reason.silent_told", "reason.silent_told_flag"}  # chosen by RoomState.told_at alone


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_other_text_claims_that_the_caretaker_knows(language: str) -> None:
    claims = {key for key, text in i18n.texts(language).items() if re.search(CLAIM[language], text)}
    assert claims == FROM_A_RECEIPT


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_screen_of_a_silent_room_says_told_only_with_a_receipt(
    own_house: Any, chromium: Any, make_state: Any, language: str
) -> None:
    texts: dict[bool, dict[str, str]] = {}
    for told in (False, True):
        state = make_state(ROOM, 18, age_s=37 * 60 + 5, told_at=1 if told else None)
        own_house.put(state)
        wall = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        wall.goto(f"{own_house.url}/display/{ROOM}?lang={language}")
        shown(wall, "#reason", "37")
        room = visit(chromium, own_house, f"/room/{ROOM}", language)
        now = own_house.app and state.at
        texts[told] = {
            "wall": wall.inner_text("#stage"),
            "room": room.inner_text("#room-now"),
            "door": own_house.ask(f"/door/{ROOM}?lang={language}").text,
            "overview": visit(chromium, own_house, "/", language).inner_text("main"),
            "line": air.answer(own_house.config, ROOM, state, language, now),
        }
    claim = re.compile(CLAIM[language])
    assert not [name for name, text in texts[False].items() if claim.search(text)]
    assert [name for name, text in texts[True].items() if claim.search(text)][:2] == ["wall", "room"]
