"""`store:` changed in the running house: InfluxDB filled from what is there, read by the pages, and left again."""

from __future__ import annotations

import time
from typing import Any

import pytest

from classair.stores import open_store

ROOM = "school.a1"
MINUTES = 16


@pytest.mark.slow
def test_the_store_is_changed_in_the_running_house_and_every_page_follows(
    one_room: Any,
    influxd: Any,
    wait_for: Any,
) -> None:
    house, _sensor = one_room()
    now = int(time.time() * 1000)
    house.fill_spool(
        "school.box", [house.measured("a1-pm", now - age * 60_000, 12.0 + age) for age in range(MINUTES, 0, -1)]
    )
    house.start()
    wait_for(lambda: house.places.ledger.exists(), 30, "the services")
    secret = house.command("user", "token", "create", "test", "--scope", "read").split()[-1]
    plain = house.config_file.read_text("utf-8")

    def series() -> Any:
        found = house.get(f"/api/v1/rooms/{ROOM}/series?quantity=pm25&step=1m", secret)
        return found and found["points"]

    def figure(name: str) -> Any:
        health = house.get("/api/v1/health", secret) or {"services": {}}
        return health["services"].get("ingest", {"figures": {}})["figures"].get(name)

    wait_for(lambda: len(series() or ()) == MINUTES, 40, "the series in SQLite")
    told = series()
    address = f"influxdb://127.0.0.1:{influxd.port}/house_{now}"
    house.config_file.write_text(plain.replace("store: sqlite", f"store: {address}"), "utf-8")
    wait_for(lambda: figure("carried_behind") == 0, 30, "InfluxDB filled")
    target = open_store(address, house.places, readonly=True)
    assert sum(target.counts(0, 2 * now).values()) == MINUTES
    target.close()
    assert series() == told

    # Away, it is said, and what is current does not need it; nothing of the series is made up meanwhile.
    influxd.stop()
    try:
        wait_for(lambda: (house.get("/api/v1/health", secret) or {}).get("store") is False, 20, "the store called away")
        assert series() is None
        assert house.get(f"/api/v1/rooms/{ROOM}/now", secret) is not None
        house.config_file.write_text(plain, "utf-8")
        wait_for(lambda: series() == told, 20, "the same series from SQLite")
    finally:
        influxd.start()
    house.stop()
