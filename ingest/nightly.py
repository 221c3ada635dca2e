"""What happens once a night: finished days go into the archive; old readings leave the file where that is asked for.

The archive is written by a process of its own, so that ingest never loads what it takes to write Parquet.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from classair.config.settings import Keep
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import ZONE
from ingest.books.books import Books
from research import archive
from research.archive import ArchiveFault

log = logging.getLogger(__name__)

AFTER_MINUTES: Final = 90
"""Minutes behind midnight from which yesterday counts as finished; what comes later is archived the next night."""
AFTER_START_S: Final = 900.0
"""A machine that was off at night does it this long after its start."""
AGAIN_S: Final = 3 * 3600.0
"""Between tries when one failed."""
AHEAD_S: Final = 3600.0
AT_ONCE: Final = 60
"""Days taken out in one night."""
EVER: Final = date(1970, 1, 2)
LAST: Final = date.max


class Nightly(threading.Thread):
    """Idle all day. `trouble` says why the last try failed; `state` is archive_off, archive_waiting, archive_writing
    or the last day done."""

    def __init__(
        self,
        places: Places,
        books: Books,
        do: Callable[[Callable[[], Any]], None],
        keep: Callable[[], Keep],
        caught_up: Callable[[], bool],
        stop: threading.Event,
        now: Callable[[], datetime] = lambda: datetime.now(ZONE),
    ) -> None:
        super().__init__(name="nightly", daemon=True)
        self._places, self._books, self._do = places, books, do
        self._keep, self._caught_up, self._ended, self._now = keep, caught_up, stop, now
        self.trouble = ""
        self.installed = archive.installed()
        self.state = "archive_waiting" if self.installed else "archive_off"
        if not self.installed:
            log.info("archive_disabled missing=pyarrow install=classair[research]")

    def run(self) -> None:
        next_try = time.monotonic() + AFTER_START_S
        while not self._ended.wait(5.0):
            if time.monotonic() < next_try or not self.due():
                continue
            next_try = time.monotonic() + AGAIN_S
            try:
                self.work()
            except Exception as error:
                # Readings are safe in the store; whatever is wrong with the archive is told and tried again.
                log.exception("nightly_failed")
                self.trouble = f"{type(error).__name__}: {error}"

    def due(self) -> bool:
        """Whether the archive is wanted, can be written, and has not been written since yesterday ended."""
        if not (self.installed and self._keep().archive):
            self.state = "archive_off"
            return False
        now = self._now()
        finished = datetime(now.year, now.month, now.day, tzinfo=ZONE) + timedelta(minutes=AFTER_MINUTES)
        if now < finished:
            finished -= timedelta(days=1)
        try:
            last = (self._places.archive / archive.TABLES).stat().st_mtime
        except OSError:
            last = 0.0
        # Written in the future: the clock was wrong then. To write it once more costs little.
        return not finished.timestamp() <= last <= now.timestamp() + AHEAD_S

    def work(self) -> None:
        """Archives, then trims; returns when done or when ingest ends."""
        before, self.state = self.state, "archive_writing"
        try:
            if self._archive():
                self.trouble = ""
                self.state = (self._now().date() - timedelta(days=1)).isoformat()
                self.trim()
                return
        finally:
            if self.state == "archive_writing":
                self.state = before

    def _archive(self) -> bool:
        command = [sys.executable, "-m", "classair", "archive", "--data", str(self._places.root)]
        # Alone in a session, so that Ctrl-C reaches it through us; the machine's other work goes first.
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=_yield_to_others,
        )
        told: list[str] = []
        listening = threading.Thread(target=lambda: told.extend(process.stderr or ()), daemon=True)
        listening.start()
        while process.poll() is None:
            if self._ended.wait(0.2):
                process.kill()
                process.wait()
                return False
        listening.join(5)
        if process.returncode:
            self.trouble = (told[-1].strip() if told else f"classair archive ended with {process.returncode}")[:300]
            log.error("archive_failed code=%d error=%s", process.returncode, self.trouble)
        else:
            log.info("archive_written")
        return process.returncode == 0

    # -- what may go ---------------------------------------------------------------------------------------------------

    def trim(self) -> int:
        """Takes out readings older than `keep: raw` whose day the archive has, verified; returns the days asked for."""
        days = self._keep().raw
        if days is None:
            return 0
        if not self._caught_up():
            log.info("raw_readings_delete_postponed waiting_for=influxdb")
            return 0
        before = self._now().date() - timedelta(days=days)
        asked = 0
        store = SqliteStore(self._places.readings, readonly=True)
        try:
            for site, day, version in trimmable(store, self._places, before, days):
                if asked >= AT_ONCE or self._ended.is_set():
                    break
                self._do(lambda site=site, day=day, version=version: self._take_out(site, day, version))  # type: ignore[misc]
                asked += 1
        finally:
            store.close()
        return asked

    def _take_out(self, site: str, day: date, version: int) -> None:
        removed = self._books.store.trim(site, day, version)
        if removed:
            log.info("raw_readings_deleted site=%s day=%s readings=%d", site, day, removed)


def trimmable(store: SqliteStore, places: Places, before: date, keep: int = 0) -> list[tuple[str, date, int]]:
    """Days of any site before `before` whose file is the one that was verified, in the version the store has now.

    The last `keep` days up to the newest of a site stay whatever our clock says: it may be wrong. A day is looked at
    again after late readings; one that holds no readings is not named.
    """
    found: list[tuple[str, date, int]] = []
    for site in store.sites():
        try:
            entries = archive.manifest_of(places.archive, site)
        except ArchiveFault as fault:
            log.error("raw_readings_delete_refused error=%s", fault)
            continue
        versions = store.versions(site, EVER, LAST)
        newest = max(versions, default=before)
        for day, version in versions.items():
            if day >= before or (newest - day).days < keep:
                continue
            entry = entries.get(day)
            if entry is None or entry.version != version or not store.holds(site, day):
                continue
            path = places.archive / site / entry.file
            if path.is_file() and archive.sha256_of(path) == entry.sha256:
                found.append((site, day, version))
            else:
                log.error("raw_readings_delete_refused file=%s reason=not_verified", path)
        if len(found) >= AT_ONCE:
            break
    return found


def _yield_to_others() -> None:
    os.nice(15)
