"""Which sensor stood in which room when, as ingest keeps it in readings.db; for every reader of the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from classair.config import yamltext
from classair.stores.sqlite.file import reading_table


@dataclass(frozen=True, slots=True)
class Deployment:
    """One stay of a sensor in a room (ids `<site>.<id>`), UTC ms, half-open; `to_ms` None: it still stands there.

    `from_ms` 0: it stood there before anybody wrote it down. `model` as the configuration said when it began.
    """

    sensor: str
    room: str
    from_ms: int
    to_ms: int | None
    config_version: int
    model: str = ""


def deployments(readings: Path) -> list[Deployment]:
    """Every stay in a data folder (`places.readings`), by sensor and time; none where there is no file yet.

    Raises StoreAway when the file is there and cannot be read.
    """
    with reading_table(readings, "deployment") as connection:
        if connection is None:
            return []
        model_of = _models(connection)
        return [
            Deployment(sensor, room, start, end, version, model_of(version, sensor))
            for sensor, room, start, end, version in connection.execute(
                "select sensor, room, from_ms, to_ms, config_version from deployment order by sensor, from_ms"
            )
        ]


def _models(connection: sqlite3.Connection) -> Callable[[int, str], str]:
    """The model of a sensor by version of the configuration; empty where the version does not say it."""

    @cache
    def sites(version: int) -> dict[str, dict[str, object]]:
        row = connection.execute("select text from config_version where version=?", (version,)).fetchone()
        try:
            whole = yamltext.read(row[0]) if row else {}
            return {site: dict(part.get("sensors") or {}) for site, part in whole["sites"].items()}
        except (yamltext.YamlFault, KeyError, AttributeError, TypeError):
            return {}  # an old version that this program no longer understands

    def model(version: int, sensor: str) -> str:
        site, _, local = sensor.partition(".")
        entry = sites(version).get(site, {}).get(local)
        return str(entry.get("model", "")) if isinstance(entry, dict) else ""

    return model
