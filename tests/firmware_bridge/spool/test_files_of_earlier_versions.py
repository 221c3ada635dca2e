"""Spools with packed blocks, as earlier versions kept them: read at once, taken apart block by block, losing nothing.

`samples/packed.db.xz` is such a file: a block of means, four of readings, loose rows with a switch, a line of the gap
ledger, flags and readings that wait for their time. `samples/packed.jsonl.xz` is all of it as that version told it.
"""

from __future__ import annotations

import json
import lzma
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.clock import BUILT_MS
from firmware_bridge.spool import file as file_module
from firmware_bridge.spool.old_blocks import BadBlock, decode
from firmware_bridge.spool.packing import Hole, SpoolRow, hole_wire, prefix_for
from firmware_bridge.spool.spool import Spool
from tests.firmware_bridge.spool.spooled import AT, crash, reading

SAMPLES = Path(__file__).parent / "samples"
NEXT, ACKNOWLEDGED, BLOCKS = 14_207, 500, 5


@pytest.fixture
def old(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(lzma.decompress((SAMPLES / "packed.db.xz").read_bytes()))
    return path


def as_told_then() -> list[dict[str, Any]]:
    text = lzma.decompress((SAMPLES / "packed.jsonl.xz").read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines()]


def as_told_now(spool: Spool, limit: int = 10**6) -> list[dict[str, Any]]:
    """Everything up to what that version had given out, asked for in pieces."""
    prefix, found, seq = prefix_for("pi", spool.epoch), list[dict[str, Any]](), 0
    while part := spool.after(seq, limit):
        for it in part:
            one = isinstance(it, SpoolRow)
            text = spool.shapes.wire(it, prefix, True) if one else hole_wire(it, "pi", spool.epoch)
            found.append(json.loads(text))
            seq = it.seq if one else it.last
    return [it for it in found if it.get("seq", it.get("first")) < NEXT]


def blocks_in(path: Path) -> list[tuple[int, int]]:
    with sqlite3.connect(path) as db:
        if not db.execute("select 1 from sqlite_schema where name='block'").fetchone():
            return []
        return db.execute("select first, last from block order by first").fetchall()


@pytest.mark.thorough
def test_an_old_file_tells_the_same_before_while_and_after_it_is_taken_apart(old: Path, chance: random.Random) -> None:
    spool = Spool.open(old)
    then = as_told_then()
    assert (spool.epoch, spool.acknowledged) == (then[0]["epoch"], ACKNOWLEDGED)
    assert spool.next_seq > NEXT and spool.until("blue-pm") == AT + 143_000_000
    taken = 0
    while True:
        assert as_told_now(spool, chance.choice((10**6, 5000, 2047))) == then
        if not spool.unpack():
            break
        taken += 1
    assert (taken, blocks_in(old)) == (BLOCKS, [])
    assert spool.date("another", AT, "sync", BUILT_MS) == 2, "what waited for its time still does"
    crash(spool)
    again = Spool.open(old)
    told = as_told_now(again)
    assert [it for it in told if it.get("sensor") != "lost"] == then[: len(told) - 2]
    assert not again.unpack()
    with sqlite3.connect(old) as db:
        assert db.execute("select count(*) from sqlite_schema where name='block'").fetchone() == (0,)
    again.close()


def test_the_values_of_its_readings_are_those_that_were_measured(old: Path) -> None:
    spool = Spool.open(old)
    while spool.unpack():
        pass
    single = [it for it in as_told_now(spool) if it.get("n") == 10 and it["sensor"] == "blue-pm" and "flags" not in it]
    assert len(single) > 12_000
    for it in single:
        number = (it["at"] - AT) // 10_000
        assert it["values"] == {"pm25": round(number % 997 / 10, 1), "n03": number}
    spool.close()


_TAKER = """
import sys
from pathlib import Path
from firmware_bridge.spool.spool import Spool
spool = Spool.open(Path(sys.argv[1]))
while spool.unpack():
    print("one", flush=True)
print("done", flush=True)
"""


@pytest.mark.thorough
def test_kills_while_it_is_taken_apart_lose_and_double_nothing(old: Path, chance: random.Random) -> None:
    done = False
    for kill in range(30):
        with subprocess.Popen([sys.executable, "-c", _TAKER, str(old)], stdout=subprocess.PIPE, text=True) as taker:
            assert taker.stdout is not None
            line = taker.stdout.readline() if chance.random() < 0.7 else ""
            done = done or line == "done\n"
            if kill < 25:
                os.kill(taker.pid, signal.SIGKILL)
        if done:
            break
    assert done
    spool = Spool.open(old)
    assert as_told_now(spool) == as_told_then()
    spool.close()


def test_it_stays_as_it_is_while_the_disk_has_no_room_for_rows(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module.SpoolFile, "_free", lambda self: 1_000)
    spool = Spool.open(old)
    assert not spool.unpack()
    row = spool.append(reading(), AT + 200_000_000)
    assert row is not None and spool.commit() and spool.given_up == 0
    assert as_told_now(spool) == as_told_then()
    monkeypatch.undo()
    spool.close()
    again = Spool.open(old)
    assert again.unpack()
    again.close()


def test_a_full_spool_gives_up_blocks_as_it_gives_up_rows(old: Path) -> None:
    spool = Spool.open(old)
    assert spool._file is not None
    spool._limit = spool._file.used() - 1
    spool.acknowledge(2048)
    spool.commit()
    assert blocks_in(old)[0] == (2049, 4096), "the acknowledged block went first"
    for number in range(4_000):
        spool.append(reading(number / 10), AT + 200_000_000 + number * 10_000)
    assert spool.commit() and spool.given_up >= 2048
    told = as_told_now(spool)
    assert (told[0]["reason"], told[1]["first"], told[1]["reason"]) == ("no longer kept", 2049, "spool full")
    spool.close()


def test_a_rotted_block_costs_its_readings_and_nothing_else(old: Path) -> None:
    with sqlite3.connect(old) as db:
        db.execute("update block set data = x'00ff' where first = 4097")
    db.close()
    then = [it for it in as_told_then() if not 4097 <= it.get("seq", 0) <= 6144]
    for _ in range(2):
        spool = Spool.open(old)
        told = as_told_now(spool)
        gap = next(it for it in told if it.get("first") == 4097)
        assert (gap["last"], gap["reason"]) == (6144, "no longer kept")
        assert [it for it in told if it is not gap] == then
        while spool.unpack():
            pass
        spool.close()


def test_a_block_with_any_byte_changed_is_refused_and_never_read_as_something_else(old: Path) -> None:
    chance = random.Random(2)
    with sqlite3.connect(old) as db:
        (blob,) = db.execute("select data from block where first = 2049").fetchone()
    db.close()
    whole = decode(blob)
    assert [row.seq for row in whole] == list(range(2049, 4097))
    for _ in range(300):
        harmed = bytearray(blob)
        for _ in range(chance.randint(1, 4)):
            harmed[chance.randrange(len(harmed))] ^= chance.randint(1, 255)
        try:
            assert decode(bytes(harmed)) == whole
        except BadBlock:
            pass
    for end in range(0, len(blob), 101):
        with pytest.raises(BadBlock):
            decode(blob[:end])


def test_a_file_of_the_first_version_is_opened(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as db:
        db.executescript(
            "create table meta(key text primary key, value text not null) without rowid;"
            "create table shape(number integer primary key, text text not null);"
            "create table item(seq integer primary key, shape integer not null, at integer, n integer not null,"
            " clock integer not null, given text not null, mono integer, boot text);"
            "create index item_undated on item(boot) where at is null;"
            "create table gap(first integer primary key, last integer not null, reason text not null);"
            "pragma user_version=1;"
        )
        meta = {"epoch": "0123456789abcdef", "reserved": 1, "issued": 1, "acknowledged": 0}
        db.executemany("insert into meta values(?,?)", [(key, str(value)) for key, value in meta.items()])
        shape = {"sensor": "a", "keys": ["pm25"], "interval_s": 10, "simulated": False, "flags": [], "value_flags": {}}
        db.execute("insert into shape values(1,?)", (json.dumps(shape, separators=(",", ":")),))
        db.execute("insert into item values(1,1,?,10,0,'7.5',null,null)", (AT,))
    db.close()
    spool = Spool.open(path)
    (row,) = [it for it in spool.after(0, 10) if not isinstance(it, Hole)]
    assert (spool.epoch, row.given, row.at) == ("0123456789abcdef", "7.5", AT)
    spool.close()
