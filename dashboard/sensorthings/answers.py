"""Answers made of entities and observations as the query options want them: ordered, expanded, selected, in pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from classair.model import Reading
from classair.stores import Store
from dashboard.sensorthings import filters
from dashboard.sensorthings import observations as stored
from dashboard.sensorthings.entities import LINKS, Datastream, Entities, Entity, observation
from dashboard.sensorthings.filters import InvalidQuery
from dashboard.sensorthings.query_options import IDS, QueryOptions

MOST_IN_ALL: Final = 20_000
"""Entities of one answer, all levels together."""


class Answers:
    """Asks the store, so it may raise StoreAway; InvalidQuery where it is too much."""

    def __init__(self, entities: Entities, store: Store, base: str) -> None:
        self._entities, self._store, self._base = entities, store, base
        self._made = 0

    # -- entities ------------------------------------------------------------------------------------------------------

    def one(self, kind: str, key: str, options: QueryOptions) -> Entity:
        """Raises KeyError for an id that nothing has."""
        whole = self._entities.one(kind, key)
        for link, inside in options.expand.items():
            if link == "Observations":
                streams = self._entities.streams_of(kind, key)
                self._put(whole, link, self.observations(streams, inside, self._entities.link(kind, key)))
                continue
            target, ids = LINKS[kind][link], self._entities.related(kind, key, link)
            if link.endswith("s"):
                self._put(whole, link, self.page(target, ids, inside, f"{self._entities.link(kind, key)}/{link}"))
            else:
                whole[link] = self.one(target, ids[0], inside)
                whole.pop(f"{link}@iot.navigationLink")
        return self._finished(whole, options)

    def page(self, kind: str, ids: Iterable[str], options: QueryOptions, address: str) -> Entity:
        """Those of the ids that the filter leaves, in order."""
        value = self._entities.value
        wanted = [key for key in ids if options.filter is None or options.filter.holds(self._look(kind, key))]
        for path, descending in reversed(options.orderby):
            wanted.sort(key=lambda key: _sortable(value(kind, key, path)), reverse=descending)
        answer: Entity = {"@iot.count": len(wanted)} if options.count else {}
        end = options.skip + options.top
        if end < len(wanted) and options.top:
            answer["@iot.nextLink"] = _next(address, options.said, {"$skip": str(end)})
        return {**answer, "value": [self.one(kind, key, options) for key in wanted[options.skip : end]]}

    # -- observations --------------------------------------------------------------------------------------------------

    def observation(self, stream: Datastream, reading: Reading, options: QueryOptions) -> Entity:
        whole = observation(reading, stream, self._base)
        for link, inside in options.expand.items():
            key = stream.id if link == "Datastream" else stream.room
            whole[link] = self.one(LINKS["Observations"][link], key, inside)
            whole.pop(f"{link}@iot.navigationLink")
        return self._finished(whole, options)

    def observations(self, streams: list[Datastream], options: QueryOptions, parent: str) -> Entity:
        """Of these datastreams, as far as the filter wants them. `parent` is the address before /Observations."""
        since, until, rest = filters.bounds(options.filter)
        left, others = self._streams(streams, rest)
        descending = bool(options.orderby) and options.orderby[0][1]
        wanted = stored.Wanted(
            left,
            since,
            until,
            descending,
            _place(options.token),
            None if others is None else lambda stream, reading: self._holds(others, stream, reading),
        )
        answer: Entity = {"@iot.count": self._count(wanted)} if options.count else {}
        found = stored.page(self._store, wanted, options.skip, options.top + 1) if options.top and left else []
        if len(found) > options.top:
            found = found[: options.top]
            at, _, seq, stream = stored.place(*found[-1])
            said = {key: text for key, text in options.said.items() if key != "$skip"}
            answer["@iot.nextLink"] = _next(f"{parent}/Observations", said, {"$skiptoken": f"{at}~{seq}~{stream}"})
        return {**answer, "value": [self.observation(*one, options) for one in found]}

    def _count(self, wanted: stored.Wanted) -> int:
        whole = stored.Wanted(wanted.streams, wanted.since, wanted.until, holds=wanted.holds)
        return stored.count(self._store, whole) if wanted.streams else 0

    def _streams(
        self, streams: list[Datastream], rest: filters.Filter | None
    ) -> tuple[list[Datastream], filters.Filter | None]:
        """Conditions on the datastream alone choose datastreams; what is left is asked of each observation."""
        parts = rest.parts if isinstance(rest, filters.Joined) and rest.how == "and" else [rest] if rest else []
        left = streams
        others: list[filters.Filter] = []
        for part in parts:
            if all(path.startswith("Datastream/") for path in part.paths()):
                left = [stream for stream in left if part.holds(self._look("Datastreams", stream.id, "Datastream/"))]
            else:
                others.append(part)
        joined = None if not others else others[0] if len(others) == 1 else filters.Joined("and", tuple(others))
        return left, joined

    def _holds(self, wanted: filters.Filter, stream: Datastream, reading: Reading) -> bool:
        def look(path: str) -> Any:
            first, _, rest = path.partition("/")
            if first == "Datastream":
                return self._entities.value("Datastreams", stream.id, rest)
            if first == "FeatureOfInterest":
                return self._entities.value("FeaturesOfInterest", stream.room, rest)
            if first in filters.TIMES:
                return reading.at_ms
            if first == "result":
                return reading.values[stream.quantity]
            whole = observation(reading, stream, self._base)
            if first in IDS:
                return whole["@iot.id"]
            return whole["parameters"].get(rest) if first == "parameters" else None

        return wanted.holds(look)

    # -- both ----------------------------------------------------------------------------------------------------------

    def _look(self, kind: str, key: str, before: str = "") -> filters.Look:
        """Paths from one entity; `before` is what stands before each of them."""
        return lambda path: self._entities.value(kind, key, path.removeprefix(before))

    def _put(self, whole: Entity, link: str, page: Entity) -> None:
        whole.pop(f"{link}@iot.navigationLink", None)
        whole[link] = page["value"]
        for name in ("@iot.count", "@iot.nextLink"):
            if name in page:
                whole[f"{link}{name}"] = page[name]

    def _finished(self, whole: Entity, options: QueryOptions) -> Entity:
        self._made += 1
        if self._made > MOST_IN_ALL:
            raise InvalidQuery(f"the answer has more than {MOST_IN_ALL:,} entities; choose fewer with $top or $filter")
        if not options.select:
            return whole
        kept = {*options.select, *options.expand, *(f"{link}@iot.navigationLink" for link in options.select)}
        return {
            key: value
            for key, value in whole.items()
            if key in kept or any(key in (f"{link}@iot.count", f"{link}@iot.nextLink") for link in options.expand)
        }


def _sortable(value: Any) -> tuple[int, float, str]:
    """Nothing first, then numbers, then texts."""
    if isinstance(value, (bool, int, float)):
        return 1, float(value), ""
    return (2, 0.0, value) if isinstance(value, str) else (0, 0.0, "")


def _next(address: str, said: Mapping[str, str], change: dict[str, str]) -> str:
    return f"{address}?{urlencode({**said, **change}, safe='$~')}"


def _place(token: str) -> stored.Place | None:
    if not token:
        return None
    at, _, rest = token.partition("~")
    seq, _, stream = rest.partition("~")
    if not (at.isdecimal() and len(at) < 16 and seq.isdecimal() and len(seq) < 19 and stream.count("~") == 2):
        raise InvalidQuery("$skiptoken must come from an @iot.nextLink")
    return int(at), stream.partition("~")[0], int(seq), stream
