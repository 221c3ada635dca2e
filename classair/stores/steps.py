"""Where buckets of time begin: at multiples of their length, counted from midnight in Asia/Bangkok."""

from __future__ import annotations

from classair.model import QUANTITIES, SHOWN
from classair.stores import BANGKOK_MS
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS


def bucket_start(at_ms: int, step_ms: int) -> int:
    """The beginning of the bucket that `at_ms` falls into."""
    return (at_ms + BANGKOK_MS) // step_ms * step_ms - BANGKOK_MS


def span_of(start_ms: int, end_ms: int, step_ms: int) -> tuple[int, int]:
    """From the first bucket start >= start to the end of the last bucket that starts before end."""
    return -bucket_start_down(-start_ms, step_ms), -bucket_start_down(-end_ms, step_ms)


def bucket_start_down(negative_ms: int, step_ms: int) -> int:
    """Floor of a negated moment; negating again gives the next bucket start at or after it."""
    return (negative_ms - BANGKOK_MS) // step_ms * step_ms + BANGKOK_MS


def grain_for(quantity: str, step_ms: int) -> tuple[str, int]:
    """Which rollups answer for this step: days, hours or minutes, the longest that can. Raises ValueError otherwise."""
    if quantity not in QUANTITIES:
        raise ValueError(f"unknown quantity {quantity!r}")
    if step_ms > 0 and step_ms % DAY_MS == 0:
        return "1d", DAY_MS
    if step_ms > 0 and step_ms % HOUR_MS == 0:
        return "1h", HOUR_MS
    if step_ms <= 0 or step_ms % MINUTE_MS:
        raise ValueError(f"a step of {step_ms} ms is not a multiple of one minute")
    if quantity not in SHOWN:
        raise ValueError(f"{quantity} is only averaged by the hour; ask for a multiple of one hour")
    return "1m", MINUTE_MS
