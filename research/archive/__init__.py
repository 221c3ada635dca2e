"""The archive: one Parquet file for each site and local day, from which readings.db can be made again.

    <archive>/tables.jsonl.gz                 every other table of readings.db
    <archive>/<site>/manifest.json            which version of which day is there, verified
    <archive>/<site>/2026/2026-06-01.parquet  all readings of that day

This file knows names and manifests and needs no library; `days` and `restoring` need pyarrow ([research]).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from classair.places import write_atomically

FORMAT: Final = 1
TABLES: Final = "tables.jsonl.gz"
MANIFEST: Final = "manifest.json"


class ArchiveFault(Exception):
    """A file of the archive is not what it should be; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One day in a manifest: what was written and read back. `file` is relative to the site's folder."""

    version: int
    file: str
    rows: int
    bytes: int
    sha256: str


def installed() -> bool:
    """Whether pyarrow is there, found out without importing it."""
    return importlib.util.find_spec("pyarrow") is not None


def file_of(archive: Path, site: str, day: date) -> Path:
    return archive / site / f"{day.year:04d}" / f"{day.isoformat()}.parquet"


def manifest_of(archive: Path, site: str) -> dict[date, Entry]:
    """What has been archived of a site; empty when nothing. Raises ArchiveFault for a manifest nobody can read."""
    path = archive / site / MANIFEST
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != FORMAT:
            raise ArchiveFault(f"{path} has format {told['format']}; this version supports {FORMAT}")
        return {date.fromisoformat(day): Entry(**entry) for day, entry in told["days"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveFault(f"cannot read {path}: {error}") from error


def write_manifest(archive: Path, site: str, entries: dict[date, Entry]) -> None:
    days = {day.isoformat(): asdict(entries[day]) for day in sorted(entries)}
    text = json.dumps({"format": FORMAT, "site": site, "days": days}, indent=1)
    write_atomically(archive / site / MANIFEST, text.encode(), 0o640)


def sites_of(archive: Path) -> list[str]:
    """Sites that have a manifest. Raises ArchiveFault for one that has days and none: it must not pass for nothing."""
    found = sorted(path.parent.name for path in archive.glob(f"*/{MANIFEST}"))
    if bare := sorted({path.parts[-3] for path in archive.glob("*/*/*.parquet")} - set(found)):
        raise ArchiveFault(
            f"{archive / bare[0] / MANIFEST} is missing, although days of {bare[0]} exist. Restore it from a "
            "backup, or run classair archive to write a new one"
        )
    return found


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
