"""Points that InfluxDB refuses by themselves, as another writer fixed a field's type: told and sent again."""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import ingest.rejections
from classair.stores import StoreAway, open_store
from tests.ingest.journal import START, Journal, arrived

DAY = 24 * 3_600_000


@pytest.fixture
def journal(school: Any) -> Iterator[Journal]:
    made = Journal(school)
    yield made
    made.close()


def over_http(influxd: Any, path: str, database: str, body: str) -> None:
    query = urllib.parse.urlencode({"db": database})
    urllib.request.urlopen(f"{influxd.url}/{path}?{query}", data=body.encode(), timeout=10).close()


def made_by_others(influxd: Any, name: str, points: str, wait_for: Callable[..., Any]) -> None:
    """A database in which another program has written; a busy server knows a new database only after a moment."""
    over_http(influxd, "query", name, urllib.parse.urlencode({"q": f"create database {name}"}))

    def written() -> bool:
        try:
            over_http(influxd, "write", name, points)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False
        return True

    wait_for(written, timeout=20, what="the other program's points to be written")


def other_writers_points(line: str, until_ms: int) -> str:
    """The line once a week: InfluxDB 1.x holds the type of a field for each shard of a week."""
    return "\n".join(f"{line} {at * 1_000_000}" for at in range(START - DAY, until_ms + 7 * DAY, 7 * DAY))


@pytest.mark.parametrize(
    "line",
    [
        "air,sensor=telegraf pm25=12i,temp_c=30i",  # what another program measures
        "air,sensor=telegraf seq=1.5",  # one of our own counters
        'air,sensor=telegraf bridge=7i,epoch="x"',
    ],
)
def test_rejected_points_are_told_by_sensor_and_sent_again_once_the_conflict_is_gone(
    line: str, journal: Journal, influxd: Any, wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.rejections, "RETRY_S", 1.0)
    name = f"conflict_{time.time_ns()}"
    address = f"influxdb://127.0.0.1:{influxd.port}/{name}"
    made_by_others(influxd, name, other_writers_points(line, START + DAY), wait_for)
    journal.write(1, 30)
    carrier = journal.start(address)
    wait_for(lambda: carrier.rejections and carrier.rejections.points, timeout=20, what="the rejected points counted")
    assert carrier.rejections is not None
    assert carrier.rejections.points >= 30
    assert carrier.rejections.sensors == ["north.a-pm"]
    assert "conflict" in carrier.rejections.reason

    target = open_store(address, journal.places, readonly=True)
    asked = (lambda: list(target.readings("north.a", START, START + DAY)), lambda: target.latest("north.a"))
    for question in (*asked, lambda: target.series("north.a", "pm25", START, START + DAY, 3_600_000)):
        with pytest.raises(StoreAway, match=r"rejected readings of north\.a: .*kept in readings\.db"):
            question()
    assert list(target.readings("north.b", START, START + DAY)) == [], "another room is answered"
    target.close()

    # 1.x remembers the types of a shard even when the measurement is dropped.
    for statement in ("drop", "create"):
        over_http(influxd, "query", name, urllib.parse.urlencode({"q": f"{statement} database {name}"}))
    wait_for(lambda: not carrier.rejections.points, timeout=20, what="the points to be accepted")
    again = open_store(address, journal.places, readonly=True)
    wait_for(lambda: arrived(again) == 30, timeout=20, what="everything in InfluxDB")
    assert len(list(again.readings("north.a", START, START + DAY))) == 30
    again.close()


def test_what_was_rejected_before_a_restart_is_told_after_it(
    journal: Journal, influxd: Any, wait_for: Callable[..., Any]
) -> None:
    name = f"conflict_restart_{time.time_ns()}"
    address = f"influxdb://127.0.0.1:{influxd.port}/{name}"
    made_by_others(influxd, name, other_writers_points("air,sensor=telegraf pm25=12i", START + DAY), wait_for)
    journal.write(1, 5)
    carrier = journal.start(address)
    wait_for(lambda: carrier.behind is not None and carrier.rejections.points, timeout=20, what="the points counted")
    again = journal.start_again(address)
    wait_for(lambda: again.rejections and again.rejections.points, timeout=20, what="the points counted again")
