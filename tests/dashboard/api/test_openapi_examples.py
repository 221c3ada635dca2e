"""The API's description is true: each example is asked of a running house, and each answer is as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema  # type: ignore[import-untyped]
import pytest

from dashboard.tickets.records import NewTicket

ENDLESS = {"/api/live"}


def example_of(parameter: dict[str, Any]) -> Any:
    """The first example of a parameter, wherever the description has it."""
    schema = parameter["schema"]
    found = [
        *parameter.get("examples", []),
        *schema.get("examples", []),
        *([parameter["example"]] if "example" in parameter else []),
    ]
    assert found, f"{parameter['name']} has no example"
    assert parameter.get("description"), f"{parameter['name']} has no description"
    return found[0]


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def address(path: str, parameters: list[dict[str, Any]], everything: bool) -> str:
    """With what must be said, or with all that can be."""
    asked = {}
    for parameter in parameters:
        value = example_of(parameter)
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(text_of(value), safe="~"))
        elif parameter["in"] == "query" and (everything or parameter.get("required")):
            asked[parameter["name"]] = text_of(value)
    return path + (f"?{urlencode(asked)}" if asked else "")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    from dashboard.describe import description

    return dict(json.loads(description()))


@pytest.fixture
def everyone(school: Any, make_state: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    """A house in which everything that the examples name is there, and somebody who may ask for all of it."""
    school.put(make_state("ban-suan.p1-2"))
    new = NewTicket("purifier_dead", "ban-suan", "ban-suan.p1-2")
    school.app.server.state.ctx.tickets.receive(new, "example")
    school.desk.add_account("head", "admin", "a long enough password")
    yield school, school.sign_in("head", "a+long+enough+password")


def test_every_example_of_reading_is_answered_as_described(
    document: dict[str, Any],
    everyone: tuple[Any, dict[str, str]],
) -> None:
    house, headers = everyone
    asked, wrong = 0, []
    for path, operations in document["paths"].items():
        operation = operations.get("get")
        # Packages are made by a process of their own: test_exports_api has one and asks there.
        if operation is None or path in ENDLESS or "export" in operation["tags"]:
            continue
        for everything in (False, True):
            where = address(path, operation.get("parameters", []), everything)
            answer = house.ask(where, **headers)
            asked += 1
            if answer.status != 200:
                wrong.append(f"{where}: {answer.status} {answer.text[:300]}")
                continue
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
            wrong += [
                f"{where}: {fault.json_path} {fault.message[:200]}" for fault in validator.iter_errors(answer.json)
            ]
    assert wrong == []
    assert asked >= 30


def test_no_address_takes_seconds_or_a_year_of_the_thai_calendar_for_a_time(
    document: dict[str, Any],
    everyone: tuple[Any, dict[str, str]],
) -> None:
    house, headers = everyone
    slips = {
        "1795946400": "expected milliseconds: 1795946400000",
        "1795946400000000": "expected milliseconds: 1795946400000",
        "2569-11-23T09:00:00+07:00": "did you mean 2026",
        "2569-11-23": "did you mean 2026",
        "23/11/2569": "did you mean 2026-11-23?",
    }
    tried, taken = 0, []
    for path, operations in document["paths"].items():
        parameters = operations.get("get", {}).get("parameters", [])
        for parameter in parameters:
            if not any(text_of(value).startswith("2026-") for value in parameter["schema"].get("examples", [])):
                continue
            for slip, hint in slips.items():
                if "T" not in str(example_of(parameter)) and slip.isdigit():
                    continue  # a day is no number of any kind
                given = [
                    {**one, "schema": {**one["schema"], "examples": [slip]}} if one is parameter else one
                    for one in parameters
                ]
                answer = house.ask(address(path, given, everything=True), **headers)
                tried += 1
                if answer.status != 422 or hint not in answer.text:
                    taken.append(f"{path} {parameter['name']}={slip}: {answer.status} {answer.text[:200]}")
    assert taken == []
    assert tried >= 60


def test_every_refusal_is_described_as_the_one_kind_of_fault(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Faults"}, (method, path, status)
