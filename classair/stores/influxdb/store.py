"""A store on InfluxDB of any generation: line protocol in, InfluxQL out, our own rollups; never the only copy."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from classair.model import BAD_CLASS_NAMES, QUANTITIES, SHOWN, Bucket, Reading, SwitchEvent
from classair.places import Places
from classair.stores import (
    BANGKOK_MS,
    Changes,
    Rollup,
    SensorNewest,
    Series,
    Store,
    StoreAway,
    StoreConflict,
    local_day,
)
from classair.stores.influxdb import line_protocol
from classair.stores.influxdb.server import Server
from classair.stores.sqlite.rollups import KEPT
from classair.stores.steps import grain_for, span_of
from classair.stores.tally import in_steps, tallied
from classair.units import DAY_MS

if TYPE_CHECKING:
    from classair.stores.bucket_columns import BucketColumns

TOKEN_VARIABLE: Final = "CLASSAIR_INFLUX_TOKEN"  # noqa: S105  the name of a variable
ORG_VARIABLE: Final = "CLASSAIR_INFLUX_ORG"

log = logging.getLogger(__name__)

PAGE: Final = 10_000
"""Rows in one answer."""
LOOK_FOR_REJECTED_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class RejectedPoint:
    """A point that the server refused for itself. `room` is empty for the switching of the purifier `sensor`."""

    room: str
    sensor: str
    at_ms: int
    line: str
    reason: str = ""


class InfluxStore:
    """See the Store contract. `token` is `user:password` for 1.x and empty where none is asked for.

    `carry` is the way readings come here in operation: copied from the journal, rollups and all. `write` stands alone,
    for small amounts: it looks up what was received and reads the touched hours back. It cannot be all or none: cut
    short, the same readings written again complete it. A reading the server refuses by itself (StoreConflict) does
    not keep the others of its batch from being stored.
    """

    def __init__(self, url: str, database: str, token: str = "", org: str = "", *, timeout_s: float = 10.0) -> None:
        self._server = Server(url, database, token, org, timeout_s)
        self._lock = threading.Lock()
        self._incomplete: dict[str, str] = {}
        self._incomplete_until = 0.0

    @classmethod
    def of(cls, address: str, token: str = "", org: str = "") -> InfluxStore:
        """From `store:` in sensors.yaml, influxdb://host:port/database or influxdb+https://…; ValueError otherwise."""
        parts = urlsplit(address)
        database = parts.path.strip("/")
        if parts.scheme not in ("influxdb", "influxdb+https") or not parts.hostname or not database:
            raise ValueError(
                f"store: expected influxdb://host:port/database, got {address.partition('@')[2] or address}"
            )
        if parts.username or parts.password:
            raise ValueError("store: remove user and password; set CLASSAIR_INFLUX_TOKEN to user:password instead")
        scheme = "https" if parts.scheme.endswith("https") else "http"
        return cls(f"{scheme}://{parts.hostname}:{parts.port or 8086}", database, token, org)

    # -- writing -------------------------------------------------------------------------------------------------------

    def carry(self, changes: Changes) -> list[RejectedPoint]:
        """Copies what a journal committed, rollups as they are there. Again, or in any order, ends in the same state.

        A point that the server refuses for itself is logged, left out and returned; the journal has it.
        """
        points = [
            RejectedPoint(reading.room, reading.sensor, reading.at_ms, line_protocol.raw(reading))
            for reading in changes.readings
            if _dated(reading)
        ]
        for grain, rollups in (("1m", changes.minutes), ("1h", changes.hours), ("1d", changes.days)):
            points += [
                RejectedPoint(each.series.room, each.series.sensor, each.start_ms, line_protocol.rollup(grain, each))
                for each in rollups
                if each.buckets
            ]
        points += [RejectedPoint("", one.purifier, one.at_ms, line_protocol.switch(one)) for one in changes.switches]
        lines = [point.line for point in points]
        # The versions last: whoever sees a new one finds what it stands for.
        lines += [
            line_protocol.version(site, local_day.number_of(day), version)
            for (site, day), version in changes.versions.items()
        ]
        refused = dict(self._server.send(lines))
        return [replace(point, reason=refused[point.line]) for point in points if point.line in refused]

    def accepts(self, line: str) -> bool:
        """Sends a point that was rejected before once more; whether it is stored now."""
        return not self._server.send([line])

    def note_rejected(self, rejected: Mapping[tuple[str, str], tuple[int, str]], at_ms: int) -> None:
        """Notes for whoever reads this database how many points of (room, sensor) are missing here, and why; 0: none.

        From then on questions about such a room raise StoreAway, because an empty answer would be untrue.
        """
        self._server.send(
            [line_protocol.rejected(room, sensor, n, why, at_ms) for (room, sensor), (n, why) in rejected.items()]
        )
        self._incomplete_until = 0.0

    def _expect_complete(self, room: str) -> None:
        """Raises StoreAway when the server rejected points of this room, which are only in the journal."""
        now = time.monotonic()
        if now >= self._incomplete_until:
            rows = self._server.ask(
                f'select points, why from "{line_protocol.REJECTED}" group by room, sensor order by time desc limit 1'
            )
            self._incomplete = {row["room"]: row["why"] for row in rows if row["points"]}
            self._incomplete_until = now + LOOK_FOR_REJECTED_S
        if room in self._incomplete:
            raise StoreAway(
                f"{self._server.name} rejected readings of {room}: {self._incomplete[room]}; they are kept in "
                "readings.db, see the warning of ingest"
            )

    def mark_carried(self, journal: str, position: int, at_ms: int) -> None:
        """Notes over there how far a journal has been carried; whoever lost the note has lost more."""
        self._server.send([line_protocol.carried(journal, position, at_ms)])

    def carried(self, journal: str) -> int | None:
        """The position noted last, None when there is no note."""
        rows = self._server.ask(
            f'select max(position) as position from "{line_protocol.CARRIED}" where journal={_quoted(journal)}'
        )
        return int(rows[0]["position"]) if rows else None

    def write(self, readings: Iterable[Reading]) -> int:
        with self._lock:
            new = self._unseen([in_steps(reading) for reading in readings])
            if not new:
                return 0
            days = self._days_around(new)
            for reading in new:
                if not _dated(reading):
                    raise StoreConflict(reading, "its time is outside 1677 … 2262, the range of InfluxDB")
                there = days[_series(reading)].setdefault((reading.at_ms, reading.seq), reading)
                if there.key != reading.key:
                    raise StoreConflict(reading, "another reading has its series, time and number")
            refused = dict(self._server.send([line_protocol.raw(reading) for reading in new]))
            kept = [reading for reading in new if not refused or line_protocol.raw(reading) not in refused]
            gone = {reading.key: reading for reading in new if reading not in kept} if refused else {}
            self._server.send(self._rollup_lines(days, gone))
            self._raise({(local_day.site_of(r.sensor), local_day.day_number(r.at_ms)) for r in kept})
            self._server.send([line_protocol.received(*reading.key) for reading in kept])
        if gone:
            first = next(iter(gone.values()))
            raise StoreConflict(first, f"{self._server.name} rejected it: {refused[line_protocol.raw(first)]}")
        return len(kept)

    def _unseen(self, readings: Sequence[Reading]) -> list[Reading]:
        by_epoch: dict[tuple[str, str], dict[int, Reading]] = {}
        for reading in readings:
            by_epoch.setdefault((reading.bridge, reading.epoch), {}).setdefault(reading.seq, reading)
        new: list[Reading] = []
        for (bridge, epoch), group in by_epoch.items():
            seen = {
                row["time"]
                for row in self._server.ask(
                    f'select dealt from "{line_protocol.RECEIVED}" '
                    f"where bridge={_quoted(bridge)} and epoch={_quoted(epoch)} "
                    f"and time >= {min(group)} and time <= {max(group)}"
                )
            }
            new += [reading for seq, reading in group.items() if seq not in seen]
        return new

    def _days_around(self, readings: Sequence[Reading]) -> dict[Series, dict[tuple[int, int], Reading]]:
        """What is stored in the local days these readings fall into, by series, time and number."""
        touched: dict[Series, set[int]] = {}
        for reading in readings:
            touched.setdefault(_series(reading), set()).add(local_day.day_number(reading.at_ms))
        found: dict[Series, dict[tuple[int, int], Reading]] = {}
        for series, days in touched.items():
            found[series] = {}
            for day in sorted(days):
                for reading in self._rows_of(
                    _where_series(series), local_day.start_of(day), local_day.start_of(day + 1)
                ):
                    found[series][reading.at_ms, reading.seq] = reading
        return found

    def _rollup_lines(
        self, days: Mapping[Series, Mapping[tuple[int, int], Reading]], without: Mapping[tuple[str, str, int], Reading]
    ) -> list[str]:
        lines = []
        for series, stored in days.items():
            readings = [reading for reading in stored.values() if reading.key not in without]
            for grain, unit, shift in KEPT:
                wanted = SHOWN if grain == "1m" else tuple(QUANTITIES)
                found = tallied(readings, _floor(unit, shift), wanted)
                lines += [
                    line_protocol.rollup(grain, Rollup(series, start, buckets)) for start, buckets in found.items()
                ]
        return lines

    def write_switches(self, events: Iterable[SwitchEvent]) -> None:
        events = list(events)
        self._server.send([line_protocol.switch(event) for event in events])
        self._raise({(local_day.site_of(event.purifier), local_day.day_number(event.at_ms)) for event in events})

    def _raise(self, touched: set[tuple[str, int]]) -> None:
        lines = []
        for site, day in sorted(touched):
            there = self._versions(site, day, day + 1).get(day, 0)
            lines.append(line_protocol.version(site, day, there + 1))
        self._server.send(lines)

    # -- asking --------------------------------------------------------------------------------------------------------

    def rooms(self) -> list[str]:
        return sorted(
            {row["value"] for row in self._server.ask(f'show tag values from "{line_protocol.RAW}" with key = "room"')}
        )

    def sensors(self, room: str) -> list[str]:
        self._expect_complete(room)
        rows = self._server.ask(
            f'show tag values from "{line_protocol.RAW}" with key = "sensor" where room={_quoted(room)}'
        )
        return sorted({row["value"] for row in rows})

    def interval_at(self, room: str, sensor: str, at_ms: int) -> float | None:
        self._expect_complete(room)
        rows = self._server.ask(
            f'select interval_s from "{line_protocol.RAW}" where room={_quoted(room)} and '
            f"sensor={_quoted(sensor)} and {_between(at_ms, line_protocol.LAST_MS)} order by time limit 1"
        )
        return float(rows[0]["interval_s"]) if rows else None

    def latest(self, room: str) -> list[SensorNewest]:
        self._expect_complete(room)
        newest: dict[str, Reading] = {}
        for row in self._server.ask(
            f'select * from "{line_protocol.RAW}" where room={_quoted(room)} '
            "group by sensor, simulated order by time desc limit 1"
        ):
            reading = line_protocol.reading_of({**row, "room": room})
            there = newest.get(reading.sensor)
            if there is None or (there.at_ms, there.seq) < (reading.at_ms, reading.seq):
                newest[reading.sensor] = reading
        return [SensorNewest(sensor, newest[sensor]) for sensor in sorted(newest)]

    def readings(self, room: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        self._expect_complete(room)
        return self._rows_of(f"room={_quoted(room)}", start_ms, end_ms)

    def _rows_of(self, where: str, start_ms: int, end_ms: int) -> Iterator[Reading]:
        """In order of (at, sensor, seq), fetched in pages that end between two milliseconds."""
        start_ms, end_ms, size = max(start_ms, line_protocol.FIRST_MS), min(end_ms, line_protocol.LAST_MS), PAGE
        while start_ms < end_ms:
            rows = self._server.ask(
                f'select * from "{line_protocol.RAW}" where {where} and {_between(start_ms, end_ms)} '
                f"order by time limit {size}"
            )
            ours = (line_protocol.reading_of(row) for row in rows if row.get("seq") is not None)
            page = sorted(ours, key=lambda r: (r.at_ms, r.sensor, r.seq))
            if len(rows) < size:
                yield from page
                return
            last = rows[-1]["time"] // line_protocol.NS_PER_MS
            if rows[0]["time"] // line_protocol.NS_PER_MS == last:
                size *= 2  # one millisecond alone fills the page
                continue
            yield from (reading for reading in page if reading.at_ms < last)
            start_ms, size = last, PAGE

    def series(
        self, room: str, quantity: str, start_ms: int, end_ms: int, step_ms: int, sensor: str | None = None
    ) -> list[Bucket]:
        self._expect_complete(room)
        grain, _unit = grain_for(quantity, step_ms)
        first, end = span_of(start_ms, end_ms, step_ms)
        first, end = max(first, line_protocol.FIRST_MS), min(end, line_protocol.LAST_MS)
        if first >= end:
            return []
        whose = f" and sensor={_quoted(sensor)}" if sensor is not None else ""
        source = f'from "{line_protocol.RAW}_{grain}" where room={_quoted(room)}{whose} and {_between(first, end)}'
        grouped = f"group by time({step_ms // 1000}s, {-BANGKOK_MS % step_ms // 1000}s) fill(none)"
        counts = ", ".join(f'sum("{quantity}_{name}") as "{name}"' for name in ("suspect", *BAD_CLASS_NAMES))
        buckets: dict[int, dict[str, Any]] = {}
        for row in self._server.ask(
            # Low and high of a bucket that has lost its last valid value stay behind, hence the condition.
            f'select sum("{quantity}_n") as n, sum("{quantity}_sum") as "sum", min("{quantity}_low") as low, '
            f'max("{quantity}_high") as high, sum("{quantity}_covered") as covered '
            f'{source} and "{quantity}_n" > 0 {grouped}; '
            f"select {counts} {source} {grouped}"
        ):
            buckets.setdefault(row["time"] // line_protocol.NS_PER_MS, {}).update(row)
        found = []
        for start in sorted(buckets):
            bucket = Bucket(start)
            line_protocol.bucket_of(bucket, buckets[start], quantity)
            if bucket.n or bucket.bad:
                found.append(bucket)
        return found

    def columns(
        self, room: str, quantity: str, spans: Sequence[tuple[int, int]], step_ms: int, sensor: str | None = None
    ) -> BucketColumns:
        from classair.stores.bucket_columns import of_buckets

        parts = [self.series(room, quantity, start, end, step_ms, sensor) for start, end in spans]
        return of_buckets(quantity, (bucket for part in parts for bucket in part))

    def switches(self, purifier: str, start_ms: int, end_ms: int) -> list[SwitchEvent]:
        source = f'select * from "{line_protocol.SWITCH}" where purifier={_quoted(purifier)}'
        rows = self._server.ask(
            f"{source} and {_between(line_protocol.FIRST_MS, start_ms)} order by time desc limit 1; "
            f"{source} and {_between(start_ms, end_ms)} order by time"
        )
        return [line_protocol.switch_of(row) for row in rows]

    def counts(self, start_ms: int, end_ms: int) -> dict[Series, int]:
        rows = self._server.ask(
            f'select count("seq") as n from "{line_protocol.RAW}" where {_between(start_ms, end_ms)} '
            "group by room, sensor, simulated"
        )
        return {Series(row["sensor"], row["room"], row["simulated"] == "true"): row["n"] for row in rows if row["n"]}

    def versions(self, site: str, start: date, end: date) -> dict[date, int]:
        return {
            local_day.date_of(day): version
            for day, version in self._versions(site, local_day.number_of(start), local_day.number_of(end)).items()
        }

    def _versions(self, site: str, first: int, end: int) -> dict[int, int]:
        rows = self._server.ask(
            f'select version from "{line_protocol.VERSION}" where site={_quoted(site)} '
            f"and {_between(first * DAY_MS, end * DAY_MS)} order by time"
        )
        return {row["time"] // line_protocol.NS_PER_MS // DAY_MS: int(row["version"]) for row in rows}

    def close(self) -> None:
        self._server.close()


def _series(reading: Reading) -> Series:
    return Series(reading.sensor, reading.room, reading.simulated)


def _dated(reading: Reading) -> bool:
    return line_protocol.FIRST_MS <= reading.at_ms < line_protocol.LAST_MS


def _floor(unit: int, shift: int) -> Callable[[int], int]:
    return lambda at_ms: (at_ms + shift) // unit * unit - shift


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _where_series(series: Series) -> str:
    simulated = "true" if series.simulated else "false"
    return f"room={_quoted(series.room)} and sensor={_quoted(series.sensor)} and simulated={_quoted(simulated)}"


def _between(start_ms: int, end_ms: int) -> str:
    first, end = max(start_ms, line_protocol.FIRST_MS), min(end_ms, line_protocol.LAST_MS)
    return f"time >= {first * line_protocol.NS_PER_MS} and time < {end * line_protocol.NS_PER_MS}"


def open_store(address: str, places: Places, *, readonly: bool) -> Store:
    """The token comes from CLASSAIR_INFLUX_TOKEN (for 1.x `user:password`), the organisation from CLASSAIR_INFLUX_ORG.

    Raises ValueError for an address that is none.
    """
    return InfluxStore.of(address, os.environ.get(TOKEN_VARIABLE, ""), os.environ.get(ORG_VARIABLE, ""))
