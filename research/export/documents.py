"""The papers of a package: README, LICENSE, CITATION.cff, datapackage.json. None of them carries a time of making."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from classair.config import Config
from classair.i18n import LANGUAGES, REFERENCE, t
from research.export.changes import Changes, Origin
from research.export.columns import Column
from research.export.request import Request
from research.export.side_tables import Table

_TYPES: Final = {
    "time": "datetime",
    "text": "string",
    "word": "string",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
}


def schools(config: Config, request: Request, language: str) -> str:
    """Their names in a language, ids where the configuration knows them no longer."""
    sites = sorted({room.partition(".")[0] for room in request.selection.rooms})
    return ", ".join(config.sites[site].name.in_(language) if site in config.sites else site for site in sites)


def title(config: Config, request: Request, language: str) -> str:
    chosen = request.selection
    return t(
        language,
        "export.title",
        schools=schools(config, request, language),
        first=chosen.first.isoformat(),
        last=chosen.last.isoformat(),
    )


def request_text(request: Request, language: str) -> list[str]:
    """What was asked for, in words."""
    chosen = request.selection
    found = [
        t(language, "export.asked_reading")
        if not chosen.step_ms
        else t(language, "export.asked_step", step=chosen.step, share=f"{100 * chosen.completeness:g}")
    ]
    if chosen.step_ms and "pm25" in chosen.quantities:
        found.append(t(language, "export.asked_method", method=chosen.method))
    if chosen.lesson:
        found.append(t(language, "export.asked_lesson"))
    return found


def readme(
    config: Config,
    request: Request,
    origin: Origin,
    rows: int,
    *,
    simulated: bool,
    files: Sequence[str],
    since: Changes | None,
) -> bytes:
    """One part for each language, English last."""
    parts = []
    for language in LANGUAGES:
        lines = [f"# {title(config, request, language)}", ""]
        if simulated:
            lines += [f"**{t(language, 'export.simulated')}**", ""]
        lines += [f"* {line}" for line in request_text(request, language)]
        lines += [
            f"* {t(language, 'export.rows', n=f'{rows:,}')}",
            "",
            t(language, "export.reading_rules"),
            "",
            t(language, "export.order_mean" if request.selection.step_ms else "export.order_reading"),
            t(language, "export.neutral"),
            "",
            _licence(request, language),
            "",
            t(language, "export.cite"),
            "",
        ]
        if origin.unsettled:
            lines += [t(language, "export.unsettled", days=", ".join(origin.unsettled)), ""]
        lines += changed(since, language)
        parts.append("\n".join(lines))
    tail = [
        f"    {title(config, request, REFERENCE)}. Data id {origin.data_id}.",
        "",
        f"request {origin.request} · data {origin.data_id} · ClassAir {origin.software}",
        "",
        *(f"* {name}" for name in files),
        "",
    ]
    return ("\n".join(parts) + "\n" + "\n".join(tail)).encode()


def changed(since: Changes | None, language: str) -> list[str]:
    """What has changed since an earlier package, as lines; none when there is nothing to compare with."""
    if since is None:
        return []
    if not since:
        return [t(language, "export.since_same", id=since.since), ""]
    lines = []
    if since.days:
        lines.append(t(language, "export.since_days", id=since.since, days=", ".join(since.days)))
    other = [*since.aside, *(["request"] if since.other_request else [])]
    if other:
        lines.append(t(language, "export.since_other", what=", ".join(other)))
    return [*lines, ""]


def _licence(request: Request, language: str) -> str:
    if not request.licence:
        return t(language, "export.no_licence")
    return t(language, "export.licence", licence=request.licence)


def licence(config: Config, request: Request) -> bytes:
    """The school's choice, or honestly that there is none."""
    return (
        "\n\n".join(
            f"{schools(config, request, language)}\n{_licence(request, language)}" for language in LANGUAGES
        ).encode()
        + b"\n"
    )


def citation(config: Config, request: Request, origin: Origin) -> bytes:
    """CITATION.cff 1.2.0; JSON strings are YAML strings."""

    def said(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    lines = [
        "cff-version: 1.2.0",
        "type: dataset",
        f"message: {said(t(REFERENCE, 'export.cite'))}",
        f"title: {said(title(config, request, REFERENCE))}",
        "authors:",
    ]
    sites = sorted({room.partition(".")[0] for room in request.selection.rooms})
    lines += [
        f"  - name: {said(config.sites[site].name.in_(REFERENCE) if site in config.sites else site)}" for site in sites
    ]
    lines += [
        f"version: {said(origin.data_id)}",
        "identifiers:",
        "  - type: other",
        f"    value: {said(f'classair:{config.org}:{origin.request}:{origin.data_id}')}",
        '    description: "request and state of the data"',
    ]
    return ("\n".join(lines) + "\n").encode()


def data_package(
    config: Config,
    request: Request,
    origin: Origin,
    folder: Path,
    wanted: Sequence[Column],
    tables: Mapping[str, Table],
    others: Sequence[str],
    *,
    simulated: bool,
) -> bytes:
    """datapackage.json (Data Package 1, tabular resources): types, units and meanings of every CSV file."""

    def resource(name: str, fields: list[dict[str, Any]], key: list[str] | None = None) -> dict[str, Any]:
        schema: dict[str, Any] = {"fields": fields, "missingValues": [""]}
        if key:
            schema["primaryKey"] = key
        return {
            "name": name.removesuffix(".csv"),
            "path": name,
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8-sig",
            "dialect": {"lineTerminator": "\r\n"},
            **_weighed(folder / name),
            "schema": schema,
        }

    single = not request.selection.step_ms
    fields = [
        {
            "name": column.name,
            "type": _TYPES[column.kind],
            **({"unit": column.unit} if column.unit else {}),
            "description": t(REFERENCE, f"export.column.{column.meaning}"),
        }
        for column in wanted
    ]
    key = ["bridge_id", "epoch", "seq"] if single else ["time_utc", "room_id", "sensor_id"]
    found = [resource("data.csv", fields, key)]
    found += [
        resource(name, [{"name": field, "type": kind} for field, kind in names]) for name, (names, _) in tables.items()
    ]
    found += [
        {"name": name.lower().replace(".", "-"), "path": name, "type": "file", **_weighed(folder / name)}
        for name in others
    ]
    whole = {
        "profile": "data-package",
        "name": f"classair-{config.org}-{origin.request}",
        "id": origin.data_id,
        "title": title(config, request, REFERENCE),
        "version": origin.data_id,
        "description": " ".join(
            [*([t(REFERENCE, "export.simulated")] if simulated else []), *request_text(request, REFERENCE)]
        ),
        "licenses": [{"name": request.licence}]
        if _is_spdx(request.licence)
        else [{"path": "LICENSE", "title": request.licence or t(REFERENCE, "export.no_licence")}],
        "keywords": ["air quality", "classroom", *request.selection.quantities],
        "simulated": simulated,
        "request": request.as_record(),
        "resources": found,
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def _is_spdx(text: str) -> bool:
    return bool(text) and all(letter.isascii() and (letter.isalnum() or letter in ".-+") for letter in text)


def _weighed(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "hash": f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"}


def as_json(what: Any) -> bytes:
    """For people and programs: indented, keys in order."""
    return (json.dumps(what, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
