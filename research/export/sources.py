"""What packages are made from: the store, the archive, readings.db and the configuration of one data folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from classair.config import Config
from classair.model import Missing, SwitchEvent
from classair.places import Places
from classair.science.corrections import Corrections
from classair.stores import Store, StoreAway, open_store
from classair.stores.corrections import accepted_corrections
from classair.stores.deployments import Deployment, deployments
from classair.stores.events import SchoolEvent, noted_events
from classair.stores.identities import Identity, identities
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import Timetable
from classair.units import DAY_MS
from research.archive import MANIFEST, Entry, manifest_of
from research.export.request import Request
from research.selection import Selection, SelectionRefused


@dataclass(frozen=True, slots=True)
class Sources:
    """`readings` is readings.db, which has deployments, corrections, events and the gap ledger whatever `store:` says.

    Every question raises StoreAway.
    """

    store: Store
    config: Config
    readings: Path
    archive: Path
    _timetables: dict[str, Timetable | None] = field(default_factory=dict, compare=False, repr=False)
    _manifests: dict[str, tuple[int, dict[date, Entry]]] = field(default_factory=dict, compare=False, repr=False)
    _measured: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict, compare=False, repr=False)

    def sites(self, selection: Selection) -> list[str]:
        return sorted({room.partition(".")[0] for room in selection.rooms})

    def check(self, request: Request) -> None:
        """Raises SelectionRefused for rooms that nobody knows."""
        rooms = set(self.store.rooms()) | {room for room, _ in self.config.rooms()}
        unknown = [room for room in request.selection.rooms if room not in rooms]
        if unknown:
            raise SelectionRefused([f"rooms: unknown room {unknown[0]!r}; known: {', '.join(sorted(rooms)[:12])}"])

    def versions(self, selection: Selection) -> dict[str, dict[date, int]]:
        """The version of each site-day that has data, as it is now."""
        return {
            site: self.store.versions(site, selection.first, selection.last + timedelta(days=1))
            for site in self.sites(selection)
        }

    def sensors(self, selection: Selection) -> list[str]:
        """Every sensor that has measured in one of the rooms, at any time, or stands there."""
        found = {sensor for room in selection.rooms for sensor in self.store.sensors(room)}
        found |= {one.sensor for one in self.deployments(selection)}
        return sorted(found)

    def measured(self, selection: Selection) -> dict[str, dict[str, int]]:
        """Of each sensor the quantities asked for that it has measured by the end of the selection, in whatever room,
        and since when: the start of the first local day, UTC ms. A quantity that is absent was never measured, which is
        another thing than readings that are lost."""
        if selection.id not in self._measured:
            found: dict[str, dict[str, int]] = {sensor: {} for sensor in self.sensors(selection)}
            for room in self.store.rooms():
                for sensor in set(self.store.sensors(room)) & found.keys():
                    for quantity in selection.quantities:
                        days = self.store.series(room, quantity, 0, selection.end_ms, DAY_MS, sensor)
                        if days:
                            known = found[sensor].get(quantity, days[0].start_ms)
                            found[sensor][quantity] = min(known, days[0].start_ms)
            self._measured[selection.id] = found
        return self._measured[selection.id]

    def simulated(self, site: str) -> bool:
        return site in self.config.sites and self.config.site_simulated(site)

    def timetable(self, room: str) -> Timetable | None:
        if room not in self._timetables:
            self._timetables[room] = self.config.timetable_of(room) if self.config.has_room(room) else None
        return self._timetables[room]

    def archived(self, site: str, day: date, version: int | None = None) -> Path | None:
        """The archive's file of a day, in this very version if one is named. Raises ArchiveFault."""
        path = self.archive / site / MANIFEST
        at = path.stat().st_mtime_ns if path.exists() else 0
        if self._manifests.get(site, (-1, {}))[0] != at:  # years of days are not read anew for each of them
            self._manifests[site] = at, manifest_of(self.archive, site)
        entry = self._manifests[site][1].get(day)
        if entry is None or version not in (None, entry.version):
            return None
        file = self.archive / site / entry.file
        return file if file.is_file() else None

    # -- what stands beside the numbers --------------------------------------------------------------------------------

    def corrections(self) -> Corrections:
        return accepted_corrections(self.readings)

    def deployments(self, selection: Selection) -> list[Deployment]:
        """Every stay in one of the rooms that touches the days asked for."""
        return [
            one
            for one in deployments(self.readings)
            if one.room in selection.rooms
            and one.from_ms < selection.end_ms
            and (one.to_ms is None or one.to_ms > selection.start_ms)
        ]

    def identities(self, selection: Selection) -> list[Identity]:
        """What the sensors of the selection have said that they are, by the end of its days."""
        known = set(self.sensors(selection))
        return [one for one in identities(self.readings) if one.sensor in known and one.from_ms < selection.end_ms]

    def events(self, selection: Selection) -> list[SchoolEvent]:
        """What was noted for the rooms, or for their whole schools."""
        return [
            one
            for site in self.sites(selection)
            for one in noted_events(self.readings, selection.start_ms, selection.end_ms, site=site)
            if not one.room or one.room in selection.rooms
        ]

    def switches(self, selection: Selection) -> list[SwitchEvent]:
        """Of every purifier in the rooms, each preceded by the state in force when the days begin."""
        units = sorted(
            {unit for room in selection.rooms if self.config.has_room(room) for unit in self.config.purifiers_in(room)}
        )
        return [event for unit in units for event in self.store.switches(unit, selection.start_ms, selection.end_ms)]

    def missing(self, selection: Selection) -> list[Missing]:
        """Lines of the gap ledger of the rooms' sensors."""
        if not self.readings.exists():
            return []
        ledger = SqliteStore(self.readings, readonly=True)
        try:
            return [
                line
                for sensor in self.sensors(selection)
                for line in ledger.missing_lines(sensor, selection.start_ms, selection.end_ms)
            ]
        finally:
            ledger.close()

    def aside(self, request: Request) -> dict[str, str]:
        """A digest of each thing that the versions of days do not speak of: when one differs, so may the package."""
        chosen, corrections = request.selection, self.corrections()
        settings = {
            "org": self.config.org,
            "sites": {
                site: self.config.sites[site].model_dump(mode="json", include={"name", "position", "data"})
                for site in self.sites(chosen)
                if site in self.config.sites
            },
            "rooms": {
                room: self.config.room(room).model_dump(
                    mode="json", include={"name", "outdoor", "position", "floor", "volume_m3", "capacity"}
                )
                for room in chosen.rooms
                if self.config.has_room(room)
            },
            "simulated": [site for site in self.sites(chosen) if self.simulated(site)],
            "sensors": {
                sensor: entry.model_dump(mode="json", include={"model", "identity", "serial", "height_m"})
                for sensor, entry in self.config.sensors()
                if sensor.partition(".")[0] in self.sites(chosen)
            },
            "lessons": {
                room: [[str(span) for span in table.lesson_spans(day)] for day in chosen.days()]
                for room in chosen.rooms
                if (table := self.timetable(room)) is not None
            },
        }
        return {
            name: _digest(what)
            for name, what in (
                ("corrections", [repr(one) for one in corrections.accepted]),
                ("deployments", [repr(one) for one in self.deployments(chosen)]),
                ("events", [repr(one) for one in self.events(chosen)]),
                ("identities", [repr(one) for one in self.identities(chosen)]),
                ("measured", self.measured(chosen)),
                ("settings", settings),
            )
        }


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


@contextmanager
def opened(places: Places, config: Config) -> Iterator[Sources]:
    """The sources of a data folder, for reading. Raises StoreAway."""
    if not places.readings.exists() and config.store == "sqlite":
        raise StoreAway(f"{places.readings} does not exist")
    store = open_store(config.store, places, readonly=True)
    try:
        yield Sources(store, config, places.readings, places.archive)
    finally:
        store.close()
