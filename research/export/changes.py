"""What an export was made from, and what has changed since an earlier one."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from classair import __version__
from research.export import FORMAT, ExportFault
from research.export.request import Request

VERSIONS: Final = "versions.json"

Days = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Origin:
    """`days`: the version of each school's local day; `aside`: a digest of each thing that days' versions do not cover.

    `unsettled`: days (`<school> <day>`) that still changed while they were read.
    """

    request: str
    days: Days
    aside: dict[str, str]
    software: str = __version__
    unsettled: tuple[str, ...] = ()

    @property
    def data_id(self) -> str:
        """Names request and state of the data: packages of one name have the same bytes."""
        return hashlib.sha256(json.dumps(self._manifest(), sort_keys=True).encode()).hexdigest()[:16]

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "request": self.request,
            "software": self.software,
            "days": self.days,
            "aside": self.aside,
        }

    def as_record(self) -> dict[str, Any]:
        return {**self._manifest(), "data": self.data_id, "unsettled": list(self.unsettled)}


@dataclass(frozen=True, slots=True)
class Changes:
    """`days`: those that differ, as `<school> <day>`; `aside`: what else does."""

    since: str
    days: tuple[str, ...]
    aside: tuple[str, ...]
    other_request: bool = False

    def __bool__(self) -> bool:
        return bool(self.days or self.aside or self.other_request)


def origin(request: Request, days: Days, aside: dict[str, str], unsettled: set[str]) -> Origin:
    return Origin(
        request.id,
        {site: dict(sorted(days[site].items())) for site in sorted(days)},
        aside,
        unsettled=tuple(sorted(unsettled)),
    )


def read(package: Path) -> Origin:
    """Of a package: its folder, its zip file, or its versions.json alone. Raises ExportFault."""
    try:
        if package.is_dir():
            data = (package / VERSIONS).read_bytes()
        elif zipfile.is_zipfile(package):
            with zipfile.ZipFile(package) as packed:
                data = packed.read(next(name for name in packed.namelist() if name.split("/")[-1] == VERSIONS))
        else:
            data = package.read_bytes()
        told = json.loads(data)
        return Origin(told["request"], told["days"], told["aside"], told["software"], tuple(told["unsettled"]))
    except (OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile) as error:
        raise ExportFault(f"{package} is not an export, or lacks its {VERSIONS}: {type(error).__name__}") from error


def between(old: Origin, new: Origin) -> Changes:
    """Which days differ (also those that came or went), and what else does."""
    days = sorted(
        {
            f"{site} {day}"
            for site in {*old.days, *new.days}
            for day in {*old.days.get(site, {}), *new.days.get(site, {})}
            if old.days.get(site, {}).get(day) != new.days.get(site, {}).get(day)
        }
        | set(old.unsettled)
    )
    aside = sorted(name for name in {*old.aside, *new.aside} if old.aside.get(name) != new.aside.get(name))
    return Changes(
        old.data_id,
        tuple(days),
        (*aside, *(["software"] if old.software != new.software else [])),
        old.request != new.request,
    )
