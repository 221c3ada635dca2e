"""The other end: what a process says of its progress, and when its silence means that it hangs."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from classair.progress.telling import SOCKET_VARIABLE

PATIENCE_S: Final = 15.0
GRACE_S: Final = 60.0
"""For the first word of a process: libraries are loaded and files opened before. Twice as long each time that it was
not enough: a machine may be slow.
"""

_LONGEST_GRACE_S: Final = 600.0

LATE_S: Final = 3.0
"""Who looks this late has stood still itself, and what others said meanwhile may be unheard."""

_LONGEST_PATH: Final = 100  # bytes; sun_path holds 108 on Linux, 104 elsewhere
_LONGEST_EXTENSION_S: Final = 600.0
_MOST_WORDS: Final = 1000  # datagrams at one look; who says more than can be read must not hold up the looking


class Signs(Protocol):
    """The signs of life of one process."""

    def environment(self) -> Mapping[str, str]:
        """What the process must be told to give them."""
        ...

    def begin(self) -> None:
        """A new process begins: what the last one said counts no more."""
        ...

    def look(self, now: float) -> float:
        """For how many seconds from now the newest signs vouch, 0 when there are none."""
        ...

    def close(self) -> None: ...


class Watch:
    """When one process counts as hung. Pure; `now` is `time.monotonic`, which stands still while a machine sleeps."""

    def __init__(self) -> None:
        self.spoken = False
        self._until = self._looked = 0.0
        self._grace = GRACE_S

    def begin(self, now: float) -> None:
        self.spoken, self._until, self._looked = False, now + self._grace, now
        self._grace = min(2 * self._grace, _LONGEST_GRACE_S)

    def hung(self, now: float, vouched_s: float) -> bool:
        """Asked at every look; `vouched_s` as of `Signs.look`."""
        late, self._looked = now - self._looked > LATE_S, now
        if vouched_s > 0:
            self._until = now + vouched_s
            self.spoken, self._grace = True, GRACE_S
        if late:
            self._until = max(self._until, now + PATIENCE_S)
        return now >= self._until


class Ear:
    """A datagram socket for one process, in a folder that nobody else may enter: only it can be speaking."""

    def __init__(self, folder: Path, name: str) -> None:
        """Elsewhere when the path is too long for a socket, or the disk is full. Raises OSError when all is."""
        self._own: Path | None = None
        self._path = folder / name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            if len(os.fsencode(self._path)) > _LONGEST_PATH:
                raise OSError("the path is too long")
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))
        except OSError:
            self._own = Path(tempfile.mkdtemp(prefix="classair-"))
            self._path = self._own / name
            self._socket.bind(str(self._path))

    def environment(self) -> Mapping[str, str]:
        return {SOCKET_VARIABLE: str(self._path)}

    def begin(self) -> None:
        self._words()

    def look(self, now: float) -> float:
        return max((_vouched(word) for word in self._words()), default=0.0)

    def close(self) -> None:
        self._socket.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)

    def _words(self) -> list[str]:
        found: list[str] = []
        for _ in range(_MOST_WORDS):
            try:
                told = self._socket.recv(4096)
            except OSError:  # nothing more there
                break
            found += told.decode("utf-8", "replace").splitlines()
        return found


def _vouched(word: str) -> float:
    name, _, value = word.partition("=")
    if (name, value) in (("WATCHDOG", "1"), ("READY", "1")):
        return PATIENCE_S
    if name == "EXTEND_TIMEOUT_USEC" and value.isascii() and value.isdigit():
        return min(int(value[:12]) / 1e6, _LONGEST_EXTENSION_S)
    return 0.0
