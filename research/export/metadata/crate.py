"""ro-crate-metadata.json: the package as a Research Object Crate 1.1, with schools, rooms and sensors as entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from classair.i18n import LANGUAGES, REFERENCE, t
from classair.timetable import local_time
from research.export.metadata.about import SPDX, About, spdx
from research.export.metadata.files import Described, as_json
from research.export.placements import Placement

NAME: Final = "ro-crate-metadata.json"
# The context of 1.1 is older than schema.org's sha256; a term that no context has would be lost to programs.
CONTEXT: Final = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "http://schema.org/sha256"}]

Entity = dict[str, Any]


def ro_crate(about: About, files: Sequence[Described]) -> bytes:
    """Every entity is an element of one flat list, referred to by its @id. `files`: all but this one."""
    licences = _licences(about)
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": about.marked_title(),
        "alternateName": [about.marked_title(code) for code in LANGUAGES if code != REFERENCE],
        "description": about.description(),
        "datePublished": about.complete_on.isoformat(),
        "identifier": f"https://doi.org/{about.request.doi}" if about.request.doi else about.name,
        "version": about.origin.data_id,
        "license": _refer(licences),
        "author": _refer(_school_ids(about)),
        "creator": _refer(_school_ids(about)),
        "publisher": _refer(_school_ids(about)),
        "keywords": about.keywords,
        "temporalCoverage": f"{about.first.isoformat()}/{about.last.isoformat()}",
        "spatialCoverage": _refer(_rooms(about)),
        "variableMeasured": _refer(_variables(about)),
        "hasPart": [{"@id": one.name} for one in files],
        "isPartOf": [{"@id": f"https://doi.org/{doi}"} for doi in about.whole_dois],
    }
    parts = [
        {
            "@id": one.name,
            "@type": "File",
            "name": one.name,
            "encodingFormat": one.media_type,
            "contentSize": str(one.bytes),
            "sha256": one.sha256,
        }
        for one in files
    ]
    graph = [
        {
            "@id": NAME,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        root,
        *parts,
        *licences,
        *_schools(about),
        *_rooms(about),
        *_of_rooms(about),
        *_sensors(about),
        *_variables(about),
        *({"@id": f"https://doi.org/{doi}", "@type": "Dataset", "name": doi} for doi in about.whole_dois),
        *_made_by(about),
    ]
    kept = [{key: _single(value) for key, value in one.items() if value not in (None, "", [], {})} for one in graph]
    return as_json({"@context": CONTEXT, "@graph": kept}, ordered=False)


def _single(value: Any) -> Any:
    """One value stands alone, as the specification recommends."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _refer(entities: Sequence[Entity]) -> list[Entity]:
    return [{"@id": one["@id"]} for one in entities]


def _licences(about: About) -> list[Entity]:
    if not about.licences:
        text = " ".join(about.licence_texts())
        return [{"@id": "#licence", "@type": "CreativeWork", "name": text, "description": text}]
    return [
        {"@id": f"{SPDX}{one}", "@type": "CreativeWork", "name": one, "identifier": one}
        if spdx(one)
        else {"@id": f"#licence-{number}", "@type": "CreativeWork", "name": one, "description": one}
        for number, one in enumerate(about.licences)
    ]


def _school_ids(about: About) -> list[Entity]:
    return [{"@id": f"#school-{site}"} for site in about.sites]


def _schools(about: About) -> list[Entity]:
    found = []
    for site in about.sites:
        said = about.settings(site)
        contact = f"#contact-{site}"
        found.append(
            {
                "@id": f"#school-{site}",
                "@type": "Organization",
                "name": about.school(site),
                "alternateName": [about.school(site, code) for code in LANGUAGES if code != REFERENCE],
                "url": said.url,
                "contactPoint": {"@id": contact} if said.contact else None,
            }
        )
        if said.contact:
            kind = "email" if "@" in said.contact else "name"
            found.append({"@id": contact, "@type": "ContactPoint", kind: said.contact, "contactType": "data"})
    return found


def _rooms(about: About) -> list[Entity]:
    """As Places; `_of_rooms` has what they refer to."""
    config = about.config
    found = []
    for room in sorted(about.request.selection.rooms):
        known = config.room(room) if config.has_room(room) else None
        found.append(
            {
                "@id": f"#room-{room}",
                "@type": "Place",
                "name": f"{about.room(room)}, {about.school(room.partition('.')[0])}",
                "alternateName": [about.room(room, code) for code in LANGUAGES if code != REFERENCE],
                "identifier": room,
                "geo": {"@id": f"#position-{room}"} if room in about.positions() else None,
                "maximumAttendeeCapacity": (known.capacity or None) if known else None,
                "additionalProperty": _refer(_properties(about, room)),
            }
        )
    return found


def _of_rooms(about: About) -> list[Entity]:
    positions = [
        {
            "@id": f"#position-{room}",
            "@type": "GeoCoordinates",
            "name": f"position of {room}",
            "latitude": at.lat,
            "longitude": at.lon,
            "elevation": at.altitude_m,
        }
        for room, at in about.positions().items()
    ]
    return positions + [one for room in sorted(about.request.selection.rooms) for one in _properties(about, room)]


def _properties(about: About, room: str) -> list[Entity]:
    if not about.config.has_room(room):
        return []
    known = about.config.room(room)
    every = (("outdoor", known.outdoor, ""), ("floor", known.floor, ""), ("volume", known.volume_m3, "m³"))
    return [
        {"@id": f"#{name}-{room}", "@type": "PropertyValue", "name": name, "value": value, "unitText": unit}
        for name, value, unit in every
        if value is not None
    ]


def _sensors(about: About) -> list[Entity]:
    found: list[Entity] = []
    for sensor in sorted({one.sensor for one in about.placements}):
        stays = [one for one in about.placements if one.sensor == sensor]
        last = stays[-1]
        found.append(
            {
                "@id": f"#sensor-{sensor}",
                "@type": "IndividualProduct",
                "name": sensor,
                "model": last.model or None,
                "serialNumber": last.serial or None,
                "description": "; ".join(_stay(one) for one in stays),
            }
        )
    return found


def _stay(one: Placement) -> str:
    start = f", from {local_time(one.from_ms).isoformat(timespec='seconds')}" if one.from_ms else ""
    end = f", until {local_time(one.to_ms).isoformat(timespec='seconds')}" if one.to_ms is not None else ""
    height = "" if one.height_m is None else f", {one.height_m:g} m above the floor"
    return f"in {one.room}{height}{start}{end}"


def _variables(about: About) -> list[Entity]:
    return [
        {
            "@id": f"#column-{column.name}",
            "@type": "PropertyValue",
            "name": column.name,
            "description": f"{t(REFERENCE, f'export.quantity.{column.quantity}')}. "
            f"{t(REFERENCE, f'export.column.{column.meaning}')}",
            "unitText": column.unit or None,
        }
        for column in about.wanted
        if column.quantity and column.meaning in ("raw", "corrected", "value")
    ]


def _made_by(about: About) -> list[Entity]:
    """What made the package, from what request."""
    return [
        {
            "@id": "#export",
            "@type": "CreateAction",
            "name": f"classair export of request {about.origin.request}",
            "instrument": {"@id": "#classair"},
            "object": {"@id": "request.json"},
            "result": {"@id": "./"},
        },
        {
            "@id": "#classair",
            "@type": "SoftwareApplication",
            "name": "ClassAir",
            "softwareVersion": about.origin.software,
        },
    ]
