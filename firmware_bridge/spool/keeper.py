"""Commits the spool on a thread of its own, so that a slow disk never delays a live reading.

Four times a second, and at once when somebody waits for the word that a reading is on disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing, suppress
from typing import Final

from firmware_bridge.spool.contents import is_sound, suspect
from firmware_bridge.spool.receipt import Receipt
from firmware_bridge.spool.spool import Spool

log = logging.getLogger(__name__)

COMMIT_EVERY_S: Final = 0.25
LOOK_AGAIN_S: Final = 60.0  # for room to take blocks of an earlier version apart


class Keeper:
    """`alive` is False once the thread has ended by a fault: then the process should end and be started anew."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._stop, self._wanted = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[Receipt] = []
        self._damage, self._unpack_at = "", 0.0
        self.moved_at = time.monotonic()  # a commit that fails is progress, one that hangs is not
        self._checking = threading.Thread(target=self._check, name="spool-check", daemon=True)
        self._thread = threading.Thread(target=self._keep, name="spool", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._checking.start()

    @property
    def fault(self) -> str:
        """Why the disk refuses, without its path; empty when all is well."""
        return self._spool.storage.removeprefix(f"{self._spool.path}: ")

    def settle(self, receipt: Receipt) -> None:
        """Answers it when what was appended before is on disk. From any thread."""
        with self._lock:
            self._waiting.append(receipt)
        self._wanted.set()

    def stop(self) -> None:
        self._stop.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(2)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _keep(self) -> None:
        while not self._stop.is_set():
            self._wanted.wait(COMMIT_EVERY_S)
            self._wanted.clear()
            try:
                self._round()
                self.moved_at = time.monotonic()
            except Exception:  # a damaged file: a new start looks it over and moves it aside
                log.critical("spool_unusable path=%s", self._spool.path, exc_info=True)
                with suppress(OSError):
                    suspect(self._spool.path).touch()
                return

    def _check(self) -> None:
        """Reads the whole file once, beside everything else: opening it does not wait for that."""
        try:
            with closing(sqlite3.connect(f"file:{self._spool.path}?mode=ro", uri=True)) as db:
                db.set_progress_handler(self._stop.is_set, 10_000)
                verdict = is_sound(db)
        except sqlite3.OperationalError as error:  # stopped, or the disk fails, which is told elsewhere
            log.info("spool_check_ended path=%s error=%s", self._spool.path, error)
        except sqlite3.DatabaseError as error:
            self._damage = str(error)
        else:
            self._damage = "" if verdict == "ok" else verdict

    def _round(self) -> None:
        if self._damage:
            raise sqlite3.DatabaseError(self._damage)
        now = time.monotonic()
        if now >= self._unpack_at:
            self._unpack_at = now + (COMMIT_EVERY_S if self._spool.unpack() else LOOK_AGAIN_S)
        with self._lock:
            waiting, self._waiting = self._waiting, []
        kept, later = self._spool.commit(), []
        for receipt in waiting:
            if 0 < receipt.seq <= self._spool.dropped:
                receipt.refused("memory was full while the disk could not be written", lost=True)
            elif kept:
                receipt.kept()
            elif receipt.patient:
                later.append(receipt)
            else:
                receipt.refused(self.fault or "the disk cannot be written")
        if later:
            with self._lock:
                self._waiting[:0] = later
