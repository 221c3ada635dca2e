"""SensorThings API 1.1, read-only: for programs that already speak it. The rest of the API says more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from classair.model import Reading
from classair.stores import Store
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.context import Context
from dashboard.sensorthings.answers import Answers
from dashboard.sensorthings.entities import LINKS, Datastream, Entities, Entity, streams
from dashboard.sensorthings.filters import SUPPORTED, InvalidQuery
from dashboard.sensorthings.known import KnownQuantities
from dashboard.sensorthings.query_options import FURTHEST, MOST, TOP, QueryOptions, query_options

ROOT: Final = "/sta/v1.1"
_SPEC: Final = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMANCE: Final = [
    f"{_SPEC}{part}"
    for part in (
        "datamodel",
        "resource-path/resource-path-to-entities",
        *(
            f"request-data/{option}"
            for option in ("count", "expand", "filter", "orderby", "select", "skip", "top", "pagination")
        ),
    )
]
Kind = Annotated[str, Path(description="one of " + ", ".join(LINKS), examples=["Datastreams"])]
Key = Annotated[str, Path(description="an id as in @iot.id", examples=["ban-suan.p1-2-pm~p1-2~pm25"])]
OPTIONS: Final = {
    "$top": f"entities of a page, {TOP} unless said, at most {MOST}",
    "$skip": f"entities to leave out, at most {FURTHEST}; follow @iot.nextLink for more",
    "$count": "true: say how many there are",
    "$orderby": "properties with asc or desc, joined by commas; of Observations phenomenonTime, resultTime or id",
    "$select": "properties to give, joined by commas",
    "$expand": "links, joined by commas, each with options of its own in brackets, joined by semicolons",
    "$filter": SUPPORTED,
    "$skiptoken": "from @iot.nextLink",
}
EXAMPLES: Final = {
    "$top": "5",
    "$skip": "0",
    "$count": "true",
    "$orderby": "id desc",
    "$select": "id",
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
    known = KnownQuantities()

    async def answered(
        request: Request, kind: str, make: Callable[[Answers, Entities, QueryOptions], Entity]
    ) -> Entity:
        """The answer about a kind of entity, made on a thread that may wait for the store."""
        base = _base(request)
        try:
            options = query_options(dict(request.query_params), kind)
            return await asyncio.to_thread(
                ctx.research.ask, lambda store: _made(ctx, known, store, base, options, make)
            )
        except InvalidQuery as error:
            raise ApiFault(400, str(error), "query") from None

    @api.get(ROOT, summary="SensorThings: list entity sets", responses=responses(401, 403))
    async def root(request: Request) -> Root:
        return Root(
            value=[{"name": kind, "url": f"{_base(request)}/{kind}"} for kind in LINKS],
            serverSettings={"conformance": CONFORMANCE},
        )

    @api.get(
        ROOT + "/{kind}('{key}')",
        summary="SensorThings: get entity",
        openapi_extra=_described("$select", "$expand", expand="Thing"),
        responses=responses(400, 401, 403, 404, 503),
    )
    async def one(request: Request, kind: Kind, key: Key) -> dict[str, Any]:
        def make(answers: Answers, found: Entities, options: QueryOptions) -> Entity:
            if kind == "Observations":
                return answers.observation(*_observed(ctx, found, key), options)
            return _one(answers, found, kind, key, options)

        return await answered(request, _kind(kind), make)

    @api.get(
        ROOT + "/{kind}('{key}')/{link}",
        summary="SensorThings: get linked entities",
        openapi_extra=_described(expand="Datastreams"),
        responses=responses(400, 401, 403, 404, 503),
    )
    async def linked(
        request: Request,
        kind: Kind,
        key: Key,
        link: Annotated[str, Path(description="a link of that entity", examples=["Thing"])],
    ) -> dict[str, Any]:
        """One entity for a singular link, otherwise a page."""
        if link not in LINKS[_kind(kind)]:
            raise unknown("link", link, LINKS[kind])
        target = LINKS[kind][link]

        def make(answers: Answers, found: Entities, options: QueryOptions) -> Entity:
            if kind == "Observations":
                stream, _ = _observed(ctx, found, key)
                return _one(answers, found, target, stream.id if link == "Datastream" else stream.room, options)
            _one(answers, found, kind, key, QueryOptions())  # 404 where there is none
            address = found.link(kind, key)
            if target == "Observations":
                return answers.observations(found.streams_of(kind, key), options, address)
            ids = found.related(kind, key, link)
            if link.endswith("s"):
                return answers.page(target, ids, options, f"{address}/{link}")
            return _one(answers, found, target, ids[0], options)

        return await answered(request, target, make)

    @api.get(
        ROOT + "/{kind}",
        summary="SensorThings: list entities",
        openapi_extra=_described(expand="Thing,Sensor"),
        responses=responses(400, 401, 403, 404, 503),
    )
    async def every(request: Request, kind: Kind) -> dict[str, Any]:
        """Observations are in order of time, oldest first unless `$orderby` says otherwise."""

        def make(answers: Answers, found: Entities, options: QueryOptions) -> Entity:
            if kind == "Observations":
                return answers.observations(found.all_streams, options, _base(request))
            return answers.page(kind, found.ids(kind), options, f"{_base(request)}/{kind}")

        return await answered(request, _kind(kind), make)

    return api


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + ROOT


def _made(
    ctx: Context,
    known: KnownQuantities,
    store: Store,
    base: str,
    options: QueryOptions,
    make: Callable[[Answers, Entities, QueryOptions], Entity],
) -> Entity:
    now = ctx.now_ms()
    found = streams(
        (room, newest.reading, known.of(store, room, newest.reading, now))
        for room in store.rooms()
        for newest in store.latest(room)
    )
    entities = Entities(ctx.config(), found, base)
    return make(Answers(entities, store, base), entities, options)


def _kind(kind: str) -> str:
    if kind not in LINKS:
        raise unknown("kind of entity", kind, LINKS)
    return kind


def _one(answers: Answers, found: Entities, kind: str, key: str, options: QueryOptions) -> Entity:
    try:
        return answers.one(kind, key, options)
    except KeyError:
        raise unknown(kind, key, found.ids(kind)) from None


def _observed(ctx: Context, found: Entities, key: str) -> tuple[Datastream, Reading]:
    """The one reading that an observation's id names."""
    datastream, _, rest = key.rpartition("~")
    datastream, _, at = datastream.rpartition("~")
    stream = found.stream(datastream)
    if stream is not None and at.isdecimal() and rest.isdecimal() and len(at) < 16:
        readings = ctx.research.readings(
            stream.room, int(at), int(at) + 1, sensor=stream.sensor, after=None, limit=1000
        )
        for reading in readings:
            if reading.seq == int(rest) and stream.quantity in reading.values:
                return stream, reading
    raise ApiFault(404, f"there is no observation {key!r}", "Observations")
