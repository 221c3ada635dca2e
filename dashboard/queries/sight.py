"""What whoever asks of the past may see; by default everything."""

from __future__ import annotations

from typing import Protocol

from classair.stores import Store


class Sight(Protocol):
    """Asked anew at every question: who asks is known then."""

    def store(self, store: Store) -> Store:
        """The store without what is not seen."""
        ...

    def sees_room(self, room: str) -> bool: ...

    def sees_sensor(self, sensor: str) -> bool: ...

    def touches(self, site: str) -> bool: ...


class SeesAll:
    def store(self, store: Store) -> Store:
        return store

    def sees_room(self, room: str) -> bool:
        return True

    def sees_sensor(self, sensor: str) -> bool:
        return True

    def touches(self, site: str) -> bool:
        return True
