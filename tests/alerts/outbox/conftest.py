from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts import channels
from classair import plugins
from tests.alerts.outbox.posting import Post


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The channel of these tests, found as every other."""
    monkeypatch.setattr(channels, "__path__", [*channels.__path__, str(Path(__file__).parent / "channels")])
    module = plugins.load("alerts.channels", "paper")
    module.PILES.clear()
    module.FAULTS.clear()
    return module


@pytest.fixture
def post(tmp_path: Path, paper: object) -> Iterator[Callable[..., Post]]:
    """`post(*people)` makes an outbox for these lines of sensors.yaml."""
    made: list[Post] = []

    def make(*people: str, now: int | None = None) -> Post:
        made.append(Post(tmp_path, *people, **({} if now is None else {"now": now})))
        return made[-1]

    yield make
    for it in made:
        it.close()
