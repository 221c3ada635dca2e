"""Marks that are true: `servers` and `browser` follow from the fixtures a test takes, `slow` is held to the clock."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.serial_writes.sitecustomize import MARKS

OF_FIXTURES = {
    "mosquitto_program": "servers",
    "influxd_program": "servers",
    "victoria_metrics_program": "servers",
    "make_house": "servers",  # the web server of tests/dashboard, one of a test's own or
    "_shared": "servers",  # the one that tests share
    "chromium_program": "browser",
}
SLOW_S = 10

_too_slow: list[str] = []


@pytest.hookimpl(tryfirst=True)  # before -m chooses among them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        taken = getattr(item, "fixturenames", ())
        for mark in sorted({OF_FIXTURES[name] for name in taken if name in OF_FIXTURES}):
            item.add_marker(mark)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tells tests/serial_writes/sitecustomize.py, here and in child processes, what this test may start."""
    os.environ[MARKS] = " ".join(mark.name for mark in item.iter_markers())
    try:
        return (yield)
    finally:
        os.environ.pop(MARKS, None)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.duration > SLOW_S and "slow" not in report.keywords:
        _too_slow.append(f"{report.duration:.0f} s  {report.nodeid}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _too_slow:  # a remark, not a failure: the machine may have been busy
        terminalreporter.section(f"over {SLOW_S} s without the mark slow")
        for line in _too_slow:
            terminalreporter.line(line)
