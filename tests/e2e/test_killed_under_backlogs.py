"""kill -9 of the bridge at random moments while devices bring their backlogs by HTTP and MQTT."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.killed_bridge import Killing


@pytest.mark.slow
def test_everything_that_was_told_to_be_taken_is_stored_once_at_its_own_time(
    broker: Any, tmp_path: Path, chance: random.Random, exhaustive: bool
) -> None:
    killing = Killing(tmp_path, broker.url, chance.randrange(10**6), 100 if exhaustive else 8)
    assert killing.run() == []
    assert killing.figures["told by HTTP"] > 20 and killing.figures["told by MQTT"] > 20
