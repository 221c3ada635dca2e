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
    """One child process. `last_exit` is the code it ended with last, negative for a signal."""

    name: str
    alive: bool
    restarts: int = Field(ge=0)
    last_exit: int | None
    log: str

    @property
    def log_name(self) -> str:
        return Path(self.log).name


class _Written(BaseModel):
    at: int
    services: list[Process]


def read(path: Path, now_ms: int) -> dict[str, Process]:
    """By name; empty where no supervisor runs, as on a server with units of its own."""
    try:
        written = _Written.model_validate_json(path.read_bytes())
    except OSError:
        return {}
    except ValidationError as error:
        log.warning("processes_read_failed path=%s error=%s", path, faults(error))
        return {}
    return {process.name: process for process in written.services} if now_ms - written.at <= STALE_MS else {}
