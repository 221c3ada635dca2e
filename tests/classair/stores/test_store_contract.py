"""The promises of the Store contract, held by every store."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classair.model import BAD, BAD_CLASSES, QUANTITIES, SHOWN, Bucket, Flag, Reading, SwitchEvent
from classair.stores import Series, Store, StoreConflict
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

MIDNIGHT = 1_790_000_000_000 // DAY_MS * DAY_MS - 7 * HOUR_MS  # in Bangkok
TODAY = datetime.fromtimestamp((MIDNIGHT + 7 * HOUR_MS) / 1000, UTC).date()
EPOCH = "abcdef123456"


def reading(town: str, seq: int, at_ms: int, values: dict[str, float] | None = None, **more: object) -> Reading:
    made = Reading(
        sensor=f"{town}.pm",
        bridge=f"{town}.pi",
        epoch=EPOCH,
        seq=seq,
        at_ms=at_ms,
        room=f"{town}.r1",
        values={"pm25": 10.0 + seq} if values is None else values,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def recomputed(readings: Iterable[Reading], quantity: str, step_ms: int) -> list[Bucket]:
    """Buckets by the words of the contract, without any of the stores' code; values are whole steps here."""
    found: dict[int, Bucket] = {}
    for each in readings:
        if quantity not in each.values:
            continue
        start = (each.at_ms + 7 * HOUR_MS) // step_ms * step_ms - 7 * HOUR_MS
        bucket = found.setdefault(start, Bucket(start))
        flags, value = int(each.flags_of(quantity)), each.values[quantity]
        if flags & BAD:
            name = next(name for name, mask in BAD_CLASSES if flags & mask)
            bucket.bad[name] = bucket.bad.get(name, 0) + 1
            continue
        bucket.n += 1
        bucket.covered_ms += round(each.interval_s * 1000)
        bucket.suspect += flags != 0
        bucket.sum = round(bucket.sum + value, 6)
        bucket.low = value if bucket.low is None else min(bucket.low, value)
        bucket.high = value if bucket.high is None else max(bucket.high, value)
    return [found[start] for start in sorted(found)]


def assert_rollups_right(store: Store, readings: list[Reading], room: str, start: int, end: int) -> None:
    for quantity in {key for each in readings for key in each.values}:
        steps = [HOUR_MS, 2 * HOUR_MS, DAY_MS, 3 * DAY_MS] + ([MINUTE_MS, 10 * MINUTE_MS] if quantity in SHOWN else [])
        for step in steps:
            first = (start + 7 * HOUR_MS) // step * step - 7 * HOUR_MS
            assert store.series(room, quantity, first, end, step) == recomputed(readings, quantity, step), (
                quantity,
                step,
            )
            if step in (MINUTE_MS, HOUR_MS, 3 * DAY_MS):
                middle = (first + end) // 2
                assert_columns_say_the_same(store, room, quantity, [(first, middle), (middle, end)], step)


def assert_columns_say_the_same(
    store: Store, room: str, quantity: str, spans: list[tuple[int, int]], step: int, sensor: str | None = None
) -> None:
    buckets = [bucket for span in spans for bucket in store.series(room, quantity, *span, step, sensor)]
    columns = store.columns(room, quantity, spans, step, sensor)
    told = [
        Bucket(
            start,
            n,
            suspect,
            {name: count for (name, _), count in zip(BAD_CLASSES, bad, strict=True) if count},
            total / columns.scale,
            low if n else None,
            high if n else None,
            covered,
        )
        for start, n, suspect, bad, total, low, high, covered in zip(
            *(
                getattr(columns, name).tolist()
                for name in ("start_ms", "n", "suspect", "bad", "total", "low", "high", "covered_ms")
            ),
            strict=True,
        )
    ]
    assert told == buckets, (quantity, step)
    assert [None if mean != mean else mean for mean in columns.mean.tolist()] == [bucket.mean for bucket in buckets]


# -- once is once ------------------------------------------------------------------------------------------------------


