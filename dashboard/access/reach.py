"""What a reader sees: the places of an account, and what they mean in a configuration.

The guard says for each request who reads (`reading`); config, live states, records and store of the context ask for it
by `reader()`. So a page, a route or a stream gets only what its reader sees, and none can forget to ask. Outside of a
request, and on addresses that are open to everyone, everything is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from classair.config import Config


class NotCovered(Exception):
    """A question about a place that the reader does not see."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is not among the places of this account")
        self.place = place


@dataclass(frozen=True, slots=True)
class Reach:
    """`places`: sites and rooms (`<site>.<room>`); empty: everything.

    Whoever sees a room of a school sees its place outdoors as well: that air is nobody's, and every room is compared
    with it.
    """

    places: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return not self.places

    @property
    def key(self) -> str:
        """Names the reach: what is made for one reader may be shared with another of the same key."""
        return " ".join(sorted(self.places))

    def covers(self, place: str) -> bool:
        """Whether it is about `<site>.<room>` or `<site>`; a site only as a whole."""
        return not self.places or place in self.places or place.partition(".")[0] in self.places

    def touches(self, site: str) -> bool:
        """Whether it is about a school, or about anything in it."""
        return self.covers(site) or any(place.partition(".")[0] == site for place in self.places)

    def sees_room(self, config: Config, room: str) -> bool:
        if self.covers(room):
            return True
        site = room.partition(".")[0]
        return self.touches(site) and config.has_room(room) and config.room(room).outdoor

    def sees_sensor(self, config: Config, sensor: str) -> bool:
        """One that is not in the configuration any more only with its whole school."""
        site, _, local = sensor.partition(".")
        known = config.sites[site].sensors.get(local) if site in config.sites else None
        return self.covers(site) if known is None else self.sees_room(config, f"{site}.{known.room}")

    def sees_purifier(self, config: Config, purifier: str) -> bool:
        site, _, local = purifier.partition(".")
        known = config.sites[site].purifiers.get(local) if site in config.sites else None
        return self.covers(site) if known is None else self.sees_room(config, f"{site}.{known.room}")

    def sees_bridge(self, config: Config, bridge: str) -> bool:
        """The whole school's, or one that carries a sensor of a room that is seen."""
        site, _, local = bridge.partition(".")
        if self.covers(site):
            return True
        sensors = config.sites[site].sensors.values() if site in config.sites else ()
        return any(one.bridge == local and self.sees_room(config, f"{site}.{one.room}") for one in sensors)


EVERYTHING: Final = Reach()
_READER: ContextVar[Reach] = ContextVar("reader", default=EVERYTHING)


def reader() -> Reach:
    """Of whoever the work at hand is for. Tasks and `asyncio.to_thread` inherit it, a thread of one's own does not."""
    return _READER.get()


@contextmanager
def reading(reach: Reach) -> Iterator[None]:
    token = _READER.set(reach)
    try:
        yield
    finally:
        _READER.reset(token)
