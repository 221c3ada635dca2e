"""What a package says of itself: where, with what, by whom, under which terms; for people and for catalogues."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from classair.config import ConfigFaults, parse
from classair.places import Places
from research.export import changes
from research.export.package import Package, build
from research.export.request import Request
from research.export.sources import Sources, opened
from research.selection import SelectionRefused
from tests.research.export.unpacked import document, files, table

pytestmark = pytest.mark.thorough

Ask = Callable[..., Request]


@pytest.fixture
def made(described: Sources, ask: Ask, tmp_path: Path) -> Package:
    return build(described, ask(doi="10.5281/zenodo.42", quantities="pm25,co2_ppm"), tmp_path / "made")


def test_deployments_tell_place_room_and_serial_number(made: Package) -> None:
    found = {row["sensor_id"]: row for row in table(made, "deployments.csv")}
    row = found["hill.pm"]
    assert (row["latitude"], row["longitude"], row["altitude_m"]) == ("13.951", "100.501", "")
    assert (row["height_m"], row["floor"], row["room_volume_m3"], row["room_capacity"]) == ("1.2", "2", "180.0", "32")
    assert (row["serial_number"], found["hill.air"]["serial_number"]) == ("PM-0042", "S8-7")
    assert (found["hill.out"]["latitude"], found["hill.out"]["altitude_m"]) == ("13.95", "3.0")
    assert (found["hill.out"]["outdoor"], row["outdoor"]) == ("TRUE", "FALSE")
    assert {sensor: row["quantities"] for sensor, row in found.items()} == {
        "hill.pm": "pm25",
        "hill.out": "pm25",
        "hill.air": "co2_ppm",
    }
    assert row["school_name_th"] == "โรงเรียนบ้านเนินตัวอย่าง"


def test_what_the_sensor_itself_has_told_goes_before_what_is_written_down(
    places: Places, described: Sources, described_text: str, ask: Ask, made: Package, tmp_path: Path
) -> None:
    from classair.stores.sqlite.store import SqliteStore
    from ingest.books.identities import Identities

    monday = 1_795_366_800_000
    store = SqliteStore(places.readings)
    with store.transaction() as connection:
        identities = Identities(connection)
        for at, identity in ((monday, "A1B2"), (monday + 1, "A1B2"), (monday + 2, "C3D4"), (monday * 2, "later")):
            identities.note("hill.pm", identity, at)
    store.close()
    with opened(places, parse(described_text)) as again:
        told = build(again, ask(doi="10.5281/zenodo.42", quantities="pm25,co2_ppm"), tmp_path / "told")
    found = {row["sensor_id"]: row["serial_number"] for row in table(told, "deployments.csv")}
    assert (found["hill.pm"], found["hill.air"], found["hill.out"]) == ("C3D4", "S8-7", "")
    assert changes.between(made.origin, told.origin).aside == ("identities",)


def test_the_schools_licence_is_the_default_and_the_request_may_name_another(
    described: Sources, ask: Ask, made: Package, tmp_path: Path
) -> None:
    assert "CC-BY-4.0" in (made.path / "LICENSE").read_text("utf-8")
    assert yaml.safe_load((made.path / "CITATION.cff").read_bytes())["license"] == "CC-BY-4.0"
    other = build(described, ask(licence="CC0-1.0"), tmp_path / "other")
    assert "CC0-1.0" in (other.path / "LICENSE").read_text("utf-8")
    assert "CC-BY-4.0" not in (other.path / "LICENSE").read_text("utf-8")


def test_schools_with_different_licences_are_named_one_by_one(
    places: Places, described_text: str, ask: Ask, tmp_path: Path
) -> None:
    config = parse(
        described_text
        + """
  dale:
    name: {th: โรงเรียนหุบเขา, en: Dale}
    bridges: {dale-pi: {}}
    rooms: {r9: {name: R9, volume_m3: 100}}
    sensors: {pm: {bridge: dale-pi, room: r9, model: pms5003t, port: "usb:1-1"}}
