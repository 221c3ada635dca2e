"""Filling a real InfluxDB from the journal: days of absence survived, a lost database refilled."""

from __future__ import annotations

import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from classair.stores import open_store
from tests.ingest.journal import ALL, START, Journal, arrived


@pytest.fixture
def journal(school: Any) -> Iterator[Journal]:
    made = Journal(school)
    yield made
    made.close()


def test_what_was_committed_arrives_and_a_lost_database_is_refilled(
    journal: Journal, influxd: Any, wait_for: Callable[..., Any]
) -> None:
    address = f"influxdb://127.0.0.1:{influxd.port}/carrier_{time.time_ns()}"
    journal.write(1, 3000)
    carrier = journal.start(address)
    target = open_store(address, journal.places, readonly=False)

    wait_for(lambda: arrived(target) == 3000, timeout=20, what="3000 readings in InfluxDB")
    wait_for(lambda: carrier.behind is not None, what="the counts to have been compared")
    influxd.stop()
    journal.write(3001, 3500)
    wait_for(lambda: carrier.trouble, timeout=20, what="the carrier to notice")
    influxd.wipe()
    wait_for(lambda: arrived(target) == 3500, timeout=40, what="everything again")
    room = [
        bucket.n
        for bucket in target.series("north.a", "pm25", START - START % 3_600_000, START + 40_000_000, 3_600_000)
    ]
    assert sum(room) == 3500
    wait_for(lambda: not carrier.trouble, timeout=20, what="the trouble to be over")
    target.close()


def test_a_database_emptied_and_made_again_behind_our_back_is_refilled(
    journal: Journal, influxd: Any, wait_for: Callable[..., Any]
) -> None:
    # Nothing fails: the server answers all the time, and a reader may have made the database again.
    name = f"carrier_emptied_{time.time_ns()}"
    address = f"influxdb://127.0.0.1:{influxd.port}/{name}"
    journal.write(1, 500)
    carrier = journal.start(address)
    target = open_store(address, journal.places, readonly=False)
    wait_for(lambda: arrived(target) == 500 and carrier.behind is not None, timeout=20, what="500")
    for statement in ("drop", "create"):
        query = urllib.parse.urlencode({"q": f"{statement} database {name}"}).encode()
        urllib.request.urlopen(f"{influxd.url}/query", data=query, timeout=10).close()
    journal.write(501, 520)
    wait_for(lambda: arrived(target) == 520, timeout=20, what="everything again")
    target.close()


def test_how_much_is_left_is_told_while_a_store_is_filled(
    journal: Journal, influxd: Any, wait_for: Callable[..., Any]
) -> None:
    journal.write(1, 60_000)
    carrier = journal.start(f"influxdb://127.0.0.1:{influxd.port}/carrier_left_{time.time_ns()}")
    wait_for(lambda: carrier.left > 0, timeout=20, what="a number of what is left")
    assert carrier.behind is None
    wait_for(lambda: carrier.behind == 0 and carrier.left == 0, timeout=30, what="nothing left")


def test_another_address_is_filled_from_the_beginning(
    journal: Journal, influxd: Any, wait_for: Callable[..., Any]
) -> None:
    first, second = (f"influxdb://127.0.0.1:{influxd.port}/carrier_{name}_{time.time_ns()}" for name in "ab")
    journal.write(1, 500)
    carrier = journal.start(first)
    for address in (first, second):
        carrier.follow(address)
        target = open_store(address, journal.places, readonly=False)
        wait_for(lambda target=target: sum(target.counts(*ALL).values()) == 500, timeout=20, what=address)
        target.close()
