"""What the machine must have, and waiting for what must come true."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])


def absent(what: str) -> NoReturn:
    """Skips, or fails in CI, because something the test needs is not there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI installs it, so this is a fault", pytrace=False)
    pytest.skip(what)


def program(*names: str) -> str:
    """The path of the first of these programs that is installed."""
    for name in names:
        if path := shutil.which(name, path=SEARCHED):
            return path
    absent(f"{names[0]} is not installed")


LEAST_PATIENCE_S = 60  # what does not come in this time is not coming; before, the machine may only be busy


def await_condition(condition: Callable[[], Any], timeout: float = LEAST_PATIENCE_S, what: str = "") -> Any:
    """Waits until `condition()` is true and returns what it gave; fails with `what` after `timeout` seconds, never
    before LEAST_PATIENCE_S."""
    timeout = max(timeout, LEAST_PATIENCE_S)
    until = time.monotonic() + timeout
    pause = 0.005
    while True:
        if found := condition():
            return found
        if time.monotonic() >= until:
            pytest.fail(f"waited {timeout:g} s for {what or condition}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """`wait_for(condition, timeout=30, what="…")`: what the condition gave, or a failure that says what was missing."""
    return await_condition


@pytest.fixture(scope="session")
def program_of() -> Callable[..., str]:
    """`program_of("Rscript")`: the path of a program; without it the test is skipped, in CI it fails."""
    return program


# Whoever starts one of these takes its fixture, directly or by way of another: tests/conftest.py marks after them.


@pytest.fixture(scope="session")
def mosquitto_program() -> str:
    return program("mosquitto")


@pytest.fixture(scope="session")
def influxd_program() -> str:
    return program("influxd")


@pytest.fixture(scope="session")
def victoria_metrics_program() -> str:
    return program("victoria-metrics")


@pytest.fixture(scope="session")
def chromium_program() -> str:
    return program("chromium", "chromium-browser", "google-chrome")
