"""Every message of a third-party device is a reading of its own, taken over at once, in whatever order they come."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from classair.config import Sensor
from classair.places import Places
from firmware_bridge.adapters import Arrival, kind_of, models
from firmware_bridge.averaging import Mean
from firmware_bridge.foreign.port import Crossing
from firmware_bridge.sensor_line import Event, SensorLine
from firmware_bridge.spool.receipt import Receipt
from tests.firmware_bridge.adapters.sample_readings import NOW_MS, READINGS, SAMPLES

# One sample of each model and way that says several quantities in one object, and where PM or CO2 stands in it.
SINGLE = {
    (model, port.partition(":")[0]): (model, port, settings, sample)
    for model, port, settings, sample, _ in READINGS
    if sample.endswith(".json") and "on.json" not in sample
}
PLACES = ("pm02", "PM2.5", "CarbonDioxide", "pm25", "pm2_5", "co2", "P2", "SDS_P2", "PMS_P2", "temperature", "temp")


class Line:
    """A line of a bridge with `every: 10m`, without the bridge; `ended` are receipts in their order."""

    def __init__(self, model: str, port: str, settings: dict[str, Any], folder: Path) -> None:
        self.now_s, self.means, self.ended = 10_000.0, list[Mean](), list[int]()
        self.crossing = Crossing(lambda topic: None, lambda: self.now_s, lambda: NOW_MS + round(self.now_s * 1000))
        sensor = Sensor.model_validate(
            {"bridge": "box", "room": "a1", "model": model, "port": port, "settings": settings, "every": "10m"}
        )
        self.line = SensorLine("school.air", sensor, Places(folder), self._event, crossing=self.crossing)
        way, _, place = port.partition(":")
        self.path = kind_of(model).path.format(id=place) if way == "http" else ""
        self._number = count()

    def _event(self, event: Event) -> None:
        if event[0] == "frames":
            self.means += self.line.take(*event[1][1:])

    def hear(self, topic: str, payload: bytes) -> None:
        number = next(self._number)
        receipt = Receipt(lambda: self.ended.append(number))
        if self.path:
            port = self.crossing.at_path(self.path)
            assert port is not None
            port.hear(Arrival("", payload, False, self.now_s, self.crossing.now_ms()), receipt)
        else:
            assert self.crossing.hear(topic, payload, False, self.now_s, receipt)


def test_the_sweep_is_over_every_adapter_that_speaks_objects() -> None:
    assert {model for model, _ in SINGLE} | {"esphome"} == set(models())


@pytest.mark.parametrize("way", SINGLE)
def test_each_message_is_one_reading_at_once(way: tuple[str, str], tmp_path: Path, chance: random.Random) -> None:
    model, port, settings, sample = SINGLE[way]
    line = Line(model, port, settings, tmp_path)
    topic = port.partition(":")[2] + ("/SENSOR" if model == "tasmota" else "")
    text = (SAMPLES / sample).read_text("utf-8")
    for number in range(12):
        line.now_s += chance.uniform(1, 400)
        line.hear(topic, _changed(text, number, line.crossing.now_ms() or 0))
        assert len(line.means) == len(line.ended) == number + 1, "no reading waits for the next one"
    assert all(mean.n == 1 for mean in line.means)
    assert len({json.dumps(mean.values, sort_keys=True) for mean in line.means}) == 12
    assert line.line.due_s() is None


def test_a_backlog_in_any_order_keeps_every_reading_at_its_own_time(tmp_path: Path, chance: random.Random) -> None:
    sample = json.loads((SAMPLES / "enviro-urban.json").read_text("utf-8"))
    told = [(NOW_MS - number * 900_000, number + 3.0) for number in range(20)]
    chance.shuffle(told)
    for way in ("mqtt", "http"):
        line = Line("enviro", f"{way}:{'enviro/' * (way == 'mqtt')}yard", {}, tmp_path)
        line.now_s = 0.0
        for at_ms, value in told:
            sample["timestamp"] = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
            sample["readings"]["pm2_5"] = value
            line.hear("enviro/yard", json.dumps(sample).encode())
        assert [(mean.at_ms, mean.values["pm25_cf1"]) for mean in line.means] == told
        assert [round(mean.end_s * 1000) for mean in line.means] == [at_ms - NOW_MS for at_ms, _ in told]


def test_the_newest_reading_by_its_own_time_is_the_newest_of_its_health(tmp_path: Path) -> None:
    line = Line("enviro", "mqtt:enviro/yard", {}, tmp_path)
    sample = json.loads((SAMPLES / "enviro-urban.json").read_text("utf-8"))
    now_ms = line.crossing.now_ms() or 0
    for age_s, value in ((0, 11.0), (2700, 44.0), (1800, 33.0)):
        sample["timestamp"] = datetime.fromtimestamp(now_ms / 1000 - age_s, UTC).isoformat()
        sample["readings"]["pm2_5"] = value
        line.hear("enviro/yard", json.dumps(sample).encode())
    for mean in line.means:
        line.line.item(mean)
    health = line.line.health(line.now_s, now_ms, "box")
    assert health is not None and health.newest["pm25_cf1"] == 11.0
    assert health.newest_at == pytest.approx(now_ms, abs=2)


def _changed(text: str, number: int, now_ms: int) -> bytes:
    """The sample with other values and, where it has one, the time of now."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    text = re.sub(r'"(timestamp|last_seen)": ?"[^"]*"', rf'"\1":"{now.isoformat()}"', text)
    text = re.sub(r'"last_seen": ?[0-9]+', f'"last_seen":{now_ms}', text)
    said = json.loads(text)
    _bump(said, number)
    return json.dumps(said).encode()


def _bump(part: Any, number: int) -> None:
    if isinstance(part, list):
        for row in part:
            if isinstance(row, dict) and row.get("value_type") in PLACES:
                row["value"] = str(float(row["value"]) + number)
            _bump(row, number)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in PLACES and isinstance(value, int | float):
                part[key] = value + number
            _bump(value, number)