def test_what_is_written_comes_back_as_it_was(store: Store, town: str) -> None:
    wanted = [
        reading(
            town,
            1,
            MIDNIGHT,
            {"pm25": 12.345, "temp_c": -3.21, "n03": 65535.0},
            interval_s=2.5,
            n=3,
            clock="holdover",
            late=True,
            simulated=True,
        ),
        reading(
            town, 2, MIDNIGHT + 1, {"pm25": 0.0}, flags=Flag.RH_HIGH | Flag.ORDER, value_flags={"pm25": int(Flag.SPIKE)}
        ),
        reading(town, 3, MIDNIGHT + 2, {"co2_ppm": 412.0}, sensor=f"{town}.co2"),
    ]
    assert store.write(wanted) == 3
    assert list(store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + 3)) == wanted
    assert list(store.readings(f"{town}.r1", MIDNIGHT + 1, MIDNIGHT + 2)) == wanted[1:2]
    assert list(store.readings(f"{town}.elsewhere", MIDNIGHT, MIDNIGHT + 3)) == []


def test_values_of_every_quantity_survive_to_the_step_of_its_scale(store: Store, town: str) -> None:
    ends = {key: (round(of.low * of.scale), round(of.high * of.scale), of.scale) for key, of in QUANTITIES.items()}
    wanted = [
        {key: pick(low, high) / scale for key, (low, high, scale) in ends.items()}
        for pick in (
            lambda low, high: low,
            lambda low, high: high,
            lambda low, high: low + 1,
            lambda low, high: high - 1,
            lambda low, high: (low + high) // 2 + 1,
        )
    ]
    store.write([reading(town, i + 1, MIDNIGHT + i, values) for i, values in enumerate(wanted)])
    assert [each.values for each in store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + 100)] == wanted


def test_writing_again_changes_nothing_even_with_another_content(store: Store, town: str) -> None:
    first = [reading(town, seq, MIDNIGHT + seq * 10_000) for seq in range(1, 20)]
    assert store.write(first) == 19
    assert store.write(first) == 0
    assert store.write([replace(first[4], values={"pm25": 999.0}, room=f"{town}.r2", at_ms=MIDNIGHT + 5)]) == 0
    assert store.write([first[0], first[0]]) == 0
    assert list(store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + HOUR_MS)) == first
    assert_rollups_right(store, first, f"{town}.r1", MIDNIGHT, MIDNIGHT + DAY_MS)


def test_the_same_number_of_another_bridge_or_epoch_is_another_reading(store: Store, town: str) -> None:
    one = reading(town, 1, MIDNIGHT)
    others = [
        replace(one, bridge=f"{town}.pi2", sensor=f"{town}.pm2"),
        replace(one, epoch="zzzzzzzzzz", at_ms=MIDNIGHT + 5),
    ]
    assert store.write([one, *others]) == 3
    assert len(list(store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + 10))) == 3


def test_two_readings_of_one_millisecond_stay_apart(store: Store, town: str) -> None:
    both = [reading(town, 1, MIDNIGHT), reading(town, 2, MIDNIGHT)]
    assert store.write(both) == 2
    assert list(store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + 1)) == both


def test_a_reading_in_the_place_of_another_is_named_and_the_rest_can_be_kept(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT)])
    fine = reading(town, 2, MIDNIGHT + 10, epoch="zzzzzzzzzz")
    clash = reading(town, 1, MIDNIGHT, epoch="zzzzzzzzzz")
    with pytest.raises(StoreConflict) as refused:
        store.write([fine, clash])
    assert refused.value.reading.key == clash.key
    assert store.write([fine]) == 1
    assert [each.seq for each in store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + 100)] == [1, 2]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1e300])
def test_a_value_that_no_integer_holds_is_named_and_nothing_of_its_batch_is_kept(
    store: Store, town: str, value: float
) -> None:
    for flags in (Flag.NONE, Flag.RANGE):
        bad = reading(town, 2, MIDNIGHT + 1, {"pm25": value}, flags=flags)
        with pytest.raises(StoreConflict, match="seq 2"):
            store.write([reading(town, 1, MIDNIGHT), bad])
    assert list(store.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + 100)) == []
    assert store.write([reading(town, 1, MIDNIGHT)]) == 1


# -- rollups -----------------------------------------------------------------------------------------------------------


