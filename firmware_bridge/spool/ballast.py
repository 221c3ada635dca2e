"""Room on the disk that is kept for the moment when it is full: without it nothing could be moved to give any up."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class Ballast:
    """A file of `size` bytes without contents at `path`; `there` while the disk had room for it."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self._size = path, size
        self.there = False

    def lay(self) -> bool:
        """Whether it is there now. Costs next to nothing when it is already."""
        if self.there:
            return True
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o640)
            try:
                os.posix_fallocate(fd, 0, self._size)
            finally:
                os.close(fd)
        except OSError:
            self.drop()
            return False
        self.there = True
        return True

    def drop(self) -> None:
        """Gives its room to whoever needs it."""
        self.there = False
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
