"""Old readings judged anew, and set aside by people: through the running ingest or without it, twice, half and back."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.config import parse
from classair.model import Flag, Reading
from classair.places import Places
from classair.science.quality_checks import SETTLED_MS
from classair.stores.local_day import number_of
from classair.timetable import day_start_ms, local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from classair.wire import Ask
from ingest.books.books import Books
from ingest.books.manual_flags import FlagRejected, manual_flags
from ingest.commands import count as count_command
from ingest.commands import flags as flags_command
from ingest.config_acceptance import ConfigAcceptance
from ingest.rechecking import flag_asks
from ingest.rechecking.recheck import recheck
from tests.ingest.asked import rows

CONFIG = """
org: test-town
sites:
  north:
    name: North
    bridges: {pi-1: {}}
    rooms: {r1: {name: R, volume_m3: 100}, r2: {name: S, volume_m3: 100}}
    sensors:
      a-pm: {bridge: pi-1, room: r1, model: pms5003t, port: "sim:classroom"}
      a-co2: {bridge: pi-1, room: r2, model: s8, port: "sim:classroom"}
"""
NOW = 1_790_000_000_000 // DAY_MS * DAY_MS
START = NOW - 2 * DAY_MS


def minutes(count: int, start: int = START) -> list[Reading]:
    """Two sensors, a reading a minute, nothing wrong."""
    noise, found = random.Random(5), []
    for i in range(count):
        at, pm = start + i * MINUTE_MS, 30 + 8 * noise.random()
        found.append(
            Reading(
                "north.a-pm",
                "north.pi-1",
                "abcdef012345",
                2 * i + 1,
                at,
                {
                    "pm1": round(pm * 0.7),
                    "pm25": round(pm),
                    "pm10": round(pm * 1.2),
                    "n03": round(pm * 120),
                    "temp_c": 28.0 + i % 3 / 10,
                    "rh_pct": 60.0,
                },
                60.0,
                60,
                room="north.r1",
                simulated=True,
            )
        )
        found.append(
            Reading(
                "north.a-co2",
                "north.pi-1",
                "abcdef012345",
                2 * i + 2,
                at,
                {"co2_ppm": 800.0 + i % 40},
                60.0,
                60,
                room="north.r2",
                simulated=True,
            )
        )
    return found


def changed(readings: list[Reading], first: int, last: int, sensor: str, **values: float) -> None:
    for i, reading in enumerate(readings):
        if reading.sensor == sensor and first <= (reading.at_ms - START) // MINUTE_MS < last:
            readings[i] = Reading(
                reading.sensor,
                reading.bridge,
                reading.epoch,
                reading.seq,
                reading.at_ms,
                {**reading.values, **values},
                60.0,
                60,
                room=reading.room,
                simulated=True,
            )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A stopped installation with a spike, three stuck hours and nothing flagged."""
    places = Places(tmp_path / "data")
    books = Books(places.readings, journal=False)
    ConfigAcceptance(books).consider(CONFIG, NOW)
    readings = minutes(1440)
    changed(readings, 300, 301, "north.a-pm", pm25=400.0, pm10=480.0, n03=48000.0)
    changed(readings, 600, 780, "north.a-co2", co2_ppm=913.0)
    books.store.write(readings)
    books.close()
    return places


def flagged(places: Places) -> list[Any]:
    return rows(
        places,
        "select sensor, (at_ms - ?) / 60000, vflags, flags from reading join series on id=series "
        "where flags<>0 or vflags is not null order by at_ms, sensor",
        (START,),
    )


def run(places: Places, *words: str) -> int:
    return flags_command.main([*words, "--data", str(places.root)])


