"""SensorThings API 1.1, read-only: for programs that already speak it. The rest of the API says more."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from classair.model import Reading
from classair.units import DAY_MS
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.context import Context
from dashboard.sensorthings.entities import LINKS, Datastream, Entities, Entity, observation, streams
from dashboard.sensorthings.query_options import FILTERS, MOST, TOP, InvalidQuery, QueryOptions, query_options

ROOT: Final = "/sta/v1.1"
LONGEST_MS: Final = 31 * DAY_MS
CONFORMANCE: Final = [
    "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
]
Kind = Annotated[str, Path(description="one of " + ", ".join(LINKS), examples=["Datastreams"])]
Key = Annotated[str, Path(description="an id as in @iot.id", examples=["ban-suan.p1-2-pm~p1-2~pm25"])]
OPTIONS: Final = {
    "$top": f"entities of a page, {TOP} unless said, at most {MOST}",
    "$skip": "entities to leave out; not of Observations",
    "$count": "true: say how many there are; not of Observations",
    "$expand": "one level of links, joined by commas; not Observations",
    "$filter": FILTERS,
    "$skiptoken": "from @iot.nextLink",
}
EXAMPLES: Final = {
    "$top": "5",
    "$skip": "0",
    "$count": "true",
    "$skiptoken": "",
    "$filter": "id eq 'ban-suan.p1-2-pm~p1-2~pm25'",
}


def _described(*names: str, expand: str) -> dict[str, Any]:
    """The options of a request, for the API's description."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": OPTIONS[name],
                "schema": {"type": "string"},
                "example": expand if name == "$expand" else EXAMPLES[name],
            }
            for name in names or OPTIONS
        ]
    }


class Root(BaseModel):
    value: list[dict[str, str]]
    serverSettings: dict[str, Any]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(tags=["sensorthings"])

    async def entities(request: Request) -> Entities:
        found = await asyncio.to_thread(_newest, ctx)
        return Entities(ctx.config(), streams(found), str(request.base_url).rstrip("/") + ROOT)

    @api.get(ROOT, summary="SensorThings: list entity sets", responses=responses(401, 403))
    async def root(request: Request) -> Root:
        base = str(request.base_url).rstrip("/") + ROOT
        return Root(
            value=[{"name": kind, "url": f"{base}/{kind}"} for kind in LINKS],
            serverSettings={"conformance": CONFORMANCE},
        )

    @api.get(
        ROOT + "/{kind}('{key}')",
        summary="SensorThings: get entity",
        openapi_extra=_described("$expand", expand="Thing"),
        responses=responses(401, 403, 404, 422, 503),
    )
    async def one(request: Request, kind: Kind, key: Key) -> dict[str, Any]:
        """Supports `$expand` with one level of links."""
        found, options = await entities(request), _options(request, _kind(kind))
        if kind == "Observations":
            stream, reading = await _observed(ctx, found, key)
            return observation(reading, stream, str(request.base_url).rstrip("/") + ROOT)
        return _one(found, kind, key, options)

    @api.get(
        ROOT + "/{kind}('{key}')/{link}",
        summary="SensorThings: get linked entities",
        openapi_extra=_described(expand="Datastreams"),
        responses=responses(401, 403, 404, 422, 503),
    )
    async def linked(
        request: Request,
        kind: Kind,
        key: Key,
        link: Annotated[str, Path(description="a link of that entity", examples=["Thing"])],
    ) -> dict[str, Any]:
        """One entity for a singular link, otherwise a page."""
        _kind(kind)
        if link not in LINKS[kind]:
            raise unknown("link", link, LINKS[kind])
        target = LINKS[kind][link]
        found, options = await entities(request), _options(request, target)
        if kind == "Observations":
            stream, _ = await _observed(ctx, found, key)
            return _one(found, target, stream.id if link == "Datastream" else stream.room, options)
        _one(found, kind, key, QueryOptions())
        if target == "Observations":
            return await _observations(ctx, request, found, key, options)
        ids = found.related(kind, key, link)
        return (
            _one(found, target, ids[0], options)
            if not link.endswith("s")
            else _page(request, found, target, ids, options)
        )

    @api.get(
        ROOT + "/{kind}",
        summary="SensorThings: list entities",
        openapi_extra=_described(expand="Thing,Sensor"),
        responses=responses(401, 403, 404, 422, 503),
    )
    async def every(request: Request, kind: Kind) -> dict[str, Any]:
        """Observations are asked of a Datastream: `Datastreams('…')/Observations`, or `$filter=Datastream/id eq '…'`.
        They are those of the last day unless the filter says a time; at most 31 days, oldest first."""
        found, options = await entities(request), _options(request, _kind(kind))
        if kind != "Observations":
            return _page(request, found, kind, found.ids(kind), options)
        if not options.datastream:
            raise ApiFault(
                422,
                "observations can only be queried for one Datastream",
                "$filter",
                "Datastreams('…')/Observations, or $filter=Datastream/id eq '…'",
            )
        return await _observations(ctx, request, found, options.datastream, options)

    return api


