"""A disk that refuses is no hang, one that does not answer is: what the ledger says of its own movement."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.ledger import Ledger


@pytest.mark.thorough
def test_writes_that_fail_are_progress_and_a_write_that_hangs_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., Any]
) -> None:
    ledger, tried, inside, hang = Ledger(tmp_path / "ledger.db"), [], threading.Event(), threading.Event()
    before = ledger.moved_at
    wait_for(lambda: ledger.moved_at > before, what="it moves with nothing to do")

    def refuse(calls: Any, give_up: bool) -> bool:
        tried.append(1)
        return give_up

    monkeypatch.setattr(ledger, "_write", refuse)
    ledger.write("insert into meta values('a', 'b')")
    wait_for(lambda: len(tried) >= 2, what="a second attempt")
    before = ledger.moved_at
    wait_for(lambda: ledger.moved_at > before, what="a failing disk is progress")

    def never(calls: Any, give_up: bool) -> bool:
        inside.set()
        return hang.wait()

    monkeypatch.setattr(ledger, "_write", never)
    assert inside.wait(60)
    stood = ledger.moved_at
    threading.Event().wait(2.5)  # longer than it rests between two looks
    assert ledger.moved_at == stood
    hang.set()
    wait_for(lambda: ledger.moved_at > stood, what="it moves again")
    ledger.close()
