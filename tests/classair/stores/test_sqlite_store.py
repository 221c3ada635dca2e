"""What only the SQLite store promises: transactions, numbers dealt with, reflagging, and staying whole."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from classair import model
from classair.model import Bucket, Flag, Gap, Quantity, Reading, SwitchEvent
from classair.places import Places
from classair.stores import Store, StoreAway, StoreConflict, open_store
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

MIDNIGHT = 1_790_000_000_000 // DAY_MS * DAY_MS - 7 * HOUR_MS
BRIDGE, EPOCH, ROOM = "town.pi", "abcdef123456", "town.r1"


def reading(seq: int, at_ms: int = MIDNIGHT, **values: float) -> Reading:
    return Reading(
        sensor="town.pm",
        bridge=BRIDGE,
        epoch=EPOCH,
        seq=seq,
        at_ms=at_ms,
        room=ROOM,
        values=values or {"pm25": 20.0, "n03": 7.0},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "readings.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    opened.close()


def everything(store: Store) -> list[Reading]:
    return list(store.readings(ROOM, -(2**50), 2**50))


# -- numbers dealt with ------------------------------------------------------------------------------------------------


def test_upto_is_the_end_of_the_unbroken_run_and_missing_names_the_holes(store: SqliteStore, path: Path) -> None:
    assert store.upto(BRIDGE, EPOCH) == 0
    store.write([reading(seq, MIDNIGHT + seq) for seq in (1, 2, 3, 7, 8, 12)])
    assert store.upto(BRIDGE, EPOCH) == 3
    assert store.missing(BRIDGE, EPOCH) == [(4, 6), (9, 11)]
    with store.transaction():
        assert store.mark(BRIDGE, EPOCH, 4, 4)
        assert not store.mark(BRIDGE, EPOCH, 2, 4)
        assert store.add_gap(Gap(BRIDGE, EPOCH, 5, 6, "thinned"), MIDNIGHT)
        assert not store.add_gap(Gap(BRIDGE, EPOCH, 5, 6, "thinned"), MIDNIGHT + 1)
    assert store.upto(BRIDGE, EPOCH) == 8
    assert store.write([reading(5)]) == 0, "a number given up stays given up"
    assert store.gaps() == [(Gap(BRIDGE, EPOCH, 5, 6, "thinned"), MIDNIGHT)]
    store.close()
    again = SqliteStore(path)
    assert (again.upto(BRIDGE, EPOCH), again.missing(BRIDGE, EPOCH)) == (8, [(9, 11)])
    assert again.upto(BRIDGE, "another") == 0
    again.close()


def test_a_gap_over_every_number_there_is_costs_nothing(store: SqliteStore) -> None:
    with store.transaction():
        assert store.add_gap(Gap(BRIDGE, EPOCH, 1, 2**53, "lost"))
    assert store.upto(BRIDGE, EPOCH) == 2**53


# -- all or nothing ----------------------------------------------------------------------------------------------------


def test_a_failed_transaction_leaves_no_trace_in_file_or_memory(store: SqliteStore) -> None:
    with pytest.raises(KeyError), store.transaction():
        assert store.add([reading(1), reading(2, MIDNIGHT + 1)]) == 2
        store.add_switches([SwitchEvent("town.fan", MIDNIGHT, True, "")])
        raise KeyError("something else went wrong")
    assert everything(store) == []
    assert store.rooms() == []
    assert store.upto(BRIDGE, EPOCH) == 0
    assert store.write([reading(1), reading(2, MIDNIGHT + 1)]) == 2
    [hour] = store.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, HOUR_MS)
    assert hour.n == 2


def test_a_conflict_cannot_be_swallowed_inside_its_transaction(store: SqliteStore) -> None:
    with pytest.raises(RuntimeError, match="by half"), store.transaction(), pytest.raises(StoreConflict):
        store.add([reading(1), reading(2, pm25=float("nan"))])
    assert everything(store) == []


def test_a_reading_there_but_never_received_is_named_instead_of_stopping_everything(
    store: SqliteStore, path: Path
) -> None:
    store.write([reading(1)])
    with store.transaction() as connection:
        connection.execute("delete from received")
    store.close()
    again = SqliteStore(path)
    with pytest.raises(StoreConflict, match="never marked") as refused:
        again.write([reading(2, MIDNIGHT + 5), reading(1)])
    assert refused.value.reading.seq == 1
    assert again.write([reading(2, MIDNIGHT + 5)]) == 1
    again.close()


def test_a_full_disk_says_so_and_keeps_nothing_by_halves(store: SqliteStore) -> None:
    store.write([reading(1)])
    many = [reading(seq, MIDNIGHT + seq * 1000) for seq in range(2, 5000)]
    with store.transaction() as connection:
        pages = connection.execute("pragma page_count").fetchone()[0]
    store._writing().execute(f"pragma max_page_count={pages + 4}")  # what a disk without space looks like to SQLite
    with pytest.raises(StoreAway, match="full"):
        store.write(many)
    assert len(everything(store)) == 1
    assert store.upto(BRIDGE, EPOCH) == 1
    store._writing().execute("pragma max_page_count=1073741823")
    assert store.write(many) == len(many)
    assert_equal_to_memory(store)


WRITER = """
import sys
from pathlib import Path
from classair.model import Reading
from classair.stores.sqlite.store import SqliteStore
store, start = SqliteStore(Path(sys.argv[1])), int(sys.argv[2])
seq = store.upto("town.pi", "abcdef123456")
while True:
    batch = [Reading("town.pm", "town.pi", "abcdef123456", seq + i, start + (seq + i) * 700, {"pm25": seq % 50 + i / 10,
             "rh_pct": 50.0, "n03": 9.0}, room="town.r1") for i in range(1, 101)]
    assert store.write(batch) == 100
    seq += 100
    print(seq, flush=True)
