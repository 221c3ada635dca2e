"""A broker with the generated rules for all tests of a run, and a bench on it for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.alerts.purifiers.plugged import Bench, Benches, conf
from tests.alerts.purifiers.rows import Row
from tests.neighbours.servers import Mosquitto


@pytest.fixture(scope="session")
def school_broker(mosquitto_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    server = Mosquitto(tmp_path_factory.mktemp("purifiers"), conf)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bench(school_broker: Mosquitto) -> Iterator[Benches]:
    """`bench(row)`: its device, plugged in, and control."""
    made: list[Bench] = []

    def make(row: Row) -> Bench:
        made.append(Bench(row, school_broker.url))
        return made[-1]

    yield make
    for one in made:
        one.close()