def _newest(ctx: Context) -> list[tuple[str, Reading]]:
    return [(room, newest.reading) for room in ctx.queries.rooms() for newest in ctx.queries.latest(room)]


def _kind(kind: str) -> str:
    if kind not in LINKS:
        raise unknown("kind of entity", kind, LINKS)
    return kind


def _options(request: Request, kind: str) -> QueryOptions:
    expandable = tuple(name for name in LINKS[kind] if kind != "Observations" and name != "Observations")
    try:
        return query_options(dict(request.query_params), expandable)
    except InvalidQuery as error:
        raise ApiFault(422, str(error), "query") from None


def _one(found: Entities, kind: str, key: str, options: QueryOptions) -> Entity:
    try:
        return found.one(kind, key, options.expand)
    except KeyError:
        raise unknown(kind, key, found.ids(kind)) from None


def _page(request: Request, found: Entities, kind: str, ids: list[str], options: QueryOptions) -> Entity:
    wanted = [key for key in ids if options.id in ("", key)]
    page = wanted[options.skip : options.skip + options.top]
    answer: Entity = {"@iot.count": len(wanted)} if options.count else {}
    if options.skip + options.top < len(wanted) and options.top:
        answer["@iot.nextLink"] = _next(request, {"$skip": str(options.skip + options.top)})
    return {**answer, "value": [found.one(kind, key, options.expand) for key in page]}


def _next(request: Request, change: dict[str, str]) -> str:
    said = {**dict(request.query_params), **change}
    return f"{str(request.url).partition('?')[0]}?{urlencode(said, safe='$~')}"


async def _observations(ctx: Context, request: Request, found: Entities, key: str, options: QueryOptions) -> Entity:
    stream = found.stream(key)
    if stream is None:
        raise unknown("Datastream", key, found.ids("Datastreams"))
    if options.count or options.skip or options.id:
        raise ApiFault(
            422,
            "observations cannot be counted, skipped or filtered by id",
            "query",
            "follow @iot.nextLink; one observation is at Observations('…')",
        )
    until = options.until if options.until is not None else ctx.now_ms() + 1
    since = options.since if options.since is not None else until - DAY_MS
    if not 0 < until - since <= LONGEST_MS:
        raise ApiFault(422, "the times must be in order and at most 31 days apart", "$filter")
    after = _place(options.token, stream.sensor)
    readings: list[Reading] = await asyncio.to_thread(
        ctx.research.readings, stream.room, since, until, sensor=stream.sensor, after=after, limit=options.top + 1
    )
    page = readings[: options.top]
    answer: Entity = {}
    if len(readings) > options.top and page:
        answer["@iot.nextLink"] = _next(
            request,
            {
                "$skiptoken": f"{page[-1].at_ms}~{page[-1].seq}",
                **(
                    {}
                    if options.until is not None and options.since is not None
                    else {
                        "$filter": f"Datastream/id eq '{key}' "
                        f"and phenomenonTime ge {since} and phenomenonTime lt {until}"
                    }
                ),
            },
        )
    base = str(request.base_url).rstrip("/") + ROOT
    return {**answer, "value": [observation(one, stream, base) for one in page if stream.quantity in one.values]}


def _place(token: str, sensor: str) -> tuple[int, str, int] | None:
    if not token:
        return None
    at, _, seq = token.partition("~")
    if not (at.isdecimal() and seq.isdecimal()) or len(token) > 40:
        raise ApiFault(422, "the token must come from an @iot.nextLink", "$skiptoken")
    return int(at), sensor, int(seq)


async def _observed(ctx: Context, found: Entities, key: str) -> tuple[Datastream, Reading]:
    """The one reading that an observation's id names."""
    datastream, _, rest = key.rpartition("~")
    datastream, _, at = datastream.rpartition("~")
    stream = found.stream(datastream)
    if stream is not None and at.isdecimal() and rest.isdecimal() and len(at) < 16:
        readings = await asyncio.to_thread(
            ctx.research.readings, stream.room, int(at), int(at) + 1, sensor=stream.sensor, after=None, limit=1000
        )
        for reading in readings:
            if reading.seq == int(rest) and stream.quantity in reading.values:
                return stream, reading
    raise ApiFault(404, f"there is no observation {key!r}", "Observations")
