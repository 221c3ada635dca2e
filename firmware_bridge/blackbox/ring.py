"""The black box's files: a ring of segments for each port, bounded by hours, by port and in total."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from classair.config import BlackBoxSettings
from firmware_bridge.blackbox.format import Header
from firmware_bridge.clock import BUILT_MS, Moment

SUFFIX: Final = ".cbb"
SEGMENTS: Final = 8  # a port's ring has so many, and one being written
MEGABYTE: Final = 1 << 20
# What must stay free for the spool and the system: this much, on a small disk a twentieth of it.
RESERVE: Final = 128 * MEGABYTE


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int
    newest_ms: int  # of the file's own time stamp


@dataclass(slots=True)
class _Port:
    folder: Path
    segments: list[_Segment] = field(default_factory=list)
    header: bytes = b""  # of the segment being written, empty when a new one must be begun
    begun_ms: float = 0.0

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self.segments)


def reserve_of(total: int) -> int:
    """Bytes that the black box leaves free on a disk of `total` bytes."""
    return min(RESERVE, total // 20)


class Ring:
    """Used by one thread. Knows its files' sizes from a look at the folder when it was made."""

    def __init__(
        self,
        folder: Path,
        settings: BlackBoxSettings,
        wall: Callable[[], float],
        disk: Callable[[Path], tuple[int, int]] | None = None,
    ) -> None:
        self.settings = settings
        self._folder, self._wall = folder, wall
        self._disk = disk or _disk
        self._ports: dict[str, _Port] = {}
        self._looked = False

    def append(self, header: Header, block: bytes, moment: Moment | None) -> str:
        """Keeps a block; why it could not, empty when it could."""
        try:
            self._look()
            self._prune_old(moment)
            port = self._port(header.sensor)
            encoded = header.encode()
            port.folder.mkdir(parents=True, exist_ok=True)
            if not port.header:
                self._resume(port, encoded)
            wanted = len(block) + len(encoded)
            self._make_room(port, wanted)
            total, free = self._disk(port.folder)
            while free - wanted < reserve_of(total):
                if not self._drop_oldest():
                    return "disk_full"
                total, free = self._disk(port.folder)
            self._write(port, encoded, block)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._drop_oldest()
                return "disk_full"
            return error.strerror or type(error).__name__
        return ""

    @staticmethod
    def _resume(port: _Port, encoded: bytes) -> None:
        """After a restart the newest segment is written on when it is the same port's; a cut block in it is no harm."""
        if port.segments:
            newest = port.segments[-1]
            with newest.path.open("rb") as file:
                if file.read(len(encoded)) == encoded:
                    port.header, port.begun_ms = encoded, newest.newest_ms

    # -- writing -------------------------------------------------------------------------------------------------------

    def _write(self, port: _Port, encoded: bytes, block: bytes) -> None:
        limit = self.settings.port_mb * MEGABYTE // SEGMENTS
        now_ms = self._wall() * 1000
        longest_ms = self.settings.hours * 3_600_000 / SEGMENTS
        newest = port.segments[-1] if port.segments else None
        if (
            newest is None
            or port.header != encoded
            or newest.size + len(block) > limit
            or not 0 <= now_ms - port.begun_ms <= longest_ms
        ):
            number = int(newest.path.stem) + 1 if newest is not None else 1
            newest = _Segment(port.folder / f"{number:010d}{SUFFIX}", 0, round(now_ms))
            port.segments.append(newest)
            port.header, port.begun_ms = encoded, now_ms
            block = encoded + block
        fd = os.open(newest.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            written = os.write(fd, block)
            if written != len(block):
                os.ftruncate(fd, newest.size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            if not newest.size:
                port.header = b""  # the header may not be there: the next block begins a new segment
            raise
        finally:
            os.close(fd)
        newest.size += len(block)
        newest.newest_ms = round(now_ms)

    # -- what is there -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._looked:
            return
        self._looked = True
        if not self._folder.is_dir():
            return
        for folder in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            segments = []
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                if path.stem.isdigit():
                    told = path.stat()
                    segments.append(_Segment(path, told.st_size, round(told.st_mtime * 1000)))
            self._ports[folder.name] = _Port(folder, segments)

    def _port(self, sensor: str) -> _Port:
        name = sensor.partition(".")[2]
        if name not in self._ports:
            self._ports[name] = _Port(self._folder / name)
        return self._ports[name]

    # -- making room ---------------------------------------------------------------------------------------------------

    def _prune_old(self, moment: Moment | None) -> None:
        """What is older than the hours asked for goes, when both times are known: a wrong clock deletes nothing."""
        now_ms = self._wall() * 1000
        if moment is None or moment.quality == "unsync" or now_ms < BUILT_MS:
            return
        oldest_ms = now_ms - self.settings.hours * 3_600_000
        for name, port in list(self._ports.items()):
            while port.segments and BUILT_MS <= port.segments[0].newest_ms < oldest_ms:
                self._remove(port)
            if not port.segments:
                try:
                    port.folder.rmdir()
                except OSError:
                    continue
                del self._ports[name]

    def _make_room(self, port: _Port, wanted: int) -> None:
        while port.segments and port.size + wanted > self.settings.port_mb * MEGABYTE:
            self._remove(port)
        while sum(it.size for it in self._ports.values()) + wanted > self.settings.total_mb * MEGABYTE:
            if not self._drop_oldest():
                return

    def _drop_oldest(self) -> bool:
        """Removes the segment that was written to longest ago, whosever it is; False when there is none."""
        ports = [port for port in self._ports.values() if port.segments]
        if not ports:
            return False
        self._remove(min(ports, key=lambda port: port.segments[0].newest_ms))
        return True

    @staticmethod
    def _remove(port: _Port) -> None:
        oldest = port.segments.pop(0)
        if not port.segments:
            port.header = b""
        oldest.path.unlink(missing_ok=True)


def _disk(folder: Path) -> tuple[int, int]:
    """Bytes of the disk under `folder`, and how many of them are free."""
    told = shutil.disk_usage(folder)
    return told.total, told.free
