"""The tables beside the data: codebook, deployments, corrections, events, purifiers, what is missing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from classair.config import Config
from classair.i18n import LANGUAGES, in_every_language, t
from classair.model import BAD_CLASS_NAMES, Flag
from classair.science.corrections import Correction, Corrections, as_record
from classair.stores.events import KINDS
from classair.timetable import local_time
from research.export.columns import Column, columns
from research.export.placements import Placement
from research.export.request import Request
from research.export.sources import Sources

_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")
"""With these a spreadsheet takes a text for a formula; the last four are their full-width forms."""

Table = tuple[list[tuple[str, str]], list[list[Any]]]
"""Columns (name, frictionless type) and rows."""


def neutral(text: str) -> str:
    """The same words, which no spreadsheet runs: an apostrophe before whatever could begin a formula."""
    return f"'{text}" if text.lstrip(" \u00a0\u3000").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def written(table: Table) -> bytes:
    """As UTF-8 with a byte order mark; texts made harmless, numbers as they are, None as nothing."""
    names, rows = table
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name for name, _ in names])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return neutral(value) if isinstance(value, str) else "" if value is None else value


def moment(at_ms: int | None) -> str | None:
    """Local time with its offset, to the second; nothing for what has no date (yet)."""
    return None if at_ms is None else local_time(at_ms).isoformat(timespec="seconds")


def moment_utc(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _named(*columns: str) -> list[tuple[str, str]]:
    return [(name, kind or "string") for name, _, kind in (column.partition(":") for column in columns)]


def label(column: Column, language: str) -> str:
    """What a person calls the column."""
    words = t(language, f"export.label.{column.meaning}")
    if column.meaning in ("raw", "corrected", "value"):
        name = t(language, f"export.quantity.{column.quantity}")
        return name if column.meaning == "value" else f"{name}, {words}"
    if column.quantity:
        return f"{words}: {t(language, f'export.quantity.{column.quantity}')}"
    return words


def codebook(request: Request) -> Table:
    """Every column, then every flag and mark that may stand in one."""
    rows: list[list[Any]] = [
        [
            "column",
            column.name,
            *(label(column, language) for language in LANGUAGES),
            column.unit,
            *in_every_language(f"export.column.{column.meaning}").values(),
        ]
        for column in columns(request)
    ]
    unlabelled = [""] * (len(LANGUAGES) + 1)
    rows += [
        ["flag", flag.name, *unlabelled, *in_every_language(f"flag.{flag.name.lower()}").values()]
        for flag in Flag
        if flag.name and flag
    ]
    marks = (*BAD_CLASS_NAMES, "suspect", "incomplete", "no_value", "no_humidity", "no_temperature", "out_of_range")
    rows += [["mark", name, *unlabelled, *in_every_language(f"export.mark.{name}").values()] for name in marks]
    return _named("kind", "name", *_by_language("label"), "unit", *_by_language("meaning")), rows


def _by_language(column: str) -> list[str]:
    return [f"{column}_{language}" for language in LANGUAGES]


def deployments(config: Config, stays: Sequence[Placement]) -> Table:
    """`start` is empty for a sensor that stood there before anybody wrote it down, `end` for one that still does."""
    rows = []
    for one in stays:
        names = config.sites[one.site].name if one.site in config.sites else None
        room = config.room(one.room).name if config.has_room(one.room) else None
        at = one.position
        rows.append(
            [
                one.site,
                one.sensor,
                one.room,
                one.model,
                one.serial or None,
                " ".join(one.quantities),
                moment(one.from_ms or None),
                moment(one.to_ms),
                at.lat if at else None,
                at.lon if at else None,
                at.altitude_m if at else None,
                one.height_m,
                one.outdoor,
                one.floor,
                one.volume_m3,
                one.capacity,
                *(names.in_(language) if names else None for language in LANGUAGES),
                *(room.in_(language) if room else None for language in LANGUAGES),
                one.config_version,
            ]
        )
    return _named(
        "school_id",
        "sensor_id",
        "room_id",
        "model",
        "serial_number",
        "quantities",
        "start:datetime",
        "end:datetime",
        "latitude:number",
        "longitude:number",
        "altitude_m:number",
        "height_m:number",
        "outdoor:boolean",
        "floor:integer",
        "room_volume_m3:number",
        "room_capacity:integer",
        *_by_language("school_name"),
        *_by_language("room_name"),
        "config_version:integer",
    ), rows


def calibrations(corrections: Corrections, used: Iterable[str]) -> Table:
    """Every correction that stands in the data, with its numbers; coefficients and metrics as JSON."""
    found: list[Correction] = [one for name in sorted(set(used)) if (one := corrections.get(name)) is not None]
    rows = []
    for one in found:
        told = as_record(one)
        rows.append(
            [
                one.label,
                one.method,
                one.formula,
                _json(told["coefficients"]),
                one.input,
                one.quantity,
                moment(one.valid_from or None),
                moment(one.valid_to),
                " ".join(one.sites),
                " ".join(one.sensors),
                " ".join(one.models),
                one.low,
                one.high,
                one.data_set,
                _json(told["metrics"]),
                one.author,
                moment(one.accepted_at or None),
                one.source,
            ]
        )
    return _named(
        "correction_id",
        "method",
        "formula",
        "coefficients",
        "input",
        "quantity",
        "valid_from:datetime",
        "valid_to:datetime",
        "schools",
        "sensors",
        "models",
        "low:number",
        "high:number",
        "data_set",
        "metrics",
        "author",
        "accepted_at:datetime",
        "source",
    ), rows


def _json(what: Any) -> str:
    return json.dumps(what, sort_keys=True, ensure_ascii=False)


def events(sources: Sources, request: Request) -> Table:
    """What schools noted; without a room it concerns the whole school. Who noted it stays with the school."""
    rows = [
        [
            one.id,
            one.site,
            one.room or None,
            one.kind,
            moment(one.start_ms),
            moment(one.end_ms),
            one.note,
            one.question,
            one.result,
        ]
        for one in sources.events(request.selection)
    ]
    assert all(row[3] in KINDS for row in rows)
    return _named(
        "id", "school_id", "room_id", "kind", "start:datetime", "end:datetime", "note", "question", "result"
    ), sorted(rows, key=lambda row: (str(row[4]), str(row[0])))


def purifiers(sources: Sources, request: Request) -> Table:
    """When each purifier was seen switched; `on` is empty where its state was not known."""
    rooms = {unit: f"{unit.partition('.')[0]}.{entry.room}" for unit, entry in sources.config.purifiers()}
    rows = [
        [
            event.purifier.partition(".")[0],
            event.purifier,
            rooms.get(event.purifier),
            moment(event.at_ms),
            moment_utc(event.at_ms),
            event.on,
            event.reason,
            event.simulated,
        ]
        for event in sources.switches(request.selection)
    ]
    return _named(
        "school_id",
        "purifier_id",
        "room_id",
        "time:datetime",
        "time_utc:datetime",
        "on:boolean",
        "reason",
        "simulated:boolean",
    ), rows


def missing(sources: Sources, request: Request) -> Table:
    """Which expected readings are not there (or came late), and why."""
    rows = [
        [
            line.sensor.partition(".")[0],
            line.sensor,
            moment(line.start_ms),
            moment(line.end_ms),
            line.expected,
            line.reason,
            *in_every_language(f"missing.{line.reason}").values(),
            line.simulated,
        ]
        for line in sources.missing(request.selection)
    ]
    return _named(
        "school_id",
        "sensor_id",
        "start:datetime",
        "end:datetime",
        "readings:integer",
        "reason",
        *_by_language("meaning"),
        "simulated:boolean",
    ), rows


def tables(
    sources: Sources, request: Request, corrections: Corrections, used: Sequence[str], stays: Sequence[Placement]
) -> dict[str, Table]:
    """Every table by its file name, in the order of the package. Raises StoreAway."""
    return {
        "codebook.csv": codebook(request),
        "deployments.csv": deployments(sources.config, stays),
        "calibrations.csv": calibrations(corrections, used),
        "events.csv": events(sources, request),
        "purifiers.csv": purifiers(sources, request),
        "missing.csv": missing(sources, request),
    }
