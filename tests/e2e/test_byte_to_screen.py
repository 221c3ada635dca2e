"""One walk through the house: bytes at a port, the number in store, API and page, the purifier switched."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from classair.stores.sqlite.store import SqliteStore
from firmware_bridge.drivers import driver_for

ROOM = "school.a1"
FRAME = {
    "pm1": 800.0,
    "pm25": 900.0,
    "pm10": 920.0,
    "pm1_cf1": 950.0,
    "pm25_cf1": 1350.0,
    "pm10_cf1": 1380.0,
    "n03": 20000.0,
    "n05": 9000.0,
    "n1": 3000.0,
    "n25": 500.0,
    "temp_c": 31.4,
    "rh_pct": 63.2,
    "version": 154.0,
}


def test_a_frame_becomes_a_number_on_every_screen_and_switches_the_purifier(
    one_room: Any,
    wait_for: Any,
    chromium: Any,
) -> None:
    house, sensor = one_room()
    now = int(time.time() * 1000)
    # What the bridge measured in the quarter hour before: clean air.
    house.fill_spool("school.box", [house.measured("a1-pm", now - age * 60_000, 12.0) for age in range(16, 0, -1)])
    house.start()
    wait_for(lambda: house.places.ledger.exists(), 30, "the services")
    secret = house.command("user", "token", "create", "test", "--scope", "read").split()[-1]

    def state() -> Any:
        return (house.get(f"/api/v1/rooms/{ROOM}/now", secret) or {}).get("state")

    assert house.get(f"/api/v1/rooms/{ROOM}/now") is None  # a real school's numbers are not for everybody's scripts
    wait_for(lambda: ((state() or {}).get("pm25") or {}).get("shown") == "12", 40, "the first number")
    socket = house.play_socket("socket-a1")
    page = chromium.new_page(locale="th")
    page.goto(f"http://127.0.0.1:{house.port}/display/{ROOM}?lang=th")
    wait_for(lambda: page.inner_text("#value").strip() == "12", 20, "12 on the display")

    frame = driver_for("pms5003t").encode(FRAME)
    damaged = bytearray(frame)
    damaged[12] ^= 0x40
    sensor.send(bytes(damaged))
    sensor.send(frame)

    # The store holds the good frame once, exactly as sent, and nothing of the damaged one.
    with closing(SqliteStore(house.places.readings, readonly=True)) as store:

        def live() -> list[Any]:
            return [r for r in store.readings(ROOM, now, now + 600_000) if r.interval_s < 60]

        wait_for(live, 10, "the frame in the store")
        (reading,) = live()
    assert reading.values["pm25"] == 900.0
    assert reading.values["n03"] == 20000.0
    assert reading.values["temp_c"] == 31.4
    assert not reading.simulated

    wait_for(lambda: state()["pm25"]["value"] > 12.4, 10, "the number in the API")
    wait_for(lambda: page.inner_text("#value").strip() == state()["pm25"]["shown"], 10, "the same on the display")

    def dusty() -> bool:
        sensor.send(frame)
        return bool(socket.plug.on)

    # Dust that stays: the socket is switched on, with its own end held in the device, and the state says confirmed.
    wait_for(dusty, 60, "the purifier switched on")
    assert socket.plug.remaining_s(time.monotonic()) > 0
    wait_for(lambda: (state()["purifier"] or {}).get("confirmed"), 10, "the confirmation")
    house.stop()
