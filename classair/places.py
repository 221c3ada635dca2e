"""The layout of a data folder; the only file that knows the names of files."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """Names of everything under one data folder. Making a folder is left to whoever writes into it."""

    root: Path

    @property
    def readings(self) -> Path:
        """Written by ingest alone: readings, rollups, gaps, deployments, configuration versions, quarantine."""
        return self.root / "readings.db"

    @property
    def ledger(self) -> Path:
        """Written by alerts alone: states as told, commands, overrides, deliveries."""
        return self.root / "ledger.db"

    @property
    def desk(self) -> Path:
        """Written by the dashboard alone: accounts, sessions, tokens, tickets, who follows which room."""
        return self.root / "desk.db"

    def spool(self, bridge: str) -> Path:
        """Written by that bridge alone; `bridge` is `<site>.<id>`."""
        return self.root / "spool" / f"{bridge}.db"

    def blackbox(self, bridge: str) -> Path:
        """The last hours of raw bytes, a folder for each sensor; written by that bridge alone; `<site>.<id>`."""
        return self.root / "blackbox" / bridge

    def sensor_book(self, bridge: str) -> Path:
        """Running hours and when each sensor last spoke, written by that bridge alone; `bridge` is `<site>.<id>`."""
        return self.root / "spool" / f"{bridge}.sensors.json"

    def relays(self, bridge: str) -> Path:
        """Until when its relays are on, written by that bridge alone; `bridge` is `<site>.<id>`."""
        return self.root / "spool" / f"{bridge}.relays.json"

    @property
    def accepted_config(self) -> Path:
        """The configuration version a service saw last, so that it can start when nobody announces one."""
        return self.root / "config" / "accepted.json"

    def bridge_config(self, bridge: str) -> Path:
        """The part of the configuration that a bridge follows; `bridge` is `<site>.<id>`."""
        return self.root / "config" / f"bridge-{bridge}.json"

    @property
    def archive(self) -> Path:
        """A Parquet file for each site and day, written by `classair archive` alone."""
        return self.root / "archive"

    @property
    def exports(self) -> Path:
        """Packages that were asked for on screen, a folder each; kept for two weeks."""
        return self.root / "exports"

    @property
    def device_secrets(self) -> Path:
        """Digests of the secrets with which foreign devices post to a bridge; written by `classair provision`."""
        return self.root / "config" / "device-secrets.json"

    @property
    def link_key(self) -> Path:
        """What the links in messages are signed with; made by alerts, which puts them there."""
        return self.root / "config" / "link-key"

    @property
    def share_key(self) -> Path:
        """What links to reports and tickets are signed with; made by the dashboard."""
        return self.root / "config" / "share-key"

    @property
    def record_key(self) -> Path:
        """What records that leave the school are signed with; made by the dashboard."""
        return self.root / "config" / "record-key"

    @property
    def records(self) -> Path:
        """Signed records, a folder for each request; written by the dashboard alone."""
        return self.root / "records"

    @property
    def photos(self) -> Path:
        """Photos of reported problems, a file each; written by the dashboard alone."""
        return self.root / "photos"

    @property
    def reports(self) -> Path:
        """Reports as they were sent, a folder for each week or month; written by `classair reports` alone."""
        return self.root / "reports"

    @property
    def backup(self) -> Path:
        """How the last backup went: {"at": UTC ms, "ok": bool, "error": text}; written by whoever makes backups."""
        return self.root / "backup.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def configured(self) -> Path:
        """Every command that changed what a sensor keeps, one line of JSON each; written by `classair configure`."""
        return self.logs / "configured.jsonl"

    @property
    def run(self) -> Path:
        """Credentials and the broker's files; readable by the owner only."""
        return self.root / "run"

    @property
    def processes(self) -> Path:
        """What the supervisor knows of the processes it keeps alive; written by it alone."""
        return self.run / "services.json"

    def sim_port(self, sensor: str) -> Path:
        """The link under which the simulator offers a sensor's pseudo-terminal; `sensor` is `<site>.<id>`."""
        return self.root / "sim" / sensor


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Whether nobody else holds this lock file; holds it meanwhile. The system lets go of it when a process dies.

    On a disk that refuses even this file there is no telling, and whoever asks goes on: purifiers must be switched.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("ab")
    except OSError as error:
        log.warning("lock_failed path=%s error=%s", lock, error.strerror)
        yield True
        return
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def write_atomically(path: Path, data: bytes, mode: int = 0o600, *, lasting: bool = True) -> None:
    """Puts `data` at `path` so that after a power cut there is the old file or the new one, never half of one.

    Not `lasting`: nobody needs it after a power cut, and no slow disk is waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several services remember the accepted configuration in one place, perhaps at the same instant.
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
        if lasting:
            sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Makes what was renamed in a folder outlast a power cut."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
