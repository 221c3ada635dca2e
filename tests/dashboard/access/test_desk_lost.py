"""desk.db fails while the dashboard runs: displays and open pages go on, everybody else is told, nobody gets in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from classair.wire import RoomState
from dashboard.access.desk_damage import open_desk
from dashboard.access.desk_file import DeskFile

ROOM = "ban-suan.p1-2"
PASSWORD = "kwan-fai-2569"


class Broken:
    """The connection of a file whose pages are damaged."""

    def __getattr__(self, name: str) -> Any:
        raise sqlite3.DatabaseError("database disk image is malformed")


@pytest.mark.parametrize("fault", [sqlite3.DatabaseError, sqlite3.OperationalError])
def test_displays_go_on_without_the_accounts_file(
    own_house: Any, make_state: Callable[..., RoomState], fault: type[Exception]
) -> None:
    own_house.desk.add_account("boss", "admin", PASSWORD)
    headers = own_house.sign_in("boss", PASSWORD)
    own_house.put(make_state(ROOM))
    file = own_house.desk.file
    sound, file._db = file._db, Broken()
    try:
        for more in ({}, headers):
            assert own_house.ask(f"/display/{ROOM}", **more).status == 200
            assert own_house.ask(f"/display/{ROOM}/line", **more).status == 200
            assert own_house.ask(f"/api/v1/rooms/{ROOM}/now", **more).status == 200, "the demo's reading is open"
        answer = own_house.ask("/audit?lang=en", **headers)
        assert answer.status in (303, 401, 403, 503)
        answer = own_house.ask(
            "/login?lang=th",
            "POST",
            body=f"name=boss&password={PASSWORD}".encode(),
            Content_Type="application/x-www-form-urlencoded",
            Origin=own_house.url,
        )
        assert answer.status == 503 and "Traceback" not in answer.text
    finally:
        file._db = sound
    assert own_house.ask("/audit?lang=en", **headers).status == 200


def test_a_damaged_page_ends_the_process_so_that_the_next_start_takes_over_what_can_be_read(tmp_path: Any) -> None:
    file = DeskFile(tmp_path / "desk.db")
    file.add_tables("create table if not exists kept(name text)")
    with file.change() as db:
        db.executemany("insert into kept values(?)", [(f"{number} " * 100,) for number in range(2_000)])
    file.wipe()
    assert not file.damaged
    file.close()
    data = bytearray((tmp_path / "desk.db").read_bytes())
    for page in range(60, 70):
        data[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    (tmp_path / "desk.db").write_bytes(data)
    again = DeskFile(tmp_path / "desk.db")
    with pytest.raises(sqlite3.DatabaseError):
        again.ask("select * from kept")
    assert again.damaged, "which the server looks at once a tick"
    again.close()
    fresh, damage = open_desk(tmp_path / "desk.db")
    assert damage is not None and 1_000 < damage.rows < 2_000, "both sides of the damage"
    assert fresh.ask("select count(*) from kept") == [(damage.rows,)]
    fresh.close()
