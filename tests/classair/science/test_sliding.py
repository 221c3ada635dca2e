"""A window that moves with its newest sample gives what the plain walk over all samples gives."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.science.averages import Sample, covered_ms, window_mean
from classair.science.sliding import Covered, SlidingMean

LENGTH = 60_000
SAMPLES = st.lists(
    st.builds(
        Sample,
        st.integers(0, 200_000),
        st.floats(-10, 1000, allow_nan=False).map(lambda value: round(value, 3)),
        st.sampled_from([1, 7, 500, 1000, 1000, 9_970, 10_000, 10_020, 60_000, 90_000]),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=80,
)


@given(SAMPLES)
def test_every_sample_in_any_order_gives_what_a_walk_over_all_of_them_gives(samples: list[Sample]) -> None:
    sliding, known = SlidingMean(LENGTH), list[Sample]()
    for sample in samples:
        sliding.add(sample)
        known.append(sample)
        assert sliding.newest is not None
        walked = window_mean(known, sliding.newest - LENGTH, sliding.newest)
        found = sliding.mean()
        assert (found.covered_ms, found.n, found.mean is None) == (walked.covered_ms, walked.n, walked.mean is None)
        if walked.mean is not None:
            assert found.mean == pytest.approx(walked.mean, abs=2e-6)


@given(st.integers(0, 2**32).map(Random))
@pytest.mark.thorough
def test_thousands_of_samples_leave_no_rounding_behind(random: Random) -> None:
    sliding, known = SlidingMean(LENGTH), list[Sample]()
    for second in range(3000):
        sample = Sample(second * 100, random.choice((0.1, 1e-9, 400.7, 1e5)) * random.random(), 100)
        known.append(sample)
        sliding.add(sample)
        if second % 97 == 0:
            sliding.mean()
    newest = known[-1].at
    assert sliding.mean().mean == pytest.approx(window_mean(known, newest - LENGTH, newest).mean, abs=2e-6)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=40), st.integers(0, 300))
def test_the_union_of_spans_is_that_of_all_of_them_at_once(spans: list[tuple[int, int]], start: int) -> None:
    covered = Covered()
    for begin, length in spans:
        covered.add(begin, begin + length)
    cut = covered_ms([(max(begin, start), begin + length) for begin, length in spans if begin + length > start])
    assert covered.behind(start) == cut
    assert covered.since(start) == cut
    assert covered.behind(start + 5) == covered_ms([(max(b, start + 5), b + n) for b, n in spans if b + n > start + 5])


def test_the_window_never_moves_back_and_nothing_from_before_it_counts() -> None:
    sliding = SlidingMean(LENGTH)
    sliding.add(Sample(100_000, 10.0, 60_000))
    sliding.add(Sample(30_000, 900.0, 20_000))
    assert sliding.newest == 100_000
    assert sliding.mean().mean == 10.0