"""


@pytest.mark.thorough
def test_kill_9_leaves_whole_batches_and_everything_that_was_said_to_be_stored(path: Path) -> None:
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(MIDNIGHT)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(8)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split()]
        process.wait()
        store = SqliteStore(path)
        seqs = [each.seq for each in everything(store)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) % 100 == 0
        assert len(seqs) >= told[-1]
        assert store.upto(BRIDGE, EPOCH) == len(seqs)
        assert_equal_to_memory(store)
        store.close()


def assert_equal_to_memory(store: SqliteStore) -> None:
    """Rollups equal those worked out afresh from the readings."""
    yardstick = MemoryStore()
    yardstick.write(everything(store))
    for quantity, step in (("pm25", MINUTE_MS), ("pm25", HOUR_MS), ("n03", HOUR_MS), ("rh_pct", MINUTE_MS)):
        assert store.series(ROOM, quantity, MIDNIGHT - DAY_MS, MIDNIGHT + 9 * DAY_MS, step) == yardstick.series(
            ROOM, quantity, MIDNIGHT - DAY_MS, MIDNIGHT + 9 * DAY_MS, step
        )


# -- flags afterwards --------------------------------------------------------------------------------------------------


def test_a_change_of_flags_recomputes_the_buckets_and_can_be_taken_back(store: SqliteStore) -> None:
    store.write([reading(i + 1, MIDNIGHT + i * 20_000, pm25=10.0 * (i + 1), rh_pct=50.0, n03=1.0) for i in range(9)])
    before = everything(store)
    assert store.reflag("town.pm", MIDNIGHT, MIDNIGHT + MINUTE_MS, add=Flag.MANUAL) == 3
    first, *_ = store.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, MINUTE_MS)
    assert first == Bucket(MIDNIGHT, bad={"manual": 3})
    assert store.reflag("town.pm", MIDNIGHT, MIDNIGHT + DAY_MS, add=Flag.DRIFT, quantity="pm25") == 9
    [hour] = store.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, HOUR_MS)
    assert (hour.n, hour.suspect, hour.bad, hour.low) == (6, 6, {"manual": 3}, 40.0)
    assert_equal_to_memory(store)
    store.reflag("town.pm", MIDNIGHT, MIDNIGHT + DAY_MS, remove=Flag.MANUAL)
    store.reflag("town.pm", MIDNIGHT, MIDNIGHT + DAY_MS, remove=Flag.DRIFT, quantity="pm25")
    assert everything(store) == before
    assert_equal_to_memory(store)
    assert store.reflag("town.pm", MIDNIGHT, MIDNIGHT + DAY_MS, remove=Flag.MANUAL) == 0


# -- opening and reading -----------------------------------------------------------------------------------------------


def test_a_reader_may_come_before_the_file_and_follows_when_it_is_replaced(tmp_path: Path) -> None:
    places = Places(tmp_path)
    reader = open_store("sqlite", places, readonly=True)
    with pytest.raises(StoreAway, match="cannot open"):
        reader.rooms()
    writer = SqliteStore(places.readings)
    assert reader.rooms() == []
    writer.write([reading(1)])
    assert reader.rooms() == [ROOM]
    writer.close()
    for part in tmp_path.glob("readings.db*"):
        part.unlink()
    SqliteStore(places.readings).close()
    assert reader.rooms() == []
    with pytest.raises(StoreAway, match="reading only"):
        reader.write([reading(1)])
    reader.close()


def test_a_second_writer_is_refused_as_long_as_the_first_lives(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreAway, match="another process"):
        SqliteStore.open_or_set_aside(path)
    store.close()
    second, aside = SqliteStore.open_or_set_aside(path)
    assert aside is None
    second.close()


def test_a_folder_that_cannot_be_made_is_away(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreAway, match="cannot open"):
        SqliteStore(tmp_path / "data" / "readings.db")


def test_a_slow_reader_does_not_hold_up_the_writer_and_readers_work_in_many_threads(
    store: SqliteStore, path: Path
) -> None:
    store.write([reading(seq, MIDNIGHT + seq * 1000) for seq in range(1, 3001)])
    reader = SqliteStore(path, readonly=True)
    slow = reader.readings(ROOM, MIDNIGHT, MIDNIGHT + DAY_MS)
    next(slow)
    assert store.write([reading(9000, MIDNIGHT + HOUR_MS)]) == 1
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(reader.latest(ROOM)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8
    assert len(list(slow)) >= 2999
    reader.close()


def test_threads_that_come_and_go_leave_no_open_files_behind(store: SqliteStore) -> None:
    store.write([reading(1)])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(30):
        thread = threading.Thread(target=store.latest, args=(ROOM,))
        thread.start()
        thread.join()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3


@pytest.mark.parametrize("damage", ["not a database", "zeroes in the middle of the schema"])
def test_a_damaged_file_is_set_aside_whole_and_a_new_one_begun(path: Path, damage: str) -> None:
    store = SqliteStore(path)
    store.write([reading(1)])
    store.close()
    content = bytearray(path.read_bytes())
    if damage == "not a database":
        content[:16] = b"something else!!"
    else:
        content[100:4096] = bytes(3996)
    path.write_bytes(content)
    fresh, aside = SqliteStore.open_or_set_aside(path, now_ms=MIDNIGHT)
    assert aside is not None
    assert aside.name.startswith("readings.db.damaged-2026")
    assert aside.read_bytes() == bytes(content)
    assert fresh.write([reading(1)]) == 1
    fresh.close()
    assert SqliteStore.open_or_set_aside(path)[1] is None


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("create table letters(text)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreAway, match="another program"):
        SqliteStore.open_or_set_aside(path)
    with sqlite3.connect(path) as other:
        assert [row[0] for row in other.execute("select name from sqlite_schema")] == ["letters"]
    assert len(before) == path.stat().st_size


def test_a_new_quantity_gets_its_columns_by_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path)
    store.write([reading(1)])
    store.close()
    monkeypatch.setitem(model.QUANTITIES, "o3_ppb", Quantity("o3_ppb", "ppb", 10, 0, 500))  # type: ignore[arg-type]
    store = SqliteStore(path)
    store.write([reading(2, MIDNIGHT + 1, o3_ppb=31.4)])
    assert everything(store)[1].values == {"o3_ppb": 31.4}
    assert store.series(ROOM, "o3_ppb", MIDNIGHT, MIDNIGHT + HOUR_MS, HOUR_MS)[0].mean == 31.4
    store.close()


def test_a_changed_scale_is_refused_before_it_changes_old_values(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(path).close()
    monkeypatch.setitem(model.QUANTITIES, "pm25", Quantity("pm25", "µg/m³", 10, 0, 1000, shown=True))  # type: ignore[arg-type]
    with pytest.raises(StoreAway, match="pm25 is stored in steps of 1/1000"):
        SqliteStore(path)


def test_a_store_with_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="influxdb://host:port/database"):
        open_store("influxdb://localhost", Places(tmp_path), readonly=True)
    with pytest.raises(ValueError, match="CLASSAIR_INFLUX_TOKEN") as refused:
        open_store("influxdb://me:secret@localhost/air", Places(tmp_path), readonly=True)
    assert "secret" not in str(refused.value)
