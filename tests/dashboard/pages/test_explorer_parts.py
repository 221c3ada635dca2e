"""What the explorer is worked out with: shares, classes, the step by itself, what is remembered."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from classair.model import QUANTITIES
from dashboard.figures import TimeAxis, Words
from dashboard.pages.explorer import summary
from dashboard.pages.explorer.figures_series import MeansLine, gaps_of, series_figure
from dashboard.pages.explorer.view import MAX_POINTS, asked, auto_step, drawn_step
from dashboard.queries.row_cache import RowCache
from research.lesson_air import LEVELS, largest_remainder
from research.means import MeanRow
from research.selection import STEP_MS, Selection

HOUR = 3_600_000
WORDS = Words("en", "no data")


def row(hour: int, value: float | None = 10.0, n: int = 120, expected: float = 120.0, **more: object) -> MeanRow:
    share = n / expected
    return MeanRow(
        "s.a", "s.a-pm", "pm25", hour * HOUR, n, expected, share, share >= 0.75, value, value, value, value, **more
    )  # type: ignore[arg-type]


@given(some.lists(some.integers(0, 100_000), min_size=1, max_size=9))
def test_whole_shares_add_up_to_a_hundred_and_none_is_off_by_one_or_more(counts: list[int]) -> None:
    shares, total = largest_remainder(counts), sum(counts)
    assert sum(shares) == (100 if total else 0)
    assert all(abs(share - 100 * count / max(total, 1)) < 1 for share, count in zip(shares, counts, strict=True))


def test_time_without_a_value_is_a_share_and_levels_follow_the_rounding_of_the_index() -> None:
    found = summary.level_shares("s.a", [row(0, 15.04), row(1, 15.05), row(2, None), row(3, -0.4)], 6)
    assert dict(zip(LEVELS, found.counts, strict=True)) == {
        "very_good": 2,
        "good": 1,
        "moderate": 0,
        "starts_to_affect_health": 0,
        "affects_health": 0,
        "no_data": 3,
    }


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (None, "none"),
        (row(0, n=0), "none"),
        (row(0), "complete"),
        (row(0, suspect=20), "suspect"),
        (row(0, n=60), "partial"),
        (row(0, None, n=0, bad={"warmup": 90}), "warmup"),
        (row(0, n=50, bad={"fault": 40, "range": 5}), "fault"),
        (row(0, n=20, bad={"fault": 30}), "partial"),
    ],
)
def test_a_cell_says_the_one_thing_that_matters_most(found: MeanRow | None, word: str) -> None:
    assert summary.cell_class(found, 0.75) == word


def test_a_ratio_is_taken_only_where_there_is_dust_outside() -> None:
    found = summary.pairs("s.a", [row(hour, 5.0) for hour in range(4)], {0: 9.99, HOUR: 10.0, 2 * HOUR: 20.0})
    assert (len(found.indoor), found.ratio, found.n_ratio) == (3, 0.375, 2)
    assert summary.pairs("s.a", [row(0, 5.0)], {0: 9.0}).ratio is None


def test_hours_of_the_week_are_local() -> None:
    # 1970-01-01 was a Thursday; UTC midnight is seven in Bangkok.
    assert list(summary.week([[row(0)]])) == [(3, 7)]


@given(some.integers(1, 4000), some.sampled_from(list(STEP_MS)))
def test_a_line_has_no_more_points_than_can_be_drawn(days: int, step: str) -> None:
    first = date(2016, 1, 1)
    chosen = Selection(rooms=("s.a",), first=first, last=date.fromordinal(first.toordinal() + days - 1), step=step)  # type: ignore[arg-type]
    drawn = drawn_step(chosen)
    assert STEP_MS[drawn] >= STEP_MS[step]
    assert drawn == "1d" or (chosen.end_ms - chosen.start_ms) // STEP_MS[drawn] <= MAX_POINTS


@given(some.integers(1, 1000), some.sampled_from(list(QUANTITIES)))
def test_the_step_by_itself_can_be_asked_for(days: int, quantity: str) -> None:
    first = date(2020, 1, 1)
    Selection.parse(
        {
            "rooms": "s.a",
            "quantities": quantity,
            "first": first,
            "step": auto_step([quantity], days),
            "last": date.fromordinal(first.toordinal() + days - 1),
        }
    )


def test_a_link_is_read_as_it_was_written() -> None:
    view = asked(
        {
            "rooms": "s.b,s.a",
            "quantities": "pm25,rh_pct",
            "first": "2026-11-01",
            "last": "2026-11-07",
            "lesson": "1",
            "method": "accepted",
            "completeness": "0.5",
            "rooms2": "s.c",
            "first2": "2026-10-01",
        },
        ["s.a", "s.b", "s.c"],
        ["s.a"],
        date(2026, 11, 23),
    )
    assert view.second is not None and (view.second.rooms, view.second.last) == (("s.c",), date(2026, 10, 7))
    from urllib.parse import parse_qsl

    again = asked(dict(parse_qsl(view.query())), ["s.a", "s.b", "s.c"], ["s.a"], date(2030, 1, 1))
    assert (again.selection, again.second) == (view.selection, view.second)


def test_lines_break_at_gaps_and_a_step_alone_is_a_dot() -> None:
    span = TimeAxis(0, 10 * HOUR, 10 * HOUR)
    line = MeansLine("A", [row(0), row(1), row(4), row(6), row(7, None), row(8)], HOUR)
    traces = series_figure([line], "pm25", "µg/m³", span, WORDS, "k")["data"]
    assert traces[0]["y"] == [10.0, 10.0, None, 10.0, None, 10.0, None, 10.0]
    assert len(traces[1]["x"]) == 3
    assert gaps_of(line, span) == [(2 * HOUR, 4 * HOUR), (5 * HOUR, 6 * HOUR), (7 * HOUR, 8 * HOUR)]


def test_an_axis_begins_at_zero_unless_values_lie_below() -> None:
    span = TimeAxis(0, 10 * HOUR, 10 * HOUR)
    above = series_figure([MeansLine("A", [row(0, 30.0)], HOUR)], "temp_c", "°C", span, WORDS, "k")
    below = series_figure([MeansLine("A", [row(0, -4.0)], HOUR)], "temp_c", "°C", span, WORDS, "k")
    assert (above["layout"]["yaxis"]["range"][0], below["layout"]["yaxis"]["range"][0] < -4) == (0, True)


def test_what_was_asked_longest_ago_is_forgotten_first() -> None:
    kept, made = RowCache(most=3), []

    def of(key: str) -> list[MeanRow]:
        def make() -> list[MeanRow]:
            made.append(key)
            return [row(0)]

        return kept.get(key, make)

    for key in ("a", "b", "c", "a", "d", "a", "b"):
        of(key)
    assert made == ["a", "b", "c", "d", "b"]
