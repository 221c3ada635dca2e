"""What screens showed at the end of a past quarter-hour differs from what is known now only for a reason that holds.

Alerts itself tells a drawn day of four rooms into a real ledger, with readings that come late, fail a check, or never
come; later some are set aside and a correction is accepted. Each reason is worked out here once more, plainly, from
what only this test knows: when each reading arrived, and how it was judged then.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from alerts.air.stream import SensorStream
from alerts.engine import AlertsEngine
from alerts.ledger import Ledger
from alerts.ledger_reader import LedgerReader
from classair import config as configuration
from classair.dates import moment_ms
from classair.model import BAD, Flag, Reading
from classair.places import Places
from classair.science.corrections import Correction, as_record
from classair.science.state import pm25_level, pm25_shown
from classair.stores.corrections import add
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from classair.wire import Topics
from ingest.books.books import Books
from ingest.rechecking.recheck import OWNED
from research.told_then import LATER
from tests.alerts.watched import Post
from tests.dashboard.conftest import MONDAY, Builder, House

ROOMS = ("r0", "r1", "r2", "r3")
SENSOR = """
      {room}-pm: {{bridge: pi, room: {room}, model: pms5003, every: 30s, port: "sim:{room}"}}"""
CONFIG = f"""
org: town
sites:
  s1:
    name: School
    bridges: {{pi: {{}}}}
    rooms: {{{", ".join(f"{room}: {{name: {room}, volume_m3: 180}}" for room in ROOMS)}}}
    sensors:{"".join(SENSOR.format(room=room) for room in ROOMS)}"""
TOPICS = Topics("town")
BEGIN, HOURS = MONDAY + 8 * HOUR_MS, 7
END = BEGIN + HOURS * HOUR_MS
QUARTER_MS, EVERY_MS, STEP_MS = 15 * MINUTE_MS, 30_000, 10_000
SLOTS = 100
# Accepted after five hours, for the time after three: screens of between had shown the sensor's own value.
HALF = Correction(
    "r3-half",
    1,
    "linear",
    {"slope": 0.5, "intercept": 0.0},
    valid_from=BEGIN + 3 * HOUR_MS,
    sensors=("s1.r3-pm",),
    author="a",
    data_set="d",
    accepted_at=BEGIN + 5 * HOUR_MS,
)


@dataclass
class Day:
    """What happened: every reading as it was judged when it came, and when that was."""

    arrived: list[tuple[int, Reading]] = field(default_factory=list)
    aside: dict[tuple[str, int], Flag] = field(default_factory=dict)
    """Set aside on the next day: (sensor, moment)."""

    def samples(self, room: str, known_at: int | None = None) -> list[tuple[int, float]]:
        """(moment, value) of valid readings as known at a moment; None: today."""
        return sorted(
            (one.at_ms, one.values["pm25"])
            for at, one in self.arrived
            if one.room == f"s1.{room}"
            and (known_at is None or at <= known_at)
            and not one.flags_of("pm25") & BAD
            and not (known_at is None and (one.sensor, one.at_ms) in self.aside)
        )

    def between(self, room: str, start: int, end: int) -> list[tuple[int, Reading]]:
        return [(at, one) for at, one in self.arrived if one.room == f"s1.{room}" and start < one.at_ms <= end]


def messages(rng: random.Random) -> Iterator[tuple[int, dict[str, Any]]]:
    """(arrival, item) of one drawn day. The bridge is offline twice; each room has its gaps and its bad values."""
    offline = [(BEGIN + rng.randint(50, 80) * MINUTE_MS, 25), (BEGIN + rng.randint(170, 200) * MINUTE_MS, 7)]
    seq = 0
    for number, room in enumerate(ROOMS):
        level, gap, bad = (14.0, 24.0, 36.0, 50.0)[number], 0, 0
        for at in range(BEGIN + 1_000 * number + EVERY_MS, END, EVERY_MS):
            level = max(0.0, level + rng.gauss(0, 0.9))
            gap = at + rng.randint(2, 25) * MINUTE_MS if rng.random() < 0.006 else gap
            bad = at + rng.randint(1, 6) * MINUTE_MS if rng.random() < 0.006 else bad
            if at <= gap:
                continue
            seq += 1
            item = {
                "bridge": "pi",
                "epoch": "abcdefgh",
                "seq": seq,
                "sensor": f"{room}-pm",
                "at": at,
                "values": {"pm25": round(level, 1)},
                "interval_s": EVERY_MS // 1000,
                "simulated": True,
                "flags": ["WARMUP"] if at <= bad else [],
            }
            arrival = at + 2_000
            for begin, minutes in offline:
                back = begin + minutes * MINUTE_MS
                if begin <= at < back:
                    # What was kept comes in order of measuring, one minute of it every two seconds.
                    arrival, item["late"] = back + (at - begin) // 30, True
            yield arrival, item


def lived(folder: Path, day: Day, rng: random.Random) -> configuration.Config:
    """Alerts tells the day as it goes on; the store gets every reading as alerts and ingest judge it."""
    places = Places(folder)
    config = configuration.parse(CONFIG, {})
    now = BEGIN
    ledger = Ledger(places.ledger)
    engine = AlertsEngine(ledger, Post(config), lambda *_, **__: True, lambda: now)  # type: ignore[arg-type]
    engine.follow(config, 1, now)
    judging, topic = SensorStream(config), TOPICS.bridge("s1", "pi", "reading")
    coming = sorted(messages(rng), key=lambda one: (one[0], one[1]["seq"]))[::-1]
    corrected = False
    while now < END:
        now += STEP_MS
        while coming and coming[-1][0] <= now:
            payload = json.dumps(coming.pop()[1]).encode()
            engine.hear(topic, payload, False, now)
            day.arrived += [(now, one) for one in judging.readings(topic, payload, now)]
        if now >= HALF.accepted_at and not corrected:
            corrected = True
            engine.hear(TOPICS.corrections, json.dumps({"v": 1, "accepted": [as_record(HALF)]}).encode(), True, now)
        engine.tick(now)
    assert ledger.sync()
    ledger.close()
    books = Books(places.readings, journal=False)
    version = books.versions.add(CONFIG, BEGIN - HOUR_MS)
    with books.store.transaction():
        moves, _ = books.deployments.plan(config, BEGIN, books.newest_reading)
        books.deployments.apply(moves, version.version)
    books.store.write([one for _, one in day.arrived])
    for _ in range(16):  # on the next day
        room, start = rng.choice(ROOMS[:3]), BEGIN + rng.randrange(HOURS * 60) * MINUTE_MS
        end, flag = start + rng.randint(2, 12) * MINUTE_MS, rng.choice([Flag.SPIKE, Flag.MANUAL, Flag.PAIR])
        books.store.reflag(f"s1.{room}-pm", start, end, add=flag, quantity="pm25")
        for _, one in day.between(room, start - 1, end - 1):
            day.aside[one.sensor, one.at_ms] = flag
    with books.store.transaction() as connection:
        add(connection, HALF)
    books.close()
    return config


# -- the same once more, plainly ---------------------------------------------------------------------------------------


def mean(samples: list[tuple[int, float]], end: int) -> float | None:
    """Of the 15 minutes that end at `end`, each value weighed by its half minute; None under three quarters."""
    parts = [
        (value, at - max(at - EVERY_MS, end - QUARTER_MS)) for at, value in samples if end - QUARTER_MS < at <= end
    ]
    covered = sum(span for _, span in parts)
    return sum(value * span for value, span in parts) / covered if covered >= 0.75 * QUARTER_MS else None


def walls(
    samples: list[tuple[int, float]], end: int, corrected: bool, *, lag_ms: int = MINUTE_MS, back_ms: int = 0
) -> set[str]:
    """What a screen that is up to `lag_ms` behind may show at `end`: the last complete mean, for 15 minutes.

    `back_ms`: the past was lived through again by the minute, so the last complete mean may have ended so much earlier.
    """
    found: set[str] = set()
    samples = [(at, value) for at, value in samples if end - 3 * QUARTER_MS < at <= end]
    for moment in {end - lag_ms, end, *(at for at, _ in samples if at > end - lag_ms)}:
        ends = sorted({at for at, _ in samples if moment - QUARTER_MS - back_ms < at <= moment}, reverse=True)
        complete = [(at, value) for at in ends if (value := mean(samples, at)) is not None]
        if not complete or moment - complete[0][0] >= QUARTER_MS:
            found.add("")
        else:
            found |= {
                pm25_shown(round(value * (0.5 if corrected and at >= HALF.valid_from else 1), 6))
                for at, value in complete
                if at >= complete[0][0] - back_ms
            }
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Day, LedgerReader]]:
    folder, day = tmp_path_factory.mktemp("told"), Day()
    config = lived(folder, day, random.Random(20261123))
    places = Places(folder)
    store, builder = SqliteStore(places.readings, readonly=True), Builder(folder, config)
    house = builder(store=store, readings=places.readings, ledger=places.ledger)
    house.still_at = MONDAY + 2 * DAY_MS
    yield house, day, LedgerReader(places.ledger)
    builder.close()
    store.close()


def rows(house: House, room: str) -> list[dict[str, Any]]:
    first, last = (quote(f"2026-11-23T{hour:02d}:00:00+07:00") for hour in (8, 8 + HOURS))
    answer = house.ask(f"/api/v1/rooms/s1.{room}/told?start={first}&end={last}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["quarters"]
    return found


def test_each_of_a_hundred_differences_has_a_reason_that_holds(told: tuple[House, Day, LedgerReader]) -> None:
    house, day, ledger = told
    every = [(room, row) for room in ROOMS for row in rows(house, room)]
    assert len(every) >= SLOTS
    kinds: Counter[str] = Counter()
    for room, row in random.Random(1).sample(every, SLOTS):
        start, end, reasons = moment_ms(row["start"]), moment_ms(row["end"]), row["reasons"]
        kinds.update(reasons)
        about, was, known = (room, row), row["told"], row["known"]
        # Both sides are what the ledger holds and what the readings give.
        logged = ledger.states(f"s1.{room}", 0, end + 1)[-1]
        assert (was["status"], was["pm25"], was["level"]) == (logged.phase, logged.shown, logged.level), about
        corrected = room == "r3" and end >= HALF.valid_from
        inside = [value for at, value in day.samples(room) if start <= at < end]
        slot = (
            sum(inside) / len(inside) * (0.5 if corrected and start >= HALF.valid_from else 1)
            if len(inside) >= 0.75 * 30
            else None
        )
        assert (known["value"] is None) == (slot is None), about
        assert slot is None or known["value"] == pytest.approx(slot, abs=1e-5), about
        assert (known["pm25"], known["level"]) == (pm25_shown(known["value"]), pm25_level(known["value"])), about
        # What is told is what had come by then, as it was judged then.
        was_corrected = corrected and end >= HALF.accepted_at
        just_now = corrected and end - MINUTE_MS <= HALF.accepted_at <= end
        around = day.between(room, end - 2 * QUARTER_MS - MINUTE_MS, end)
        back_ms = 2 * MINUTE_MS if any(one.late for _, one in around) else 0
        then = walls(day.samples(room, end), end, was_corrected, back_ms=back_ms)
        then |= walls(day.samples(room, end), end, False, back_ms=back_ms) if just_now else set()
        assert was["pm25"] in then, (about, then)
        # No reason without a difference, and no difference without one.
        differs = (was["pm25"], was["level"]) != (known["pm25"], known["level"])
        assert (reasons == ["same"]) != differs, about
        assert "same" not in reasons or len(reasons) == 1
        # Each reason is true.
        causes = {
            "late_readings": any(at > end - MINUTE_MS and one.late for at, one in around),
            "flagged": any((one.sensor, one.at_ms) in day.aside for _, one in around),
            "configuration": corrected and (not was_corrected or just_now),
        }
        for reason in reasons:
            match reason:
                case "window":
                    assert was["pm25"] in walls(day.samples(room), end, corrected, back_ms=back_ms), about
                case "held":
                    assert was["level"] != pm25_level(float(was["pm25"])), about
                case "same":
                    pass
                case _:
                    assert causes[reason], about  # `unknown` and others have no cause here
                    assert was["pm25"] not in walls(day.samples(room), end, corrected, lag_ms=0), about
    assert kinds.keys() >= {"same", "window", "held", "late_readings", "flagged", "configuration"}, kinds
    assert kinds["same"] >= 10, kinds


def test_without_a_record_nothing_is_said_of_then(told: tuple[House, Day, LedgerReader]) -> None:
    house, _, _ = told
    first, last = (quote(f"2026-11-23T0{hour}:00:00+07:00") for hour in (6, 7))
    quarters = house.ask(f"/api/v1/rooms/s1.r0/told?start={first}&end={last}").json["quarters"]
    assert [(one["told"], one["reasons"]) for one in quarters] == [(None, ["not_told"])] * 4


def test_the_flags_of_hindsight_are_those_that_the_rechecking_sets_alone() -> None:
    # A value that does not move is judged live as well.
    assert LATER == OWNED & BAD & ~Flag.STUCK