def test_bad_values_are_counted_by_class_and_in_no_mean(store: Store, town: str) -> None:
    marks = [Flag.NONE, Flag.RH_HIGH, Flag.RANGE, Flag.STUCK | Flag.RANGE, Flag.MANUAL | Flag.CLOCK, Flag.WARMUP]
    written = [
        reading(town, i + 1, MIDNIGHT + i * 1000, {"pm25": 10.0 * (i + 1), "n03": 5.0}, flags=mark)
        for i, mark in enumerate(marks)
    ]
    written.append(reading(town, 7, MIDNIGHT + 7000, {"pm25": 70.0, "n03": 6.0}, value_flags={"pm25": int(Flag.SPIKE)}))
    store.write(written)
    [minute] = store.series(f"{town}.r1", "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, MINUTE_MS)
    assert minute == Bucket(
        MIDNIGHT,
        n=2,
        suspect=1,
        sum=30.0,
        low=10.0,
        high=20.0,
        bad={"manual": 1, "warmup": 1, "fault": 2, "range": 1},
        covered_ms=20_000,
    )
    assert minute.mean == 15.0
    assert_rollups_right(store, written, f"{town}.r1", MIDNIGHT, MIDNIGHT + DAY_MS)


def test_a_value_flag_of_nothing_counts_its_reading_once(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT, value_flags={"pm25": 0})])
    [minute] = store.series(f"{town}.r1", "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, MINUTE_MS)
    assert minute == Bucket(MIDNIGHT, n=1, sum=11.0, low=11.0, high=11.0, covered_ms=10_000)


def test_a_bucket_of_bad_values_alone_is_there_and_empty(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT, flags=Flag.WARMUP)])
    for step in (MINUTE_MS, HOUR_MS):
        [bucket] = store.series(f"{town}.r1", "pm25", MIDNIGHT, MIDNIGHT + HOUR_MS, step)
        assert bucket == Bucket(MIDNIGHT, bad={"warmup": 1})
        assert bucket.mean is None
    assert store.series(f"{town}.r1", "pm10", MIDNIGHT, MIDNIGHT + HOUR_MS, MINUTE_MS) == []


def test_days_begin_at_midnight_in_bangkok(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT - 1), reading(town, 2, MIDNIGHT), reading(town, 3, MIDNIGHT + DAY_MS - 1)])
    days = store.series(f"{town}.r1", "pm25", MIDNIGHT - DAY_MS, MIDNIGHT + DAY_MS, DAY_MS)
    assert [(day.start_ms, day.n) for day in days] == [(MIDNIGHT - DAY_MS, 1), (MIDNIGHT, 2)]


def test_a_bucket_belongs_to_a_span_by_its_start_and_is_whole(store: Store, town: str) -> None:
    written = [reading(town, minute + 1, MIDNIGHT + minute * MINUTE_MS) for minute in range(120)]
    store.write(written)

    def starts(start: int, end: int, step: int) -> list[tuple[int, int]]:
        found = store.series(f"{town}.r1", "pm25", MIDNIGHT + start * MINUTE_MS, MIDNIGHT + end * MINUTE_MS, step)
        return [((bucket.start_ms - MIDNIGHT) // MINUTE_MS, bucket.n) for bucket in found]

    assert starts(0, 61, HOUR_MS) == [(0, 60), (60, 60)]
    assert starts(1, 60, HOUR_MS) == []
    assert starts(1, 61, HOUR_MS) == [(60, 60)]
    assert starts(5, 21, 10 * MINUTE_MS) == [(10, 10), (20, 10)]
    assert starts(3, 3, MINUTE_MS) == []


def test_sensors_of_a_room_are_pooled_and_other_rooms_are_not(store: Store, town: str) -> None:
    store.write(
        [
            reading(town, 1, MIDNIGHT, {"pm25": 10.0}),
            reading(town, 2, MIDNIGHT, {"pm25": 20.0}, sensor=f"{town}.other"),
            reading(town, 3, MIDNIGHT, {"pm25": 40.0}, sensor=f"{town}.third", simulated=True),
            reading(town, 4, MIDNIGHT, {"pm25": 500.0}, room=f"{town}.r2", sensor=f"{town}.fourth"),
        ]
    )
    [minute] = store.series(f"{town}.r1", "pm25", MIDNIGHT, MIDNIGHT + MINUTE_MS, MINUTE_MS)
    assert (minute.n, minute.sum, minute.low, minute.high) == (3, 70.0, 10.0, 40.0)
    assert store.sensors(f"{town}.r1") == [f"{town}.other", f"{town}.pm", f"{town}.third"]


def test_the_interval_of_the_next_reading_is_told(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT, interval_s=60.0), reading(town, 2, MIDNIGHT + HOUR_MS, interval_s=10.0)])
    asked = [store.interval_at(f"{town}.r1", f"{town}.pm", MIDNIGHT + late) for late in (-DAY_MS, 0, 1, 2 * HOUR_MS)]
    assert asked == [60.0, 60.0, 10.0, None]


