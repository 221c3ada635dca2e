"""Exhaustive tests look at a sample of their cases, another one in each run, and at all of them with --all."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pytest

SEED = "CLASSAIR_TEST_SEED"
T = TypeVar("T")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="exhaustive tests look at every case instead of a sample")


def pytest_configure() -> None:
    # In the environment, so that every worker has the same.
    os.environ.setdefault(SEED, str(random.SystemRandom().randrange(1_000_000)))


@pytest.hookimpl(trylast=True)  # of what -m and -k have left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out cases of functions marked `sampled(n)`; by the seed alone, so that every worker takes the same."""
    if config.getoption("--all"):
        return
    cases: dict[tuple[str, int], list[pytest.Item]] = {}
    for item in items:
        if (mark := item.get_closest_marker("sampled")) is not None:
            cases.setdefault((item.nodeid.partition("[")[0], mark.args[0]), []).append(item)
    left_out: set[pytest.Item] = set()
    for (function, count), found in cases.items():
        chance = random.Random(f"{os.environ[SEED]} {function}")
        left_out.update(chance.sample(found, max(len(found) - count, 0)))
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("--all"):
        return "exhaustive tests: every case"
    return f"exhaustive tests: samples of seed {os.environ[SEED]} (the same ones again: {SEED}={os.environ[SEED]})"


@pytest.fixture
def exhaustive(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--all"))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What this test may leave to chance in this run."""
    return random.Random(f"{os.environ[SEED]} {request.node.nodeid}")


@pytest.fixture
def sample(exhaustive: bool, chance: random.Random) -> Callable[..., list[T]]:
    """`sample(cases, 100, always=…)`: a hundred of them in their order, with those that are to be in every sample."""

    def some(cases: Sequence[T], count: int, always: Iterable[T] = ()) -> list[T]:
        if exhaustive or count >= len(cases):
            return list(cases)
        drawn = {*chance.sample(range(len(cases)), count), *map(cases.index, always)}
        return [cases[place] for place in sorted(drawn)]

    return some
