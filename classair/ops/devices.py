"""Accounts and secrets of devices that are not ours: what each may say and hear at the broker, how it posts."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from classair.places import Places, write_atomically

if TYPE_CHECKING:
    from classair.config import Config, Sensor

log = logging.getLogger(__name__)

HOME_ASSISTANT: Final = "homeassistant"
"""Its account at the broker."""


@dataclass(slots=True)
class BridgeGrant:
    """The site of a bridge, and the topics of foreign devices that it reads."""

    site: str
    hears: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Grants:
    """What the broker's rules need to know of an organisation, beyond its name.

    bridges: by local id. devices: account → (topics to write, topics to read). sockets: accounts of Tasmota sockets,
    which have rules of their own. prefix: Home Assistant's, empty when off.
    """

    bridges: dict[str, BridgeGrant] = field(default_factory=dict)
    devices: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    sockets: list[str] = field(default_factory=list)
    prefix: str = HOME_ASSISTANT


def grants_of(config: Config) -> Grants:
    """The grants a configuration asks for. Sensors that `classair check` finds fault with get none."""
    told = config.home_assistant
    grants = Grants(prefix=told.prefix if told.enabled else "")
    for full, _ in config.bridges():
        grants.bridges[full.partition(".")[2]] = BridgeGrant(full.partition(".")[0])
    for full, sensor in config.sensors():
        adapter = _adapter(full, sensor)
        if adapter is None:
            continue
        hears = grants.bridges[sensor.bridge].hears
        hears += [topic for topic in adapter.topics() if topic not in hears]
        account = adapter.account()
        if account.writes or account.reads:
            writes, reads = grants.devices.setdefault(account.name or full, ([], []))
            writes += [topic for topic in account.writes if topic not in writes]
            reads += [topic for topic in account.reads if topic not in reads]
    for _, unit in config.purifiers():
        topic = unit.settings.get("topic")
        if unit.kind == "tasmota" and isinstance(topic, str) and topic not in grants.sockets:
            grants.sockets.append(topic)
    return grants


def account_of(sensor: str, settings: Sensor) -> str:
    """The name under which a foreign device comes to the broker; empty when it does not come there."""
    adapter = _adapter(sensor, settings)
    if adapter is None or not adapter.topics():
        return ""
    return str(adapter.account().name or sensor)


def _adapter(sensor: str, settings: Sensor) -> Any:
    """The adapter of a foreign sensor, None for others and for faulty ones. Found by name: services are not imported
    here, and the part of a bridge that understands devices needs no third library.
    """
    if settings.port.partition(":")[0] not in ("mqtt", "http"):
        return None
    adapters = importlib.import_module("firmware_bridge.adapters")
    try:
        return adapters.adapter_for(settings.model, settings.port, settings.settings)
    except (LookupError, ValueError) as error:
        log.warning("device_account_skipped sensor=%s error=%s", sensor, str(error).splitlines()[0])
        return None


# -- secrets of devices that post --------------------------------------------------------------------------------------


def digest(secret: str) -> str:
    """What is kept of a secret: SHA-256, hex. Ours have 128 random bits, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def kept_secrets(places: Places) -> dict[str, str]:
    """`<site>.<id>` of a sensor → digest of its secret; empty while there is none, and when it cannot be read."""
    try:
        found = json.loads(places.device_secrets.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.error("device_secrets_read_failed path=%s error=%s", places.device_secrets, error)
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def keep_secret(places: Places, sensor: str, secret: str) -> None:
    """Remembers a device's secret; an older one of the same device no longer holds."""
    known = {**kept_secrets(places), sensor: digest(secret)}
    write_atomically(places.device_secrets, json.dumps(known, indent=1, sort_keys=True).encode())


def accounts(grants: Grants) -> Iterator[str]:
    """Every account beside services and bridges."""
    yield from grants.devices
    yield from grants.sockets
    if grants.prefix:
        yield HOME_ASSISTANT
