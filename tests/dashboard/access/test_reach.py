"""Who is tied to places sees nothing else: lists, pages, streams, records, tables, whoever looks at the same time."""

from __future__ import annotations

import http.client
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import classair.alerting.reading as reading_of_records
from classair.alerting.records import PreferenceRecord
from classair.wire import ServiceStatus, Topics
from dashboard.access.reach import Reach, reader, reading
from dashboard.readers.config import SeenConfig, seen_config
from tests.classair.alerting.filled import put, put_alert, put_notification
from tests.dashboard.conftest import now_ms, state_of

PASSWORD = "four unrelated words here"
DAY = "2026-11-23"
ROOMS = {"ban-suan.p1-2", "ban-suan.p1-10", "ban-suan.p4-1", "ban-suan.a1-1", "ban-suan.yard", "rim-khlong.a2-1"}


def test_a_reach_of_a_room_is_that_room_and_its_schools_outdoors(schools: Any) -> None:
    reach = Reach(frozenset({"ban-suan.p1-2"}))
    seen = seen_config(schools, reach)
    assert {full for full, _ in seen.rooms()} == {"ban-suan.p1-2", "ban-suan.yard"}
    assert {full for full, one in seen.sensors()} == {
        full for full, one in schools.sensors() if full.startswith("ban-suan.") and one.room in ("p1-2", "yard")
    }
    assert [full for full, _ in seen.purifiers()] == schools.purifiers_in("ban-suan.p1-2")
    assert not reach.covers("ban-suan") and reach.touches("ban-suan") and not reach.touches("rim-khlong")
    assert not reach.covers("ban-suan.yard")


def test_a_reach_of_rooms_that_are_gone_is_empty_and_no_error(schools: Any) -> None:
    assert list(seen_config(schools, Reach(frozenset({"gone.room"}))).rooms()) == []


def test_the_same_reach_is_given_the_same_configuration_until_it_changes(schools: Any) -> None:
    now = [schools]
    seen = SeenConfig(lambda: now[0])
    assert seen() is schools
    with reading(Reach(frozenset({"rim-khlong"}))):
        first = seen()
        assert first is seen() and list(first.sites) == ["rim-khlong"]
        now[0] = schools.model_copy()
        assert seen() is not first
    assert reader().everything and seen() is now[0]


@pytest.fixture
def tied(school: Any, ledger: Path) -> Any:
    """A teacher of one room, a caretaker of one school, a researcher of the other one, a head of both."""
    put_alert(ledger, "beside", room="ban-suan.p4-1", subject="ban-suan.p4-1")
    put_alert(ledger, "school", room="", subject="ban-suan.gate", state="acknowledged")
    put_alert(ledger, "far", site="rim-khlong", room="rim-khlong.a2-1", subject="rim-khlong.a2-1")
    put_alert(ledger, "service", site="", room="", subject="ingest")
    put_notification(ledger, "n-far", "far", site="rim-khlong", title="far away")
    put(ledger, "silence", id="si-far", at=now_ms(), until=now_ms() + 60_000, site="", room="rim-khlong.a2-1",
        subject="", rule="", who="x", why="x")  # fmt: skip
    put(ledger, "silence", id="si-fan", at=now_ms(), until=now_ms() + 60_000, site="", room="",
        subject="rim-khlong.a2-1-fan", rule="", who="x", why="x")  # fmt: skip
    put(ledger, "episode", id="ep-far", name="", sites='["rim-khlong"]', opened_at=now_ms(), opened_by="x", why="x")
    for name, role, places in (
        ("somsri", "teacher", ["ban-suan.p1-2"]),
        ("care", "caretaker", ["ban-suan"]),
        ("rin", "researcher", ["rim-khlong"]),
        ("town", "municipality", []),
    ):
        school.desk.add_account(name, role, PASSWORD, places)
    for room in ROOMS:
        school.put(state_of(room))
    return school


def ids(answer: Any, key: str, name: str = "id") -> set[str]:
    assert answer.status == 200, answer.text
    return {one[name] for one in answer.json[key]}


