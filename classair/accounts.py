"""Accounts at the broker: reserved names, and the topics that a device may publish and subscribe to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from classair.parsing.names import unprintable

SERVICES: Final = ("ingest", "alerts", "dashboard", "simulator", "tool")
WATCH: Final = "watch"
"""As whom the supervisor looks whether its broker answers; it may write and read nothing."""

HOME_ASSISTANT: Final = "homeassistant"
"""Its account at the broker."""

USER: Final = r"[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}|[A-Za-z0-9_-]{1,72}"
"""The full id of a sensor or purifier; the id of a service or bridge, the topic of a socket, a gateway."""


@dataclass(frozen=True, slots=True)
class Account:
    """What somebody may write and read at the broker (topics, also with wildcards).

    A device's plug-in leaves `name` empty when the account is the device's own, `<site>.<id>`; several devices behind
    one gateway give the gateway's. `device` is the sensor or purifier that the account is of, for whoever sets it up.
    """

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    name: str = ""
    device: str = ""


def gateway_user(base_topic: str) -> str:
    """The broker's user of a program that speaks for many devices below a topic, whoever of us configured them.

    A base topic that loses letters is told from others that lose the same.
    """
    plain = base_topic.replace("/", "_").lower()
    user = re.sub(r"[^a-z0-9_-]", "_", plain)[:40]
    return (
        f"gateway_{user}" if user == plain else f"gateway_{user}_{hashlib.sha256(base_topic.encode()).hexdigest()[:8]}"
    )


def account_fault(account: Account, bridges: Container[str]) -> str:
    """Why a device cannot have this account; empty when it can. `bridges`: the names that bridges have."""
    if not re.fullmatch(USER, account.name):
        return f"{account.name!r} is not a valid broker user; expected at most 72 letters, digits, - and _"
    if account.name in (*SERVICES, WATCH) or account.name in bridges:
        return f"{account.name!r} is already the broker user of a service or bridge; choose another name"
    for topic in (*account.writes, *account.reads):
        first = topic.partition("/")[0]
        if first in ("", "+", "#", "classair") or first.startswith("$"):
            return f"{topic!r} is not a valid device topic"
        # The broker's rules are lines, and mosquitto takes blanks from their ends.
        if char := unprintable(topic):
            return f"{topic!r} is not a valid device topic: it contains {char}"
        if topic != topic.strip():
            return f"{topic!r} is not a valid device topic: it begins or ends with a blank"
    return ""
