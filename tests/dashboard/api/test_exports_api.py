"""Packages over the API and the page: asked for, made by a process of their own, fetched; by those who may."""

from __future__ import annotations

import io
import json
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pyarrow.ipc as ipc
import pytest

from classair.model import Reading
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.units import MINUTE_MS
from dashboard.queries.exports import KEEP_MS, ExportRefused, Exports

pytestmark = pytest.mark.thorough

MONDAY = 1_795_366_800_000  # 2026-11-23T00:00+07:00
NOW = MONDAY + 5 * 86_400_000
WISH = {"rooms": ["ban-suan.p1-2"], "first": "2026-11-23", "last": "2026-11-24", "quantities": ["pm25"], "step": "1h"}
SCHOOLS = Path("sensors.yaml").resolve()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Two days of one room in minutes."""
    places = Places(tmp_path_factory.mktemp("exports"))
    store = SqliteStore(places.readings)
    store.write(
        [
            Reading(
                "ban-suan.p1-2-pm",
                "ban-suan.suan-pi",
                "ab12cd34ef",
                minute + 1,
                MONDAY + minute * MINUTE_MS,
                {"pm25": float(minute // 60 % 24)},
                60.0,
                room="ban-suan.p1-2",
                simulated=True,
            )
            for minute in range(2 * 1440)
        ]
    )
    store.close()
    return places


@pytest.fixture
def make_exports(data: Places, tmp_path: Path) -> Iterator[Callable[..., Exports]]:
    made: list[Exports] = []

    def make(**more: Any) -> Exports:
        made.append(Exports(data, SCHOOLS, lambda: NOW, desk=tmp_path / "desk.db", **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def house(make_house: Any, data: Places, make_exports: Callable[..., Exports]) -> Iterator[Any]:
    store = SqliteStore(data.readings, readonly=True)
    exports = make_exports()
    exports.begin()
    yield make_house(store=store, readings=data.readings, exports=exports)
    store.close()


def signed_in(house: Any, role: str, name: str = "") -> dict[str, str]:
    name = name or f"one-{role}"
    house.desk.add_account(name, role, "a long enough password")
    return {**house.sign_in(name, "a+long+enough+password"), "Content_Type": "application/json"}


def post(house: Any, where: str, headers: dict[str, str], **wish: Any) -> Any:
    return house.ask(where, "POST", body=json.dumps({**WISH, **wish}).encode(), **headers)


def ended(house: Any, identity: str, headers: dict[str, str]) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = house.ask(f"/api/v1/exports/{identity}", **headers).json
        if told["state"] in ("ready", "failed", "cancelled"):
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def as_described(path: str, method: str, status: str, answer: Any) -> None:
    """Raises when an answer is not as the API's description says."""
    document = json.loads(Path("docs/openapi.json").read_text("utf-8"))
    schema = document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(answer)


def test_a_package_is_previewed_begun_followed_fetched_and_removed(house: Any, data: Places) -> None:
    headers = signed_in(house, "researcher")
    seen = post(house, "/api/v1/exports/preview", headers).json
    assert (seen["rows"], seen["gaps"], seen["simulated"], len(seen["sample"])) == (48, 0.0, ["ban-suan"], 3)
    begun = post(house, "/api/v1/exports", headers)
    assert begun.status == 202
    told = ended(house, begun.json["id"], headers)
    as_described("/api/v1/exports/preview", "post", "200", seen)
    as_described("/api/v1/exports", "post", "202", begun.json)
    as_described("/api/v1/exports", "get", "200", house.ask("/api/v1/exports", **headers).json)
    as_described("/api/v1/exports/{export}", "get", "200", told)
    assert (told["state"], told["rows"], told["asked_by"]) == ("ready", 48, "account:one-researcher")
    fetched = house.ask(told["package"], **headers)
    assert fetched.status == 200
    with zipfile.ZipFile(data.exports / told["id"] / "package.zip") as packed:
        name = next(name for name in packed.namelist() if name.endswith("versions.json"))
        assert json.loads(packed.read(name))["data"] == told["data"]
        readme = packed.read(name.replace("versions.json", "README.md")).decode()
        assert "ข้อมูลจำลอง" in readme and "SIMULATED DATA" in readme
    assert house.ask(f"/api/v1/exports/{told['id']}", "DELETE", **headers).status == 204
    assert house.ask("/api/v1/exports", **headers).json == {"exports": []}
    assert not (data.exports / told["id"]).exists()


def test_daily_means_of_a_package_are_those_of_the_table(house: Any) -> None:
    headers = signed_in(house, "researcher")
    table = house.ask("/api/v1/table?rooms=ban-suan.p1-2&first=2026-11-23&last=2026-11-24&step=1d").json["rows"]
    lines = (
        house.ask("/api/v1/data?rooms=ban-suan.p1-2&first=2026-11-23&last=2026-11-24&step=1d", **headers)
        .text.lstrip("\ufeff")
        .splitlines()
    )
    found = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert [(row["time"], float(row["pm25_raw_ugm3"])) for row in found] == [
        (row["start"], row["value"]) for row in table
    ]