def test_a_past_is_judged_anew_with_what_came_after_and_its_rollups_follow(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(places, "--dry-run") == 0
    assert "182 values would change" in capsys.readouterr().out and flagged(places) == []
    assert run(places) == 0
    told = capsys.readouterr().out
    assert "182 values changed" in told and "+SPIKE 2" in told and "+STUCK 180" in told
    assert "days whose version changed" in told
    found = flagged(places)
    assert found[0] == ("north.a-pm", 300, f"pm25:{int(Flag.SPIKE)},pm10:{int(Flag.SPIKE)}", 0)
    assert [row[1] for row in found[1:]] == list(range(600, 780))
    assert {row[2] for row in found[1:]} == {f"co2_ppm:{int(Flag.STUCK)}"}
    assert rows(places, "select sum(fault) from flagged_1h where quantity='co2_ppm'") == [(180,)]
    assert count_command.main(["--data", str(places.root)]) == 0


def test_judging_twice_changes_nothing_the_second_time(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places) == 0
    before = flagged(places)
    capsys.readouterr()
    assert run(places) == 0
    assert "0 values changed on 0 site-days" in capsys.readouterr().out and flagged(places) == before


def test_what_no_longer_holds_is_taken_away_and_what_the_device_said_stays(places: Places) -> None:
    books = Books(places.readings, journal=False)
    said = Flag.WARMUP | Flag.SENSOR_ERROR
    books.store.reflag("north.a-pm", START, START + 10 * MINUTE_MS, add=said)
    books.store.reflag("north.a-pm", START, START + 10 * MINUTE_MS, add=Flag.STUCK | Flag.ORDER, quantity="pm25")
    books.close()
    assert run(places) == 0
    assert flagged(places)[:10] == [("north.a-pm", i, f"pm25:{int(Flag.ORDER)}", int(said)) for i in range(10)]


def test_killed_at_any_piece_it_goes_on_where_it_was(places: Places) -> None:
    books = Books(places.readings, journal=False)
    config = parse(CONFIG)
    connection = sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)
    changes = recheck(connection, "north", START, NOW, config)
    assert len(changes) == 2
    books.store.reflag(
        changes[0].sensor, changes[0].start, changes[0].end, add=Flag(changes[0].add), quantity=changes[0].quantities[0]
    )
    left = recheck(connection, "north", START, NOW, config)
    assert sum(change.values for change in left) == 181 and left != changes
    connection.close()
    books.close()
    assert run(places) == 0
    connection = sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)
    assert recheck(connection, "north", START, NOW, config) == []
    connection.close()


