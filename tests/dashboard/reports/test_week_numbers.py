"""The headline of a week: one sentence for every week, and good news never hides a bad afternoon."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.reports.week import numbers, words
from dashboard.reports.week.chart import chart
from research.lesson_air import ABOVE_MODERATE, GOOD, NO_DATA
from tests.dashboard.reports import weeks

VALUES = {"very_good": 10.0, "good": 20.0, "moderate": 30.0, "starts_to_affect_health": 50.0, "affects_health": 90.0}
SLOTS = 5 * len(weeks.STARTS)

a_week = st.lists(st.sampled_from([*VALUES, NO_DATA]), min_size=SLOTS, max_size=SLOTS) | st.tuples(
    st.sampled_from(list(VALUES)), st.sampled_from([*VALUES, NO_DATA]), st.integers(0, SLOTS)
).map(lambda it: [it[1]] * it[2] + [it[0]] * (SLOTS - it[2]))


def week_of(levels: list[str]) -> numbers.LessonAir:
    return weeks.air(lambda day, n: VALUES.get(levels[day * len(weeks.STARTS) + n]))


@given(a_week)
@settings(max_examples=150, deadline=None)
def test_every_week_has_the_first_headline_that_fits(levels: list[str]) -> None:
    week = week_of(levels)
    known = [one for one in levels if one != NO_DATA]
    bad, good = (sum(one in wanted for one in known) for wanted in (ABOVE_MODERATE, GOOD))
    fits = {
        "not_enough": 2 * len(known) < len(levels) or not known,
        "above_moderate": bool(known) and bad >= 0.05 * len(known),
        "good": bool(known) and good >= 0.8 * len(known),
        "mostly": True,
    }
    said = numbers.headline(week)
    assert said.key == next(key for key, holds in fits.items() if holds)
    if said.key == "good":
        assert bad < 0.05 * len(known)
    if said.key == "above_moderate":
        assert said.hours == bad * 0.25
    if said.key == "mostly":
        most = max(known.count(one) for one in VALUES)
        assert known.count(said.level or "") == most
    assert not said.cleaner_each_day or said.key != "not_enough"


@given(a_week)
@settings(max_examples=40, deadline=None)
def test_shares_of_each_day_and_of_the_week_add_up_to_a_hundred(levels: list[str]) -> None:
    report = weeks.report(week_of(levels))
    assert sum(report.shares.values()) == 100
    assert all(sum(day.shares.values()) == 100 for day in report.days)
    for language in ("th", "en"):
        for day in words.words(report, weeks.schools_once(), language).days:
            assert sum(share.percent for share in day.shares) == 100
            starts = [share.before for share in day.shares]
            assert starts == sorted(starts) and starts[0] == 0


@given(
    st.lists(st.tuples(st.floats(1, 60), st.floats(1, 60), st.integers(0, 24)), min_size=5, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_cleaner_than_outside_is_said_only_when_it_is_so_on_every_day_with_enough_pairs(
    days: list[tuple[float, float, int]],
) -> None:
    week = weeks.air(lambda day, n: days[day][0], lambda day, n: days[day][1] if n < days[day][2] else None)
    true = all(inside < outside and pairs >= 18 for inside, outside, pairs in days)
    assert numbers.headline(week).cleaner_each_day == true


def test_missing_time_is_named_by_day_and_a_break_does_not_split_it() -> None:
    week = weeks.air(lambda day, n: None if (day, n) in {(3, k) for k in range(8, 15)} | {(4, 0)} else 15.0)
    report = weeks.report(week, ["unplugged"])
    assert words.words(report, weeks.schools_once(), "th").gaps == (
        "วันพฤหัสบดี 10.30–13.15\u00a0น.: สายเครื่องวัดหลุด หรือเปิดพอร์ตไม่ได้",
        "วันศุกร์ 08.30–08.45\u00a0น.: สายเครื่องวัดหลุด หรือเปิดพอร์ตไม่ได้",
    )


def test_a_complete_week_says_so_and_many_gaps_are_counted() -> None:
    assert words.words(weeks.report(weeks.air(lambda day, n: 15.0)), weeks.schools_once(), "th").complete
    holes = weeks.report(weeks.air(lambda day, n: None if n % 4 == 0 else 15.0))
    said = words.words(holes, weeks.schools_once(), "en").gaps
    assert len(said) == words.MOST_GAPS + 1
    assert said[-1] == "and 25 shorter times; together 6.25 h"


def test_an_empty_log_leaves_the_school_s_box_out_and_the_worst_outdoors_decides_the_advice() -> None:
    clean = words.words(weeks.report(weeks.air(lambda d, n: 10.0, lambda d, n: 12.0)), weeks.schools_once(), "en")
    assert clean.did == ()
    assert clean.can == ("Switch the engine off at the gate", 'Use "Report a problem"')
    one_bad = weeks.air(lambda d, n: 10.0, lambda d, n: 60.0 if (d, n) == (2, 3) else 12.0)
    assert words.words(weeks.report(one_bad), weeks.schools_once(), "en").can[0].startswith("Prepare a dust mask")
    deeds = numbers.Deeds(purifier_percent=88, purifier_unknown=True, airings=1, cancelled=[weeks.MONDAY])
    did = words.words(weeks.report(weeks.air(lambda d, n: 10.0), deeds=deeds), weeks.schools_once(), "en").did
    assert did == (
        "The purifier ran at least 88% of lesson time (part of the log is missing)",
        "Aired the room as advised: once",
        "Cancelled outdoor activities: Monday",
    )


def test_unknown_figures_are_dashes_with_a_reason_never_zero() -> None:
    nothing = weeks.report(weeks.air(lambda d, n: None, lambda d, n: None, lambda d, n: None))
    said = words.words(nothing, weeks.schools_once(), "en")
    assert [value for value, _, _ in said.figures] == ["–", "–", "–"]
    assert said.headline == "Not enough data this week: only 0% of lesson time"
    assert {day.inside for day in said.days} == {"–"}
    drawn = chart(nothing.days, said.summary)
    assert "M" not in "".join(part for part in str(drawn.svg).split("<path")[1:] if "#0b4f7d" in part)


def test_thai_copy_is_word_for_word() -> None:
    good = weeks.report(weeks.air(lambda d, n: 30.0 if n < 2 else 15.0))
    assert words.headline(good, "th") == (
        'สัปดาห์นี้อากาศในห้องอยู่ในระดับ "ดี" หรือ "ดีมาก" 92% ของเวลาเรียน และสะอาดกว่าข้างนอกทุกวัน'
    )
    bad = weeks.report(weeks.air(lambda d, n: 52.0 if d == 3 and n < 6 else 15.0, lambda d, n: 9.0))
    assert words.headline(bad, "th") == "สัปดาห์นี้มี 1.5 ชั่วโมงเรียนที่ฝุ่นในห้องเกินระดับปานกลาง"
    few = weeks.report(weeks.air(lambda d, n: 15.0 if d == 0 else None))
    assert words.headline(few, "th") == "สัปดาห์นี้ข้อมูลไม่พอสรุป มีเพียง 20% ของเวลาเรียน"
    assert words.words(few, weeks.schools_once(), "th").about == (
        "โรงเรียนบ้านสวนตัวอย่าง · 16–20 พ.ย. 2569 · นับเฉพาะเวลาเรียน 08.30–15.30\u00a0น."
    )
