"""The bridge's book about its sensors: hours run, when each last spoke, what each is; kept over restarts."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any, Final

from classair.places import write_atomically
from firmware_bridge.serial.identity import Device
from firmware_bridge.serial.warm_up import LastSeen

log = logging.getLogger(__name__)

SAVE_EVERY_S: Final = 300.0  # so a kill -9 costs five minutes of an hour meter


class Book:
    """Three tables in one small file: seconds run by sensor, the last word of each line, and what is known of it.

    Hours belong to what the sensor says it is (`<model> <identity>`) and move with it from port to port; one that says
    nothing of itself is known by its place in sensors.yaml. A book that cannot be read begins anew and says so; one
    that cannot be written is tried again, and measuring goes on. All methods run on the bridge's one thread, except
    the writing itself.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._ran: dict[str, float] = {}
        self._seen: dict[str, LastSeen] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._save_at: float | None = None
        self._changed = False
        self._writing = threading.Lock()
        self._texts = self._written = 0
        self._thread: threading.Thread | None = None
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            told = json.loads(path.read_text("utf-8"))
            self._ran = {str(key): float(seconds) for key, seconds in told["ran_s"].items()}
            self._seen = {str(key): _seen_of(row) for key, row in told["seen"].items()}
            self._known = {str(key): dict(known) for key, known in told.get("known", {}).items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("sensor_hours_read_failed path=%s error=%s action=start_from_zero", path, type(error).__name__)
            self._ran, self._seen, self._known = {}, {}, {}

    def ran(self, key: str, seconds: float) -> None:
        """Adds running time."""
        if seconds > 0:
            self._ran[key] = self._ran.get(key, 0.0) + seconds
            self._changed = True

    def hours(self, key: str) -> float:
        return self._ran.get(key, 0.0) / 3600

    def seen(self, sensor: str) -> LastSeen | None:
        return self._seen.get(sensor)

    def saw(self, sensor: str, last: LastSeen) -> None:
        """Notes a sign of life. Falling asleep is written at once: a bridge that ends now has to wake it later."""
        before = self._seen.get(sensor)
        self._seen[sensor] = last
        self._changed = True
        if last.asleep != (before is not None and before.asleep) or before is None or before.device != last.device:
            self._save_at = 0.0

    def known(self, line: str) -> dict[str, Any]:
        """What `know` was told of a line (`<site>.<id> <model> <port>`), empty for nothing."""
        return self._known.get(line, {})

    def know(self, line: str, known: dict[str, Any]) -> None:
        """Keeps what a line is and has (JSON); something new is written at once."""
        if known != self._known.get(line, {}):
            self._known[line] = known
            self._changed, self._save_at = True, 0.0

    def save_if_due(self, now_s: float) -> None:
        """Writes every SAVE_EVERY_S, on a thread of its own: a slow disk delays no reading."""
        if self._save_at is None:
            self._save_at = now_s + SAVE_EVERY_S
        if now_s < self._save_at or not self._changed or (self._thread is not None and self._thread.is_alive()):
            return
        self._save_at = now_s + SAVE_EVERY_S
        self._thread = threading.Thread(target=self._write, args=self._text(), name="sensor book", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Writes what there is, and waits a moment for a slow disk."""
        if self._thread is not None:
            self._thread.join(2.0)
        if self._changed:
            self._write(*self._text())

    def _text(self) -> tuple[int, bytes]:
        """The file as it should be, numbered, so that an older one never takes its place."""
        self._changed = False
        self._texts += 1
        seen = {
            sensor: [*last[:2], list(last.device) if last.device else None, last.asleep]
            for sensor, last in self._seen.items()
        }
        ran = {key: round(seconds, 1) for key, seconds in self._ran.items()}
        told = {"v": 1, "ran_s": ran, "seen": seen, "known": self._known}
        return self._texts, json.dumps(told, ensure_ascii=False).encode()

    def _write(self, number: int, text: bytes) -> None:
        if self.path is None:
            return
        with self._writing:
            if number < self._written:
                return
            self._written = number
            try:
                write_atomically(self.path, text)
            except OSError as error:
                self._changed = True
                log.warning("sensor_hours_write_failed path=%s error=%s", self.path, error.strerror)


def _seen_of(row: Any) -> LastSeen:
    boot, at_s, device, asleep = row
    return LastSeen(str(boot), float(at_s), Device(*map(int, device)) if device else None, bool(asleep))
