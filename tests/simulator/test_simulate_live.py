"""The living schools: real pseudo-terminals, a real broker, sockets that clean the simulated air."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from classair.broker import BrokerAddress, Link, Message
from classair.places import Places, write_atomically
from classair.wire import ConfigAnnouncement, Topics
from firmware_bridge.drivers import driver_for
from simulator import wishes as wishing
from simulator.live import Live
from simulator.wishes import Wishes

ORG = "test-town"
# A cupboard with a mighty purifier: what takes a class half an hour happens here within seconds.
CUPBOARD = ("      blue: {name: Blue, volume_m3: 5,", "cadr_m3h: 5000, port")
Start = Callable[[], None]


class Town:
    """A running simulator and somebody at the broker who listens and speaks."""

    def __init__(self, url: str, places: Places, text: str) -> None:
        self.url, self.places, self.text = url, places, text
        self.heard: list[tuple[str, str]] = []
        self.version = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.link = Link(
            BrokerAddress.of(url, "listener"),
            on_message=self._hear,
            subscriptions=[("stat/#", 1), ("tele/#", 1), ("classair/#", 1)],
        )
        self.link.start()
        assert self.link.wait_up(60)

    def _hear(self, message: Message) -> None:
        self.heard.append((message.topic, message.payload.decode()))

    def announce(self, text: str) -> None:
        self.version += 1
        told = ConfigAnnouncement(version=self.version, accepted_at=0, text=text).model_dump_json()
        self.link.publish(Topics(ORG).config, told, qos=1, retain=True)

    def start(self) -> None:
        self._stop.clear()
        live = Live(self.places, BrokerAddress.of(self.url, "simulator"), ORG)
        self._thread = threading.Thread(target=live.run, args=(self._stop,))
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)
            assert not self._thread.is_alive()

    def say(self, topic: str, payload: str = "") -> None:
        self.link.publish(topic, payload, qos=1)

    def wish(self, **what: Any) -> None:
        wishing.write(wishing.place_of(self.places), Wishes(**what))

    def port(self, sensor: str) -> Path:
        return self.places.sim_port(f"school.{sensor}")

    def count(self, topic: str, payload: str) -> int:
        return self.heard.count((topic, payload))


@pytest.fixture
def town_live(broker: Any, tmp_path: Path, town_text: str) -> Iterator[Town]:
    text = town_text.replace("      blue: {name: Blue, volume_m3: 180,", CUPBOARD[0])
    text = text.replace("cadr_m3h: 420, port", CUPBOARD[1])
    one = Town(broker.url, Places(tmp_path / "data"), text)
    yield one
    one.stop()
    one.link.stop()


def pm25(port: Path, model: str = "pms5003t") -> float:
    """The next whole frame's PM2.5."""
    driver = driver_for(model)
    with serial.Serial(str(port), 9600, timeout=0.2) as reader:
        until = time.monotonic() + 8
        while time.monotonic() < until:
            if frames := driver.feed(reader.read(32)):
                return frames[-1].values["pm25"]
    pytest.fail(f"no frame at {port}")


