"""People write to LINE's account: the fake platform delivers to a running dashboard, which answers by free replies."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from classair.wire import Answer, Ask
from simulator.line.server import LineFake
from tests.dashboard.conftest import House, alerts_double
from tests.neighbours import line

pytestmark = pytest.mark.servers
ALICE = line.user(1)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[LineFake]:
    monkeypatch.setenv("CLASSAIR_LINE_TOKEN", line.TOKEN)
    monkeypatch.setenv("CLASSAIR_LINE_SECRET", line.SECRET)
    with line.line_fake() as made:
        yield made


@pytest.fixture
def house(fake: LineFake, make_house: Any, schools: Any) -> House:
    made: House = make_house(
        config=schools.model_copy(update={"line": schools.line.model_copy(update={"api": fake.url})})
    )
    fake.webhook.point_at(f"{made.url}/line/webhook")
    return made


def said_to(fake: LineFake, user: str) -> list[str]:
    said = [it for sent in list(fake.platform.received) if sent["user"] == user for it in sent["messages"]]
    return [it.get("text") or it["altText"] for it in said]


def outcome_of(house: House, told: dict[str, Any], wait_for: Any) -> str:
    event = told["events"][0]["webhookEventId"]
    wait_for(lambda: house.desk.line.outcome(event) is not None, 20, "the event being worked on")
    found = house.desk.line.outcome(event)
    assert found is not None
    return found


def test_a_room_is_answered_with_the_words_of_its_screen_in_the_language_of_the_question(
    fake: LineFake, house: House, make_state: Any, wait_for: Any
) -> None:
    house.put(make_state("ban-suan.p1-2", 18))
    thai = fake.webhook.message(ALICE, {"type": "text", "text": "อากาศห้อง ป.๑/๒"})
    assert outcome_of(house, thai, wait_for) == "air"
    english = fake.webhook.message(ALICE, {"type": "text", "text": "air P.1/2"})
    assert outcome_of(house, english, wait_for) == "air"
    first, second = said_to(fake, ALICE)
    assert 'ห้อง ป.1/2 ตอนนี้ "ดี"' in first and "18\u00a0มคก./ลบ.ม." in first and "ข้อมูลจำลอง" in first
    assert second.startswith('Room P.1/2 is "good" now. PM2.5 18 µg/m³, outside 46') and "‹" not in second
    assert fake.platform.used == 0, "replies cost nothing"
    (card,) = fake.platform.received[0]["messages"]
    header, body = card["contents"]["header"], card["contents"]["body"]
    words = [part["text"] for part in header["contents"] + body["contents"]]
    assert (header["backgroundColor"], words[:3]) == ("#2D7755", ["ดี  ▮▮▯▯▯", "ห้อง ป.1/2", "18\u00a0มคก./ลบ.ม. ในห้อง"])
    assert words[3] in first and len(json.dumps(card, ensure_ascii=False).encode()) < 5 * 1024


def test_a_room_without_a_current_value_says_so_and_gives_no_old_one_as_now(
    fake: LineFake, house: House, make_state: Any, wait_for: Any
) -> None:
    house.put(make_state("ban-suan.p1-2", 18, age_s=60))
    house.offset_ms = 40 * 60_000
    told = fake.webhook.message(ALICE, {"type": "text", "text": "air P.1/2"})
    # The dashboard's clock is ahead of the fake's: a reply is tried all the same, as it counts from the arrival.
    assert outcome_of(house, told, wait_for) == "air"
    assert said_to(fake, ALICE)[-1].startswith("There is no current value for P.1/2. The last was 18 at")
    unknown = fake.webhook.message(ALICE, {"type": "text", "text": "air P.1/10"})
    assert outcome_of(house, unknown, wait_for) == "air"
    assert said_to(fake, ALICE)[-1].startswith("There is no current value for P.1/10. We are looking")


def test_an_event_that_line_delivers_again_is_answered_once(
    fake: LineFake, house: House, make_state: Any, wait_for: Any
) -> None:
    house.put(make_state("ban-suan.p1-2", 18))
    told = fake.webhook.message(ALICE, {"type": "text", "text": "air P.1/2"})
    outcome_of(house, told, wait_for)
    again = fake.webhook.again(told["events"][0]["webhookEventId"])
    assert again["status"] == 200
    last = fake.webhook.message(ALICE, {"type": "text", "text": "help"})
    assert outcome_of(house, last, wait_for) == "help"
    assert len(said_to(fake, ALICE)) == 2


@pytest.mark.parametrize("signature", [None, "", "abc", "ค่า"])
def test_without_lines_signature_nothing_is_taken(fake: LineFake, house: House, signature: str | None) -> None:
    body = b'{"events":[{"type":"follow"}]}'
    headers = {} if signature is None else {"x_line_signature": signature.encode().decode("latin-1")}
    assert house.ask("/line/webhook", "POST", body=body, **headers).status == 400
    assert house.desk.line.waiting() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"events":3}', b"\xff\xfe", b"[" * 5000])
def test_a_signed_body_that_is_no_event_is_refused_in_words(fake: LineFake, house: House, body: bytes) -> None:
    answer = house.ask("/line/webhook", "POST", body=body, x_line_signature=fake.webhook.signed(body))
    assert answer.status == 400 and "expected" in answer.text


def test_the_consoles_button_and_unknown_events_are_taken_and_change_nothing(
    fake: LineFake, house: House, wait_for: Any
) -> None:
    assert fake.webhook.verify()["status"] == 200
    strange = fake.webhook.anything({"type": "membership", "webhookEventId": "01STRANGE", "source": None})
    assert strange["status"] == 200
    assert outcome_of(house, strange, wait_for) == "ignored"
    assert fake.platform.received == []


def test_a_disk_that_refuses_is_told_to_line_so_that_it_sends_again(
    fake: LineFake, house: House, monkeypatch: pytest.MonkeyPatch, wait_for: Any
) -> None:
    def full(*_: Any) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(type(house.desk.line), "keep", full)
    told = fake.webhook.message(ALICE, {"type": "text", "text": "help"})
    assert told["status"] == 503
    monkeypatch.undo()
    fake.webhook.point_at(f"{house.url}/line/webhook")


def test_without_a_secret_the_webhook_says_what_is_missing(
    house: House, monkeypatch: pytest.MonkeyPatch, fake: LineFake
) -> None:
    monkeypatch.delenv("CLASSAIR_LINE_SECRET")
    answer = house.ask("/line/webhook", "POST", body=b"{}")
    assert answer.status == 503 and "CLASSAIR_LINE_SECRET" in answer.text


def test_a_code_links_a_person_and_stop_ends_it(fake: LineFake, house: House, mosquitto: Any, wait_for: Any) -> None:
    asked: list[Ask] = []

    def answer(ask: Ask) -> Answer:
        asked.append(ask)
        return Answer(id=ask.id, ok=True, result={"forgotten": 1})

    code = house.desk.line.make_code("caretaker", house.app.server.state.ctx.now_ms())
    with alerts_double(house, mosquitto, answer):
        linked = fake.webhook.message(ALICE, {"type": "text", "text": code})
        assert outcome_of(house, linked, wait_for) == "linked"
        second = fake.webhook.message(line.user(2), {"type": "text", "text": code})
        assert outcome_of(house, second, wait_for) == "wrong_code"
        stopped = fake.webhook.message(ALICE, {"type": "text", "text": "หยุดแจ้ง"})
        assert outcome_of(house, stopped, wait_for) == "stopped"
        left = fake.webhook.unfollow(ALICE)
        assert outcome_of(house, left, wait_for) == "forgotten"
    assert [(ask.do, ask.args) for ask in asked] == [
        ("contact", {"person": "caretaker", "channel": "line", "address": ALICE}),
        ("forget_contact", {"channel": "line", "address": ALICE}),
        ("forget_contact", {"channel": "line", "address": ALICE}),
    ]


def test_while_alerts_is_away_a_wish_that_changes_something_waits_and_questions_are_answered(
    fake: LineFake, house: House, mosquitto: Any, wait_for: Any
) -> None:
    left = fake.webhook.unfollow(ALICE)
    helped = fake.webhook.message(line.user(2), {"type": "text", "text": "help"})
    assert outcome_of(house, helped, wait_for) == "help"
    assert house.desk.line.outcome(left["events"][0]["webhookEventId"]) is None
    done = threading.Event()

    def answer(ask: Ask) -> Answer:
        done.set()
        return Answer(id=ask.id, ok=True, result={"forgotten": 1})

    with alerts_double(house, mosquitto, answer):
        third = fake.webhook.message(line.user(2), {"type": "text", "text": "help"})
        assert outcome_of(house, third, wait_for) == "help"
        assert outcome_of(house, left, wait_for) == "forgotten"
    assert done.is_set()


@pytest.mark.thorough
def test_two_hundred_who_ask_at_once_are_all_answered_while_line_takes_its_time(
    fake: LineFake, house: House, make_state: Any, wait_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put(make_state("ban-suan.p1-2", 18))
    asked, several = threading.Semaphore(0), threading.Event()
    found = fake.platform.fault

    def together(path: str) -> Any:
        if path.endswith("reply"):
            asked.release()
            if asked._value >= 8:
                several.set()
            several.wait(5)  # the first ones are answered when the eighth has come
        return found(path)

    monkeypatch.setattr(fake.platform, "fault", together)
    events = [_asked(fake, line.user(number), "air P.1/2") for number in range(200)]
    body = json.dumps({"events": events}).encode()
    assert fake.webhook.raw(body, fake.webhook.signed(body)) == {"status": 200}
    assert several.wait(20), "nobody waits until the one before has been answered"
    wait_for(lambda: len(fake.platform.received) == 200, 60, "all answers")


def test_questions_are_answered_while_alerts_takes_no_codes(
    fake: LineFake, house: House, mosquitto: Any, wait_for: Any
) -> None:
    waiting, go = threading.Event(), threading.Event()

    def answer(ask: Ask) -> Answer:
        waiting.set()
        go.wait(20)
        return Answer(id=ask.id, ok=True, result={"forgotten": 1})

    with alerts_double(house, mosquitto, answer):
        left = fake.webhook.unfollow(ALICE)
        assert waiting.wait(20)
        helped = fake.webhook.message(ALICE, {"type": "text", "text": "help"})
        assert outcome_of(house, helped, wait_for) == "help"
        assert house.desk.line.outcome(left["events"][0]["webhookEventId"]) is None
        go.set()
        assert outcome_of(house, left, wait_for) == "forgotten"


def test_who_wants_no_more_messages_is_told_the_truth_where_alerts_refuses(
    fake: LineFake, house: House, mosquitto: Any, wait_for: Any
) -> None:
    with alerts_double(house, mosquitto, lambda ask: Answer(id=ask.id, ok=False, error="the disk is full")):
        stopped = fake.webhook.message(ALICE, {"type": "text", "text": "stop"})
        assert outcome_of(house, stopped, wait_for) == "refused"
        assert said_to(fake, ALICE) == ["This could not be saved. Please try again in a few minutes."]
        assert outcome_of(house, fake.webhook.unfollow(ALICE), wait_for) == "refused"


def test_in_a_group_only_a_room_is_answered_and_nothing_about_a_person(
    fake: LineFake, house: House, make_state: Any, wait_for: Any
) -> None:
    house.put(make_state("ban-suan.p1-2", 18))
    code = house.desk.line.make_code("caretaker", house.app.server.state.ctx.now_ms())
    for words, outcome in (
        ("see you at four", "ignored"),
        ("my son is sick", "ignored"),
        ("stop", "ignored"),
        (code, "ignored"),
        ("air P.1/2", "air"),
    ):
        event = _asked(fake, ALICE, words) | {"source": {"type": "group", "groupId": "C1", "userId": ALICE}}
        told = fake.webhook.anything(event)
        assert outcome_of(house, told, wait_for) == outcome
    assert len(fake.platform.received) == 1


def _asked(fake: LineFake, user: str, words: str) -> dict[str, Any]:
    return {
        "type": "message",
        "webhookEventId": f"01{user[-8:]}{abs(hash(words)):x}",
        "source": {"type": "user", "userId": user},
        "replyToken": fake.platform.reply_token(user),
        "message": {"type": "text", "id": "1", "text": words},
    }
