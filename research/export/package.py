"""Makes a package: rows into files, the tables and papers beside them, checksums, and only then its place and name."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from classair.places import sync_folder
from research.archive import sha256_of
from research.export import ExportFault, changes, documents, netcdf_installed, side_tables
from research.export.columns import columns
from research.export.parts import Pieces, Progress
from research.export.request import Request
from research.export.sinks import Parquet, Shaped, Sink, Sinks, csv_sink, shaped_name
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
    with Sinks(*_sinks(request, folder)) as sinks:
        for table in pieces:
            _spare(folder)
            sinks.write(table)
            if "correction_id" in table.column_names:
                used |= set(pc.unique(table["correction_id"].cast(pa.string())).drop_null().to_pylist())
            simulated = simulated or bool(pc.any(table["simulated"]).as_py())
    if not pieces.rows:
        raise ExportFault("there is no data in this range. Choose a wider one")
    corrections = sources.corrections()
    tables = side_tables.tables(sources, request, corrections, sorted(used or {"none"}))
    # Events or deployments that came meanwhile make the next package differ, never this one's name.
    after = sources.aside(request)
    pieces.unsettled |= {name for name in after if after[name] != before[name]}
    origin = changes.origin(request, pieces.versions, before, pieces.unsettled)
    told = None if since is None else changes.between(since, origin)
    for name, table_aside in tables.items():
        (folder / name).write_bytes(side_tables.written(table_aside))
    _write_papers(sources, request, folder, origin, pieces.rows, simulated, told)
    others = [name for name in ("data.parquet", "data.nc", shaped_name(request)) if name and (folder / name).exists()]
    (folder / "datapackage.json").write_bytes(
        documents.data_package(sources.config, request, origin, folder, wanted, tables, others, simulated=simulated)
    )
    names = sorted(path.name for path in folder.iterdir())
    sums = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(sums, "utf-8")
    for path in folder.iterdir():
        _sync(path)
    return Package(target, origin, pieces.rows, simulated, pieces.reused)


def _sinks(request: Request, folder: Path) -> Iterator[Sink]:
    yield Parquet(folder / "data.parquet", columns(request))
    yield csv_sink((folder / "data.csv").open("wb"), request)
    if name := shaped_name(request):
        yield Shaped((folder / name).open("wb"), request)
    if request.netcdf:
        from research.export.netcdf import NetCdf

        yield NetCdf(folder / "data.nc", columns(request), {"request": request.id, "source": "ClassAir"})


def _write_papers(
    sources: Sources,
    request: Request,
    folder: Path,
    origin: changes.Origin,
    rows: int,
    simulated: bool,
    since: changes.Changes | None,
) -> None:
    (folder / "request.json").write_bytes(documents.as_json(request.as_record()))
    (folder / changes.VERSIONS).write_bytes(
        documents.as_json(
            {
                **origin.as_record(),
                **(
                    {}
                    if since is None
                    else {"changed_since": {"data": since.since, "days": list(since.days), "aside": list(since.aside)}}
                ),
            }
        )
    )
    (folder / "LICENSE").write_bytes(documents.licence(sources.config, request))
    (folder / "CITATION.cff").write_bytes(documents.citation(sources.config, request, origin))
    files = sorted({*(path.name for path in folder.iterdir()), "README.md", "datapackage.json", SUMS})
    (folder / "README.md").write_bytes(
        documents.readme(sources.config, request, origin, rows, simulated=simulated, files=files, since=since)
    )


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