def test_lists_hold_what_the_account_is_about(tied: Any) -> None:
    teacher, care, rin, town = (tied.sign_in(name, PASSWORD) for name in ("somsri", "care", "rin", "town"))
    rooms = lambda who: ids(tied.ask("/api/v1/rooms", **who), "rooms", "room")  # noqa: E731
    assert rooms(teacher) == {"ban-suan.p1-2", "ban-suan.yard"}
    assert rooms(care) == {room for room in ROOMS if room.startswith("ban-suan.")}
    assert rooms(rin) == {room for room in ROOMS if room.startswith("rim-khlong.")}
    assert rooms(town) == rooms({}) == ROOMS
    alerts = lambda who: ids(tied.ask("/api/v1/alerts", **who), "alerts")  # noqa: E731
    assert alerts(teacher) == {"al-1", "school", "service"}
    assert alerts(care) == {"al-1", "beside", "school", "service"}
    assert alerts(rin) == {"far", "service"}
    silences = lambda who: ids(tied.ask("/api/v1/silences", **who), "silences")  # noqa: E731
    assert silences(teacher) == {"si-1"} and silences(town) == {"si-1", "si-far", "si-fan"}
    assert silences(rin) == {"si-far", "si-fan"}
    assert ids(tied.ask("/api/v1/episodes", **care), "episodes") == {"ep-1"}
    assert {one["room"] for one in tied.ask("/api/v1/purifiers", **teacher).json["purifiers"]} == {"ban-suan.p1-2"}
    health = tied.ask("/api/v1/health", **rin).json
    assert all(full.startswith("rim-khlong.") for full in (*health["sensors"], *health["bridges"]))
    assert ids(tied.ask("/api/v1/deployments", **teacher), "deployments", "room") <= {"ban-suan.p1-2", "ban-suan.yard"}


REFUSED = (
    ("/api/v1/rooms/ban-suan.p1-2/now", 200),
    ("/api/v1/rooms/ban-suan.yard/now", 200),
    ("/api/v1/rooms/ban-suan.p4-1/now", 403),
    ("/api/v1/rooms/rim-khlong.a2-1/series", 403),
    ("/api/v1/rooms/rim-khlong.nowhere/now", 403),
    (f"/api/v1/table?rooms=ban-suan.p1-2,ban-suan.p4-1&first={DAY}&last={DAY}", 403),
    (f"/api/v1/table?rooms=ban-suan.p1-2,ban-suan.yard&first={DAY}&last={DAY}", 200),
    (f"/api/v1/versions?site=rim-khlong&first={DAY}&last={DAY}", 403),
    (f"/api/v1/versions?site=ban-suan&first={DAY}&last={DAY}", 200),
    ("/api/v1/sensors/ban-suan.p4-1-pm/missing", 403),
    ("/api/v1/purifiers/ban-suan.p4-1-fan", 403),
    ("/api/v1/alerts?site=rim-khlong", 403),
    ("/api/v1/alerts/far", 404),
    ("/api/v1/alerts/beside", 404),
    ("/api/v1/episodes/ep-far", 404),
    ("/api/live?room=ban-suan.p4-1", 403),
    ("/room/ban-suan.p4-1", 403),
    ("/live/room?room=ban-suan.p4-1&once=true", 403),
)


def test_another_room_is_refused_with_words_and_another_record_is_not_there(tied: Any) -> None:
    teacher = tied.sign_in("somsri", PASSWORD)
    for path, status in REFUSED:
        answer = tied.ask(path, **teacher)
        assert answer.status == status, (path, answer.text)
        if status == 403:
            assert answer.json["error"]["what"].startswith("somsri may not see "), path
            assert "classair user rooms" in answer.json["error"]["right"]


def test_a_person_with_a_browser_is_told_in_their_language(tied: Any) -> None:
    answer = tied.ask("/room/rim-khlong.a2-1?lang=en", Accept="text/html", **tied.sign_in("somsri", PASSWORD))
    assert answer.status == 403 and "not one of your rooms" in answer.text


def test_what_is_open_to_everyone_is_not_closed_by_signing_in(tied: Any) -> None:
    assert tied.ask("/display/rim-khlong.a2-1", **tied.sign_in("somsri", PASSWORD)).status == 200