def test_rows_are_streamed_as_csv_and_arrow_and_refused_with_words(house: Any) -> None:
    headers = signed_in(house, "researcher")
    where = "/api/v1/data?rooms=ban-suan.p1-2&first=2026-11-23&last=2026-11-24&step=reading"
    assert house.ask(where, **headers).text.count("\n") == 2881
    wrong = house.ask(where.replace("p1-2", "attic"), **headers)
    assert (wrong.status, "unknown room" in wrong.text) == (422, True)
    arrow = house.ask(f"{where}&format=arrow", **headers).body
    assert ipc.open_stream(io.BytesIO(arrow)).read_all().num_rows == 2880


def test_taking_data_away_needs_the_scope_export(house: Any) -> None:
    for headers, status in (({"Content_Type": "application/json"}, 401), (signed_in(house, "viewer"), 403)):
        assert post(house, "/api/v1/exports", headers).status == status
        assert post(house, "/api/v1/exports/preview", headers).status == status
        assert house.ask("/api/v1/exports", **headers).status == status
        assert (
            house.ask("/api/v1/data?rooms=ban-suan.p1-2&first=2026-11-23&last=2026-11-24", **headers).status == status
        )


def test_anothers_package_is_not_there_for_me(house: Any) -> None:
    mine, other = signed_in(house, "researcher", "mine"), signed_in(house, "researcher", "other")
    begun = post(house, "/api/v1/exports", mine).json
    assert house.ask(f"/api/v1/exports/{begun['id']}", **other).status == 404
    assert house.ask(f"/api/v1/exports/{begun['id']}", "DELETE", **other).status == 404
    assert house.ask("/api/v1/exports", **other).json == {"exports": []}
    assert [row["id"] for row in house.ask("/api/v1/exports", **signed_in(house, "admin")).json["exports"]] == [
        begun["id"]
    ]
    ended(house, begun["id"], mine)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"step": "7m"}, "step"),
        ({"first": "2020-01-01", "last": "2020-01-02"}, "no data in this range"),
        ({"rooms": ["ban-suan.attic"]}, "unknown room"),
        ({"step": "reading", "method": "accepted"}, "corrections need"),
    ],
)
def test_a_package_that_cannot_be_is_refused_before_it_is_begun(house: Any, wish: Any, said: str) -> None:
    headers = signed_in(house, "researcher")
    answer = post(house, "/api/v1/exports", headers, **wish)
    assert (answer.status, said in answer.text) == (422, True), answer.text
    assert house.ask("/api/v1/exports", **headers).json == {"exports": []}


def test_without_the_libraries_it_says_what_to_install(
    make_house: Any,
    make_exports: Callable[..., Exports],
) -> None:
    house = make_house(exports=make_exports(installed=lambda: False))
    answer = post(house, "/api/v1/exports", signed_in(house, "researcher"))
    assert (answer.status, "[research]" in answer.text) == (501, True)


def request(**more: Any) -> Any:
    from research.export.request import Request

    return Request.parse({**WISH, **more})


def test_the_same_request_is_not_begun_twice_and_there_is_a_limit(make_exports: Callable[..., Exports]) -> None:
    exports = make_exports()  # nobody is at work: all wait
    first = exports.start(request(), "one")
    assert exports.start(request(), "one") == first
    for step in ("30m", "15m"):
        exports.start(request(step=step), "one")
    with pytest.raises(ExportRefused, match="Wait for one of them") as refused:
        exports.start(request(step="5m"), "one")
    assert refused.value.status == 429
    exports.remove(first.id)
    cancelled = exports.job(first.id)
    assert cancelled is not None and cancelled.state == "cancelled"


def test_a_killed_process_is_begun_again_and_what_waited_is_made_after_a_restart(
    make_exports: Callable[..., Exports],
) -> None:
    before = make_exports()
    waiting = before.start(request(), "one")
    after = make_exports()
    after._child = waiting.id, after._started(waiting.id)
    after._child[1].send_signal(signal.SIGKILL)
    after._child[1].wait(10)
    after.begin()
    until = time.monotonic() + 60
    while (found := after.job(waiting.id)) is not None and found.state != "ready" and time.monotonic() < until:
        time.sleep(0.05)
    assert found is not None and found.state == "ready", found


def test_old_packages_go_by_age(make_exports: Callable[..., Exports], data: Places) -> None:
    from research.export.job import Progress

    exports = make_exports()
    old = exports.start(request(step="30m"), "one")
    exports._note(old.id, Progress("ready", rows=1))
    exports._expire()
    assert exports.job(old.id) is not None
    exports._now_ms = lambda: NOW + KEEP_MS + 1
    exports._expire()
    assert exports.job(old.id) is None
    assert not (data.exports / old.id).exists()


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["th", "en"])
def test_numbers_of_rows_are_said_as_people_do(language: str) -> None:
    from dashboard.pages.exports.jobs import spoken_rows

    said = {n: spoken_rows(language, n) for n in (999, 48_000, 1_200_000)}
    assert said == (
        {999: "999 แถว", 48_000: "48 พันแถว", 1_200_000: "1.2 ล้านแถว"}
        if language == "th"
        else {999: "999 rows", 48_000: "48 thousand rows", 1_200_000: "1.2 million rows"}
    )
