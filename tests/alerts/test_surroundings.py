"""What the advice may ask of a room: windows, purifiers, and a seat in a clean room that is one now."""

from __future__ import annotations

from datetime import datetime

from alerts.air.surroundings import Surroundings
from classair.config import parse
from classair.timetable import ZONE
from classair.wire import Current, RoomState

CONFIG = """
org: town
sites:
  s:
    name: School
    bridges: {pi: {}}
    rooms:
      a: {name: A, volume_m3: 180, capacity: 30, timetable: day}
      b: {name: B, volume_m3: 180, capacity: 30, timetable: day, door: inside}
      nobody: {name: N, volume_m3: 180, timetable: day, windows: {openable: no}}
      hall: {name: Hall, volume_m3: 400, capacity: 40, clean_room: yes}
      own: {name: Own, volume_m3: 180, capacity: 30, clean_room: yes, timetable: day}
      yard: {name: Yard, outdoor: yes}
    sensors:
      pm: {bridge: pi, room: a, model: pms5003t, port: "sim:classroom"}
    purifiers:
      fan: {room: b, kind: dry_run, cadr_m3h: 400}
timetables:
  day: {days: [mon], occupied: ["08:00-16:00"], lessons: ["08:30-11:30"]}
"""
NINE = round(datetime(2026, 11, 23, 9, tzinfo=ZONE).timestamp() * 1000)
EVENING = NINE + 9 * 3_600_000


def school(**dust: float | None) -> Surroundings:
    found = Surroundings(lambda room, _: dust.get(room.partition(".")[2]))
    found.follow(parse(CONFIG))
    return found


def told(room: str, rule: str) -> RoomState:
    nothing = Current(status="unknown")
    return RoomState(room=room, at=NINE, pm25=nothing, co2=nothing, outdoor=nothing, rule=rule)


def clean(school: Surroundings, room: str, now: int = NINE) -> bool:
    return "clean_room" in school.at(f"s.{room}", now).has


def test_windows_purifier_door_and_timetable_come_from_the_configuration() -> None:
    b = school().at("s.b", NINE)
    assert b.has == {"purifier", "openings"} and b.door == "inside" and not b.empty and not b.is_clean
    assert school().at("s.nobody", NINE).has == frozenset()
    assert school().at("s.a", EVENING).empty and not school().at("s.hall", EVENING).empty
    assert school().at("s.hall", NINE).is_clean and school().at("s.a", NINE).door == "outside"


def test_a_clean_room_must_be_known_and_clean_now() -> None:
    assert clean(school(hall=25.0), "a") and clean(school(hall=25.04), "a")
    assert not clean(school(hall=25.1), "a") and not clean(school(hall=None), "a")


def test_a_room_whose_own_class_is_there_has_no_seats() -> None:
    assert not clean(school(own=10.0), "a")
    assert clean(school(own=10.0), "a", EVENING)
    assert not clean(school(hall=10.0), "hall")  # another room, not itself


def test_seats_are_counted_and_those_sent_before_have_theirs() -> None:
    here = school(hall=10.0)
    assert clean(here, "a") and clean(here, "b")
    here.told(told("s.a", "2"))
    assert clean(here, "a") and not clean(here, "b")
    here.told(told("s.a", "7"))
    assert clean(here, "b")


def test_a_class_of_unknown_size_is_sent_nowhere() -> None:
    assert not clean(school(hall=10.0), "nobody")