def test_switching_the_socket_on_cleans_the_simulated_air(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(town_live.port("blue-pm").exists, what="the sensor's port")
    wait_for(lambda: town_live.count("tele/socket-blue/LWT", "Online"), what="the socket's first word")
    town_live.wish(indoor={"school.blue": 300.0})
    wait_for(lambda: pm25(town_live.port("blue-pm")) > 250, what="smoke in the room")
    town_live.say("cmnd/socket-blue/Backlog0", "PulseTime1 400; Power1 ON")
    wait_for(lambda: town_live.count("stat/socket-blue/POWER", "ON"), what="the socket's confirmation")
    wait_for(lambda: pm25(town_live.port("blue-pm")) < 150, 25, "the air to become clean")


def test_a_co2_sensor_answers_the_bridge(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    for sensor, model, size in (("blue-co2", "s8", 13), ("red-co2", "mh-z19b", 9)):
        wait_for(town_live.port(sensor).exists, what="the sensor's port")
        driver = driver_for(model)
        with serial.Serial(str(town_live.port(sensor)), 9600, timeout=3, exclusive=True) as reader:
            reader.write(driver.ask())
            (frame,) = driver.feed(reader.read(size))
        assert 380 < frame.values["co2_ppm"] < 6000


def test_wishes_pull_the_plug_and_bring_haze(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    port = town_live.port("yard-pm")
    wait_for(port.exists, what="the sensor's port")
    before = pm25(port, "pms7003")
    town_live.wish(haze=200, faults={"school.yard-pm": "unplug"})
    wait_for(lambda: not port.is_symlink(), what="the port to vanish")
    town_live.wish(haze=200)
    wait_for(port.exists, what="the port to come back")
    wait_for(lambda: pm25(port, "pms7003") > before + 30, 15, "haze in the yard")


def test_sockets_follow_wishes(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(lambda: town_live.count("tele/socket-red/LWT", "Online"), what="the socket's first word")
    town_live.wish(plugs={"school.blue-fan": "press", "school.red-fan": "offline"})
    wait_for(lambda: town_live.count("stat/socket-blue/POWER", "ON"), what="the pressed button")
    wait_for(lambda: town_live.count("tele/socket-red/LWT", "Offline"), what="the lost network")
    town_live.wish(plugs={"school.blue-fan": "disobey"})
    wait_for(lambda: town_live.count("tele/socket-red/LWT", "Online") == 2, what="the network again")
    town_live.say("cmnd/socket-blue/Power1", "OFF")
    wait_for(lambda: town_live.count("stat/socket-blue/POWER", "ON") >= 2, what="the stuck relay's answer")


def test_a_sensor_added_gets_its_port_and_one_removed_loses_it(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(town_live.port("red-pm").exists, what="the sensor's port")
    added = '      new-pm: {bridge: pi, room: red, model: pms5003, port: "sim:classroom"}\n    purifiers:'
    lines = [line for line in town_live.text.splitlines() if "red-pm:" not in line]
    town_live.announce("\n".join(lines).replace("    purifiers:", added))
    wait_for(town_live.port("new-pm").exists, what="the new sensor's port")
    assert not town_live.port("red-pm").is_symlink()
    assert pm25(town_live.port("new-pm"), "pms5003") > 0


def test_a_restart_forgets_no_relay_and_no_expiry(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(lambda: town_live.count("tele/socket-blue/LWT", "Online"), what="the socket's first word")
    town_live.say("cmnd/socket-blue/Backlog0", "PulseTime1 400; Power1 ON")
    wait_for(lambda: town_live.count("stat/socket-blue/POWER", "ON"), what="the confirmation")
    town_live.stop()
    assert not town_live.port("blue-pm").is_symlink()
    wait_for(lambda: town_live.count("tele/socket-red/LWT", "Offline"), what="the last word of the last socket")
    wait_for(
        lambda: any(
            topic.endswith("service/simulator")
            and json.loads(said)["state"] == "offline"
            and json.loads(said)["figures"]
            for topic, said in town_live.heard
        ),
        what="the goodbye",
    )
    town_live.heard.clear()
    town_live.start()
    wait_for(lambda: town_live.count("stat/socket-blue/POWER", "ON"), what="the relay as it was")
    town_live.say("cmnd/socket-blue/PulseTime1")

    def remaining() -> int:
        told = [json.loads(said)["PulseTime1"]["Remaining"] for topic, said in town_live.heard if "PulseTime1" in said]
        return told[-1] if told else 0

    assert 100 < wait_for(remaining, what="the expiry") <= 400


def test_the_sockets_are_back_when_the_broker_is(town_live: Town, broker: Any, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(lambda: town_live.count("tele/socket-blue/LWT", "Online"), what="the first word")
    broker.kill()
    town_live.heard.clear()
    broker.start()
    wait_for(lambda: town_live.count("tele/socket-blue/LWT", "Online"), 20, "the word after the broker's return")
    assert pm25(town_live.port("blue-pm")) >= 0


def test_nonsense_at_the_broker_and_on_the_line_stops_nothing(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(town_live.port("blue-co2").exists, what="the sensor's port")
    wait_for(lambda: town_live.count("tele/socket-blue/LWT", "Online"), what="the socket's first word")
    town_live.link.publish(Topics(ORG).config, b"\xff{", qos=1)
    town_live.link.publish("cmnd/socket-blue/Power1", b"\xff\xfe", qos=1)
    town_live.link.publish("cmnd/socket-blue/" + "x" * 500, b"\0" * 100_000, qos=1)
    write_atomically(wishing.place_of(town_live.places), b"[" * 10_000)
    with serial.Serial(str(town_live.port("blue-co2")), 9600, timeout=3) as line:
        line.write(bytes(range(256)) * 8)
    town_live.say("cmnd/socket-blue/Power1", "ON")
    wait_for(lambda: town_live.count("stat/socket-blue/POWER", "ON"), what="an obedient socket")
    assert pm25(town_live.port("blue-pm")) >= 0


def test_a_port_that_cannot_be_made_leaves_the_others_alone(town_live: Town, wait_for: Callable[..., Any]) -> None:
    town_live.port("blue-pm").mkdir(parents=True)  # a folder stands where the link should be
    town_live.announce(town_live.text)
    town_live.start()
    wait_for(town_live.port("yard-pm").exists, what="the other sensor's port")
    assert pm25(town_live.port("yard-pm"), "pms7003") > 0
