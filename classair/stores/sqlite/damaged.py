"""Renames a damaged file; never deletes it."""

from __future__ import annotations

import logging
from pathlib import Path

from classair import damaged
from classair.stores import StoreAway

log = logging.getLogger(__name__)


def set_aside(path: Path, now_s: float, why: str) -> Path:
    """Moves a damaged file to `<name>.damaged-<UTC time>`; says where it went. Raises StoreAway."""
    aside = damaged.name_for(path, now_s)
    try:
        for suffix in ("-wal", "-shm", ""):  # the database last: until it is gone, this is tried again
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreAway(f"{path.name} is damaged and cannot be renamed: {error.strerror}") from error
    log.error("database_damaged path=%s moved_to=%s error=%s", path, aside, why)
    return aside
