"""The Parquet archive: complete, verified, and enough to make the store again."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from classair.model import Flag, Gap, Missing, Reading, SwitchEvent
from classair.places import Places
from classair.stores.local_day import date_of, day_number, start_of
from classair.stores.sqlite.store import SqliteStore
from classair.units import HOUR_MS
from ingest.books.books import Books
from research.archive import ArchiveFault, file_of, manifest_of, write_manifest
from research.archive.command import archive_days
from research.archive.command import main as archive_command
from research.archive.days import read_series, verify_site
from research.archive.restore_command import main as restore_command
from research.archive.restoring import restore
from research.archive.tables import LEFT_OUT

pytestmark = pytest.mark.thorough

MIDNIGHT = start_of(day_number(1_781_000_000_000))
FIRST = date_of(day_number(MIDNIGHT))
FAR = date(2100, 1, 1)
DAY = timedelta(days=1)
SENSORS = ("pm", "co2", "odd")


def readings(days: int = 4, each: int = 60) -> list[Reading]:
    """Two sites, several sensors and shapes, flags of all kinds, a move to another room, two epochs."""
    draw, found = random.Random(7), []
    for site in ("hill", "river"):
        for seq in range(1, days * each + 1):
            at_ms = MIDNIGHT + seq * 24 * HOUR_MS // each - draw.randrange(40_000)
            values = draw.choice(
                [
                    {"pm25": seq / 1000, "n03": seq * 1.5, "temp_c": -seq / 10},
                    {"co2_ppm": 400.0 + seq},
                    {"pm25": 1.25, "rh_pct": 50.5},
                ]
            )
            found.append(
                Reading(
                    sensor=f"{site}.{SENSORS[seq % 3]}",
                    bridge=f"{site}.pi",
                    epoch=f"epoch{seq * 2 // (days * each + 1)}",
                    seq=seq,
                    at_ms=at_ms,
                    values=values,
                    interval_s=draw.choice([10.0, 2.5, 59.97]),
                    n=seq % 7 + 1,
                    clock=draw.choice(["sync", "holdover", "server"]),
                    room=f"{site}.r{1 + (seq > 150)}",
                    flags=Flag(draw.choice([0, 0, 0, int(Flag.RANGE), int(Flag.RH_HIGH)])),
                    value_flags={next(iter(values)): draw.choice([0, 0, int(Flag.SPIKE), int(Flag.DRIFT)])},
                    simulated=site == "river",
                    late=seq % 11 == 0,
                )
            )
    draw.shuffle(found)
    return found


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """A data folder as ingest keeps it, with something in every table that matters."""
    there = Places(tmp_path / "data")
    books = Books(there.readings, journal=False)
    books.store.write(readings())
    books.store.write_switches([SwitchEvent("hill.fan", MIDNIGHT + i, i % 2 == 0, "‘why’ 'not'") for i in range(5)])
    books.store.write_missing([Missing("hill.pm", MIDNIGHT, MIDNIGHT + 60_000, 6, "off", "hill.pi")])
    with books.store.transaction() as connection:
        books.store.add_gap(Gap("hill.pi", "epoch1", 900, 950, "evicted"), MIDNIGHT)
        connection.execute("insert into numbered values('hill.pi', 'epoch1', 951, 'switch', 5)")
        books.store.mark("hill.pi", "epoch1", 951, 951)
        connection.execute("insert into deployment values('hill.pm', 'hill.r1', 0, null, 1)")
        connection.execute(
            "insert into quarantine values(7, 1, 1, 1, 't', 'r', ?, 3, null, null, null, ?)", (b"\x00\xff\x80", b"d")
        )
    books.close()
    return there


def rows_of(path: Path, leave: frozenset[str] = frozenset({"change", "remembered"})) -> dict[str, list[Any]]:
    """Every row of every table."""
    with sqlite3.connect(path) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "select name from sqlite_schema where type='table' and name not like 'sqlite_%'"
            )
        ]
        found = {
            name: sorted(connection.execute(f"select * from {name}").fetchall(), key=repr)
            for name in names
            if name not in leave
        }
    connection.close()
    return found


def archive_all(places: Places) -> Any:
    return archive_days(places.readings, places.archive, FAR)


def test_a_store_made_from_the_archive_alone_is_the_same_in_every_table(places: Places, tmp_path: Path) -> None:
    outcome = archive_all(places)
    assert (outcome.rows, outcome.faults) == (len(readings()), 0)
    fresh = Places(tmp_path / "new")
    fresh.root.mkdir()
    assert restore(places.archive, fresh) == len(readings())
    assert rows_of(fresh.readings) == rows_of(places.readings)
    assert sorted(path.name for path in fresh.root.iterdir()) == ["readings.db"]
    with SqliteStore(fresh.readings).transaction():
        pass  # and it is a store that can be written
    assert {"reading", "received"} <= LEFT_OUT, "these were made again, not copied"


def test_only_days_that_changed_are_written_again(places: Places) -> None:
    archive_all(places)
    before = manifest_of(places.archive, "hill")
    assert archive_all(places).written == 0
    store = SqliteStore(places.readings)
    store.write([Reading("hill.pm", "hill.pi", "late0", 1, MIDNIGHT + 5, {"pm25": 5.0}, room="hill.r1", late=True)])
    version = store.versions("hill", FIRST, FIRST + DAY)[FIRST]
    store.close()
    assert before[FIRST].version != version, "a reader must ask the store"
    outcome = archive_all(places)
    assert outcome.written == 1
    after = manifest_of(places.archive, "hill")
    assert {day for day in after if after[day] != before.get(day)} == {FIRST}
    assert after[FIRST].rows == before[FIRST].rows + 1
    assert after[FIRST].version == version


def test_days_before_the_given_one_are_archived(places: Places) -> None:
    archive_days(places.readings, places.archive, FIRST + DAY, site="hill")
    assert [day for day in manifest_of(places.archive, "hill") if day >= FIRST] == [FIRST]
    assert manifest_of(places.archive, "river") == {}


def test_the_same_day_gives_the_same_bytes(places: Places, tmp_path: Path) -> None:
    archive_all(places)
    archive_days(places.readings, tmp_path / "second", FAR)
    assert (
        file_of(tmp_path / "second", "hill", FIRST).read_bytes() == file_of(places.archive, "hill", FIRST).read_bytes()
    )


def test_other_programs_read_the_numbers_by_the_scale_in_the_name(places: Places) -> None:
    archive_all(places)
    wanted = sum(each.values.get("pm25", 0) for each in readings() if each.sensor.startswith("hill."))
    [(rows, total)] = duckdb.sql(
        f"select count(*), sum(pm25_x1000) / 1000 from '{places.archive}/hill/*/*.parquet'"
    ).fetchall()
    assert (rows, float(total)) == (len(readings()) / 2, pytest.approx(wanted))


# -- what goes wrong ---------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
import research.archive.{module} as module
real, left = module.{name}, [int(sys.argv[1])]
def cut(*args, **more):
    found = real(*args, **more)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
module.{name} = cut
from research.archive.{command} import main
main(sys.argv[2:])
"""