def test_days_that_are_in_the_archive_alone_are_left_as_they_are(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    books = Books(places.readings, journal=False)
    day = local_time(START + 12 * HOUR_MS).date()
    more = minutes(1440, START + DAY_MS)
    books.store.write(
        [
            Reading(
                one.sensor,
                one.bridge,
                one.epoch,
                one.seq + 10_000,
                one.at_ms,
                one.values,
                60.0,
                60,
                room=one.room,
                simulated=True,
            )
            for one in more
        ]
    )
    version = books.store.versions("north", day, day + timedelta(days=1))[day]
    assert books.store.trim("north", day, version)
    midnight = day_start_ms(day + timedelta(days=1))
    # Late readings on the trimmed day, impossible ones, and the same from the evening before to the morning after.
    books.store.write(
        [
            Reading(
                "north.a-co2",
                "north.pi-1",
                "abcdef012345",
                90_000 + i,
                at,
                {"co2_ppm": 20_000.0},
                60.0,
                60,
                room="north.r2",
                simulated=True,
            )
            for i, at in enumerate((midnight - DAY_MS - 30_000, midnight - HOUR_MS, midnight + 30_000))
        ]
    )
    kept = books.store.versions("north", day, day + timedelta(days=1))[day]
    books.close()
    assert run(places) == 0, capsys.readouterr().err
    assert "changed on" in capsys.readouterr().out
    whole = rows(
        places,
        "select at_ms from reading join series on id=series where sensor='north.a-co2' and "
        "seq >= 90000 and vflags is not null order by 1",
    )
    assert [at for (at,) in whole] == [midnight - DAY_MS - 30_000, midnight + 30_000]
    assert rows(places, "select version from day_version where day=?", (number_of(day),)) == [(kept,)]
    assert run(places) == 0 and "0 values changed" in capsys.readouterr().out


def test_a_person_sets_values_aside_and_takes_that_back(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(
            places,
            "set",
            "--sensor",
            "north.a-pm",
            "--from",
            str(START),
            "--to",
            str(START + 60 * MINUTE_MS),
            "--why",
            "paper was burnt beside it",
        )
        == 0
    )
    assert [row[3] for row in flagged(places)] == [int(Flag.MANUAL)] * 60
    assert run(places) == 0, "judging anew knows of it"
    assert sum(bool(row[3] & Flag.MANUAL) for row in flagged(places)) == 60
    capsys.readouterr()
    assert run(places, "list") == 0
    assert "paper was burnt beside it" in capsys.readouterr().out
    assert run(places, "take-back", "1") == 0
    assert not any(row[3] for row in flagged(places))
    assert run(places, "list") == 0 and "undone by" in capsys.readouterr().out
    assert count_command.main(["--data", str(places.root)]) == 0


def test_what_another_wish_still_covers_stays_set_aside(places: Places) -> None:
    books = Books(places.readings, journal=False)

    def ask(do: str, number: int, **args: Any) -> dict[str, Any]:
        return flag_asks.decide(Ask(id=f"request-{number}", do=do, who="teacher", args=args), books, NOW)

    span = {"sensor": "north.a-pm", "why": "smoke"}
    first = ask(flag_asks.SET, 1, **span, **{"from": START, "to": START + 20 * MINUTE_MS})
    assert ask(flag_asks.SET, 1, **span, **{"from": START, "to": START + 20 * MINUTE_MS})["id"] == first["id"]
    ask(flag_asks.SET, 2, **span, **{"from": START + 10 * MINUTE_MS, "to": START + 30 * MINUTE_MS})
    assert ask(flag_asks.TAKE_BACK, 3, id=first["id"])["changed"] == 10
    books.close()
    assert [row[1] for row in flagged(places)] == list(range(10, 30))


@pytest.mark.parametrize(
    ("do", "args", "what"),
    [
        (flag_asks.SET, {"sensor": "north.nobody", "from": 1, "to": 2, "why": "x"}, "sensor"),
        (flag_asks.SET, {"sensor": "north.a-pm", "from": 2, "to": 1, "why": "x"}, "from"),
        (flag_asks.SET, {"sensor": "north.a-pm", "from": True, "to": 2, "why": "x"}, "from"),
        (flag_asks.SET, {"sensor": "north.a-pm", "from": 1, "to": 2, "why": " "}, "why"),
        (flag_asks.SET, {"sensor": "north.a-pm", "from": 1, "to": 2, "why": "x", "quantity": "smell"}, "quantity"),
        (flag_asks.TAKE_BACK, {"id": 77}, "id"),
        (flag_asks.APPLY, {"changes": [{"sensor": "x"}]}, "changes"),
        (
            flag_asks.APPLY,
            {"changes": [{"sensor": "north.a-pm", "remove": int(Flag.WARMUP), "start": 0, "end": 1}]},
            "only",
        ),
        (
            flag_asks.APPLY,
            {"changes": [{"sensor": "north.a-pm", "add": int(Flag.STUCK), "start": 0, "end": NOW}]},
            "end",
        ),
    ],
)
def test_wishes_that_make_no_sense_are_refused_in_words(
    places: Places, do: str, args: dict[str, Any], what: str
) -> None:
    books = Books(places.readings, journal=False)
    try:
        with pytest.raises(FlagRejected, match=what):
            flag_asks.decide(Ask(id="request-1", do=do, who="teacher", args=args), books, NOW)
        assert manual_flags(books.store._writing()) == []
    finally:
        books.close()


def test_the_last_two_hours_are_left_to_the_live_judge(tmp_path: Path) -> None:
    places, now = Places(tmp_path / "data"), int(time.time() * 1000)
    books = Books(places.readings, journal=False)
    ConfigAcceptance(books).consider(CONFIG, now)
    readings = minutes(300, now - 300 * MINUTE_MS)
    fixed = [
        Reading(r.sensor, r.bridge, r.epoch, r.seq, r.at_ms, {"co2_ppm": 913.0}, room=r.room, simulated=True)
        for r in readings
        if r.sensor.endswith("co2")
    ]
    books.store.write(fixed)
    books.close()
    assert run(places) == 0
    newest = rows(places, "select max(at_ms) from reading where vflags is not null")[0][0]
    assert now - SETTLED_MS - 2 * MINUTE_MS < newest <= now - SETTLED_MS + 60_000


@pytest.mark.thorough
def test_the_command_is_at_the_front_door(places: Places) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "classair", "flags", "--data", str(places.root), "--dry-run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "182 values would change" in ended.stdout
