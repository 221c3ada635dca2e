"""What researchers ask of the past beside `queries`: tables, single readings, deployments, corrections, events."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from classair.config import Config
from classair.model import Bucket, Reading
from classair.science.corrections import Corrections
from classair.stores import Store, StoreAway
from classair.stores.corrections import accepted_corrections
from classair.stores.deployments import Deployment, deployments
from classair.stores.events import SchoolEvent, noted_events
from classair.units import MINUTE_MS
from dashboard.access.reach import NotCovered
from dashboard.queries.daily import day_means
from dashboard.queries.flagged import FlaggedRange, stretches
from dashboard.queries.rooms import RangeRefused, StoreUnavailable
from dashboard.queries.row_cache import RowCache
from dashboard.queries.sight import SeesAll, Sight
from research.mean_columns import MeanColumns
from research.means import MeanRow, MeansReader
from research.pages import Place, page
from research.selection import Selection

if TYPE_CHECKING:
    from research.mean_columns import Floats

MAX_STEPS: Final = 800_000
"""Steps of all rooms and quantities that one question may be about; more needs an export."""

MAX_STRETCHES: Final = 20_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a selection, in order, and the versions of its site-days: same versions, same numbers.

    `day_means` beside each of `parts`, where asked for. `more`: rows follow. `until_ms`: the minute up to which time is
    counted, where the selection reaches beyond it.
    """

    selection: Selection
    parts: list[MeanColumns]
    day_means: list[Floats | None]
    more: bool
    versions: dict[str, dict[date, int]]
    until_ms: int | None = None

    @property
    def next(self) -> Place | None:
        """What the next page comes after."""
        if not self.more or not self.parts:
            return None
        last = self.parts[-1]
        return Place(int(last.start_ms[-1]), last.room, last.sensor, last.quantity)

    @property
    def data_id(self) -> str:
        return data_id(self.selection, self.versions, self.until_ms)


def data_id(selection: Selection, versions: Mapping[str, Mapping[date, int]], until_ms: int | None = None) -> str:
    """Names the selection together with the state of the data it is answered from."""
    said: dict[str, Any] = {
        site: {day.isoformat(): v for day, v in days.items()} for site, days in sorted(versions.items())
    }
    said |= {"until_ms": until_ms} if until_ms is not None else {}
    text = selection.canonical() + json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:16]


