"""What holds for every kind of purifier by itself, without a broker: settings, its account, payloads of any sort."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub
from pydantic import ValidationError

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish as Order
from alerts.purifiers import Said
from classair import config, plugins
from classair.accounts import account_fault
from tests.alerts.purifiers.plugged import unit_of
from tests.alerts.purifiers.rows import ALL, ALSO_UNHEARD, Row

WITHOUT_DEVICE = {"dry_run", "tapo"}  # the second without a broker: test_tapo.py


def test_every_kind_is_on_the_bench() -> None:
    assert {row.kind for row in ALL} == set(plugins.names("alerts.purifiers")) - WITHOUT_DEVICE
    assert len({row.name for row in ALL}) == len(ALL)


@pytest.mark.parametrize("kind", plugins.names("alerts.purifiers"))
def test_a_key_that_is_required_gives_an_example_and_an_unknown_one_is_refused(kind: str) -> None:
    fields = plugins.load("alerts.purifiers", kind).Settings.model_fields
    example = {key: field.examples[0] for key, field in fields.items() if field.is_required()}
    part = {"room": "r", "kind": kind, "cadr_m3h": 300, **example}
    unit = purifiers.make("s.f", config.Purifier.model_validate(part), lambda: 0)
    assert account_fault(replace(unit.account(), name=unit.account().name or "s.f"), ()) == ""
    with pytest.raises(ValidationError):
        purifiers.make("s.f", config.Purifier.model_validate({**part, "unknown": "1"}), lambda: 0)


@ALSO_UNHEARD
def test_all_that_is_sent_and_heard_is_within_the_devices_account(row: Row) -> None:
    unit = unit_of(row)
    account = unit.account()
    sent = [
        *unit.command(Command(True, 300, "auto", "why", 1)),
        *unit.command(Command(False, None, "auto", "why", 1)),
        *unit.query(),
        *(step.order for step in unit.prepare()),
        *unit.occupied(3600),
        *unit.occupied(None),
    ]
    order = unit.edge()
    sent += order.messages(300) if order is not None else []
    assert all(isinstance(one, Order) and allows(account.reads, one.topic) for one in sent)
    assert all(any(allows((mine,), topic) for mine in account.writes) for topic in unit.topics())


def allows(filters: tuple[str, ...], topic: str) -> bool:
    return any(topic_matches_sub(one, topic) for one in filters)


@ALSO_UNHEARD
@given(payload=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_payload_is_too_strange(row: Row, payload: bytes, data: st.DataObject) -> None:
    unit = unit_of(row, lambda: 0)
    topic = data.draw(st.sampled_from([*unit.topics(), row.foreign.topic, "", "a/b/c/d"]))
    assert all(isinstance(said, Said) for said in unit.read_state(topic, payload, False))


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@ALSO_UNHEARD
@given(value=values, data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_json_value_in_the_place_of_another_is_too_strange(row: Row, value: Any, data: st.DataObject) -> None:
    """Every value of what the fake says is replaced by any other."""
    device, unit = row.device(), unit_of(row, lambda: 0)
    said = device.connected(0.0)
    orders = [*unit.query(), *unit.command(Command(True, 300, "auto", "why", 1))]
    for out in (*orders, *(step.order for step in unit.prepare())):
        assert isinstance(out, Order)
        said += device.handle(out.topic, out.payload, 1.0)
    objects = [(one.topic, body) for one in said if isinstance(body := read(one.payload), dict) and body]
    if not objects:
        return
    topic, body = data.draw(st.sampled_from(objects))
    path = data.draw(st.sampled_from(list(paths(body))))
    assert all(isinstance(one, Said) for one in unit.read_state(topic, changed(body, path, value).encode(), False))


def read(payload: str) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return None


def paths(body: dict[str, Any]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for key, value in body.items():
        found.append((key,))
        if isinstance(value, dict):
            found += [(key, *rest) for rest in paths(value)]
    return found


def changed(body: dict[str, Any], path: tuple[str, ...], value: Any) -> str:
    copy = json.loads(json.dumps(body))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(copy)
