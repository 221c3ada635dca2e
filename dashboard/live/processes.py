"""What `classair run` knows of the processes it keeps alive, as it writes it down every few seconds."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from classair.wire import faults

log = logging.getLogger(__name__)

STALE_MS: Final = 15_000  # it is written every 2 s; older than this nobody keeps it any more


class Process(BaseModel):
    """One child process. `last_exit` is the code it ended with last, negative for a signal.

    `hung`: how often it was killed because it made no progress, `hung_at` when last (UTC ms), of what is remembered.
    """

    name: str
    alive: bool
    restarts: int = Field(ge=0)
    last_exit: int | None
    log: str
    hung: int = 0
    hung_at: int | None = None

    @property
    def log_name(self) -> str:
        return Path(self.log).name


class _Incident(BaseModel):
    service: str
    what: str
    at: int


class _Written(BaseModel):
    at: int
    services: list[Process]
    incidents: list[_Incident] = []


def read(path: Path, now_ms: int) -> dict[str, Process]:
    """By name; empty where no supervisor runs, as on a server with units of its own."""
    try:
        written = _Written.model_validate_json(path.read_bytes())
    except OSError:
        return {}
    except ValidationError as error:
        log.warning("processes_read_failed path=%s error=%s", path, faults(error))
        return {}
    if now_ms - written.at > STALE_MS:
        return {}
    hung: dict[str, list[int]] = {}
    for incident in written.incidents:
        if incident.what == "hung":
            hung.setdefault(incident.service, []).append(incident.at)
    return {it.name: _with_hangs(it, hung.get(it.name, [])) for it in written.services}


def _with_hangs(process: Process, at: list[int]) -> Process:
    return process.model_copy(update={"hung": len(at), "hung_at": max(at)}) if at else process
