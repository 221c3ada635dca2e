"""Makes a package: rows into files, the tables and papers beside them, checksums, and only then its place and name."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from classair.config import Config
from classair.i18n import REFERENCE
from classair.places import sync_folder
from research.archive import sha256_of
from research.export import ExportFault, changes, netcdf_installed, side_tables
from research.export.columns import columns
from research.export.forms.other_tools import OpenAq, Shaped, places_of, shaped_name
from research.export.metadata.about import About
from research.export.metadata.citation import citation, datacite, dcat
from research.export.metadata.crate import NAME as CRATE
from research.export.metadata.crate import ro_crate
from research.export.metadata.datapackage import data_package
from research.export.metadata.files import as_json, described
from research.export.metadata.readme import licence, readme
from research.export.parts import Pieces, Progress
from research.export.placements import Placement, placements
from research.export.request import Request
from research.export.sinks import Parquet, Sink, Sinks, csv_sink
from research.export.sources import Sources

SUMS: Final = "SHA256SUMS"
RESERVE: Final = 256 * 1024 * 1024
"""Bytes of the disk that an export leaves to the readings, which come first."""


@dataclass(frozen=True, slots=True)
class Package:
    """Where it is and what it is. `simulated`: some of its rows are."""

    path: Path
    origin: changes.Origin
    rows: int
    simulated: bool
    reused: int = 0


def build(
    sources: Sources,
    request: Request,
    target: Path,
    *,
    zipped: bool = False,
    kept: Path | None = None,
    since: changes.Origin | None = None,
    progress: Progress = lambda _done, _of, _rows: None,
    stop: Callable[[], bool] = lambda: False,
) -> Package:
    """A package at `target`: a folder, or one zip file. With `kept`, pieces stay there until it is whole.

    Raises ExportFault (full disk, nothing to export, target there already), Cancelled, StoreAway, SelectionRefused,
    ArchiveFault; then nothing is at `target`, and what had been begun beside it is gone (pieces in `kept` stay).
    """
    if target.exists():
        raise ExportFault(f"{target} already exists. Choose another name or delete it")
    if request.netcdf and not netcdf_installed():
        raise ExportFault(
            "NetCDF needs the libraries h5netcdf and h5py. Install ClassAir with [netcdf], or export without NetCDF"
        )
    sources.check(request)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with _room_on(target.parent):
            fresh.mkdir(parents=True)
            package = _filled(sources, request, fresh, target, kept, since, progress, stop)
            if zipped:
                packed = target.with_name(f".{target.name}.{os.getpid()}.zip")
                try:
                    pack(fresh, packed, f"classair-{request.id}", stop)
                    packed.replace(target)
                finally:
                    packed.unlink(missing_ok=True)
            else:
                fresh.rename(target)
            sync_folder(target.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return package


def _filled(
    sources: Sources,
    request: Request,
    folder: Path,
    target: Path,
    kept: Path | None,
    since: changes.Origin | None,
    progress: Progress,
    stop: Callable[[], bool],
) -> Package:
    wanted, pieces = columns(request), Pieces(sources, request, kept, progress, stop)
    before = sources.aside(request)
    used: set[str] = set()
    simulated = any(sources.simulated(site) for site in sources.sites(request.selection))
    stays = placements(sources, request)
    with Sinks(*_sinks(sources, request, folder, stays)) as sinks:
        for table in pieces:
            _spare(folder)
            sinks.write(table)
            if "correction_id" in table.column_names:
                used |= set(pc.unique(table["correction_id"].cast(pa.string())).drop_null().to_pylist())
            simulated = simulated or bool(pc.any(table["simulated"]).as_py())
    if not pieces.rows:
        raise ExportFault("there is no data in this range. Choose a wider one")
    corrections = sources.corrections()
    tables = side_tables.tables(sources, request, corrections, sorted(used or {"none"}), stays)
    # Events or deployments that came meanwhile make the next package differ, never this one's name.
    after = sources.aside(request)
    pieces.unsettled |= {name for name in after if after[name] != before[name]}
    origin = changes.origin(request, pieces.versions, before, pieces.unsettled)
    told = None if since is None else changes.between(since, origin)
    for name, table_aside in tables.items():
        (folder / name).write_bytes(side_tables.written(table_aside))
    about = About(sources.config, request, origin, wanted, stays, pieces.rows, simulated)
    if request.netcdf:
        from research.export.forms.netcdf import describe

        describe(folder / "data.nc", about)
    _write_papers(about, folder, tables, told)
    sums = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in _names(folder))
    (folder / SUMS).write_text(sums, "utf-8")
    for path in folder.iterdir():
        _sync(path)
    return Package(target, origin, pieces.rows, simulated, pieces.reused)


def _sinks(sources: Sources, request: Request, folder: Path, stays: list[Placement]) -> Iterator[Sink]:
    yield Parquet(folder / "data.parquet", columns(request))
    yield csv_sink((folder / "data.csv").open("wb"), request)
    if name := shaped_name(request):
        file = (folder / name).open("wb")
        yield (
            OpenAq(file, request, places_of(stays, _room_names(sources.config, request)))
            if request.columns == "openaq"
            else Shaped(file, request)
        )
    if request.netcdf:
        from research.export.forms.netcdf import NetCdf

        yield NetCdf(folder / "data.nc", request, sources.config, stays)


def _room_names(config: Config, request: Request) -> dict[str, str]:
    """With the school's, because rooms of two schools may have one name."""
    return {
        room: ", ".join(
            named.name.in_(REFERENCE) for named in (config.room(room), config.sites[room.partition(".")[0]])
        )
        if config.has_room(room)
        else room
        for room in request.selection.rooms
    }


