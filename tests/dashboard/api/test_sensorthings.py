"""The SensorThings view: entities with the fields of the standard, links that lead somewhere, pages that end."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from dashboard.sensorthings import filters
from tests.dashboard.conftest import MONDAY, SCHOOLS

STREAM = "ban-suan.p1-2-pm~p1-2~pm25"
# OGC 18-088, the tables of properties in section 8.2: what each entity must have.
FIELDS = {
    "Things": {"name", "description"},
    "Locations": {"name", "description", "encodingType", "location"},
    "Datastreams": {"name", "description", "observationType", "unitOfMeasurement"},
    "Sensors": {"name", "description", "encodingType", "metadata"},
    "ObservedProperties": {"name", "definition", "description"},
    "Observations": {"phenomenonTime", "result", "resultTime"},
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature"},
}
DAY = "phenomenonTime ge 2026-11-23T00:00:00+07:00 and phenomenonTime lt 2026-11-24T00:00:00+07:00"


class Client:
    """Follows links as a program would that knows the standard and not this house."""

    def __init__(self, house: Any) -> None:
        self._house = house
        self._token = house.desk.create_token("university", ("export",), 1)

    def get(self, path: str) -> Any:
        path = path.removeprefix(self._house.url)
        return self._house.ask(path.replace(" ", "%20"), Authorization=f"Bearer {self._token}")

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status == 200, answer.text
        return answer.json

    def all_of(self, path: str) -> list[Any]:
        found: list[Any] = []
        while path:
            page = self.json(path)
            found += page["value"]
            path = page.get("@iot.nextLink", "")
        return found


@pytest.fixture
def sta(school: Any) -> Client:
    return Client(school)


def filtered(text: str) -> str:
    return "$filter=" + quote(text, safe="'()")


def test_it_is_for_those_who_may_take_data_away(school: Any) -> None:
    assert school.ask("/sta/v1.1").status == 401
    school.desk.add_account("looker", "viewer", "a long enough password")
    assert school.ask("/sta/v1.1/Things", **school.sign_in("looker", "a+long+enough+password")).status == 403


def test_every_kind_has_the_fields_of_the_standard_and_links_to_itself(sta: Client) -> None:
    named = {one["name"]: one["url"] for one in sta.json("/sta/v1.1")["value"]}
    assert set(named) == set(FIELDS)
    named["Observations"] = f"/sta/v1.1/Datastreams('{STREAM}')/Observations?{filtered(DAY)}&$top=3"
    for kind, url in named.items():
        entities = sta.json(url)["value"]
        assert entities, kind
        for entity in entities[:3]:
            assert FIELDS[kind] <= set(entity), kind
            assert sta.json(entity["@iot.selfLink"])["@iot.id"] == entity["@iot.id"]


def test_every_link_of_an_entity_leads_somewhere(sta: Client) -> None:
    followed = 0
    for start in (
        f"Datastreams('{STREAM}')",
        "Things('ban-suan.p1-2')",
        "Locations('ban-suan')",
        "Sensors('ban-suan.p1-2-pm')",
        "ObservedProperties('pm25')",
    ):
        for name, link in sta.json(f"/sta/v1.1/{start}").items():
            if name.endswith("@iot.navigationLink"):
                assert "value" in sta.json(link) or "@iot.id" in sta.json(link)
                followed += 1
    assert followed >= 9
    one = sta.json(f"/sta/v1.1/Datastreams('{STREAM}')/Observations?{filtered(DAY)}&$top=1")["value"][0]
    assert sta.json(one["Datastream@iot.navigationLink"])["@iot.id"] == STREAM
    assert sta.json(one["FeatureOfInterest@iot.navigationLink"])["@iot.id"] == "ban-suan.p1-2"


def test_pages_of_observations_together_are_all_of_them_once(sta: Client) -> None:
    found = sta.all_of(f"/sta/v1.1/Datastreams('{STREAM}')/Observations?{filtered(DAY)}&$top=400")
    assert len(found) == 1440
    assert len({one["@iot.id"] for one in found}) == 1440
    assert [one["resultQuality"] for one in found[29:31]] == [["WARMUP"], []]
    assert found[60]["phenomenonTime"] == "2026-11-23T00:59:00.000+07:00/2026-11-23T01:00:00.000+07:00"
    assert found[60]["result"] == 1.0
    same = sta.all_of("/sta/v1.1/Observations?" + filtered(f"Datastream/id eq '{STREAM}' and {DAY}") + "&$top=1000")
    assert same == found


def test_lists_are_paged_counted_filtered_and_expanded(sta: Client) -> None:
    whole = sta.all_of("/sta/v1.1/Datastreams")
    assert sta.all_of("/sta/v1.1/Datastreams?$top=1") == whole
    assert sta.json("/sta/v1.1/Datastreams?$count=true&$top=0")["@iot.count"] == len(whole)
    one = sta.json("/sta/v1.1/Datastreams?$expand=Thing,Sensor&" + filtered(f"id eq '{STREAM}'"))["value"]
    assert [(s["Thing"]["@iot.id"], s["Sensor"]["metadata"]) for s in one] == [("ban-suan.p1-2", "pms5003t")]
    thing = sta.json("/sta/v1.1/Things('ban-suan.p1-2')?$expand=Datastreams,Locations")
    assert STREAM in [stream["@iot.id"] for stream in thing["Datastreams"]]
    assert thing["Locations"][0]["location"]["coordinates"] == [100.50, 13.95, 3]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("Boats", 404, "unknown kind of entity"),
        ("Things('ban-suan.p1-3')", 404, "did you mean"),
        ("Datastreams('no')/Observations", 404, "known"),
        ("Things('ban-suan.p1-2')/Sensors", 404, "Datastreams"),
        ("Things?$top=5000", 400, "from 0 to 1000"),
        ("Things?$top=-1", 400, "from 0 to 1000"),
        ("Things?$top=two", 400, "whole number"),
        ("Things?$skip=9999999", 400, "from 0 to"),
        ("Things?$count=yes", 400, "true or false"),
        ("Things?$orderby=colour", 400, "no 'colour'; known: id"),
        ("Things?$orderby=name sideways", 400, "asc or desc"),
        ("Things?$select=name,colour", 400, "no 'colour'; known: id"),
        ("Things?$expand=Sensors", 400, "no link 'Sensors'; known: Locations, Datastreams"),
        ("Things?$expand=Datastreams(Observations)", 400, "an option such as $top=1"),
        ("Things?$expand=Datastreams($top=1", 400, "do not match"),
        ("Things?$expand=Datastreams($topp=1)", 400, "$topp is not supported"),
        ("Things?$expand=Datastreams($orderby=colour)", 400, "no 'colour'"),
        ("Things?$apply=aggregate", 400, "$apply is not supported; supported: $top"),
        ("Things?" + filtered("name eq x"), 400, "no 'x'"),
        ("Things?" + filtered("name like 'x'"), 400, "comparisons"),
        ("Things?" + filtered("(name eq 'x'"), 400, "a missing )"),
        ("Things?" + filtered("geo.distance(location) gt 1"), 400, "supported"),
        ("Things?" + filtered("not " * 40 + "name eq 'x'"), 400, "nested deeper"),
        ("Observations?$orderby=result desc", 400, "by phenomenonTime, resultTime or id"),
        (f"Datastreams('{STREAM}')/Observations?" + filtered("phenomenonTime ge 2026-11-23T00:00:00"), 400, "offset"),
        (f"Datastreams('{STREAM}')/Observations?" + filtered("phenomenonTime ge 'soon' or"), 400, "ISO 8601"),
        (f"Datastreams('{STREAM}')/Observations?" + filtered("phenomenonTime ge 2026-11-23"), 400, "no UTC offset"),
        (f"Datastreams('{STREAM}')/Observations?" + filtered("resultTime lt '2569-11-23T00:00:00Z'"), 400, "mean 2026"),
        (f"Datastreams('{STREAM}')/Observations?$skiptoken=x", 400, "nextLink"),
        (f"Observations('{STREAM}~1~1')", 404, "no observation"),
        ("Observations('x')", 404, "no observation"),
    ],
)
def test_what_is_not_offered_is_said(sta: Client, path: str, status: int, said: str) -> None:
    answer = sta.get(f"/sta/v1.1/{path}")
    assert answer.status == status, answer.text
    assert said in json.dumps(answer.json, ensure_ascii=False)


def test_nested_expansion_gives_each_datastream_with_its_newest_value(sta: Client) -> None:
    asked = "$expand=Datastreams($select=name;$orderby=id;$expand=Observations($orderby=phenomenonTime desc;$top=1))"
    thing = sta.json(f"/sta/v1.1/Things('ban-suan.p1-2')?{asked}")
    found = {one["name"].partition(" ")[0]: one for one in thing["Datastreams"]}
    assert list(found) == ["pm25", "rh_pct"]
    assert [set(one) for one in found.values()] == [{"name", "Observations", "Observations@iot.nextLink"}] * 2
    newest = found["pm25"]["Observations"]
    assert [(one["result"], one["resultTime"]) for one in newest] == [(23.0, "2026-11-23T23:59:00.000+07:00")]
    before = sta.json(found["pm25"]["Observations@iot.nextLink"])["value"]
    assert [one["resultTime"] for one in before] == ["2026-11-23T23:58:00.000+07:00"]
    older = sta.json("/sta/v1.1/Things?$expand=Datastreams/Observations&$top=1&" + filtered("id eq 'ban-suan.p1-2'"))
    assert len(older["value"][0]["Datastreams"][0]["Observations"]) == 100


def test_observations_of_all_datastreams_come_in_order_of_time_both_ways(sta: Client) -> None:
    up = sta.all_of("/sta/v1.1/Observations?$top=1000")
    assert len(up) == 4 * 1440 == sta.json("/sta/v1.1/Observations?$count=true&$top=0")["@iot.count"]
    assert len({one["@iot.id"] for one in up}) == len(up)
    times = [one["resultTime"] for one in up]
    assert times == sorted(times)
    down = sta.all_of("/sta/v1.1/Observations?$top=700&$orderby=phenomenonTime desc")
    assert [one["@iot.id"] for one in down] == [one["@iot.id"] for one in reversed(up)]
    skipped = sta.json("/sta/v1.1/Observations?$top=3&$skip=5")["value"]
    assert skipped == up[5:8]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", 1440),
        ("phenomenonTime ge 2026-11-23T10:00:00+07:00", 840),
        ("phenomenonTime ge 2026-11-23T10:15:00+07:00 and phenomenonTime lt 2026-11-23T12:30:00+07:00", 135),
        ("phenomenonTime gt 2026-11-23T10:00:00+07:00 and resultTime le 2026-11-23T10:01:00+07:00", 1),
        ("phenomenonTime lt 2026-11-23T00:00:00+07:00", 0),
        ("result ge 22", 120),
        ("result eq 3 or result eq 5", 120),
        ("not (result lt 22) and phenomenonTime ge 2026-11-23T23:00:00+07:00", 60),
        ("Datastream/Thing/id eq 'ban-suan.yard'", 0),
        ("Datastream/ObservedProperty/name eq 'pm25' and result eq 3", 60),
        ("parameters/simulated eq false", 0),
        ("startswith(Datastream/name, 'pm25')", 1440),
    ],
)
def test_filters_and_counts_agree(sta: Client, asked: str, expected: int) -> None:
    path = f"/sta/v1.1/Datastreams('{STREAM}')/Observations?$top=1000&$count=true"
    path += f"&{filtered(asked)}" if asked else ""
    assert sta.json(path)["@iot.count"] == len(sta.all_of(path)) == expected


def test_entities_can_be_ordered_selected_and_filtered_by_what_they_are(sta: Client) -> None:
    names = [one["name"] for one in sta.json("/sta/v1.1/Things?$orderby=name desc&$select=name")["value"]]
    assert names == sorted(names, reverse=True)
    page = sta.json("/sta/v1.1/Things?$orderby=properties/volume_m3,name&$select=id,properties&$top=3")
    assert all(set(one) == {"@iot.id", "properties"} for one in page["value"])
    volumes = [
        one["properties"]["volume_m3"]
        for one in sta.all_of("/sta/v1.1/Things?$orderby=properties/volume_m3&$select=properties&$top=2")
    ]
    assert volumes == sorted(volumes, key=lambda volume: volume or 0)
    assert {
        one["@iot.id"] for one in sta.json("/sta/v1.1/Things?" + filtered("properties/outdoor eq true"))["value"]
    } == {"ban-suan.yard"}
    found = sta.json(
        "/sta/v1.1/Datastreams?$expand=ObservedProperty($select=name)&$select=id&"
        + filtered("Thing/id eq 'ban-suan.p1-2' and unitOfMeasurement/symbol eq '%'")
    )
    assert found["value"] == [{"@iot.id": "ban-suan.p1-2-pm~p1-2~rh_pct", "ObservedProperty": {"name": "rh_pct"}}]
    of_room = sta.json("/sta/v1.1/FeaturesOfInterest('ban-suan.p1-2')/Observations?$top=1&$count=true")
    assert of_room["@iot.count"] == 2880


def test_a_place_that_nobody_knows_has_no_coordinates_and_a_geometry(make_house: Any, readings: Any) -> None:
    from classair.config import parse
    from classair.stores.sqlite.store import SqliteStore

    text = SCHOOLS.read_text("utf-8").replace("position:", "# position:")
    store = SqliteStore(readings, readonly=True)
    nowhere = Client(make_house(store=store, readings=readings, config=parse(text)))
    place = nowhere.json("/sta/v1.1/Locations('ban-suan')")["location"]
    assert place == {"type": "Point", "coordinates": []}
    store.close()


def test_a_device_that_sends_its_quantities_in_turn_keeps_all_its_datastreams(make_house: Any, tmp_path: Any) -> None:
    from classair.model import Reading
    from classair.stores.sqlite.store import SqliteStore

    store = SqliteStore(tmp_path / "turns.db")
    store.write(
        Reading(
            "ban-suan.p1-2-pm", "ban-suan.suan-pi", "ab12cd34ef", n, MONDAY + n * 60_000,
            {"pm25": float(n)} if n % 2 else {"rh_pct": 60.0}, 60.0, room="ban-suan.p1-2",
        )
        for n in range(1, 101)
    )  # fmt: skip
    client = Client(make_house(store=store, readings=tmp_path / "turns.db"))
    asked = "$expand=Observations($orderby=phenomenonTime desc;$top=1)&$orderby=id"
    found = client.json(f"/sta/v1.1/Datastreams?{asked}")["value"]
    assert [(one["@iot.id"].rpartition("~")[2], one["Observations"][0]["result"]) for one in found] == [
        ("pm25", 99.0),
        ("rh_pct", 60.0),
    ]
    store.close()


def test_links_stay_on_the_server_that_was_asked(sta: Client, school: Any) -> None:
    for entity in sta.all_of("/sta/v1.1/Things"):
        assert urlsplit(entity["@iot.selfLink"]).netloc == urlsplit(school.url).netloc


def test_times_of_a_filter_are_half_open_to_the_millisecond() -> None:
    at = "2026-11-23T00:00:00Z"
    ms = 1_795_392_000_000
    for how, since, until in (
        ("ge", ms, None),
        ("gt", ms + 1, None),
        ("lt", None, ms),
        ("le", None, ms + 1),
        ("eq", ms, ms + 1),
    ):
        assert filters.bounds(filters.parse(f"phenomenonTime {how} {at}")) == (since, until, None)
    for said in ("'2026-11-23T00:00:00Z'", "2026-11-23T07:00:00+07:00", "1795392000000"):
        assert filters.bounds(filters.parse(f"phenomenonTime ge {said}")) == (1795392000000, None, None)
    narrowed = filters.parse(
        f"resultTime ge {at} and phenomenonTime gt {at} and phenomenonTime lt {at} and result gt 1"
    )
    since, until, rest = filters.bounds(narrowed)
    assert (since, until) == (ms + 1, ms)
    assert rest == filters.parse("result gt 1")
