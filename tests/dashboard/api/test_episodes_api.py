"""Smoke episodes over the API: what is known, who is named, and what is asked of alerts by whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.wire import Answer, Ask
from tests.classair.alerting.filled import put
from tests.dashboard.conftest import alerts_double, now_ms, state_of

PASSWORD = "four unrelated words here"
pytestmark = pytest.mark.thorough


class Alerts:
    """What a double of alerts was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.refuses = ""

    def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if self.refuses:
            return Answer(id=ask.id, ok=False, error=self.refuses)
        return Answer(id=ask.id, ok=True, result={"episode": "ep-1", "already": True, "joined": True})


@pytest.fixture
def house(make_house: Any, ledger: Path) -> Any:
    put(ledger, "episode_log", episode="ep-1", at=1, who="teacher:somsri", what="note", words="Somchai has a cough")
    put(ledger, "episode_log", episode="ep-1", at=2, who="lung", what="told", words="")
    house = make_house(ledger=ledger)
    house.desk.add_account("somsri", "teacher", PASSWORD, ["ban-suan.p1-2"])
    house.desk.add_account("head", "caretaker", PASSWORD)
    return house


@pytest.fixture
def alerts(house: Any, mosquitto: Any) -> Iterator[Alerts]:
    double = Alerts()
    with alerts_double(house, mosquitto, double.answer):
        yield double


def post(house: Any, path: str, who: dict[str, str], **said: Any) -> Any:
    return house.ask(path, "POST", body=json.dumps(said).encode(), Content_Type="application/json", **who)


def sign_in(house: Any, name: str) -> dict[str, str]:
    return dict(house.sign_in(name, PASSWORD.replace(" ", "+")))


def test_a_visitor_reads_an_episode_without_names_and_without_what_people_wrote(house: Any) -> None:
    house.put(state_of("ban-suan.p1-2", 60))
    told = house.ask("/api/v1/episodes/ep-1").json
    assert (told["opened_by"], told["why"], told["tasks"][0]["owner"]) == ("caretaker", None, None)
    assert told["tasks"][0]["words"] == "default:masks" and told["tasks"][0]["overdue"] is True
    assert not {"somchai", "somsri", "lung"} & set(json.dumps(told).lower().replace(":", '"').split('"'))
    (seats,) = told["seats"]
    assert seats["ranking"][0] == "ban-suan.p1-2"
    whole = house.ask("/api/v1/episodes/ep-1", Cookie=sign_in(house, "head")["Cookie"]).json
    assert (whole["opened_by"], whole["log"][0]["words"]) == ("caretaker:somchai", "Somchai has a cough")


def test_each_change_is_asked_of_alerts_by_its_name_and_by_whom(house: Any, alerts: Alerts) -> None:
    who = sign_in(house, "head")
    assert post(house, "/api/v1/episodes", who, sites=["ban-suan"], why="fire").json["joined"] is True
    assert post(house, "/api/v1/episodes/ep-1/tasks", who, words="x", site="ban-suan").status == 200
    assert post(house, "/api/v1/episodes/ep-1/tasks/et-1/done", who, note="ok").json["already"] is True
    assert post(house, "/api/v1/episodes/ep-1/notes", who, words="called").status == 200
    assert post(house, "/api/v1/episodes/ep-1/close", who, summary="over").status == 200
    assert [(ask.do, ask.who) for ask in alerts.asked] == [
        (do, "caretaker:head") for do in ("episode_open", "task_add", "task_done", "episode_note", "episode_close")
    ]
    assert alerts.asked[0].args == {"name": "", "sites": ["ban-suan"], "why": "fire"}


def test_a_teacher_of_one_room_does_tasks_of_the_school_but_neither_opens_nor_closes(
    house: Any, alerts: Alerts
) -> None:
    who = sign_in(house, "somsri")
    assert post(house, "/api/v1/episodes", who, sites=["ban-suan"]).status == 403
    assert post(house, "/api/v1/episodes/ep-1/close", who).status == 403
    assert post(house, "/api/v1/episodes/ep-1/tasks/et-1/done", who).status == 200
    assert post(house, "/api/v1/episodes/ep-1/tasks", who, words="x", site="rim-khlong").status == 403
    assert [ask.do for ask in alerts.asked] == ["task_done"]


def test_what_alerts_refuses_is_a_409_with_its_words_and_what_is_too_long_is_not_sent(
    house: Any, alerts: Alerts
) -> None:
    who = sign_in(house, "head")
    alerts.refuses = "this episode is closed"
    refused = post(house, "/api/v1/episodes/ep-1/notes", who, words="x")
    assert (refused.status, refused.json["error"]["what"]) == (409, "this episode is closed")
    assert post(house, "/api/v1/episodes/ep-1/notes", who, words="x" * 501).status == 422
    assert post(house, "/api/v1/episodes/none/notes", who, words="x").status == 404
    assert post(house, "/api/v1/episodes", who, sites=["nowhere"]).status == 422
    assert len(alerts.asked) == 1


def test_without_signing_in_nothing_is_changed(house: Any, alerts: Alerts) -> None:
    assert post(house, "/api/v1/episodes", {"Origin": house.url}).status == 401
    assert alerts.asked == []


def test_the_live_view_gives_names_to_those_alone_who_may_act(house: Any) -> None:
    assert now_ms() and "somchai" not in house.ask("/live/episode?once=true&lang=en").text
    who = sign_in(house, "head")
    assert "somchai" in house.ask("/live/episode?once=true&lang=en", Cookie=who["Cookie"]).text
