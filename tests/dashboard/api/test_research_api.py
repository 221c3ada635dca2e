"""Tables, single readings, deployments, corrections and events: as a researcher's script meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from classair.broker import BrokerAddress
from classair.places import Places
from classair.service import Following
from classair.wire import Topics
from dashboard.api.tables import TableAnswer

SCHOOLS = Path(__file__).parents[3] / "sensors.yaml"
MONDAY = 1_795_366_800_000  # 2026-11-23T00:00+07:00
TABLE = "/api/v1/table?rooms=ban-suan.p1-2&first=2026-11-23&last=2026-11-23"


def test_a_table_says_values_completeness_flags_and_versions(school: Any) -> None:
    answer = school.ask(TABLE).json
    assert (len(answer["rows"]), answer["next"], answer["units"]) == (24, None, {"pm25": "µg/m³"})
    first, second = answer["rows"][:2]
    assert (first["value"], first["n"], first["expected"], first["bad"], first["why"]) == (
        None,
        30,
        60,
        {"warmup": 30},
        "incomplete",
    )
    assert (second["start"], second["value"], second["sensor"]) == (
        "2026-11-23T01:00:00+07:00",
        1.0,
        "ban-suan.p1-2-pm",
    )
    assert answer["versions"] == {"ban-suan": {"2026-11-23": 1}}
    assert answer["simulated"] == ["ban-suan"]


def test_pages_of_a_table_together_are_the_table(school: Any) -> None:
    whole, after, found = school.ask(TABLE).json["rows"], "", []
    while after is not None:
        page = school.ask(f"{TABLE}&limit=7" + (f"&after={after}" if after else "")).json
        found += page["rows"]
        after = page["next"]
    assert found == whole
    assert [school.ask(f"{TABLE}&limit=7&offset={offset}").json["rows"] for offset in (0, 5, 20, 24, 999)] == [
        whole[:7],
        whole[5:12],
        whole[20:],
        [],
        [],
    ]


def test_an_answer_is_what_the_schema_says(school: Any) -> None:
    for more in ("", "&index=thai2023&step=1d&limit=1", "&limit=3"):
        TableAnswer.model_validate_json(school.ask(TABLE + more).body, strict=False)


def test_the_same_question_of_the_same_data_has_the_same_name(school: Any) -> None:
    one = school.ask(TABLE).json
    two = school.ask(TABLE + "&quantities=pm25&step=1h").json
    assert (one["id"], one["data"]) == (two["id"], two["data"])
    assert school.ask(TABLE + "&lesson=1").json["id"] != one["id"]


def test_lesson_time_and_corrections_can_be_asked_for(school: Any) -> None:
    lesson = school.ask(TABLE + "&lesson=true&step=15m").json["rows"]
    assert sum(row["n"] for row in lesson) == 6 * 60
    corrected = school.ask(TABLE + "&method=epa2021_atm").json["rows"][10]
    assert corrected["correction"] == "epa2021_atm@1"
    assert corrected["value"] == pytest.approx(0.524 * 10 - 0.0862 * 60 + 5.75)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("&step=7m", "step"),
        ("&quantities=o3", "unknown o3"),
        ("&method=magic", "unknown correction 'magic'"),
        ("&method=epa2021_atm&step=1m", "at least 5m"),
        ("&completeness=3", "completeness"),
        ("&limit=99999", "limit"),
        ("&after=5", "after"),
        ("&after=1~ban-suan.p1-2~ban-suan.p1-2-pm~pm25", "after"),
        (f"&after={MONDAY}~ban-suan.yard~ban-suan.p1-2-pm~pm25", "after"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_reasons(school: Any, more: str, said: str) -> None:
    answer = school.ask(TABLE + more)
    assert answer.status == 422
    assert said in json.dumps(answer.json)


def test_a_table_too_large_for_one_question_is_refused_before_it_is_worked_out(school: Any) -> None:
    answer = school.ask("/api/v1/table?rooms=ban-suan.p1-2,ban-suan.yard&first=2016-01-01&last=2026-11-23&step=1m")
    assert answer.status == 422
    assert "or an export" in answer.json["error"]["what"]


def signed_in(house: Any, role: str) -> dict[str, str]:
    house.desk.add_account(f"one-{role}", role, "a long enough password")
    return dict(house.sign_in(f"one-{role}", "a+long+enough+password"))


def asked_for_readings(house: Any, headers: dict[str, str], more: str = "") -> Any:
    start, end = quote("2026-11-23T00:00:00+07:00"), quote("2026-11-23T01:00:00+07:00")
    return house.ask(f"/api/v1/readings?room=ban-suan.p1-2&start={start}&end={end}{more}", **headers)


def test_single_readings_are_for_those_who_may_export(school: Any) -> None:
    assert asked_for_readings(school, {}).status == 401
    assert asked_for_readings(school, signed_in(school, "viewer")).status == 403


def test_single_readings_come_page_by_page_with_their_flags(school: Any) -> None:
    headers = signed_in(school, "researcher")
    page = asked_for_readings(school, headers, "&limit=50").json
    assert [row["flags"] for row in (page["readings"][29], page["readings"][30])] == [["WARMUP"], []]
    rest = asked_for_readings(school, headers, f"&limit=50&after={page['next']}").json
    assert (len(rest["readings"]), rest["next"]) == (10, None)
    assert len({row["seq"] for row in page["readings"] + rest["readings"]}) == 60
    for hostile in ("yesterday", f"{2**63}~a~1", "-1~a~1", f"{MONDAY - 1}~a~{2**70}"):
        answer = asked_for_readings(school, headers, f"&after={hostile}")
        assert (answer.status, answer.json["error"]["where"]) == (422, "after"), hostile


@pytest.mark.parametrize("path", ["readings", "flags", "rollups"])
def test_a_misspelt_sensor_is_no_sensor_without_data(school: Any, path: str) -> None:
    headers = signed_in(school, "researcher")
    start, end = quote("2026-11-23T09:00:00+07:00"), quote("2026-11-23T10:00:00+07:00")
    address = f"/api/v1/{path}?room=ban-suan.p1-2&start={start}&end={end}&sensor=ban-suan.p1-2-"
    assert school.ask(f"{address}pm", **headers).status == 200
    answer = school.ask(f"{address}mp", **headers)
    assert (answer.status, answer.json["error"]["right"]) == (404, "did you mean ban-suan.p1-2-pm?")


def test_deployments_say_where_a_sensor_hung_and_which_model_it_is(school: Any) -> None:
    found = school.ask("/api/v1/deployments?site=ban-suan").json["deployments"]
    row = next(row for row in found if row["sensor"] == "ban-suan.p1-2-pm")
    assert (row["room"], row["model"], row["start"], row["end"], row["config_version"]) == (
        "ban-suan.p1-2",
        "pms5003t",
        None,
        None,
        1,
    )
    assert all(row["sensor"].startswith("ban-suan.") for row in found)
    assert school.ask("/api/v1/deployments?site=ban-suam").json["error"]["right"] == "did you mean ban-suan?"


def test_published_corrections_are_listed_with_their_formula(school: Any) -> None:
    answer = school.ask("/api/v1/corrections").json
    assert answer["accepted"] == []
    assert {one["id"] for one in answer["published"]} >= {"none", "epa2021_atm"}


# -- events ------------------------------------------------------------------------------------------------------------

WISH = {
    "site": "ban-suan",
    "room": "ban-suan.p1-2",
    "kind": "filter_change",
    "start": "2026-11-23T09:00:00+07:00",
    "note": "HEPA",
}


@pytest.fixture
def ingest(broker: Any, tmp_path: Path) -> Iterator[Places]:
    """Ingest as a process of its own beside a real broker, with the demo schools."""
    places = Places(tmp_path / "data")
    places.run.mkdir(parents=True)
    log = (tmp_path / "ingest.log").open("ab")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "classair",
            "ingest",
            "--data",
            str(places.root),
            "--config",
            str(SCHOOLS),
            "--broker",
            broker.url,
        ],
        stderr=log,
    )
    yield places
    process.terminate()
    process.wait(10)
    log.close()


def joined(house: Any, broker: Any, places: Places, wait_for: Any) -> Any:
    """The dashboard's own link to the broker; ingest has been heard through it."""
    following = Following(places.accepted_config)
    link = house.live.connect(BrokerAddress(broker.host, broker.port, "dashboard"), Topics(house.config.org), following)
    assert link.wait_up(60)
    # Not its status: the house itself has said that every part is alive.
    wait_for(lambda: following.current, 20, "ingest's word")
    return link


