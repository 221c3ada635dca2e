"""What docs/wire says about the wire is what the code does: schemas, good and bad samples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from classair import wire

WIRE = Path(__file__).parents[2] / "docs" / "wire"
SAMPLES = sorted((WIRE / "samples").glob("*/*.json"))
MODELS = {
    "stored": wire.Stored,
    "replay": wire.Replay,
    "time": wire.TimeQuestion,
    "status": wire.BridgeStatus,
    "health": wire.SensorHealth,
    "now": wire.RoomState,
    "state": wire.PurifierState,
    "care": wire.PurifierCare,
    "beat": wire.Beat,
    "config": wire.ConfigAnnouncement,
    "service": wire.ServiceStatus,
    "corrections": wire.CorrectionsTold,
    "ask": wire.Ask,
    "answer": wire.Answer,
}


def _read(leaf: str, payload: bytes) -> object:
    return wire.stream_items(payload) if leaf == "reading" else TypeAdapter(MODELS[leaf]).validate_json(payload)


def _name(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", [p for p in SAMPLES if p.stem.startswith("good")], ids=_name)
def test_a_good_sample_is_understood_and_fits_the_schema(path: Path) -> None:
    assert _read(path.parent.name, path.read_bytes())
    schema = json.loads((WIRE / f"{path.parent.name}.json").read_text("utf-8"))
    faults = [fault.message for fault in Draft202012Validator(schema).iter_errors(json.loads(path.read_text("utf-8")))]
    assert faults == []


@pytest.mark.parametrize("path", [p for p in SAMPLES if p.stem.startswith("bad")], ids=_name)
def test_a_bad_sample_is_refused_in_one_line_that_does_not_repeat_it(path: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        _read(path.parent.name, path.read_bytes())
    said = wire.faults(caught.value)
    assert said and "\n" not in said and len(said) < 400


NOT_JSON = {"bad-not-a-number", "bad-half-a-message"}  # text that no JSON Schema gets to see


@pytest.mark.parametrize("path", [p for p in SAMPLES if p.stem.startswith("bad") and p.stem not in NOT_JSON], ids=_name)
def test_the_schema_refuses_a_bad_sample_too(path: Path) -> None:
    schema = json.loads((WIRE / f"{path.parent.name}.json").read_text("utf-8"))
    assert not Draft202012Validator(schema).is_valid(json.loads(path.read_text("utf-8")))


def test_every_payload_has_a_schema_and_samples() -> None:
    assert {path.stem for path in WIRE.glob("*.json")} == set(wire.schemas()) == {"reading", *MODELS}
    assert {path.parent.name for path in SAMPLES if path.stem.startswith("good")} == set(wire.schemas())
    assert all(re.match(r"(good|bad)(-|$)", path.stem) for path in SAMPLES)


def test_every_topic_is_in_the_document() -> None:
    text = (WIRE.parent / "wire.md").read_text("utf-8")
    topics = wire.Topics("<org>")
    leaves = ("reading", "stored", "replay", "status", "config", "time")
    named = [
        *(topics.bridge("<site>", "<bridge>", leaf) for leaf in leaves),
        topics.sensor_health("<site>", "<id>"),
        topics.room_now("<site>", "<id>"),
        topics.purifier_state("<site>", "<id>"),
        topics.purifier_care("<site>", "<id>"),
        topics.purifier_set("<site>", "<id>"),
        topics.beat,
        topics.config,
        topics.corrections,
        topics.service_status("<service>"),
        topics.ask("<service>", "<id>"),
        topics.answer("<id>"),
    ]
    assert [topic for topic in named if topic.removeprefix(f"{wire.ROOT}/<org>/") not in text] == []


def test_every_field_of_the_stream_is_in_the_document() -> None:
    text = (WIRE.parent / "wire.md").read_text("utf-8")
    fields = {
        name
        for item in ("ReadingItem", "GapItem", "SwitchItem")
        for name in json.loads((WIRE / "reading.json").read_text("utf-8"))["$defs"][item]["properties"]
    }
    assert sorted(name for name in fields if f"`{name}`" not in text) == []
