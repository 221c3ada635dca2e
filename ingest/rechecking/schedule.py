"""Keeps settled history judged: every hour the last days, every night the last weeks, by a child process at leisure."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from classair.places import Places
from classair.stores import StoreAway
from classair.units import DAY_MS
from ingest.books.books import Books
from ingest.clock import now_ms
from ingest.rechecking.recheck import Change, apply, pieces

log = logging.getLogger(__name__)

FIRST_AFTER_S: Final = 300.0
EVERY_S: Final = 3600.0
HOURLY_DAYS: Final = 2
NIGHTLY_DAYS: Final = 16  # a fortnight of nights may still turn what a day is known as
NIGHTLY_EVERY: Final = 24  # hours
LONGEST_S: Final = 1800.0


class RecheckSchedule(threading.Thread):
    """Reads what the child says and hands it to the writer in pieces. A failure is said and tried again next hour."""

    def __init__(
        self, places: Places, do: Callable[[Callable[[], Any]], None], books: Callable[[], Books], stop: threading.Event
    ) -> None:
        super().__init__(name="keeping-judged", daemon=True)
        self._places, self._do, self._books, self._ended = places, do, books, stop
        self.changed = 0

    def run(self) -> None:
        pause, rounds = FIRST_AFTER_S, 0
        while not self._ended.wait(pause):
            began = time.monotonic()
            self.round(NIGHTLY_DAYS if rounds % NIGHTLY_EVERY == 0 else HOURLY_DAYS)
            rounds += 1
            pause = max(60.0, EVERY_S - (time.monotonic() - began))

    def round(self, days: int) -> int:
        """One look at the last days; how many changes were handed to the writer."""
        try:
            changes = self._asked_child(days)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            log.warning("recheck_failed error=%s", error)
            return 0
        for piece in pieces(changes):
            self._do(lambda piece=piece: self._apply(piece))  # type: ignore[misc]
        return len(changes)

    def _asked_child(self, days: int) -> list[Change]:
        command = [
            sys.executable,
            "-m",
            "classair",
            "flags",
            "--data",
            str(self._places.root),
            "--print-changes",
            "--from",
            str(now_ms() - days * DAY_MS),
        ]
        child = subprocess.Popen(
            ["nice", "-n", "15", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + LONGEST_S
        try:
            while True:
                try:
                    told, said = child.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    if self._ended.is_set() or time.monotonic() > until:
                        raise
        except BaseException:
            child.kill()
            child.wait()
            raise
        if child.returncode:
            raise ValueError((said.strip() or f"exit code {child.returncode}")[-300:])
        found = []
        for line in told.splitlines():
            known = json.loads(line)
            found.append(
                Change(
                    known["sensor"],
                    tuple(known["quantities"]),
                    known["add"],
                    known["remove"],
                    known["start"],
                    known["end"],
                    known["readings"],
                )
            )
        return found

    def _apply(self, piece: list[Change]) -> None:
        store = self._books().store
        try:
            with store.transaction():
                self.changed += apply(piece, store.reflag)
        except StoreAway:
            log.warning("recheck_postponed changes=%d", len(piece))
