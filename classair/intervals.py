"""Sets of sequence numbers as sorted runs (first, last): millions of numbers in a few pairs."""

from __future__ import annotations

from collections.abc import Iterable

Runs = list[tuple[int, int]]


def of_numbers(numbers: Iterable[int]) -> tuple[Runs, int]:
    """The runs of rising numbers, and how many stood there more than once."""
    runs: Runs = []
    doubled = 0
    first = last = -1
    for number in numbers:
        if number == last + 1 and last >= 0:
            last = number
        elif number == last:
            doubled += 1
        else:
            if last >= 0:
                runs.append((first, last))
            first = last = number
    if last >= 0:
        runs.append((first, last))
    return runs, doubled


def union(*many: Iterable[tuple[int, int]]) -> Runs:
    """Everything that is in any of them."""
    joined: Runs = []
    for first, last in sorted(run for runs in many for run in runs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def without(runs: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Runs:
    """What is in `runs` and in none of `others`; both as `union` gives them."""
    left: Runs = []
    taken = list(others)
    at = 0
    for first, last in runs:
        while at < len(taken) and taken[at][1] < first:
            at += 1
        here, start = at, first
        while here < len(taken) and taken[here][0] <= last:
            if taken[here][0] > start:
                left.append((start, taken[here][0] - 1))
            start = max(start, taken[here][1] + 1)
            here += 1
        if start <= last:
            left.append((start, last))
    return left


def size(runs: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in runs)


def shown(runs: Runs, at_most: int = 5) -> str:
    """`3, 7–9 …` for people."""
    parts = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:at_most]]
    return ", ".join(parts) + (" …" if len(runs) > at_most else "")
