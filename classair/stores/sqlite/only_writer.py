"""A file has one writer: what is remembered in memory would be wrong beside a second one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from classair.stores import StoreAway


class OnlyWriter:
    """Holds `<name>.writer` locked until released or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises StoreAway when another writer has it, or when the folder cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path.with_name(f"{path.name}.writer"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreAway(f"{path.name} cannot be opened for writing: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreAway(f"{path.name} is being written by another process") from error

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
