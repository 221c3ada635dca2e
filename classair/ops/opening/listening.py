"""`classair open --status`: what of an installation listens where on this machine, and for whom that is."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from classair.config import Config
from classair.ops.opening import certificates, plan
from classair.ops.opening.plan import Opening
from classair.places import Places

Say = Callable[..., None]


def listeners(root: Path = Path("/proc/net")) -> list[tuple[str, int]]:
    """Address and port of every TCP socket that listens on this machine; none where the system does not tell."""
    found: set[tuple[str, int]] = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (root / name).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if words[3] == "0A":
                place, _, port = words[1].partition(":")
                found.add((_address(place), int(port, 16)))
    return sorted(found, key=lambda one: (one[1], one[0]))


def _address(text: str) -> str:
    """As /proc writes it: words of four bytes in the machine's own order."""
    words = (int(text[place : place + 8], 16) for place in range(0, len(text), 8))
    raw = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def show(places: Places, config: Config, opening: Opening | None, say: Say) -> int:
    """0 when everything is as it was opened, 1 when something listens for more than was asked."""
    pages = opening.pages if opening else 8050
    wide = []
    for what, port, meant in _known(places, opening, pages):
        there = [address for address, number in listeners() if number == port]
        for address in there:
            zone = _zone(address)
            say("listens", what=what, address=address, port=port)
            say(f"for_{zone}")
            if zone == "everybody" or (zone == "network" and address != meant):
                wide.append(f"{address}:{port}")
        if not there:
            say("silent", what=what, port=port)
    if opening is None:
        say("closed")
    else:
        ends = certificates.end_of(plan.folder_of(places) / "certificates")
        if ends is not None:
            say("certificate", days=(ends - datetime.now(UTC)).days, names=", ".join(opening.names))
    say("address_is", url=config.address or "–")
    say("public_is", url=config.public_url or "–")
    if wide:
        say("wider", places=", ".join(wide))
    return 1 if wide else 0


def _known(places: Places, opening: Opening | None, pages: int) -> Iterable[tuple[str, int, str]]:
    """What, its port, and the address of the network on which it is meant to listen, "" for none."""
    yield "dashboard", pages, ""
    try:
        yield "broker", int((places.run / "broker" / "port").read_text()), ""
    except (OSError, ValueError):
        pass
    if opening is not None:
        yield "proxy (http)", opening.http, opening.address
        yield "proxy (https)", opening.https, opening.address
        yield "broker (TLS)", opening.secure_port, opening.address if opening.devices else ""
        yield "broker", opening.plain_port, opening.address if opening.plain else ""


def _zone(address: str) -> str:
    found = ipaddress.ip_address(address)
    if found.is_loopback:
        return "machine"
    return "everybody" if found.is_unspecified else "network"
