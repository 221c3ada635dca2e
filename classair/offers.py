"""What services know of a configuration, asked without knowing the services.

Each offers one light module under the entry point group `classair.services`, which imports nothing but the foundation's
requirements, so that `classair check` sees all faults everywhere. The module answers as `Offer` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, TypeVar, cast

from classair import config as configuration
from classair.accounts import Account
from classair.config import Config, ConfigFaults
from classair.control.orders import EdgeDevice

GROUP: Final = "classair.services"
_T = TypeVar("_T")


class Offer(Protocol):
    """Each function looks at a whole configuration; a line is `path: what is wrong, and what would be right`."""

    def faults(self, config: Config) -> Iterable[str]:
        """What the service's plug-ins find wrong with their sections."""
        ...

    def advice(self, config: Config) -> Iterable[str]:
        """What works and had better be otherwise."""
        ...

    def accounts(self, config: Config) -> Iterable[Account]:
        """What devices need at the broker, and what a service or bridge of ours (`name`) needs because of them."""
        ...

    def second_paths(self, config: Config) -> Iterable[EdgeDevice]:
        """The purifiers it switches, and how a bridge does when the server is away."""
        ...


@cache
def offers() -> tuple[Offer, ...]:
    """What is installed. Raises RuntimeError when that is nothing: then nothing would be checked or let in."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    if not points:
        raise RuntimeError("no service is registered. Reinstall ClassAir: pip install --no-deps .")
    return tuple(cast(Offer, point.load()) for point in points)


def faults(config: Config) -> Iterator[str]:
    """Everything that only a driver, a channel or another plug-in can find wrong."""
    return _from_each(lambda offer: offer.faults(config))


def advice(config: Config) -> Iterator[str]:
    """What works and had better be otherwise."""
    return _from_each(lambda offer: offer.advice(config))


def accounts(config: Config) -> Iterator[Account]:
    """Every account that devices need, and what ours need because of them; a name may come more than once."""
    for offer in offers():
        yield from offer.accounts(config)


def second_paths(config: Config) -> Iterator[EdgeDevice]:
    """Every purifier, and how a bridge switches it ON when the server is away."""
    return _from_each(lambda offer: offer.second_paths(config))


def load(path: Path, env: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a file, when every service can work with it. Raises ConfigFaults with all that is wrong."""
    return parse(configuration.read(path), env)


def parse(text: str, env: Mapping[str, str] = MappingProxyType({})) -> Config:
    """The configuration in a text, when every service can work with it. Raises ConfigFaults with all that is wrong."""
    try:
        config = configuration.parse(text, env)
    except ConfigFaults as wrong:
        raise ConfigFaults(wrong.also(faults)) from None
    if found := list(faults(config)):
        raise ConfigFaults(found)
    return config


def _from_each(ask: Callable[[Offer], Iterable[_T]]) -> Iterator[_T]:
    return chain.from_iterable(map(ask, offers()))
