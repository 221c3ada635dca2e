"""Refuses what a request names outside of its account's places: in its address, its query or its JSON, for every route.

Names by which places are asked for are the same everywhere: room, site, sensor, purifier, bridge, also in the plural,
and subject for what may be any of them. What a route learns only from its records it asks the principal itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope

from classair.config import Config
from dashboard.access.roles import Need, Principal

KINDS: Final = ("room", "site", "sensor", "purifier", "bridge")
_NAMES: Final = {name: kind for kind in KINDS for name in (kind, f"{kind}s")} | {"subject": "subject"}
_ACTS: Final = frozenset({Need.CONTROL, Need.TICKETS, Need.APPROVE, Need.ADMIN})
_DEEP: Final = 6

Named = tuple[str, str]
"""Kind and id."""


def outside(
    config: Config, principal: Principal, need: Need, places: Mapping[str, str], scope: Scope, body: bytes
) -> str | None:
    """The first place asked for that the principal is not about; None when there is none.

    Whoever acts must be about the room itself; whoever reads or exports sees their schools' outdoors as well. A school
    passes if anything in it does: what is shown of it is cut to that, and what is done to it its route decides.
    """
    for kind, place in asked(places, scope.get("query_string", b""), body):
        if not _within(config, principal, need, kind, place):
            return place
    return None


def asked(places: Mapping[str, str], query: bytes, body: bytes) -> Iterator[Named]:
    for name, value in places.items():
        if name in _NAMES and isinstance(value, str):
            yield _NAMES[name], value
    for name, value in parse_qsl(query.decode("latin-1")):
        if name in _NAMES:
            yield from ((_NAMES[name], one.strip()) for one in value.split(",") if one.strip())
    if body:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return  # the route says what is wrong with it
        yield from _in_json(said, _DEEP)


def _in_json(said: Any, deep: int) -> Iterator[Named]:
    if deep == 0:
        return
    if isinstance(said, list):
        for one in said:
            yield from _in_json(one, deep - 1)
    elif isinstance(said, dict):
        for name, value in said.items():
            if name in _NAMES:
                found = value if isinstance(value, list) else [value]
                yield from ((_NAMES[name], one) for one in found if isinstance(one, str) and one)
            yield from _in_json(value, deep - 1)


def _within(config: Config, principal: Principal, need: Need, kind: str, place: str) -> bool:
    reach, acts = principal.reach, need in _ACTS
    site = place.partition(".")[0]
    if kind == "subject":
        kind = _kind_of(config, place)
    match kind:
        case "room":
            return reach.covers(place) if acts else reach.sees_room(config, place)
        case "sensor":
            return reach.sees_sensor(config, place)
        case "purifier":
            return reach.sees_purifier(config, place)
        case "bridge":
            return reach.covers(site) if acts else reach.sees_bridge(config, place)
    # A service or a rule is no place.
    return reach.touches(site) if kind == "site" or site in config.sites else True


def _kind_of(config: Config, place: str) -> str:
    site, _, local = place.partition(".")
    known = config.sites.get(site)
    if known is None:
        return ""
    parts: dict[str, Mapping[str, object]] = {
        "room": known.rooms,
        "sensor": known.sensors,
        "purifier": known.purifiers,
        "bridge": known.bridges,
    }
    return next((kind for kind, those in parts.items() if local in those), "")


async def body_of(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body and a receiver that gives it once more. The receiver given is bounded."""
    chunks: list[bytes] = []
    more = True
    ended: Message | None = None
    while more:
        message = await receive()
        if message["type"] != "http.request":
            ended = message
            break
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    whole = b"".join(chunks)
    again: list[Message] = [{"type": "http.request", "body": whole, "more_body": False}] if ended is None else [ended]

    async def receiving() -> Message:
        return again.pop(0) if again else await receive()

    return whole, receiving
