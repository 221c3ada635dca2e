"""Steps of a sensor: the quick look at each reading misses none that the full one finds, and finds them at once."""

from __future__ import annotations

import math
from collections import deque
from random import Random

from hypothesis import given, target
from hypothesis import strategies as st

from classair.science.quality_checks.following import (
    GAP_MS,
    SIDE_MS,
    Quarter,
    SchoolFollowing,
    _may_have_fallen,
    _step,
)

START = 1_790_000_000_000
SECOND, MINUTE = 1000, 60_000
NAME = "s1.pm"
KEPT_MS = 2 * SIDE_MS + GAP_MS
History = list[tuple[int, float]]

PAUSES = st.sampled_from([5 * SECOND, 10 * SECOND, 30 * SECOND, 45 * SECOND, 60 * SECOND, 131 * SECOND])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Readings of up to an hour: a level that is steady, falls in a moment, falls for minutes, or has outliers."""
    dice, at, level = Random(draw(st.integers(0, 2**32))), START, draw(st.floats(3.0, 500.0))
    noise = draw(st.sampled_from([0.0, 0.02, 0.05, 0.3]))
    told: History = []
    for _ in range(draw(st.integers(2, 4))):
        level *= draw(st.sampled_from([0.02, 0.3, 0.6, 0.7, 0.75, 1.0, 2.0]))
        change = draw(st.sampled_from([1.0, 1.0, 0.999, 0.99, 1.01]))
        pause, outliers = draw(PAUSES), draw(st.sampled_from([0.0, 0.0, 0.02]))
        end = at + draw(st.integers(5, 12)) * MINUTE
        while at < end:
            shown = (
                level * math.exp(dice.gauss(0, noise)) * (dice.choice([0.01, 5.0]) if dice.random() < outliers else 1)
            )
            told.append((at, shown))
            at += pause
            level = min(2000.0, level * change)
        at += draw(st.sampled_from([0, 0, 100 * SECOND, 140 * SECOND, 400 * SECOND]))
    return told


def follow(history: History) -> tuple[SchoolFollowing, list[int | None]]:
    """A sensor that stood beside others for three hours and then told this; after each reading, when it fell."""
    school = SchoolFollowing()
    school.restore(NAME, [Quarter(START - n * 15 * MINUTE, 4.0, 0.0) for n in range(12, 0, -1)], {})
    found = []
    for at, pm25 in history:
        school.take(NAME, at, pm25)
        found.append(school.sensors[NAME].fell_at)
    return school, found


def fully_looked_for(history: History) -> list[int | None]:
    """The same by the full look at every reading."""
    kept: deque[tuple[int, float]] = deque()
    fell: int | None = None
    found = []
    for at, pm25 in history:
        kept.append((at, math.log1p(pm25)))
        while kept[0][0] < at - KEPT_MS:
            kept.popleft()
        fell = _step(kept) if fell is None else fell
        found.append(fell)
    return found


def until_judged(history: History) -> History:
    """As long as quarters do not decide on a fall: an open one is judged when the second after it begins."""
    return [(at, pm25) for at, pm25 in history if at < START // (15 * MINUTE) * 15 * MINUTE + 30 * MINUTE]


@given(histories())
def test_the_quick_look_finds_each_fall_that_the_full_one_finds_and_at_the_same_reading(history: History) -> None:
    history = until_judged(history)
    found = fully_looked_for(history)
    target(float(sum(fell is not None for fell in found)))
    assert follow(history)[1] == found


@given(histories())
def test_the_quick_look_never_says_no_where_the_full_one_finds_a_step(history: History) -> None:
    kept: deque[tuple[int, float]] = deque()
    for at, pm25 in history:
        kept.append((at, math.log1p(pm25)))
        while kept[0][0] < at - KEPT_MS:
            kept.popleft()
        if not _may_have_fallen(kept):
            assert _step(kept) is None


def told(levels: list[float], pause_ms: int = 10 * SECOND) -> History:
    return [(START + n * pause_ms, level) for n, level in enumerate(levels)]


def test_a_fall_in_a_moment_is_found_when_five_minutes_have_followed_it() -> None:
    history = told([50.0] * 40 + [20.0] * 40)
    _, found = follow(history)
    fell = history[39][0]  # the last before it: one reading on either side may be an outlier
    after = next(at for (at, _), known in zip(history, found, strict=True) if known is not None)
    assert after == fell + SIDE_MS - 10 * SECOND
    assert set(found) == {None, fell}


def test_steady_air_and_air_that_falls_for_minutes_never_need_the_full_look() -> None:
    dice = Random(3)
    steady = [40 * math.exp(dice.gauss(0, 0.03)) for _ in range(120)]
    cleaned = [200 * math.exp(-n / 60) for n in range(240)]
    for levels in (steady, cleaned):
        kept: deque[tuple[int, float]] = deque(maxlen=73)
        for at, level in told(levels):
            kept.append((at, math.log1p(level)))
            assert not _may_have_fallen(kept)


def test_of_a_fast_sensor_one_reading_a_second_is_kept() -> None:
    fast = told([50.0] * 80_000 + [20.0] * 80_000, pause_ms=5)
    school, found = follow(fast)
    kept = school.sensors[NAME].recent
    assert len(kept) == 1 + KEPT_MS // SECOND
    assert found[-1] == follow(told([50.0] * 400 + [20.0] * 400, pause_ms=SECOND))[1][-1] == START + 399 * SECOND
