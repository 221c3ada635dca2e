"""CITATION.cff 1.2.0, and the fields that DataCite 4.5 and DCAT 3 want of a data set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from classair.i18n import LANGUAGES, REFERENCE, t
from research.export.metadata.about import SPDX, About, spdx
from research.export.metadata.files import Described, as_json

_CFF_LICENCES: Final = ("CC0-1.0", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0", "CC-BY-")
"""Licences of data that CITATION.cff certainly knows; it takes no other text than its own list."""


def citation(about: About) -> bytes:
    """CITATION.cff; JSON strings are YAML strings."""

    def said(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    lines = [
        "cff-version: 1.2.0",
        "type: dataset",
        f"message: {said(t(REFERENCE, 'export.cite'))}",
        f"title: {said(about.marked_title())}",
        f"abstract: {said(about.description())}",
        "authors:",
    ]
    for site in about.sites:
        lines.append(f"  - name: {said(about.school(site))}")
        if url := about.settings(site).url:
            lines.append(f"    website: {said(url)}")
    lines += [
        f"version: {said(about.origin.data_id)}",
        f"date-released: {about.complete_on.isoformat()}",
        f"keywords: {json.dumps(about.keywords)}",
    ]
    if len(about.licences) == 1 and about.licences[0].startswith(_CFF_LICENCES):
        lines.append(f"license: {about.licences[0]}")
    if about.request.doi:
        lines.append(f"doi: {said(about.request.doi)}")
    lines += [
        "identifiers:",
        "  - type: other",
        f"    value: {said(about.name)}",
        '    description: "request and state of the data"',
    ]
    for doi in about.whole_dois:
        lines += ["  - type: doi", f"    value: {said(doi)}", '    description: "the data of which these are a part"']
    return ("\n".join(lines) + "\n").encode()


def datacite(about: About) -> bytes:
    """datacite.json: what a repository asks for when it registers a DOI; without one, everything but the DOI."""
    box, chosen = about.box(), about.request.selection
    found: dict[str, Any] = {
        **({"doi": about.request.doi} if about.request.doi else {}),
        "identifiers": [{"identifier": about.name, "identifierType": "ClassAir"}],
        "creators": [{"name": about.school(site), "nameType": "Organizational"} for site in about.sites],
        "titles": [
            {
                "title": about.marked_title(language),
                "lang": language,
                **({} if language == REFERENCE else {"titleType": "TranslatedTitle"}),
            }
            for language in (REFERENCE, *(code for code in LANGUAGES if code != REFERENCE))
        ],
        "publisher": {"name": about.schools()},
        "publicationYear": str(about.complete_on.year),
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Time series"},
        "subjects": [{"subject": word} for word in about.keywords],
        "contributors": [
            {"name": about.school(site), "nameType": "Organizational", "contributorType": "DataCollector"}
            for site in about.sites
        ],
        "dates": [{"date": f"{about.first.isoformat()}/{about.last.isoformat()}", "dateType": "Collected"}],
        "language": REFERENCE,
        "relatedIdentifiers": [
            {"relatedIdentifier": doi, "relatedIdentifierType": "DOI", "relationType": "IsPartOf"}
            for doi in about.whole_dois
        ],
        "sizes": [f"{about.rows} rows"],
        "formats": ["text/csv", "application/vnd.apache.parquet"],
        "version": about.origin.data_id,
        "rightsList": [_rights(about.licence(site), about, site) for site in about.sites],
        "descriptions": [
            {"description": about.description(language), "descriptionType": "Abstract", "lang": language}
            for language in LANGUAGES
        ],
        "geoLocations": []
        if box is None
        else [
            {
                "geoLocationPlace": about.schools(),
                "geoLocationBox": {
                    "westBoundLongitude": box[0],
                    "southBoundLatitude": box[1],
                    "eastBoundLongitude": box[2],
                    "northBoundLatitude": box[3],
                },
            }
        ],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    if chosen.step_ms:
        found["descriptions"].append(
            {"description": t(REFERENCE, "export.reading_rules"), "descriptionType": "Methods"}
        )
    return as_json({key: value for key, value in found.items() if value}, ordered=False)


def _rights(licence: str, about: About, site: str) -> dict[str, str]:
    if not licence:
        return {"rights": f"{about.school(site)}: {t(REFERENCE, 'export.no_licence')}"}
    if not spdx(licence):
        return {"rights": f"{about.school(site)}: {licence}"}
    return {
        "rights": licence,
        "rightsUri": f"{SPDX}{licence}.html",
        "rightsIdentifier": licence,
        "rightsIdentifierScheme": "SPDX",
        "schemeUri": SPDX,
    }


def dcat(about: About, files: Sequence[Described]) -> bytes:
    """dcat.jsonld: a dcat:Dataset with a distribution for each file of data."""
    box = about.box()
    by_language = [
        {"@language": language, "@value": text} for language in LANGUAGES if (text := about.marked_title(language))
    ]
    contacts = [
        {
            "@type": "vcard:Organization",
            "vcard:fn": about.school(site),
            **(
                {"vcard:hasEmail": {"@id": f"mailto:{contact}"}}
                if "@" in contact and " " not in contact
                else {"vcard:note": contact}
            ),
        }
        for site in about.sites
        if (contact := about.settings(site).contact)
    ]
    rights = [
        {"@id": f"{SPDX}{one}"} if spdx(one) else {"@type": "dcterms:LicenseDocument", "rdfs:label": one}
        for one in about.licences
    ]
    whole: dict[str, Any] = {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dcterms": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "vcard": "http://www.w3.org/2006/vcard/ns#",
            "locn": "http://www.w3.org/ns/locn#",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "spdx": "http://spdx.org/rdf/terms#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            "geo": "http://www.opengis.net/ont/geosparql#",
        },
        "@type": "dcat:Dataset",
        "@id": f"https://doi.org/{about.request.doi}" if about.request.doi else f"urn:{about.name}",
        "dcterms:identifier": about.request.doi or about.name,
        "dcterms:title": by_language,
        "dcterms:description": [
            {"@language": language, "@value": about.description(language)} for language in LANGUAGES
        ],
        "dcterms:publisher": [{"@type": "foaf:Organization", "foaf:name": about.school(site)} for site in about.sites],
        "dcterms:creator": [{"@type": "foaf:Organization", "foaf:name": about.school(site)} for site in about.sites],
        "dcat:contactPoint": contacts,
        "dcat:keyword": about.keywords,
        "dcat:version": about.origin.data_id,
        "dcterms:temporal": {
            "@type": "dcterms:PeriodOfTime",
            "dcat:startDate": {"@type": "xsd:date", "@value": about.first.isoformat()},
            "dcat:endDate": {"@type": "xsd:date", "@value": about.last.isoformat()},
        },
        "dcterms:spatial": None
        if box is None
        else {
            "@type": "dcterms:Location",
            "dcat:bbox": {
                "@type": "geo:wktLiteral",
                "@value": "POLYGON(({0} {1},{2} {1},{2} {3},{0} {3},{0} {1}))".format(*box),
            },
        },
        "dcterms:license": rights,
        "dcterms:rights": [] if rights else about.licence_texts(),
        "dcat:landingPage": [{"@id": url} for url in sorted({about.settings(site).url for site in about.sites} - {""})],
        "dcterms:isPartOf": [{"@id": f"https://doi.org/{doi}"} for doi in about.whole_dois],
        "dcat:distribution": [
            {
                "@type": "dcat:Distribution",
                "dcterms:title": one.name,
                "dcat:downloadURL": {"@id": one.name},
                "dcat:mediaType": one.media_type,
                "dcat:byteSize": one.bytes,
                "spdx:checksum": {
                    "@type": "spdx:Checksum",
                    "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                    "spdx:checksumValue": one.sha256,
                },
            }
            for one in files
        ],
    }
    return as_json({key: value for key, value in whole.items() if value}, ordered=False)