"""
    )
    with opened(places, config) as sources:
        found = build(sources, ask(rooms="hill.r1,dale.r9"), tmp_path / "two")
    text = (found.path / "LICENSE").read_text("utf-8")
    assert "Hill example school: The school licenses these data under: CC-BY-4.0" in text
    assert "Dale: No licence has been chosen" in text
    assert "license" not in yaml.safe_load((found.path / "CITATION.cff").read_bytes())
    assert [one.get("rightsIdentifier") for one in document(found, "datacite.json")["rightsList"]] == [
        None,
        "CC-BY-4.0",
    ]


def test_doi_of_the_export_and_of_the_whole_stand_where_they_belong(made: Package) -> None:
    cff = yaml.safe_load((made.path / "CITATION.cff").read_bytes())
    assert (cff["doi"], cff["type"], cff["cff-version"]) == ("10.5281/zenodo.42", "dataset", "1.2.0")
    assert {one["value"] for one in cff["identifiers"] if one["type"] == "doi"} == {"10.5281/zenodo.7"}
    cite = document(made, "datacite.json")
    assert cite["doi"] == "10.5281/zenodo.42"
    assert [(one["relationType"], one["relatedIdentifier"]) for one in cite["relatedIdentifiers"]] == [
        ("IsPartOf", "10.5281/zenodo.7")
    ]
    assert "https://doi.org/10.5281/zenodo.42" in (made.path / "README.md").read_text("utf-8")


@pytest.mark.parametrize("doi", ["zenodo.42", "10.5281", "10.5281/", "https://example.org/10.5281/x", "10.5281/a b"])
def test_what_is_no_doi_is_refused(doi: str, ask: Ask, described_text: str) -> None:
    with pytest.raises(SelectionRefused, match="expected a DOI such as"):
        ask(doi=doi)
    with pytest.raises(ConfigFaults, match=r"data\.doi: .*expected a DOI such as"):
        parse(described_text.replace("https://doi.org/10.5281/zenodo.7", doi))


def test_datacite_has_every_mandatory_property(made: Package) -> None:
    found = document(made, "datacite.json")
    for name in ("creators", "titles", "publisher", "publicationYear", "types", "schemaVersion"):
        assert found[name]
    assert found["types"]["resourceTypeGeneral"] == "Dataset"
    assert found["dates"] == [{"date": "2026-11-23/2026-11-25", "dateType": "Collected"}]
    assert found["geoLocations"][0]["geoLocationBox"]["eastBoundLongitude"] == 100.501
    assert {one["lang"] for one in found["titles"]} == {"th", "en"}


def test_dcat_describes_each_file_of_data(made: Package) -> None:
    found = document(made, "dcat.jsonld")
    assert found["@type"] == "dcat:Dataset"
    assert found["dcterms:license"] == [{"@id": "https://spdx.org/licenses/CC-BY-4.0"}]
    assert found["dcterms:temporal"]["dcat:endDate"]["@value"] == "2026-11-25"
    for one in found["dcat:distribution"]:
        data = (made.path / one["dcterms:title"]).read_bytes()
        assert one["dcat:byteSize"] == len(data)
        assert one["spdx:checksum"]["spdx:checksumValue"] == hashlib.sha256(data).hexdigest()


def test_the_crate_is_valid_by_the_rules_of_ro_crate_1_1(made: Package) -> None:
    whole = document(made, "ro-crate-metadata.json")
    assert whole["@context"] == ["https://w3id.org/ro/crate/1.1/context", {"sha256": "http://schema.org/sha256"}]
    graph: list[dict[str, Any]] = whole["@graph"]
    by_id = {one["@id"]: one for one in graph}
    assert len(by_id) == len(graph)
    assert by_id["ro-crate-metadata.json"] == {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    root = by_id["./"]
    assert root["@type"] == "Dataset"
    assert all(root[name] for name in ("name", "description", "datePublished", "license", "author"))
    # Flat: an object within an entity is a reference and nothing else, to what is there or to the web.
    for entity in graph:
        assert entity["@type"]
        assert not any(isinstance(value, list) and len(value) < 2 for value in entity.values()), entity["@id"]
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    assert set(one) == {"@id"}
                    assert one["@id"] in by_id or one["@id"].startswith("https://w3id.org/ro/crate/"), one
    # Every file is a part, with its size and digest; everything it names is there.
    listed = {one["@id"] for one in root["hasPart"]}
    assert listed == files(made).keys() - {"ro-crate-metadata.json", "SHA256SUMS"}
    for name in listed:
        data = (made.path / name).read_bytes()
        assert by_id[name]["@type"] == "File"
        assert (by_id[name]["contentSize"], by_id[name]["sha256"]) == (
            str(len(data)),
            hashlib.sha256(data).hexdigest(),
        )
    assert by_id["#sensor-hill.pm"]["serialNumber"] == "PM-0042"
    assert by_id["#position-hill.r1"]["latitude"] == 13.951


def test_simulated_data_say_so_wherever_the_title_travels_alone(
    places: Places, school_text: str, ask: Ask, tmp_path: Path
) -> None:
    simulated = school_text.replace('"usb:1-1"', '"sim:classroom"').replace('"usb:1-2"', '"sim:yard"')
    with opened(places, parse(simulated.replace('"usb:1-3"', '"sim:classroom"'))) as sources:
        found = build(sources, ask(), tmp_path / "made")
    titles = [
        yaml.safe_load((found.path / "CITATION.cff").read_bytes())["title"],
        document(found, "datacite.json")["titles"][0]["title"],
        document(found, "datapackage.json")["title"],
        document(found, "dcat.jsonld")["dcterms:title"][-1]["@value"],
        next(one for one in document(found, "ro-crate-metadata.json")["@graph"] if one["@id"] == "./")["name"],
    ]
    assert all(title.startswith("SIMULATED: ") for title in titles), titles


def test_a_changed_setting_is_named_as_a_change(
    described: Sources, places: Places, described_text: str, ask: Ask, tmp_path: Path
) -> None:
    before = build(described, ask(), tmp_path / "before")
    for old, new in (
        ("floor: 2", "floor: 3"),
        ("PM-0042", "PM-0043"),
        ("CC-BY-4.0", "CC0-1.0"),
        ("lat: 13.951", "lat: 13.952"),
    ):
        with opened(places, parse(described_text.replace(old, new))) as again:
            after = build(again, ask(), tmp_path / new.replace(" ", ""))
        assert changes.between(before.origin, after.origin).aside == ("settings",), new
        assert before.origin.data_id != after.origin.data_id
