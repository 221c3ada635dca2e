"""`classair check` says everything at once, what the schema and what a plug-in finds wrong, and each in words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alerts import channels, purifiers
from classair import plugins
from classair.config import Config
from classair.config.words import pattern_in_words
from classair.ops import checking
from firmware_bridge import adapters, drivers

FAULTY = """
org: Demo Town
langage: th
sites:
  s1:
    name: School
    bridges: {pi: {htp: x}, Bad_Pi: {}}
    rooms: {r1: {name: Blue, volume_m: 180}, r2: {volume_m3: 100, capacity: many}}
    sensors:
      a: {bridge: pi, room: r1, model: pms5003x, port: "/dev/a", colour: red}
      b: {bridge: pi, room: r3, model: s9, port: "/dev/b", everi: 3s}
      c: {bridge: pi, model: tasmotta, port: "mqtt:tele/x"}
      d: {bridge: pi, room: r1, model: pms5003, port: "nowhere", settings: {mod: x}}
      e: {bridge: Bad_Pi, room: r1, model: sds0111, port: "/dev/e", every: soon}
    purifiers:
      p: {room: r1, kind: tasmotta, topic: x, cadr_m3h: 100}
      q: {room: r1, kind: tasmota, topic: "a+b", cadr_m3h: many}
timetables: {primary: {occupied: ["8-9"], lessons: []}}
rules:
  silent: {kind: silent, for: long, tell: [nobody]}
  x: {kind: wrong}
people:
  me: {channel: consol, language: xx}
  you: {channel: console, to: z}
store: mysql
"""
PATHS = {
    "org",
    "langage",
    "store",
    "sites.s1.bridges.pi.htp",
    "sites.s1.bridges.Bad_Pi",
    "sites.s1.rooms.r1.volume_m",
    "sites.s1.rooms.r2.name",
    "sites.s1.rooms.r2.capacity",
    "sites.s1.sensors.a.colour",
    "sites.s1.sensors.a.model",
    "sites.s1.sensors.b.everi",
    "sites.s1.sensors.b.room",
    "sites.s1.sensors.b.model",
    "sites.s1.sensors.c.room",
    "sites.s1.sensors.c.model",
    "sites.s1.sensors.d.port",
    "sites.s1.sensors.d.settings.mod",
    "sites.s1.sensors.e.bridge",
    "sites.s1.sensors.e.every",
    "sites.s1.sensors.e.model",
    "sites.s1.purifiers.p.kind",
    "sites.s1.purifiers.q.topic",
    "sites.s1.purifiers.q.cadr_m3h",
    "timetables.primary.occupied.0",
    "rules.silent.for",
    "rules.silent.tell",
    "rules.x",
    "people.me.language",
    "people.me.channel",
    "people.you.to",
}


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    file = tmp_path / "sensors.yaml"
    file.write_text(FAULTY, "utf-8")
    assert checking.main(["--config", str(file)]) == 2
    return [line.removeprefix(f"{file}: ") for line in capsys.readouterr().err.splitlines()[:-1]]


def test_thirty_faults_of_schema_and_plug_ins_are_said_in_one_run_and_each_once(told: list[str]) -> None:
    assert sorted(line.partition(": ")[0] for line in told) == sorted(PATHS)


def test_no_fault_is_said_as_a_regular_expression_or_in_the_checkers_own_terms(told: list[str]) -> None:
    assert [line for line in told if re.search(r"\\|\^|\{\d|[Ii]nput|pattern|unable to parse", line)] == []
    assert "org: expected small letters, digits and hyphens, at most 32 characters" in told
    assert "sites.s1.sensors.a.model: unknown sensor model 'pms5003x'; did you mean pms5003? " in "\n".join(told)


def test_every_pattern_of_the_configuration_and_of_plug_ins_can_be_said_in_words() -> None:
    shapes = [Config, *(drivers.settings_of(model) for model in drivers.models())]
    shapes += [adapters.kind_of(model).settings for model in adapters.models()]
    for package in (purifiers, channels):
        shapes += [plugins.load(package.__name__, name).Settings for name in plugins.names(package.__name__)]
    text = "\n".join(json.dumps(shape.model_json_schema()) for shape in shapes)
    patterns = {json.loads(found) for found in re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', text)}
    assert len(patterns) >= 5
    unsaid = {one for one in patterns if pattern_in_words(one) == "not in the expected form"}
    assert unsaid <= {Config.model_json_schema()["properties"]["store"]["pattern"]}  # it has words of its own
