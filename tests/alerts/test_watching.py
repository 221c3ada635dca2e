"""The heart of alerts with a clock of its own: silence, lateness, who is told, what a restart remembers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.ledger_reader import LedgerReader
from classair import i18n
from classair.model import Reading
from classair.wire import Answer
from tests.alerts.watched import MONDAY_NINE, NO_TIMETABLE, PLUG, SEC, TOPICS, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def always(tmp_path: Path) -> Iterator[House]:
    """A room without a timetable."""
    made = House(tmp_path, NO_TIMETABLE)
    yield made
    made.ledger.close()


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, PLUG.replace(", timetable: day", ""))
    yield made
    made.ledger.close()


@pytest.mark.thorough
def test_a_dead_sensor_is_late_at_three_and_unknown_at_fifteen_minutes_on_the_second(house: House) -> None:
    house.live(900, 18.0)
    newest = house.room().pm25.newest_at
    assert newest is not None and house.room().pm25.status == "ok"
    seen: dict[str, int] = {}
    for _ in range(1000):
        house.live(1)
        seen.setdefault(house.room().pm25.status, house.now)
    assert seen["late"] - newest == 180 * SEC and seen["unknown"] - newest == 900 * SEC
    told = house.room()
    assert told.pm25.value is None and told.pm25.last_shown == "18" and told.rule == "0"
    house.measure(30.0)
    assert house.room().pm25.status == "filling" and house.room().pm25.minutes_left == 12


@pytest.mark.thorough
def test_a_rising_room_goes_on_after_three_minutes_and_off_after_ten_clean_ones(always: House) -> None:
    house = always
    house.live(300, 10.0)
    assert house.fan().on is False
    house.live(180 + 140, 40.0)  # the five-minute median needs half its window to notice
    assert house.fan().on is False
    house.live(30, 40.0)
    assert house.fan().on is True and house.fan().mode == "auto"
    house.live(700, 40.0)
    house.live(150 + 590, 5.0)
    assert house.fan().on is True
    house.live(30, 5.0)
    assert house.fan().on is False
    sent = [(c.on, c.mode) for c in _after_sync(house).commands("s1.fan", 0, 2**50)]
    assert sent[0] == (True, "auto") and sent[-1] == (False, "auto")


def _after_sync(house: House) -> LedgerReader:
    assert house.ledger.sync()
    return LedgerReader(house.folder / "ledger.db")


def test_with_children_there_a_dead_sensor_means_on_until_the_end_of_the_block(tmp_path: Path) -> None:
    house = House(tmp_path, now=MONDAY_NINE)
    house.live(60, 10.0)
    house.live(179)
    assert house.fan().on is False
    house.live(5)
    fan = house.fan()
    assert fan.on is True and fan.mode == "fail_safe"
    assert fan.expires_at == MONDAY_NINE + 7 * 3600 * SEC
    assert house.room().occupied
    house.ledger.close()


@pytest.mark.parametrize("by_s", [-3 * 3600, 5 * 3600])
@pytest.mark.thorough
def test_a_clock_put_right_leaves_the_purifier_to_the_signal(always: House, by_s: int) -> None:
    house = always
    house.live(700, 60.0)
    assert house.fan().on is True
    house.now += by_s * SEC
    house.watching.clock_stepped(by_s * SEC, house.now)
    house.live(20, 60.0)
    fan = house.fan()
    assert fan.on is True and fan.mode == "auto" and fan.override_until is None
    assert fan.expires_at is not None and 0 < fan.expires_at - house.now <= 300 * SEC
    assert house.room().pm25.status == "filling"
    house.live(1800, 5.0)  # a dry run counts by the clock that was put right, and may have begun anew
    assert house.fan().on is False and house.fan().mode == "auto"


@pytest.mark.thorough
def test_silence_is_told_once_and_its_end_too(house: House) -> None:
    house.live(900, 10.0)
    house.live(900, out=20.0)
    (told,) = [it for it in house.post.told if it.subject == "s1.r1"]
    assert told.title == "No data from Room 1" and "22 Nov 2026, 09:15" in told.text and "Simulated" in told.text
    assert house.room().told_at is None, "nothing is said before a person has been reached"
    assert house.room().texts["en"]["unknown"].reason == i18n.t("en", "reason.silent")
    house.post.reached_at[told.alert.id] = house.now
    house.live(1, out=20.0)
    assert house.room().told_at == house.now - SEC
    assert house.room().texts["en"]["unknown"].reason == i18n.t("en", "reason.silent_told")
    house.live(600, out=20.0)
    assert house.post.about("s1.r1") == ["fired"]
    house.live(2400, 10.0, 20.0, step_s=10)
    assert house.post.about("s1.r1") == ["fired", "recovered"]
    assert house.room().told_at is None


@pytest.mark.thorough
def test_a_restart_does_not_tell_people_twice(house: House) -> None:
    house.live(900, 10.0)
    house.live(700, out=20.0)
    (told,) = [it for it in house.post.told if it.subject == "s1.r1"]
    house.post.reached_at[told.alert.id] = house.now
    house.restart()
    house.live(1300, out=20.0)
    assert house.post.about("s1.r1") == ["fired"]
    assert house.room().told_at is not None


def test_all_rooms_of_a_bridge_are_one_message_and_so_is_our_own_absence(house: House) -> None:
    house.live(60, 10.0, 20.0)
    house.live(700)
    assert [(it.subject, it.part) for it in house.post.told] == [("s1.pi", "bridge")]
    assert house.room().told_at is None
    house.post.reached_at[house.post.told[0].alert.id] = house.now
    house.live(1)
    assert house.room().told_at is not None, "what explains the room has been told"
    house.now += 3_600_000  # the machine slept
    house.live(30, 10.0, 20.0)
    assert len(house.post.told) == 1


def test_while_the_broker_is_away_its_absence_alone_is_told(house: House) -> None:
    house.live(60, 10.0, 20.0)
    house.connected = False
    house.live(700)
    assert [it.subject for it in house.post.told] == ["broker"]
    house.connected = True
    house.live(120, 10.0, 20.0)
    assert [it.subject for it in house.post.told] == ["broker"]


def test_an_offline_plug_is_tried_three_times_and_then_a_person_is_told(plugged: House) -> None:
    plugged.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, plugged.now)
    assert plugged.fan().on is False
    for _ in range(8):
        plugged.watching.hear("tele/plug-1/STATE", b'{"POWER":"OFF"}', False, plugged.now)  # it lives, but does nothing
        plugged.live(50, 60.0)
    tries = [payload for topic, payload in plugged.said if "Power1 ON" in payload]
    assert tries[:3] == [f"PulseTime1 {left}; Power1 ON" for left in (400, 390, 380)]
    told = [it for it in plugged.post.told if it.subject == "s1.fan"]
    title = i18n.t("en", "alert_message.purifier_fault.not_obeying_title", room="Room 1")
    assert len(told) == 1 and told[0].title == title
    assert 'did not confirm "on" after 3 attempts' in told[0].text
    assert plugged.fan().on is None and not plugged.fan().confirmed
    for _ in range(4):
        plugged.watching.hear("tele/plug-1/STATE", b'{"POWER":"OFF"}', False, plugged.now)
        plugged.live(50, 60.0)
    assert plugged.post.about("s1.fan") == ["fired"]
    plugged.watching.hear("stat/plug-1/RESULT", b'{"POWER":"ON"}', False, plugged.now)
    plugged.live(1, 60.0)
    assert plugged.fan().on is True
    states = [alert.state for alert in plugged.watching.alerts.open() if alert.key.subject == "s1.fan"]
    assert states == ["resolved"]


def test_without_a_broker_no_plug_is_blamed(plugged: House) -> None:
    plugged.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, plugged.now)
    plugged.connected = False
    for _ in range(60):
        plugged.now += 10 * SEC
        plugged.tick()
    assert plugged.post.about("s1.fan") == []


def test_a_retained_state_of_a_plug_is_not_its_state(plugged: House) -> None:
    plugged.watching.hear("stat/plug-1/POWER", b"ON", True, plugged.now)
    plugged.tick()
    assert plugged.fan().on is None


@pytest.mark.thorough
def test_the_yard_is_every_rooms_outdoors(house: House) -> None:
    house.live(960, 10.0, 46.0)
    told = house.room()
    assert (told.outdoor.shown, told.outdoor.source, told.rule) == ("46", "s1.yard", "13b")
    assert told.texts["en"]["ok"].reason == i18n.t("en", "outdoor_play.none"), (
        "by the value of now, until an hour is full"
    )
    house.live(3000, 10.0, 46.0)
    assert house.room().texts["en"]["ok"].reason == i18n.t("en", "outdoor_play.none")
    assert house.room("yard").texts["en"]["ok"].action == i18n.t("en", "outdoor_play.none")
    house.watching.day_levels({"s1.yard": 5})
    house.tick()
    stay_in = i18n.t("en", "outdoor_play.stay_in")
    assert house.room().texts["en"]["ok"].reason == i18n.t("en", "reason.over_day", reason=stay_in)


def test_a_state_that_does_not_change_is_said_every_thirty_seconds_and_a_change_at_once(house: House) -> None:
    house.live(30)
    topic = TOPICS.room_now("s1", "r1")
    before = len([1 for said, _ in house.said if said == topic])
    house.live(60)
    assert len([1 for said, _ in house.said if said == topic]) - before == 2
    house.measure(10.0)
    assert house.room().at == house.now and house.room().pm25.status == "filling"


def test_after_the_broker_was_away_everything_is_said_again(house: House) -> None:
    house.live(5, 10.0)
    house.connected = False
    house.live(5, 10.0)
    house.connected = True
    house.said.clear()
    house.watching.reconnected(house.now)
    topics = {topic for topic, _ in house.said}
    assert {TOPICS.room_now("s1", "r1"), TOPICS.room_now("s1", "yard"), TOPICS.purifier_state("s1", "fan")} <= topics


def test_changes_are_written_down_as_told_and_repetitions_are_not(house: House) -> None:
    house.live(900, 18.0)
    house.live(60, 18.0)
    told = [(s.phase, s.level, s.shown, s.rule) for s in _after_sync(house).states("s1.r1", 0, 2**50)]
    assert told == [("unknown", "unknown", "", "0"), ("filling", "unknown", "", "0"), ("ok", "good", "18", "15")]


def test_priming_forgets_no_held_level_and_counts_nothing_twice(house: House) -> None:
    past = [
        Reading(
            "s1.pm",
            "s1.pi",
            "abcdefgh",
            n,
            house.now - (5400 - n * 10) * SEC,
            {"pm25": 30.0},
            10.0,
            room="s1.r1",
            simulated=True,
        )
        for n in range(540)
    ]
    house.watching.prime({"s1.r1": past}, house.now)
    house.watching.prime({"s1.r1": past}, house.now)
    house.tick()
    told = house.room()
    assert (told.pm25.status, told.pm25.shown, told.pm25.level) == ("ok", "30", "moderate")
    house.now += 10 * SEC
    house.measure(-5.0)
    assert house.room().pm25.level == "moderate"


def test_flagged_values_do_not_count(house: House) -> None:
    house.live(900, 18.0)
    for _ in range(60):
        house.now += 10 * SEC
        house.measure(5000.0)  # out of range
        house.measure(90.0, at=house.now - 1, flags=["SENSOR_ERROR"])
        house.tick()
    assert house.room().pm25.status == "late" and house.room().pm25.shown == "18"


def test_an_override_without_a_purifier_of_that_name_is_refused_in_words(house: House) -> None:
    ask = {"id": "ask-00001", "do": "override", "who": "u", "args": {"purifier": "s1.none", "do": "on"}}
    house.watching.hear(TOPICS.ask("alerts", "ask-00001"), json.dumps(ask).encode(), False, house.now)
    answer = Answer.model_validate_json(house._last(TOPICS.answer("ask-00001")))
    assert not answer.ok and "s1.none" in answer.error


@pytest.mark.thorough
def test_a_row_that_is_held_is_held_over_a_restart(house: House) -> None:
    house.live(960, 30.0, 28.0)
    house.live(1500, 24.0, 28.0)
    assert (house.room().rule, house.room().pm25.level) == ("4", "good"), "held, because its limit is near"
    assert _after_sync(house).states("s1.r1", 0, 2**50)[-1].rule == "4"
    past = {
        room: [
            Reading(
                sensor,
                "s1.pi",
                "abcdefgh",
                n,
                house.now - n * 10 * SEC,
                {"pm25": value},
                10.0,
                room=room,
                simulated=True,
            )
            for n in range(240, 0, -1)
        ]
        for room, sensor, value in (("s1.r1", "s1.pm", 24.0), ("s1.yard", "s1.out", 28.0))
    }
    house.restart()
    house.tick()
    assert house.room().rule == "0"
    house.watching.prime(past, house.now)
    house.tick()
    assert house.room().rule == "4"
    house.live(10, 24.0, 28.0)
    assert house.room().rule == "4"
