"""Taking in the last hour never holds the loop up for longer than one room of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.air import warm_start
from alerts.air.warm_start import WarmStart
from classair.config import parse
from classair.model import Reading
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore

NOW = 1_796_000_000_000
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


def test_the_past_comes_from_the_journal_when_another_database_is_away(
    tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    places = Places(tmp_path)
    journal = SqliteStore(places.readings)
    journal.write([Reading("s.pm", "s.b", "epoch000", 1, NOW - 60_000, {"pm25": 80.0}, room="s.r0")])
    journal.close()
    handed: dict[str, list[Reading]] = {}
    priming = WarmStart(places, lambda: NOW, handed.update, lambda _: None)
    priming.follow(parse(SCHOOL + "\nstore: influxdb://127.0.0.1:1/none\n"))
    wait_for(lambda: len(handed) >= len(ROOMS))
    priming.stop()
    assert [reading.values for reading in handed["s.r0"]] == [{"pm25": 80.0}]
