"""What only devices behind Zigbee2MQTT do: Tuya's timer, remembered states, two things that must be reachable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from alerts import offer, purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said
from classair import config
from simulator.devices.zigbee2mqtt import Starkvind, ZigbeePlug


class Wired:
    """A kind and its gateway without a broker between them."""

    def __init__(self, gateway: Any, kind: str, settings: dict[str, Any], **unit: Any) -> None:
        self.clock_ms, self.gateway = 0, gateway
        part = {"room": "r", "kind": kind, "cadr_m3h": 300, "name": "p", **settings, **unit}
        self.unit = purifiers.make("s.f", config.Purifier.model_validate(part), lambda: self.clock_ms)

    def command(self, on: bool, seconds: int | None = 300, speed: int | None = None) -> list[Said]:
        return self.send(*self.unit.command(Command(on, seconds if on else None, "auto", "why", 1, speed)))

    def send(self, *messages: Any) -> list[Said]:
        said = []
        for message in messages:
            assert isinstance(message, Publish)
            said += self.hear(self.gateway.handle(message.topic, message.payload, self.clock_ms / 1000))
        return said

    def hear(self, messages: Any) -> list[Said]:
        return [
            said
            for one in messages
            for said in self.unit.read_state(one.topic, one.payload.encode(), one.retain and "state" not in one.topic)
        ]

    def ask(self) -> list[Said]:
        return self.send(*self.unit.query())

    def skip(self, seconds: float) -> list[Said]:
        self.clock_ms += round(seconds * 1000)
        return self.hear(self.gateway.tick(self.clock_ms / 1000))


def tuya(**more: Any) -> Wired:
    return Wired(ZigbeePlug("p", tuya=True, **more), "zigbee2mqtt_plug", {"timer": "countdown"})


def test_on_time_at_a_tuya_plug_is_the_trap_that_countdown_avoids() -> None:
    """Its "on with timed off" is a toggle: it switches nothing on now, and something ten times as late."""
    it = Wired(ZigbeePlug("p", tuya=True), "zigbee2mqtt_plug", {"timer": "on_time"})
    it.command(True, 15)
    assert not it.gateway.on
    assert it.gateway.remaining_s(0) == 150
    it.skip(151)
    assert it.gateway.on, "and nothing ends it"


def test_an_on_counts_only_when_the_countdown_runs_too() -> None:
    it = tuya(cache_state=False)
    gateway = it.gateway
    said = it.hear(gateway.press(0))
    assert said and not said[0].answer
    it.unit.command(Command(True, 300, "auto", "why", 1))
    assert [one.answer for one in it.hear([gateway.told({"state": "ON"}, 0)])] == [False], "one of two is missing"
    said = it.hear([gateway.told({"countdown": 299}, 0)])
    assert [(one.on, one.answer) for one in said] == [(True, True)]


def test_what_is_left_of_an_old_countdown_does_not_confirm_a_renewal() -> None:
    it = tuya()
    it.command(True, 300)
    it.skip(200)
    it.gateway.disobey = True
    assert not any(said.answer for said in it.command(True, 300))
    it.gateway.disobey = False
    assert any(said.answer and said.on for said in it.command(True, 300))


def test_an_off_ends_the_countdown_so_that_no_toggle_switches_it_on_again() -> None:
    it = tuya()
    it.command(True, 300)
    it.command(False)
    for _ in range(100):
        it.skip(10)
        assert not it.gateway.on


def test_a_plug_that_counts_to_255_is_given_no_more_than_it_is_said_to_hold() -> None:
    """Some count in 8 bits and cut the rest off (Zigbee2MQTT #28325)."""
    it = tuya(counter_bits=8)
    it.command(True, 20_000)
    assert it.gateway.remaining_s(0) == 20_000 % 256, "the trap"
    told = {"timer": "countdown", "longest": 255}
    it = Wired(ZigbeePlug("p", tuya=True, counter_bits=8), "zigbee2mqtt_plug", told)
    assert it.unit.traits.longest_s == 255
    it.command(True, 20_000)
    assert it.gateway.remaining_s(0) == 255


def test_on_time_stays_within_its_sixteen_bits() -> None:
    it = Wired(ZigbeePlug("p"), "zigbee2mqtt_plug", {"timer": "on_time"})
    it.command(True, 10**6)
    assert it.gateway.remaining_s(0) == it.unit.traits.longest_s == 6500


@pytest.mark.parametrize(("timer", "edge"), [("on_time", True), ("countdown", True), ("none", False)])
def test_without_a_timer_it_says_so_and_no_bridge_switches_it(timer: str, edge: bool) -> None:
    unit = Wired(ZigbeePlug("p"), "zigbee2mqtt_plug", {"timer": timer}).unit
    assert unit.traits.expires is edge
    assert (unit.edge() is not None) is edge


def test_prepared_it_stays_off_after_a_power_cut_because_no_timer_outlives_it() -> None:
    for make in (ZigbeePlug("p", power_on="previous"), ZigbeePlug("p", tuya=True, power_on="restore")):
        it = Wired(make, "zigbee2mqtt_plug", {"timer": "countdown" if make.tuya else "on_time"})
        it.command(True)
        it.gateway.reboot(0)
        assert it.gateway.on and it.gateway.remaining_s(0) == 0, "the trap"
        done = [step.answer("zigbee2mqtt/p", b'{"state":"ON"}') for step in it.unit.prepare()]
        assert done == [None, None], "not yet"
        for step in it.unit.prepare():
            answers = it.gateway.handle(step.order.topic, step.order.payload, 0)
            done += [step.answer(one.topic, one.payload.encode()) for one in answers]
        assert done.count(True) == 1, "one of the two names is the maker's"
        it.command(True)
        it.gateway.reboot(0)
        assert not it.gateway.on


def test_a_state_that_is_only_remembered_is_not_believed() -> None:
    it = tuya(last_seen=True)
    it.command(True, 3600)
    it.skip(600)
    it.ask()
    it.gateway.on = False  # a power cut that the program slept through
    it.clock_ms += 60_000
    said = it.hear(it.gateway.connected(it.clock_ms / 1000))
    assert [one.on for one in said if one.on is not None] == [], "its memory says ON"
    it.clock_ms += 60_000
    assert it.ask()[-1].on is False


def test_a_gateway_whose_clock_was_put_back_is_heard_again() -> None:
    it = tuya(last_seen=True)
    it.skip(5000)
    assert it.ask()
    gateway = it.gateway
    said = [it.hear([gateway._message({"state": "ON"}, 0)]) for gateway.heard_at in (100.0, 130.0, 160.0)]
    assert said[0] == [] and said[1] and said[2]


def test_the_program_and_the_device_must_both_be_there() -> None:
    unit = tuya().unit
    words = [
        ("zigbee2mqtt/bridge/state", '{"state":"online"}', True),
        ("zigbee2mqtt/p/availability", '{"state":"offline"}', False),
        ("zigbee2mqtt/bridge/state", "online", False),
        ("zigbee2mqtt/p/availability", "online", True),
        ("zigbee2mqtt/bridge/state", '{"state":"offline"}', False),
        ("zigbee2mqtt/bridge/state", '{"state":"online"}', True),
    ]
    for topic, payload, online in words:
        assert unit.read_state(topic, payload.encode(), True) == [Said(online=online)]
    assert unit.read_state("zigbee2mqtt/p/availability", b"maybe", True) == []


def test_power_is_asked_for_once_it_was_ever_heard() -> None:
    it = tuya()
    assert json.loads(it.unit.query()[0].payload) == {"state": ""}  # type: ignore[union-attr]
    it.hear([it.gateway.told({"power": 3.5}, 0)])
    assert json.loads(it.unit.query()[0].payload) == {"state": "", "power": ""}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a/b", "p1-2 plug", "ชั้น 1/ป.1", "0x00158d0001a2b3c4", "a.b:c", "set", "plug/set up"])
def test_names_may_have_blanks_slashes_and_any_script(name: str) -> None:
    if name == "set":
        with pytest.raises(ValidationError, match="must not begin"):
            Wired(None, "starkvind", {"name": name})
        return
    unit = Wired(None, "starkvind", {"name": name}).unit
    assert unit.account().reads == (f"zigbee2mqtt/{name}/set", f"zigbee2mqtt/{name}/get")


@pytest.mark.parametrize(
    "name", ["", "a//b", "/a", "a/", " a", "a ", "a+b", "#", "bridge/x", "x/get", "a\nb", "x" * 200]
)
def test_names_that_no_device_can_have_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Wired(None, "starkvind", {"name": name})


def test_one_account_serves_all_devices_of_a_gateway() -> None:
    one, two = (Wired(None, "starkvind", {"name": name}).unit.account() for name in ("a", "b"))
    assert one.name == two.name == "gateway_zigbee2mqtt"
    assert Wired(None, "starkvind", {"base_topic": "z2m/ชั้น 1"}).unit.account().name.startswith("gateway_z2m_")


# -- STARKVIND --------------------------------------------------------------------------------------------------------

SPEEDS = [{"name": "2", "cadr_m3h": 90, "dba": 28}, {"name": "5", "cadr_m3h": 160}, {"name": "9", "cadr_m3h": 260}]


def test_it_runs_at_the_speed_asked_for_and_says_which() -> None:
    it = Wired(Starkvind("p"), "starkvind", {}, speeds=SPEEDS)
    assert it.unit.traits.speeds
    for speed, mode in ((0, "2"), (1, "5"), (2, "9"), (None, "9")):
        said = it.command(True, 300, speed)
        assert it.gateway.mode == mode
        assert any(one.answer and one.speed == (2 if speed is None else speed) for one in said)


def test_without_speeds_it_runs_in_full_and_never_by_its_own_sensor() -> None:
    it = Wired(Starkvind("p"), "starkvind", {})
    it.command(True)
    assert it.gateway.mode == "9"
    it = Wired(Starkvind("p"), "starkvind", {"mode": "auto"})
    assert any(one.answer for one in it.command(True))
    assert it.gateway.mode == "auto"


def test_in_auto_it_is_on_at_no_known_speed() -> None:
    it = Wired(Starkvind("p"), "starkvind", {}, speeds=SPEEDS)
    said = it.hear(it.gateway.press(0))
    assert [(one.on, one.speed, one.by) for one in said] == [(True, None, "")]
    assert it.ask()[0].on is True


@pytest.mark.parametrize(("minutes", "used"), [(0, 0.0), (64_800, 0.25), (259_200, 1.0), (400_000, 1.0)])
def test_the_filters_age_is_told_as_what_is_gone_of_half_a_year(minutes: int, used: float) -> None:
    it = Wired(Starkvind("p", filter_min=minutes), "starkvind", {})
    assert it.ask()[-1].filter_used == used


def test_its_own_pm25_says_nothing_of_the_room() -> None:
    it = Wired(Starkvind("p", cache_state=False), "starkvind", {})
    assert it.hear([it.gateway.told({"pm25": 80, "air_quality": "unhealthy"}, 0)]) == [Said()]


def test_a_speed_that_it_does_not_have_is_refused_by_name() -> None:
    unit = {"room": "r1", "kind": "starkvind", "name": "p", "cadr_m3h": 260}
    site = {"name": "S", "bridges": {}, "rooms": {"r1": {"name": "R", "volume_m3": 180}}, "sensors": {}}
    parsed = config.parse(
        json.dumps(
            {
                "org": "o",
                "sites": {"s": {**site, "purifiers": {"f": {**unit, "speeds": [{"name": "low", "cadr_m3h": 9}]}}}},
            }
        )
    )
    assert list(offer.faults(parsed)) == ["sites.s.purifiers.f.speeds.0.name: expected auto or 1 to 9, not 'low'"]