class Research:
    """`readings` is readings.db, which holds deployments, corrections and events whatever `store:` says.

    `now_ms`: the present, for steps in progress; without it each counts whole.
    Everything is synchronous and may wait for a disk. Raises SelectionRefused, RangeRefused, StoreUnavailable.
    """

    def __init__(
        self,
        store: Callable[[], Store | None],
        config: Callable[[], Config],
        readings: Path,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._store, self._config, self._readings, self._now_ms = store, config, readings, now_ms
        self._sight: Sight = SeesAll()
        self._remembered = _Remembered()

    def seen_by(self, sight: Sight) -> Research:
        """The same, answering only what is seen; rows are remembered for all. Its answers raise NotCovered."""
        other = copy.copy(self)
        other._sight = sight
        return other

    def page(
        self,
        selection: Selection,
        after: Place | None,
        limit: int,
        skip: int = 0,
        day_means_of: Collection[str] = (),
    ) -> Page:
        """At most `limit` rows of a selection behind `after`, without the first `skip` of them.

        `day_means_of`: quantities whose days are to have the mean that may be called AQI.
        """
        self._bounded(selection)
        with self._asked() as store:
            # Before the rows: data that come meanwhile make the next answer differ, never this one's name.
            versions = self._versions(store, selection)
            until, reader = self._until(selection), MeansReader(store, self._config(), self.corrections())
            found, more = page(reader, selection, until, after, limit, skip)
            means = [
                day_means(reader, selection, until, each) if each.quantity in day_means_of else None for each in found
            ]
        return Page(selection, found, means, more, versions, until)

    def as_csv(self, selection: Selection) -> str:
        """Every mean of a selection as an export's data.csv has it: the same columns, the same text.

        Raises ImportError where exports are not installed.
        """
        from research.export.averaged import room_days
        from research.export.columns import columns
        from research.export.request import Request
        from research.export.shapes import as_csv, header
        from research.export.sources import Sources

        self._bounded(selection)
        request = Request(selection=selection)
        written = [header([column.name for column in columns(request)])]
        with self._asked() as store:
            sources = Sources(store, self._config(), self._readings, self._readings.with_name("archive"))
            for room in selection.rooms:
                made = room_days(sources, request, self.corrections(), room, selection.first, selection.last)
                written.append(as_csv(made, millis=False))
        return b"".join(written).decode()

    def by_room(self, selection: Selection) -> dict[tuple[str, str], list[MeanRow]]:
        """The rows of a selection put together for each (room, quantity); what has not changed is not read again.

        Remembered in months, or whole years of days, by the versions of their days: a page that is looked at twice, or
        whose newest day goes on growing, costs what is new. The rows are shared and not to be changed.
        """
        self._bounded(selection)
        with self._asked() as store:
            config = self._config()
            reader = MeansReader(store, config, self.corrections())
            rows = self._remembered.rows_of(config)
            versions = self._versions(store, selection)
            found: dict[tuple[str, str], list[MeanRow]] = {}
            for part in _parts(selection):
                until = self._until(part)
                days = {
                    site: tuple((day, v) for day, v in those.items() if part.first <= day <= part.last)
                    for site, those in versions.items()
                }
                for room in selection.rooms:
                    of_site = days[room.partition(".")[0]]
                    for quantity in selection.quantities:
                        one = part.model_copy(update={"rooms": (room,), "quantities": (quantity,)})

                        def make(one: Selection = one, until: int | None = until) -> list[MeanRow]:
                            return reader.of_room(one.rooms[0], one.quantities[0], reader.asked(one, until))

                        found.setdefault((room, quantity), []).extend(rows.get((one.canonical(), of_site, until), make))
        return found

    def versions(self, selection: Selection) -> dict[str, dict[date, int]]:
        """The version of each site-day that a selection touches."""
        with self._asked() as store:
            return self._versions(store, selection)

    def _bounded(self, selection: Selection) -> None:
        for room in selection.rooms:  # what is remembered would be given without asking the store
            if not self._sight.sees_room(room):
                raise NotCovered(room)
        most = (
            len(selection.rooms)
            * len(selection.quantities)
            * ((selection.end_ms - selection.start_ms) // max(selection.step_ms, 1))
        )
        if selection.step_ms and most > MAX_STEPS:
            raise RangeRefused(f"at least {most} rows; choose a longer step, fewer rooms or days, or an export")

    def _until(self, selection: Selection) -> int | None:
        """The minute that has come, when steps of the selection lie beyond it."""
        now = self._now_ms() if self._now_ms else selection.end_ms
        return now // MINUTE_MS * MINUTE_MS if now < selection.end_ms else None

    @staticmethod
    def _versions(store: Store, selection: Selection) -> dict[str, dict[date, int]]:
        sites = sorted({room.partition(".")[0] for room in selection.rooms})
        return {site: store.versions(site, selection.first, selection.last + timedelta(days=1)) for site in sites}

    def readings(
        self,
        room: str,
        start_ms: int,
        end_ms: int,
        *,
        sensor: str | None,
        after: tuple[int, str, int] | None,
        limit: int,
    ) -> list[Reading]:
        """Single readings of a room in order of (at, sensor, seq), those behind `after`; at most `limit`."""
        first = max(start_ms, after[0]) if after else start_ms
        with self._asked() as store:
            found = (
                r
                for r in store.readings(room, first, end_ms)
                if sensor in (None, r.sensor) and (after is None or (r.at_ms, r.sensor, r.seq) > after)
            )
            return list(islice(found, limit))

    def flagged(self, room: str, start_ms: int, end_ms: int, sensor: str | None) -> list[FlaggedRange]:
        """What is known against a room's values, oldest first; RangeRefused when there are more than MAX_STRETCHES."""
        with self._asked() as store:
            found = list(
                islice(
                    stretches(r for r in store.readings(room, start_ms, end_ms) if sensor in (None, r.sensor)),
                    MAX_STRETCHES + 1,
                )
            )
        if len(found) > MAX_STRETCHES:
            raise RangeRefused(f"more than {MAX_STRETCHES} intervals; choose fewer days or one sensor")
        return sorted(found, key=lambda one: (one.start_ms, one.sensor, one.quantity, one.flag))

    def rollups(
        self,
        room: str,
        quantity: str,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        sensor: str | None,
    ) -> list[Bucket]:
        """Stored buckets as they are, those that begin in start <= t < end; of all sensors pooled, or of one."""
        with self._asked() as store:
            return store.series(room, quantity, start_ms, end_ms, step_ms, sensor)

    def estimates(self, room: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
        """What `classair room` says of a room in a stretch of time. Raises ImportError without [research]."""
        from research.rooms.command import answers, plain

        return [plain(line) for line in self._answers(room, start_ms, end_ms, answers)]

    def estimates_text(self, room: str, start_ms: int, end_ms: int, language: str) -> list[str]:
        """The same in words, a line each. Raises ImportError without [research]."""
        from research.rooms.command import answers, as_text

        return [as_text(line, language) for line in self._answers(room, start_ms, end_ms, answers)]

    def _answers(self, room: str, start_ms: int, end_ms: int, answers: Any) -> list[Any]:
        from research.rooms.command import filter_changes

        with self._asked() as store:
            changes = filter_changes(self._readings, room, end_ms)
            return list(answers(store, self._config(), self.corrections(), room, start_ms, end_ms, changes))

    def ask(self, question: Callable[[Store], T]) -> T:
        """The answer to a question that the store itself is asked."""
        with self._asked() as store:
            return question(store)

    def site_versions(self, site: str, first: date, last: date) -> dict[date, int]:
        """The version of each local day of a site, both ends included; days without data are absent."""
        with self._asked() as store:
            return store.versions(site, first, last + timedelta(days=1))

    def corrections(self) -> Corrections:
        with self._away():
            return accepted_corrections(self._readings)

    def deployments(self) -> list[Deployment]:
        with self._away():
            return [one for one in deployments(self._readings) if self._sight.sees_room(one.room)]

    def events(self, start_ms: int, end_ms: int, site: str | None = None) -> list[SchoolEvent]:
        with self._away():
            found = noted_events(self._readings, start_ms, end_ms, site=site)
        sight = self._sight
        return [one for one in found if (sight.sees_room(one.room) if one.room else sight.touches(one.site))]

    @contextmanager
    def _asked(self) -> Iterator[Store]:
        store = self._store()
        if store is None:
            raise StoreUnavailable("the database is not open yet")
        with self._away():
            yield self._sight.store(store)

    @contextmanager
    def _away(self) -> Iterator[None]:
        try:
            yield
        except StoreAway as away:
            raise StoreUnavailable(str(away)) from away


class _Remembered:
    """Rows that were read, as long as the configuration is the same: timetables may change with it."""

    def __init__(self) -> None:
        self._rows = RowCache()
        self._config: Config | None = None

    def rows_of(self, config: Config) -> RowCache:
        if config is not self._config:
            self._rows.forget()
            self._config = config
        return self._rows


def _parts(selection: Selection) -> Iterator[Selection]:
    """The selection cut at the ends of months; at those of years where days are read as they are stored."""
    by_year = selection.step == "1d" and selection.method == "none" and not selection.lesson
    first = selection.first
    while first <= selection.last:
        following = date(first.year + 1, 1, 1) if by_year or first.month == 12 else date(first.year, first.month + 1, 1)
        yield selection.model_copy(update={"first": first, "last": min(selection.last, following - timedelta(days=1))})
        first = following
