"""What is not well with the system itself, as far as it says so: disks, the ledger, backups, LINE's quota, services.

What the supervisor, the broker and the database say is in alerts/notices.py; here the rest is added, and all of it put
as rules of kind `system` look at it.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from alerts.ledger_schema import Notice
from alerts.notices import SERVICE
from alerts.rules.facts import Trouble
from classair.places import Places
from classair.units import HOUR_MS
from classair.wire import BridgeStatus, ServiceStatus, address

log = logging.getLogger(__name__)

DISK_LOW: Final = 200 * 1024 * 1024  # bytes
LOOK_MS: Final = 60_000
BACKUP_OLD_MS: Final = 48 * HOUR_MS
_INGEST: Final = "ingest"
_MB: Final = 1024 * 1024


class Upkeep:
    """Not thread-safe; called from the loop only. `places` None: there is no data folder to look at."""

    def __init__(self, places: Places | None) -> None:
        self._places = places
        self._since: dict[tuple[str, str], int] = {}
        self._free: dict[str, int] = {}  # whose disk → free bytes
        self._bridges: dict[str, str] = {}  # bridge → why it cannot write
        self._ingest_away = False
        self._looked_at: int | None = None
        self._backup: dict[str, object] | None = None
        self._happened: list[Trouble] = []
        self.channels: dict[str, str] = {}  # what channels say of themselves, such as a quota that ends; by language

    def hear(self, topic: str, payload: bytes) -> None:
        """A retained status of ingest or of a bridge."""
        try:
            where = address(topic)
            if where is not None and where.kind == "bridge" and where.leaf == "status":
                self._bridges[where.full] = BridgeStatus.model_validate_json(payload).storage
            elif topic.endswith(f"/service/{_INGEST}"):
                status = ServiceStatus.model_validate_json(payload)
                self._ingest_away = status.state == "offline"
                free = status.figures.get("disk_free")
                if isinstance(free, int):
                    self._free[_INGEST] = free
        except ValidationError:
            return  # said by Sources

    def only(self, bridges: set[str]) -> None:
        self._bridges = {name: why for name, why in self._bridges.items() if name in bridges}

    def clock_stepped(self, by_ms: int, now: int) -> None:
        self._happened.append(Trouble("clock", "clock", "clock", now, f"{by_ms / 1000:+.0f} s", once=True))
        self._looked_at = None

    def unknown(self) -> set[str]:
        """What nobody has looked at yet since our start, so that it is not over for not being named."""
        return set() if self._free else {"disk_low"}

    def troubles(self, notices: list[Notice], ledger_failing: str, now: int) -> list[Trouble]:
        """All that is not well; what is over already is given once."""
        self._look(now)
        found = [*_noticed(notices), *self._own(ledger_failing, now)]
        served = {trouble.subject for trouble in found if trouble.of == "service"}
        if self._ingest_away and _INGEST not in served:
            found.append(Trouble("service", "died", _INGEST, now))
        held: dict[tuple[str, str], Trouble] = {}
        for trouble in found:
            key = trouble.what, trouble.subject
            # Whoever says it says no since when: it is since we heard it first.
            since = self._since.get(key, now) if trouble.since >= now else trouble.since
            held[key] = replace(trouble, since=since)
        self._since = {key: trouble.since for key, trouble in held.items()}
        happened, self._happened = self._happened, []
        return [*held.values(), *happened]

    def _own(self, ledger_failing: str, now: int) -> Iterator[Trouble]:
        free = min(self._free.values(), default=None)
        if free is not None and free < DISK_LOW:
            yield Trouble("disk", "disk_low", "server", now, str(free // _MB))
        if ledger_failing:
            yield Trouble("disk", "ledger", "alerts", now, ledger_failing[:200])
        for bridge, storage in self._bridges.items():
            if storage:
                yield Trouble("disk", "bridge_disk", bridge, now, storage)
        if self.channels:
            yield Trouble("quota", "quota", "channels", now, details=self.channels)
        yield from self._backed_up(now)

    def _backed_up(self, now: int) -> Iterator[Trouble]:
        """By the marker of whoever makes backups. Where there is none, nobody has set any up: no trouble of ours."""
        if self._backup is None:
            return
        at = self._backup.get("at")
        made = at if isinstance(at, int) else now
        if self._backup.get("ok") is False:
            yield Trouble("backup", "backup_failed", "backup", made, str(self._backup.get("error") or "")[:200])
        elif now - made > BACKUP_OLD_MS:
            yield Trouble("backup", "backup_old", "backup", made)

    def _look(self, now: int) -> None:
        if self._places is None or (self._looked_at is not None and 0 <= now - self._looked_at < LOOK_MS):
            return
        self._looked_at = now
        try:
            self._free["alerts"] = shutil.disk_usage(self._places.root).free
        except OSError:
            self._free.pop("alerts", None)
        self._backup = _read(self._places.backup)


def _noticed(notices: list[Notice]) -> Iterator[Trouble]:
    for notice in notices:
        if notice.what.startswith(SERVICE):
            what = "hung" if notice.detail == "hung" else "died"
            yield Trouble("service", what, notice.subject, notice.at)
        elif notice.what == "broker":
            yield Trouble("broker", "broker", "broker", notice.at)
        elif notice.what == "store":
            yield Trouble("store", "store", "store", notice.at, notice.detail)


def _read(file: Path) -> dict[str, object] | None:
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("backup_marker_unreadable error=%s", type(error).__name__)
        return None
    return found if isinstance(found, dict) else None
