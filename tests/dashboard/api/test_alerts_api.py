"""Alerts over the API: what is known and who is named, and what is asked of alerts by whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.wire import Answer, Ask
from tests.classair.alerting.filled import put_alert
from tests.dashboard.conftest import alerts_double, now_ms

PASSWORD = "four unrelated words here"
ROOM = "ban-suan.p1-2"


class Alerts:
    """What a double of alerts was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.refuses = ""

    def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if self.refuses:
            return Answer(id=ask.id, ok=False, error=self.refuses)
        result = {"silence": "si-2", "until": now_ms() + 60_000} if ask.do == "silence" else {}
        return Answer(id=ask.id, ok=True, result=result)


@pytest.fixture
def house(make_house: Any, ledger: Path) -> Any:
    house = make_house(ledger=ledger)
    house.desk.add_account("somsri", "teacher", PASSWORD, [ROOM])
    house.desk.add_account("head", "caretaker", PASSWORD)
    return house


@pytest.fixture
def alerts(house: Any, mosquitto: Any) -> Iterator[Alerts]:
    double = Alerts()
    with alerts_double(house, mosquitto, double.answer):
        yield double


def post(house: Any, path: str, who: dict[str, str], method: str = "POST", **said: Any) -> Any:
    return house.ask(path, method, body=json.dumps(said).encode(), Content_Type="application/json", **who)


def test_a_visitor_sees_what_fires_and_no_names(house: Any) -> None:
    (one,) = house.ask("/api/v1/alerts").json["alerts"]
    assert (one["id"], one["state"], one["told_at"] is not None) == ("al-1", "firing", True)
    detail = house.ask("/api/v1/alerts/al-1").json
    assert detail["notifications"][0]["person"] is None
    assert "malee" not in json.dumps(detail)
    assert house.ask("/api/v1/silences").json["silences"][0]["who"] is None


def test_whoever_is_signed_in_sees_who_was_told(house: Any) -> None:
    detail = house.ask("/api/v1/alerts/al-1", **house.sign_in("somsri", PASSWORD)).json
    assert detail["notifications"][0]["person"] == "malee"


