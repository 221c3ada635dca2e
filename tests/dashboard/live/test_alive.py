"""A silent part makes everything that depends on it unknown: in random worlds of parts and silences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.alive import Part, Verdict, judge, own, silent

NOW = 1_800_000_000_000
RANK = {"alive": 0, "late": 1, "unknown": 2}


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Part]:
    """Parts of which each depends only on those before it."""
    found: dict[str, Part] = {}
    for number in range(draw(st.integers(1, 12))):
        before = st.lists(st.sampled_from(sorted(found)), max_size=3, unique=True) if found else st.just([])
        found[f"p{number}"] = Part(
            at=draw(st.none() | st.integers(NOW - 400_000, NOW)),
            late_ms=100_000,
            silent_ms=200_000,
            gone=draw(st.sampled_from((False, False, False, True))),
            needs=tuple(draw(before)),
            one_of=tuple(draw(before)),
        )
    return found


def by_hand(parts: Mapping[str, Part], now: int) -> dict[str, int]:
    """The rank of each part, straight from the definition."""

    @cache
    def rank(name: str) -> int:
        part = parts[name]
        age = now - part.at if part.at is not None else 1 << 60
        mine = 2 if part.gone or age >= part.silent_ms else int(age >= part.late_ms)
        ranks = [mine, *(rank(one) for one in part.needs)]
        return max([*ranks, min(rank(one) for one in part.one_of)] if part.one_of else ranks)

    return {name: rank(name) for name in parts}


@given(worlds())
def test_the_verdict_is_the_worst_of_itself_and_all_it_depends_on(parts: dict[str, Part]) -> None:
    assert {name: RANK[one.life] for name, one in judge(parts, NOW).items()} == by_hand(parts, NOW)


@given(worlds(), st.data())
def test_a_part_that_falls_silent_makes_nothing_better_and_all_that_needs_it_unknown(
    parts: dict[str, Part], data: st.DataObject
) -> None:
    falls = data.draw(st.sampled_from(sorted(parts)))
    before, after = judge(parts, NOW), judge({**parts, falls: replace(parts[falls], gone=True)}, NOW)
    assert all(RANK[after[name].life] >= RANK[before[name].life] for name in parts)
    for name, part in parts.items():
        if name == falls or falls in part.needs or part.one_of == (falls,):
            assert after[name].life == "unknown"


@given(worlds(), st.integers(0, 400_000))
def test_nothing_gets_better_by_age(parts: dict[str, Part], later: int) -> None:
    now, then = judge(parts, NOW), judge(parts, NOW + later)
    assert all(RANK[then[name].life] >= RANK[now[name].life] for name in parts)


@given(worlds())
def test_what_explains_a_silence_is_silent_itself_and_is_listed_once_with_all_it_hides(parts: dict[str, Part]) -> None:
    verdicts = judge(parts, NOW)
    roots = silent(parts, verdicts)
    for name, one in verdicts.items():
        if one.life == "alive":
            assert one == Verdict("alive")
            continue
        assert own(one.by, parts[one.by], NOW).life == one.life
        assert one.since == parts[one.by].at
        if one.life == "unknown":
            assert name == one.by or name in roots[one.by]
    hidden = [name for others in roots.values() for name in others]
    assert len(hidden) == len(set(hidden))
    assert set(hidden) | set(roots) >= {name for name, one in verdicts.items() if one.life == "unknown"}


def test_a_part_that_nobody_knows_is_unknown_and_a_circle_is_refused() -> None:
    assert judge({"a": Part(NOW, 1, 2, needs=("lost",))}, NOW)["a"] == Verdict("unknown", None, "lost")
    with pytest.raises(ValueError, match="a → b → a"):
        judge({"a": Part(NOW, 1, 2, needs=("b",)), "b": Part(NOW, 1, 2, needs=("a",))}, NOW)
