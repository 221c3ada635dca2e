"""A clock that stands until a test moves it, for the desk's accounts, sessions and phones."""

from __future__ import annotations

import pytest

SECRET = "four unrelated words here"


class Clock:
    now = 1_795_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
