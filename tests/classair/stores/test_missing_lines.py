"""The gap ledger of every store that keeps one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.model import Missing
from classair.stores import GapLedger
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GapLedger]:
    store: Any = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "readings.db")
    yield store
    store.close()


def test_lines_come_back_whole_in_order_and_once(ledger: GapLedger) -> None:
    early = Missing("a.pm", 1000, 2000, 10, "off", "a.pi", True)
    later = Missing("a.pm", 2000, 5000, 30, "unplugged", "a.pi")
    other = Missing("a.co2", 1500, 1600, 1, "silent", "a.pi")
    elsewhere = Missing("ab.pm", 1000, 2000, 10, "off", "ab.pi")
    ledger.write_missing([later, other, elsewhere])
    ledger.write_missing([early, later])
    assert ledger.missing_lines("a.pm", 0, 9000) == [early, later]
    assert ledger.missing_lines("a.pm", 1999, 2000) == [early]
    assert ledger.missing_lines("a.pm", 2000, 2001) == [later]
    assert ledger.missing_lines("a.pm", 5000, 9000) == []
    assert ledger.missing_lines("a.", 0, 9000) == [early, other, later]
