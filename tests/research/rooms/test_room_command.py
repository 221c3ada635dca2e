"""`classair room` over a real store: from readings and switch events to sentences and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.science.rooms import MONDAY_MS
from classair.__main__ import main
from classair.config import parse
from classair.i18n import t
from classair.model import Reading, SwitchEvent
from classair.places import Places
from classair.science.corrections import Correction, Corrections
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, MINUTE_MS
from research.means import MeansAsked, MeansReader
from research.rooms.exposure import exposure
from research.rooms.minutes import Minutes, minutes
from tests.research.rooms.known import room as known_room

pytestmark = pytest.mark.thorough

DAYS = 5
CONFIG = """org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms:
      r: {name: R, volume_m3: 180, timetable: t}
      yard: {name: Y, outdoor: yes}
    sensors:
      pm: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
      co2: {bridge: b, room: r, model: s8, port: "sim:x"}
      out: {bridge: b, room: yard, model: pms5003t, port: "sim:x"}
    purifiers: {fan: {room: r, kind: dry_run, cadr_m3h: 450}}
timetables:
  t: {occupied: ["07:30-11:30", "12:30-16:00"], lessons: ["08:30-11:30", "12:30-15:30"]}
"""


def readings(room: Minutes) -> Iterator[Reading]:
    seq = 0
    for sensor, place, key, values in (
        ("s.pm", "s.r", "pm25", room.pm25),
        ("s.co2", "s.r", "co2_ppm", room.co2),
        ("s.out", "s.yard", "pm25", room.outdoor_pm25),
    ):
        for i, value in enumerate(values):
            if np.isnan(value):
                continue
            seq += 1
            yield Reading(
                sensor,
                "s.b",
                "e",
                seq,
                room.start_ms + i * MINUTE_MS + 1000,
                {key: float(value)},
                60.0,
                room=place,
                simulated=True,
            )


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    (folder / "sensors.yaml").write_text(CONFIG, encoding="utf-8")
    places = Places(folder / "data")
    store = SqliteStore(places.readings)
    room = known_room("timer", days=DAYS, seed=5)
    store.write(readings(room))
    change = [0, *(np.flatnonzero(np.diff(room.purifier)) + 1).tolist()]
    store.write_switches(
        SwitchEvent("s.fan", room.start_ms + at * MINUTE_MS, bool(room.purifier[at]), "rule", True) for at in change
    )
    store.close()
    return folder


def asked(school: Path, *more: str) -> int:
    return main(
        [
            "room",
            "s.r",
            "--from",
            "2026-02-02",
            "--to",
            "2026-02-06",
            "--data",
            str(school / "data"),
            "--config",
            str(school / "sensors.yaml"),
            *more,
        ]
    )


def test_what_was_measured_comes_back_minute_by_minute(school: Path) -> None:
    room = known_room("timer", days=DAYS, seed=5)
    store = SqliteStore(Places(school / "data").readings, readonly=True)
    found = minutes(store, parse(CONFIG), Corrections(), "s.r", room.start_ms, room.start_ms + DAYS * DAY_MS)
    store.close()
    assert np.allclose(found.pm25, room.pm25, atol=0.06, equal_nan=True)
    assert np.allclose(found.outdoor_pm25, room.outdoor_pm25, atol=0.06, equal_nan=True)
    assert np.array_equal(found.purifier, room.purifier)
    assert np.array_equal(found.occupied, room.occupied)
    assert np.isnan(found.outdoor_co2).all()
    assert found.lesson.sum() == DAYS * 360


def test_every_answer_is_a_json_line_with_its_method_and_interval(
    school: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert asked(school, "--json") == 0
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    told = {f"{line['quantity']}/{line['method']}": line for line in lines}
    clean = told["clean_air/switching_response"]
    assert clean["value"] == pytest.approx(450, rel=0.15)
    assert clean["low"] <= clean["value"] <= clean["high"]
    assert told["air_changes/co2_decay_after_school"]["value"] == pytest.approx(0.8, rel=0.25)
    exposed = told["exposure/lesson_slots"]
    assert (exposed["coverage"], exposed["hours"], exposed["hours_covered"]) == (1.0, 30.0, 30.0)
    assert exposed["dose"] == pytest.approx(exposed["mean"] * 30, rel=1e-3)
    assert told["filter/clean_air_over_time"]["why"] == "short_history"
    assert all({"n", "coverage", "version"} <= line.keys() or line["quantity"] == "exposure" for line in told.values())


HALVED = Corrections((Correction("halved", 1, "linear", {"slope": 0.5, "intercept": 1.0}),))


def test_the_mean_of_lessons_and_the_fits_use_the_accepted_correction_as_the_table_does(school: Path) -> None:
    store = SqliteStore(Places(school / "data").readings, readonly=True)
    config, start, end = parse(CONFIG), MONDAY_MS, MONDAY_MS + DAYS * DAY_MS
    reader = MeansReader(store, config, HALVED)
    told = exposure(reader, config, "s.r", start, end)
    days = reader.of_room("s.r", "pm25", MeansAsked(start, end, DAY_MS, "accepted", lesson=True))
    raw, corrected = (minutes(store, config, one, "s.r", start, end).pm25 for one in (Corrections(), HALVED))
    one_day = exposure(reader, config, "s.r", start, start + DAY_MS)
    store.close()
    table = sum((row.value or 0) * row.n for row in days) / sum(row.n for row in days)
    assert told.mean == pytest.approx(table, abs=1e-4)
    assert one_day.mean == pytest.approx(days[0].value, abs=1e-4)
    assert told.correction == "halved@1"
    assert np.nanmean(corrected) == pytest.approx(0.5 * np.nanmean(raw) + 1.0, rel=1e-3)
    assert np.array_equal(np.isnan(raw), np.isnan(corrected))


def test_a_dose_is_that_of_the_hours_that_were_measured(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "readings.db")
    # Lessons are 8:30–11:30 and 12:30–15:30; a value every ten minutes, none from 9:30 to 10:30.
    store.write(
        Reading("s.pm", "s.b", "e", n + 1, MONDAY_MS + minute * MINUTE_MS, {"pm25": 20.0}, 600.0, room="s.r")
        for n, minute in enumerate(range(0, 1440, 10))
        if not 570 <= minute < 630
    )
    config = parse(CONFIG)
    told = exposure(MeansReader(store, config, Corrections()), config, "s.r", MONDAY_MS, MONDAY_MS + DAY_MS)
    store.close()
    assert (told.mean, told.hours) == (20.0, 6.0)
    assert told.hours_covered == pytest.approx(5.0, abs=0.2)
    assert told.dose == pytest.approx(20.0 * told.hours_covered)
    assert told.coverage == pytest.approx(told.hours_covered / 6)


@pytest.mark.parametrize("language", ["en", "th"])
def test_it_is_said_in_thai_and_english(school: Path, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(school, "--language", language) == 0
    assert t(language, "room_physics.clean_air") in capsys.readouterr().out


def test_a_room_without_data_is_answered_with_cannot_tell(school: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                "room",
                "s.r",
                "--from",
                "2020-01-01",
                "--to",
                "2020-01-03",
                "--data",
                str(school / "data"),
                "--config",
                str(school / "sensors.yaml"),
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "PM2.5 during lessons: cannot be estimated" in out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["s.nowhere"], "known: s.r, s.yard"),
        (["s.r", "--from", "2026-02-03", "--to", "2026-02-01"], "must not be after"),
    ],
)
def test_a_wrong_question_is_answered_with_what_would_be_right(
    school: Path,
    more: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["room", *more, "--data", str(school / "data"), "--config", str(school / "sensors.yaml")])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_without_a_store_it_says_so(school: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["room", "s.r", "--data", str(tmp_path), "--config", str(school / "sensors.yaml")]) == 2
    assert "cannot open readings.db" in capsys.readouterr().err
