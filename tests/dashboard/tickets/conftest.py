"""Reported problems in a world of their own: a file on disk, and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.config import Config
from classair.units import HOUR_MS
from dashboard.access.desk_file import DeskFile
from dashboard.tickets.book import Tickets
from dashboard.tickets.records import NewTicket, Reporter
from dashboard.tickets.schema import SCHEMA
from tests.dashboard.conftest import Builder, House, schools_with

FRIDAY = 1_795_171_200_000  # 2026-11-20T17:40+07:00


class World:
    """`now` is its time, UTC ms."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.now, self.config, self.folder = FRIDAY, config, folder
        self.desk: Any = None
        self.open()

    def open(self) -> None:
        """As a dashboard does that starts."""
        self.close()
        self.desk = DeskFile(self.folder / "desk.db")
        self.tickets = Tickets(self.desk, lambda: self.config, lambda: self.now, self.folder / "photos", lambda: 3)

    def receive(self, key: str = "a", **told: Any) -> Any:
        usual: dict[str, Any] = {"kind": "purifier_dead", "site": "ban-suan", "room": "ban-suan.p1-2"}
        usual["reporter"] = Reporter("line", "U1", "th")
        return self.tickets.receive(NewTicket(**{**usual, **told}), key)

    def whats(self, ticket: int) -> list[str]:
        return [entry.what for entry in self.tickets.history(ticket)]

    def close(self) -> None:
        if self.desk is not None:
            self.desk.close()
            self.desk = None


@pytest.fixture
def make_world(tmp_path: Path) -> Any:
    made: list[World] = []

    def make(more: str = "") -> World:
        folder = tmp_path / str(len(made))
        made.append(World(folder, schools_with(more or "language: th")))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture(scope="module")
def _desk_house(tmp_path_factory: pytest.TempPathFactory, schools: Config) -> Iterator[House]:
    builder = Builder(tmp_path_factory.mktemp("desk"), schools)
    house = builder.demo()
    house.desk.add_account("lung", "caretaker", "correct horse battery")
    yield house
    builder.close()


@pytest.fixture
def desk_house(_desk_house: House) -> House:
    """The demo of a whole file of tests: each begins without a report, a day after the one before."""
    ctx = _desk_house.app.server.state.ctx
    with ctx.desk.change() as db:
        for (table,) in db.execute(
            "select name from sqlite_master where type='table' and name like 'ticket%'"
        ).fetchall():
            db.execute(f"drop table {table}")
    ctx.desk.add_tables(SCHEMA)
    for name in ctx.tickets.photos.names():
        ctx.tickets.photos.remove(name)
    _desk_house.offset_ms += 24 * HOUR_MS
    return _desk_house


@pytest.fixture
def tickets(desk_house: House) -> Tickets:
    found: Tickets = desk_house.app.server.state.ctx.tickets
    return found
