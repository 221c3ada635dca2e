"""What Home Assistant is told: the published form, templates rendered as it renders them, orders that come back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerts.engine import AlertsEngine
from alerts.homeassistant import HomeAssistant
from alerts.ledger import Ledger
from classair import config as configuration
from classair.accounts import HOME_ASSISTANT
from classair.broker import BrokerAddress, Link
from classair.model import Reading
from classair.ops.brokerfiles import grants_of, mosquitto_conf, write_broker_files
from classair.timetable import ZONE
from classair.wire import Answer, PurifierState, RoomState, SensorHealth, Topics
from tests.alerts.watched import Post

TOPICS = Topics("town")
SCHOOL = """
org: town
language: LANGUAGE
sites:
  s1:
    name: {th: โรงเรียนหนึ่ง, en: School One}
    bridges: {pi: {}}
    rooms:
      r1: {name: {th: ห้องหนึ่ง, en: Room 1}, volume_m3: 180, capacity: 30, timetable: day}
    sensors:
      pm: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}
    purifiers:
      fan: {room: r1, kind: dry_run, cadr_m3h: 400}
timetables:
  day: {days: [mon], occupied: ["08:00-16:00"], lessons: ["08:30-11:30"]}
"""
NOW = round(datetime(2026, 11, 23, 9, tzinfo=ZONE).timestamp() * 1000)

# Keys of Home Assistant's MQTT documentation that are used here; a letter wrong in one of them and nothing appears.
COMMON = {"p", "name", "uniq_id", "stat_t", "val_tpl", "qos", "ent_cat", "dev_cla", "exp_aft"}
KEYS = {
    "sensor": COMMON | {"unit_of_meas", "stat_cla", "sug_dsp_prc", "ops", "avty", "avty_mode"},
    "switch": COMMON | {"cmd_t", "cmd_tpl", "pl_on", "pl_off", "stat_on", "stat_off", "opt", "ret"},
    "binary_sensor": COMMON,
    "button": COMMON | {"cmd_t", "cmd_tpl", "ret"},
}
ROOT = {"dev", "o", "cmps", "stat_t", "qos", "avty", "avty_mode"}
DEVICE = {"ids", "name", "mf", "mdl", "sa"}
UNITS = {
    "pm1": "µg/m³",
    "pm25": "µg/m³",
    "pm10": "µg/m³",
    "carbon_dioxide": "ppm",
    "temperature": "°C",
    "humidity": "%",
    "atmospheric_pressure": "hPa",
    "power": "W",
}


def config(language: str = "en", text: str = SCHOOL) -> Any:
    return configuration.parse(text.replace("LANGUAGE", language), {})


def told(parsed: Any, quantities: Any = ("pm25", "co2_ppm", "temp_c", "n03")) -> dict[str, Any]:
    """Object id → what is announced."""
    home = HomeAssistant()
    home.follow(parsed)
    assert home.saw("s1.pm", quantities) is True
    assert home.saw("s1.pm", quantities) is False
    return {topic.split("/")[2]: json.loads(payload) for topic, payload in home.messages().items()}


SENSOR, ROOM, FAN = "classair_town_sensor_s1_pm", "classair_town_room_s1_r1", "classair_town_purifier_s1_fan"


def render(template: str, payload: Any = None, now_ms: int = NOW, **more: Any) -> str:
    """As Home Assistant does it: a sandbox, the JSON of the message, and its clock."""
    environment = ImmutableSandboxedEnvironment()
    environment.globals["utcnow"] = lambda: datetime.fromtimestamp(now_ms / 1000, UTC)
    text = payload.model_dump_json() if hasattr(payload, "model_dump_json") else json.dumps(payload)
    return environment.from_string(template).render(value_json=json.loads(text), **more)


@pytest.mark.parametrize("language", ["th", "en"])
def test_every_announcement_has_the_published_form(language: str) -> None:
    found = told(config(language))
    assert set(found) == {SENSOR, ROOM, FAN}
    names, unique = set(), []
    for object_id, device in found.items():
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", object_id)
        assert set(device) <= ROOT and set(device["dev"]) == DEVICE and device["o"]["name"] == "ClassAir"
        assert device["dev"]["ids"] == [object_id] and device["avty"]
        for one in device["cmps"].values():
            assert set(one) <= KEYS[one["p"]], one
            in_words = one.get("dev_cla") in ("enum", "timestamp") or one["uniq_id"].endswith(
                ("_fault_words", "_advice")
            )
            assert one["p"] != "sensor" or in_words or one["stat_cla"] == "measurement"
            assert one.get("dev_cla") not in UNITS or one["unit_of_meas"] == UNITS[one["dev_cla"]]
            unique.append(one["uniq_id"])
            names.add(one["name"])
    assert len(unique) == len(set(unique))
    assert any(re.search("[ก-๙]", name) for name in names) == (language == "th")
    assert "(Simulated)" in found[SENSOR]["dev"]["name"] or language == "th"
    assert set(found[SENSOR]["cmps"]) == {"pm25", "co2_ppm", "temp_c"}


def test_a_sensor_appears_when_it_is_known_what_it_measures() -> None:
    home = HomeAssistant()
    home.follow(config())
    assert not any("sensor" in topic for topic in home.messages())
    assert any("sensor" in topic for topic in home.topics()), "what an earlier life announced stays"


def health(**more: Any) -> SensorHealth:
    return SensorHealth(
        **{"state": "ok", "at": NOW, "bridge": "pi", "newest_at": NOW - 5000, "newest": {"pm25": 18.2}, **more}
    )


def test_a_dead_sensor_is_never_an_old_number() -> None:
    part = told(config())[SENSOR]
    value, available = part["cmps"]["pm25"]["val_tpl"], part["avty"][0]["val_tpl"]
    assert render(value, health()) == "18.2" and render(available, health()) == "online"
    assert render(value, health(newest={"pm25": 0.0})) == "0.0", "zero is a value"
    assert render(value, health(newest_at=NOW - 181_000)) == "None", "retained from before"
    assert render(value, health(newest={})) == "None" and render(value, {"state": "ok"}) == "None"
    for state in ("silent", "unplugged", "error", "starting", "asleep", "stopped"):
        assert render(available, health(state=state)) == "offline"
    assert part["avty_mode"] == "all" and part["cmps"]["pm25"]["exp_aft"] == 180
    assert part["avty"][1]["t"] == TOPICS.bridge("s1", "pi", "status")


def test_each_quantity_is_available_while_its_own_values_come() -> None:
    parts = told(config())[SENSOR]["cmps"]
    word = health(
        state="error",
        key="no_co2_ppm",
        newest={"pm25": 18.2, "temp_c": 28.0},
        value_at={"pm25": NOW - 5000, "temp_c": NOW - 200_000},
    )

    def available(key: str, word: SensorHealth) -> str:
        topics = {one["t"]: one["val_tpl"] for one in parts[key]["avty"]}
        assert topics.keys() == {TOPICS.sensor_health("s1", "pm"), TOPICS.bridge("s1", "pi", "status")}
        assert parts[key]["avty_mode"] == "all"
        return render(topics[TOPICS.sensor_health("s1", "pm")], word)

    assert [available(key, word) for key in ("pm25", "co2_ppm", "temp_c")] == ["online", "offline", "online"]
    assert [render(parts[key]["val_tpl"], word) for key in ("pm25", "co2_ppm", "temp_c")] == ["18.2", "None", "None"]
    assert available("pm25", health(state="silent", newest={})) == "offline"


class House:
    """Watching with a clock of the test's; `said` keeps what is retained, as a broker does."""

    def __init__(self, ledger: Ledger) -> None:
        self.said: dict[str, str] = {}
        self.answers: list[Answer] = []
        self.ledger = ledger
        self.watching = AlertsEngine(ledger, Post(), self._say, lambda: NOW)

    def _say(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> bool:
        if topic.startswith("classair/v1/town/answer/"):
            self.answers.append(Answer.model_validate_json(payload))
        elif payload:
            self.said[topic] = payload
        else:
            self.said.pop(topic, None)
        return True

    def announced(self) -> set[str]:
        return {topic.split("/")[2] for topic in self.said if topic.startswith("homeassistant/")}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    ledger = Ledger(tmp_path / "ledger.db")
    yield House(ledger)
    ledger.close()


def reading(at: int, pm25: float) -> Reading:
    return Reading("s1.pm", "s1.pi", "abcdefgh", 1, at, {"pm25": pm25}, room="s1.r1", simulated=True)


def test_what_leaves_the_configuration_leaves_home_assistant(house: House) -> None:
    house.watching.follow(config(), 1, NOW)
    house.watching.prime({"s1.r1": [reading(NOW - 1000, 12)]}, NOW)
    assert house.announced() == {SENSOR, ROOM, FAN}
    house.watching.follow(config(text=SCHOOL.replace("      fan:", "      fan2:")), 2, NOW)
    assert house.announced() == {SENSOR, ROOM, FAN + "2"}
    house.watching.follow(config(text=SCHOOL + "home_assistant: {enabled: no}\n"), 3, NOW)
    assert house.announced() == set()


def test_everything_is_announced_again_to_a_broker_that_forgot(house: House) -> None:
    house.watching.follow(config(), 1, NOW)
    house.said.clear()
    house.watching.tick(NOW)
    assert house.announced() == set(), "said once"
    house.watching.reconnected(NOW)
    assert house.announced() == {ROOM, FAN}


def test_a_room_shows_what_the_display_shows_and_ends_when_it_ends(house: House) -> None:
    house.watching.follow(config("th"), 1, NOW)
    house.watching.prime({"s1.r1": [reading(NOW - age * 10_000, 18.4) for age in range(180, 0, -1)]}, NOW)
    house.watching.tick(NOW)
    state = RoomState.model_validate_json(house.said[TOPICS.room_now("s1", "r1")])
    room = json.loads(house.said[f"homeassistant/device/{ROOM}/config"])["cmps"]
    assert state.pm25.shown and render(room["pm25"]["val_tpl"], state) == state.pm25.shown
    assert render(room["level"]["val_tpl"], state) in room["level"]["ops"]
    assert state.pm25.unknown_at is not None
    assert render(room["pm25"]["val_tpl"], state, now_ms=state.pm25.unknown_at) == "None"
    assert render(room["co2_ppm"]["val_tpl"], state) == "None" and render(room["temp_c"]["val_tpl"], state) == "None"


@pytest.mark.parametrize(("on", "shown"), [(True, "ON"), (False, "OFF"), (None, "None")])
def test_the_switch_shows_what_is_confirmed(on: bool | None, shown: str) -> None:
    state = PurifierState(purifier="s1.fan", room="s1.r1", on=on, since=NOW, at=NOW)
    assert render(told(config())[FAN]["cmps"]["switch"]["val_tpl"], state) == shown


def fan_state(**more: Any) -> PurifierState:
    return PurifierState(purifier="s1.fan", room="s1.r1", **{"on": True, "since": NOW, "at": NOW, **more})


def shown(part: str, **more: Any) -> str:
    return render(told(config())[FAN]["cmps"][part]["val_tpl"], fan_state(**more))


def test_the_end_of_an_override_is_a_moment_that_can_be_read() -> None:
    assert shown("override_end") == "None"
    end = datetime.fromisoformat(shown("override_end", override_until=NOW + 1_800_000, override_on=False))
    assert end == datetime(2026, 11, 23, 9, 30, tzinfo=ZONE)


def test_power_is_unknown_where_nothing_measures_it_and_while_the_plug_is_not_heard() -> None:
    assert (shown("power"), shown("power", watts=0.0), shown("power", watts=42.5)) == ("None", "0.0", "42.5")
    assert shown("power", watts=42.5, on=None) == "None"


def test_a_fault_is_told_with_its_words_and_cut_where_home_assistant_would_refuse_it() -> None:
    assert (shown("fault"), shown("fault", faults=["silent"])) == ("OFF", "ON")
    assert shown("fault_words") == "None"
    assert shown("fault_words", faults=["silent", "device: overtemp"]) == "no contact; reports: overtemp"
    assert len(shown("fault_words", faults=["x" * 200, "y" * 200])) == 255
    assert "{{ 7 * 7 }}" in shown("fault_words", faults=["device: {{ 7 * 7 }}"])


def order(part: dict[str, Any], value: str, now_ms: int) -> bytes:
    return render(part["cmd_tpl"], {}, now_ms, value=value).encode()


def test_an_order_of_home_assistant_is_an_ordinary_override_with_an_end(house: House) -> None:
    house.watching.follow(config(), 1, NOW)
    fan = told(config())[FAN]["cmps"]
    topic = fan["switch"]["cmd_t"]

    def say(payload: bytes) -> None:
        house.watching.hear(topic, payload, False, NOW)

    def state() -> PurifierState:
        return PurifierState.model_validate_json(house.said[TOPICS.purifier_state("s1", "fan")])

    on = order(fan["switch"], "ON", NOW)
    say(on)
    say(on)
    assert state().on is True and state().mode == "person"
    assert state().override_until == round(datetime(2026, 11, 23, 16, tzinfo=ZONE).timestamp() * 1000)
    say(order(fan["switch"], "OFF", NOW + 1))
    assert state().on is False and state().mode == "person"
    say(order(fan["auto"], "PRESS", NOW + 2))
    assert state().override_until is None and state().mode != "person"
    assert len({json.loads(order(fan["switch"], "ON", NOW + step))["id"] for step in range(5)}) == 5


def test_an_off_of_home_assistant_is_as_short_as_anybodys(house: House) -> None:
    house.watching.follow(config(), 1, NOW)
    fan = told(config())[FAN]["cmps"]
    house.watching.hear(fan["switch"]["cmd_t"], order(fan["switch"], "OFF", NOW), False, NOW)
    state = PurifierState.model_validate_json(house.said[TOPICS.purifier_state("s1", "fan")])
    assert (state.override_on, state.override_by) == (False, "Home Assistant")
    assert state.override_until == NOW + 30 * 60_000


@pytest.mark.parametrize(
    ("do", "minutes", "until_min", "shortened"),
    [
        ("off", None, 30, False),
        ("off", 20, 20, False),
        ("off", 60, 60, False),
        ("off", 90, 60, True),
        ("off", 720, 60, True),
        ("on", 30, 30, False),
        ("on", None, 7 * 60, False),
        ("on", 720, 7 * 60, True),
    ],
)
def test_the_answer_to_an_order_says_its_real_end(
    house: House, do: str, minutes: int | None, until_min: int, shortened: bool
) -> None:
    house.watching.follow(config(), 1, NOW)
    args = {"purifier": "s1.fan", "do": do} | ({} if minutes is None else {"minutes": minutes})
    ask = {"id": "page-12345678", "do": "override", "who": "teacher:x", "args": args}
    house.watching.hear(TOPICS.ask("alerts", "page-12345678"), json.dumps(ask).encode(), False, NOW)
    assert house.ledger.sync()
    answer = house.answers[-1]
    assert answer.result["override_until"] == NOW + until_min * 60_000
    assert answer.result["shortened"] is shortened


def test_on_the_topic_of_home_assistant_nobody_poses_as_another_ask(house: House) -> None:
    house.watching.follow(config(), 1, NOW)
    house.watching.reconnected(NOW)
    before = house.said[TOPICS.purifier_state("s1", "fan")]
    ask = {"id": "page-12345678", "do": "override", "args": {"purifier": "s1.fan", "do": "on"}}
    house.watching.hear(TOPICS.ask("alerts", HOME_ASSISTANT), json.dumps(ask).encode(), False, NOW)
    assert house.said[TOPICS.purifier_state("s1", "fan")] == before


def test_home_assistant_speaks_for_itself_alone_and_keeps_no_purifier_from_control(house: House) -> None:
    house.watching.follow(config(), 1, NOW)
    topic = TOPICS.ask("alerts", HOME_ASSISTANT)

    def ask(number: int, what: str, **args: Any) -> None:
        told = {"id": f"ha-{number:08}", "do": what, "who": "admin:head", "args": {"purifier": "s1.fan", **args}}
        house.watching.hear(topic, json.dumps(told).encode(), False, NOW)

    ask(1, "override", do="off")
    state = PurifierState.model_validate_json(house.said[TOPICS.purifier_state("s1", "fan")])
    assert (state.override_on, state.override_by) == (False, "Home Assistant")
    ask(2, "trial", minutes=15)
    assert house.ledger.sync()
    assert sorted((answer.id, answer.ok) for answer in house.answers) == [("ha-00000001", True), ("ha-00000002", False)]


def test_at_a_real_broker_it_hears_what_it_needs_and_writes_its_orders_alone(
    mosquitto_with: Any, wait_for: Any
) -> None:
    parsed = config()
    users = dict.fromkeys(("alerts", HOME_ASSISTANT, "pi"), "secret")

    def conf(port: int, folder: Path) -> str:
        write_broker_files(folder, "town", port, users, grants_of(parsed))
        return mosquitto_conf(port, folder)

    broker = mosquitto_with(conf)
    heard: dict[str, bytes] = {}
    asked: list[str] = []
    room, announced = TOPICS.room_now("s1", "r1"), f"homeassistant/device/{ROOM}/config"
    alerts = Link(
        BrokerAddress.of(broker.url, "alerts", "secret"),
        on_message=lambda m: asked.append(m.topic),
        subscriptions=[(TOPICS.ask("alerts", "+"), 1), (room, 1)],
    )
    alerts.start()
    assert alerts.wait_up(60)
    home = HomeAssistant()
    home.follow(parsed)
    for topic, payload in home.messages().items():
        alerts.publish(topic, payload, qos=1, retain=True)
    alerts.publish(room, b"{}", qos=1, retain=True)
    wait_for(lambda: room in asked, what="the room's own word")
    there = Link(
        BrokerAddress.of(broker.url, HOME_ASSISTANT, "secret"),
        on_message=lambda m: heard.update({m.topic: m.payload}),
        subscriptions=[("homeassistant/#", 1), (room, 1), (TOPICS.config, 1), ("#", 1)],
    )
    there.start()
    wait_for(lambda: {announced, room} <= heard.keys(), what="announcement and state")
    asked.clear()
    there.publish(room, b'{"forged": true}', qos=1, retain=True)
    there.publish(TOPICS.ask("alerts", "someone-else"), b"{}", qos=1)
    there.publish(TOPICS.ask("alerts", HOME_ASSISTANT), b"{}", qos=1)
    wait_for(lambda: TOPICS.ask("alerts", HOME_ASSISTANT) in asked, what="the order")
    assert asked == [TOPICS.ask("alerts", HOME_ASSISTANT)]
    there.stop()
    alerts.stop()