@pytest.mark.parametrize("step", [MINUTE_MS, HOUR_MS, DAY_MS])
def test_one_sensor_of_a_room_can_be_asked_for_alone(store: Store, town: str, step: int) -> None:
    store.write(
        [
            reading(town, 1, MIDNIGHT, {"pm25": 10.0}),
            reading(town, 2, MIDNIGHT, {"pm25": 20.0}, sensor=f"{town}.other"),
            reading(town, 3, MIDNIGHT, {"pm25": 900.0}, sensor=f"{town}.other", flags=Flag.WARMUP),
        ]
    )
    [found] = store.series(f"{town}.r1", "pm25", MIDNIGHT, MIDNIGHT + step, step, f"{town}.other")
    assert (found.n, found.sum, found.bad) == (1, 20.0, {"warmup": 1})
    assert store.series(f"{town}.r1", "pm25", MIDNIGHT, MIDNIGHT + step, step, f"{town}.nobody") == []


@pytest.mark.parametrize(
    ("quantity", "step"), [("pm25", 90_000), ("pm25", 0), ("pm1", MINUTE_MS), ("nothing", HOUR_MS)]
)
def test_a_step_without_rollups_is_refused(store: Store, town: str, quantity: str, step: int) -> None:
    with pytest.raises(ValueError, match=r"step|by the hour|unknown quantity"):
        store.series(f"{town}.r1", quantity, MIDNIGHT, MIDNIGHT + HOUR_MS, step)


MARKS = st.sampled_from([0, 0, 0, int(Flag.RH_HIGH), int(Flag.RANGE), int(Flag.WARMUP | Flag.ORDER), int(Flag.MANUAL)])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Reading], list[list[Reading]]]:
    """Readings of several sensors over three days, and the batches in which they arrive: shuffled, late, repeated."""
    town = f"h{uuid.uuid4().hex[:12]}"
    readings = []
    for seq in range(1, draw(st.integers(1, 40)) + 1):
        values = draw(
            st.dictionaries(
                st.sampled_from(["pm25", "rh_pct", "n03", "co2_ppm"]),
                st.integers(0, 5000).map(lambda steps: steps / 100),
                min_size=1,
            )
        )
        readings.append(
            Reading(
                sensor=f"{town}.s{draw(st.integers(0, 2))}",
                bridge=f"{town}.b{draw(st.integers(0, 1))}",
                epoch=EPOCH,
                seq=seq,
                at_ms=MIDNIGHT + draw(st.integers(0, 3 * 24 * 60)) * MINUTE_MS + draw(st.integers(0, 59_999)),
                values=values,
                interval_s=draw(st.sampled_from([1.0, 2.5, 10.0, 9.987, 300.0])),
                room=f"{town}.r1",
                flags=Flag(draw(MARKS)),
                value_flags={key: mark for key in values if (mark := draw(MARKS))},
            )
        )
    arrivals = readings + draw(st.lists(st.sampled_from(readings), max_size=10))
    random.Random(draw(st.integers(0, 2**32))).shuffle(arrivals)
    size = draw(st.integers(1, 20))
    return readings, [arrivals[i : i + size] for i in range(0, len(arrivals), size)]


@given(history=histories())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@pytest.mark.thorough
def test_any_order_and_repetition_leave_rollups_equal_to_a_recomputation(
    store: Store, history: tuple[list[Reading], list[list[Reading]]]
) -> None:
    readings, batches = history
    room = readings[0].room
    assert sum(store.write(batch) for batch in batches) == len(readings)
    in_order = sorted(readings, key=lambda each: (each.at_ms, each.sensor, each.seq))
    assert list(store.readings(room, MIDNIGHT, MIDNIGHT + 4 * DAY_MS)) == in_order
    assert_rollups_right(store, readings, room, MIDNIGHT, MIDNIGHT + 4 * DAY_MS)


# -- the newest, the rooms, the counts ---------------------------------------------------------------------------------