def test_pages_follow_each_other_to_the_end(house: Any, ledger: Path) -> None:
    for number in range(5):
        put_alert(ledger, f"b-{number}", changed_at=5_000)
    seen: list[str] = []
    cursor = ""
    while True:
        page = house.ask(f"/api/v1/alerts?limit=2&cursor={cursor}").json
        seen += [one["id"] for one in page["alerts"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["b-4", "b-3", "b-2", "b-1", "b-0", "al-1"]


@pytest.mark.parametrize(
    ("query", "count"),
    [("state=firing", 1), ("state=closed,resolved", 0), ("site=ban-suan", 1), ("kind=silent", 0), ("since=9000", 0)],
)
def test_alerts_are_chosen_by_state_place_kind_and_time(house: Any, query: str, count: int) -> None:
    if query.startswith("since"):
        query = f"since={now_ms()}"
    assert len(house.ask(f"/api/v1/alerts?{query}").json["alerts"]) == count


@pytest.mark.parametrize("query", ["state=fireing", "site=nowhere", "cursor=x", "limit=0", "limit=9999", "since=soon"])
def test_a_wrong_question_is_answered_with_what_is_right(house: Any, query: str) -> None:
    answer = house.ask(f"/api/v1/alerts?{query}")
    assert answer.status == 422 and answer.json["error"]["where"]


def test_a_ledger_that_is_not_there_is_not_no_alerts(make_house: Any, tmp_path: Path) -> None:
    house = make_house(ledger=tmp_path / "no-ledger.db")
    for path in ("/api/v1/alerts", "/api/v1/alerts/al-1", "/api/v1/silences"):
        answer = house.ask(path)
        assert answer.status == 503 and "is not known" in answer.json["error"]["what"]


def test_an_alert_that_is_not_there_is_404(house: Any) -> None:
    assert house.ask("/api/v1/alerts/nobody").status == 404


def test_acknowledging_asks_alerts_with_the_persons_name(house: Any, alerts: Alerts) -> None:
    answer = post(house, "/api/v1/alerts/al-1/acknowledge", house.sign_in("somsri", PASSWORD))
    assert answer.status == 200 and answer.json["alert"]["id"] == "al-1"
    (ask,) = alerts.asked
    assert (ask.do, ask.who, ask.args) == ("acknowledge", "teacher:somsri", {"alert": "al-1"})


def test_what_alerts_refuses_is_told_in_its_words(house: Any, alerts: Alerts) -> None:
    alerts.refuses = "it is over"
    answer = post(house, "/api/v1/alerts/al-1/acknowledge", house.sign_in("head", PASSWORD))
    assert (answer.status, answer.json["error"]["what"]) == (409, "it is over")


def test_without_alerts_it_is_not_said_that_nothing_was_done(house: Any) -> None:
    answer = post(house, "/api/v1/alerts/al-1/acknowledge", house.sign_in("head", PASSWORD))
    assert answer.status == 503 and "may not have arrived" in answer.json["error"]["right"]


def test_visitors_and_strangers_to_the_room_may_not_act(house: Any, ledger: Path, alerts: Alerts) -> None:
    put_alert(ledger, "other", room="ban-suan.p4-1", subject="ban-suan.p4-1")
    put_alert(ledger, "bridge", room="", subject="ban-suan.gate")
    assert post(house, "/api/v1/alerts/al-1/acknowledge", {}).status == 401
    teacher = house.sign_in("somsri", PASSWORD)
    for alert, status in (("other", 404), ("bridge", 403)):  # what another room's alert is about is not theirs to know
        assert post(house, f"/api/v1/alerts/{alert}/acknowledge", teacher).status == status
    assert post(house, "/api/v1/silences", teacher, minutes=60, site="ban-suan", why="x").status == 403
    assert post(house, "/api/v1/silences", teacher, minutes=60, subject="ban-suan.p4-1-fan", why="x").status == 403
    assert post(house, "/api/v1/silences/si-1", teacher, "DELETE").status == 403
    assert alerts.asked == []


def test_a_silence_has_a_place_an_end_and_a_reason(house: Any, alerts: Alerts) -> None:
    teacher, head = house.sign_in("somsri", PASSWORD), house.sign_in("head", PASSWORD)
    for wrong in (
        {"minutes": 60, "room": ROOM},
        {"room": ROOM, "why": "paint"},
        {"minutes": 60, "until": str(now_ms() + 60_000), "room": ROOM, "why": "paint"},
        {"until": str(now_ms() - 60_000), "room": ROOM, "why": "paint"},
        {"minutes": 10**9, "room": ROOM, "why": "paint"},
        {"minutes": 60, "room": "ban-suan.p9", "why": "paint"},
        {"minutes": 60, "rule": "nothing", "why": "paint"},
        {"minutes": 60, "why": "paint"},
        {"minutes": 60, "room": ROOM, "why": " \n "},
        {"minutes": 60, "room": ROOM, "site": "rim-khlong", "why": "paint"},
        {"minutes": 60, "room": ROOM, "subject": "ban-suan.p4-1-fan", "why": "paint"},
    ):
        assert post(house, "/api/v1/silences", head, **wrong).status == 422, wrong
    assert alerts.asked == []
    answer = post(house, "/api/v1/silences", teacher, until=str(now_ms() + 3_600_000), room=ROOM, why="paint")
    assert answer.json["silence"] == "si-2"
    (ask,) = alerts.asked
    assert (ask.do, ask.args) == ("silence", {"minutes": 60, "why": "paint", "room": ROOM})


def test_an_administrator_alone_sends_a_person_a_test_message(house: Any, alerts: Alerts) -> None:
    address = "/api/v1/people/caretaker/test-message"
    assert post(house, address, house.sign_in("somsri", PASSWORD)).status == 403
    assert house.ask(address, method="POST").status == 401
    assert alerts.asked == []
    house.desk.add_account("principal", "admin", PASSWORD)
    head = house.sign_in("principal", PASSWORD)
    assert post(house, "/api/v1/people/nobody/test-message", head).status == 404
    assert post(house, address, head).status == 200
    assert (alerts.asked[-1].do, alerts.asked[-1].args) == ("test_message", {"person": "caretaker"})


def test_a_silence_is_ended_by_those_who_control_its_place(house: Any, alerts: Alerts) -> None:
    head = house.sign_in("head", PASSWORD)
    assert post(house, "/api/v1/silences/nothing", head, "DELETE").status == 404
    assert post(house, "/api/v1/silences/si-1", head, "DELETE").status == 200
    assert (alerts.asked[-1].do, alerts.asked[-1].args) == ("end_silence", {"silence": "si-1"})
