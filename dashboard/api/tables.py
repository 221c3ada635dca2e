"""Tables for researchers: averaged values with completeness, flags and corrections; and single readings as measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from classair.dates import Day, moment_ms
from classair.model import QUANTITIES, Reading
from classair.science.indexes import Index
from classair.science.indexes.known import INDEXES
from classair.units import DAY_MS
from dashboard.api._asked import known_room, known_sensor
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api._moments import Moment, iso
from dashboard.context import Context
from dashboard.queries.research import Page
from research.index_arrays import sub_indices
from research.mean_columns import MeanColumns
from research.means import rows
from research.pages import Place
from research.selection import STEP_MS, Selection, SelectionRefused

if TYPE_CHECKING:
    from research.mean_columns import Floats

P = TypeVar("P")

PAGE = 5000
LONGEST_MS = 31 * DAY_MS


class TableRow(BaseModel):
    """One sensor's quantity over one step. `mean` as measured, `value` after the correction; empty means missing.

    n: valid readings; expected: what the step holds at the sensor's interval; completeness: the share of those that is
    valid, at most 1; bad: readings left out, by reason.
    """

    start: str = Field(examples=["2026-11-23T09:00:00+07:00"])
    room: str
    sensor: str
    quantity: str
    n: int
    expected: float | None
    completeness: float
    mean: float | None
    value: float | None
    low: float | None
    high: float | None
    suspect: int
    bad: dict[str, int]
    correction: str
    level: str | None = Field(None, description="with `index`: the level of `value`")
    aqi: str | None = Field(None, description="with `index`, for whole days only: the index of `mean_24h`")
    mean_24h: float | None = Field(None, description="mean of the day's complete hours; null below 18 of them")
    why: str = Field(description="reason for a missing value: incomplete, no_humidity, out_of_range …; otherwise empty")


class TableAnswer(BaseModel):
    """A page of a table. `data` names selection and state of the data: the same name means the same numbers."""

    selection: dict[str, Any]
    id: str = Field(description="identifies the selection")
    data: str = Field(description="identifies the selection and the versions of its days")
    versions: dict[str, dict[date, int]] = Field(description="version of each day, by site")
    units: dict[str, str]
    simulated: list[str] = Field(description="schools with simulated data")
    rows: list[TableRow]
    next: str | None = Field(description="`after` of the next page; null on the last")


class ReadingRow(BaseModel):
    """A reading as it was measured: the mean of `n` frames over the `interval_s` that ended at `at`."""

    at: str = Field(examples=["2026-11-23T09:42:10.250+07:00"])
    at_ms: int
    sensor: str
    room: str
    seq: int
    interval_s: float
    n: int
    clock: str
    late: bool
    simulated: bool
    flags: list[str]
    value_flags: dict[str, list[str]]
    values: dict[str, float]


class ReadingsAnswer(BaseModel):
    room: str
    start: str
    end: str
    units: dict[str, str]
    readings: list[ReadingRow]
    next: str | None = Field(description="`after` of the next page; null on the last")


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["research"])

    @api.get(
        "/table",
        summary="List averages with completeness, flags and corrections",
        response_model=TableAnswer,
        responses=responses(401, 422, 503),
    )
    async def table(
        rooms: Annotated[
            str,
            Query(description="`<site>.<room>`, comma-separated", examples=["ban-suan.p1-2,ban-suan.yard"]),
        ],
        first: Annotated[Day, Query(description="first local day", examples=["2026-11-16"])],
        last: Annotated[Day, Query(description="last local day, inclusive", examples=["2026-11-20"])],
        quantities: Annotated[
            str, Query(description="comma-separated: " + ", ".join(QUANTITIES), examples=["pm25,rh_pct"])
        ] = "pm25",
        step: Annotated[str, Query(description=", ".join(STEP_MS), examples=["1h"])] = "1h",
        method: Annotated[
            str, Query(description="none, accepted, or a correction such as epa2021_atm", examples=["none"])
        ] = "none",
        lesson: Annotated[
            bool, Query(description="lesson time only, by timetable and school calendar", examples=[False])
        ] = False,
        completeness: Annotated[
            float, Query(ge=0, le=1, description="minimum data completeness of a mean, 0 to 1", examples=[0.75])
        ] = 0.75,
        index: Annotated[
            str | None,
            Query(
                description="index for levels and, for whole days, the AQI: " + ", ".join(INDEXES),
                examples=["thai2023"],
            ),
        ] = None,
        after: Annotated[
            str | None,
            Query(
                description="`next` of the previous page",
                examples=["1794762000000~ban-suan.p1-2~ban-suan.p1-2-pm~pm25"],
            ),
        ] = None,
        offset: Annotated[
            int, Query(ge=0, le=10_000_000, description="rows to skip; slower than `after`", examples=[0])
        ] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE, description="rows per page", examples=[100])] = 1000,
    ) -> Response:
        try:
            selection = Selection.parse(
                {
                    "rooms": rooms,
                    "quantities": quantities,
                    "first": first,
                    "last": last,
                    "step": step,
                    "method": method,
                    "lesson": lesson,
                    "completeness": completeness,
                }
            )
            known = _index(index)
            whole_days = known is not None and selection.step == "1d" and not selection.lesson
            found = await asyncio.to_thread(
                ctx.research.page,
                selection,
                _after(after, Place.parse),
                limit,
                offset,
                known.scales if known is not None and whole_days else (),
            )
        except SelectionRefused as refused:
            raise ApiFault(422, str(refused), "query") from None
        return Response(await asyncio.to_thread(_answer, ctx, found, known), media_type="application/json")

    @api.get(
        "/readings", summary="List single readings as measured, with all flags", responses=responses(401, 404, 422, 503)
    )
    async def readings(
        room: Annotated[str, Query(description="`<site>.<room>`", examples=["ban-suan.p1-2"])],
        start: Annotated[
            Moment, Query(description="ISO 8601 with offset, or UTC ms", examples=["2026-11-23T09:00:00+07:00"])
        ],
        end: Annotated[
            Moment,
            Query(description="exclusive; at most 31 days after `start`", examples=["2026-11-23T10:00:00+07:00"]),
        ],
        sensor: Annotated[str | None, Query(description="only this sensor", examples=["ban-suan.p1-2-pm"])] = None,
        after: Annotated[
            str | None, Query(description="`next` of the previous page", examples=["1795401720000~ban-suan.p1-2-pm~1"])
        ] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE, description="rows per page", examples=[100])] = 1000,
    ) -> ReadingsAnswer:
        since, until = moment_ms(start), moment_ms(end)
        if not 0 < until - since <= LONGEST_MS:
            raise ApiFault(422, "end must be after start, by at most 31 days", "query")
        await known_room(ctx, room)
        await known_sensor(ctx, room, sensor)
        place = _after(after, _reading_after)
        if place is not None and not since <= place[0] < until:
            raise ApiFault(422, "the value must be the `next` of a page of the same stretch", "after")
        found = await asyncio.to_thread(
            ctx.research.readings,
            room,
            since,
            until,
            sensor=sensor,
            after=place,
            limit=limit + 1,
        )
        more = found[limit - 1] if len(found) > limit else None
        return ReadingsAnswer(
            room=room,
            start=iso(since),
            end=iso(until),
            units={key: QUANTITIES[key].unit for key in QUANTITIES if any(key in r.values for r in found)},
            readings=[_reading(reading) for reading in found[:limit]],
            next=f"{more.at_ms}~{more.sensor}~{more.seq}" if more else None,
        )

    return api


def _after(text: str | None, parse: Callable[[str], P]) -> P | None:
    try:
        return None if text is None else parse(text)
    except ValueError:
        raise ApiFault(422, "the value must be the `next` of a page", "after") from None


def _reading_after(text: str) -> tuple[int, str, int]:
    at, sensor, seq = text.split("~")
    return int(at), sensor, int(seq)


def _index(key: str | None) -> Index | None:
    if key is None or key in INDEXES:
        return INDEXES[key] if key else None
    raise unknown("index", key, INDEXES, 422)


def _answer(ctx: Context, page: Page, index: Index | None) -> bytes:
    """A TableAnswer as JSON, without an object for each row: pages of thousands are asked one after the other."""
    selection, config = page.selection, ctx.config()
    return to_json(
        {
            "selection": selection.model_dump(mode="json"),
            "id": selection.id,
            "data": page.data_id,
            "versions": page.versions,
            "units": {key: QUANTITIES[key].unit for key in selection.quantities},
            "simulated": [site for site in page.versions if site in config.sites and config.site_simulated(site)],
            "rows": [
                row for part, means in zip(page.parts, page.day_means, strict=True) for row in _rows(part, means, index)
            ],
            "next": None if page.next is None else str(page.next),
        }
    )


def _rows(part: MeanColumns, means: Floats | None, index: Index | None) -> Iterator[dict[str, Any]]:
    """Each a TableRow."""
    scale = None if index is None else index.scales.get(part.quantity)
    levels: Sequence[str | None] = [None] * len(part)
    if index is not None and scale is not None:
        keys = [None, *(band.key for band in scale.bands)]
        levels = [keys[number] for number in sub_indices(index, part.quantity, part.value).level.tolist()]
    named = index is not None and scale is not None and index.named(part.quantity, "24 h") == "aqi"
    for row, level, mean in zip(rows(part), levels, repeat(None) if means is None else means.tolist(), strict=False):
        known = None if mean is None or mean != mean else mean
        sub = index.sub_index(part.quantity, known) if named and index is not None and known is not None else None
        yield {
            "start": iso(row.start_ms),
            "room": row.room,
            "sensor": row.sensor,
            "quantity": row.quantity,
            "n": row.n,
            "expected": row.expected,
            "completeness": row.completeness,
            "mean": row.mean,
            "value": row.value,
            "low": row.low,
            "high": row.high,
            "suspect": row.suspect,
            "bad": row.bad,
            "correction": row.correction,
            "level": level,
            "aqi": None if sub is None else sub.shown,
            "mean_24h": known,
            "why": row.why,
        }


def _reading(reading: Reading) -> ReadingRow:
    return ReadingRow(
        at=iso(reading.at_ms, "milliseconds"),
        at_ms=reading.at_ms,
        sensor=reading.sensor,
        room=reading.room,
        seq=reading.seq,
        interval_s=reading.interval_s,
        n=reading.n,
        clock=reading.clock,
        late=reading.late,
        simulated=reading.simulated,
        flags=[flag.name for flag in reading.flags if flag.name],
        value_flags={
            key: [flag.name for flag in reading.flags_of(key) & ~reading.flags if flag.name]
            for key in reading.value_flags
        },
        values=dict(reading.values),
    )
