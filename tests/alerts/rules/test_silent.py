"""Silence of rooms, and what is behind it: one bridge, the broker, our own absence, or the sensor itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from alerts.lifecycle.model import Key, Sight
from alerts.rules.evaluation import Evaluation
from alerts.rules.facts import RoomNow, World
from classair import config as configuration
from tests.alerts.rules.facts import MIN, NOW, SCHOOL, SEC, alert_of, looking, room, seen

RULE = "no-word: {kind: silent, for: 15m, tell: [caretaker]}"
WITH_SYSTEM = "trouble: {kind: system, tell: [caretaker]}"
SENSOR = {"s1.r1": "s1.pm1", "s1.r2": "s1.pm2", "s1.r3": "s1.pm3", "s1.yard": "s1.out"}
PI = Key("no-word", "s1.pi", "bridge")
OTHER = Key("no-word", "s1.other", "bridge")


def _rooms(**silent_min: float) -> list[RoomNow]:
    """The school's rooms; `r1=5`: its sensor said something last five minutes ago. The others speak."""
    made = []
    for name, sensor in SENSOR.items():
        at = NOW - round(silent_min.get(name.partition(".")[2], 0.1) * MIN)
        made.append(room(name, newest_valid_at=at, heard={sensor: at}, outdoor=name == "s1.yard"))
    return made


def _sights(rooms: list[RoomNow], *rules: str, open_keys: tuple[Key, ...] = (), **world: Any) -> Mapping[Key, Sight]:
    alerts = [alert_of(Sight(key, "silent", "s1", "", True)) for key in open_keys]
    known = World(**{"now": NOW, "listening_since": 0, **world})
    return {sight.key: sight for sight in seen(looking(*(rules or (RULE,))), rooms, known, alerts)}


def _holding(rooms: list[RoomNow], *rules: str, **world: Any) -> set[str]:
    return {
        f"{key.subject} {key.part}".strip() for key, sight in _sights(rooms, *rules, **world).items() if sight.holds
    }


def test_a_room_is_silent_from_its_newest_valid_reading_on() -> None:
    (sight,) = _sights(_rooms(r1=4)).values()
    assert (sight.key, sight.holds, sight.since) == (Key("no-word", "s1.r1"), True, NOW - 4 * MIN)
    assert sight.words["since"] == NOW - 4 * MIN and sight.words["never"] == 0
    assert _holding(_rooms(r1=2.9)) == set()


def test_a_reading_ends_it() -> None:
    key = Key("no-word", "s1.r1")
    assert _sights(_rooms(), open_keys=(key,))[key].holds is False


def test_a_dead_bridge_is_behind_all_of_its_rooms_before_any_of_them_is_told() -> None:
    rooms = _rooms(r1=14.9, r2=14.8, yard=14.7)
    found = _sights(rooms)
    assert found[PI].holds and found[PI].explains == "bridge:s1.pi"
    assert found[PI].since == NOW - round(14.7 * MIN) and found[PI].words["rooms"] == 3
    assert "bridge:s1.pi" in found[Key("no-word", "s1.r1")].causes
    assert _holding(_rooms(r1=1, r2=1, yard=1)) == {"s1.pi bridge"}, "long before the first room counts as silent"


def test_one_sensor_that_speaks_shows_that_the_bridge_lives() -> None:
    assert _holding(_rooms(r1=20, r2=20)) == {"s1.r1", "s1.r2"}
    assert _sights(_rooms(r1=20, r2=20), open_keys=(PI,))[PI].holds is False


def test_a_bridge_with_one_room_is_behind_it_only_when_it_is_offline() -> None:
    assert _holding(_rooms(r3=20)) == {"s1.r3"}
    assert _holding(_rooms(r3=20), bridges_offline={"s1.other": NOW - MIN}) == {"s1.r3", "s1.other bridge"}


def test_an_offline_bridge_is_one_matter_from_its_last_will_on() -> None:
    found = _sights(_rooms(r1=1, r2=1, yard=1), bridges_offline={"s1.pi": NOW - 30 * SEC})
    assert set(found) == {PI} and found[PI].words["offline"] == 1 and found[PI].since == NOW - 30 * SEC


