"""What mosquitto keeps of its own in mosquitto.db: a damaged one is set aside, so that the broker begins without it.

Nothing measured is lost with it: bridges send from their spools until ingest has stored, services say again what is
retained.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from classair import damaged

log = logging.getLogger(__name__)

FILE: Final = "mosquitto.db"
_TAIL: Final = 2_000  # bytes of the log
_SAID: Final = (b"Couldn't open database", b"restore persistent database")
"""What mosquitto 2.0 ends with when it cannot read the file; not when the disk is full or the port taken."""


def set_aside(folder: Path, broker_log: Path, since: int) -> str:
    """Moves the file out of the way when the log says, behind its byte `since`, that it could not be read.

    Returns what was done, empty for nothing. Raises OSError.
    """
    file = folder / FILE
    try:
        with broker_log.open("rb") as lines:
            lines.seek(max(since, broker_log.stat().st_size - _TAIL))
            said = lines.read()
    except OSError:
        return ""
    if not file.exists() or not any(words in said for words in _SAID):
        return ""
    aside = damaged.name_for(file)
    file.rename(aside)
    log.critical("broker_memory_damaged moved_to=%s", aside.name)
    return f"{FILE} was damaged and is kept as {aside.name}; the broker begins without it"
