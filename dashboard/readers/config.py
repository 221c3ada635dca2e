"""The configuration with nothing in it but what the reader sees."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from classair.config import Config
from classair.config.settings import Site
from dashboard.access.reach import Reach, reader

KEPT: Final = 256
"""Reaches whose configuration is remembered; more at once are made anew."""


class SeenConfig:
    """Gives the same object as long as neither the configuration nor the reach changes: views compare by identity."""

    def __init__(self, whole: Callable[[], Config]) -> None:
        self._whole = whole
        self._made: OrderedDict[Reach, tuple[Config, Config]] = OrderedDict()

    def __call__(self) -> Config:
        config, reach = self._whole(), reader()
        if reach.everything:
            return config
        known = self._made.get(reach)
        if known is None or known[0] is not config:
            known = self._made[reach] = (config, seen_config(config, reach))
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return known[1]


def seen_config(config: Config, reach: Reach) -> Config:
    """A configuration without the schools, rooms, sensors, purifiers and bridges that are not seen; perhaps empty."""
    sites = {key: _site(config, key, site, reach) for key, site in config.sites.items() if reach.touches(key)}
    return config.model_copy(update={"sites": {key: site for key, site in sites.items() if site.rooms}})


def _site(config: Config, key: str, site: Site, reach: Reach) -> Site:
    if reach.covers(key):
        return site
    rooms = {name: room for name, room in site.rooms.items() if reach.sees_room(config, f"{key}.{name}")}
    return site.model_copy(
        update={
            "rooms": rooms,
            "sensors": {name: one for name, one in site.sensors.items() if one.room in rooms},
            "purifiers": {name: one for name, one in site.purifiers.items() if one.room in rooms},
            "bridges": {name: one for name, one in site.bridges.items() if reach.sees_bridge(config, f"{key}.{name}")},
        }
    )
