"""Real payloads of other people's devices become the right readings; what is stale or a trap does not."""

from __future__ import annotations

from typing import Any

import pytest

from classair.model import Flag
from firmware_bridge.adapters import (
    adapter_for,
    models,
)
from tests.firmware_bridge.adapters.sample_readings import DEVICE_TIME, READINGS, SAMPLES, T, play


@pytest.mark.parametrize(("model", "port", "settings", "sample", "values"), READINGS)
def test_a_real_payload_becomes_the_right_reading(
    model: str, port: str, settings: dict[str, Any], sample: str, values: dict[str, float]
) -> None:
    got = play(adapter_for(model, port, settings), sample)
    assert [one.frame.values for one in got] == [values]
    assert got[0].at_ms == DEVICE_TIME.get(sample)
    assert got[0].frame.flags == (Flag.NONE if sample in DEVICE_TIME else T)
    assert got[0].frame.value_flags == {}


def test_every_adapter_has_a_sample_and_every_sample_its_source() -> None:
    assert {row[0] for row in READINGS} == set(models())
    listed = (SAMPLES / "README.md").read_text("utf-8")
    files = {path.name for path in SAMPLES.iterdir()} - {"README.md"}
    assert [name for name in files if f"`{name}`" not in listed] == []
