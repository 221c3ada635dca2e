"""`classair purifier prepare | try`, with a simulated device on a real broker with the generated rules."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.commands import preparing, talk, trying
from alerts.commands.purifier import main
from classair.places import Places, alone
from simulator.devices.device import Publish
from simulator.devices.shelly import ShellyPlug
from simulator.devices.tasmota import TasmotaPlug
from tests.alerts.purifiers.plugged import Plugged, conf, publish_as, retained_at, school
from tests.alerts.purifiers.rows import ALL, Row
from tests.neighbours.programs import await_condition
from tests.neighbours.servers import Mosquitto

TASMOTA, SHELLY = (next(row for row in ALL if row.name == name) for name in ("tasmota", "shelly"))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not answer here never will."""
    monkeypatch.setattr(talk, "CONNECT_S", 5.0)
    monkeypatch.setattr(preparing, "ANSWER_S", 3.0)
    monkeypatch.setattr(trying, "DRAW_S", 2.0)
    monkeypatch.setattr(trying, "ANSWER_S", 4.0)
    monkeypatch.setattr(talk.Talk, "leave_alone", lambda *_: True)


class World:
    """A broker, a file and devices whose time runs on."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.broker, self.file = broker, folder / "sensors.yaml"
        self.file.write_text(school().model_dump_json(exclude_unset=True), "utf-8")
        self.plugged: list[Plugged] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def plug_in(self, row: Row) -> Plugged:
        self.plugged.append(Plugged(row, self.broker.url))
        return self.plugged[-1]

    def run(self, *words: str) -> int:
        return main([*words, "--config", str(self.file), "--broker", self.broker.url, "--language", "en"])

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for one in self.plugged:
            one.leave()

    def _live(self) -> None:
        while not self._over.wait(0.05):
            for one in list(self.plugged):
                one.skip(0.25)


@pytest.fixture
def world(tmp_path: Path, mosquitto_with: Callable[..., Mosquitto], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("CLASSAIR_MQTT_PASSWORD", "secret")
    world = World(tmp_path, mosquitto_with(conf))
    yield world
    world.close()


def test_it_sets_a_plug_up_and_a_second_time_changes_nothing(world: World, capsys: Any) -> None:
    plug = world.plug_in(TASMOTA).device
    assert isinstance(plug, TasmotaPlug)
    for _ in range(2):
        assert world.run("prepare", "s1.tasmota") == 0
        told = capsys.readouterr().out
        assert "No command waits" in told and told.count("ok (") == 7 and "FAILED" not in told
        assert plug.detached and plug.keepalive_s == 15 and plug.tele_period_s == 60 and plug.rules.sets[3][0]


def test_it_says_which_settings_a_device_lacks_or_refuses(world: World, capsys: Any) -> None:
    plug = world.plug_in(TASMOTA).device
    assert isinstance(plug, TasmotaPlug)
    plug.load_w = None
    assert world.run("prepare", "s1.tasmota") == 0
    assert "not there (4/7): meter" in capsys.readouterr().out
    plug.rules.define = lambda index, value: {"Command": "Unknown"}  # type: ignore[method-assign]
    assert world.run("prepare", "s1.tasmota") == 1
    assert capsys.readouterr().out.count("FAILED (") == 2


def test_it_finds_clears_and_reports_retained_commands_and_the_expiry_lives(world: World, capsys: Any) -> None:
    plugged = world.plug_in(TASMOTA)
    publish_as(world.broker.url, "watcher", Publish("cmnd/plug-1/POWER", "ON", retain=True))
    await_condition(lambda: plugged.device.on, what="the trap")
    assert world.run("prepare", "s1.tasmota") == 0
    told = capsys.readouterr().out
    assert "deleted: cmnd/plug-1/POWER ON" in told and "new expiry" in told
    assert retained_at(world.broker.url, ["cmnd/#"]) == {}
    assert 0 < plugged.remaining_s <= 300
    assert world.run("prepare", "s1.tasmota") == 0 and "No command waits" in capsys.readouterr().out


def test_a_device_that_is_not_there_is_told_at_once(world: World, capsys: Any) -> None:
    assert world.run("prepare", "s1.shelly") == 1
    assert "does not answer" in capsys.readouterr().out


def test_a_shelly_is_set_up_too(world: World, capsys: Any) -> None:
    plug = world.plug_in(SHELLY).device
    assert isinstance(plug, ShellyPlug)
    assert world.run("prepare", "s1.shelly") == 0 and capsys.readouterr().out.count("ok (") == 3
    assert plug.config["status_ntf"] and not plug.config["enable_control"]
    assert plug.switch_config["initial_state"] == "off"


def tried(world: World, plugged: Plugged, capsys: Any, name: str) -> tuple[int, str]:
    """The walk with a person who does what is said."""
    codes: list[int] = []
    walk = threading.Thread(target=lambda: codes.append(world.run("try", name, "--yes", "--expiry", "2")))
    walk.start()
    told = ""
    done = set()
    while walk.is_alive():
        told += capsys.readouterr().out
        if "4. Power cut" in told and "cut" not in done:
            done.add("cut")
            plugged.cut()
            plugged.mains_return()
        if "5. Button" in told and "press" not in done:
            done.add("press")
            plugged.press()
        walk.join(0.05)
    return codes[0], told + capsys.readouterr().out


def test_a_person_is_walked_through_all_that_a_prepared_plug_can(world: World, capsys: Any) -> None:
    plugged = world.plug_in(TASMOTA)
    assert world.run("prepare", "s1.tasmota") == 0
    code, told = tried(world, plugged, capsys, "s1.tasmota")
    assert code == 0 and told.count("ok:") == 5, told
    assert "switched itself off after 2 seconds" in told and "draws 38 W" in told and "pressed its button" in told
    await_condition(lambda: not plugged.device.on, what="OFF at the end")


def test_a_purifier_that_stays_off_and_a_button_that_names_nobody_fail(world: World, capsys: Any) -> None:
    plugged = world.plug_in(TASMOTA)
    plugged.device.dead = True
    code, told = tried(world, plugged, capsys, "s1.tasmota")
    assert code == 1 and told.count("FAILED:") == 3, told
    assert "draws nothing" in told and "stays off" in told and "Run classair purifier prepare" in told


def test_a_device_that_holds_no_expiry_and_has_no_meter_is_told_as_one(world: World, capsys: Any) -> None:
    row = next(row for row in ALL if row.name == "mqtt-plain")
    code, told = tried(world, world.plug_in(row), capsys, "s1.mqtt-plain")
    assert code == 0 and told.count("not tested:") == 4, told


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["prepare", "s1.nobody"], 2, "known: s1.tasmota"),
        (["prepare", "s1.tasmota", "--config", "/nowhere"], 2, "cannot read /nowhere"),
        (["prepare", "s1.tasmota", "--broker", "mqtt://127.0.0.1:9"], 1, "unreachable"),
    ],
)
def test_wrong_use_is_told(
    tmp_path: Path, words: list[str], code: int, told: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "CONNECT_S", 0.1)
    file = tmp_path / "sensors.yaml"
    file.write_text(school().model_dump_json(exclude_unset=True), "utf-8")
    assert main(["--config", str(file), "--data", str(tmp_path), *words]) == code
    assert told in capsys.readouterr().err


def test_a_dry_run_has_nothing_to_set_up(tmp_path: Path, capsys: Any) -> None:
    body = json.loads(school().model_dump_json(exclude_unset=True))
    body["sites"]["s1"]["purifiers"] = {"dry": {"room": "r1", "kind": "dry_run", "cadr_m3h": 300}}
    file = tmp_path / "sensors.yaml"
    file.write_text(json.dumps(body), "utf-8")
    assert main(["prepare", "s1.dry", "--config", str(file), "--broker", "mqtt://127.0.0.1:9"]) == 0
    assert "dry_run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"kind": "tasmota"}, "sites.s1.purifiers.fan.topic: is missing"),
        (
            {"kind": "tasmota", "topic": "p1", "tpoic": "p2"},
            "sites.s1.purifiers.fan.tpoic: unknown key; did you mean topic?",
        ),
        ({"kind": "tasmoto", "topic": "p1"}, "sites.s1.purifiers.fan.kind: "),
    ],
)
@pytest.mark.parametrize("do", ["prepare", "try"])
def test_a_section_with_a_fault_is_refused_with_what_is_wrong_in_it(
    tmp_path: Path, capsys: Any, do: str, section: dict[str, str], told: str
) -> None:
    body = json.loads(school().model_dump_json(exclude_unset=True))
    of_all = {"room": "r1", "cadr_m3h": 300}
    body["sites"]["s1"]["purifiers"] = {"fan": of_all | section, "fan-2": of_all | {"kind": "unknown"}}
    file = tmp_path / "sensors.yaml"
    file.write_text(json.dumps(body), "utf-8")
    assert main([do, "s1.fan", "--config", str(file), "--broker", "mqtt://127.0.0.1:9"]) == 2
    said = capsys.readouterr()
    assert not said.out and said.err.startswith(f"{file}: {told}") and said.err.count("\n") == 1


def test_without_anybody_at_the_keyboard_a_trial_ends_with_the_purifier_off(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def closed(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    plugged = world.plug_in(TASMOTA)
    assert world.run("try", "s1.tasmota") == 2
    assert "--yes" in capsys.readouterr().err
    await_condition(lambda: not plugged.device.on, what="OFF at the end")


def test_a_trial_that_is_killed_keeps_control_away_for_two_minutes_at_most(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(trying, "AGAIN_S", 0.05)
    monkeypatch.setattr(talk.Talk, "leave_alone", lambda _, name, minutes: asked.append(minutes) or True)

    def wait_and_close(_: str) -> str:
        await_condition(lambda: len(asked) > 3, what="control asked again")
        raise EOFError

    monkeypatch.setattr("builtins.input", wait_and_close)
    world.plug_in(TASMOTA)
    world.run("try", "s1.tasmota")
    assert max(asked) <= 2 and asked[-1] == 0 and 0 not in asked[:-1]


def test_what_waits_at_the_broker_cannot_write_over_the_terminal(world: World, capsys: Any) -> None:
    world.plug_in(TASMOTA)
    publish_as(world.broker.url, "watcher", Publish("cmnd/plug-1/Mem1", "\x1b[2Jx\r\n", retain=True))
    world.run("prepare", "s1.tasmota")
    told = capsys.readouterr().out
    assert "cmnd/plug-1/Mem1" in told and "\x1b" not in told and "\r" not in told


@pytest.mark.parametrize("words", [["--patience", "nan"], ["--patience", "inf"], ["--expiry", "9999999"]])
def test_no_trial_lasts_longer_than_control_waits(words: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["try", "s1.tasmota", *words])
    assert "at most" in capsys.readouterr().err


def test_a_second_one_waits_its_turn_both_would_be_one_user_at_the_broker(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "CONNECT_S", 0.1)
    file = tmp_path / "sensors.yaml"
    file.write_text(school().model_dump_json(exclude_unset=True), "utf-8")
    words = ["prepare", "s1.tasmota", "--config", str(file), "--data", str(tmp_path), "--broker", "mqtt://127.0.0.1:9"]
    with alone(Places(tmp_path).run / "tool.lock"):
        assert main(words) == 1
    assert "another one is running" in capsys.readouterr().err
    assert main(words) == 1
    assert "unreachable" in capsys.readouterr().err