def test_latest_is_the_newest_of_each_sensor_whatever_its_flags_and_order_of_arrival(store: Store, town: str) -> None:
    newest = [
        reading(town, 9, MIDNIGHT + 9000, sensor=f"{town}.a", flags=Flag.RANGE),
        reading(town, 5, MIDNIGHT + 5000, sensor=f"{town}.b"),
    ]
    store.write(newest)
    store.write([reading(town, seq, MIDNIGHT + seq * 1000, sensor=f"{town}.a", late=True) for seq in range(1, 5)])
    store.write([reading(town, 20, MIDNIGHT + 9999, sensor=f"{town}.a", room=f"{town}.r2")])
    assert [(each.sensor, each.reading) for each in store.latest(f"{town}.r1")] == [
        (f"{town}.a", newest[0]),
        (f"{town}.b", newest[1]),
    ]
    assert store.latest(f"{town}.nowhere") == []


def test_a_room_is_known_once_it_has_readings(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT, room=f"{town}.r2"), reading(town, 2, MIDNIGHT)])
    assert [room for room in store.rooms() if room.startswith(town)] == [f"{town}.r1", f"{town}.r2"]


def test_counts_say_how_many_readings_each_series_has(store: Store, town: str) -> None:
    store.write(
        [reading(town, seq, MIDNIGHT + seq) for seq in range(5)]
        + [reading(town, 9, MIDNIGHT + DAY_MS), reading(town, 10, MIDNIGHT, simulated=True)]
    )
    counts = store.counts(MIDNIGHT, MIDNIGHT + DAY_MS)
    mine = {series: n for series, n in counts.items() if series.sensor.startswith(town)}
    assert mine == {Series(f"{town}.pm", f"{town}.r1", False): 5, Series(f"{town}.pm", f"{town}.r1", True): 1}


# -- switches ----------------------------------------------------------------------------------------------------------


def test_switches_begin_with_the_one_in_force(store: Store, town: str) -> None:
    events = [
        SwitchEvent(f"{town}.fan", MIDNIGHT + i * 1000, on, f'because {i}, "really"', simulated=True)
        for i, on in enumerate([True, False, None, True])
    ]
    store.write_switches(events[2:])
    store.write_switches(events)  # repeating is harmless
    store.write_switches([SwitchEvent(f"{town}.other", MIDNIGHT + 1500, True, "another")])
    assert store.switches(f"{town}.fan", MIDNIGHT, MIDNIGHT + DAY_MS) == events
    assert store.switches(f"{town}.fan", MIDNIGHT + 1500, MIDNIGHT + 3000) == events[1:3]
    assert store.switches(f"{town}.fan", MIDNIGHT + 2000, MIDNIGHT + 2001) == events[1:3]
    assert store.switches(f"{town}.fan", MIDNIGHT - 1000, MIDNIGHT) == []


# -- versions of days --------------------------------------------------------------------------------------------------


def versions(store: Store, site: str) -> dict[date, int]:
    return store.versions(site, TODAY - timedelta(days=5), TODAY + timedelta(days=5))


def test_a_days_version_rises_with_what_changes_that_day_and_with_nothing_else(store: Store, town: str) -> None:
    store.write([reading(town, 1, MIDNIGHT - 1), reading(town, 2, MIDNIGHT), reading(f"{town}x", 1, MIDNIGHT)])
    before = versions(store, town)
    assert sorted(before) == [TODAY - timedelta(days=1), TODAY]
    assert versions(store, town) == before, "asking changes nothing"
    store.write([reading(town, 2, MIDNIGHT)])
    assert versions(store, town) == before, "a repetition changes nothing"
    store.write([reading(town, 3, MIDNIGHT + DAY_MS - 1, late=True)])
    after = versions(store, town)
    assert after[TODAY] > before[TODAY]
    assert after[TODAY - timedelta(days=1)] == before[TODAY - timedelta(days=1)]
    assert len(versions(store, f"{town}x")) == 1
    store.write_switches([SwitchEvent(f"{town}.fan", MIDNIGHT - DAY_MS, True, "seen")])
    assert versions(store, town)[TODAY - timedelta(days=1)] > after[TODAY - timedelta(days=1)]
    assert versions(store, f"{town}.nowhere") == {}
    assert store.versions(town, TODAY, TODAY) == {}
