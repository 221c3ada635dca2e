"""Taking in the last hour never holds the loop up for longer than one room of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.air import warm_start
from alerts.air.warm_start import WarmStart
from classair.config import parse
from classair.places import Places

ROOMS = [f"r{n}" for n in range(7)]
SCHOOL = "\n".join(
    [
        "org: demo-town",
        "sites:",
        "  s:",
        "    name: S",
        "    bridges: {b: {}}",
        "    rooms:",
        *(f"      {room}: {{name: {room}, volume_m3: 180}}" for room in ROOMS),
        "    sensors: {}",
    ]
)


class Store:
    def readings(self, room: str, start: int, end: int) -> list[Any]:
        return []

    def close(self) -> None:
        pass


def test_rooms_are_handed_over_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., Any]
) -> None:
    monkeypatch.setattr(warm_start, "open_store", lambda *_, **__: Store())
    handed: list[list[str]] = []
    priming = WarmStart(Places(tmp_path), lambda: 0, lambda readings: handed.append(list(readings)), lambda _: None)
    priming.follow(parse(SCHOOL))
    wait_for(lambda: len(handed) >= len(ROOMS))
    priming.stop()
    assert handed == [[f"s.{room}"] for room in ROOMS]
