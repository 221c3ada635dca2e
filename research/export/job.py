"""A package made in the background: a folder with the request, progress, pieces and in the end the zip file.

<job>/job.json        what was asked for; written by whoever started it
<job>/progress.json   how far it is; written here, replaced as a whole
<job>/pieces/         what is done already: killed, the same job goes on from there
<job>/cancel          its being there ends the job
<job>/package.zip     whole, or not there
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from classair.config import Config, ConfigFaults
from classair.places import Places, alone, write_atomically
from classair.stores import StoreAway
from research.archive import ArchiveFault
from research.export import Cancelled, ExportFault
from research.export.request import Request
from research.selection import SelectionRefused

State = Literal["waiting", "running", "packing", "ready", "failed", "cancelled"]
PACKAGE: Final = "package.zip"
_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `pieces`, `rows` so far; `why` it failed; `data` names the finished package."""

    state: State = "waiting"
    done: int = 0
    pieces: int = 0
    rows: int = 0
    bytes: int = 0
    data: str = ""
    why: str = ""


def read(folder: Path) -> Progress:
    """How far a job is; `waiting` when it has not said anything yet."""
    try:
        return Progress(**json.loads((folder / "progress.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return Progress()


def tell(folder: Path, progress: Progress) -> None:
    write_atomically(folder / "progress.json", json.dumps(asdict(progress)).encode())


def run(folder: Path, places: Places, config: Callable[[], Config]) -> int:
    """Does the job, or goes on with it. 0: ready, 1: failed, 3: cancelled, 4: another process is at it."""
    with alone(folder / "lock") as mine:
        if not mine:
            return 4
        if (folder / PACKAGE).exists() and read(folder).state == "ready":
            return 0
        try:
            progress = _made(folder, places, config)
        except Cancelled:
            progress = Progress("cancelled")
        except (ExportFault, ArchiveFault, StoreAway, SelectionRefused, ConfigFaults, OSError, ValueError) as fault:
            progress = Progress("failed", why=str(fault))
            print(f"classair export: {fault}", file=sys.stderr)
        shutil.rmtree(folder / "pieces", ignore_errors=True)
        tell(folder, progress)
        return {"ready": 0, "cancelled": 3}.get(progress.state, 1)


def _made(folder: Path, places: Places, config: Callable[[], Config]) -> Progress:
    from research.export.package import build
    from research.export.sources import opened

    request = Request.parse(json.loads((folder / "job.json").read_bytes())["request"])
    for left in {*folder.glob(f".{PACKAGE}.*"), *folder.glob("*.new")}:  # of a run that was killed
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    (folder / PACKAGE).unlink(missing_ok=True)
    last = [0.0]

    def show(done: int, pieces: int, rows: int) -> None:
        if done == pieces or time.monotonic() - last[0] > _EVERY_S:
            last[0] = time.monotonic()
            tell(folder, Progress("packing" if done == pieces else "running", done, pieces, rows))

    tell(folder, Progress("running"))
    with opened(places, config()) as sources:
        package = build(
            sources,
            request,
            folder / PACKAGE,
            zipped=True,
            kept=folder / "pieces",
            progress=show,
            stop=(folder / "cancel").exists,
        )
    done = read(folder)
    return Progress("ready", done.done, done.pieces, package.rows, package.path.stat().st_size, package.origin.data_id)
