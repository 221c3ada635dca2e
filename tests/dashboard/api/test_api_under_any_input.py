"""Every operation of the API under any input: no error of ours, and answers of the kind that is documented.

Cases are drawn from docs/openapi.json by schemathesis, such as fit the schema and such as do not; half of them name
rooms, sensors and purifiers that exist.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from classair.units import HOUR_MS
from tests.classair.alerting.filled import empty_ledger, put_alert
from tests.dashboard.conftest import Builder, House, now_ms, three_hours

SCHEMA: Final = schemathesis.openapi.from_path(Path(__file__).parents[3] / "docs" / "openapi.json")
OPERATIONS: Final = [found.ok() for found in SCHEMA.get_all_operations()]
STREAMS: Final = ("/api/live",)
KNOWN: Final = {
    "room": ("ban-suan.p1-2", "ban-suan.yard"),
    "rooms": ("ban-suan.p1-2", "ban-suan.p1-2,ban-suan.p4-1"),
    "site": ("ban-suan",),
    "sensor": ("ban-suan.p1-2-pm",),
    "purifier": ("ban-suan.p1-2-fan",),
    "alert": ("dust",),
    "first": ("2026-11-23",),
    "last": ("2026-11-24",),
    "kind": ("Things", "Datastreams", "Observations"),
}
CHECKS: Final = [content_type_conformance, response_schema_conformance, status_code_conformance]
AWAY: Final = (501, 503, 507)
"""A part that is not installed or not there, no disk: documented, and said in words."""
PASSWORD: Final = "kwan-fai-2569"


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Iterator[House]:
    from classair.stores.memory.store import MemoryStore

    folder = tmp_path_factory.mktemp("any-input")
    store = MemoryStore()
    three_hours(store, "ban-suan.p1-2", "ban-suan.p1-2-pm", 18, now_ms() - HOUR_MS)
    ledger = empty_ledger(folder / "ledger.db")
    put_alert(ledger, "dust")
    builder = Builder(folder, schools)
    house = builder(store=store, ledger=ledger)
    house.desk.add_account("all", "admin", PASSWORD)
    yield house
    builder.close()


@pytest.fixture(scope="module")
def readers(open_house: House) -> dict[str, dict[str, str]]:
    """The headers of each."""
    admin = {key.replace("_", "-"): value for key, value in open_house.sign_in("all", PASSWORD).items()}
    secret = open_house.desk.create_token("any-input", ("read", "control", "export", "tickets"), 1, [])
    return {"visitor": {}, "administrator": admin, "token": {"Authorization": f"Bearer {secret}"}}


@pytest.mark.thorough
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does not fit"])
def test_no_input_makes_an_error_of_ours(
    open_house: House,
    readers: dict[str, dict[str, str]],
    chance: random.Random,
    exhaustive: bool,
    mode: GenerationMode,
) -> None:
    wrong: list[str] = []
    asked = 0
    for operation in OPERATIONS:
        if operation.path in STREAMS:
            continue

        @seed(chance.getrandbits(32))
        @settings(
            max_examples=40 if exhaustive else 4,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            if chance.random() < 0.5:
                name_what_exists(case, chance)
            # To think of a case takes longer than to answer it.
            for reader, headers in readers.items():
                wrong.extend(f"{reader} {fault}" for fault in faults(case, open_house.url, headers))

        try:
            ask()
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__:  # everything fits where nothing is asked for
                raise
    assert not wrong, f"{len(wrong)} of {asked}:\n" + "\n".join(wrong[:10])
    assert asked > len(OPERATIONS)


def name_what_exists(case: Any, chance: random.Random) -> None:
    for place in (case.path_parameters, case.query):
        for name in set(place or ()) & KNOWN.keys():
            place[name] = chance.choice(KNOWN[name])


def faults(case: Any, url: str, headers: dict[str, str]) -> list[str]:
    told = f"{case.method} {case.formatted_path} {json.dumps(case.query, default=str)[:200]} {str(case.body)[:200]}"
    try:
        answer = case.call(base_url=url, headers=headers, timeout=30, allow_redirects=False)
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
        return []  # no client sends that
    if answer.status_code >= 500 and answer.status_code not in AWAY:
        return [f"{told}: {answer.status_code} {answer.text[:300]}"]
    if answer.status_code in (303, 401, 403, 405, 413, 421):
        return []  # the guard's, in front of every operation
    try:
        case.validate_response(answer, checks=CHECKS)
    except BaseExceptionGroup as group:
        why = "; ".join(f"{one.title}: {' '.join(one.message.split())[:400]}" for one in group.exceptions)
        return [f"{told}: {answer.status_code} {why} {answer.text[:200]}"]
    return []
