"""Whether all threads of a bridge live and move: a dead one ends the process, one that hangs has it killed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from classair.broker import Link
from classair.progress.telling import DISK_PATIENCE_S, Progress
from firmware_bridge.foreign.http_server import HttpServer
from firmware_bridge.relays.switching import Relays
from firmware_bridge.sensor_line import SensorLine
from firmware_bridge.spool.keeper import Keeper

log = logging.getLogger(__name__)


class Liveness:
    """`lines` is the bridge's own mapping: what it holds at the moment of a look counts."""

    def __init__(
        self, link: Link, ear: HttpServer, keeper: Keeper, relays: Relays, lines: Mapping[str, SensorLine]
    ) -> None:
        self._link, self._ear, self._keeper, self._relays, self._lines = link, ear, keeper, relays, lines
        self._progress = Progress()
        self._progress.watch("network", lambda: link.moved_at)
        self._progress.watch("spool", lambda: keeper.moved_at, DISK_PATIENCE_S)
        self._progress.watch("relays", lambda: relays.moved_at, DISK_PATIENCE_S)  # leases are kept on disk

    def tick(self) -> None:
        """The bridge's loop goes round."""
        self._progress.tick()

    def healthy(self) -> bool:
        dead = [what for what, alive in self._threads() if not alive]
        if dead:
            log.critical("thread_died thread=%s action=restart", ",".join(dead))
        return not dead

    def _threads(self) -> Iterator[tuple[str, bool]]:
        yield "network", self._link.thread_alive
        yield "http", self._ear.alive
        yield "spool", self._keeper.alive
        yield "relays", self._relays.alive
        for line in self._lines.values():
            if line.port is not None:
                yield line.sensor, line.port.alive
