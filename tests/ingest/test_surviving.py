"""Ingest under kill -9, a full disk, a damaged file, conflicts and a dead thread: nothing good is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import Message
from classair.config import parse
from classair.model import Reading
from classair.places import Places
from classair.stores import StoreAway
from ingest.books.books import Books
from ingest.books.quarantine import Key, Quarantine
from ingest.commands import count as count_command
from ingest.decided import Decided
from ingest.intake import Intake

EPOCH = "abcdef012345"


def reading(seq: int, **change: Any) -> dict[str, Any]:
    return {
        "bridge": "pi-1",
        "epoch": EPOCH,
        "seq": seq,
        "sensor": "a-pm",
        "at": START + seq * 100,
        "interval_s": 10.0,
        "n": 10,
        "values": {"pm25": 10.0 + seq % 50, "rh_pct": 60.0},
        "simulated": True,
        **change,
    }


START = int(time.time() * 1000) - 3_600_000


class Sender(threading.Thread):
    """A bridge with a spool: a steady stream, and again from the first number not stored when no word comes."""

    def __init__(self, bridge: Any, total: int, per_second: int) -> None:
        super().__init__(daemon=True)
        self.bridge, self.total, self.per_second = bridge, total, per_second
        self.sent = 0

    def run(self) -> None:
        started = time.monotonic()
        progress, progress_at = 0, started
        while self.bridge.upto() < self.total:
            due = min(self.total, int((time.monotonic() - started) * self.per_second))
            while self.sent < due:
                self.sent += 1
                self.bridge.send(reading(self.sent))
            upto = self.bridge.upto()
            if upto > progress:
                progress, progress_at = upto, time.monotonic()
            elif self.sent > upto and time.monotonic() - progress_at > 1.0:
                progress_at = time.monotonic()
                for first in range(upto + 1, self.sent + 1, 400):
                    self.bridge.send([reading(seq) for seq in range(first, min(first + 400, self.sent + 1))])
            time.sleep(0.005)


def test_nothing_is_lost_or_doubled_when_it_is_killed_while_readings_flow(
    school: Any, bridge: Any, wait_for: Callable[..., Any], capsys: Any
) -> None:
    school.spawn()
    sender = Sender(bridge, total=1600, per_second=200)
    sender.start()
    chance = random.Random(7)
    for _ in range(3):
        already = sender.sent
        wait_for(lambda already=already: sender.sent > already + chance.randint(80, 250), what="readings flowing")
        school.kill()
        school.spawn()
    wait_for(lambda: bridge.upto() == 1600, timeout=30, what="everything stored")
    school.process.terminate()
    assert school.process.wait(10) == 0
    assert count_command.main(["--data", str(school.places.root)]) == 0
    told = capsys.readouterr().out
    assert "exactly once" in told and "0 wrong" in told
    connection = sqlite3.connect(school.places.readings)
    assert connection.execute("select count(*), count(distinct seq), max(seq) from reading").fetchone() == (1600,) * 3
    connection.close()


def test_the_count_says_what_is_missing_and_what_is_doubled(school: Any, capsys: Any) -> None:
    books = Books(school.places.readings, journal=False)
    config = parse(school.file.read_text())
    moves, _ = books.deployments.plan(config, START, books.newest_reading)
    with books.store.transaction():
        books.deployments.apply(moves, 1)
    intake = Intake(config, books.deployments)
    payload = json.dumps([reading(seq) for seq in range(1, 200)]).encode()
    topic = "classair/v1/test-town/north/bridge/pi-1/reading"
    books.keep(intake.decide([Message(topic, payload, False, 1, 1)], START + 10**6, True), START)
    assert count_command.main(["--data", str(school.places.root)]) == 0
    with books.store.transaction() as connection:
        connection.execute("delete from reading where seq=50")
        connection.execute("delete from received")
        connection.execute("insert into received values(1, 1, 99), (1, 101, 199)")
        connection.execute(
            "insert into reading(series, at_ms, seq, bridge_epoch, interval_s, n, flags, clock, late) "
            "select series, at_ms + 1, seq, bridge_epoch, 1, 1, 0, 0, 0 from reading where seq=60"
        )
        connection.execute("delete from reading where seq=100")
    books.close()
    capsys.readouterr()
    assert count_command.main(["--data", str(school.places.root)]) == 1
    told = capsys.readouterr().out
    assert "missing: 100" in told and "in no table: 50" in told and "FAILED: not every reading" in told
    assert ", 0 wrong" not in told


def test_the_count_can_be_trusted_while_readings_are_written(school: Any, capsys: Any) -> None:
    books = Books(school.places.readings, journal=False)
    done = threading.Event()

    def write_on() -> None:
        for seq in range(1, 100_000):
            books.store.write(
                [Reading("north.a-pm", "north.pi-1", EPOCH, seq, START + seq % 60_000, {"pm25": 4.0}, room="north.a")]
            )
            if done.is_set():
                return

    writer = threading.Thread(target=write_on)
    writer.start()
    told = ""
    try:
        until = time.monotonic() + 20
        while "changed during the check" not in told and time.monotonic() < until:
            assert count_command.main(["--data", str(school.places.root)]) == 0
            told = capsys.readouterr().out
    finally:
        done.set()
        writer.join()
        books.close()
    assert "changed during the check" in told


def test_a_spool_is_compared_with_what_is_stored(school: Any, tmp_path: Path, capsys: Any) -> None:
    books = Books(school.places.readings, journal=False)
    books.store.write(
        [
            Reading("north.a-pm", "north.pi-1", EPOCH, seq, START + seq, {"pm25": 1.0}, room="north.a")
            for seq in range(1, 6)
        ]
    )
    books.close()
    spool = tmp_path / "north.pi-1.db"
    connection = sqlite3.connect(spool)
    connection.execute("create table meta(key text primary key, value text)")
    connection.execute("create table item(seq integer primary key)")
    connection.execute("insert into meta values('epoch', ?)", (EPOCH,))
    connection.executemany("insert into item values(?)", [(seq,) for seq in (3, 4, 5)])
    connection.commit()
    arguments = ["--data", str(school.places.root), "--spool", str(spool)]
    assert count_command.main(arguments) == 0
    connection.execute("insert into item values(6)")
    connection.commit()
    connection.close()
    assert count_command.main(arguments) == 1
    assert "1 not stored: 6" in capsys.readouterr().out


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    place = tmp_path / "school" / "data"
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_acknowledges_nothing_and_afterwards_everything_is_there(
    small_disk: Path, broker: Any, school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    school.places = Places(small_disk)
    school.places.run.mkdir()
    ingest = school.begin()
    bridge.send(reading(1))
    wait_for(lambda: bridge.upto() == 1, what="upto 1")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    total = 4000
    for first in range(2, total, 400):
        bridge.send([reading(seq) for seq in range(first, min(first + 400, total + 1))])
    wait_for(lambda: "Cannot write" in bridge.warnings(), what="a warning")
    before = bridge.upto()
    assert before < total
    assert not ingest._stop.is_set() and ingest._writer.is_alive()
    filler.unlink()
    wait_for(lambda: bridge.upto() == total, timeout=40, what="everything stored")
    wait_for(lambda: "Cannot write" not in bridge.warnings(), what="the warning gone")
    school.end()
    assert count_command.main(["--data", str(small_disk)]) == 0


def test_a_damaged_file_is_set_aside_and_readings_flow_on(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    school.places.readings.write_bytes(b"SQLite format 3\0" + bytes(random.Random(1).randbytes(8192)))
    school.begin()
    bridge.send([reading(1), reading(2)])
    wait_for(lambda: bridge.upto() == 2, what="upto 2")
    assert list(school.places.root.glob("readings.db.damaged-*"))
    wait_for(lambda: "readings.db was damaged" in bridge.warnings(), what="a warning")


def test_a_file_that_turns_out_damaged_while_running_is_set_aside_too(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    ingest = school.begin()
    bridge.send([reading(1)])
    wait_for(lambda: bridge.upto() == 1, what="upto 1")
    books = ingest._writer.books
    damaged = sqlite3.DatabaseError("database disk image is malformed")
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    away = StoreAway("readings.db: database disk image is malformed")
    away.__cause__ = damaged
    keep, failed = books.keep, []

    def fail_once(decided: Decided, now_ms: int) -> Any:
        if not failed:
            failed.append(True)
            raise away
        return keep(decided, now_ms)

    books.keep = fail_once  # type: ignore[method-assign]
    bridge.send([reading(2)])
    wait_for(lambda: "readings.db was damaged" in bridge.warnings(), what="a warning")
    bridge.send([reading(1)])
    wait_for(lambda: bridge.upto() == 2, what="everything again in the new file")
    assert bridge.newest("classair/v1/test-town/control/config")["version"] == 1


def test_a_dead_writer_ends_the_process_with_an_error(school: Any, monkeypatch: Any) -> None:
    ingest = school.begin()
    thread = school._thread
    monkeypatch.setattr(ingest._telling, "tell", lambda *_: 1 / 0)
    thread.join(10)
    assert not thread.is_alive()
    assert ingest._writer.failed
    assert school.ended_with == 1


def test_two_ingests_do_not_work_in_one_folder(school: Any) -> None:
    school.spawn()
    again = subprocess.run([*school.process.args], capture_output=True, text=True, timeout=20, check=False)
    assert again.returncode == 2
    assert "already running with data folder" in again.stderr


# -- without a broker --------------------------------------------------------------------------------------------------


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path / "readings.db", journal=False)
    made.org = "test-town"
    yield made
    made.close()


def stored(seq: int, epoch: str = EPOCH) -> Reading:
    return Reading("north.a-pm", "north.pi-1", epoch, seq, START + seq * 10, {"pm25": 5.0}, room="north.a")


@pytest.mark.parametrize("count", [1, 5, 300])
def test_readings_whose_place_is_taken_are_set_aside_and_the_others_stored(books: Books, count: int) -> None:
    books.keep(Decided([stored(seq) for seq in range(1, count + 1)]), START)
    # A copied spool: other numbers of its own, the same sensor, times and seqs.
    other = [stored(seq, "copied012345") for seq in range(1, 2 * count + 1)]
    outcome = books.keep(Decided(other), START)
    assert (outcome.stored, outcome.quarantined, outcome.duplicates) == (count, count, 0)
    assert books.store.upto("north.pi-1", "copied012345") == 2 * count
    again = books.keep(Decided(other), START)
    assert (again.stored, again.quarantined, again.duplicates) == (0, 0, 2 * count)


def test_quarantine_stays_within_its_bound_and_the_oldest_go_first() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    quarantine = Quarantine(connection, max_total=100_000)
    lost = 0
    for number in range(300):
        lost += quarantine.keep("a/topic", b"%05d" % number * 200, "no good", number, Key("n.b", EPOCH, number + 1))
    assert quarantine.bytes <= 100_000
    assert quarantine.count + lost == 300
    assert quarantine.thinned == lost
    kept = [row.key.seq for row in quarantine.rows() if row.key]
    assert kept == list(range(lost + 1, 301))
    quarantine.keep("a/topic", b"x" * 300_000, "too long", 1)
    quarantine.read()
    assert quarantine.bytes <= 100_000
