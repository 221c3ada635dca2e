"""The bridge as a process: real terminals in front, a real broker behind."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress
from classair.config import parse
from classair.places import Places
from classair.service import Following
from firmware_bridge.bridge import Bridge
from firmware_bridge.clock import BUILT_MS, Clock
from firmware_bridge.service import main
from firmware_bridge.spool.contents import BURST
from firmware_bridge.spool.spool import Spool

AIR = {
    "pm1_cf1": 9,
    "pm25_cf1": 14,
    "pm10_cf1": 16,
    "pm1": 9,
    "pm25": 14,
    "pm10": 16,
    "n03": 1740,
    "n05": 510,
    "n1": 77,
    "n25": 8,
    "temp_c": 31.4,
    "rh_pct": 63.2,
}


def school(bridge: str, sensors: str) -> str:
    lines = "\n".join(f"      {line.strip()}" for line in sensors.strip().splitlines())
    return (
        f"org: demo-town\nsites:\n  school:\n    name: School\n    bridges: {{{bridge}: {{}}}}\n"
        f"    rooms:\n      blue: {{name: Blue, volume_m3: 180}}\n    sensors:\n{lines}\n"
    )


def pm(bridge: str, name: str = "blue-pm", every: str = "frame") -> str:
    return f'{name}: {{bridge: {bridge}, room: blue, model: pms5003t, port: "sim:classroom", every: {every}}}'


class Running:
    """A bridge process with a data folder of its own; its id is unique, because the broker is shared."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.folder, self.url, self.name = folder, url, name
        self.places = Places(folder)
        self.file = folder / "sensors.yaml"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def full(self) -> str:
        return f"school.{self.name}"

    def configure(self, sensors: str) -> None:
        self.file.write_text(school(self.name, sensors), "utf-8")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "firmware_bridge.service",
                    "--bridge",
                    self.full,
                    "--data",
                    str(self.folder),
                    "--config",
                    str(self.file),
                    "--broker",
                    self.url,
                ],
                stderr=log,
                cwd=Path(__file__).parents[2],
            )

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)


@pytest.fixture
def bridge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Running]]:
    made: list[Running] = []

    def make(url: str) -> Running:
        name = f"pi-{os.getpid()}-{abs(hash(request.node.name)) % 10**6}"
        running = Running(tmp_path, url, name)
        made.append(running)
        return running

    yield make
    for running in made:
        if running.process is not None and running.process.poll() is None:
            running.kill()


def pump(sensor: Any, every_s: float = 0.1) -> Callable[[], None]:
    """Sends frames until the returned function is called."""
    done = threading.Event()

    def send() -> None:
        while not done.wait(every_s):
            try:
                sensor.send()
            except (OSError, AssertionError):
                continue  # unplugged just now

    threading.Thread(target=send, daemon=True).start()
    return done.set


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


def test_a_killed_bridge_goes_on_where_it_was_and_every_number_is_accounted_for(
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
    stop = pump(sensor, 0.02)
    for round_ in range(3):
        running.start()
        seen = len(ingest.items)
        wait_for(lambda seen=seen: len(ingest.items) > seen + 20, 15, f"readings in round {round_}")
        running.kill()
    wait_for(lambda: any(it["state"] == "offline" for it in ingest.status), 20, "the last will")
    stop()
    running.start()
    current = wait_for(lambda: ingest.status[-1]["state"] == "online" and ingest.status[-1]["epoch"], 10, "its return")
    wait_for(lambda: ingest.upto(current) >= 3 * BURST, 15, "everything dealt with")
    (epoch,) = {epoch for epoch, _ in ingest.items}
    seqs = sorted(seq for _, seq in ingest.items)
    assert epoch == current
    assert len(seqs) == len(set(seqs))
    assert {gap["reason"] for gap in ingest.gaps} == {"bridge restarted"}
    assert running.end() == 0


def test_what_is_measured_while_the_broker_is_away_arrives_late_and_complete(
    broker: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(broker.url)
    running.configure(pm(running.name))
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(broker.url, "demo-town", "school", running.name)
    stop = pump(sensor, 0.05)
    running.start()
    wait_for(lambda: len(ingest.items) > 5, 15, "readings before")
    broker.kill()
    seen = max(seq for _, seq in ingest.items)
    time.sleep(1.0)  # a second's readings are measured meanwhile
    broker.start()
    wait_for(lambda: max(seq for _, seq in ingest.items) > seen + 30, 30, "readings after")
    stop()
    (epoch,) = {epoch for epoch, _ in ingest.items}
    newest = max(seq for _, seq in ingest.items)
    wait_for(lambda: ingest.upto(epoch) >= newest, 15, "an unbroken run")
    assert any(item.get("late") for item in ingest.items.values())
    assert not ingest.gaps


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
    assert ended.get(timeout=1) == 0


def test_a_wrong_start_is_answered_with_what_would_be_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sensors.yaml"
    file.write_text(school("pi", pm("pi")), "utf-8")
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        assert main(["--bridge", "school.pie", "--config", str(file), "--data", str(tmp_path)]) == 2
        assert "there are: school.pi" in capsys.readouterr().err
        file.write_text("org: demo-town\nsites: {}\n", "utf-8")
        assert main(["--bridge", "school.pi", "--config", str(file), "--data", str(tmp_path)]) == 2
        assert "sites" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main(["--bridge", "pi"])
        assert "SITE.ID" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGTERM, handlers[0])
        signal.signal(signal.SIGINT, handlers[1])


def test_two_bridges_of_one_name_exclude_each_other(
    mosquitto: Any,
    bridge: Any,
    wait_for: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    running = bridge(mosquitto.url)
    running.configure(pm(running.name))
    running.start()
    wait_for(lambda: "bridge_started" in running.log, 10, "the first")
    second = Running(running.folder, running.url, running.name)
    second.start()
    assert second.process is not None
    assert second.process.wait(10) == 1
    assert "in use by another process" in running.log
    assert running.end() == 0


def test_what_was_missing_while_the_bridge_was_killed_or_the_sensor_unplugged_is_told_with_its_reason(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    running.configure(pm(running.name, every="1s"))
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    stop = pump(sensor)
    running.start()
    wait_for(lambda: len(ingest.of("blue-pm")) > 2, 15, "readings")
    sensor.unplug()
    wait_for(lambda: ingest.health.get("blue-pm", [{}])[-1].get("state") == "unplugged", 10, "the unplug")
    threading.Event().wait(2.5)
    sensor.plug()
    wait_for(lambda: any(line["reason"] == "unplugged" for line in ingest.missing("blue-pm")), 20, "the line about it")
    readings = len(ingest.of("blue-pm"))
    wait_for(lambda: len(ingest.of("blue-pm")) > readings + 2, 10, "readings again")
    threading.Event().wait(0.6)
    running.kill()
    threading.Event().wait(3)
    running.start()
    wait_for(lambda: any(line["reason"] == "off" for line in ingest.missing("blue-pm")), 15, "the line about the kill")
    stop()
    (off,) = [line for line in ingest.missing("blue-pm") if line["reason"] == "off"]
    before = [item for item in ingest.of("blue-pm") if item["at"] <= off["start"] + 1]
    assert before[-1]["at"] == off["start"], "from the last committed reading"
    assert 3 <= off["expected"] <= 12
    assert off["end"] - off["start"] == pytest.approx(off["expected"] * 1000, abs=1000)
    (gap,) = ingest.gaps
    assert gap["last"] - gap["first"] < 20_000
