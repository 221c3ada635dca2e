"""A damaged desk.db: never lost, never in the way; what can be read of it is in use again."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from dashboard.access.desk import Desk
from dashboard.access.desk_damage import open_desk

PAGE = 4096
NAMES = [f"teacher-{number}" for number in range(40)]
HASH = "$argon2id$" + "x" * 90


def sound(path: Path) -> bytes:
    """A desk with forty accounts."""
    file, damage = open_desk(path)
    assert damage is None
    Desk(file, lambda: 1_000)
    with file.change() as db:
        columns = [row[1] for row in db.execute("pragma table_info(account)")]
        for name in NAMES:
            told = {"name": name, "role": "teacher", "hash": HASH}
            row = [told.get(column, 1 if column.endswith("_at") else "") for column in columns]
            db.execute(f"insert into account values({', '.join('?' * len(row))})", row)
    file.wipe()
    file.close()
    return path.read_bytes()


def accounts(path: Path) -> set[str]:
    file, damage = open_desk(path)
    assert damage is None, "the new file is sound"
    try:
        return {str(name) for (name,) in file.ask("select name from account")}
    finally:
        file.close()


def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    for harm in (bytes(PAGE * 3), b"not a database" * 600, random.Random(5).randbytes(9_000)):
        path.write_bytes(harm)
        file, damage = open_desk(path)
        assert damage is not None and damage.aside.read_bytes() == harm and damage.rows == 0
        Desk(file, lambda: 1_000)
        file.close()
        assert accounts(path) == set()
    assert len(list(tmp_path.glob("desk.db.damaged-*"))) == 3, "each under a name of its own"


def test_what_can_be_read_of_a_damaged_file_is_in_use_again(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    whole = sound(path)
    saved = []
    for page in range(1, len(whole) // PAGE):  # not the first: it says what tables there are
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        harmed = bytearray(whole)
        harmed[page * PAGE : (page + 1) * PAGE] = b"\xff" * PAGE
        path.write_bytes(harmed)
        file, damage = open_desk(path)
        file.close()
        if damage is not None:
            assert damage.aside.exists()
        found = accounts(path)
        assert found <= set(NAMES)
        saved.append(len(found))
    assert saved.count(len(NAMES)) >= len(saved) // 2, "a page of another table costs no account"


def test_a_file_that_is_busy_or_read_only_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    sound(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("pragma locking_mode=exclusive")
    other.execute("begin exclusive")
    with pytest.raises(sqlite3.OperationalError):
        open_desk(path)
    other.close()
    assert not list(tmp_path.glob("*.damaged-*")) and accounts(path) == set(NAMES)
