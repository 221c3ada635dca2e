"""datapackage.json (Data Package 1, tabular resources): types, units and meanings of every CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from classair.i18n import REFERENCE, t
from research.export.metadata.about import SPDX, About, spdx
from research.export.metadata.files import as_json, described
from research.export.side_tables import Table

_TYPES: Final = {
    "time": "datetime",
    "text": "string",
    "word": "string",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
}


def data_package(about: About, folder: Path, tables: Mapping[str, Table], others: Sequence[str]) -> bytes:
    """`others`: files of data that are no table of ours, such as data.parquet."""

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

    fields = [
        {
            "name": column.name,
            "type": _TYPES[column.kind],
            **({"unit": column.unit} if column.unit else {}),
            "description": t(REFERENCE, f"export.column.{column.meaning}"),
        }
        for column in about.wanted
    ]
    single = not about.request.selection.step_ms
    key = ["bridge_id", "epoch", "seq"] if single else ["time_utc", "room_id", "sensor_id"]
    found = [resource("data.csv", fields, key)]
    found += [
        resource(name, [{"name": field, "type": kind} for field, kind in names]) for name, (names, _) in tables.items()
    ]
    found += [
        {"name": name.lower().replace(".", "-"), "path": name, "type": "file", **_weighed(folder / name)}
        for name in others
    ]
    box = about.box()
    whole = {
        "profile": "data-package",
        "name": f"classair-{about.config.org}-{about.origin.request}",
        "id": f"https://doi.org/{about.request.doi}" if about.request.doi else about.origin.data_id,
        "title": about.marked_title(),
        "version": about.origin.data_id,
        "description": about.description(),
        "licenses": _licences(about),
        "contributors": [
            {
                "title": about.school(site),
                "role": "publisher",
                **({"path": about.settings(site).url} if about.settings(site).url else {}),
            }
            for site in about.sites
        ],
        "keywords": about.keywords,
        "temporal": {"start": about.first.isoformat(), "end": about.last.isoformat()},
        **({"spatial": {"bbox": list(box)}} if box else {}),
        "simulated": about.simulated,
        "request": about.request.as_record(),
        "resources": found,
    }
    return as_json(whole, ordered=False)


def _licences(about: About) -> list[dict[str, str]]:
    if not about.licences:
        return [{"path": "LICENSE", "title": " ".join(about.licence_texts())}]
    return [
        {"name": one, "path": f"{SPDX}{one}.html"} if spdx(one) else {"path": "LICENSE", "title": one}
        for one in about.licences
    ]


def _weighed(path: Path) -> dict[str, Any]:
    found = described(path)
    return {"bytes": found.bytes, "hash": f"sha256:{found.sha256}"}
