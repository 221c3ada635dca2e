"""One process at a time has a spool open: two would give out the same numbers."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)


class SpoolInUse(Exception):
    """Another process has this spool open."""


def lock_for(path: Path) -> IO[bytes] | None:
    """The lock of a spool, None where its folder cannot be written. Raises SpoolInUse."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SpoolInUse(f"{path} is in use by another process. Run each bridge only once") from None
    except OSError as error:
        log.error("spool_folder_failed path=%s error=%s", path.parent, error.strerror)
        return None
    return lock
