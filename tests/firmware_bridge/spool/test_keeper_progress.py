"""Commits that fail are progress, one that hangs is not: what the spool's keeper says of its own movement."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.spool.keeper import Keeper
from firmware_bridge.spool.spool import Spool


@pytest.mark.thorough
def test_commits_that_fail_are_progress_and_one_that_hangs_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., Any]
) -> None:
    spool = Spool.open(tmp_path / "spool.db")
    keeper, hang, inside = Keeper(spool), threading.Event(), threading.Event()
    monkeypatch.setattr(spool, "commit", lambda: False)
    keeper.start()
    before = keeper.moved_at
    wait_for(lambda: keeper.moved_at > before, what="a failing disk is progress")

    def hanging() -> bool:
        inside.set()
        return hang.wait()

    monkeypatch.setattr(spool, "commit", hanging)
    assert inside.wait(60)
    before = keeper.moved_at
    threading.Event().wait(1.0)  # four rounds
    assert keeper.moved_at == before
    hang.set()
    wait_for(lambda: keeper.moved_at > before, what="it moves again")
    keeper.stop()
    spool.close()
