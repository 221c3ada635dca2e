"""`classair export`: exports data as CSV and Parquet with codebook and metadata."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from classair import config as configuration
from classair.arguments import day, shared
from classair.config import Config
from classair.i18n import REFERENCE
from classair.places import Places
from classair.service import Following, parse_as_follower
from classair.stores import StoreAway
from research.archive import ArchiveFault
from research.export import Cancelled, ExportFault, changes, job
from research.export.columns import columns
from research.export.metadata.readme import changed
from research.export.package import build
from research.export.parts import Pieces
from research.export.preview import preview
from research.export.request import Request
from research.export.shapes import schema
from research.export.sinks import csv_sink
from research.export.sources import opened
from research.selection import SelectionRefused


def main(argv: list[str]) -> int:
    """0 when it is done, 1 when it cannot be done now, 2 for wrong use, 3 when it was cancelled."""
    args = _parser().parse_args(argv)
    places = Places(args.data.resolve())
    try:
        if args.job:
            return job.run(args.job, places, lambda: in_force(places, args.config))
        request = _request(args)
        with opened(places, in_force(places, args.config)) as sources:
            if args.preview:
                found = preview(sources, request)
                print(
                    json.dumps(found.as_record(), ensure_ascii=False) if args.json else _preview_text(found.as_record())
                )
                return 0
            if args.stream:
                sources.check(request)
                _stream(Pieces(sources, request), request, args.stream)
                return 0
            target = args.out or Path(f"classair-{request.id}{'.zip' if args.zip else ''}")
            since = changes.read(args.since) if args.since else None
            package = build(
                sources,
                request,
                target.absolute(),
                zipped=args.zip,
                kept=args.keep,
                since=since,
                progress=_progress(args.quiet),
            )
    except BrokenPipeError:
        # Whoever read our stream has gone, as `head` does; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SelectionRefused, configuration.ConfigFaults) as fault:
        print(f"classair export: {fault}", file=sys.stderr)
        return 2
    except (ExportFault, ArchiveFault, StoreAway, OSError) as fault:
        print(f"classair export: {fault}", file=sys.stderr)
        return 1
    except Cancelled:
        return 3
    print(
        f"{package.path}: {package.rows:,} rows, data {package.origin.data_id}"
        + (" (SIMULATED)" if package.simulated else "")
    )
    if since is not None:
        print("\n".join(changed(changes.between(since, package.origin), REFERENCE)).rstrip())
    return 0


def in_force(places: Places, file: Path) -> Config:
    """The configuration this data folder follows, else the file's. Raises ConfigFaults."""
    known = Following(places.accepted_config).current
    return known.config if known is not None else parse_as_follower(configuration.read(file))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classair export",
        description="export data as CSV/Parquet with codebook and metadata",
        parents=[shared("--data", "--config")],
    )
    what = parser.add_argument_group("what")
    what.add_argument("--rooms", metavar="SITE.ROOM,…", help="rooms, comma-separated")
    what.add_argument("--first", type=day, metavar="DAY", help="first local day (YYYY-MM-DD)")
    what.add_argument("--last", type=day, metavar="DAY", help="last local day, inclusive")
    what.add_argument("--quantities", default="pm25", metavar="Q,…", help="quantities, comma-separated (default: pm25)")
    what.add_argument(
        "--step", default="1h", help="averaging interval: reading (none), 1m, 5m, 15m, 30m, 1h or 1d (default: 1h)"
    )
    what.add_argument(
        "--method", default="none", help="correction: none, accepted, or an id such as epa2021_atm (default: none)"
    )
    what.add_argument("--lesson", action="store_true", help="export lesson time only")
    what.add_argument(
        "--completeness",
        type=float,
        default=0.75,
        metavar="SHARE",
        help="minimum data completeness of a mean, 0 to 1 (default: 0.75)",
    )
    what.add_argument("--request", type=Path, metavar="FILE", help="read the selection from a request.json instead")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--columns",
        choices=("classair", "openair", "sensortoolkit", "openaq"),
        default="classair",
        help="also write a file with the columns of that tool",
    )
    how.add_argument("--netcdf", action="store_true", help="also write data.nc (CF conventions; needs [netcdf])")
    how.add_argument(
        "--licence", default="", metavar="WORDS", help="licence of the data (default: what each school has chosen)"
    )
    how.add_argument("--doi", default="", metavar="DOI", help="DOI reserved for this export")
    how.add_argument("--out", type=Path, metavar="PATH", help="output path (default: classair-<request>)")
    how.add_argument("--zip", action="store_true", help="write one zip file instead of a folder")
    how.add_argument("--since", type=Path, metavar="PACKAGE", help="list changes since that earlier export")
    how.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep finished parts in DIR, so that an interrupted export can resume"
    )
    how.add_argument("--quiet", action="store_true", help="print no progress")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--preview", action="store_true", help="describe the export without writing it")
    other.add_argument("--stream", choices=("csv", "arrow"), help="write only the rows, to standard output")
    other.add_argument("--job", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print the preview as JSON")
    return parser


def _request(args: argparse.Namespace) -> Request:
    if args.request:
        try:
            told = json.loads(args.request.read_bytes())
        except ValueError as error:
            raise SelectionRefused([f"{args.request} is not JSON: {error}"]) from None
        if not isinstance(told, dict):
            raise SelectionRefused([f"{args.request} is not a request"])
        return Request.parse(told)
    if not (args.rooms and args.first and args.last):
        raise SelectionRefused(["give --rooms, --first and --last, or --request"])
    keys = (
        "rooms",
        "first",
        "last",
        "quantities",
        "step",
        "method",
        "lesson",
        "completeness",
        "columns",
        "netcdf",
        "licence",
        "doi",
    )
    return Request.parse({key: getattr(args, key) for key in keys})


def _preview_text(found: dict[str, Any]) -> str:
    gaps = "unknown" if found["gaps"] is None else f"{100 * found['gaps']:.1f}%"
    lines = [
        f"about {found['rows']:,} rows, {found['bytes']:,} bytes, missing data {gaps}",
        *(["simulated: " + ", ".join(found["simulated"])] if found["simulated"] else []),
        ",".join(found["names"]),
        *(",".join(row) for row in found["sample"]),
    ]
    return "\n".join(lines) if found["rows"] else "There is no data in this range. Choose a wider one."


def _progress(quiet: bool) -> Any:
    def show(done: int, of: int, rows: int) -> None:
        if not quiet and sys.stderr.isatty():
            print(f"\r{done} of {of}: {rows:,} rows", end="" if done < of else "\n", file=sys.stderr, flush=True)

    return show


def _stream(pieces: Pieces, request: Request, form: str) -> None:
    out = sys.stdout.buffer
    if form == "csv":
        sink = csv_sink(out, request)
        for table in pieces:
            sink.write(table)
            out.flush()
        return
    with _arrow(out, schema(columns(request))) as writer:
        for table in pieces:
            writer.write_table(table, max_chunksize=65_536)


@contextmanager
def _arrow(out: Any, kinds: pa.Schema) -> Iterator[Any]:
    # A later stretch may know other words than the first: replacing them is allowed in a stream.
    writer = ipc.new_stream(out, kinds, options=ipc.IpcWriteOptions(unify_dictionaries=False))
    try:
        yield writer
    finally:
        writer.close()
        out.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
