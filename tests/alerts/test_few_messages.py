"""Few messages, by the whole engine with a clock of the test's: one cause is told once, one problem is told once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.alerts.watched import CONFIG, House

ROOMS = range(40)
MANY = (
    CONFIG.partition("    rooms:\n")[0]
    + "    rooms:\n"
    + "".join(f"      r{n}: {{name: Room {n}, volume_m3: 180}}\n" for n in ROOMS)
    + "    sensors:\n"
    + "".join(f'      pm{n}: {{bridge: pi, room: r{n}, model: pms5003t, port: "sim:{n}"}}\n' for n in ROOMS)
    + "rules:\n  no-word: {kind: silent, for: 15m, tell: [caretaker, head]}\n"
    + "people:\n  caretaker: {channel: console, language: en}\n  head: {channel: console, language: th}\n"
)


@pytest.mark.slow
def test_a_dead_bridge_with_forty_rooms_is_one_message_to_each_of_two_people(tmp_path: Path) -> None:
    house = House(tmp_path, MANY)
    for n in ROOMS:
        house.measure(10.0, f"pm{n}", house.now - n * 200)
    house.live(3600, step_s=10)
    assert Counter((it.person, it.subject, it.stage) for it in house.post.told) == {
        ("caretaker", "s1.pi", "fired"): 1,
        ("head", "s1.pi", "fired"): 1,
    }
    house.ledger.close()


@pytest.mark.slow
def test_a_sensor_that_speaks_every_sixteen_minutes_is_one_problem_and_one_recovery(tmp_path: Path) -> None:
    house = House(tmp_path, CONFIG.replace("for: 10m", "for: 15m"))
    for _ in range(30):
        house.measure(10.0)
        house.live(16 * 60, out=20.0, step_s=10)
    assert house.post.about("s1.r1") == ["fired"]
    house.live(2700, 10.0, 20.0, step_s=10)
    assert house.post.about("s1.r1") == ["fired", "recovered"]
    house.ledger.close()
