"""Means that know how complete they are, by the time their samples cover rather than by how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

COMPLETE: Final = 0.75  # share of a window that must be covered before its mean is one


class Sample(NamedTuple):
    """A valid value: the mean over the `interval_ms` that ended at `at` (UTC ms). Ordered by time.

    A tuple, because a town keeps millions of them: the collector of garbage does not have to look at tuples of numbers.
    """

    at: int
    value: float
    interval_ms: int
    sensor: str = ""


@dataclass(frozen=True, slots=True)
class WindowMean:
    """`mean` weighs each sample by the time it stands for; None when `covered_ms` is under three quarters."""

    mean: float | None
    covered_ms: int
    n: int


def window_mean(samples: Iterable[Sample], start: int, end: int) -> WindowMean:
    """The mean over (start, end] of pooled sensors.

    A minute is covered when any sensor covers it: one dead sensor of two does not silence the room.
    Intervals may differ (history has 60 s, live values 10 s): each sample weighs the part of its interval inside.
    """
    weight, total, count = 0, 0.0, 0
    spans: list[tuple[int, int]] = []
    for sample in samples:
        if not start < sample.at <= end:
            continue
        begin = max(sample.at - sample.interval_ms, start)
        span = sample.at - begin
        weight += span
        total += sample.value * span
        count += 1
        spans.append((begin, sample.at))
    covered = covered_ms(spans)
    if not weight or covered < COMPLETE * (end - start):
        return WindowMean(None, covered, count)
    return WindowMean(round(total / weight, 6), covered, count)


def covered_ms(spans: Sequence[tuple[int, int]]) -> int:
    """Length of the union of spans."""
    covered, reached = 0, None
    for begin, end in sorted(spans):
        if reached is None or begin > reached:
            covered += end - begin
            reached = end
        elif end > reached:
            covered += end - reached
            reached = end
    return covered


def median(values: Sequence[float]) -> float | None:
    """The middle value, the mean of the two middle ones for an even count; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


MINUTES_OF_HOUR: Final = 45  # of 60 that make an hour valid
HOURS_OF_DAY: Final = 18  # of 24 that make a day valid


def hour_is_complete(minutes: int) -> bool:
    """Whether this many valid minutes of 60 make an hour that may have a mean."""
    return minutes >= MINUTES_OF_HOUR


def day_is_complete(hours: int) -> bool:
    """Whether this many valid hours of 24 make a mean that may be called AQI."""
    return hours >= HOURS_OF_DAY


def day_mean(minutes: Iterable[tuple[int, float]], end_ms: int) -> float | None:
    """The mean of the 24 hours before `end_ms` from one-minute means (start in UTC ms, mean), built in steps.

    An hour counts with 45 of its minutes, the day with 18 of its hours; None otherwise.
    """
    means = hour_means(minutes, end_ms).values()
    return round(sum(means) / len(means), 6) if day_is_complete(len(means)) else None


def hour_means(minutes: Iterable[tuple[int, float]], end_ms: int) -> dict[int, float]:
    """The complete hours of the 24 before `end_ms`, by how many hours ago they ended; the same steps as `day_mean`."""
    hours: dict[int, list[float]] = {}
    for start, mean in minutes:
        ago = (end_ms - 1 - start) // 3_600_000
        if 0 <= ago < 24:
            hours.setdefault(ago, []).append(mean)
    return {ago: sum(values) / len(values) for ago, values in hours.items() if hour_is_complete(len(values))}
