"""Until when relays are on, kept on disk, so that a bridge that was killed goes on with what it had begun.

Seconds of elapsed(), which goes on while the process is away; of another run of the machine nothing is believed: the
boards were without power too.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from classair.places import write_atomically
from firmware_bridge.clock import UNKNOWN

log = logging.getLogger(__name__)


class Leases:
    def __init__(self, path: Path, boot: str) -> None:
        self._path, self._boot = path, boot
        self._ends = self._read()

    def end_of(self, purifier: str) -> float | None:
        return self._ends.get(purifier)

    def keep(self, purifier: str, ends_s: float | None) -> None:
        if ends_s is None:
            self._ends.pop(purifier, None)
        else:
            self._ends[purifier] = ends_s
        try:
            write_atomically(self._path, json.dumps({"boot": self._boot, "ends": self._ends}).encode())
        except OSError as error:  # switching goes on; only a kill would now switch it off
            log.warning("relay_leases_not_kept error=%s", error)

    def _read(self) -> dict[str, float]:
        try:
            told = json.loads(self._path.read_bytes())
            if told["boot"] != self._boot or self._boot == UNKNOWN:
                return {}
            return {str(name): float(ends) for name, ends in told["ends"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return {}
