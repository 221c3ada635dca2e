"""`classair room`: estimates a room's ventilation, purifier performance and pupils' exposure."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from classair import config as configuration
from classair.arguments import day, shared
from classair.config import Config
from classair.i18n import show_date, t
from classair.places import Places
from classair.science.corrections import Corrections
from classair.service import Following, parse_as_follower
from classair.stores import Store, StoreAway, open_store
from classair.stores.corrections import accepted_corrections
from classair.stores.events import noted_events
from classair.timetable import ZONE, to_ms
from research.means import MeansReader
from research.rooms.ageing import Ageing, filter_ageing
from research.rooms.estimate import Estimate
from research.rooms.exposure import Exposure, exposure
from research.rooms.minutes import Minutes, minutes
from research.rooms.of_room import estimates

LONGEST: Final = timedelta(days=400)
Line = Estimate | Exposure | Ageing


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
            corrections = accepted_corrections(places.readings)
            changes = filter_changes(places.readings, args.room, end)
            told = list(answers(store, config, corrections, args.room, start, end, changes))
        finally:
            store.close()
    except (configuration.ConfigFaults, StoreAway) as fault:
        print(f"classair room: {fault}", file=sys.stderr)
        return 2
    for line in told:
        print(
            json.dumps({"room": args.room, "from": first.isoformat(), "to": last.isoformat(), **plain(line)})
            if args.json
            else as_text(line, args.language)
        )
    return 0


def in_force(places: Places, file: Path) -> Config:
    """The configuration this data folder follows, else the file's. Raises ConfigFaults."""
    known = Following(places.accepted_config).current
    return known.config if known is not None else parse_as_follower(configuration.read(file))


def answers(
    store: Store,
    config: Config,
    corrections: Corrections,
    room: str,
    start_ms: int,
    end_ms: int,
    changes: Sequence[int] = (),
) -> Iterator[Line]:
    """Everything that can be asked of a room, in one order. changes: when its filter was changed, UTC ms.

    Raises StoreAway.
    """

    def read(start_ms: int, end_ms: int) -> Minutes:
        return minutes(store, config, corrections, room, start_ms, end_ms)

    found, _ = estimates(read(start_ms, end_ms))
    yield from found
    yield exposure(MeansReader(store, config, corrections), config, room, start_ms, end_ms)
    if config.purifiers_in(room) and config.room(room).volume_m3 is not None:
        since = filter_since(store, config, room, changes, end_ms)
        yield filter_ageing(read, since if since is not None else end_ms, end_ms)


def filter_since(store: Store, config: Config, room: str, changes: Sequence[int], end_ms: int) -> int | None:
    """When the filter was new: its newest change before `end_ms`, else when a purifier of the room was first seen."""
    if before := [at for at in changes if at < end_ms]:
        return max(before)
    seen = [
        events[0].at_ms
        for unit in config.purifiers_in(room)
        if (events := store.switches(unit, end_ms - LONGEST // timedelta(milliseconds=1), end_ms))
    ]
    return max(min(seen), end_ms - LONGEST // timedelta(milliseconds=1)) if seen else None


def filter_changes(readings: Path, room: str, end_ms: int) -> list[int]:
    """The events `filter_change` of a room or its whole school, UTC ms. Raises StoreAway."""
    noted = noted_events(readings, 0, end_ms, site=room.partition(".")[0])
    return [one.start_ms for one in noted if one.kind == "filter_change" and one.room in ("", room)]


def plain(line: Line) -> dict[str, Any]:
    """As JSON has it; `value` or `mean` None means "cannot tell"."""
    found: dict[str, Any]
    if isinstance(line, Exposure):
        found = {"quantity": "exposure", "unit": "µg/m³", "method": "lesson_slots", **asdict(line)}
    elif isinstance(line, Ageing):
        found = {**asdict(line.share), **{key: value for key, value in asdict(line).items() if key != "share"}}
    else:
        found = asdict(line)
    return {key: _simple(value) for key, value in found.items()}


def _simple(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    return value.isoformat() if isinstance(value, date) else value


def as_text(line: Line, language: str) -> str:
    """One line, and one more for each warning."""
    if isinstance(line, Exposure):
        return _exposure_text(line, language)
    if isinstance(line, Ageing):
        return _ageing_text(line, language)
    name = t(language, f"room_physics.method.{line.method}", name=t(language, f"room_physics.{line.quantity}"))
    warnings = "".join(f"\n  ! {t(language, f'room_physics.warning.{key}')}" for key in line.warnings)
    if line.value is None or line.low is None or line.high is None:
        why = t(language, f"room_physics.why.{line.why}")
        return f"{name}: {t(language, 'room_physics.cannot_tell')} ({why}){warnings}"
    digits = 0 if line.unit == "m³/h" else 2
    return (
        f"{name}: {line.value:.{digits}f} {line.unit if line.unit != '1' else ''}".rstrip()
        + f" ({line.low:.{digits}f} … {line.high:.{digits}f}, n = {line.n})"
        + warnings
    )


def _exposure_text(line: Exposure, language: str) -> str:
    name = t(language, "room_physics.exposure")
    if line.mean is None or line.dose is None:
        return f"{name}: {t(language, 'room_physics.cannot_tell')} ({t(language, 'room_physics.why.coverage')})"
    return t(
        language,
        "room_physics.exposed",
        name=name,
        mean=f"{line.mean:.1f}",
        dose=f"{line.dose:.0f}",
        covered=f"{line.hours_covered:.0f}",
        hours=f"{line.hours:.0f}",
        peak="–" if line.peak_hour is None else f"{line.peak_hour:.1f}",
        correction=line.correction if line.correction != "none" else t(language, "room_physics.not_corrected"),
    )


def _ageing_text(line: Ageing, language: str) -> str:
    name, share = t(language, "room_physics.filter"), line.share
    if share.value is None or share.low is None or share.high is None or line.since is None:
        return f"{name}: {t(language, 'room_physics.cannot_tell')} ({t(language, f'room_physics.why.{share.why}')})"
    outlook = "due_now" if line.due_now else "due" if line.due is not None else "not_falling"
    return t(
        language,
        "room_physics.aged",
        name=name,
        share=f"{100 * share.value:.0f}",
        low=f"{100 * share.low:.0f}",
        high=f"{100 * share.high:.0f}",
        now=f"{line.now_m3h or 0:.0f}",
        first=f"{line.first_m3h or 0:.0f}",
        since=show_date(line.since, language),
        outlook=t(language, f"room_physics.{outlook}", date=show_date(line.due, language) if line.due else ""),
    )