def _write_papers(
    about: About, folder: Path, tables: Mapping[str, side_tables.Table], since: changes.Changes | None
) -> None:
    """Each paper that lists the others after them; the last is the crate, which lists all."""
    compared = (
        {}
        if since is None
        else {"changed_since": {"data": since.since, "days": list(since.days), "aside": list(since.aside)}}
    )
    data = sorted(path.name for path in folder.iterdir() if path.name.startswith("data"))
    papers: tuple[tuple[str, Callable[[], bytes]], ...] = (
        ("request.json", lambda: as_json(about.request.as_record())),
        (changes.VERSIONS, lambda: as_json({**about.origin.as_record(), **compared})),
        ("LICENSE", lambda: licence(about)),
        ("CITATION.cff", lambda: citation(about)),
        ("datacite.json", lambda: datacite(about)),
        ("dcat.jsonld", lambda: dcat(about, [described(folder / one) for one in data])),
        (
            "datapackage.json",
            lambda: data_package(about, folder, tables, [one for one in data if one != "data.csv"]),
        ),
        ("README.md", lambda: readme(about, sorted({*_names(folder), "README.md", CRATE, SUMS}), since)),
        (CRATE, lambda: ro_crate(about, [described(folder / one) for one in _names(folder)])),
    )
    for name, written in papers:
        (folder / name).write_bytes(written())


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def pack(folder: Path, target: Path, name: str, stop: Callable[[], bool] = lambda: False) -> None:
    """A folder as one zip file whose bytes follow from the files alone: sorted, without times."""
    from research.export import Cancelled

    with zipfile.ZipFile(target, "w", allowZip64=True) as packed:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(f"{name}/{path.name}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            packs_well = path.suffix not in (".parquet", ".nc")
            entry.compress_type = zipfile.ZIP_DEFLATED if packs_well else zipfile.ZIP_STORED
            with path.open("rb") as file, packed.open(entry, "w", force_zip64=True) as into:
                while chunk := file.read(1 << 20):
                    if stop():
                        raise Cancelled
                    into.write(chunk)
    _sync(target)


@contextmanager
def _room_on(folder: Path) -> Iterator[None]:
    """A full disk, in words."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _spare(folder)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ExportFault(
                f"the disk of {folder} is full; partial files were removed. Choose fewer days or "
                "rooms, or free disk space and try again"
            ) from error
        raise


def _spare(folder: Path) -> None:
    if (free := shutil.disk_usage(folder).free) < RESERVE:
        raise ExportFault(
            f"only {free // 2**20} MB are free at {folder}, and {RESERVE // 2**20} MB are reserved for "
            "readings; partial files were removed. Free disk space and try again"
        )


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
