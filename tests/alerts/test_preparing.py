"""Rooms made ready: cleaned before the children come, no OFF that would not last, what was learned is kept."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import pytest

from alerts.control.losses import ENOUGH, Losses
from alerts.control.managed import Managed
from alerts.control.occupancy import Occupancy, occupied
from alerts.control.preparing import Preparing, would_return
from alerts.control.unit import Limits, Override, Unit
from alerts.ledger import Ledger
from alerts.purifiers import make
from classair import config as configuration
from classair.config import Purifier as Part
from classair.config import PurifierRule
from classair.control.signal import Signal
from classair.timetable import ZONE
from tests.alerts.watched import CONFIG, MIN, House

RULE = PurifierRule(kind="purifier")
SEVEN = round(datetime(2026, 11, 23, 7, tzinfo=ZONE).timestamp() * 1000) - 30 * MIN
EIGHT = SEVEN + 90 * MIN
NO_YARD = CONFIG.replace('      out: {bridge: pi, room: yard, model: pms5003t, port: "sim:yard"}\n', "")


def until_on(house: House, level: float, out: float | None, end: int) -> int | None:
    """Lives on until the fan runs: when that was."""
    while house.now < end:
        house.live(60, level + house.now // MIN % 3 / 5, out=out)  # a sensor that never moves is no sensor
        if house.fan().on:
            return house.now
    return None


@pytest.mark.thorough
@pytest.mark.parametrize(("level", "earliest", "latest"), [(20, 24, 10), (24, 40, 20), (60, 61, 55)])
def test_a_dirty_room_is_cleaned_before_the_children_come_and_earlier_the_dirtier(
    tmp_path: Path, level: float, earliest: int, latest: int
) -> None:
    house = House(tmp_path, now=SEVEN)
    began = until_on(house, level, None, EIGHT)
    assert began is not None and EIGHT - earliest * MIN <= began <= EIGHT - latest * MIN
    assert house.fan().reason in ("before the children come", "PM2.5 is high")
    house.ledger.close()


@pytest.mark.thorough
@pytest.mark.parametrize(("level", "rules"), [(12.0, ""), (60.0, "  p: {kind: purifier, pre_clean: no}\n")])
def test_clean_air_and_a_school_that_does_not_want_it_are_left_alone(tmp_path: Path, level: float, rules: str) -> None:
    house = House(tmp_path, CONFIG.replace("rules:\n", f"rules:\n{rules}"), now=SEVEN)
    assert until_on(house, level, None, EIGHT - MIN) is None
    house.ledger.close()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("text", "out", "on"),
    [
        (CONFIG, 60.0, True),
        (CONFIG, 14.0, False),
        (NO_YARD, None, False),
        (CONFIG.replace("rules:\n", "rules:\n  p: {kind: purifier, stay_on: no}\n"), 60.0, False),
    ],
)
def test_with_children_there_an_off_waits_for_clean_air_outdoors(
    tmp_path: Path, text: str, out: float | None, on: bool
) -> None:
    house = House(tmp_path, text, now=EIGHT + MIN)
    house.live(600, 60, out=out)
    assert house.fan().on
    house.live(2400, 8, out=out)
    assert house.fan().on is on
    house.ledger.close()


@pytest.mark.parametrize(("out", "on"), [(60.0, True), (14.0, False)])
@pytest.mark.thorough
def test_a_persons_on_is_gone_on_with_where_an_off_would_not_last(tmp_path: Path, out: float, on: bool) -> None:
    house = House(tmp_path, now=EIGHT + MIN)
    house.live(360, 20, out=out)
    assert house.fan().on is False
    board = house.watching.board
    board.order("s1.fan", True, 20, "u-1", lambda _: occupied(EIGHT + 480 * MIN), house.now)
    seen = []
    for _ in range(40):
        house.live(60, 20 + house.now // MIN % 3 / 5, out=out)
        seen.append(house.fan().on)
    assert all(seen) is on and house.fan().override_until is None
    house.ledger.close()


@pytest.mark.thorough
def test_it_goes_off_when_the_children_have_left_whatever_is_outdoors(tmp_path: Path) -> None:
    house = House(tmp_path, now=EIGHT + 450 * MIN)
    house.live(1500, 60, out=90)
    assert house.fan().on
    house.live(360 + 900, 60, out=90)
    assert house.now > EIGHT + 480 * MIN + 5 * MIN and house.fan().on is False
    house.ledger.close()


def test_without_outdoors_a_room_goes_by_what_its_own_runs_have_taught() -> None:
    assert would_return(8, 16, Losses(5, 1), RULE) and not would_return(8, 15, Losses(5, 1, True), RULE)
    assert would_return(8, None, Losses(5, 1, True), RULE), "8 · 5 is 40 without purifier"
    assert not would_return(4, None, Losses(5, 1, True), RULE)
    assert not would_return(8, None, Losses(5, 1), RULE), "an ordinary room is not this room"
    assert not would_return(None, None, Losses(5, 1, True), RULE)


def test_what_a_room_has_taught_outlives_the_process_but_not_its_purifier(tmp_path: Path) -> None:
    config = configuration.parse(CONFIG)
    ledger = Ledger(tmp_path / "own.db")
    first = Preparing(ledger)
    first.follow(config)
    for day in range(ENOUGH):
        at = SEVEN + day * 86_400_000
        for minute in range(30):
            first.learn("s1.r1", Signal(60.0, at + minute * MIN), [False], True)
        for minute in range(45):
            level = 12 + 48 * math.exp(-4 * minute / 60)
            first.learn("s1.r1", Signal(level, at + (30 + minute) * MIN), [True], True)
        first.learn("s1.r1", Signal(12.0, at + 76 * MIN), [True], False)
    known = first.occupancy("s1.r1", occupied(EIGHT), 12.0, None, False, SEVEN)
    assert known.stay_on and known.off_loss == pytest.approx(0.8, rel=0.2)
    ledger.close()
    again = Ledger(tmp_path / "own.db")
    second = Preparing(again)
    second.follow(config)
    assert second.occupancy("s1.r1", occupied(EIGHT), 12.0, None, False, SEVEN).stay_on
    second.follow(configuration.parse(CONFIG.replace("cadr_m3h: 400", "cadr_m3h: 800")))
    assert not second.occupancy("s1.r1", occupied(EIGHT), 12.0, None, False, SEVEN).stay_on
    again.close()


def test_the_speed_is_low_for_nobody_full_for_cleaning_and_quiet_in_lessons() -> None:
    speeds = [
        {"name": "low", "cadr_m3h": 100, "dba": 30},
        {"name": "mid", "cadr_m3h": 250, "dba": 42},
        {"name": "full", "cadr_m3h": 500, "dba": 60},
    ]
    part = Part.model_validate({"room": "r1", "kind": "dry_run", "cadr_m3h": 500, "speeds": speeds})
    limits = Limits(full_speed=2, low_when_empty=True)
    unit = Unit(watching_since=0, on=True, last_on=True, speed=2)
    managed = Managed("s1.r1", make("s1.fan", part, lambda: SEVEN), part, limits, unit, Signal(30.0, SEVEN))
    lesson = Occupancy("occupied", until=EIGHT, lesson=True)
    assert managed.speed(Occupancy("empty"), SEVEN) == 0
    assert managed.speed(Occupancy("empty", next_start=EIGHT, pre_clean=True), SEVEN) == 2
    assert managed.speed(lesson, SEVEN) == 1
    managed.signal = Signal(40.0, SEVEN)
    assert managed.speed(lesson, SEVEN) == 2, "heavy dust is worse than noise"
    managed.signal = Signal(40.0, SEVEN - 10 * MIN)
    managed.held = None
    assert managed.speed(lesson, SEVEN) == 1, "an old value is none"
    managed.unit = Unit(watching_since=0, on=True, override=Override(True, EIGHT, "device"))
    assert managed.speed(lesson, SEVEN) is None, "a person chose"
    managed.limits = Limits()
    managed.unit = unit
    assert managed.speed(lesson, SEVEN) is None, "a plug has no speeds"


def test_only_full_speed_and_off_teach_what_a_room_loses() -> None:
    part = Part.model_validate({"room": "r1", "kind": "dry_run", "cadr_m3h": 500})
    device = make("s1.fan", part, lambda: SEVEN)
    for on, speed, seen in ((True, None, True), (True, 2, True), (True, 1, None), (False, 1, False), (None, 2, None)):
        unit = Unit(watching_since=0, on=on, speed=speed)
        assert Managed("s1.r1", device, part, Limits(full_speed=2), unit).at_full() is seen
