"""What the configuration says of one bridge, and what the bridge says of itself."""

from __future__ import annotations

from collections.abc import Sequence

from classair import __version__
from classair.config import Config
from classair.config.settings import BridgeSettings, Sensor
from classair.wire import BridgeStatus, EdgeOrdered
from firmware_bridge.spool.spool import Spool


def sensors_of(config: Config, bridge: str) -> dict[str, Sensor]:
    """The sensors (by `<site>.<id>`) that a bridge (`<site>.<id>`) reads."""
    site, _, local = bridge.partition(".")
    if site not in config.sites:
        return {}
    return {f"{site}.{i}": sensor for i, sensor in config.sites[site].sensors.items() if sensor.bridge == local}


def entry_of(config: Config, bridge: str) -> BridgeSettings:
    """The settings of a bridge (`<site>.<id>`); the defaults when it is not in the file."""
    site, _, local = bridge.partition(".")
    entry = config.sites[site].bridges.get(local) if site in config.sites else None
    return entry or BridgeSettings()


def bridge_status(
    state: str, at_ms: int, spool: Spool, clock: str, config_version: int, edge_orders: Sequence[EdgeOrdered] = ()
) -> bytes:
    """The payload of the bridge's status topic."""
    status = BridgeStatus(
        state=state,
        at=at_ms,
        epoch=spool.epoch,
        next_seq=spool.next_seq,
        waiting=spool.waiting,
        version=__version__,
        config_version=config_version,
        clock=clock,
        storage=spool.storage,
        given_up=spool.given_up,
        edge_orders=list(edge_orders),
    )
    return status.model_dump_json().encode()
