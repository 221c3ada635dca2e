"""A simulated device at a real broker, and control's side of it, with the accounts that a configuration gives."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Said
from classair import config, wire
from classair.broker import BrokerAddress, Link, Message
from classair.control import orders
from classair.ops.brokerfiles import Grants, grants_of, mosquitto_conf, write_broker_files
from simulator.devices.device import Device, Publish
from tests.alerts.purifiers.rows import ALL, Row
from tests.neighbours.programs import await_condition

ORG, SITE, SECRET = "demo-town", "s1", "secret"


@cache
def school() -> config.Config:
    """A school with a purifier of every row."""
    units = {row.name: {"room": "r1", "kind": row.kind, "cadr_m3h": 300, **row.settings} for row in ALL}
    text = {
        "org": ORG,
        "sites": {
            SITE: {
                "name": "School",
                "bridges": {"pi": {}},
                "rooms": {"r1": {"name": "Blue", "volume_m3": 180}},
                "sensors": {},
                "purifiers": units,
            }
        },
    }
    return config.parse(json.dumps(text))


def user_of(row: Row) -> str:
    return unit_of(row).account().name or f"{SITE}.{row.name}"


def unit_of(row: Row, clock: Callable[[], int] = lambda: round(time.time() * 1000)) -> purifiers.Purifier:
    """The kind under test, as control makes it."""
    name = f"{SITE}.{row.name}"
    return purifiers.make(name, dict(school().purifiers())[name], clock)


def grants() -> Grants:
    return grants_of(school())


def conf(port: int, folder: Any) -> str:
    """A broker with the generated rules; `watcher` may do all, as a careless program of somebody's."""
    users = dict.fromkeys({"alerts", "tool", "watcher", *map(user_of, ALL)}, SECRET)
    write_broker_files(folder, ORG, port, users, grants())
    with (folder / "acl").open("a") as rules:
        rules.write("\nuser watcher\ntopic readwrite #\n")
    return mosquitto_conf(port, folder)


