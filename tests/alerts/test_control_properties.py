"""Whatever happens to readings, clocks, people, configuration and the device: the promises of docs/control.md hold."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.control import goals, machine, observing, overrides, watching
from tests.alerts.lived import EVENTS, Life

Room = tuple[bool, bool, bool, int]
History = list[tuple[str, int, int]]
EVENT = st.tuples(st.sampled_from(EVENTS), st.integers(0, 99), st.integers(1, 120))
ROOM = st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(1, 3))


def live(room: Room, history: History) -> dict[str, int]:
    """One history; which events came how often."""
    life = Life(*room)
    life.pass_time(60)
    for event, number, pause in history:
        life.happens(event, number)
        life.pass_time(pause * 5)
    life.pass_time(1200)
    return life.counts


def drawn(seed: int) -> tuple[Room, History]:
    rng = random.Random(seed)
    room = (rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.8, rng.randint(1, 3))
    return room, [(rng.choice(EVENTS), rng.randrange(100), rng.randint(1, 120)) for _ in range(rng.randint(1, 25))]


@given(ROOM, st.lists(EVENT, min_size=1, max_size=25))
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@pytest.mark.thorough
def test_no_promise_breaks_whatever_happens(room: Room, history: History) -> None:
    live(room, history)


@pytest.mark.thorough
def test_no_promise_breaks_in_thousands_of_histories(exhaustive: bool) -> None:
    counts: Counter[str] = Counter()
    for seed in range(20_000 if exhaustive else 60):
        room, history = drawn(seed)
        try:
            counts.update(live(room, history))
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {room} {history}") from error
    assert set(counts) == set(EVENTS), "every event came"


def _no_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    real = goals.goal
    monkeypatch.setattr(machine, "goal", lambda u, s, o, lim, *more: real(u, s, o, replace(lim, min_on_ms=0), *more))


def _never_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "is_blind", lambda *_: False)


def _for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overrides, "lived", lambda unit, *_: unit)


def _never_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "is_idle", lambda *_: False)


def _never_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "_stays", lambda _: False)


def _deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_silence", lambda unit, *_: (unit, []))
    monkeypatch.setattr(machine, "ask", lambda unit, now: (unit, []))
    monkeypatch.setattr(observing, "ask", lambda unit, now: (unit, []))


@pytest.mark.parametrize("careless", [_no_minimum, _never_safe, _for_ever, _never_empty, _never_stays, _deaf])
@pytest.mark.thorough
def test_the_same_histories_notice_a_controller_that_breaks_one(careless: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    careless(monkeypatch)
    with pytest.raises((AssertionError, RecursionError)):
        for seed in range(300):
            live(*drawn(seed))
