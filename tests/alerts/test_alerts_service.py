"""The service at a real broker, with a Tasmota socket that has the firmware's traps."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.ledger_reader import LedgerReader
from alerts.service import Alerts, main
from classair.broker import BrokerAddress, Link, Message
from classair.places import Places, alone
from classair.wire import Answer, Ask, Beat, ConfigAnnouncement, PurifierState, RoomState, ServiceStatus, Topics
from simulator.devices.tasmota import TasmotaPlug

CONFIG = """
org: {org}
sites:
  s1:
    name: School
    bridges: {{pi: {{}}}}
    rooms:
      r1: {{name: Room 1, volume_m3: 180, capacity: 30}}
    sensors:
      pm: {{bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}}
    purifiers:
      fan: {{room: r1, kind: tasmota, topic: {plug}, cadr_m3h: 400, port: "sim:socket"}}
rules:
  no-word: {{kind: silent, for: 15m, tell: [caretaker]}}
  purifier-fault: {{kind: purifier_fault, tell: [caretaker]}}
people:
  caretaker: {{channel: console, language: en}}
"""


class World:
    """A broker with one school: plays bridge, socket and dashboard, and keeps what alerts says."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        self.topics = Topics(name)
        self.url, self.places = url, Places(folder)
        self.plug = TasmotaPlug(f"plug-{name}", now=time.monotonic())
        self.commands: list[tuple[float, str, str]] = []
        self.rooms: list[RoomState] = []
        self.states: list[PurifierState] = []
        self.answers: list[Answer] = []
        self.beats: list[Beat] = []
        self.status: ServiceStatus | None = None
        self._seq = 0
        self._lock = threading.Lock()
        self.stop_alerts: Callable[[], None] = lambda: None
        self.link = Link(
            BrokerAddress.of(url, f"world-{name}"),
            on_message=self._hear,
            subscriptions=[(f"cmnd/plug-{name}/#", 1), (f"classair/v1/{name}/#", 1)],
        )
        self.link.start()
        assert self.link.wait_up(60)
        self.announce()
        self._say(self.plug.connected(time.monotonic()))

    def announce(self, version: int = 1, text: str | None = None) -> None:
        text = text or CONFIG.format(org=self.topics.org, plug=self.plug.topic)
        self.link.publish(
            self.topics.config, ConfigAnnouncement(version=version, accepted_at=0, text=text).model_dump_json(), 1, True
        )

    def start_alerts(self) -> Alerts:
        stop = threading.Event()
        address = BrokerAddress.of(self.url, f"alerts-{self.topics.org}")
        alerts = Alerts(self.places, lambda **more: Link(address, **more), self.topics.org)
        thread = threading.Thread(target=alerts.run, args=(stop,))
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()

        self.stop_alerts = end
        return alerts

    def measure(self, *points: tuple[float, float], sensor: str = "pm") -> None:
        """Readings as (seconds ago, µg/m³), in one message."""
        now = int(time.time() * 1000)
        items = []
        for ago, value in points:
            self._seq += 1
            items.append(
                {
                    "bridge": "pi",
                    "epoch": "abcdefgh",
                    "seq": self._seq,
                    "sensor": sensor,
                    "at": now - int(ago * 1000),
                    "values": {"pm25": value},
                    "interval_s": 10,
                    "simulated": True,
                }
            )
        self.link.publish(self.topics.bridge("s1", "pi", "reading"), json.dumps(items), 1)

    def ask(self, request: str, do: str, minutes: float | None = None) -> None:
        self.link.publish(
            self.topics.ask("alerts", request),
            Ask(
                id=request,
                do="override",
                who="teacher",
                args={"purifier": "s1.fan", "do": do, "minutes": minutes},
            ).model_dump_json(),
            1,
        )

    def press(self) -> None:
        with self._lock:
            self._say(self.plug.press(time.monotonic()))

    def go_offline(self) -> None:
        with self._lock:
            self._say(self.plug.go_offline(time.monotonic()))

    def _say(self, messages: list[Any]) -> None:
        for message in messages:
            self.link.publish(message.topic, message.payload, 1, message.retain)

    def _hear(self, message: Message) -> None:
        topic = message.topic
        if topic.startswith("cmnd/"):
            self.commands.append((time.monotonic(), topic, message.payload.decode()))
            with self._lock:
                self._say(self.plug.handle(topic, message.payload, time.monotonic()))
        elif not message.payload:
            return
        elif topic == self.topics.room_now("s1", "r1"):
            self.rooms.append(RoomState.model_validate_json(message.payload))
        elif topic == self.topics.purifier_state("s1", "fan"):
            self.states.append(PurifierState.model_validate_json(message.payload))
        elif topic.startswith(self.topics.answer("")):
            self.answers.append(Answer.model_validate_json(message.payload))
        elif topic == self.topics.beat:
            self.beats.append(Beat.model_validate_json(message.payload))
        elif topic == self.topics.service_status("alerts"):
            self.status = ServiceStatus.model_validate_json(message.payload)

    def switched(self) -> list[str]:
        return [payload for _, _, payload in self.commands if "ON" in payload or payload == "OFF"]


