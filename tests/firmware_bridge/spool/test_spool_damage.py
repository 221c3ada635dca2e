"""A damaged spool is opened, or moved aside, and what is lost is declared."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from firmware_bridge.spool.packing import Hole
from firmware_bridge.spool.spool import Spool
from tests.firmware_bridge.spool.spooled import AT, crash, holes, reading, rows


@pytest.mark.parametrize("harm", ["zeroed head", "garbage", "truncated", "random bytes"])
def test_a_damaged_file_is_moved_aside_and_a_new_epoch_begins(
    path: Path,
    harm: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spool = Spool.open(path)
    spool.extend({**reading(value), "at": AT + value} for value in range(3000))
    epoch = spool.epoch
    spool.close()
    data = bytearray(path.read_bytes())
    chance = random.Random(3)
    if harm == "zeroed head":
        data[:4096] = bytes(4096)
    elif harm == "garbage":
        data[:] = chance.randbytes(5000)
    elif harm == "truncated":
        del data[len(data) // 2 :]
    else:
        for page in range(1, len(data) // 4096):
            data[page * 4096 : page * 4096 + 8] = chance.randbytes(8)
    path.write_bytes(data)
    again = Spool.open(path)
    assert again.epoch != epoch
    assert again.moved_aside is not None
    assert again.moved_aside.exists()
    assert "spool_damaged" in caplog.text
    again.append(reading(), AT, "sync")
    assert again.commit()
    assert [row.seq for row in rows(again)] == [1]
    again.close()


def test_random_damage_never_stops_a_spool_from_opening(path: Path) -> None:
    spool = Spool.open(path)
    spool.extend({**reading(value), "at": AT + value} for value in range(300))
    spool.close()
    sound = path.read_bytes()
    chance = random.Random(11)
    for _ in range(150):
        data = bytearray(sound)
        for _ in range(chance.randint(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(data)
        again = Spool.open(path)
        again.append(reading(), AT, "sync")
        try:
            again.commit()
        except sqlite3.DatabaseError:
            pass  # damage that only writing finds: the bridge ends, its next start finds it as well
        crash(again)


@pytest.mark.parametrize("letter", [b"\xae", b"\xff", b"x"])
def test_rot_in_the_names_of_tables_is_damage_like_any_other(path: Path, letter: bytes) -> None:
    spool = Spool.open(path)
    spool.extend([{**reading(), "at": AT}])
    spool.close()
    path.write_bytes(path.read_bytes().replace(b"where at is null", b"wh" + letter + b"re at is null"))
    again = Spool.open(path)
    assert again.moved_aside is not None and not again.storage
    again.close()


def test_a_row_that_rotted_on_disk_spoils_no_message_and_is_declared_missing(path: Path) -> None:
    spool = Spool.open(path)
    spool.extend({**reading(value), "at": AT + value} for value in range(8))
    spool.close()
    with sqlite3.connect(path) as db:
        db.execute("update item set given = '1x.5' where seq = 2")
        db.execute("update item set given = x'ff00' where seq = 3")
        db.execute("update item set shape = 99 where seq = 5")
        db.execute("update item set given = '1,2' where seq = 7")
    db.close()
    again = Spool.open(path)
    assert [row.seq for row in rows(again)] == [1, 4, 6, 8]
    assert [(hole.first, hole.last) for hole in holes(again)] == [(2, 3), (5, 5), (7, 7)]
    assert again.after(1, 2)[0] == Hole(2, 3, "no longer kept")
    again.close()
