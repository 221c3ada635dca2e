"""The bridge as a process: real terminals in front, a real broker behind."""

from __future__ import annotations

import os
import queue
import threading
import time
from pathlib import Path
from typing import Any

from classair.broker import BrokerAddress
from classair.config import parse
from classair.places import Places
from classair.service import Following
from firmware_bridge.bridge import Bridge
from firmware_bridge.clock import BUILT_MS, Clock
from firmware_bridge.spool.spool import Spool
from tests.firmware_bridge.bridge_process import AIR, pm, pump, school


def test_streaming_and_polled_sensors_arrive_with_what_they_said(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    running.configure(f"""
        {pm(running.name)}
        blue-co2: {{bridge: {running.name}, room: blue, model: s8, port: "sim:classroom", every: frame}}
        blue-co2b: {{bridge: {running.name}, room: blue, model: mh-z19b, port: "sim:classroom", every: frame}}
    """)
    particles = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    pty_sensor(running.places.sim_port("school.blue-co2"), "s8", {"co2_ppm": 1286})
    pty_sensor(running.places.sim_port("school.blue-co2b"), "mh-z19b", {"co2_ppm": 632})
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    stop = pump(particles)
    running.start()
    wait_for(
        lambda: len(ingest.of("blue-pm")) > 3 and ingest.of("blue-co2") and ingest.of("blue-co2b"),
        15,
        "readings of all three",
    )
    item = ingest.of("blue-pm")[-1]
    assert {key: item["values"][key] for key in AIR} == AIR
    assert item["simulated"] is True
    assert item["bridge"] == running.name
    assert abs(item["at"] - time.time() * 1000) < 5000
    assert ingest.of("blue-co2")[0]["values"] == {"co2_ppm": 1286}
    assert ingest.of("blue-co2b")[0]["values"] == {"co2_ppm": 632}
    wait_for(lambda: ingest.health.get("blue-co2", [{}])[-1].get("state") == "ok", 10, "the health of blue-co2")
    assert ingest.status[-1]["state"] == "online"
    stop()
    assert running.end() == 0
    wait_for(lambda: ingest.status[-1]["state"] == "offline", 5, "the status offline")
    spool = Spool.open(running.places.spool(running.full))
    assert spool.next_seq - 1 >= max(item["seq"] for item in ingest.items.values())
    assert all(item.get("kind") != "gap" for item in ingest.items.values())
    spool.close()


def test_an_unplugged_sensor_is_told_of_and_recovers_without_a_restart(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    running.configure(f"{pm(running.name)}\n{pm(running.name, 'blue-other')}")
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    other = pty_sensor(running.places.sim_port("school.blue-other"), "pms5003t", AIR)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    stops = [pump(sensor), pump(other)]
    running.start()
    wait_for(lambda: ingest.of("blue-pm"), 15, "a reading before the unplug")
    assert "flags" not in ingest.of("blue-pm")[-1]
    sensor.unplug()
    told = wait_for(
        lambda: [it for it in ingest.health.get("blue-pm", []) if it["state"] == "unplugged"], 10, "the word unplugged"
    )[0]
    assert told["key"] == "unplugged"
    assert "Push the USB plug in" in told["step"]["en"]
    assert "เสียบ" in told["step"]["th"]
    before, of_other = len(ingest.of("blue-pm")), len(ingest.of("blue-other"))
    wait_for(lambda: len(ingest.of("blue-other")) > of_other + 3, 10, "the other sensor going on")
    assert len(ingest.of("blue-pm")) == before
    sensor.plug()
    wait_for(lambda: len(ingest.of("blue-pm")) > before, 10, "a reading after the re-plug")
    # It was without power: what it says now is the warm-up's.
    assert ingest.of("blue-pm")[-1]["flags"] == ["WARMUP"]
    wait_for(
        lambda: ingest.health["blue-pm"][-1]["cause"].get("en", "").startswith("The sensor was just switched on"),
        10,
        "the word warming up",
    )
    for stop in stops:
        stop()


def test_an_accepted_configuration_adds_and_removes_sensors_without_a_restart(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    running.start()  # there is no file: it waits for the server's word
    wait_for(lambda: "config_missing" in running.log, 10, "the word that it waits")
    first = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    second = pty_sensor(running.places.sim_port("school.blue-new"), "pms5003t", {**AIR, "pm25": 15})
    stops = [pump(first), pump(second)]

    def announce(version: int, sensors: str) -> None:
        ingest.say("config", {"version": version, "accepted_at": 1, "text": school(running.name, sensors)}, retain=True)

    announce(1, pm(running.name))
    wait_for(lambda: ingest.of("blue-pm"), 15, "the first sensor")
    announce(2, f"{pm(running.name)}\n{pm(running.name, 'blue-new')}")
    wait_for(lambda: ingest.of("blue-new"), 10, "the added sensor")
    assert ingest.of("blue-new")[0]["values"]["pm25"] == 15
    announce(3, pm(running.name, "blue-new", every="1s"))
    wait_for(lambda: ingest.health["blue-pm"][-1]["state"] == "stopped", 10, "the removed sensor's last word")
    wait_for(lambda: ingest.of("blue-new")[-1]["n"] > 4, 10, "the changed interval")
    wait_for(lambda: ingest.status[-1]["config_version"] == 3, 5, "the version in the status")
    ingest.say("config", {"version": 4, "accepted_at": 1, "text": "org: [broken"}, retain=True)
    count = len(ingest.of("blue-new"))
    wait_for(lambda: len(ingest.of("blue-new")) > count, 10, "readings after a broken announcement")
    assert running.process is not None
    assert running.process.poll() is None
    assert running.end() == 0
    # The remembered part is enough for the next start.
    count = len(ingest.of("blue-new"))
    ingest.say("config", {}, retain=True)
    running.start()
    wait_for(lambda: len(ingest.of("blue-new")) > count, 15, "readings from the remembered part")
    for stop in stops:
        stop()


def test_noise_on_the_line_is_counted_and_stops_nothing(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    running.configure(pm(running.name))
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    running.start()
    wait_for(lambda: ingest.status, 10, "the bridge")
    good = sensor.driver.encode(AIR)
    sensor.send(b"\x42\x4d\x00\x1c" + bytes(range(200)) + good[:20] + good)
    wait_for(lambda: ingest.of("blue-pm"), 10, "the good frame behind the noise")
    assert ingest.of("blue-pm")[0]["values"]["pm25"] == 14
    for topic, payload in (("stored", "garbage"), ("replay", "[]"), ("config", "{}"), ("stored", '{"epoch":1}')):
        ingest._link.publish(ingest.topics.bridge("school", running.name, topic), payload, qos=1)
    sensor.send()
    wait_for(lambda: len(ingest.of("blue-pm")) == 2, 10, "a reading after garbage from the broker")
    wait_for(lambda: "message_rejected" in running.log, 5, "the word about it")
    assert running.end() == 0


def test_a_bridge_without_a_clock_takes_the_servers_and_dates_what_waited(
    mosquitto: Any,
    tmp_path: Path,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    name = f"pi-clock-{os.getpid()}"
    places = Places(tmp_path)
    sensor = pty_sensor(places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", name, clock=False)
    clock = Clock(wall=lambda: 0.0, synchronised=lambda: False)
    made = Bridge(
        f"school.{name}",
        parse(school(name, pm(name))),
        Following(places.bridge_config(f"school.{name}")),
        places,
        BrokerAddress.of(mosquitto.url, name),
        Spool.open(places.spool(f"school.{name}")),
        clock,
    )
    stop, ended = threading.Event(), queue.SimpleQueue[int]()
    thread = threading.Thread(target=lambda: ended.put(made.run(stop)))
    thread.start()
    stop_pump = pump(sensor)
    try:
        wait_for(lambda: ingest.questions, 10, "the question for the time")
        wait_for(lambda: made._spool.undated, 10, "undated readings")
        assert ingest.items == {}
        server = BUILT_MS + 86_400_000

        def answered() -> bool:
            ingest.say_stored(made._spool.epoch, upto=0, answer_to=ingest.questions[-1], server_time=server)
            return bool(ingest.items)

        wait_for(answered, 15, "dated readings")
        item = ingest.of("blue-pm")[0]
        assert item["clock"] == "server"
        assert abs(item["at"] - server) < 60_000
    finally:
        stop_pump()
        stop.set()
        thread.join(5)
    assert ended.get(timeout=60) == 0
