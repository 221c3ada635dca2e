"""Whatever people are told is a row from the moment it is known until it is over, over restarts too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.control.observing import observed
from alerts.control.occupancy import UNKNOWN
from alerts.control.unit import FAULTS
from alerts.ledger import Ledger
from alerts.ledger_reader import LedgerReader
from alerts.ledger_schema import Notice
from alerts.notices import Notices
from alerts.purifiers import Said
from classair import i18n
from tests.alerts.watched import CONFIG, MONDAY_NINE, PLUG, SEC, House

TWO = CONFIG.replace("      out:", '      pm2: {bridge: pi, room: r1, model: pms5003t, port: "sim:second"}\n      out:')


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.close()


def rows(ledger: Ledger) -> list[Notice]:
    assert ledger.sync()
    return LedgerReader(ledger.path).notices(0, 2**50)


def test_a_notice_is_written_once_until_it_is_over(ledger: Ledger) -> None:
    notices = Notices(ledger)
    for at in (1000, 2000):
        notices.begin("silent", "s.fan", "s.r", at)
    assert rows(ledger) == [Notice(1000, "silent", "s.fan", "s.r")]
    assert LedgerReader(ledger.path).open_notices() == rows(ledger)
    notices.end("silent", "s.fan", 3000)
    notices.end("silent", "s.fan", 4000)
    assert rows(ledger) == [Notice(1000, "silent", "s.fan", "s.r", "", 3000)]
    assert LedgerReader(ledger.path).open_notices() == []


def test_a_restart_tells_nothing_twice_and_ends_what_was_open(ledger: Ledger) -> None:
    Notices(ledger).begin("no_draw", "s.fan", "s.r", 1000, "0 W")
    assert ledger.sync()
    again = Notices(ledger)
    again.begin("no_draw", "s.fan", "s.r", 2000, "0.1 W")
    again.end("no_draw", "s.fan", 3000)
    assert rows(ledger) == [Notice(1000, "no_draw", "s.fan", "s.r", "0 W", 3000)]


def test_every_word_of_a_device_is_a_notice_of_its_own(ledger: Ledger) -> None:
    notices = Notices(ledger)
    notices.begin("device", "s.fan", "s.r", 1000, "overtemp")
    notices.begin("device", "s.fan", "s.r", 1000, "overpower")
    notices.end("device", "s.fan", 2000, "overtemp")
    assert [(it.detail, it.over_at) for it in rows(ledger)] == [("overtemp", 2000), ("overpower", None)]


def test_what_is_open_of_a_purifier_that_is_gone_is_closed(ledger: Ledger) -> None:
    notices = Notices(ledger)
    notices.begin("silent", "s.fan", "s.r", 1000)
    notices.begin("broker", "broker", "", 1000)
    notices.only({"s.r"}, set(), set(), 5000)
    assert [it.what for it in notices.open()] == ["broker"]


def test_a_broker_away_for_ten_seconds_is_told_until_it_is_back(ledger: Ledger) -> None:
    notices = Notices(ledger)
    for second in range(15):
        notices.line(False, second * SEC)
    notices.line(True, 20 * SEC)
    assert rows(ledger) == [Notice(0, "broker", "broker", "", "", 20 * SEC)]


def test_what_the_supervisor_writes_of_hung_services_is_told_once(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "services.json"
    notices = Notices(ledger, file)
    notices.services(0)

    def write(*incidents: tuple[str, str, int, int | None]) -> None:
        keys = ("service", "what", "at", "over_at")
        file.write_text(json.dumps({"incidents": [dict(zip(keys, it, strict=True)) for it in incidents]}))

    write(("ingest", "hung", 5000, None))
    notices.services(1000)
    assert rows(ledger) == [], "it is looked at every two seconds"
    notices.services(6000)
    assert [(it.what, it.subject, it.detail, it.over_at) for it in rows(ledger)] == [
        ("service:ingest", "ingest", "hung", None)
    ]
    write(("ingest", "hung", 5000, 20_000), ("ingest", "died", 21_000, 22_000))
    notices.services(30_000)
    assert ledger.sync()
    again = Notices(ledger, file)
    again.services(40_000)
    assert [(it.detail, it.at, it.over_at) for it in rows(ledger)] == [("hung", 5000, 20_000), ("died", 21_000, 22_000)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"incidents": 3}', '{"incidents": [{}]}', '{"incidents": ["x"]}'])
def test_a_file_of_the_supervisor_that_cannot_be_read_stops_nothing(ledger: Ledger, tmp_path: Path, text: str) -> None:
    file = tmp_path / "services.json"
    file.write_text(text)
    notices = Notices(ledger, file)
    notices.services(10_000)
    notices.services(20_000)
    assert rows(ledger) == []


def test_every_notice_has_its_words_in_every_language(ledger: Ledger) -> None:
    notices = Notices(ledger)
    whats = [*FAULTS, "person_off", "person_off_long", "blind", "disagree", "broker", "service:alerts"]
    for what in whats:
        notices.begin(what, "s.fan", "s.r", MONDAY_NINE, "7 W")
    warnings = notices.warnings()
    assert len(warnings) == len(whats)
    for warning in warnings:
        assert set(warning) == set(i18n.LANGUAGES)
        assert all("{" not in text and "2026" in text for text in warning.values()), warning


# -- in a house --------------------------------------------------------------------------------------------------------


def told(house: House) -> list[tuple[str, str]]:
    return [(it.what, it.subject) for it in rows(house.ledger)]


@pytest.mark.thorough
def test_sensors_that_disagree_are_told_and_the_screens_show_the_higher_with_that_word(tmp_path: Path) -> None:
    house = House(tmp_path, TWO, now=MONDAY_NINE)
    for _ in range(100):
        house.measure(8.0)
        house.measure(80.0, "pm2")
        house.live(10)
    room = house.room()
    assert room.pm25.disagree and room.pm25.source == "s1.pm2" and room.pm25.shown == "80"
    assert ("disagree", "s1.r1") in told(house)
    assert house.fan().on is True, "never pooled"
    for _ in range(70):
        house.measure(80.0)
        house.measure(80.0, "pm2")
        house.live(10)
    assert not house.room().pm25.disagree
    assert rows(house.ledger)[0].over_at is not None
    house.ledger.close()


@pytest.mark.thorough
def test_when_the_true_one_of_two_sensors_dies_the_purifier_stays_on_also_over_restarts(tmp_path: Path) -> None:
    house = House(tmp_path, TWO, now=MONDAY_NINE)
    for _ in range(60):
        house.measure(8.0)
        house.measure(80.0, "pm2")
        house.live(10)
    assert house.fan().on is True
    for minute in range(120):
        for _ in range(6):
            house.measure(8.0)
            house.live(10)
        if minute in (40, 90):
            house.ledger.sync()
            house.restart()
    assert house.fan().on is True
    house.ledger.close()


def test_a_room_without_a_value_while_children_are_there_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, now=MONDAY_NINE)
    house.live(60, 10.0)
    house.live(200)
    assert told(house) == [("blind", "s1.r1")] and house.fan().mode == "fail_safe"
    house.live(20, 10.0)
    assert rows(house.ledger)[0].over_at is not None
    house.ledger.close()


def test_a_fault_is_in_the_state_of_the_purifier_in_the_ledger_and_among_the_warnings(tmp_path: Path) -> None:
    house = House(tmp_path, PLUG, now=MONDAY_NINE)
    house.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, house.now)
    house.live(90, 10.0)
    assert house.fan().faults == ["silent"] and told(house) == [("silent", "s1.fan")]
    assert any("s1.fan" in warning["en"] for warning in house.watching.warnings())
    about = [it.title for it in house.post.told if it.subject == "s1.fan"]
    assert about == [i18n.t("en", "alert_message.purifier_fault.silent_title", room="Room 1")]
    house.watching.hear("tele/plug-1/STATE", b'{"POWER":"OFF"}', False, house.now)
    house.live(1, 10.0)
    assert house.fan().faults == []
    house.ledger.close()


@pytest.mark.thorough
def test_a_persons_off_in_dusty_air_is_told_to_the_teacher_and_then_to_the_head(tmp_path: Path) -> None:
    text = CONFIG.replace(
        "  fault:", "  off: {kind: person_off, tell: [caretaker], tell_later: [head], later: 15m}\n  fault:"
    ).replace("people:\n", "people:\n  head: {channel: console, language: th}\n")
    house = House(tmp_path, text, now=MONDAY_NINE)
    house.live(400, 60.0)
    assert house.fan().on is True
    who = house.watching._occupied
    _, _, matters = house.watching.board.order("s1.fan", False, 25, "u-1", lambda room: who(room, house.now), house.now)
    house.watching._told_of(matters, house.now)
    house.live(20, 60.0)
    assert house.fan().on is False and house.fan().override_on is False and house.fan().override_by == "u-1"
    told_to = [(it.stage, it.person) for it in house.post.told if it.subject == "s1.fan"]
    assert told_to == [("fired", "caretaker")]
    house.live(900, 60.0)
    told_to = [(it.stage, it.person) for it in house.post.told if it.subject == "s1.fan"]
    assert told_to == [("fired", "caretaker"), ("escalated", "head")]
    house.live(700, 60.0)
    assert house.fan().on is True and house.fan().override_on is None
    house.ledger.close()


def test_after_a_pause_of_our_own_devices_are_asked_before_they_are_judged(tmp_path: Path) -> None:
    house = House(tmp_path, PLUG, now=MONDAY_NINE)
    house.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, house.now)
    house.live(20, 10.0)
    house.now += 60 * SEC  # as after a SIGSTOP, while a bridge has switched it on
    house.watching.hear("stat/plug-1/RESULT", b'{"POWER":"ON"}', False, house.now)
    house.live(1)
    assert house.fan().on is True and house.fan().mode == "auto" and house.fan().override_on is None
    house.ledger.close()


def test_a_devices_second_fault_is_told_as_well_and_is_not_over_with_the_first(tmp_path: Path) -> None:
    house = House(tmp_path, PLUG, now=MONDAY_NINE)
    managed = house.watching.board._units["s1.fan"]

    def reports(*faults: str) -> list[tuple[str, str]]:
        managed.unit, _ = observed(managed.unit, Said(faults=faults), UNKNOWN, managed.limits, house.now)
        before = len(house.post.told)
        house.live(2, 10.0)
        return [(it.stage, it.part) for it in house.post.told[before:]]

    assert reports("overtemp", "overpower") == [("fired", "device/overtemp"), ("fired", "device/overpower")]
    assert all("over" in it.text for it in house.post.told[-2:])
    assert reports("overpower") == []
    holds = {alert.key.part: alert.holds for alert in house.watching.alerts.open()}
    assert (holds["device/overtemp"], holds["device/overpower"]) == (False, True)
    house.ledger.close()


def test_faults_that_were_open_before_a_restart_stay_told_and_new_ones_are_told(tmp_path: Path) -> None:
    house = House(tmp_path, PLUG, now=MONDAY_NINE)
    house.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, house.now)
    house.live(90, 10.0)
    assert house.post.about("s1.fan") == ["fired"]
    house.restart()
    house.live(120, 10.0)
    assert house.post.about("s1.fan") == ["fired"]
    assert [alert.key.part for alert in house.watching.alerts.open() if alert.holds] == ["silent"]
    house.ledger.close()
