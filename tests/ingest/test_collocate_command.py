"""`classair collocate` as its user runs it: report, differences, acceptance with and without a running ingest."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.model import Reading
from classair.places import Places
from classair.stores.corrections import accepted_corrections
from ingest.books.books import Books
from ingest.clock import now_ms
from ingest.commands import collocate as collocate_command
from ingest.config_acceptance import ConfigAcceptance
from ingest.opening import only_one
from research.collocation import report
from research.collocation.reference_file import Unreadable, read_reference
from research.collocation.report import gather

SCHOOL = """\
org: test-town
sites:
  north:
    name: North
    bridges: {pi-1: {}}
    rooms: {a: {name: A, volume_m3: 180}, b: {name: B, volume_m3: 180}}
    sensors:
      a-pm: {bridge: pi-1, room: a, model: pms5003t, port: "sim:classroom"}
      b-pm: {bridge: pi-1, room: b, model: pms5003t, port: "sim:classroom"}
"""
HOUR, DAY, DAYS = 3_600_000, 86_400_000, 8
BEGIN = (now_ms() - 20 * DAY) // DAY * DAY - 7 * HOUR  # a Bangkok midnight, so that the differences have an end


def true(start: int) -> float:
    return 40 + 25 * math.sin(start / HOUR / 9) + 5 * math.sin(start / HOUR / 2.3)


def day(number: int) -> str:
    return (datetime.fromtimestamp(BEGIN / 1000, UTC) + timedelta(hours=7, days=number)).date().isoformat()


def fill(books: Books, every_s: int = 600, days: int = DAYS) -> None:
    """Sensor a-pm reads 1.6 times what is true, every ten minutes."""
    books.store.write(
        [
            Reading(
                "north.a-pm",
                "north.pi-1",
                "abcdef012345",
                place + 1,
                at,
                {
                    "pm25": round(1.6 * true((at - 1) // HOUR * HOUR) + math.sin(place), 3),
                    "temp_c": 28.0,
                    "rh_pct": 60.0,
                },
                interval_s=float(every_s),
                room="north.a",
                simulated=True,
            )
            for place, at in enumerate(range(BEGIN + every_s * 1000, BEGIN + days * DAY + 1, every_s * 1000))
        ]
    )


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    file = tmp_path / "station.csv"
    rows = [
        f"{datetime.fromtimestamp(at / 1000 + 7 * 3600, UTC):%Y-%m-%d %H:%M},{true(at):.2f}"
        for at in range(BEGIN, BEGIN + DAYS * DAY, HOUR)
    ]
    rows[5] = rows[5].partition(",")[0] + ",-1"
    file.write_text("time,pm25\n" + "\n".join(rows) + "\n")
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    places = Places(tmp_path / "data")
    places.root.mkdir()
    books = Books(places.readings, journal=False)
    assert ConfigAcceptance(books, {}).consider(SCHOOL, BEGIN)
    fill(books)
    books.close()
    return places.root


@pytest.fixture
def collocate(data: Path, reference: Path, capsys: Any) -> Callable[..., tuple[int, str, str]]:
    def run(*more: str) -> tuple[int, str, str]:
        status = collocate_command.main(
            [
                "--reference",
                str(reference),
                "--sensor",
                "north.a-pm",
                "--from",
                day(0),
                "--to",
                day(DAYS - 1),
                "--data",
                str(data),
                *more,
            ]
        )
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_the_report_says_how_they_agree_and_what_a_correction_would_do(collocate: Any) -> None:
    status, out, _ = collocate("--json")
    told = json.loads(out)
    assert status == 0
    assert told["agreement_1h"]["slope"] == pytest.approx(1.6, abs=0.02)
    assert told["fit"]["coefficients"]["slope"] == pytest.approx(1 / 1.6, rel=0.02)
    assert told["coverage"] == {"north.a-pm": 1.0}
    assert {one["name"]: one["met"] for one in told["targets_24h"]}["slope"] is False
    assert len(told["residuals"]) == told["fit"]["n"] == DAYS * 24 - 1
    assert told["correction"]["sensors"] == ["north.a-pm"] and told["changes"] is None
    assert "1 rows without a value" in told["notes"] and "based on simulated readings" in told["notes"]
    assert "NaN" not in out


def test_the_report_in_words_has_the_same(collocate: Any) -> None:
    status, out, _ = collocate("--model", "linear_rh_temp")
    assert status == 1 and out == ""  # humidity and temperature do not vary here
    status, out, _ = collocate()
    assert status == 0
    for part in (
        "slope",
        "unseen days",
        "not met",
        "cannot be estimated",
        "95% CI",
        "µg/m³ only",
        "only 8 days of data; at least 30",
    ):
        assert part in out
    assert "nan" not in out, "one sensor has no spread: a dash"


@pytest.mark.parametrize("offset", ["99", "-24", "nan", "east"])
def test_an_offset_that_is_none_is_refused(collocate: Any, capsys: Any, offset: str) -> None:
    with pytest.raises(SystemExit):
        collocate(f"--utc-offset={offset}")
    assert "is not an offset" in capsys.readouterr().err


def test_nothing_is_accepted_without_a_yes(collocate: Any, data: Path) -> None:
    status, out, err = collocate("--accept-from", day(4), "--author", "Room 12 study")
    assert status == 1 and "nothing approved" in err
    told = out.split("If approved")[1]
    in_another_level = re.findall(r"north\.a +(\d{4}-\d\d-\d\d)", told)
    assert "4 room-days change" in told and in_another_level and min(in_another_level) >= day(4)
    assert accepted_corrections(data / "readings.db").accepted == ()


def test_accepting_needs_an_author(collocate: Any, data: Path) -> None:
    status, _, err = collocate("--accept-from", day(4), "--yes")
    assert status == 2 and "--author" in err
    assert accepted_corrections(data / "readings.db").accepted == ()


def test_accepted_it_is_in_force_from_that_day_and_twice_is_once(collocate: Any, data: Path) -> None:
    for _ in range(2):
        status, _, err = collocate("--accept-from", day(4), "--author", "Room 12 study", "--yes", "--id", "north-a")
        assert (status, err) == (0, "approved: north-a@1\n")
    found = accepted_corrections(data / "readings.db")
    assert found.correction_for("north.a-pm", BEGIN + 4 * DAY - 1).id == "none"
    now = found.correction_for("north.a-pm", BEGIN + 4 * DAY)
    assert now.label == "north-a@1" and now.author == "Room 12 study" and "simulated" in now.data_set
    # What is in force already changes nothing.
    assert "0 room-days change" in collocate("--accept-from", day(4), "--author", "Room 12 study", "--id", "north-a")[1]


def test_a_running_ingest_is_asked(school: Any, reference: Path, capsys: Any) -> None:
    books = Books(school.places.readings, journal=False)
    fill(books)
    books.close()
    school.begin()
    with only_one(school.places) as alone:
        assert not alone
    status = collocate_command.main(
        [
            "--reference",
            str(reference),
            "--sensor",
            "north.a-pm",
            "--from",
            day(0),
            "--to",
            day(DAYS - 1),
            "--data",
            str(school.places.root),
            "--accept-from",
            day(4),
            "--author",
            "Room 12 study",
            "--yes",
            "--id",
            "north-a",
            "--broker",
            f"mqtt://127.0.0.1:{school.port}",
        ]
    )
    assert (status, capsys.readouterr().err) == (0, "approved: north-a@1\n")
    assert accepted_corrections(school.places.readings).newest("north-a") is not None


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (["--sensor", "north.zzz"], 2, "north.zzz"),
        (["--reference", "/nowhere.csv"], 2, "No such file"),
        (["--data", "/nowhere"], 2, "--data"),
        (["--value-column", "ozone"], 2, "--value-column"),
        (["--from", "0001-01-01"], 2, "not before 2015"),
        (["--to", "9999-12-31"], 2, "at most 1100 days"),
        (["--accept-from", "0001-01-01", "--author", "x"], 2, "before 2015"),
        (["--to", "2020-01-01"], 2, "must not be before"),
        (["--from", "2020-01-01", "--to", "2020-01-09"], 1, "0 days"),
    ],
)
def test_what_is_wrong_is_said(collocate: Any, more: list[str], status: int, said: str) -> None:
    found, out, err = collocate(*more)
    assert found == status and said in err and out == ""


def test_rollups_and_readings_give_the_same_hours(tmp_path: Path, monkeypatch: Any) -> None:
    books = Books(tmp_path / "readings.db", journal=False)
    fill(books, every_s=60, days=2)
    books.store.write(
        [
            Reading(
                "north.a-pm",
                "north.pi-1",
                "abcdef012345",
                9_000 + k,
                BEGIN + 2 * DAY + k * 60_000,
                {"pm25": 7.0},
                interval_s=60.0,
                room="north.a",
                simulated=True,
            )
            for k in range(1, 40)
        ]
    )
    span = (BEGIN, BEGIN + 3 * DAY)
    rolled = gather(books.store, ["north.a"], {"north.a-pm": "pms5003t"}, *span)
    monkeypatch.setattr(report, "SHORT_S", 1.0)
    single = gather(books.store, ["north.a"], {"north.a-pm": "pms5003t"}, *span)
    books.close()
    assert rolled.simulated and single.simulated
    first, second = rolled.of("north.a-pm", "pm25"), single.of("north.a-pm", "pm25")
    # The last hour has 39 of its 60 minutes. A reading at the full hour is the one thing they place differently.
    assert list(first) == list(second) and len(first) == 48
    for hour in first:
        assert first[hour].value == pytest.approx(second[hour].value, rel=0.02)
        assert (first[hour].rh, first[hour].temp_c) == (60.0, 28.0)


# -- the reference file ------------------------------------------------------------------------------------------------


def read(text: str, **options: Any) -> tuple[dict[int, float], list[str]]:
    return read_reference(text.splitlines(), **options)


def test_times_without_an_offset_are_bangkok_time() -> None:
    assert read("time,pm25\n2026-01-02T07:00,5\n")[0] == {1_767_312_000_000: 5.0}
    assert read("time,pm25\n2026-01-02T00:00Z,5\n")[0] == {1_767_312_000_000: 5.0}
    assert read("time,pm25\n2026-01-02T00:00,5\n", utc_offset_h=0)[0] == {1_767_312_000_000: 5.0}
    assert read("time,pm25\n2026-01-02T08:00,5\n", stamp_end=True)[0] == {1_767_312_000_000: 5.0}


@pytest.mark.parametrize("nothing", ["", "-1", "-999", "NaN", "-", "123456789"])
def test_what_stands_for_no_data_is_no_clean_air(nothing: str) -> None:
    assert read(f"time,pm25\n2026-01-02T07:00,{nothing}\n2026-01-02T08:00,5\n")[0] == {1_767_315_600_000: 5.0}


def test_minutes_are_averaged_when_three_quarters_are_there() -> None:
    rows = [f"2026-01-02T07:{minute:02}Z,{minute % 2}" for minute in range(60)]
    assert list(read("time,pm25\n" + "\n".join(rows))[0].values()) == [0.5]
    short, notes = read("time,pm25\n" + "\n".join(rows[:44]))
    assert short == {} and notes == ["1 hours with less than 75% of their rows"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("time,pm25\n", "no rows"),
        ("a,b\n1,2\n", "no time column"),
        ("time,pm25\nnoon,5\n", "line 2: 'noon'"),
        ("time,pm25\n2026-01-02T07:00,x\n", "line 2: 'x'"),
        ("time,pm25\n2026-01-02T07:00\n", "1 fields"),
        ("time,pm25\n2026-01-02T07:00,5\n2026-01-02T07:00,6\n", "line 3: a second, different value"),
        ("time,pm25\n2026-01-02T07:00," + "1" * 200_000, "line 2: 200017 characters;"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(text)