def test_an_event_is_noted_shown_and_withdrawn(make_house: Any, broker: Any, ingest: Places, wait_for: Any) -> None:
    house = make_house(readings=ingest.readings)
    link = joined(house, broker, ingest, wait_for)
    headers = {**signed_in(house, "caretaker"), "Content_Type": "application/json"}
    try:
        made = house.ask("/api/v1/events", "POST", body=json.dumps(WISH).encode(), **headers)
        assert (made.status, made.json["kind"], made.json["added_by"]) == (
            201,
            "filter_change",
            "account:one-caretaker",
        )
        listed = "/api/v1/events?first=2026-11-01&last=2026-11-30"
        assert [row["note"] for row in house.ask(listed, **headers).json["events"]] == ["HEPA"]
        assert house.ask(f"/api/v1/events/{made.json['id']}", "DELETE", **headers).status == 200
        assert house.ask(listed, **headers).json["events"] == []
        wrong = house.ask(
            "/api/v1/events", "POST", body=json.dumps({**WISH, "room": "ban-suan.zz"}).encode(), **headers
        )
        assert (wrong.status, "ban-suan.zz" in wrong.text) == (409, True)
    finally:
        link.stop()


def test_noting_an_event_needs_the_right_to_control(make_house: Any) -> None:
    house = make_house()
    body = json.dumps(WISH).encode()
    assert house.ask("/api/v1/events", "POST", body=body, Content_Type="application/json").status == 401
    headers = {**signed_in(house, "viewer"), "Content_Type": "application/json"}
    assert house.ask("/api/v1/events", "POST", body=body, **headers).status == 403


def test_without_ingest_nothing_is_noted_and_it_says_so(make_house: Any) -> None:
    house = make_house()
    headers = {**signed_in(house, "admin"), "Content_Type": "application/json"}
    answer = house.ask("/api/v1/events", "POST", body=json.dumps(WISH).encode(), **headers)
    assert (answer.status, answer.json["error"]["where"]) == (503, "ingest")
