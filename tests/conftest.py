"""What holds for every test: its neighbours (tests/neighbours), the guard over serial lines, and its marks.

A program that is not installed skips the test and says which; in CI (environment CI=true) that is a failure instead.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import hypothesis
import pytest

from classair.logs import ToStandardError

pytest_plugins = [
    "tests.neighbours.programs",
    "tests.neighbours.servers",
    "tests.neighbours.browser",
    "tests.neighbours.marks",
    "tests.neighbours.sampling",
    "tests.neighbours.networks",
    # Whatever any test writes to a serial line is judged at the end.
    "tests.serial_writes.serial_guard",
]

# How long an example takes says more of the machine than of the code: speed is looked at in benchmarks/.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def _services_log_in_their_own_test() -> Iterator[None]:
    """A service run inside a test sets logging up for the whole process; the next test is not to see its lines."""
    yield
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, ToStandardError)]:
        root.removeHandler(handler)
