"""Commits the spool four times a second on a thread of its own, so that a slow disk never delays a live reading."""

from __future__ import annotations

import logging
import threading
from typing import Final

from firmware_bridge.spool.spool import Spool

log = logging.getLogger(__name__)

COMMIT_EVERY_S: Final = 0.25


class Keeper:
    """`alive` is False once the thread has ended by a fault: then the process should end and be started anew."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="spool", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _keep(self) -> None:
        while not self._stop.wait(COMMIT_EVERY_S):
            try:
                self._spool.commit()
            except Exception:  # a damaged file: a new start moves it aside
                log.critical("spool_unusable path=%s", self._spool.path, exc_info=True)
                return
