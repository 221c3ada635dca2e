"""Office hours against counting minute by minute by hand."""

from __future__ import annotations

from datetime import date, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from classair.timetable import HoursOfDay, local_time
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.tickets.hours import EveryHour, OfficeHours

START = 1_795_107_600_000  # 2026-11-20T00:00+07:00, a Friday


@st.composite
def offices(draw: st.DrawFn) -> OfficeHours:
    """One or two spans a day on some days, with holidays among them."""
    edges = sorted(draw(st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=4, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    spans = tuple(HoursOfDay(time(a // 60, a % 60), time(b // 60, b % 60)) for a, b in pairs)
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    holidays = draw(st.frozensets(st.integers(0, 12).map(lambda n: date(2026, 11, 20) + timedelta(days=n)), max_size=4))
    return OfficeHours(days, spans, holidays)


def counts(office: OfficeHours, at_ms: int) -> bool:
    at = local_time(at_ms)
    free = at.weekday() not in office.days or at.date() in office.holidays
    return not free and any(span.start <= at.time() < span.end for span in office.spans)


@settings(max_examples=60, deadline=None)
@given(offices(), st.integers(0, 3 * 24 * 60), st.integers(0, 4 * 24 * 60))
def test_what_counts_between_two_moments_is_what_a_count_of_minutes_gives(
    office: OfficeHours, start: int, minutes: int
) -> None:
    begin = START + start * MINUTE_MS
    by_hand = sum(counts(office, begin + n * MINUTE_MS) for n in range(minutes))
    assert office.between(begin, begin + minutes * MINUTE_MS) == by_hand * MINUTE_MS
    assert office.between(begin + minutes * MINUTE_MS, begin) == -by_hand * MINUTE_MS


@settings(max_examples=60, deadline=None)
@given(offices(), st.integers(0, 3 * 24 * 60), st.integers(1, 300))
def test_the_end_of_a_promise_is_the_minute_at_which_a_count_by_hand_reaches_it(
    office: OfficeHours, start: int, wanted: int
) -> None:
    begin = START + start * MINUTE_MS
    found = office.after(begin, wanted * MINUTE_MS)
    if found - begin > 30 * 24 * HOUR_MS:
        return  # a short office that opens once a week: longer than a count by hand is worth
    counted, at = 0, begin
    while counted < wanted:
        counted += counts(office, at)
        at += MINUTE_MS
    assert found == at


def test_forty_eight_office_hours_from_a_friday_evening_end_after_six_working_days() -> None:
    office = OfficeHours(frozenset(range(5)), (HoursOfDay(time(8, 30), time(16, 30)),), frozenset({date(2026, 11, 24)}))
    evening = START + 17 * HOUR_MS + 40 * MINUTE_MS
    end = local_time(office.after(evening, 48 * HOUR_MS))
    assert (end.isoformat(timespec="minutes"), office.after(evening, 0)) == ("2026-12-01T16:30+07:00", evening)
    assert EveryHour().after(evening, 48 * HOUR_MS) == evening + 48 * HOUR_MS
