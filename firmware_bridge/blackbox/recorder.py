"""The black box: the last hours of raw bytes of every port, both directions, in a bounded ring on disk.

Ports only append to memory. One thread writes a block a minute for each port, without fsync, which is kind to an SD
card; kill -9 costs at most what had not been written. Nothing here can fail or delay a reading: without room on the
disk the black box is the first thing to go.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from classair.config import BlackBoxSettings
from firmware_bridge.blackbox.format import LOST, RECEIVED, SENT, Header, Item, encode_block
from firmware_bridge.blackbox.ring import Ring
from firmware_bridge.clock import Moment, boot_id, elapsed

log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 60.0
WRITE_AT_BYTES: Final = 64 << 10  # a port that talks much is written sooner
KEPT_IN_MEMORY: Final = 256 << 10  # bytes of one port while the disk does not take them
TOGETHER_S: Final = 0.02  # bytes that follow so closely are one record
_LARGEST_RECORD: Final = 512
_COST_OF_RECORD: Final = 64  # bytes of memory beside the data, roughly
_LOOK_EVERY_S: Final = 5.0


class PortRecorder:
    """What a Port tells its bytes. Called on the port's thread; appends to memory and returns."""

    def __init__(self, header: Header, full: Callable[[], None]) -> None:
        self.header = header
        self.lost = 0  # bytes that found no room, since the start
        self._full = full
        self._lock = threading.Lock()
        self._items: deque[tuple[int, int, bytearray]] = deque()
        self._held = 0
        self._missing = 0
        self._last_s = 0.0
        self._since_s = 0.0

    def received(self, data: bytes, at_s: float) -> None:
        self._add(RECEIVED, data, at_s)

    def sent(self, data: bytes, at_s: float) -> None:
        self._add(SENT, data, at_s)

    def _add(self, kind: int, data: bytes, at_s: float) -> None:
        with self._lock:
            if not self._items:
                self._since_s = at_s
            last = self._items[-1] if self._items else None
            if (
                last is not None
                and last[0] == kind
                and at_s - self._last_s <= TOGETHER_S
                and len(last[2]) + len(data) <= _LARGEST_RECORD
            ):
                last[2].extend(data)
                self._held += len(data)
            else:
                self._items.append((kind, round(at_s * 1000), bytearray(data)))
                self._held += len(data) + _COST_OF_RECORD
            self._last_s = at_s
            while self._held > KEPT_IN_MEMORY:
                self._forget_oldest()
            enough = self._held >= WRITE_AT_BYTES
        if enough:
            self._full()

    def _forget_oldest(self) -> None:
        _, _, data = self._items.popleft()
        self._held -= len(data) + _COST_OF_RECORD
        self._missing += len(data)
        self.lost += len(data)

    def due(self, now_s: float) -> bool:
        with self._lock:
            return bool(self._items) and (self._held >= WRITE_AT_BYTES or now_s - self._since_s >= WRITE_EVERY_S)

    def take(self) -> list[Item]:
        """What has come since the last time, oldest first; it is the caller's now."""
        with self._lock:
            items, missing = self._items, self._missing
            self._items, self._held, self._missing = deque(), 0, 0
        taken = [Item(kind, at_ms, bytes(data)) for kind, at_ms, data in items]
        if missing:
            taken.insert(0, Item(LOST, taken[0].elapsed_ms if taken else round(elapsed() * 1000), b"", missing))
        return taken

    def could_not_keep(self, items: list[Item]) -> None:
        """The disk did not take them."""
        count = sum(len(item.data) + item.lost for item in items)
        with self._lock:
            self._missing += count
            self.lost += sum(len(item.data) for item in items)


class BlackBox:
    """`folder` is that of one bridge: Places.blackbox(bridge). `offset`: as Clock.offset, asked on the writer's thread.

    Never raises once made, whatever the disk does.
    """

    def __init__(
        self,
        folder: Path,
        settings: BlackBoxSettings,
        offset: Callable[[], Moment | None],
        *,
        elapsed: Callable[[], float] = elapsed,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ring = Ring(folder, settings, wall)
        self._offset, self._elapsed = offset, elapsed
        self._boot = _boot_bytes(boot_id())
        self._recorders: dict[str, PortRecorder] = {}
        self._retired: list[PortRecorder] = []
        self._lost_before = 0
        self._lock = threading.Lock()
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write_always, name="black box", daemon=True)
        self._last_trouble = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        """Writes what is in memory and ends; gives up waiting for a disk that hangs."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def use(self, settings: BlackBoxSettings) -> None:
        """Takes changed settings; a smaller limit is kept from the next write on."""
        self._ring.settings = settings

    def recorder(self, sensor: str, model: str, port: str, settings: Mapping[str, Any]) -> PortRecorder:
        """For the port of `sensor` (`<site>.<id>`), from now on; the one before is written to its end and let go."""
        made = PortRecorder(Header(sensor, model, port, settings), self._wake.set)
        with self._lock:
            before = self._recorders.get(sensor)
            if before is not None:
                self._retired.append(before)
            self._recorders[sensor] = made
        return made

    @property
    def lost(self) -> int:
        """Bytes that could not be kept since the start, for want of room or because the disk did not answer."""
        with self._lock:
            return self._lost_before + sum(it.lost for it in [*self._recorders.values(), *self._retired])

    @property
    def trouble(self) -> str:
        """Why nothing is written at present; empty when all is well."""
        return self._last_trouble

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _write_always(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            self._write_what_is_due()
        self._write_what_is_due(everything=True)

    def _write_what_is_due(self, everything: bool = False) -> None:
        now = self._elapsed()
        with self._lock:
            retired, self._retired = self._retired, []
            current = list(self._recorders.values())
        for recorder in retired:
            self._write(recorder)
            with self._lock:
                self._lost_before += recorder.lost
        for recorder in current:
            if everything or recorder.due(now):
                self._write(recorder)

    def _write(self, recorder: PortRecorder) -> None:
        items = recorder.take()
        if not items:
            return
        if not self._ring.settings.hours:
            return
        try:
            moment = self._offset()
            block = encode_block(
                self._boot, moment.at_ms if moment else 0, moment.quality if moment else "unknown", items
            )
            trouble = self._ring.append(recorder.header, block, moment)
        except Exception as error:  # the black box may not take anything else down with it
            log.exception("blackbox_failed sensor=%s", recorder.header.sensor)
            trouble = f"{type(error).__name__}"
        if trouble:
            recorder.could_not_keep(items)
        if trouble != self._last_trouble:
            if trouble:
                log.warning("blackbox_write_failed error=%s readings_affected=false", trouble)
            else:
                log.info("blackbox_write_recovered lost_bytes=%d", self.lost)
            self._last_trouble = trouble


def _boot_bytes(boot: str) -> bytes:
    try:
        return UUID(boot).bytes
    except ValueError:
        return os.urandom(16)  # a boot that cannot be named is not mistaken for another
