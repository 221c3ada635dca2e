"""Local days, versions of days, trimming and reading by columns in the SQLite store."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from classair.model import Bucket, Flag, Reading, SwitchEvent
from classair.stores import Series
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

MIDNIGHT = 1_790_000_000_000 // DAY_MS * DAY_MS - 7 * HOUR_MS
TODAY = datetime.fromtimestamp(MIDNIGHT / 1000 + 7 * 3600, UTC).date()
DAY = timedelta(days=1)
ROOM = "town.r1"


def reading(seq: int, at_ms: int = MIDNIGHT, **more: object) -> Reading:
    return replace(
        Reading(
            sensor="town.pm",
            bridge="town.pi",
            epoch="abcdef123456",
            seq=seq,
            at_ms=at_ms,
            room=ROOM,
            values={"pm25": 10.0 + seq, "n03": float(seq)},
        ),
        **more,
    )  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "readings.db")
    yield opened
    opened.close()


def some_days(days: int = 3) -> list[Reading]:
    found = [reading(seq, MIDNIGHT + seq * 37 * MINUTE_MS) for seq in range(1, days * 38)]
    found[5] = replace(found[5], flags=Flag.RANGE)
    found[7] = replace(found[7], value_flags={"pm25": int(Flag.SPIKE)}, late=True)
    found[9] = replace(found[9], values={"co2_ppm": 700.0}, simulated=True)
    return found


def all_days(store: SqliteStore | MemoryStore) -> list[object]:
    return [
        store.series(ROOM, key, MIDNIGHT - 9 * DAY_MS, MIDNIGHT + 9 * DAY_MS, DAY_MS)
        for key in ("pm25", "n03", "co2_ppm")
    ]


def versions(store: SqliteStore) -> dict[date, int]:
    return store.versions("town", TODAY - 9 * DAY, TODAY + 9 * DAY)


def test_flags_changed_later_are_right_in_the_days_too(store: SqliteStore) -> None:
    readings, memory = some_days(), MemoryStore()
    store.write(readings)
    store.reflag("town.pm", MIDNIGHT + HOUR_MS, MIDNIGHT + 30 * HOUR_MS, add=Flag.MANUAL)
    memory.write(
        [
            replace(each, flags=each.flags | Flag.MANUAL)
            if MIDNIGHT + HOUR_MS <= each.at_ms < MIDNIGHT + 30 * HOUR_MS
            else each
            for each in readings
        ]
    )
    assert all_days(store) == all_days(memory)


def test_reflagging_raises_the_versions_of_the_days_it_changes_alone(store: SqliteStore) -> None:
    store.write(some_days())
    before = versions(store)
    assert store.reflag("town.pm", MIDNIGHT + DAY_MS, MIDNIGHT + DAY_MS + HOUR_MS, add=Flag.MANUAL)
    after = versions(store)
    assert {day for day in after if after[day] != before[day]} == {TODAY + DAY}
    assert store.reflag("town.pm", MIDNIGHT + DAY_MS, MIDNIGHT + DAY_MS + HOUR_MS, add=Flag.MANUAL) == 0
    assert versions(store) == after


def test_a_correction_raises_every_day_with_data_that_it_touches(store: SqliteStore) -> None:
    store.write(some_days())
    before = versions(store)
    assert store.raise_versions("town", MIDNIGHT + DAY_MS, 2**60) == 2
    after = versions(store)
    assert {day: after[day] - before[day] for day in after} == {TODAY: 0, TODAY + DAY: 1, TODAY + 2 * DAY: 1}
    assert store.raise_versions("elsewhere", 0, 2**60) == 0


def test_a_transaction_undone_leaves_days_and_versions_as_they_were(store: SqliteStore) -> None:
    store.write(some_days(1))
    before, days = versions(store), all_days(store)
    with pytest.raises(RuntimeError), store.transaction():
        store.add([reading(500, MIDNIGHT + 5)])
        raise RuntimeError
    assert (versions(store), all_days(store)) == (before, days)
    store.write([reading(501, MIDNIGHT + 6)])
    assert versions(store)[TODAY] == before[TODAY] + 1


def test_the_log_of_changes_names_days_and_versions(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "readings.db", journal=True)
    store.write(some_days(1))
    store.write_switches([SwitchEvent("town.fan", MIDNIGHT - 5, True, "seen")])
    changes = store.next_changes(0)
    assert changes is not None
    assert {(each.series.simulated, each.start_ms) for each in changes.days} == {(False, MIDNIGHT), (True, MIDNIGHT)}
    assert changes.versions == {("town", TODAY): 1, ("town", TODAY - DAY): 1}
    store.raise_versions("town", MIDNIGHT, MIDNIGHT + 1)
    again = store.next_changes(changes.position)
    assert again is not None
    assert (again.readings, again.versions) == ([], {("town", TODAY): 2})
    store.close()


# -- older files -------------------------------------------------------------------------------------------------------


def as_version_1(path: Path) -> None:
    """Makes the file what the first version left behind."""
    with sqlite3.connect(path) as connection:
        for table in ("rollup_1d", "flagged_1d", "series_day", "day_version", "trimmed", "trimmed_run"):
            connection.execute(f"drop table {table}")
        connection.execute("pragma user_version=1")
    connection.close()


def test_an_older_file_is_brought_up_and_readable_before_that(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    store, memory = SqliteStore(path), MemoryStore()
    store.write(some_days())
    memory.write(some_days())
    counts = store.counts(0, 2**50)
    store.close()
    as_version_1(path)
    reader = SqliteStore(path, readonly=True)
    assert all_days(reader) == all_days(memory), "days are added up from hours meanwhile"
    assert reader.counts(0, 2**50) == counts
    SqliteStore(path).close()
    assert all_days(reader) == all_days(memory)
    assert reader.counts(MIDNIGHT, MIDNIGHT + 2 * DAY_MS) == memory.counts(MIDNIGHT, MIDNIGHT + 2 * DAY_MS)
    assert versions(reader) == {TODAY: 1, TODAY + DAY: 1, TODAY + 2 * DAY: 1}
    reader.close()


def test_a_journal_brought_up_is_carried_again_so_that_the_other_store_gets_its_days(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    store = SqliteStore(path, journal=True)
    store.write(some_days(1))
    changes = store.next_changes(0)
    assert changes is not None
    store.forget_changes(changes.position)
    store.close()
    as_version_1(path)
    store = SqliteStore(path, journal=True)
    again = store.next_changes(changes.position)
    assert again is not None
    assert (len(again.readings), len(again.days)) == (37, 2)
    store.close()


def as_version_2(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for grain in ("1m", "1h", "1d"):
            connection.execute(f"alter table rollup_{grain} drop column covered_ms")
        connection.execute("pragma user_version=2")


def test_the_time_that_rollups_cover_is_there_in_older_files_before_and_after_they_are_brought_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "readings.db"
    store = SqliteStore(path, journal=True)
    store.write([replace(one, interval_s=30.0 if one.at_ms < MIDNIGHT + DAY_MS else 60.0) for one in some_days()])
    said = [store.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + 3 * DAY_MS, step) for step in (MINUTE_MS, HOUR_MS, DAY_MS)]
    position = store.next_changes(0).position  # type: ignore[union-attr]
    store.forget_changes(position)
    store.close()
    as_version_2(path)

    def told(one: SqliteStore) -> list[list[Bucket]]:
        return [
            one.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + 3 * DAY_MS, step) for step in (MINUTE_MS, HOUR_MS, DAY_MS)
        ]

    reader = SqliteStore(path, readonly=True)
    assert told(reader) == said
    store = SqliteStore(path, journal=True)
    assert told(reader) == told(store) == said
    assert store.next_changes(position) is not None, "a store that is filled from here gets it too"
    reader.close()
    store.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from classair.stores.sqlite import local_days as _days
from classair.stores.sqlite.store import SqliteStore
done = _days.remake
def remake(*args):
    done(*args)
    os.kill(os.getpid(), signal.SIGKILL)
_days.remake = remake
SqliteStore(Path(sys.argv[1]))
"""


