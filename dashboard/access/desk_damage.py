"""desk.db that is damaged: set aside whole under a name of its own, and what can be read of it goes into a new one."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from classair.stores.sqlite.damaged import set_aside
from dashboard.access.desk_file import DeskFile

log = logging.getLogger(__name__)

_PASSING: Final = sqlite3.OperationalError
"""Locked, read-only, no room: none of it is damage."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Where the damaged file is, and how many rows of it are in the new one."""

    aside: Path
    rows: int


def open_desk(path: Path) -> tuple[DeskFile, Damage | None]:
    """Opens desk.db after a look at every page of it. Raises OSError, sqlite3.OperationalError, StoreAway."""
    file: DeskFile | None = None
    try:
        file = DeskFile(path)
        why = file.verdict()
    except _PASSING:
        if file is not None:
            file.close()
        raise
    except sqlite3.DatabaseError as error:
        why = str(error)
    if file is not None:
        if why == "ok":
            return file, None
        file.close()
    aside = set_aside(path, time.time(), why)
    fresh = DeskFile(path)
    rows = _salvage(aside, fresh)
    log.critical("desk_damaged moved_to=%s rows_saved=%d error=%s", aside.name, rows, why)
    return fresh, Damage(aside, rows)


def _salvage(aside: Path, fresh: DeskFile) -> int:
    """Copies every row that can be read; how many those were."""
    saved = 0
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(f"{aside.as_uri()}?mode=ro", uri=True)) as old:
        tables = old.execute(
            "select name, sql from sqlite_master where type='table' and name not like 'sqlite_%' and sql is not null"
        ).fetchall()
        for name, sql in tables:
            with suppress(sqlite3.DatabaseError), fresh.change() as new:
                new.execute(sql)
                for row in _readable(old, str(name)):
                    marks = ", ".join("?" * len(row))
                    saved += new.execute(f'insert or ignore into "{name}" values({marks})', row).rowcount
    return saved


def _readable(old: sqlite3.Connection, table: str) -> Iterator[tuple[object, ...]]:
    """The rows up to the first damaged page, and those from the end down to the last one."""
    for order in ("", " order by rowid desc"):
        try:
            yield from old.execute(f'select * from "{table}"{order}')
        except sqlite3.DatabaseError:  # also of a table without rowid
            continue
        return
