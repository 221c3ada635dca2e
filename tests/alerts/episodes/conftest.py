"""A town with two schools, its ledger and its desk of smoke episodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from classair.config import Config, parse
from tests.alerts.episodes.town import SCHOOL, Town


@pytest.fixture(scope="session")
def config() -> Config:
    return parse(SCHOOL, {})


@pytest.fixture
def town(tmp_path: Path, config: Config) -> Town:
    return Town(tmp_path / "ledger.db", config)
