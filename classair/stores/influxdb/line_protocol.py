"""InfluxDB's line protocol: readings, rollups, switches and received numbers as points, and readings back from rows."""

from __future__ import annotations

from typing import Any, Final

from classair.model import BAD_CLASS_NAMES, QUANTITIES, Bucket, Flag, Reading, SwitchEvent
from classair.stores import Rollup, Series
from classair.stores.sqlite.rows import read_marks, write_marks
from classair.units import DAY_MS

RAW: Final = "air"
SWITCH: Final = "switch"
RECEIVED: Final = "received"
CARRIED: Final = "carried"
VERSION: Final = "day_version"
REJECTED: Final = "rejected"
NS_PER_MS: Final = 1_000_000
FIRST_MS: Final = -9_223_372_036_854 + 1
LAST_MS: Final = 9_223_372_036_854 - 1
"""Moments that a nanosecond timestamp of eight bytes can say: the years 1677 to 2262."""


def timestamp(at_ms: int, seq: int) -> int:
    """Nanoseconds: the running number tells apart readings of one millisecond, and writing twice stays once."""
    return at_ms * NS_PER_MS + seq % NS_PER_MS


def _tag(text: str) -> str:
    # A backslash stands for itself there, except before one of these.
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ").replace("\n", "\\n")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def _tags(series: Series) -> str:
    site = series.sensor.partition(".")[0]
    # In the order of their names, which spares the server sorting them. An empty tag cannot be written.
    parts = (
        ("room", series.room),
        ("sensor", series.sensor),
        ("simulated", "true" if series.simulated else "false"),
        ("site", site),
    )
    return ",".join(f"{name}={_tag(value)}" for name, value in parts if value)


def raw(reading: Reading) -> str:
    """Values are always floats and counters always integers: a field's type is fixed by whoever writes it first."""
    fields = [f"{key}={float(value)!r}" for key, value in reading.values.items()]
    fields += [
        f"seq={reading.seq}i",
        f"n={reading.n}i",
        f"flags={int(reading.flags)}i",
        f"interval_s={float(reading.interval_s)!r}",
        f"late={'true' if reading.late else 'false'}",
        f"bridge={_text(reading.bridge)}",
        f"epoch={_text(reading.epoch)}",
        f"clock={_text(reading.clock)}",
        # Written even when empty: a point written again keeps the fields it is not given.
        f"vflags={_text(write_marks(reading.value_flags) or '')}",
    ]
    series = Series(reading.sensor, reading.room, reading.simulated)
    return f"{RAW},{_tags(series)} {','.join(fields)} {timestamp(reading.at_ms, reading.seq)}"


def rollup(grain: str, of: Rollup) -> str:
    fields = []
    for key, bucket in of.buckets.items():
        fields += [f"{key}_n={bucket.n}i", f"{key}_sum={float(bucket.sum)!r}", f"{key}_suspect={bucket.suspect}i"]
        fields.append(f"{key}_covered={bucket.covered_ms}i")
        fields += [f"{key}_{name}={bucket.bad.get(name, 0)}i" for name in BAD_CLASS_NAMES]
        if bucket.low is not None and bucket.high is not None:
            fields += [f"{key}_low={bucket.low!r}", f"{key}_high={bucket.high!r}"]
    return f"{RAW}_{grain},{_tags(of.series)} {','.join(fields)} {of.start_ms * NS_PER_MS}"


def switch(event: SwitchEvent) -> str:
    state = -1 if event.on is None else int(event.on)
    return (
        f"{SWITCH},purifier={_tag(event.purifier)} state={state}i,reason={_text(event.reason)},"
        f"simulated={'true' if event.simulated else 'false'} {event.at_ms * NS_PER_MS}"
    )


def received(bridge: str, epoch: str, seq: int) -> str:
    """A sequence number that has been dealt with, at that many nanoseconds: a time is the one thing Influx finds."""
    return f"{RECEIVED},bridge={_tag(bridge)},epoch={_tag(epoch)} dealt=1i {seq}"


def version(site: str, day: int, version: int) -> str:
    """The version of a site's local day, at the UTC midnight of the same date."""
    return f"{VERSION},site={_tag(site)} version={version}i {day * DAY_MS * NS_PER_MS}"


def reading_of(row: dict[str, Any]) -> Reading:
    """A row of `select * from air`, as named columns, with time in nanoseconds."""
    return Reading(
        sensor=row["sensor"],
        bridge=row["bridge"],
        epoch=row["epoch"],
        seq=row["seq"],
        at_ms=row["time"] // NS_PER_MS,
        values={key: float(row[key]) for key in QUANTITIES if row.get(key) is not None},
        interval_s=float(row["interval_s"]),
        n=row["n"],
        clock=row["clock"],
        flags=Flag(row["flags"]),
        value_flags=read_marks(row.get("vflags")),
        room=row.get("room") or "",
        simulated=row["simulated"] == "true",
        late=bool(row["late"]),
    )


def switch_of(row: dict[str, Any]) -> SwitchEvent:
    state = row["state"]
    return SwitchEvent(
        row["purifier"],
        row["time"] // NS_PER_MS,
        None if state < 0 else bool(state),
        row["reason"],
        bool(row["simulated"]),
    )


def bucket_of(bucket: Bucket, row: dict[str, Any], key: str) -> None:
    """Fills in what the sums of a rollup's fields say."""
    bucket.suspect = int(row.get("suspect") or 0)
    bucket.bad = {name: int(row[name]) for name in BAD_CLASS_NAMES if row.get(name)}
    if row.get("n"):
        scale = QUANTITIES[key].scale
        bucket.n = int(row["n"])
        # What was added up are whole steps; rounding takes away the noise of adding them as floats.
        bucket.sum = round(row["sum"] * scale) / scale
        bucket.covered_ms = int(row.get("covered") or 0)
        bucket.low, bucket.high = float(row["low"]), float(row["high"])


def carried(journal: str, position: int, at_ms: int) -> str:
    """How far a journal had been carried; one point a day, as some servers refuse points older than they keep."""
    return f"{CARRIED},journal={_tag(journal)} position={position}i {at_ms // DAY_MS * DAY_MS * NS_PER_MS}"


def rejected(room: str, sensor: str, points: int, why: str, at_ms: int) -> str:
    """How many points of a sensor the server refused, noted where readers find it; 0: none any more."""
    tags = ",".join(f"{name}={_tag(value)}" for name, value in (("room", room), ("sensor", sensor)) if value)
    return f"{REJECTED},{tags} points={points}i,why={_text(why)} {at_ms // DAY_MS * DAY_MS * NS_PER_MS}"
