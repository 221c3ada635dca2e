"""What the judges' memories knew before this process began, read back from the store: stuck stays stuck."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from classair.model import Reading
from classair.science.quality_checks.limits import BREAK_MS, PARTICLES
from classair.science.quality_checks.realtime import PRIMING_MS, Memories
from classair.stores import StoreAway
from classair.stores.sqlite.store import SqliteStore

log = logging.getLogger(__name__)

_FIRST_LOOK_MS = 2 * BREAK_MS // 3


def restore_memory(store: SqliteStore, memories: Memories) -> None:
    """Primes the memory of every sensor that has readings. A store that is away leaves them empty, and says so."""
    try:
        newest: dict[str, Reading] = {}
        for room in store.rooms():
            for it in store.latest(room):
                there = newest.get(it.sensor)
                if there is None or there.at_ms < it.reading.at_ms:
                    newest[it.sensor] = it.reading
        for reading in newest.values():
            memories.prime(_past(store, reading))
    except StoreAway as away:
        log.warning("history_read_failed error=%s action=check_from_now", away)


def _past(store: SqliteStore, newest: Reading) -> list[Reading]:
    """As much of the last hour as matters: the last minutes of a sensor that moves, all of it for one that does not."""
    for length in (_FIRST_LOOK_MS, PRIMING_MS):
        past = [
            reading
            for reading in store.readings(newest.room, newest.at_ms - length, newest.at_ms + 1)
            if reading.sensor == newest.sensor
        ]
        if _moves(past):
            break
    return past


def _moves(past: list[Reading]) -> bool:
    """Whether each part of the sensor that could be stuck has said two different things."""

    def moved(keys: Iterable[str]) -> bool:
        return any(len({it.values[key] for it in past if key in it.values}) > 1 for key in keys)

    said = {key for it in past for key in it.values}
    return ("pm25" not in said or moved(PARTICLES)) and ("co2_ppm" not in said or moved(("co2_ppm",)))
