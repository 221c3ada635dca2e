"""One file adds a thing. The examples of the guides are put into a copy of the tree, nothing else is touched, and each
is used: bytes through a serial line, messages of device and purifier over the real broker, a notification.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link, Message
from classair.places import Places
from classair.stores import StoreAway, open_store
from classair.wire import Topics
from tests.neighbours.ports import free_port

pytestmark = pytest.mark.thorough

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("add-a-sensor", "add-a-device", "add-a-purifier", "add-a-channel")
TOPICS = Topics("copy-town")
SCHOOL = """
org: copy-town
sites:
  s1:
    name: School
    bridges: {pi: {}}
    rooms:
      r1: {name: Blue, volume_m3: 180}
      r2: {name: Red, volume_m3: 180}
    sensors:
      SENSORS
    purifiers:
      PURIFIERS
rules:
  purifiers: {kind: purifier, on_for: 1s}
  silence: {kind: silent, for: 2s, severity: urgent, tell: [caretaker]}  # a minute of gathering is cut to ten seconds
people:
  PEOPLE
"""
SECOND = "  second-fan: {room: r1, kind: breeze, unit: second, cadr_m3h: 300}"


def example(guide: str) -> tuple[str, str]:
    """The whole file in a guide: where it goes, and its text."""
    found = re.findall(
        r"The whole of `([\w/]+\.py)`:\n\n```python\n(.*?)```", (DOCS / f"{guide}.md").read_text("utf-8"), re.DOTALL
    )
    assert len(found) == 1, f"{guide}.md shows one whole file"
    path, text = found[0]
    return path, text


def entry(guide: str) -> str:
    """The line of sensors.yaml in a guide."""
    (line,) = re.findall(r"```yaml\n\w+:\n  (.*)\n```", (DOCS / f"{guide}.md").read_text("utf-8"))
    assert isinstance(line, str)
    return line


class Breeze:
    """The purifier of the guide: runs as ordered, and says so."""

    def __init__(self, address: BrokerAddress, unit: str) -> None:
        self.running, self.orders, self.heard = False, list[dict[str, Any]](), list[str]()
        self._order, self._report = f"breeze/{unit}/order", f"breeze/{unit}/report"
        # It asks for everything; the broker gives it what is its own.
        self.acknowledged: list[int] = []
        self.link = Link(
            address,
            on_message=self._hear,
            on_published=self.acknowledged.append,
            subscriptions=[("#", 1), ("+/+/+", 1), (self._order, 1)],
        )
        self.link.start()
        assert self.link.wait_up(10)

    def _hear(self, message: Message) -> None:
        self.heard.append(message.topic)
        if message.topic != self._order:
            return
        order = json.loads(message.payload)
        self.orders.append(order)
        if "run" in order:
            assert not order["run"] or order["seconds"] > 0
            self.running = order["run"]
        report = {"running": self.running, **({"because": "order"} if "run" in order else {})}
        self.link.publish(self._report, json.dumps(report), qos=0)


class House:
    """`classair run` of the copy, with one of each thing; what is published of rooms and purifiers."""

    def __init__(self, copy: Any, folder: Path) -> None:
        self.copy, self.places, self.notebook = copy, Places(folder / "data"), folder / "notebook.txt"
        self.config = folder / "sensors.yaml"
        self.line, slave = pty.openpty()
        tty.setraw(slave)
        port = os.ttyname(slave)
        sensors = [
            entry("add-a-sensor").replace('"/dev/serial/by-id/YOUR-SENSOR"', f'"{port}", every: frame'),
            entry("add-a-device"),
        ]
        self.text = (
            SCHOOL.replace("SENSORS", "\n      ".join(sensors))
            .replace("PURIFIERS", entry("add-a-purifier"))
            .replace("PEOPLE", entry("add-a-channel").replace("NOTEBOOK,", f"{self.notebook},"))
        )
        self.config.write_text(self.text, "utf-8")
        self.fan: Breeze
        self.heard: dict[str, Any] = {}
        self.links: list[Link] = []
        self._stop = threading.Event()
        self._log = (folder / "run.log").open("wb")
        words = ("run", "--data", str(self.places.root), "--config", str(self.config), "--port", str(free_port()))
        self.process = subprocess.Popen(
            copy.command(*words),
            cwd=copy.root,
            env=copy.environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._measure, args=(slave,), daemon=True).start()

    def _measure(self, slave: int) -> None:
        """A Mok-1 that measures 90.0 µg/m³ of PM2.5 each second."""
        body = (900).to_bytes(2, "big") + (1000).to_bytes(2, "big")
        while not self._stop.wait(1):
            os.write(self.line, b"MK" + body + bytes([sum(body) & 0xFF]))

    def secret(self, user: str) -> str:
        try:
            secrets = json.loads((self.places.run / "passwords.json").read_text())
        except (OSError, ValueError):
            return ""
        return str(secrets.get(user, ""))

    def address(self, user: str) -> BrokerAddress:
        port = int((self.places.run / "broker" / "port").read_text())
        return BrokerAddress("127.0.0.1", port, user, self.secret(user))

    def watch(self) -> None:
        topics = (TOPICS.room_now("+", "+"), TOPICS.purifier_state("+", "+"), TOPICS.sensor_health("+", "+"))
        link = Link(self.address("tool"), on_message=self._hear, subscriptions=[(topic, 1) for topic in topics])
        self.links.append(link)
        link.start()

    def _hear(self, message: Message) -> None:
        self.heard[message.topic] = json.loads(message.payload) if message.payload else None

    def pm25(self, room: str) -> list[float]:
        """Every value that is stored of a room."""
        try:
            with contextlib.closing(open_store("sqlite", self.places, readonly=True)) as store:
                return [one.values["pm25"] for one in store.readings(f"s1.{room}", 0, 2**53)]
        except StoreAway:  # ingest is about to make it
            return []

    def on(self, purifier: str) -> bool:
        state = self.heard.get(TOPICS.purifier_state("s1", purifier))
        return bool(state and state["on"] and state["confirmed"])

    def stop(self) -> None:
        self._stop.set()
        for link in self.links:
            link.stop()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self._log.close()

    def logs(self) -> str:
        files = [Path(self._log.name), *sorted(self.places.logs.glob("*.log"))]
        return "\n".join(f"--- {file.name}\n{file.read_text('utf-8', 'replace')[-2000:]}" for file in files)


@pytest.fixture(scope="module")
def changed(copy: Any) -> Any:
    """The copy with the four files of the guides, and nothing else changed."""
    for guide in GUIDES:
        copy.add(*example(guide))
    return copy


@pytest.fixture(scope="module")
def house(
    mosquitto_program: str, changed: Any, tmp_path_factory: pytest.TempPathFactory, wait_for: Callable[..., Any]
) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTEBOOK_PIN", "4711")
        made = House(changed, tmp_path_factory.mktemp("house"))
    try:
        wait_for(
            lambda: made.secret("s1.r1-fan") and (made.places.run / "broker" / "port").exists(), 30, "the accounts"
        )
        wait_for(lambda: "http://" in Path(made._log.name).read_text("utf-8"), 60, "the start of classair run")
        made.watch()
        made.fan = Breeze(made.address("s1.r1-fan"), "b7")
        made.links.append(made.fan.link)
        yield made
    finally:
        made.stop()
        print(made.logs())


def test_the_examples_are_written_as_everything_else_is(changed: Any) -> None:
    files = [str(changed.root / example(guide)[0]) for guide in GUIDES]
    for words in (("check",), ("format", "--check")):
        told = subprocess.run(
            [sys.executable, "-m", "ruff", *words, *files], cwd=changed.root, capture_output=True, text=True
        )
        assert told.returncode == 0, told.stdout + told.stderr


def test_check_knows_what_was_added_and_says_in_words_what_is_wrong_with_it(
    changed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBOOK_PIN", "4711")
    file = tmp_path / "sensors.yaml"
    lines = {"SENSORS": f"{entry('add-a-sensor')}\n      {entry('add-a-device')}", "PURIFIERS": entry("add-a-purifier")}
    text = SCHOOL.replace("PEOPLE", entry("add-a-channel"))
    for mark, line in lines.items():
        text = text.replace(mark, line)
    file.write_text(text, "utf-8")
    told = changed.run("check", "--config", str(file))
    assert told.returncode == 0, told.stderr
    file.write_text(text.replace("unit: b7", "unit: B 7").replace("dust_factor: 2", "dust: 2").replace("pin:", "pi:"))
    told = changed.run("check", "--config", str(file))
    assert told.returncode == 2
    assert "purifiers.r1-fan.unit: expected small letters and digits, at most 16 characters" in told.stderr
    assert "sensors.r2-pole.settings.dust: unknown key; did you mean dust_factor?" in told.stderr
    assert "people.caretaker.pi: unknown key; did you mean pin?" in told.stderr
    assert "people.caretaker.pin: is missing" in told.stderr


def test_a_sensor_is_decoded_from_a_file_and_through_a_serial_line(
    changed: Any, house: House, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    capture = tmp_path / "capture.raw"
    capture.write_bytes(b"\x00MK" + b"MK\x00\x7b\x00\xc8" + bytes([0x7B + 0xC8 & 0xFF]))
    told = changed.run("decode", "--sensor", "mok1", str(capture))
    assert json.loads(told.stdout)["values"]["pm25"] == 12.3, told.stderr
    wait_for(lambda: set(house.pm25("r1")) == {90.0}, 60, "the sensor's reading in the store")


def test_a_device_is_heard_by_the_bridge_under_its_own_account(house: House, wait_for: Callable[..., Any]) -> None:
    health = TOPICS.sensor_health("s1", "r2-pole")
    wait_for(lambda: health in house.heard, 60, "the bridge, which knows the device")
    pole = Link(house.address("s1.r2-pole"), on_message=lambda message: None)
    house.links.append(pole)
    pole.start()
    assert pole.wait_up(10)
    pole.publish("poles/r2/air", json.dumps({"dust": 40, "co2": 800}), qos=1)
    for topic in ("poles/r1/air", "poles/r1/air", TOPICS.bridge("s1", "pi", "reading")):
        pole.publish(topic, json.dumps({"dust": 1}), qos=1)
    pole.publish(health, json.dumps({"state": "forged"}), qos=1)
    pole.publish("poles/r2/air", json.dumps({"dust": 41, "co2": 800}), qos=1)
    wait_for(lambda: house.pm25("r2") == [80.0, 82.0], 60, "the device's readings in the store")
    assert house.heard[health]["state"] != "forged"


def test_a_purifier_is_switched_with_its_expiry_and_confirms(house: House, wait_for: Callable[..., Any]) -> None:
    wait_for(lambda: house.fan.running and house.on("r1-fan"), 60, "the purifier, on and confirmed")
    assert set(house.fan.heard) == {"breeze/b7/order"}


@pytest.mark.slow
def test_a_purifier_added_while_everything_runs_is_let_in_and_switched(
    house: House, wait_for: Callable[..., Any]
) -> None:
    line = entry("add-a-purifier")
    house.config.write_text(house.text.replace(line, f"{line}\n    {SECOND}"), "utf-8")
    wait_for(lambda: house.secret("s1.second-fan"), 30, "its account")
    fan = wait_for(lambda: _connected(house, "s1.second-fan", "second"), 30, "the purifier at the broker")
    house.links.append(fan.link)
    wait_for(lambda: fan.running and house.on("second-fan"), 60, "the purifier, on and confirmed")
    # Nobody can order another's purifier or overhear it. The broker takes one message after the other, so when it has
    # acknowledged the last of the stranger and then one of the fan, what it let pass has arrived.
    acknowledged: list[int] = []
    stranger = Link(house.address("s1.r1-fan"), on_message=lambda message: None, on_published=acknowledged.append)
    stranger.start()
    assert stranger.wait_up(10)
    for topic in ("breeze/second/order", "breeze/second/report", TOPICS.purifier_state("s1", "second-fan")):
        stranger.publish(topic, json.dumps({"run": False, "running": False}), qos=1)
    wait_for(lambda: len(acknowledged) == 3, 10, "the end of the stranger's messages")
    fan.link.publish("breeze/second/report", json.dumps({"running": True}), qos=1)
    wait_for(lambda: fan.acknowledged, 10, "the acknowledgement of the fan's own")
    stranger.stop()
    assert fan.running and set(fan.heard) == {"breeze/second/order"} and house.on("second-fan")


def _connected(house: House, user: str, unit: str) -> Breeze | None:
    try:
        return Breeze(house.address(user), unit)
    except AssertionError:
        return None


def test_a_channel_gets_the_notification_and_its_secret(house: House, wait_for: Callable[..., Any]) -> None:
    wait_for(lambda: house.notebook.exists() and "No data from Red" in house.notebook.read_text("utf-8"), 180, "a line")
    assert all(line.startswith("4711 ") for line in house.notebook.read_text("utf-8").splitlines())
    assert "4711" not in (house.places.accepted_config).read_text("utf-8")


def test_a_broker_of_ones_own_gets_the_same_accounts(changed: Any, house: House, tmp_path: Path) -> None:
    words = ["-m", "classair.ops.brokerfiles", "--config", str(house.config), "--folder", str(tmp_path)]
    command = [changed.command()[0], *words]
    told = subprocess.run(command, cwd=changed.root, env=changed.environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    rules = (tmp_path / "acl").read_text("utf-8")
    assert "user s1.r1-fan\ntopic deny classair/#\ntopic write breeze/b7/report\ntopic read breeze/b7/order\n" in rules
    assert "topic write breeze/b7/order\n" in rules.partition("\nuser alerts\n")[2].partition("\nuser ")[0]
    assert (tmp_path / "secrets" / "s1.r1-fan.env").exists() and (tmp_path / "secrets" / "s1.r2-pole.env").exists()
