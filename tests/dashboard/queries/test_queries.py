"""What the dashboard asks of the past: bounded, bucketed without loss, honest about what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import config as configuration
from classair.model import Flag, Reading, SwitchEvent
from classair.science.corrections import Correction, Corrections
from classair.stores import Store
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore
from classair.stores.steps import bucket_start
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.queries.rooms import MAX_RANGE_MS, STEPS, Band, Queries, RangeRefused, StoreUnavailable

CONFIG = configuration.load(Path(__file__).parents[3] / "sensors.yaml")
ROOM, YARD, FAN = "ban-suan.p1-2", "ban-suan.yard", "ban-suan.p1-2-fan"
MIDNIGHT = 1_795_366_800_000  # 2026-11-23T00:00+07:00


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "readings.db")
    yield made
    made.close()


def queries(store: Store | None) -> Queries:
    return Queries(lambda: store, lambda: CONFIG)


def fill(store: Store, minutes: range, value: float = 20.0, room: str = ROOM, **more: object) -> None:
    """One reading in the middle of each of these minutes after midnight."""
    epoch = "e" + room.rpartition(".")[2].replace("-", "") + "00000000"
    store.write(
        Reading(
            f"{room}-pm",
            "ban-suan.suan-pi",
            epoch,
            minute + 1,
            MIDNIGHT + minute * MINUTE_MS + 30_000,
            {"pm25": value + minute % 5},
            interval_s=60,
            room=room,
            simulated=True,
            **more,
        )  # type: ignore[arg-type]
        for minute in minutes
    )


def corrected(store: Store) -> Queries:
    half = Correction(
        "half",
        1,
        "linear",
        {"slope": 0.5, "intercept": 1.0},
        valid_from=MIDNIGHT + HOUR_MS,
        sites=("ban-suan",),
        accepted_at=1,
    )
    return Queries(lambda: store, lambda: CONFIG, corrections=lambda: Corrections((half,)))


def test_an_accepted_correction_makes_the_series_from_its_date_on(store: Store) -> None:
    fill(store, range(120))
    found = corrected(store).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + 2 * HOUR_MS, step_ms=HOUR_MS)
    assert [bucket.corrected for bucket in found.rows] == [22.0, 12.0]
    assert (found.rows[1].low, found.rows[1].high) == (11.0, 13.0)
    assert (found.correction, [bucket.n for bucket in found.rows]) == ("half@1,none", [60, 60])


def test_the_label_names_what_made_these_numbers_and_nothing_else(store: Store) -> None:
    fill(store, range(120))
    store.write(
        [
            Reading(
                f"{ROOM}-co2",
                "ban-suan.suan-pi",
                "eco20000000",
                1,
                MIDNIGHT + HOUR_MS,
                {"co2_ppm": 600.0},
                interval_s=60,
                room=ROOM,
                simulated=True,
            )
        ]
    )
    found = corrected(store).series(ROOM, "pm25", MIDNIGHT + HOUR_MS, MIDNIGHT + 2 * HOUR_MS, step_ms=HOUR_MS)
    assert found.correction == "half@1", "a sensor of CO2 beside it says nothing about dust"


def test_steps_too_short_for_a_correction_and_other_quantities_stay_as_measured(store: Store) -> None:
    fill(store, range(60, 120))
    minutes = corrected(store).series(ROOM, "pm25", MIDNIGHT + HOUR_MS, MIDNIGHT + 2 * HOUR_MS, step_ms=MINUTE_MS)
    assert (minutes.mean(), minutes.correction) == (22.0, "none")
    assert corrected(store).series(ROOM, "rh_pct", MIDNIGHT, MIDNIGHT + HOUR_MS, step_ms=HOUR_MS).correction == "none"


def test_the_step_is_the_finest_that_keeps_within_the_points_asked_for(store: Store) -> None:
    ask = queries(store)
    steps = [ask.series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + days * DAY_MS).step_ms // MINUTE_MS for days in (1, 7, 31)]
    assert steps == [2, 15, 120]
    assert ask.series(ROOM, "pm1", MIDNIGHT, MIDNIGHT + DAY_MS).step_ms == HOUR_MS, "hidden quantities know hours only"


def test_buckets_hold_exactly_the_readings_of_their_time(store: Store) -> None:
    fill(store, range(60))
    series = queries(store).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, step_ms=10 * MINUTE_MS)
    assert [b.start_ms - MIDNIGHT for b in series.rows] == [m * MINUTE_MS for m in range(0, 60, 10)]
    assert {(b.n, b.corrected, b.low, b.high) for b in series.rows} == {(10, 22.0, 20.0, 24.0)}
    assert (series.mean(), series.low(), series.high()) == (22.0, 20.0, 24.0)


def test_buckets_begin_at_round_local_times_whatever_is_asked(store: Store) -> None:
    fill(store, range(1440))
    series = queries(store).series(ROOM, "pm25", MIDNIGHT + 7 * MINUTE_MS, MIDNIGHT + DAY_MS - 1, step_ms=3 * HOUR_MS)
    assert (series.start_ms, series.end_ms) == (MIDNIGHT, MIDNIGHT + DAY_MS)
    assert [b.n for b in series.rows] == [180] * 8


def test_an_hour_that_knows_ten_minutes_is_not_a_complete_hour(store: Store) -> None:
    fill(store, range(10))
    fill(store, range(60, 120))
    series = queries(store).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + 2 * HOUR_MS, step_ms=HOUR_MS)
    assert [row.complete for row in series.rows] == [False, True]
    assert [b.n for b in series.rows] == [10, 60]


def test_completeness_does_not_count_the_future_as_missing(store: Store) -> None:
    fill(store, range(30))
    series = queries(store).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + DAY_MS)
    assert series.completeness(MIDNIGHT + 30 * MINUTE_MS) == 1.0
    assert series.completeness(MIDNIGHT + 60 * MINUTE_MS) == 0.5
    assert series.completeness(MIDNIGHT) is None


def test_a_bucket_with_only_bad_values_has_no_mean_and_is_not_filled(store: Store) -> None:
    fill(store, range(5), flags=Flag.STUCK)
    series = queries(store).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, step_ms=5 * MINUTE_MS)
    assert [(b.n, b.corrected, b.bad["fault"]) for b in series.rows] == [(0, None, 5)]
    assert [row.completeness for row in series.rows] == [0.0]
    assert series.mean() is None


def test_outdoors_is_the_schools_own_yard_or_nothing(store: Store) -> None:
    fill(store, range(10), 40.0, YARD)
    outdoor = queries(store).outdoor_series(ROOM, MIDNIGHT, MIDNIGHT + HOUR_MS)
    assert outdoor is not None
    assert (outdoor.room, outdoor.mean()) == (YARD, 42.0)
    assert queries(store).outdoor_series("rim-khlong.a2-1", MIDNIGHT, MIDNIGHT + HOUR_MS) is None
    assert queries(store).outdoor_series(YARD, MIDNIGHT, MIDNIGHT + HOUR_MS) is None


def test_purifier_bands_begin_with_the_state_in_force_and_join_repetitions(store: Store) -> None:
    store.write_switches(
        [
            SwitchEvent(FAN, MIDNIGHT - HOUR_MS, True, "before"),
            SwitchEvent(FAN, MIDNIGHT + HOUR_MS, True, "again"),
            SwitchEvent(FAN, MIDNIGHT + 2 * HOUR_MS, False, ""),
            SwitchEvent(FAN, MIDNIGHT + 3 * HOUR_MS, None, "lost"),
        ]
    )
    assert queries(store).purifier_bands(ROOM, MIDNIGHT, MIDNIGHT + 4 * HOUR_MS) == [
        Band(FAN, MIDNIGHT, MIDNIGHT + 2 * HOUR_MS, True),
        Band(FAN, MIDNIGHT + 2 * HOUR_MS, MIDNIGHT + 3 * HOUR_MS, False),
        Band(FAN, MIDNIGHT + 3 * HOUR_MS, MIDNIGHT + 4 * HOUR_MS, None),
    ]


def test_time_before_the_first_word_of_a_purifier_is_in_no_band(store: Store) -> None:
    store.write_switches([SwitchEvent(FAN, MIDNIGHT + HOUR_MS, True, "")])
    assert queries(store).purifier_bands(ROOM, MIDNIGHT, MIDNIGHT + 2 * HOUR_MS) == [
        Band(FAN, MIDNIGHT + HOUR_MS, MIDNIGHT + 2 * HOUR_MS, True)
    ]


def test_the_newest_reading_of_each_sensor_is_told(store: Store) -> None:
    fill(store, range(3))
    assert [(n.sensor, n.reading.at_ms) for n in queries(store).latest(ROOM)] == [
        (f"{ROOM}-pm", MIDNIGHT + 2 * MINUTE_MS + 30_000)
    ]
    assert queries(store).rooms() == [ROOM]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"quantity": "dust"}, "unknown quantity"),
        ({"end_ms": MIDNIGHT}, "must be after its start"),
        ({"end_ms": MIDNIGHT + MAX_RANGE_MS + 1}, "not be longer than 400 days"),
        ({"step_ms": 7 * MINUTE_MS}, "step must be one of 1m, 2m"),
        ({"quantity": "pm1", "step_ms": MINUTE_MS}, "step must be one of 1h, 2h"),
        ({"end_ms": MIDNIGHT + 3 * DAY_MS, "step_ms": MINUTE_MS}, "more than 2000 points"),
        ({"points": 0}, "points must be"),
    ],
)
def test_a_question_out_of_bounds_is_refused_with_the_reason(question: dict[str, object], words: str) -> None:
    asked = {"room": ROOM, "quantity": "pm25", "start_ms": MIDNIGHT, "end_ms": MIDNIGHT + DAY_MS, **question}
    with pytest.raises(RangeRefused, match=words):
        queries(MemoryStore()).series(**asked)  # type: ignore[arg-type]


def test_no_store_and_a_store_that_fails_are_said_to_be_away_never_empty(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        queries(None).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + DAY_MS)
    (tmp_path / "readings.db").write_bytes(b"this is not a database" * 100)

    def broken() -> Store:
        return SqliteStore(tmp_path / "readings.db", readonly=True)

    with pytest.raises(StoreUnavailable):
        Queries(broken, lambda: CONFIG).series(ROOM, "pm25", MIDNIGHT, MIDNIGHT + DAY_MS)


@given(at=st.integers(0, 2**42), step=st.sampled_from(STEPS))
def test_every_moment_lies_in_its_bucket(at: int, step: int) -> None:
    start = bucket_start(at, step)
    assert start <= at < start + step
    assert (start - MIDNIGHT) % step == 0
