"""The broker's listeners for the school's network, each with its own accounts.

The services' own accounts are let in on loopback alone. Over TLS come bridges and devices, without TLS only devices:
what is read in that network is one device's password, which can say wrong things of that device and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from classair.accounts import HOME_ASSISTANT
from classair.ops import brokerfiles
from classair.ops.brokerfiles import Grants
from classair.ops.opening import certificates, plan
from classair.ops.opening.plan import Opening
from classair.places import Places, write_atomically

SECURE, PLAIN = "passwords-network", "passwords-devices"
TOLD_DAYS: Final = 30
MOST: Final = 300
"""Connections of one listener."""


def admitted(grants: Grants) -> tuple[set[str], set[str]]:
    """Who may log in over TLS, and who without."""
    outsiders = set(grants.outsiders)
    return outsiders | set(grants.bridges), outsiders - {HOME_ASSISTANT}


def widen(conf: str, opening: Opening, folder: Path, kept: Path, open_ports: set[int]) -> str:
    """The broker's configuration with the listeners of the opening whose ports are among `open_ports`."""
    blocks = []
    if opening.devices and opening.secure_port in open_ports:
        tls = [
            f"certfile {kept}/server.crt",
            f"keyfile {kept}/server.key",
            "tls_version tlsv1.2",
        ]
        blocks += _block(f"{opening.secure_port} {opening.address}", folder, SECURE, tls)
    if opening.plain and opening.plain_port in open_ports:
        blocks += _block(f"{opening.plain_port} {opening.address}", folder, PLAIN, [])
    if not blocks:
        return conf
    return conf.replace("per_listener_settings false", "per_listener_settings true") + "\n".join(blocks) + "\n"


def _block(where: str, folder: Path, passwords: str, more: list[str]) -> list[str]:
    return [
        "",
        "# The school's network: see docs/open.md.",
        f"listener {where}",
        *more,
        "allow_anonymous false",
        f"password_file {folder}/{passwords}",
        f"acl_file {folder}/{brokerfiles.ACL}",
        "use_username_as_clientid true",
        f"max_connections {MOST}",
        "set_tcp_nodelay true",
    ]


def write(places: Places, conf: Path, secrets: Mapping[str, str], grants: Grants, open_ports: set[int]) -> None:
    """Adds to the broker's files what the opening asks for; without one they stay as they are."""
    opening = _opening(places)
    if opening is None or not (opening.devices or opening.plain):
        return
    folder = conf.parent
    for name, users in zip((SECURE, PLAIN), admitted(grants), strict=True):
        text = brokerfiles.passwords({user: secrets[user] for user in sorted(users) if user in secrets})
        write_atomically(folder / name, text.encode())
    kept = plan.folder_of(places) / "certificates"
    write_atomically(conf, widen(conf.read_text("utf-8"), opening, folder, kept, open_ports).encode())


def free_ports(places: Places) -> tuple[set[int], list[str]]:
    """The ports of the opening that can be opened now, and what is said of the others.

    A broker that cannot listen where it is told does not start at all; the school's measuring goes on without guests.
    """
    found, told = set[int](), list[str]()
    try:
        opening = plan.remembered(places)
    except ValueError as error:
        return found, [str(error)]
    if opening is None:
        return found, told
    wanted = [(opening.devices, opening.secure_port), (opening.plain, opening.plain_port)]
    for port in [port for asked, port in wanted if asked]:
        if plan.here(opening.address, port):
            found.add(port)
        else:
            told.append(
                f"the broker cannot listen on {opening.address}:{port} (classair open): this machine does not have "
                "the address, or another program uses the port. Devices on the network cannot connect"
            )
    if opening.devices and not certificates.usable(plan.folder_of(places) / "certificates"):
        found.discard(opening.secure_port)
        told.append("the broker has no certificate for the network, or not its key. Run classair open again")
    return found, told + _ending(places)


def _ending(places: Places) -> list[str]:
    """Whoever forgot the monthly timer reads it at the next start, before phones and bridges are turned away."""
    try:
        ends = certificates.end_of(plan.folder_of(places) / "certificates")
    except certificates.NoCertificate:
        return []
    if ends is None or ends - datetime.now(UTC) > timedelta(days=TOLD_DAYS):
        return []
    return [
        f"the school's certificate holds until {ends:%Y-%m-%d}. Run classair open --renew, copy the certificate as at "
        "first and reload the proxy"
    ]


def _opening(places: Places) -> Opening | None:
    try:
        return plan.remembered(places)
    except ValueError:
        return None
