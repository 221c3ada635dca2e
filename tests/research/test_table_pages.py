"""Pages of a table joined are the table: for any selection, page size and place, over every store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from classair.config import parse
from classair.model import Flag, Reading
from classair.science.averages import day_is_complete
from classair.science.corrections import Correction, Corrections
from classair.stores import Store
from classair.stores.bucket_columns import rounded
from classair.stores.influxdb.store import InfluxStore
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import day_start_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.queries.daily import day_means
from research.mean_columns import MeanColumns
from research.means import MeanRow, MeansReader, rows
from research.pages import Place, page
from research.selection import Selection, SelectionRefused

CONFIG = parse("""org: demo
sites:
  s:
    name: S
    bridges: {b: {}}
    rooms: {q: {name: Q, volume_m3: 100}, r: {name: R, volume_m3: 180, timetable: t}, u: {name: U, volume_m3: 180}}
    sensors:
      one: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
      three: {bridge: b, room: q, model: sps30, port: "sim:x"}
      two: {bridge: b, room: r, model: pms5003t, port: "sim:x"}
timetables:
  t: {occupied: ["07:30-16:00"], lessons: ["08:20-09:10", "09:10-11:30", "12:30-15:00"]}
""")
FIRST, DAYS = date(2026, 11, 20), 7
CORRECTIONS = Corrections(
    (
        Correction(
            "school",
            1,
            "linear_rh_temp",
            {"slope": 0.6, "intercept": 2.0, "rh": -0.05, "temp": 0.1},
            valid_from=day_start_ms(FIRST) + 2 * DAY_MS + 10 * HOUR_MS,
            valid_to=day_start_ms(FIRST) + 5 * DAY_MS,
            sensors=("s.one",),
            high=60.0,
            accepted_at=1,
        ),
        Correction("all", 1, "kohler", {"kappa": 0.2}, valid_from=day_start_ms(FIRST) + 4 * DAY_MS, sites=("s",)),
    )
)
METHODS = ["none", "accepted", "epa2021_atm", "epa_fasm2020_cf1", "school", "all"]


def readings(chance: random.Random) -> Iterator[Reading]:
    """Sensors that come and go, with flags, pauses and days of bad values alone; s.two never has humidity."""
    seq = 0
    for sensor, room in (("s.one", "s.r"), ("s.two", "s.r"), ("s.three", "s.q"), ("s.one", "s.q")):
        at = day_start_ms(FIRST) + chance.randrange(DAY_MS)
        while at < day_start_ms(FIRST) + DAYS * DAY_MS:
            interval_s = chance.choice([60.0, 300.0, 600.0])
            flags = chance.choice([Flag.NONE] * 4 + [Flag.RH_HIGH, Flag.WARMUP, Flag.RANGE])
            for _ in range(chance.randrange(1, 120)):
                at += int(interval_s * 1000)
                seq += 1
                values = {"pm25": round(chance.uniform(0, 80), 1), "co2_ppm": 500.0 + seq % 90}
                values |= {"pm25_cf1": values["pm25"] * 1.25, "temp_c": 28.0}
                values |= {"rh_pct": round(chance.uniform(30, 99), 1)} if sensor != "s.two" else {}
                yield Reading(
                    sensor, "s.b", "abcdef123456", seq, at, values, interval_s, flags=flags, room=room, simulated=True
                )
            at += int(chance.choice([0, 0, 1, 5, 30]) * HOUR_MS * chance.random())


@pytest.fixture(scope="module")
def history() -> list[Reading]:
    return list(readings(random.Random(7)))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("influxdb", marks=pytest.mark.servers)])
def store(request: Any, history: list[Reading], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made: Any
    if request.param == "sqlite":
        made = SqliteStore(tmp_path_factory.mktemp("pages") / "readings.db")
    else:
        made = InfluxStore(request.getfixturevalue("influxd").url, "classair_pages")
    made.write(history)
    yield made
    made.close()


@pytest.fixture(scope="module")
def yardstick(history: list[Reading]) -> MemoryStore:
    made = MemoryStore()
    made.write(history)
    return made


@some.composite
def wishes(draw: some.DrawFn) -> Selection:
    step = draw(some.sampled_from(["5m", "15m", "1h", "1h", "1d", "1d"]))
    slow = step in ("1h", "1d")
    first = draw(some.integers(0, DAYS - 1))
    return Selection.parse(
        {
            "rooms": draw(some.lists(some.sampled_from(["s.r", "s.q", "s.u"]), min_size=1, unique=True)),
            "quantities": draw(
                some.lists(
                    some.sampled_from(["pm25", "co2_ppm", "rh_pct", *(["pm25_cf1"] if slow else [])]),
                    min_size=1,
                    unique=True,
                )
            ),
            "first": FIRST + timedelta(days=first),
            "last": FIRST + timedelta(days=draw(some.integers(first, DAYS))),
            "step": step,
            "method": draw(some.sampled_from([one for one in METHODS if slow or not one.endswith("cf1")])),
            "lesson": draw(some.booleans()),
            "completeness": draw(some.sampled_from([0.0, 0.5, 0.75, 1.0])),
        }
    )


def pages(
    reader: MeansReader, wish: Selection, until: int | None, limits: Iterator[int]
) -> Iterator[list[MeanColumns]]:
    after, more = None, True
    while more:
        limit = next(limits)
        found, more = page(reader, wish, until, after, limit)
        assert sum(map(len, found)) == limit if more else sum(map(len, found)) <= limit
        yield found
        if more:
            last = found[-1]
            after = Place.parse(str(Place(int(last.start_ms[-1]), last.room, last.sensor, last.quantity)))


def mean_by_hand(hours: list[MeanRow]) -> float | None:
    values = [row.value for row in hours if row.value is not None]
    return round(sum(values) / len(values), 6) if day_is_complete(len(values)) else None


@pytest.mark.thorough
@given(wish=wishes(), seed=some.integers(0, 2**32), until=some.none() | some.integers(0, DAYS * DAY_MS // MINUTE_MS))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_pages_joined_are_the_whole(
    store: Store, yardstick: MemoryStore, wish: Selection, seed: int, until: int | None
) -> None:
    chance = random.Random(seed)
    until_ms = None if until is None else day_start_ms(FIRST) + until * MINUTE_MS
    reader, other = MeansReader(store, CONFIG, CORRECTIONS), MeansReader(yardstick, CONFIG, CORRECTIONS)
    whole = list(reader.selected(wish, until_ms))
    assert whole == list(other.selected(wish, until_ms))
    assert whole == sorted(
        whole, key=lambda row: (row.room, row.sensor, wish.quantities.index(row.quantity), row.start_ms)
    )

    limits = iter(lambda: chance.choice([1, 2, 7, 30, 5000]) + len(whole) // 40, None)
    parts = [part for found in pages(reader, wish, until_ms, limits) for part in found]
    assert [row for part in parts for row in rows(part)] == whole

    skip, limit = chance.randrange(len(whole) + 5), chance.randrange(1, 90)
    found, more = page(reader, wish, until_ms, None, limit, skip)
    assert [row for part in found for row in rows(part)] == whole[skip : skip + limit]
    assert more == (skip + limit < len(whole))

    if wish.step == "1d" and not wish.lesson:
        hours: dict[tuple[str, str, str, int], list[MeanRow]] = {}
        for row in reader.selected(wish.model_copy(update={"step": "1h", "completeness": 0.75}), until_ms):
            day = (row.start_ms + 7 * HOUR_MS) // DAY_MS * DAY_MS - 7 * HOUR_MS
            hours.setdefault((row.room, row.sensor, row.quantity, day), []).append(row)
        told = [
            None if mean != mean else mean
            for part in parts
            for mean in day_means(reader, wish, until_ms, part).tolist()
        ]
        keys = [(row.room, row.sensor, row.quantity, row.start_ms) for row in whole]
        assert told == [mean_by_hand(hours.get(key, [])) for key in keys]


def test_a_place_that_no_page_of_the_table_ends_at_is_refused(yardstick: MemoryStore) -> None:
    reader = MeansReader(yardstick, CONFIG, Corrections())
    wish = Selection.parse({"rooms": "s.r", "first": FIRST, "last": FIRST})
    for place in (
        Place(wish.start_ms, "s.q", "s.one", "pm25"),
        Place(wish.start_ms, "s.r", "s.one", "pm10"),
        Place(wish.end_ms, "s.r", "s.one", "pm25"),
    ):
        with pytest.raises(SelectionRefused, match="after"):
            page(reader, wish, None, place, 5)


@given(some.lists(some.floats(-1e7, 1e7) | some.integers(-(10**12), 10**12).map(lambda n: (n + 0.5) / 1e6)))
def test_many_numbers_are_rounded_as_one_is(values: list[float]) -> None:
    assert rounded(np.array(values, np.float64)).tolist() == [round(value, 6) for value in values]
