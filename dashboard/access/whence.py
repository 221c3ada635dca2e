"""Where a request really comes from: its peer, or whoever a configured proxy says it is speaking for.

Forwarding headers are read only from such a proxy. From anybody else they are worth one thing: whoever sends them is a
proxy that nobody has named, so what came through it may have come from anywhere and is never taken for the school.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from classair.arguments import Network
from classair.config import Config

log = logging.getLogger(__name__)

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
# Addresses that no router passes on to the internet. `is_private` of Python holds more, such as examples in books.
_SCHOOL: Final = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
MOST_HOPS: Final = 16
MOST_BYTES: Final = 2048  # of one forwarding header; an honest one holds a few addresses
_FORWARDING: Final = frozenset(
    {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip", b"forwarded"}
)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Zone(StrEnum):
    """From where a request comes, as far as can be known; what cannot be known is the internet."""

    MACHINE = "machine"  # this very machine, without a proxy
    SCHOOL = "school"  # a private or link-local address
    INTERNET = "internet"


@dataclass(frozen=True, slots=True)
class Caller:
    """`address` is for limits and logs: the proxy's own where it names nobody. `name` is the host name asked for."""

    address: str
    zone: Zone
    name: str
    known: bool

    @property
    def near(self) -> bool:
        """Inside the school's network."""
        return self.zone is not Zone.INTERNET


class Whence:
    """Judges requests by the proxies of the command line and the addresses of the configuration in force."""

    def __init__(self, config: Callable[[], Config], proxies: Sequence[Network] = ()) -> None:
        self._config, self._proxies = config, tuple(proxies)
        own = socket.gethostname().lower().rstrip(".")
        self._own = frozenset({own, own.partition(".")[0], f"{own.partition('.')[0]}.local"})
        self._told: set[str] = set()

    def __call__(self, scope: Scope) -> tuple[Scope, Caller]:
        """The request as it was made to the proxy, without forwarding headers, and who makes it."""
        peer_text = str((scope.get("client") or ("", 0))[0])
        peer, headers = _address(peer_text), list(scope["headers"])
        forwarded = [(name, value) for name, value in headers if name in _FORWARDING]
        proxied = peer is not None and self._is_proxy(peer)
        scheme, client = scope["scheme"], peer
        host = b"".join(value for name, value in headers if name == b"host").decode("latin-1")
        if proxied:
            client = self._client(forwarded)
            host = _last(forwarded, b"x-forwarded-host") or host
            said = _last(forwarded, b"x-forwarded-proto").lower()
            scheme = said if said in ("http", "https") else scheme
        elif forwarded:
            client = None
            self._tell(peer_text)
        name = _host_name(host)
        address, public = self._names()
        zone = _zone(client, proxied)
        if name in public:
            scheme = "https"  # nobody reaches that name by other means, whatever the proxy forgets to say
            if name not in address:
                zone = Zone.INTERNET  # also where the school's own router hides from where they come
        known = name in LOOPBACK_NAMES | self._own | address | public or _address(name.strip("[]")) is not None
        shown = str(client if client is not None else peer or "")
        kept = [(key, value) for key, value in headers if key not in _FORWARDING and key != b"host"]
        asked = {**scope, "scheme": scheme, "headers": [(b"host", host.encode("latin-1")), *kept]}
        asked["client"] = (shown, 0 if proxied else (scope.get("client") or ("", 0))[1])
        return asked, Caller(shown, zone, name, known)

    def _is_proxy(self, address: Ip) -> bool:
        return any(address in network for network in self._proxies)

    def _client(self, forwarded: list[tuple[bytes, bytes]]) -> Ip | None:
        """The right-most hop that is no proxy of ours: what stands left of it anybody may have written."""
        for place, hop in enumerate(_hops(forwarded)):
            if place >= MOST_HOPS or (address := _address(hop)) is None:
                return None
            if not self._is_proxy(address):
                return address
        return None  # a proxy's own request, or one that came to it over loopback, from a tunnel perhaps

    def _names(self) -> tuple[frozenset[str], frozenset[str]]:
        config = self._config()
        return _named(config.address), _named(config.public_url)

    def _tell(self, peer: str) -> None:
        if peer not in self._told and len(self._told) < 16:
            self._told.add(peer)
            log.warning("proxy_not_trusted peer=%s option=--trusted-proxy", peer)


def _zone(client: Ip | None, proxied: bool) -> Zone:
    if client is None:
        return Zone.INTERNET
    if client.is_loopback:
        # Through a proxy this is a program of the machine that passes on what it got elsewhere.
        return Zone.INTERNET if proxied else Zone.MACHINE
    return Zone.SCHOOL if any(client in network for network in _SCHOOL) else Zone.INTERNET


def _hops(forwarded: list[tuple[bytes, bytes]]) -> Iterator[str]:
    """The addresses of X-Forwarded-For from the right; one that is too long has none."""
    whole = b",".join(value for name, value in forwarded if name == b"x-forwarded-for")
    if len(whole) <= MOST_BYTES:
        yield from (part.strip() for part in reversed(whole.decode("latin-1").split(",")))


def _last(forwarded: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    """What the nearest proxy wrote."""
    whole = b",".join(value for name, value in forwarded if name == wanted)
    return whole.decode("latin-1").rpartition(",")[2].strip() if len(whole) <= MOST_BYTES else ""


def _address(text: str) -> Ip | None:
    """An address as proxies write it: alone, with a zone, in brackets, with a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def _host_name(host: str) -> str:
    """The name of a Host header in lower case, "" for what is none."""
    found = _HOST.fullmatch(host)
    return found[1].lower().rstrip(".") if found else ""


@lru_cache(maxsize=8)
def _named(url: str) -> frozenset[str]:
    try:
        name = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return frozenset()
    return frozenset({f"[{name}]" if ":" in name else name}) if name else frozenset()