def test_a_bridge_whose_sensors_speak_after_its_last_will_is_back() -> None:
    assert _holding(_rooms(), bridges_offline={"s1.pi": NOW - 5 * MIN}) == set()


def test_while_the_broker_is_away_nobody_is_silent_and_one_alert_says_so() -> None:
    away = {"listening_since": None, "away_since": NOW - 20 * MIN}
    rooms = _rooms(r1=20, r2=20, r3=20, yard=20)
    (sight,) = _sights(rooms, **away).values()
    assert (sight.key.subject, sight.explains, sight.since) == ("broker", "broker", NOW - 20 * MIN)
    told_by_system = _sights(rooms, RULE, WITH_SYSTEM, **away)
    assert told_by_system == {}, "the rule of kind system tells of it"
    keys = (Key("no-word", "s1.r1"), PI)
    assert [s.holds for s in _sights(rooms, open_keys=keys, **away).values() if s.key in keys] == [None, None]


def test_after_the_brokers_return_silence_counts_from_then_and_rooms_are_not_over() -> None:
    rooms = _rooms(r1=20, r2=20, r3=20, yard=20)
    assert _holding(rooms, listening_since=NOW - 15 * SEC) == set()
    keys = (Key("no-word", "s1.r1"), PI)
    found = _sights(rooms, open_keys=keys, listening_since=NOW - 15 * SEC)
    assert [found[key].holds for key in keys] == [None, None]
    assert _holding(rooms, listening_since=NOW - 3 * MIN) == {"s1.r1", "s1.r2", "s1.r3", "s1.yard", "s1.pi bridge"}
    again = _sights(rooms, listening_since=NOW - 3 * MIN)[Key("no-word", "s1.r1")]
    assert again.since == NOW - 3 * MIN and again.words["since"] == NOW - 20 * MIN


def test_a_room_that_never_measured_is_silent_since_its_watch_began() -> None:
    found = _sights([room("s1.r3", began_at=NOW - 4 * MIN)])
    assert found[Key("no-word", "s1.r3")].words == {"since": NOW - 4 * MIN, "never": 1}
    assert _sights([room("s1.r3", began_at=NOW - MIN)]) == {}


def test_a_sensor_under_suspicion_is_told_as_that_and_not_as_silence() -> None:
    key = Key("no-word", "s1.r3")
    doubted = room("s1.r3", suspect_since=NOW - 30 * MIN, heard={"s1.pm3": NOW})
    found = _sights([doubted], open_keys=(key,))
    assert found[key].holds is None
    assert found[Key("no-word", "s1.r3", "suspect")].since == NOW - 30 * MIN


def test_a_sensor_that_sleeps_may_be_quiet_for_as_long_as_it_sleeps() -> None:
    config = configuration.parse(
        SCHOOL.replace("room: r3, model: pms5003t,", "room: r3, model: sds011, duty: {every: 20m, measure: 1m},")
        + f"rules:\n  {RULE}\n"
    )
    rules = Evaluation()
    rules.follow(config)
    at = NOW - 50 * MIN
    assert seen(rules, [room("s1.r3", newest_valid_at=at, heard={"s1.pm3": at})]) == []
    at = NOW - 61 * MIN
    assert seen(rules, [room("s1.r3", newest_valid_at=at, heard={"s1.pm3": at})])


def test_a_rule_for_one_room_tells_of_its_bridge_by_all_the_bridges_sensors() -> None:
    one = "no-word: {kind: silent, places: [s1.r1]}"
    assert _holding(_rooms(r1=20, r2=20, yard=20), one) == {"s1.r1", "s1.pi bridge"}
    assert _holding(_rooms(r1=20, r2=20), one) == {"s1.r1"}


@pytest.mark.parametrize("every_s", [30, 60, 900])
def test_whatever_a_rules_patience_the_bridge_is_seen_before_its_rooms(every_s: int) -> None:
    rule = f"no-word: {{kind: silent, for: {every_s}s}}"
    for silent_s in range(5, 200, 15):
        held = _holding(_rooms(r1=silent_s / 60, r2=silent_s / 60, yard=silent_s / 60), rule)
        assert not held & {"s1.r1", "s1.r2", "s1.yard"} or "s1.pi bridge" in held
