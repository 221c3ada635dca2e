"""Options shared by several commands, each defined once."""

from __future__ import annotations

import argparse
import ipaddress
import os
from collections.abc import Callable
from datetime import UTC, date
from pathlib import Path
from typing import Any, Final, TypeVar

from classair import dates
from classair.i18n import LANGUAGES
from classair.timetable import ZONE

Value = TypeVar("Value")

BROKER_VARIABLE: Final = "CLASSAIR_BROKER"
PROXY_VARIABLE: Final = "CLASSAIR_TRUSTED_PROXY"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas: `127.0.0.1`, `10.0.0.0/29,::1`."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ipaddress.ip_network(part)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{part!r}: expected an address or a network, such as 127.0.0.1 or 192.168.1.8/29"
            ) from None
        if network.prefixlen == 0:
            raise argparse.ArgumentTypeError(f"{part!r} is everybody; name the proxy's own address")
        found.append(network)
    return tuple(found)


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "--data": {"type": Path, "default": Path("data"), "metavar": "DIR", "help": "data folder (default: data)"},
    "--config": {
        "type": Path,
        "default": Path("sensors.yaml"),
        "metavar": "FILE",
        "help": "configuration file (default: sensors.yaml)",
    },
    "--broker": {
        "metavar": "URL",
        "help": f"broker, mqtt://host:port (or ${BROKER_VARIABLE}; default: the broker of classair run)",
    },
    "--trusted-proxy": {
        "type": networks,
        "default": os.environ.get(PROXY_VARIABLE, ""),
        "metavar": "ADDRESS",
        "help": "reverse proxy whose X-Forwarded-For, -Proto and -Host are believed: addresses or networks separated "
        f"by commas (or ${PROXY_VARIABLE}; default: none)",
    },
    "--language": {"choices": LANGUAGES, "default": "en", "help": "language of the output (default: en)"},
}


def shared(*names: str) -> argparse.ArgumentParser:
    """A parent parser with the options of these names: `ArgumentParser(…, parents=[shared("--data", "--config")])`."""
    parent = argparse.ArgumentParser(add_help=False)
    for name in names:
        parent.add_argument(name, **_OPTIONS[name])
    return parent


def moment(text: str) -> int:
    """UTC ms of a moment as people write it; without an offset it is Thai time."""
    return _asked(lambda: dates.moment_ms(text, ZONE))


def moment_utc(text: str) -> int:
    """UTC ms of a moment as people write it; without an offset it is UTC."""
    return _asked(lambda: dates.moment_ms(text, UTC))


def day(text: str) -> date:
    """A local day, `2026-11-23`."""
    return _asked(lambda: dates.day(text))


def _asked(read: Callable[[], Value]) -> Value:
    try:
        return read()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
