"""A damaged spool is opened, or moved aside, and what is lost is declared."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.spool.contents import suspect
from firmware_bridge.spool.keeper import Keeper
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


def test_every_damaged_file_is_kept_under_a_name_of_its_own(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = [f"not a database {number}".encode() * 100 for number in range(3)]
    for text in contents:
        path.write_bytes(text)
        Spool.open(path).close()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    kept = [one.read_bytes() for one in path.parent.glob(f"{path.name}.damaged-*")]
    assert sorted(kept) == contents


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


@pytest.mark.parametrize(
    "rot",
    [
        "given = '9.5'",
        "at = coalesce(at, 0) + 60000",
        "n = 3",
        "clock = 2",
        "shape = 2",
        "given = cast(x'312eff' as text)",
    ],
)
def test_a_rotten_value_is_never_read_as_another(path: Path, rot: str) -> None:
    spool = Spool.open(path)
    spool.extend([{**reading(1.5), "at": AT}, {**reading(2.5, "other"), "at": AT}, {**reading(3.5), "at": AT}])
    spool.append(reading(4.5), None, mono=5_000, boot="this")
    spool.close()
    with sqlite3.connect(path) as db:
        db.execute(f"update item set {rot} where seq in (1, 4)")
    db.close()
    again = Spool.open(path)
    again.date("this", AT, "sync", AT - 1)
    assert [row.seq for row in rows(again)] == [2, 3], "dating does not make a rotten row sound"
    again.close()


def in_the_middle(path: Path) -> None:
    """Damages pages that opening does not read."""
    spool = Spool.open(path)
    spool.extend({**reading(value), "at": AT + value} for value in range(20_000))
    spool.close()
    data = bytearray(path.read_bytes())
    middle = len(data) // 4096 // 2
    data[middle * 4096 : (middle + 3) * 4096] = random.Random(5).randbytes(3 * 4096)
    path.write_bytes(data)


@pytest.mark.thorough
def test_opening_does_not_read_the_whole_file_unless_the_last_run_met_damage(path: Path) -> None:
    in_the_middle(path)
    spool = Spool.open(path)
    assert spool.moved_aside is None
    crash(spool)
    suspect(path).touch()
    again = Spool.open(path)
    assert again.moved_aside is not None and not suspect(path).exists()
    again.close()


def test_damage_that_opening_does_not_see_is_found_beside_the_work_and_ends_the_process(
    path: Path, wait_for: Any
) -> None:
    in_the_middle(path)
    spool = Spool.open(path)
    keeper = Keeper(spool)
    keeper.start()
    wait_for(lambda: not keeper.alive, 10, "the end of the thread, with which the bridge ends")
    assert suspect(path).exists(), "so that the next start looks"
    keeper.stop()
    crash(spool)


def test_a_sound_file_is_looked_over_and_goes_on(path: Path) -> None:
    suspect(path).parent.mkdir(parents=True)
    suspect(path).touch()
    spool = Spool.open(path)
    assert spool.moved_aside is None and not suspect(path).exists()
    keeper = Keeper(spool)
    keeper.start()
    keeper._checking.join(10)
    assert keeper.alive
    keeper.stop()
    spool.close()
