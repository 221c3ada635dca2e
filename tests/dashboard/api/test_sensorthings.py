"""The SensorThings view: entities with the fields of the standard, links that lead somewhere, pages that end."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from dashboard.sensorthings.query_options import InvalidQuery, query_options

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
    assert thing["Locations"][0]["location"]["coordinates"] == [100.50, 13.95]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("Boats", 404, "unknown kind of entity"),
        ("Things('ban-suan.p1-3')", 404, "did you mean"),
        ("Datastreams('no')/Observations", 404, "known"),
        ("Things('ban-suan.p1-2')/Sensors", 404, "Datastreams"),
        ("Things?$top=5000", 422, "from 0 to 1000"),
        ("Things?$top=-1", 422, "from 0 to 1000"),
        ("Things?$orderby=name", 422, "$filter"),
        ("Things?$expand=Datastreams/Observations", 422, "one level"),
        ("Datastreams?$expand=Observations", 422, "one level"),
        ("Things?" + filtered("name eq 'x' or 1 eq 1"), 422, "joined by and"),
        ("Observations", 422, "Datastream"),
        (f"Datastreams('{STREAM}')/Observations?" + filtered("phenomenonTime ge 2020-01-01T00:00:00Z"), 422, "31 days"),
        (f"Datastreams('{STREAM}')/Observations?" + filtered("phenomenonTime ge 2026-11-23T00:00:00"), 422, "offset"),
        (f"Datastreams('{STREAM}')/Observations?$skiptoken=x", 422, "nextLink"),
        (f"Datastreams('{STREAM}')/Observations?$skip=5", 422, "nextLink"),
        (f"Observations('{STREAM}~1~1')", 404, "no observation"),
        ("Observations('x')", 404, "no observation"),
    ],
)
def test_what_is_not_offered_is_said(sta: Client, path: str, status: int, said: str) -> None:
    answer = sta.get(f"/sta/v1.1/{path}")
    assert answer.status == status, answer.text
    assert said in json.dumps(answer.json, ensure_ascii=False)


def test_links_stay_on_the_server_that_was_asked(sta: Client, school: Any) -> None:
    for entity in sta.all_of("/sta/v1.1/Things"):
        assert urlsplit(entity["@iot.selfLink"]).netloc == urlsplit(school.url).netloc


def test_times_of_a_filter_are_half_open_to_the_millisecond() -> None:
    at = "2026-11-23T00:00:00Z"
    ms = 1_795_392_000_000
    for how, field, expected in (
        ("ge", "since", ms),
        ("gt", "since", ms + 1),
        ("lt", "until", ms),
        ("le", "until", ms + 1),
    ):
        assert getattr(query_options({"$filter": f"phenomenonTime {how} {at}"}, ()), field) == expected
    with pytest.raises(InvalidQuery, match="ge, gt, le or lt"):
        query_options({"$filter": f"phenomenonTime eq {at}"}, ())
