"""Which quantities each sensor has ever measured in a room: a device may send them in turn, one message each."""

from __future__ import annotations

from typing import Final

from classair.model import QUANTITIES, Reading
from classair.stores import Store
from classair.units import DAY_MS, HOUR_MS

_AGAIN_MS: Final = HOUR_MS


class KnownQuantities:
    """Remembered; looked up again after an hour. A newer reading tells more at once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, frozenset[str]]] = {}

    def of(self, store: Store, room: str, newest: Reading, now_ms: int) -> frozenset[str]:
        """Raises StoreAway."""
        place = room, newest.sensor
        at, found = self._found.get(place, (0, frozenset()))
        if now_ms - at > _AGAIN_MS:
            at = now_ms
            found |= {key for key in QUANTITIES if store.series(room, key, 0, newest.at_ms + 1, DAY_MS, newest.sensor)}
        found |= newest.values.keys()
        self._found[place] = at, found
        return found