def test_views_are_shared_by_readers_of_the_same_places_only(tied: Any) -> None:
    """Three look at the overview at the same time, before and after each other."""
    who = {name: tied.sign_in(name, PASSWORD) for name in ("somsri", "rin", "town")}
    for _ in range(2):
        for name, there, gone in (
            ("town", ("ban-suan.p1-2", "rim-khlong.a2-1"), ()),
            ("somsri", ("ban-suan.p1-2",), ("ban-suan.p4-1", "rim-khlong.a2-1")),
            ("rin", ("rim-khlong.a2-1",), ("ban-suan.p1-2",)),
        ):
            page = tied.ask("/?lang=en", **who[name]).text
            stream = tied.ask("/live/overview?lang=en&once=true", **who[name]).text
            for text in (page, stream):
                assert all(f"/room/{room}" in text for room in there), (name, there)
                assert not any(f"/room/{room}" in text for room in gone), (name, gone)


def test_a_stream_brings_what_its_reader_sees(tied: Any) -> None:
    stream = http.client.HTTPConnection("127.0.0.1", tied.port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in tied.sign_in("somsri", PASSWORD).items()}
    stream.request("GET", "/api/live", headers=headers)
    answer = stream.getresponse()
    rooms: set[str] = set()
    while True:
        line = answer.readline().decode()
        if line.startswith("data: {"):
            said = json.loads(line[6:])
            if "room" in said:
                rooms.add(said["room"])
        if rooms and len(rooms) == 2:
            break
        tied.put(state_of("rim-khlong.a2-1"))
        tied.put(state_of("ban-suan.p4-1"))
        tied.put(state_of("ban-suan.yard"))
    assert rooms == {"ban-suan.p1-2", "ban-suan.yard"}
    stream.close()


def test_sensorthings_and_packages_end_at_the_reach(tied: Any) -> None:
    rin = tied.sign_in("rin", PASSWORD)
    things = tied.ask("/sta/v1.1/Things", **rin)
    assert {one["@iot.id"].partition(".")[0] for one in things.json["value"]} == {"rim-khlong"}
    wish = {"rooms": ["ban-suan.p1-2"], "first": DAY, "last": DAY}
    for path in ("/api/v1/exports/preview", "/api/v1/exports"):
        answer = tied.ask(path, "POST", body=json.dumps(wish).encode(), Content_Type="application/json", **rin)
        assert answer.status == 403 and "may not export ban-suan.p1-2" in answer.text
    assert tied.ask(f"/api/v1/data?rooms=ban-suan.p1-2&first={DAY}&last={DAY}", **rin).status == 403


def test_the_count_of_alerts_is_the_readers_own(tied: Any) -> None:
    """Three fire, of which a teacher of one room is about one and the services'."""
    status = ServiceStatus(service="alerts", state="online", at=now_ms(), figures={"alerts_unacknowledged": 4})
    tied.live.hear(Topics(tied.config.org).service_status("alerts"), status.model_dump_json().encode())
    for name, count in (("town", "4"), ("somsri", "2"), ("rin", "2")):
        who = tied.sign_in(name, PASSWORD)
        assert f'data-count="{count}"' in tied.ask("/?lang=en", **who).text, name
        stream = tied.ask("/live/overview?lang=en&once=true", **who).text
        assert f'"unacknowledged": {count}' in stream, name


def test_every_kind_of_record_is_cut_to_the_reader() -> None:
    """But what a person wants to be told of, which has no place."""
    assert set(reading_of_records._TABLES) - set(reading_of_records._SEEN) == {PreferenceRecord}


def test_what_purifiers_did_and_what_displays_showed_is_cut_as_well(tied: Any, ledger: Path) -> None:
    figures = ("off_s", "starts", "metered_s", "metered_wh", "rated_s", "rated_wh", "dust_s", "dust_mg")
    for fan in ("ban-suan.p1-2-fan", "ban-suan.p4-1-fan", "rim-khlong.a2-1-fan"):
        put(ledger, "purifier_usage", purifier=fan, day=DAY, on_s=60, **dict.fromkeys(figures, 0))
    records = tied.app.server.state.ctx.records
    day = date.fromisoformat(DAY)
    assert len(records.usage(day, day)) == 3
    for places, fans in (
        ({"ban-suan.p1-2"}, {"ban-suan.p1-2-fan"}),
        ({"ban-suan"}, {"ban-suan.p1-2-fan", "ban-suan.p4-1-fan"}),
    ):
        with reading(Reach(frozenset(places))):
            assert {one.purifier for one in records.usage(day, day)} == fans
            assert records.advice("rim-khlong.a2-1", now_ms()) == ""
