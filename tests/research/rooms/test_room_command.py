"""`classair room` over a real store: from readings and switch events to sentences and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from classair.__main__ import main
from classair.config import parse
from classair.i18n import t
from classair.model import Reading, SwitchEvent
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.units import MINUTE_MS
from research.rooms.minutes import minutes
from research.rooms.simulated import DAY, Played, Truth, play

pytestmark = pytest.mark.thorough

TRUTH = Truth(air_changes=2.0, cadr_m3h=450.0)
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


def readings(room: Played) -> Iterator[Reading]:
    seq = 0
    for sensor, place, key, values in (
        ("s.pm", "s.r", "pm25", room.pm25),
        ("s.co2", "s.r", "co2_ppm", room.co2),
        ("s.out", "s.yard", "pm25", room.outdoor_pm25),
    ):
        for i, value in enumerate(values):
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
    room = play(TRUTH, DAYS, 4)
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
    room = play(TRUTH, DAYS, 4)
    store = SqliteStore(Places(school / "data").readings, readonly=True)
    found = minutes(store, parse(CONFIG), "s.r", room.start_ms, room.start_ms + DAYS * DAY * MINUTE_MS)
    store.close()
    assert np.array_equal(found.pm25, room.pm25)
    assert np.array_equal(found.outdoor_pm25, room.outdoor_pm25)
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
    assert told["air_changes/co2_decay_break"]["value"] == pytest.approx(2.0, rel=0.2)
    assert told["exposure/lesson_slots"]["coverage"] == 1.0
    assert all({"n", "coverage", "version"} <= line.keys() or line["quantity"] == "exposure" for line in told.values())


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
