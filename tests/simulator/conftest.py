"""A small town for the simulator's tests."""

from __future__ import annotations

import pytest

from classair import config as configuration
from classair.config import Config

TEXT = """
org: test-town
sites:
  school:
    name: School
    bridges: {pi: {}, other-pi: {}}
    rooms:
      blue: {name: Blue, volume_m3: 180, capacity: 30, timetable: primary, windows: {count: 4, open: ["06:45-07:45"]}}
      red: {name: Red, volume_m3: 200, capacity: 36, timetable: primary, windows: {count: 6, open: ["07:00-15:00"]}}
      yard: {name: Yard, outdoor: yes}
    sensors:
      blue-pm: {bridge: pi, room: blue, model: pms5003t, port: "sim:classroom"}
      blue-co2: {bridge: pi, room: blue, model: s8, port: "sim:classroom"}
      red-pm: {bridge: other-pi, room: red, model: pms5003, port: "sim:classroom"}
      red-co2: {bridge: other-pi, room: red, model: mh-z19b, port: "sim:classroom"}
      yard-pm: {bridge: pi, room: yard, model: pms7003, port: "sim:yard"}
    purifiers:
      blue-fan: {room: blue, kind: tasmota, topic: socket-blue, cadr_m3h: 420, port: "sim:socket"}
      red-fan: {room: red, kind: tasmota, topic: socket-red, cadr_m3h: 420, port: "sim:socket"}
timetables:
  primary: {occupied: ["07:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}
"""


@pytest.fixture(scope="session")
def town_text() -> str:
    return TEXT


@pytest.fixture(scope="session")
def town() -> Config:
    return configuration.parse(TEXT)
