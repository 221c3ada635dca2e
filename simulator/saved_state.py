"""What the simulated schools remember between runs, and the lock that lets only one simulator play them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classair.places import Places, write_atomically

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SimulatorState:
    """state.json: until when each bridge's sensors have measured (UTC ms), and how world and sockets stood then."""

    bridges: dict[str, int] = field(default_factory=dict)
    world: dict[str, Any] = field(default_factory=dict)
    plugs: dict[str, Any] = field(default_factory=dict)


class AlreadyPlayed(Exception):
    """Another simulator plays the schools of this data folder."""


def place_of(places: Places) -> Path:
    return places.sim_port("state.json")


def recall(places: Places) -> SimulatorState:
    """What is remembered; nothing when there is no file or it is damaged."""
    path = place_of(places)
    try:
        raw = json.loads(path.read_bytes())
        bridges = {str(name): int(at) for name, at in raw["bridges"].items()}
        return SimulatorState(bridges, dict(raw["world"]), dict(raw["plugs"]))
    except FileNotFoundError:
        return SimulatorState()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("simulator_state_read_failed path=%s error=%s", path, error)
        return SimulatorState()


def remember(places: Places, memory: SimulatorState) -> None:
    """Raises OSError when it cannot be written."""
    text = json.dumps({"v": 1, "bridges": memory.bridges, "world": memory.world, "plugs": memory.plugs})
    write_atomically(place_of(places), text.encode())


@contextlib.contextmanager
def alone(places: Places, patience_s: float = 5.0) -> Iterator[None]:
    """Holds the data folder's simulator lock. Raises AlreadyPlayed when somebody else keeps it longer than that."""
    path = places.sim_port("lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience_s
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise AlreadyPlayed(
                        f"another simulator is already running with data folder {places.root}"
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(fd)