def test_bringing_up_cut_short_leaves_the_older_file_and_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    store = SqliteStore(path)
    store.write(some_days())
    days = all_days(store)
    store.close()
    as_version_1(path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma user_version").fetchone() == (1,)
    connection.close()
    store = SqliteStore(path)
    assert all_days(store) == days
    store.close()


# -- columns and trimming ----------------------------------------------------------------------------------------------


def test_a_day_comes_as_columns_with_its_version(store: SqliteStore) -> None:
    readings = some_days()
    store.write(readings)
    with store.day("town", TODAY) as day:
        assert (day.version, day.trimmed) == (1, False)
        assert day.series == [Series("town.pm", ROOM, False), Series("town.pm", ROOM, True)]
        plain, simulated = day.blocks()
        assert list(day.blocks({"town.other"})) == []
    wanted = [each for each in readings if each.at_ms < MIDNIGHT + DAY_MS and not each.simulated]
    assert plain.columns["at_ms"] == tuple(each.at_ms for each in wanted)
    assert plain.columns["pm25"] == tuple(round(each.values["pm25"] * 1000) for each in wanted)
    assert plain.columns["vflags"][7] == "pm25:8"
    assert plain.bridges == {1: ("town.pi", "abcdef123456")}
    assert (plain.quantities, simulated.quantities) == (("pm25", "n03"), ("co2_ppm",))
    with store.day("town", TODAY - DAY) as day:
        assert (day.version, list(day.blocks())) == (0, [])


def test_a_trimmed_day_still_answers_and_takes_late_readings(store: SqliteStore) -> None:
    store.write(some_days())
    days, counts = all_days(store), store.counts(MIDNIGHT, MIDNIGHT + 3 * DAY_MS)
    assert store.trim("town", TODAY, 2) is None, "another version than the one that was archived"
    assert store.trim("town", TODAY, 1) == 38
    assert list(store.readings(ROOM, MIDNIGHT, MIDNIGHT + DAY_MS)) == []
    assert all_days(store) == days
    assert store.counts(MIDNIGHT, MIDNIGHT + 3 * DAY_MS) == counts
    assert store.write([some_days()[3]]) == 0, "it is known to have been here"
    assert store.write([reading(900, MIDNIGHT + 1, late=True)]) == 1
    assert store.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + DAY_MS, DAY_MS)[0].n == days[0][0].n + 1  # type: ignore[index]
    with pytest.raises(ValueError, match="archive"):
        store.reflag("town.pm", MIDNIGHT, MIDNIGHT + 5, add=Flag.MANUAL)
    assert store.trimmed(MIDNIGHT, MIDNIGHT + 1) == {"town"}
    assert store.trimmed(MIDNIGHT + DAY_MS, MIDNIGHT + 2 * DAY_MS) == set()
