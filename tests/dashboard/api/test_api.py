"""The API: the same state as every screen, bounded series, purifiers by hand, and a description that is kept."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from classair.config import parse, yamltext
from classair.wire import Answer, Ask, BridgeStatus, ServiceStatus, Topics
from dashboard.live.ages import state_as_of
from tests.dashboard.conftest import SCHOOLS, alerts_double

OPENAPI = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_published_description_is_the_kept_one(house: Any) -> None:
    """`python -m dashboard.describe` writes it anew after a change that is meant."""
    assert house.ask("/openapi.json").json == json.loads(OPENAPI.read_text("utf-8"))


def test_every_operation_is_described_with_an_example_or_a_model(house: Any) -> None:
    document = house.ask("/openapi.json").json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (path, parameter["name"])


def test_now_is_the_state_as_alerts_published_it(house: Any, make_state: Any) -> None:
    state = make_state("ban-suan.p1-2", 25.2)
    house.put(state)
    answer = house.ask("/api/v1/rooms/ban-suan.p1-2/now").json
    assert answer["state"]["pm25"]["shown"] == "25.2"
    assert answer["state"] == state.model_dump(mode="json")


def test_a_state_that_nobody_renews_becomes_late_and_then_unknown(house: Any, make_state: Any) -> None:
    house.put(make_state("ban-suan.p1-2", 18, age_s=0))
    for minutes, status, shown in ((0, "ok", "18"), (3, "late", "18"), (15, "unknown", "")):
        house.offset_ms = minutes * 60_000
        current = house.ask("/api/v1/rooms/ban-suan.p1-2/now").json["state"]["pm25"]
        assert (current["status"], current["shown"]) == (status, shown)
    assert current["value"] is None and current["last_shown"] == "18"
    listed = {room["room"]: room for room in house.ask("/api/v1/rooms").json["rooms"]}
    assert listed["ban-suan.p1-2"]["level"] == "unknown"


def test_a_name_that_is_one_text_is_the_same_in_both_languages(make_house: Any) -> None:
    told = json.dumps({**yamltext.read(SCHOOLS.read_text("utf-8"))})
    config = parse(told.replace('{"th": "\\u0e1b.1/2", "en": "P.1/2"}', '"Room 1"'), {})
    listed = {room["room"]: room for room in make_house(config=config).ask("/api/v1/rooms").json["rooms"]}
    assert listed["ban-suan.p1-2"]["name"] == {"th": "Room 1", "en": "Room 1"}
    assert listed["ban-suan.p4-1"]["name"]["th"] == "ป.4/1"


def test_the_age_of_a_value_is_judged_on_the_second(make_state: Any) -> None:
    state = make_state("ban-suan.p1-2", 18, age_s=0, at=1_795_000_000_000)
    for seconds, status in ((179.999, "ok"), (180, "late"), (899.999, "late"), (900, "unknown")):
        assert state_as_of(state, 1_795_000_000_000 + round(seconds * 1000)).pm25.status == status


def test_a_room_nobody_speaks_of_is_unknown_and_not_zero(house: Any) -> None:
    answer = house.ask("/api/v1/rooms/ban-suan.yard/now")
    assert answer.status == 503
    assert "no status yet" in answer.json["error"]["what"]


def test_series_keep_gaps_and_say_how_complete_they_are(house: Any) -> None:
    answer = house.ask(
        "/api/v1/rooms/ban-suan.p1-2/series?step=5m&start="
        + str(house.ask("/api/v1/rooms").json["server_time"] - 3 * 3_600_000)
    ).json
    assert answer["unit"] == "µg/m³" and answer["step_s"] == 300 and answer["simulated"]
    assert len(answer["points"]) < 37 - 5
    assert 0.6 < answer["completeness"] < 0.9
    assert all(point["start"].endswith("+07:00") for point in answer["points"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("quantity=radon", "unknown quantity"),
        ("start=2026-11-23T00:00:00", "no UTC offset"),
        ("start=yesterday", "ISO 8601"),
        ("start=2026-11-23T00:00:00%2B07:00&end=2026-11-22T00:00:00%2B07:00", "must be after its start"),
        ("start=1295401320000&end=1795401320000", "not be longer"),
        ("step=7m", "step must be one of"),
        ("step=soon", "5m or 1h"),
        ("points=0", "greater than or equal"),
        ("start=9999999999999999", "outside 2000 … 2199"),
        ("step=1m&start=2026-11-01T00:00:00%2B07:00&end=2026-11-20T00:00:00%2B07:00", "more than 2000"),
    ],
)
def test_a_question_out_of_bounds_is_refused_in_words(house: Any, query: str, said: str) -> None:
    answer = house.ask(f"/api/v1/rooms/ban-suan.p1-2/series?{query}")
    assert answer.status == 422
    assert said in json.dumps(answer.json["error"], ensure_ascii=False)


def test_a_plus_sign_in_an_address_means_an_offset(house: Any) -> None:
    day = "start=2026-11-20T00:00:00+07:00&end=2026-11-21T00:00:00+07:00"
    assert house.ask(f"/api/v1/rooms/ban-suan.p1-2/series?{day}".replace(" ", "+")).status == 200


def test_a_store_that_is_away_is_said_and_nothing_else_stops(make_house: Any, make_state: Any) -> None:
    house = make_house(store=None)
    house.put(make_state("ban-suan.p1-2"))
    answer = house.ask("/api/v1/rooms/ban-suan.p1-2/series")
    assert answer.status == 503 and answer.headers["Retry-After"] == "5"
    assert house.ask("/api/v1/rooms/ban-suan.p1-2/now").status == 200
    assert house.ask("/display/ban-suan.p1-2/line").json["indoor"] is None
    house.alive(silent=("broker",))
    health = house.ask("/api/v1/health").json
    assert (health["state"], health["store"], health["broker"]) == ("degraded", False, False)


def test_a_bridge_without_disk_or_a_warning_of_a_service_is_not_called_well(own_house: Any, make_state: Any) -> None:
    house, topics, now = own_house, Topics(own_house.config.org), time.time_ns() // 1_000_000
    house.alive()
    for full, unit in house.config.purifiers():
        house.put(make_state(f"{full.partition('.')[0]}.{unit.room}"))

    def bridges(storage: str) -> None:
        for full, _ in house.config.bridges():
            house.live.hear(
                topics.bridge(*full.split("."), "status"),
                BridgeStatus(state="online", at=now, storage=storage).model_dump_json().encode(),
            )

    def ingest(*warnings: str) -> None:
        house.live.hear(
            topics.service_status("ingest"),
            ServiceStatus(service="ingest", state="online", at=now, warnings=list(warnings)).model_dump_json().encode(),
        )

    def state() -> str:
        return str(house.ask("/api/v1/health").json["state"])

    bridges("")
    ingest()
    assert state() == "ok"
    bridges("box.db: database or disk is full")
    assert state() == "degraded"
    bridges("")
    ingest("9 items wait in quarantine")
    assert state() == "degraded"


def test_a_person_switches_a_purifier_by_asking_alerts(own_house: Any, mosquitto: Any, wait_for: Any) -> None:
    asked: list[Ask] = []

    def answer(ask: Ask) -> Answer:
        asked.append(ask)
        if ask.args["do"] == "off":
            return Answer(id=ask.id, ok=False, error="a rule forbids it")
        return Answer(id=ask.id, ok=True, result={"override_until": 1_800_000_000_000, "shortened": True})

    with alerts_double(own_house, mosquitto, answer):
        token = own_house.desk.create_token("acts", ("control",), 1)

        def send(body: str) -> Any:
            return own_house.ask(
                "/api/v1/purifiers/ban-suan.p1-2-fan/override",
                "POST",
                body=body.encode(),
                Content_Type="application/json",
                Authorization=f"Bearer {token}",
            )

        done = wait_for(lambda: (a := send('{"do": "on", "minutes": 30}')).status == 200 and a, what="an answer")
        assert (done.json["ok"], done.json["until"], done.json["shortened"]) == (True, 1_800_000_000_000, True)
        assert asked[-1].who == "token:acts"
        assert asked[-1].args == {"purifier": "ban-suan.p1-2-fan", "do": "on", "minutes": 30}
        refused = send('{"do": "off"}')
        assert refused.status == 409 and refused.json["error"]["what"] == "a rule forbids it"
        assert send('{"do": "on"}').status == 200
        assert asked[-1].args == {"purifier": "ban-suan.p1-2-fan", "do": "on"}, "how long is the rule's to say"
        assert send('{"do": "auto", "minutes": 5}').status == 200
        assert asked[-1].args == {"purifier": "ban-suan.p1-2-fan", "do": "auto"}
        for wrong in ('{"do": "explode"}', '{"do": "off", "minutes": 0}', '{"do": "off", "minutes": 9999}', "[]", "{"):
            assert send(wrong).status == 422, wrong
        assert send('{"do": "on", "minutes": 30, "force": true}').status == 422
        assert "a rule forbids it" in {outcome for *_, outcome in own_house.desk.audit(5)}


def test_asking_without_a_broker_says_so_at_once(house: Any) -> None:
    from classair.asking import NoAnswer

    async def ask() -> None:
        await house.live.ask("alerts", "override", "x", {})

    with pytest.raises(NoAnswer, match="unreachable"):
        asyncio.run(ask())


def test_the_gap_ledger_says_what_is_missing_and_why(house: Any) -> None:
    answered = house.ask("/api/v1/sensors/ban-suan.p1-2-pm/missing")
    assert answered.status == 200
    assert answered.json["lines"] == []
    assert house.ask("/api/v1/sensors/ban-suan.nobody/missing").status == 404
    assert house.ask("/api/v1/sensors/ban-suan.p1-2-pm/missing?start=2000&end=1000").status == 422
