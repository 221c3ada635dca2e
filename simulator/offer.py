"""What the simulator needs because of a configuration (classair.offers): the topics of the sockets it plays."""

from __future__ import annotations

from collections.abc import Iterator

from classair.accounts import Account
from classair.config import Config
from classair.control.orders import EdgeDevice
from simulator.devices.sockets import played


def faults(config: Config) -> Iterator[str]:
    yield from ()


def advice(config: Config) -> Iterator[str]:
    yield from ()


def accounts(config: Config) -> Iterator[Account]:
    """Its own, for every simulated socket."""
    for topic in played(config).values():
        yield Account((f"stat/{topic}/#", f"tele/{topic}/#"), (f"cmnd/{topic}/#",), "simulator")


def second_paths(config: Config) -> Iterator[EdgeDevice]:
    """None: it switches no purifier."""
    yield from ()
