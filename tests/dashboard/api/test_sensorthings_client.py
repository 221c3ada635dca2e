"""frost_sta_client, the client of the FROST server, against a dashboard in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import frost_sta_client as frost
import pytest
import requests
from frost_sta_client.service.auth_handler import AuthHandler

from tests.dashboard.conftest import SCHOOLS
from tests.neighbours.ports import free_port

pytestmark = [pytest.mark.thorough, pytest.mark.servers]

STREAM = "ban-suan.p1-2-pm~p1-2~pm25"


class Token(AuthHandler):  # type: ignore[misc]
    """The client knows passwords alone; its requests take whatever signs them."""

    def __init__(self, token: str) -> None:
        super().__init__("", "")
        self._token = token

    def add_auth_header(self) -> Callable[[Any], Any]:
        def sign(request: Any) -> Any:
            request.headers["Authorization"] = f"Bearer {self._token}"
            return request

        return sign


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/login", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def service(readings: Path, tmp_path_factory: pytest.TempPathFactory, wait_for: Callable[..., Any]) -> Iterator[Any]:
    data, port = tmp_path_factory.mktemp("data"), free_port()
    shutil.copy(readings, data / "readings.db")
    common = ["--data", str(data), "--config", str(SCHOOLS)]
    words = ("dashboard", "--port", str(port), "--broker", f"mqtt://127.0.0.1:{free_port()}")
    process = subprocess.Popen([sys.executable, "-m", "classair", *words, *common])
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: process.poll() is not None or answers(address), what="the dashboard")
        assert process.poll() is None
        told = subprocess.run(
            [sys.executable, "-m", "classair", "user", "token", "create", "frost", "--scope", "export", *common[:2]],
            capture_output=True,
            text=True,
            check=True,
        )
        token = next(word for word in told.stdout.split() if word.startswith("classair_"))
        yield frost.SensorThingsService(f"{address}/sta/v1.1", auth_handler=Token(token))
    finally:
        process.terminate()
        process.wait(20)


def test_the_newest_value_of_a_datastream(service: Any) -> None:
    stream = service.datastreams().find(STREAM)
    newest = stream.get_observations().query().orderby("phenomenonTime", "desc").top(1).list()
    assert [(one.result, one.result_time) for one in newest.entities] == [(23.0, "2026-11-23T23:59:00.000+07:00")]


def test_the_newest_value_of_every_datastream_in_one_request(service: Any) -> None:
    found = (
        service.things()
        .query()
        .filter("id eq 'ban-suan.p1-2'")
        .expand(
            "Locations,Datastreams($expand=ObservedProperty,Sensor,Observations($orderby=phenomenonTime desc;$top=1))"
        )
        .list()
    )
    (room,) = found.entities
    assert (room.name, room.locations.entities[0].location["coordinates"][:2]) == (
        "P.1/2, Ban Suan Example School",
        [100.5, 13.95],
    )
    newest = {
        stream.observed_property.name: stream.observations.entities[0].result for stream in room.datastreams.entities
    }
    assert newest == {"pm25": 23.0, "rh_pct": 60.0}
    assert {stream.sensor.metadata for stream in room.datastreams.entities} == {"pms5003t"}


def test_a_day_is_read_page_by_page_and_counted(service: Any) -> None:
    day = "phenomenonTime ge 2026-11-23T00:00:00+07:00 and phenomenonTime lt 2026-11-24T00:00:00+07:00"
    stream = service.datastreams().find(STREAM)
    pages = stream.get_observations().query().filter(day).orderby("phenomenonTime", "asc").top(500).count().list()
    assert pages.count == 1440
    results = [one.result for one in pages]
    assert (len(results), results[0], results[-1]) == (1440, 0.0, 23.0)


def test_all_observations_can_be_asked_for_at_once_and_some_properties_chosen(service: Any) -> None:
    newest = service.observations().query().select("id", "result").orderby("phenomenonTime").top(2).list()
    assert [one.result for one in newest.entities] == [60.0, 23.0]
    assert all(one.phenomenon_time is None and one.id for one in newest.entities)
    named = service.observed_properties().query().orderby("name", "desc").select("name").list()
    assert [one.name for one in named.entities] == ["rh_pct", "pm25"]


def test_an_entity_leads_to_its_neighbours(service: Any) -> None:
    newest = (
        service.observations().query().orderby("phenomenonTime").top(1).expand("Datastream,FeatureOfInterest").list()
    )
    (one,) = newest.entities
    assert service.observations().find(one.id).result == one.result
    assert one.feature_of_interest.feature["type"] == "Point"
    assert service.datastreams().find(one.datastream.id).unit_of_measurement.symbol in ("%", "µg/m³")


def test_a_wrong_option_is_a_bad_request_with_words(service: Any) -> None:
    with pytest.raises(requests.HTTPError) as wrong:
        service.things().query().orderby("colour").list()
    assert wrong.value.response.status_code == 400
    assert "Things have no 'colour'; known: id" in wrong.value.response.text
