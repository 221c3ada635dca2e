"""Days and moments that people give: what is a likely slip is refused with what was meant, at every entrance."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import arguments, config, dates
from classair.timetable import ZONE, to_ms

DAYS = st.dates(date(2015, 1, 1), date(2150, 12, 31))
# Times of day without a zone, as people write them.
MOMENTS = st.builds(datetime.combine, DAYS, st.times().map(lambda at: at.replace(microsecond=0)))


def thai(day: date) -> str:
    return f"{day.year + 543}-{day.month:02d}-{day.day:02d}"


@given(DAYS)
def test_a_day_is_read_as_written_also_in_thai_digits(day: date) -> None:
    assert dates.day(day.isoformat()) == day
    assert dates.day("".join(chr(0x0E50 + int(c)) if c.isdigit() else c for c in day.isoformat())) == day


@given(DAYS)
def test_a_day_of_the_thai_calendar_is_refused_with_the_day_meant(day: date) -> None:
    with pytest.raises(ValueError, match=f"did you mean {day.isoformat()}"):
        dates.day(thai(day))


@given(DAYS, st.sampled_from(["{d}/{m}/{y}", "{d:02d}/{m:02d}/{y}", "{d}.{m}.{y}", "{d}-{m}-{y}", "{y}/{m}/{d}"]))
def test_other_ways_of_writing_a_day_are_refused_with_the_day_meant(day: date, form: str) -> None:
    for year in (day.year, day.year + 543):
        with pytest.raises(ValueError, match=f"did you mean {day.isoformat()}"):
            dates.day(form.format(d=day.day, m=day.month, y=year))


def test_leap_days_are_leap_days_of_the_gregorian_year() -> None:
    with pytest.raises(ValueError, match="did you mean 2024-02-29"):
        dates.day("2567-02-29")
    with pytest.raises(ValueError, match=r"got '2569-02-29'$"):
        dates.day("2569-02-29")  # 2026 has none, so there is nothing that can have been meant


@given(MOMENTS)
def test_a_moment_is_milliseconds_or_iso_and_nothing_else_is_guessed(at: datetime) -> None:
    ms = to_ms(at.replace(tzinfo=UTC))
    assert dates.moment_ms(str(ms)) == ms == dates.moment_ms(at.replace(tzinfo=UTC).isoformat())
    assert dates.moment_ms(at.isoformat(), ZONE) == ms - 7 * 3_600_000
    with pytest.raises(ValueError, match="no UTC offset"):
        dates.moment_ms(at.isoformat())
    for unit, number in (("seconds", ms // 1000), ("microseconds", ms * 1000), ("nanoseconds", ms * 1_000_000)):
        with pytest.raises(ValueError, match=f"looks like {unit}; expected milliseconds: {ms}$"):
            dates.moment_ms(str(number))


@pytest.mark.parametrize("text", ["0", "1", "20261123", "99999999999999999999", "-5", "", "now", "1795401720.5"])
def test_what_can_mean_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"2000 … 2199|expected"):
        dates.moment_ms(text)


def test_a_day_written_without_dashes_is_hinted_at() -> None:
    with pytest.raises(ValueError, match="did you mean 2026-11-23"):
        dates.moment_ms("20261123")


@given(MOMENTS)
def test_a_moment_of_the_thai_calendar_is_refused_with_the_year_meant(at: datetime) -> None:
    said = at.isoformat().replace(f"{at.year}-", f"{at.year + 543}-", 1)
    if (at.month, at.day) == (2, 29):
        return  # a day that the other year does not have
    with pytest.raises(ValueError, match=f"did you mean {at.year}"):
        dates.moment_ms(said, ZONE)


@pytest.mark.parametrize("read", [arguments.day, arguments.moment, arguments.moment_utc])
def test_options_of_commands_say_what_was_meant(read: object) -> None:
    assert callable(read)
    with pytest.raises(argparse.ArgumentTypeError, match="did you mean 2026"):
        read("2569-11-23")


def test_configuration_says_what_was_meant() -> None:
    text = """
org: test-town
sites:
  school:
    name: School
    bridges: {box: {}}
    rooms: {a1: {name: Blue, volume_m3: 180}}
    sensors:
      a1-pm: {bridge: box, room: a1, model: pms5003t, port: "sim:pm?seed=1", since: 2569-05-16}
"""
    with pytest.raises(config.ConfigFaults, match=r"since: .*did you mean 2026-05-16\?"):
        config.parse(text, {})


@given(st.integers(0, 400))
def test_a_range_of_days_across_new_year_keeps_its_order(days: int) -> None:
    first = date(2026, 5, 16)
    last = first + timedelta(days)
    assert (dates.day(last.isoformat()) - dates.day(first.isoformat())).days == days
