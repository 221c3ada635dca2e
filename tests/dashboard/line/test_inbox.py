"""Events of LINE are kept once and forgotten in time; a code links one person, once, and cannot be guessed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classair.units import DAY_MS, HOUR_MS
from dashboard.access.desk import Desk
from dashboard.access.line_inbox import CODE_MS, KEPT_MS, TRIES, TRIES_OF_ALL, LineInbox, TooManyTries

NOW = 1_795_366_800_000


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[LineInbox]:
    desk = Desk(tmp_path / "desk.db", lambda: NOW)
    yield desk.line
    desk.close()


def said(number: int, text: str = "อากาศ") -> dict[str, object]:
    return {"webhookEventId": f"01H{number}", "type": "message", "message": {"type": "text", "text": text}}


def test_an_event_that_comes_again_is_kept_once_also_after_it_was_worked_on(inbox: LineInbox) -> None:
    assert inbox.keep([said(1), said(2)], NOW) == 2
    again = {**said(1), "deliveryContext": {"isRedelivery": True}}
    assert inbox.keep([again], NOW + 1) == 0
    inbox.done("01H1", "air", NOW + 2)
    assert inbox.keep([again], NOW + 3) == 0
    assert [event.id for event in inbox.waiting()] == ["01H2"]


def test_events_without_an_id_are_told_apart_by_what_they_say(inbox: LineInbox) -> None:
    first, second = ({"type": "message", "timestamp": at} for at in (1, 2))
    assert inbox.keep([first, second, first], NOW) == 2


def test_what_people_wrote_is_gone_from_the_file_with_the_answer_and_the_id_after_a_week(
    inbox: LineInbox, tmp_path: Path
) -> None:
    inbox.keep([said(1, "my secret words")], NOW)
    inbox.done("01H1", "air", NOW)
    assert inbox.outcome("01H1") == "air"
    assert inbox.waiting() == []
    inbox.keep([said(2)], NOW + KEPT_MS + 1)
    assert inbox.outcome("01H1") is None
    assert inbox.keep([said(1)], NOW + KEPT_MS + 2) == 1


def test_what_nobody_has_worked_on_is_never_forgotten(inbox: LineInbox) -> None:
    inbox.keep([said(1)], NOW)
    inbox.keep([said(2)], NOW + 30 * DAY_MS)
    assert [event.id for event in inbox.waiting()] == ["01H1", "01H2"]


def test_a_code_works_for_a_day_until_it_is_used_or_another_is_made(inbox: LineInbox) -> None:
    first = inbox.make_code("caretaker", NOW)
    code = inbox.make_code("caretaker", NOW)
    assert inbox.whose(first, "U1", NOW) is None or first == code
    assert inbox.whose(code, "U2", NOW + CODE_MS) == "caretaker"
    assert inbox.whose(code, "U2", NOW + CODE_MS + 1) is None
    inbox.used(code)
    assert inbox.whose(code, "U3", NOW) is None


def test_wrong_codes_are_limited_by_user_and_a_right_one_is_not_told_after_them(inbox: LineInbox) -> None:
    code = inbox.make_code("caretaker", NOW)
    wrong = "00000000" if code != "00000000" else "11111111"
    for _ in range(TRIES):
        assert inbox.whose(wrong, "U1", NOW) is None
    with pytest.raises(TooManyTries):
        inbox.whose(code, "U1", NOW + 1)
    assert inbox.whose(code, "U2", NOW + 1) == "caretaker"
    assert inbox.whose(code, "U1", NOW + HOUR_MS + 1) == "caretaker"


def test_half_an_emoji_and_other_strange_texts_are_kept_like_any(inbox: LineInbox) -> None:
    strange = [said(1, "\ud83d air"), said(2, "a\x00b\x1b"), {"webhookEventId": "\ud83d", "timestamp": float("nan")}]
    assert inbox.keep([*strange, {"type": "unsend", "unsend": {"messageId": "\ud83d"}}], NOW) == 4
    assert {event.body["message"]["text"] for event in inbox.waiting() if "message" in event.body} == {
        "\ud83d air",
        "a\x00b\x1b",
    }


def test_an_id_twice_in_one_delivery_is_one_event(inbox: LineInbox) -> None:
    assert inbox.keep([said(1), said(1), said(1, "ฝุ่น")], NOW) == 1


def test_a_message_that_its_writer_took_back_before_it_was_worked_on_is_gone(inbox: LineInbox) -> None:
    nan = {"webhookEventId": "01NAN", "type": "message", "at": float("nan")}
    taken = {"webhookEventId": "01A", "type": "message", "message": {"type": "text", "id": "77", "text": "secret"}}
    stays = {"webhookEventId": "01B", "type": "message", "message": {"type": "text", "id": "78", "text": "air"}}
    inbox.keep([nan, taken, stays], NOW)
    inbox.keep([{"webhookEventId": "01C", "type": "unsend", "unsend": {"messageId": "77"}}], NOW + 1)
    assert [event.id for event in inbox.waiting()] == ["01B", "01NAN", "01C"]
    inbox.done("01A", "linked", NOW + 2)
    assert inbox.outcome("01A") == "unsent"


def test_what_is_in_hand_does_not_hide_what_came_later(inbox: LineInbox) -> None:
    inbox.keep([said(number) for number in range(9)], NOW)
    assert [it.id for it in inbox.waiting({f"01H{number}" for number in range(7)}, 1)] == ["01H7"]


def test_codes_cannot_be_guessed_by_somebody_with_many_accounts(inbox: LineInbox) -> None:
    code = inbox.make_code("head", NOW)
    wrong = "00000000" if code != "00000000" else "00000001"
    for number in range(TRIES_OF_ALL):
        assert inbox.whose(wrong, f"U{number}", NOW) is None
    with pytest.raises(TooManyTries):
        inbox.whose(code, "U-new", NOW)
    assert inbox.whose(code, "U-new", NOW + HOUR_MS + 1) == "head"
