"""Intervals say the same as sets of whole numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from classair import intervals
from classair.intervals import Interval, Intervals

SOME = st.lists(st.tuples(st.integers(-20, 60), st.integers(0, 12)).map(lambda at: (at[0], at[0] + at[1])), max_size=20)


def numbers(of: list[Interval]) -> set[int]:
    return {number for start, end in of for number in range(start, end)}


def is_canonical(of: list[Interval]) -> bool:
    """In order, none empty, none touching the next."""
    return all(start < end for start, end in of) and all(before[1] < after[0] for before, after in pairwise(of))


@given(SOME, SOME)
def test_union_and_difference_are_those_of_sets(some: list[Interval], others: list[Interval]) -> None:
    one, other = intervals.union(some), intervals.union(others)
    assert is_canonical(one)
    assert numbers(one) == numbers(some)
    assert numbers(intervals.union(one, other)) == numbers(some) | numbers(others)
    left = intervals.without(one, other)
    assert is_canonical(left)
    assert numbers(left) == numbers(some) - numbers(others)
    assert intervals.size(left) == len(numbers(left))


@given(SOME, st.integers(-20, 60), st.integers(0, 30))
def test_what_lies_within_an_interval_is_the_intersection(some: list[Interval], start: int, length: int) -> None:
    found = intervals.within(intervals.union(some), start, start + length)
    assert numbers(found) == numbers(some) & set(range(start, start + length))


@given(SOME, st.lists(st.integers(-25, 80)).map(sorted))
def test_membership_of_rising_numbers_is_that_of_a_set(some: list[Interval], asked: list[int]) -> None:
    assert intervals.holds(intervals.union(some), asked) == [number in numbers(some) for number in asked]


@given(st.lists(st.integers(-30, 60)).map(sorted))
def test_intervals_of_numbers_hold_these_and_count_doubles(given_numbers: list[int]) -> None:
    found, doubled = intervals.of_numbers(given_numbers)
    assert is_canonical(found)
    assert numbers(found) == set(given_numbers)
    assert doubled == len(given_numbers) - len(set(given_numbers))


def test_numbers_are_shown_by_the_first_and_the_last_of_each_interval() -> None:
    assert intervals.shown([(3, 4), (7, 10)]) == "3, 7–9"
    assert intervals.shown([(3, 4), (7, 10)], at_most=1) == "3 …"


STEPS = st.lists(
    st.tuples(st.sampled_from(("add", "add_interval", "remove")), st.integers(-20, 60), st.integers(1, 12)), max_size=60
)


@given(STEPS)
@settings(deadline=None)
def test_a_set_that_grows_and_the_table_of_it_say_the_same_as_a_set(steps: list[tuple[str, int, int]]) -> None:
    ours, truth, table = Intervals(), set[int](), dict[int, int]()
    for do, start, length in steps:
        before = set(truth)
        if do == "add":
            truth.add(start)
            did = ours.add(start)
        elif do == "remove":
            truth.discard(start)
            did = ours.remove(start)
        else:
            truth |= set(range(start, start + length))
            did = ours.add_interval(start, start + length)
        assert did == (truth != before)
        for gone in ours.removed:
            table.pop(gone, None)
        table.update({changed: ours.end_of(changed) for changed in ours.changed})
        ours.removed.clear()
        ours.changed.clear()
        assert dict(ours) == table, "what is to be written makes the table equal"
        assert is_canonical(list(ours))
        assert numbers(list(ours)) == truth
    assert ours.end == (max(truth) + 1 if truth else 0)
    assert all((number in ours) == (number in truth) for number in range(-25, 80))
    assert dict(Intervals(ours)) == dict(ours)


def test_thousands_of_scattered_numbers_stay_in_order() -> None:
    ours = Intervals()
    scattered = [i * 7919 % 20011 * 2 + 1 for i in range(20011)]
    assert all(ours.add(number) for number in scattered)
    assert [start for start, _ in ours] == sorted(scattered)
    assert ours.add_interval(1, 2**53)
    assert list(ours) == [(1, 2**53)]
