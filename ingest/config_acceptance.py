"""Accepts sensors.yaml: validates, numbers, stores and publishes it; after a faulty edit the old one stays active."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from classair import config as configuration
from classair import offers
from classair.config import Config, ConfigFaults
from classair.config.parts import part_text
from classair.service import Accepted, read_announcement
from classair.wire import MAX_PAYLOAD, ConfigAnnouncement, Topics
from ingest.books.books import Books
from ingest.books.versions import Version

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.5
MAX_REFUSED: Final = 4000  # characters of reasons in an announcement

Publish = Callable[[str, bytes], bool]
"""Publishes retained; False when there is no connection."""


class ConfigAcceptance:
    """The configuration in force. Everything but `current` and `refused` belongs to the writer's thread."""

    def __init__(self, books: Books, env: Mapping[str, str] = os.environ) -> None:
        self._books = books
        self._env = env
        self.current: Accepted | None = None
        self.refused: list[str] = []
        self._to_clear: set[str] = set()
        self._take_up()

    def _take_up(self) -> None:
        """What was in force when the last process ended."""
        last = self._books.versions.newest()
        if last is not None and (accepted := as_accepted(last)) is not None:
            self.current = accepted
            before = self._books.versions.newest(last.version)
            if before is not None and (older := as_accepted(before)) is not None:
                self._to_clear = retained_topics(older.config) - retained_topics(accepted.config)

    def consider(self, text: str | ConfigFaults, now_ms: int) -> bool:
        """The file says this now; True when a new version is in force. Raises StoreAway when it cannot be kept."""
        try:
            if isinstance(text, ConfigFaults):
                raise text
            if self.current is not None and text == self.current.text:
                if self.refused:
                    log.info("config_unchanged version=%d rejected_edit=undone", self.current.version)
                self.refused = []
                return False
            config = offers.parse(text, self._env)
            faults = self._against(text, config)
            moves, reasons = self._books.deployments.plan(config, now_ms, self._books.newest_reading)
            if faults + reasons:
                raise ConfigFaults(faults + reasons)
        except ConfigFaults as faulty:
            self.refused = faulty.faults
            for line in faulty.faults:
                log.error("config_rejected error=%s", line)
            return False
        try:
            with self._books.store.transaction():
                version = self._books.versions.add(text, now_ms)
                self._books.deployments.apply(moves, version.version)
        except BaseException:
            self._books.deployments.read()
            raise
        if self.current is not None:
            self._to_clear |= retained_topics(self.current.config)
        self._to_clear -= retained_topics(config)
        self.current = Accepted(version.version, version.accepted_at, text, config)
        self.refused = []
        log.info(
            "config_accepted version=%d sensors=%d moved=%d",
            version.version,
            sum(1 for _ in config.sensors()),
            len(moves),
        )
        return True

    def _against(self, text: str, config: Config) -> list[str]:
        """What the file may say, but not in this data folder."""
        found: list[str] = []
        if self.current is not None and config.org != self.current.config.org:
            found.append(
                f"org: this data folder belongs to {self.current.config.org}; for another organisation use "
                "a separate folder: classair run --data DIR"
            )
        if len(self._announcement(ConfigAnnouncement(version=2**31, accepted_at=2**50, text=text))) > MAX_PAYLOAD:
            found.append(f"the file is larger than one message can be ({MAX_PAYLOAD // 1024} KiB)")
        for site, settings in config.sites.items():
            kinds = self._books.kinds_of(site)
            for local, sensor in settings.sensors.items():
                if sensor.simulated in kinds or not kinds:
                    continue
                here, there = ("simulated", "a real port") if not sensor.simulated else ("measured", "a simulated port")
                found.append(
                    f"sites.{site}.sensors.{local}.port: {site} has {here} readings in this data folder and "
                    f"{there} cannot be mixed with them. Use a new folder: classair run --data NEW-DIR"
                )
                break
        return found

    # -- telling the others --------------------------------------------------------------------------------------------

    def announce(self, publish: Publish) -> bool:
        """The version in force to everybody, each bridge its part, and clears what nobody speaks for any more."""
        current = self.current
        if current is None:
            return False
        refused = "\n".join(self.refused)[:MAX_REFUSED] or None
        common = {"version": current.version, "accepted_at": current.accepted_at}
        topics = Topics(current.config.org)
        whole = ConfigAnnouncement(**common, text=current.text, refused=refused)
        sent = publish(topics.config, self._announcement(whole))
        for full, _ in current.config.bridges():
            site, _, bridge = full.partition(".")
            part = ConfigAnnouncement(**common, text=part_text(current.text, full))
            sent = publish(topics.bridge(site, bridge, "config"), self._announcement(part)) and sent
        for topic in sorted(self._to_clear):
            sent = publish(topic, b"") and sent
        if sent:
            self._to_clear.clear()
        return sent

    @staticmethod
    def _announcement(told: ConfigAnnouncement) -> bytes:
        return told.model_dump_json(exclude_none=True).encode()


def as_accepted(version: Version) -> Accepted | None:
    """A kept version as configuration, None when this program no longer understands it; secrets stay names."""
    told = ConfigAnnouncement(version=version.version, accepted_at=version.accepted_at, text=version.text)
    return read_announcement(told.model_dump_json().encode())


def retained_topics(config: Config) -> set[str]:
    """Every topic that somebody keeps retained because of this configuration."""
    topics = Topics(config.org)
    found: set[str] = set()
    for site, settings in config.sites.items():
        for bridge in settings.bridges:
            found |= {topics.bridge(site, bridge, leaf) for leaf in ("stored", "status", "config")}
        found |= {topics.room_now(site, room) for room in settings.rooms}
        found |= {topics.sensor_health(site, sensor) for sensor in settings.sensors}
        found |= {topics.purifier_state(site, purifier) for purifier in settings.purifiers}
    return found


def read_file(path: Path) -> str | ConfigFaults:
    """The file's text, or why it has none."""
    try:
        return configuration.read(path)
    except ConfigFaults as faults:
        return faults


class FileWatch(threading.Thread):
    """Notices every change of the configuration and its calendars, and tells what it says once it has come to rest.

    Looks at the file by its name each time: a watch on the file itself goes blind when it is replaced.
    """

    def __init__(self, path: Path, changed: Callable[[str | ConfigFaults], None], stop: threading.Event) -> None:
        super().__init__(name="config-watch", daemon=True)
        self._path, self._changed, self._ended = path, changed, stop
        self._accepted_signature = self._seen = configuration.signature(path)

    def run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            signature = configuration.signature(self._path)
            # A file that changed since the last look may still be in the writing.
            if signature != self._accepted_signature and signature == self._seen:
                self._accepted_signature = signature
                self._changed(read_file(self._path))
            self._seen = signature
