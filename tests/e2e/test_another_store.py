"""`store:` changed in the running house: InfluxDB filled from what is there, read by the pages, and left again."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
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


@pytest.mark.slow
def test_readings_that_influxdb_rejects_are_a_warning_and_never_an_empty_answer(
    one_room: Any, influxd: Any, wait_for: Any
) -> None:
    # Another program wrote a field of ours as an integer first; from then on every reading is refused.
    name = f"conflict_{time.time_ns()}"
    for path, body in (("query", f"q=create+database+{name}"), ("write", "air,sensor=telegraf pm25=12i,temp_c=30i")):
        urllib.request.urlopen(f"{influxd.url}/{path}?db={name}", data=body.encode(), timeout=10).close()
    house, _sensor = one_room(store=f"influxdb://127.0.0.1:{influxd.port}/{name}")
    now = int(time.time() * 1000)
    house.fill_spool("school.box", [house.measured("a1-pm", now - age * 60_000, 12.5) for age in range(5, 0, -1)])
    house.start()
    wait_for(lambda: house.places.ledger.exists(), 30, "the services")
    secret = house.command("user", "token", "create", "test", "--scope", "export").split()[-1]

    health = wait_for(
        lambda: (told := house.get("/api/v1/health", secret)) and told["store"] is False and told, 40, "the warning"
    )
    assert any(f"InfluxDB rejected {n}" in health["services"]["ingest"]["warnings"][0] for n in range(5, 60))
    assert any("readings are kept in readings.db" in warning for warning in health["warnings"])
    address = f"http://127.0.0.1:{house.port}/api/v1/readings?room={ROOM}&start={now - 3_600_000}&end={now}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {secret}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 503
    house.stop()
