"""The pieces a package is put together from, in order; each can be kept on disk, so that nothing is done twice."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc as ipc

from classair.science.corrections import Corrections
from research.export import Cancelled
from research.export.averaged import room_days
from research.export.readings import site_day
from research.export.request import Request
from research.export.sources import Sources

_TRIES: Final = 3
"""How often a piece is read again when its days changed meanwhile."""

Versions = dict[str, dict[str, int]]
"""By school and local day (ISO 8601)."""

Progress = Callable[[int, int, int], None]
"""Told pieces done, pieces there are, rows so far."""


@dataclass(frozen=True, slots=True)
class Part:
    """Single readings of a school's day, or means of a room (`room`) over at most a calendar month."""

    number: int
    site: str
    first: date
    last: date
    room: str = ""


@dataclass(slots=True)
class Made:
    """A piece: its rows and the versions of the days they were read from.

    `unsettled`: days whose data went on changing while they were read, such as a school's today.
    """

    table: pa.Table
    versions: Versions
    unsettled: list[str] = field(default_factory=list)


def plan(sources: Sources, request: Request) -> list[Part]:
    """By school and day, or by room and month; days without data are left out. Raises StoreAway."""
    chosen = request.selection
    places: list[tuple[str, date, date, str]] = []
    if not chosen.step_ms:
        for site, days in sources.versions(chosen).items():
            places += [(site, day, day, "") for day in sorted(days)]
    else:
        places = [
            (room.partition(".")[0], first, last, room)
            for room in chosen.rooms
            for first, last in _months(chosen.first, chosen.last)
        ]
    return [Part(number, *place) for number, place in enumerate(places)]


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = (first.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        yield first, min(end, last)
        first = end + timedelta(days=1)


def make(sources: Sources, request: Request, corrections: Corrections, part: Part) -> Made:
    """Reads one piece. Raises StoreAway, SelectionRefused, ArchiveFault, ExportFault."""
    if not part.room:
        table, version = site_day(sources, request, part.site, part.first)
        return Made(table, {part.site: {part.first.isoformat(): version}})
    before = versions(sources, part)
    for _ in range(_TRIES):
        table = room_days(sources, request, corrections, part.room, part.first, part.last)
        after = versions(sources, part)
        if before == after:
            return Made(table, {part.site: before})
        last, before = before, after
    changed = sorted(day for day in {*last, *after} if last.get(day) != after.get(day))
    return Made(table, {part.site: last}, [f"{part.site} {day}" for day in changed])


def versions(sources: Sources, part: Part) -> dict[str, int]:
    """Of the days of a piece, as they are now."""
    found = sources.store.versions(part.site, part.first, part.last + timedelta(days=1))
    return {day.isoformat(): version for day, version in found.items()}


@dataclass(slots=True)
class Pieces:
    """Goes through every piece once; with a folder, what was kept there is used where its days are as they were.

    `stop` is asked before each; when it says so, Cancelled is raised. After the last, `versions` and `unsettled` hold
    what was used, `rows` how many rows there were.
    """

    sources: Sources
    request: Request
    kept: Path | None = None
    progress: Progress = lambda _done, _of, _rows: None
    stop: Callable[[], bool] = lambda: False
    rows: int = 0
    reused: int = 0
    versions: Versions = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[pa.Table]:
        corrections = self.sources.corrections()
        parts = plan(self.sources, self.request)
        for part in parts:
            if self.stop():
                raise Cancelled
            made = self._kept(part) or self._make(corrections, part)
            self.rows += made.table.num_rows
            for site, days in made.versions.items():
                # Rooms of one school share their days; a day that moved on between two of them is unsettled.
                known = self.versions.setdefault(site, {})
                self.unsettled |= {
                    f"{site} {day}" for day, version in days.items() if known.setdefault(day, version) != version
                }
            self.unsettled |= set(made.unsettled)
            self.progress(part.number + 1, len(parts), self.rows)
            if made.table.num_rows:
                yield made.table

    def _make(self, corrections: Corrections, part: Part) -> Made:
        made = make(self.sources, self.request, corrections, part)
        if self.kept is not None:
            self.kept.mkdir(parents=True, exist_ok=True)
            file = self.kept / f"{part.number:06d}.arrow"
            fresh = file.with_suffix(".new")
            with ipc.new_file(
                fresh, made.table.schema, options=ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
            ) as writer:
                writer.write_table(made.table)
            fresh.replace(file)
            # Only now does the piece count. Its checksum says that all of it reached the disk, which nobody waits for.
            said = {**self._record(made), "crc32": zlib.crc32(file.read_bytes())}
            fresh.write_text(json.dumps(said), "utf-8")
            fresh.replace(file.with_suffix(".json"))
        return made

    def _record(self, made: Made) -> dict[str, Any]:
        return {
            "request": self.request.id,
            "versions": made.versions,
            "unsettled": made.unsettled,
            "measured": self.sources.measured(self.request.selection),
            "rows": made.table.num_rows,
        }

    def _kept(self, part: Part) -> Made | None:
        if self.kept is None:
            return None
        file = self.kept / f"{part.number:06d}.arrow"
        try:
            told = json.loads(file.with_suffix(".json").read_bytes())
            now = {part.site: versions(self.sources, part)}
            if told["request"] != self.request.id or told["versions"] != now or told["unsettled"]:
                return None
            if told["measured"] != self.sources.measured(self.request.selection):
                return None
            if told["crc32"] != zlib.crc32(file.read_bytes()):
                return None
            with pa.OSFile(str(file)) as source:
                table = ipc.open_file(source).read_all()
        except (OSError, ValueError, KeyError, pa.ArrowException):
            return None
        if table.num_rows != told["rows"]:
            return None
        self.reused += 1
        return Made(table, told["versions"])
