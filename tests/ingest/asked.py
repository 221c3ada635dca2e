"""Questions to what ingest has stored, past its own code."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from classair.places import Places


def rows(places: Places, statement: str, given: Sequence[object] = ()) -> list[Any]:
    connection = sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)
    try:
        return connection.execute(statement, given).fetchall()
    finally:
        connection.close()
