"""`classair room`: estimates a room's ventilation, purifier performance and pupils' exposure."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from classair import config as configuration
from classair.arguments import day, shared
from classair.config import Config
from classair.i18n import t
from classair.places import Places
from classair.service import Following, parse_as_follower
from classair.stores import StoreAway, open_store
from classair.timetable import ZONE, to_ms
from research.rooms.cleaning import cleaning
from research.rooms.estimate import Estimate
from research.rooms.exposure import Exposure, avoided, exposure
from research.rooms.infiltration import infiltration, ratio
from research.rooms.minutes import Minutes, minutes
from research.rooms.ventilation import OUTDOOR_PPM, from_decays, from_lessons

LONGEST = timedelta(days=400)


def main(argv: list[str]) -> int:
    """0 when it could be worked out (also when the answer is "cannot tell"), 2 when not."""
    parser = argparse.ArgumentParser(
        prog="classair room",
        description="estimate a room's ventilation and purifier performance",
        parents=[shared("--data", "--config", "--language")],
    )
    parser.add_argument("room", metavar="SITE.ROOM", help="room in sensors.yaml")
    parser.add_argument(
        "--from",
        dest="first",
        type=day,
        metavar="DAY",
        help="first local day (default: 29 days before the last)",
    )
    parser.add_argument("--to", dest="last", type=day, metavar="DAY", help="last local day, inclusive (default: today)")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    args = parser.parse_args(argv)
    last = args.last or datetime.now(ZONE).date()
    first = args.first or last - timedelta(days=29)
    if not first <= last <= first + LONGEST:
        parser.error(f"--from must not be after --to, and the range must not exceed {LONGEST.days} days")
    places = Places(args.data.resolve())
    try:
        config = in_force(places, args.config)
        if not config.has_room(args.room):
            known = ", ".join(room for room, _ in config.rooms())
            parser.error(f"{args.room!r} is not in the configuration; known: {known}")
        store = open_store(config.store, places, readonly=True)
        try:
            start, end = (
                to_ms(datetime.combine(day, datetime.min.time(), ZONE)) for day in (first, last + timedelta(days=1))
            )
            measured = minutes(store, config, args.room, start, end)
        finally:
            store.close()
    except (configuration.ConfigFaults, StoreAway) as fault:
        print(f"classair room: {fault}", file=sys.stderr)
        return 2
    for line in lines(measured, config.room(args.room).volume_m3):
        print(
            json.dumps({"room": args.room, "from": first.isoformat(), "to": last.isoformat(), **plain(line)})
            if args.json
            else _as_text(line, args.language)
        )
    return 0


def in_force(places: Places, file: Path) -> Config:
    """The configuration this data folder follows, else the file's. Raises ConfigFaults."""
    known = Following(places.accepted_config).current
    return known.config if known is not None else parse_as_follower(configuration.read(file))


def lines(room: Minutes, volume_m3: float | None) -> Iterator[Estimate | Exposure]:
    """Everything that can be asked of a room, in one order."""
    outside = np.where(np.isfinite(room.outdoor_co2), room.outdoor_co2, OUTDOOR_PPM)
    yield from_decays(room.start_ms, room.co2, room.occupied, outside, when="break")
    yield from_decays(room.start_ms, room.co2, room.occupied, outside, when="after_school")
    yield from_lessons(room.start_ms, room.co2, room.occupied, outside)
    yield ratio(room.start_ms, room.pm25, room.outdoor_pm25)
    yield infiltration(room.start_ms, room.pm25, room.outdoor_pm25, room.occupied, room.purifier)
    yield exposure(room.pm25, room.lesson)
    if volume_m3 is not None:
        found = cleaning(room.start_ms, room.pm25, room.outdoor_pm25, room.purifier, volume_m3)
        yield found.clean_air
        yield avoided(found, room.pm25, room.outdoor_pm25, room.purifier, room.lesson)


def plain(line: Estimate | Exposure) -> dict[str, Any]:
    """As JSON has it; `value` or `mean` None means "cannot tell"."""
    kind = {"quantity": "exposure", "unit": "µg/m³", "method": "lesson_slots"} if isinstance(line, Exposure) else {}
    return {
        **kind,
        **{key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(line).items()},
    }


def _as_text(line: Estimate | Exposure, language: str) -> str:
    if isinstance(line, Exposure):
        name = t(language, "room_physics.exposure")
        if line.mean is None:
            return f"{name}: {t(language, 'room_physics.cannot_tell')} ({t(language, 'room_physics.why.coverage')})"
        return t(
            language,
            "room_physics.exposed",
            name=name,
            mean=f"{line.mean:.1f}",
            hours=f"{line.hours:.0f}",
            peak="–" if line.peak_hour is None else f"{line.peak_hour:.1f}",
            coverage=f"{100 * line.coverage:.0f}",
        )
    name = t(language, f"room_physics.method.{line.method}", name=t(language, f"room_physics.{line.quantity}"))
    if line.value is None or line.low is None or line.high is None:
        return f"{name}: {t(language, 'room_physics.cannot_tell')} ({t(language, f'room_physics.why.{line.why}')})"
    digits = 0 if line.unit == "m³/h" else 2
    return (
        f"{name}: {line.value:.{digits}f} {line.unit if line.unit != '1' else ''}".rstrip()
        + f" ({line.low:.{digits}f} … {line.high:.{digits}f}, n = {line.n})"
    )