HIGH = tuple((float(ago), 60.0) for ago in range(900, 0, -10))


@pytest.fixture
def world(mosquitto: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(mosquitto.url, tmp_path, f"t{abs(hash(request.node.name)) % 10**9}")
    yield made
    made.stop_alerts()
    made.link.publish(made.topics.config, b"", 1, True)
    made.link.stop()


def test_a_rising_room_switches_the_plug_on_with_an_expiry_and_says_so(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False, what="the real state was read")
    assert world.switched() == []
    world.measure(*HIGH, (0, 60.0))
    wait_for(lambda: world.states[-1].on, what="the purifier is confirmed on")
    assert world.switched() == ["PulseTime1 400; Power1 ON"]
    assert world.plug.on and 295 < world.plug.remaining_s(time.monotonic()) <= 300
    state = world.states[-1]
    assert state.confirmed and state.mode == "auto" and state.expires_at is not None and state.simulated
    room = wait_for(lambda: next((r for r in reversed(world.rooms) if r.purifier and r.purifier.on), None))
    assert room.pm25.shown == "60" and room.pm25.level == "starts_to_affect_health" and room.simulated
    assert room.texts["th"]["ok"].level == "เริ่มมีผลกระทบต่อสุขภาพ"
    reader = LedgerReader(world.places.ledger)
    sent = wait_for(lambda: reader.commands("s1.fan", 0, 2**50))
    assert sent[0].on and sent[0].seconds == 300 and sent[0].signal == 60.0
    wait_for(lambda: [s.shown for s in reader.states("s1.r1", 0, 2**50)][-1:] == ["60"])


@pytest.mark.parametrize("server", ["", "mailtos://u:p@mail.example"])
def test_its_word_says_whether_mail_would_leave(
    world: World, wait_for: Any, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setenv("CLASSAIR_MAIL", server)
    world.start_alerts()
    status = wait_for(lambda: world.status)
    assert status.figures["mail"] == int(bool(server)) and "mail.example" not in status.model_dump_json()


def test_the_frame_that_completes_the_condition_is_followed_by_the_command(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False)
    world.measure(*((float(ago), 40.0) for ago in range(184, 10, -10)))
    wait_for(lambda: world.rooms and world.rooms[-1].pm25.status == "filling")
    assert world.switched() == []
    world.measure((0.0, 40.0))
    wait_for(lambda: world.switched())
    assert any("ON" in payload for _, _, payload in world.commands)


def test_a_second_alerts_on_the_same_data_is_refused_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with alone(tmp_path / "run" / "alerts.lock"):
        assert main(["--data", str(tmp_path), "--config", "sensors.yaml"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"classair alerts: already running with data folder {tmp_path}. Stop it, or use --data DIR"
    )


def test_a_step_of_the_clock_is_noticed_at_the_next_look_and_drifting_is_not(tmp_path: Path) -> None:
    wall, steady = [1_790_000_000_000], [50_000]
    address = BrokerAddress.of("mqtt://127.0.0.1:1", "alerts")
    alerts = Alerts(Places(tmp_path), lambda **more: Link(address, **more), "town", lambda: wall[0], lambda: steady[0])
    steps: list[int] = []
    alerts.watching.clock_stepped = lambda by_ms, now: steps.append(by_ms)  # type: ignore[method-assign]
    for drift in (9_000, 9_000, -9_000):
        wall[0] += 60_000 + drift
        steady[0] += 60_000
        assert alerts._moment() == wall[0]
    assert steps == []
    wall[0] -= 3_600_000
    assert alerts._moment() == wall[0] and alerts._moment() == wall[0]
    assert steps == [-3_600_000]
    alerts.ledger.close()


def test_old_and_damaged_and_foreign_messages_switch_nothing(world: World, wait_for: Any) -> None:
    alerts = world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False)
    world.measure(*((ago + 200.0, 90.0) for ago, _ in HIGH))  # older than three minutes
    world.measure(*((ago + 86_400.0, 90.0) for ago, _ in HIGH))  # yesterday's backlog
    world.measure(*((ago - 100_000.0, 90.0) for ago, _ in HIGH))  # from the future
    world.measure(*HIGH, sensor="stranger")
    stream = world.topics.bridge("s1", "pi", "reading")
    for payload in (b"", b"[", b"\xff\x00", b"[" * 5000, b'{"at": 99999999999999999999}', b"null", b"[1, {}]"):
        world.link.publish(stream, payload, 1)
    world.link.publish(world.topics.ask("alerts", "x"), b"not json", 1)
    world.link.publish(f"stat/{world.plug.topic}/RESULT", b"[[[[", 1)
    world.measure((1.0, 12.0))
    # The last reading is the newest valid one: once it shows, all that came before it has been dealt with.
    now = int(time.time() * 1000)
    wait_for(lambda: world.rooms and (world.rooms[-1].pm25.newest_at or 0) > now - 60_000)
    assert world.switched() == []
    assert alerts.watching.refused > 0


def test_a_persons_word_by_ask_is_done_once_and_survives_a_restart(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False)
    world.ask("request-0001", "on", 30)
    answer = wait_for(lambda: world.answers)[0]
    assert answer.ok and answer.result["mode"] == "person"
    wait_for(lambda: world.states[-1].on)
    assert world.switched() == ["PulseTime1 1900; Power1 ON"]
    until = world.states[-1].override_until
    world.ask("request-0001", "on", 30)
    wait_for(lambda: len(world.answers) == 2)
    assert world.switched() == ["PulseTime1 1900; Power1 ON"]
    world.stop_alerts()
    assert world.status is not None and world.status.state == "offline"
    terms = [beat.term for beat in world.beats]
    world.states.clear()
    world.start_alerts()
    wait_for(
        lambda: world.states and world.states[-1].on and world.states[-1].override_until == until,
        what="the override is in force again",
    )
    assert world.states[-1].mode == "person"
    wait_for(lambda: world.beats and world.beats[-1].term == max(terms) + 1)
    world.ask("request-0001", "off")  # the same id again, after the restart: nothing is done twice
    wait_for(lambda: len(world.answers) == 3)
    assert world.plug.on and "OFF" not in world.switched()
    world.ask("request-0002", "off", 5)
    wait_for(lambda: world.states[-1].on is False)
    assert not world.plug.on


def test_asks_that_cannot_be_done_are_answered_with_the_reason(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.states)
    world.link.publish(
        world.topics.ask("alerts", "bad-00001"),
        Ask(id="bad-00001", do="override", args={"purifier": "s1.nothing", "do": "on"}).model_dump_json(),
        1,
    )
    world.link.publish(
        world.topics.ask("alerts", "bad-00002"),
        Ask(id="bad-00002", do="override", args={"purifier": "s1.fan", "do": "on", "minutes": 9999}).model_dump_json(),
        1,
    )
    world.link.publish(world.topics.ask("alerts", "bad-00003"), Ask(id="bad-00003", do="dance").model_dump_json(), 1)
    wait_for(lambda: len(world.answers) == 3)
    errors = {answer.id: answer.error for answer in world.answers if not answer.ok}
    assert "not a purifier" in errors["bad-00001"] and "minutes" in errors["bad-00002"]
    assert "override" in errors["bad-00003"]


def test_the_button_at_the_device_is_a_persons_word(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False)
    world.press()
    wait_for(lambda: world.states[-1].on and world.states[-1].mode == "person" and world.states[-1].expires_at)
    assert world.switched() == ["PulseTime1 3700; Power1 ON"]


def test_a_plug_that_was_away_comes_back_and_is_put_right(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False)
    world.measure(*HIGH, (0, 60.0))
    wait_for(lambda: world.states[-1].on)
    world.go_offline()
    wait_for(lambda: world.states[-1].on is None and world.states[-1].mode == "unknown")
    world.plug.power_on_state = 0
    with world._lock:
        world.plug.offline = False
        world._say(world.plug.reboot(time.monotonic()))
    wait_for(lambda: world.states[-1].on, what="it is on again")
    assert world.plug.on and world.plug.remaining_s(time.monotonic()) > 0


def test_a_room_that_is_gone_from_the_configuration_leaves_nothing_retained(
    world: World, wait_for: Any, mosquitto: Any
) -> None:
    world.start_alerts()
    wait_for(lambda: world.rooms and world.states)
    text = CONFIG.format(org=world.topics.org, plug=world.plug.topic).replace("r1", "r9").replace("fan:", "fan9:")
    world.announce(2, text)
    heard: dict[str, bytes] = {}
    late = Link(
        BrokerAddress.of(mosquitto.url, f"late-{world.topics.org}"),
        on_message=lambda m: heard.update({m.topic: m.payload}),
        subscriptions=[(f"classair/v1/{world.topics.org}/#", 1)],
    )
    wait_for(lambda: world.status is not None and world.status.config_version == 2, timeout=15)
    late.start()
    wait_for(lambda: world.topics.room_now("s1", "r9") in heard and world.topics.purifier_state("s1", "fan9") in heard)
    late.stop()
    assert world.topics.room_now("s1", "r1") not in heard
    assert world.topics.purifier_state("s1", "fan") not in heard


@pytest.mark.slow
def test_a_state_word_that_nobody_knows_is_a_warning_in_both_languages_until_it_is_put_right(
    world: World, wait_for: Any
) -> None:
    world.start_alerts()
    wait_for(lambda: world.states and world.states[-1].on is False)
    topic = f"tele/{world.plug.topic}/STATE"
    world.link.publish(topic, b'{"POWER":"ligado"}')
    status = wait_for(lambda: world.status if world.status and world.status.warnings else None, timeout=30)
    assert "s1.fan answers with “ligado” instead of ON or OFF" in status.warnings[0]
    assert "StateText1 OFF" in status.causes[0]["th"]
    assert world.states[-1].on is False
    world.link.publish(topic, b'{"POWER":"OFF"}')
    wait_for(lambda: world.status and not world.status.warnings, timeout=30, what="the warning to end")
