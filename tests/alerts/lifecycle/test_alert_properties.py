"""Whatever rules see, people do and clocks say: nothing is told twice, nothing that lasts is told to nobody."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.lifecycle import board, escalation, machine
from tests.alerts.alert_histories import EVENTS, Life

History = list[tuple[str, int, int]]
EVENT = st.tuples(st.sampled_from(EVENTS), st.integers(0, 99), st.integers(0, 90))


def live(history: History) -> Counter[str]:
    """One history; which events came how often."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        try:
            life.pass_time(2)
            for event, number, pause in history:
                life.happens(event, number)
                life.pass_time(pause)
            life.pass_time(90)
        finally:
            life.close()
        return life.counts


def drawn(seed: int) -> History:
    rng = random.Random(seed)
    usual = EVENTS[:5] * 3 + EVENTS
    return [(rng.choice(usual), rng.randrange(100), rng.randint(0, 60)) for _ in range(rng.randint(5, 30))]


@given(st.lists(EVENT, min_size=1, max_size=20))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@pytest.mark.thorough
def test_no_promise_breaks_whatever_happens(history: History) -> None:
    live(history)


@pytest.mark.slow
def test_no_promise_breaks_in_thousands_of_histories(exhaustive: bool) -> None:
    counts: Counter[str] = Counter()
    for seed in range(5_000 if exhaustive else 40):
        try:
            counts.update(live(drawn(seed)))
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {drawn(seed)}") from error
    assert set(counts) == set(EVENTS), "every event came"


def _never_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "JOIN_MS", 0)


def _forgets_who_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = escalation._climbed
    monkeypatch.setattr(escalation, "_climbed", lambda alert, *more: real(replace(alert, told_times={}), *more))


def _reopens(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine.acknowledged
    monkeypatch.setattr(
        machine, "acknowledged", lambda alert, *more: real(replace(alert, state="firing", acknowledged_at=None), *more)
    )


def _unknown_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine.step
    monkeypatch.setattr(
        machine,
        "step",
        lambda alert, sight, *more: real(alert, sight and replace(sight, holds=bool(sight.holds)), *more),
    )


def _held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine._held
    monkeypatch.setattr(machine, "_held", lambda alert, held, now: real(alert, held or alert.held, now))


def _lazy_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    real = escalation.due

    def two_steps(alert: Any, policy: Any, *more: Any) -> Any:
        return real(alert, replace(policy, steps=policy.steps[:2]), *more)

    monkeypatch.setattr(escalation, "due", two_steps)


def _reminds_always(monkeypatch: pytest.MonkeyPatch) -> None:
    real = escalation._reminded
    monkeypatch.setattr(escalation, "_reminded", lambda alert, *more: real(replace(alert, holds_since=0), *more))


def _keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board.AlertBoard, "_commit", lambda *_: None)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "careless",
    [
        _never_joins,
        _forgets_who_was_told,
        _reopens,
        _unknown_is_over,
        _held_for_ever,
        _lazy_chain,
        _reminds_always,
        _keeps_nothing,
    ],
)
def test_the_same_histories_notice_a_board_that_breaks_one(careless: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    careless(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        for seed in range(150):
            live(drawn(seed))
