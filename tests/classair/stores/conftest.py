"""Every store there is, empty, for one suite; CLASSAIR_TEST_INFLUX_URL adds a server of the user's own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.stores import Store
from classair.stores.influxdb.store import InfluxStore
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore

URL_VARIABLE = "CLASSAIR_TEST_INFLUX_URL"

KINDS = [
    "memory",
    "sqlite",
    pytest.param("influxdb", marks=pytest.mark.servers),
    *(["own influxdb"] if os.environ.get(URL_VARIABLE) else []),
]


@pytest.fixture
def town() -> str:
    """A site of this test's own, so that tests on one server do not meet."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind in turn."""
    opened: Any
    if kind == "memory":
        opened = MemoryStore()
    elif kind == "sqlite":
        opened = SqliteStore(tmp_path / "readings.db")
    elif kind == "influxdb":
        opened = InfluxStore(request.getfixturevalue("influxd").url, "classair_test")
    else:
        # influxdb://host:port/database as in sensors.yaml; a 2.x or 3 server needs the database (bucket) made before.
        opened = InfluxStore.of(
            os.environ[URL_VARIABLE],
            os.environ.get("CLASSAIR_INFLUX_TOKEN", ""),
            os.environ.get("CLASSAIR_INFLUX_ORG", ""),
        )
    yield opened
    opened.close()
