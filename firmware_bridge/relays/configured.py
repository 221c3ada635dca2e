"""The relays of a configuration: where each is, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from classair.config import Config
from classair.control.relays import KIND, RelaySettings


@dataclass(frozen=True, slots=True)
class Plug:
    """Where a relay is."""

    port: str
    board: str
    channel: int


def plugs_of(config: Config, bridge: str) -> dict[str, Plug]:
    """The relays of one bridge (`<site>.<id>`): purifier → where it is."""
    site, _, local = bridge.partition(".")
    return {name: plug for name, by, plug in _relays(config) if name.startswith(f"{site}.") and by == local}


def relay_faults(config: Config) -> Iterator[str]:
    """A bridge that the site does not have, and two things at one port or channel."""
    known = {full for full, _ in config.bridges()}
    used: dict[tuple[str, Plug], str] = {}
    boards: dict[tuple[str, str], str] = {}
    sensors = {(f"{full.partition('.')[0]}.{it.bridge}", it.port): full for full, it in config.sensors()}
    for name, local, plug in _relays(config):
        site, _, purifier = name.partition(".")
        path, bridge = f"sites.{site}.purifiers.{purifier}", f"{site}.{local}"
        if bridge not in known:
            here = ", ".join(sorted(full.partition(".")[2] for full in known if full.startswith(f"{site}.")))
            yield f"{path}.bridge: the site has no bridge {local!r}; there are: {here or 'none'}"
        if (sensor := sensors.get((bridge, plug.port))) is not None:
            yield f"{path}.port: {plug.port} is the port of the sensor {sensor}"
        if (other := used.setdefault((bridge, plug), name)) != name:
            yield f"{path}.channel: {plug.channel} of this board is already {other}"
        if boards.setdefault((bridge, plug.port), plug.board) != plug.board:
            yield f"{path}.board: another relay says that a different board is at {plug.port}"


def _relays(config: Config) -> Iterator[tuple[str, str, Plug]]:
    """(purifier, its bridge, where it is); what `classair check` finds wrong alone is left out."""
    for name, unit in config.purifiers():
        if unit.kind != KIND or not unit.port:
            continue
        try:
            its = RelaySettings.model_validate(unit.settings)
        except ValidationError:
            continue
        yield name, its.bridge, Plug(unit.port, its.board, its.channel)