def killed_at(times: int, module: str, name: str, command: str, *argv: str) -> None:
    program = KILLED.format(module=module, name=name, command=command)
    done = subprocess.run([sys.executable, "-c", program, str(times), *argv], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(("times", "name"), [(3, "write_file"), (2, "verify"), (2, "sync_folder")])
def test_an_archive_cut_short_loses_nothing_and_is_completed(
    places: Places, tmp_path: Path, times: int, name: str
) -> None:
    killed_at(times, "days", name, "command", "--data", str(places.root), "--all")
    before = rows_of(places.readings)
    for site in ("hill", "river"):
        verify_site(places.archive, site)
    assert archive_command(["--data", str(places.root), "--all"]) == 0
    assert archive_command(["--data", str(places.root), "--verify"]) == 0
    fresh = Places(tmp_path / "new")
    assert restore_command(["--archive", str(places.archive), "--data", str(fresh.root)]) == 0
    assert rows_of(fresh.readings) == before


@pytest.mark.parametrize(("times", "name"), [(1, "load_tables"), (4, "_add_day"), (1, "_receive")])
def test_a_restore_cut_short_goes_on(
    places: Places, tmp_path: Path, times: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_all(places)
    fresh = Places(tmp_path / "new")
    argv = ["--archive", str(places.archive), "--data", str(fresh.root)]
    killed_at(times, "restoring", name, "restore_command", *argv)
    assert not fresh.readings.exists()
    capsys.readouterr()
    assert restore_command(argv) == 0
    assert ("resuming" in capsys.readouterr().out) == (name != "load_tables")
    assert rows_of(fresh.readings) == rows_of(places.readings)


def test_a_restore_begun_from_an_older_archive_begins_anew(places: Places, tmp_path: Path) -> None:
    archive_all(places)
    fresh = Places(tmp_path / "new")
    killed_at(
        2, "restoring", "_add_day", "restore_command", "--archive", str(places.archive), "--data", str(fresh.root)
    )
    store = SqliteStore(places.readings)
    store.write([Reading("hill.pm", "hill.pi", "late0", 1, MIDNIGHT + 5, {"pm25": 5.0}, room="hill.r1", late=True)])
    store.close()
    archive_all(places)
    restore(places.archive, fresh)
    assert rows_of(fresh.readings) == rows_of(places.readings)


def test_a_damaged_file_is_named_and_nothing_is_put_in_place(places: Places, tmp_path: Path) -> None:
    archive_all(places)
    path = file_of(places.archive, "hill", FIRST + DAY)
    data = bytearray(path.read_bytes())
    for place in range(100, len(data) // 2, 50):
        data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ArchiveFault, match=path.name):
        verify_site(places.archive, "hill")
    fresh = Places(tmp_path / "new")
    fresh.root.mkdir()
    with pytest.raises(ArchiveFault, match=path.name):
        restore(places.archive, fresh)
    assert not fresh.readings.exists()
    path.unlink()
    with pytest.raises(ArchiveFault, match="missing on disk"):
        restore(places.archive, fresh)
    archive_all(places)
    restore(places.archive, fresh)
    assert rows_of(fresh.readings) == rows_of(places.readings), "a lost file is written again while the store lives"


def test_a_store_that_lost_readings_overwrites_no_archive(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_all(places)
    poor = Places(tmp_path / "poor")
    store = SqliteStore(poor.readings)
    for seq in range(1, 90):  # many commits: its version is beyond the archive's
        store.write(
            [
                replace(
                    readings()[0],
                    sensor="hill.pm",
                    epoch="new",
                    bridge="hill.pi",
                    room="hill.r1",
                    simulated=False,
                    seq=seq,
                    at_ms=MIDNIGHT + seq,
                )
            ]
        )
    store.close()
    before = manifest_of(places.archive, "hill")
    data = file_of(places.archive, "hill", FIRST).read_bytes()
    outcome = archive_days(poor.readings, places.archive, FAR)
    assert outcome.faults == 1
    assert "restore" in capsys.readouterr().err
    assert manifest_of(places.archive, "hill") == before
    assert file_of(places.archive, "hill", FIRST).read_bytes() == data


def test_nothing_is_restored_over_a_store(places: Places) -> None:
    archive_all(places)
    before = rows_of(places.readings)
    assert restore_command(["--archive", str(places.archive), "--data", str(places.root)]) == 2
    assert rows_of(places.readings) == before


def test_a_trimmed_day_with_late_readings_is_whole_in_the_archive(places: Places, tmp_path: Path) -> None:
    late = Reading("hill.pm", "hill.pi", "late0", 1, MIDNIGHT + 5, {"co2_ppm": 5.0}, room="hill.r1", late=True)
    archive_all(places)
    store = SqliteStore(places.readings)
    whole = Places(tmp_path / "whole")
    whole.root.mkdir()
    restore(places.archive, whole)
    entry = manifest_of(places.archive, "hill")[FIRST]
    assert store.trim("hill", FIRST, entry.version) == entry.rows
    for each in (store, kept := SqliteStore(whole.readings)):
        each.write([late])
        each.close()
    kept.close()
    archive_all(places)
    assert sum(len(part) for part in read_series(file_of(places.archive, "hill", FIRST))) == entry.rows + 1
    fresh = Places(tmp_path / "new")
    fresh.root.mkdir()
    restore(places.archive, fresh)
    assert rows_of(fresh.readings) == rows_of(whole.readings)


def test_a_manifest_that_is_gone_or_foreign_is_noticed(places: Places, tmp_path: Path) -> None:
    archive_all(places)
    (places.archive / "hill" / "manifest.json").write_text("{}")
    with pytest.raises(ArchiveFault, match="manifest"):
        manifest_of(places.archive, "hill")
    write_manifest(places.archive, "hill", {})
    assert archive_all(places).written == 4, "every day is written and verified again"
    with pytest.raises(ArchiveFault, match="not an archive"):
        restore(tmp_path, Places(tmp_path / "new"))


def test_days_without_their_manifest_are_not_passed_over(places: Places, tmp_path: Path) -> None:
    archive_all(places)
    (places.archive / "hill" / "manifest.json").unlink()
    with pytest.raises(ArchiveFault, match=r"hill.manifest.json is missing, although days of hill exist"):
        restore(places.archive, Places(tmp_path / "new"))