class Plugged:
    """A device at a broker, in a time of its own that only `skip` moves."""

    def __init__(self, row: Row, url: str) -> None:
        self.row, self.device = row, row.device()
        self.now = 1000.0
        self.silent = False
        self.held: list[Publish] | None = None
        self.marks: list[bytes] = []
        self._lock = threading.RLock()
        self._address = urlsplit(url)
        self._client: mqtt.Client | None = None
        self._ready = threading.Event()
        self.plug_in()

    # -- the mains ----------------------------------------------------------------------------------------------------

    def plug_in(self) -> None:
        """Connects, as a device that gets power and network does; returns when it hears."""
        self._ready.clear()
        user = user_of(self.row)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user)
        client.username_pw_set(user, SECRET)
        client.reconnect_delay_set(1, 1)
        for will in self.device.farewell():
            client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        client.on_connect = self._connected
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._heard
        client.on_disconnect = lambda *_: self._act(lambda: self.device.disconnected(self.now), False)
        self._client = client
        client.connect(self._address.hostname or "", self._address.port or 0, keepalive=60)
        client.loop_start()
        assert self._ready.wait(30), "the device does not get to its topics"

    def cut(self) -> None:
        """The mains are cut: the connection ends without a word."""
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = None
            client.loop_stop()
            connection = client.socket()
            if connection is not None:
                connection.close()

    def mains_return(self) -> None:
        with self._lock:
            self.device.reboot(self.now)
        self.plug_in()

    def leave(self) -> None:
        if self._client is not None:
            self._client.on_disconnect = None
            self._client.disconnect()
            self._client.loop_stop()

    # -- time and people ----------------------------------------------------------------------------------------------

    def skip(self, seconds: float) -> None:
        """So much of the device's time goes by, second by second where it is not long."""
        step = max(1.0, seconds / 2000)
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            self._act(lambda: self.device.tick(self.now))

    def press(self) -> None:
        self._act(lambda: self.device.press(self.now))

    def drop(self) -> None:
        self._act(lambda: self.device.drop(self.now))

    def say(self, *messages: Publish) -> None:
        """Something the device is made to send."""
        self._act(lambda: list(messages))

    def request(self, call: orders.HttpCall) -> None:
        parts = urlsplit(call.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._act(lambda: self.device.http(path, self.now))

    def hold(self) -> None:
        """From now on what it says is delayed."""
        self.held = []

    def release(self) -> None:
        held, self.held = self.held or [], None
        self.say(*held)

    @property
    def remaining_s(self) -> float:
        with self._lock:
            return self.device.remaining_s(self.now)

    # -- the client's thread ------------------------------------------------------------------------------------------

    def _connected(self, client: mqtt.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        assert not reason.is_failure, reason
        self._act(lambda: self.device.connected(self.now))
        client.subscribe([(topic, 1) for topic in self.device.topics()])

    def _heard(self, _c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        if message.payload.startswith(b"mark-"):
            self.marks.append(message.payload)
        else:
            self._act(lambda: [] if self.silent else self.device.handle(message.topic, message.payload, self.now))

    def _act(self, act: Callable[[], list[Publish]], heard: bool = True) -> None:
        with self._lock:
            said = act()
            if not heard or self.silent:
                return
            if self.held is not None:
                self.held += said
                return
            for message in said:
                if self._client is not None:
                    self._client.publish(message.topic, message.payload, qos=0, retain=message.retain)


class Control:
    """What alerts does with one purifier: sends its messages as the user alerts, and reads what comes back."""

    def __init__(self, row: Row, url: str, clock: Callable[[], int]) -> None:
        self.unit = unit_of(row, clock)
        self.said: list[Said] = []
        self.marks: list[bytes] = []
        self.link = Link(
            BrokerAddress.of(url, "alerts", SECRET),
            on_message=self._take,
            subscriptions=[(topic, 1) for topic in self.unit.topics()],
        )
        self.link.start()
        assert self.link.wait_up(60)

    def send(self, messages: Iterable[Any]) -> None:
        for message in messages:
            assert isinstance(message, orders.Publish)
            assert self.link.publish(message.topic, message.payload) is not None

    def switch(self, on: bool, seconds: int | None = 300, speed: int | None = None) -> None:
        self.send(self.unit.command(Command(on, seconds if on else None, "auto", "why", 1, speed)))

    def ask(self) -> None:
        self.send(self.unit.query())

    def forget(self) -> None:
        self.said = []

    def until(self, wanted: Callable[[Said], bool], what: str) -> Said:
        """The first word since `forget` that is wanted."""
        found = await_condition(lambda: [said for said in list(self.said) if wanted(said)], what=f"{what}: {self.said}")
        return found[0]

    def words(self) -> list[bool]:
        """What was said of the relay since `forget`."""
        return [said.on for said in self.said if said.on is not None]

    def close(self) -> None:
        self.link.stop()
        assert self.link.errors == 0, "reading a message raised"

    def _take(self, message: Message) -> None:
        if message.payload.startswith(b"mark-"):
            self.marks.append(message.payload)
        else:
            said = self.unit.read_state(message.topic, message.payload, message.retain)
            self.said += said
            if any(one.online for one in said) and self.link.up:
                self.send(self.unit.query())  # as control does after a birth


class Bench:
    """A device and control, on one broker, after the device's birth."""

    def __init__(self, row: Row, url: str) -> None:
        self.row, self.url = row, url
        self.plugged = Plugged(row, url)
        self.control = Control(row, url, lambda: round(self.plugged.now * 1000))
        self.device: Device = self.plugged.device
        self.traits = self.control.unit.traits
        off = self.control.unit.command(Command(False, None, "auto", "why", 1))[0]
        assert isinstance(off, orders.Publish)
        self._asked_on = off.topic
        self.settle()

    def settle(self) -> None:
        """Returns when all that was sent so far has been heard, at the device and then here."""
        mark = f"mark-{uuid.uuid4().hex}".encode()
        assert self.control.link.wait_up(60)
        self.control.link.publish(self._asked_on, mark)
        await_condition(lambda: mark in self.plugged.marks, what="the mark at the device")
        self.plugged.say(Publish(self.row.claims_on.topic, mark.decode()))
        await_condition(lambda: mark in self.control.marks, what="the mark from the device")

    def report(self) -> None:
        """Asks, or waits for no answer and has the device send its regular word, where it cannot be asked."""
        if self.traits.asked:
            self.control.ask()
        else:
            self.plugged.say(*self.device.connected(self.plugged.now))

    def prepare(self) -> None:
        self.control.send(step.order for step in self.control.unit.prepare())

    def close(self) -> None:
        self.plugged.leave()
        self.control.close()


Benches = Callable[[Row], Bench]


def on(said: Said) -> bool:
    return said.on is True


def off(said: Said) -> bool:
    return said.on is False


def retained_at(url: str, topics: Iterable[str]) -> dict[str, bytes]:
    """What waits at the broker on these topics."""
    found: dict[str, bytes] = {}
    mark = wire.Topics(ORG).beat

    def hear(message: Message) -> None:
        found[message.topic] = message.payload

    link = Link(BrokerAddress.of(url, "watcher", SECRET), on_message=hear, subscriptions=[(one, 1) for one in topics])
    link.start()
    assert link.wait_up(60)
    link.subscribe(mark, 1)
    await_condition(lambda: link.publish(mark, "now", 1) and mark in found, what="the mark")
    link.stop()
    found.pop(mark)
    return found


def publish_as(url: str, user: str, *messages: Publish) -> None:
    """Somebody's message, in the broker's hands when this returns."""
    done: set[int] = set()
    link = Link(BrokerAddress.of(url, user, SECRET), on_message=lambda _: None, on_published=done.add)
    link.start()
    assert link.wait_up(60)
    sent = [link.publish(one.topic, one.payload, 1, one.retain) for one in messages]
    await_condition(lambda: done >= set(sent), what="the broker's answer")
    link.stop()
