"""Exports: preview, create, follow, download; and the rows of one selection as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from classair.dates import Day
from classair.model import QUANTITIES
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.roles import Principal
from dashboard.api._faults import ApiFault, responses
from dashboard.api._moments import iso
from dashboard.context import Context
from dashboard.queries.exports import KEEP_MS, ExportRefused, Exports, Job
from research.export.request import Request as ExportRequest
from research.selection import STEP_MS, SelectionRefused

_CSV = "text/csv; charset=utf-8"
_ARROW = "application/vnd.apache.arrow.stream"


ExportId = Annotated[str, Path(max_length=64, description="`id` of one of your exports", examples=["0123456789abcdef"])]


class ExportWish(BaseModel):
    """The selection, as for /table, and the output format."""

    rooms: list[str] = Field(examples=[["ban-suan.p1-2"]], min_length=1, max_length=500)
    first: Day = Field(examples=["2026-11-16"])
    last: Day = Field(examples=["2026-11-20"], description="inclusive")
    quantities: list[str] = Field(["pm25"], examples=[["pm25", "rh_pct"]])
    step: str = Field("1h", examples=["1h"], description="reading, " + ", ".join(STEP_MS))
    method: str = Field("none", examples=["accepted"])
    lesson: bool = False
    completeness: float = Field(0.75, ge=0, le=1)
    columns: Literal["classair", "openair", "sensortoolkit", "openaq"] = "classair"
    netcdf: bool = False
    licence: str = Field(
        "",
        max_length=200,
        examples=["CC-BY-4.0"],
        description="licence of the data; empty: what each school has chosen",
    )
    doi: str = Field(
        "", max_length=256, examples=["10.5281/zenodo.1234567"], description="DOI reserved for this export"
    )

    def request(self) -> ExportRequest:
        try:
            return ExportRequest.parse(self.model_dump())
        except SelectionRefused as refused:
            raise ApiFault(422, str(refused), "body") from None


class ExportPreview(BaseModel):
    """Estimates. `gaps`: share of expected readings that are missing; `sample`: the first rows, under `names`."""

    id: str = Field(description="identifies the request")
    rows: int
    bytes: int
    gaps: float | None
    names: list[str]
    sample: list[list[str]]
    background: bool
    simulated: list[str]


class ExportRow(BaseModel):
    """An export: waiting, running, packing, ready, failed (`why`) or cancelled."""

    id: str
    state: str = Field(examples=["ready"])
    done: int
    pieces: int
    rows: int
    bytes: int
    data: str = Field(description="identifies request and state of the data: the same value means the same bytes")
    why: str
    asked_by: str
    asked_at: str
    kept_until: str | None
    request: dict[str, Any]
    package: str | None = Field(description="download address, once the export is ready")


class ExportList(BaseModel):
    exports: list[ExportRow]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["export"])

    def offered() -> Exports:
        if ctx.exports is None:
            raise ApiFault(503, "exports are disabled on this dashboard", "export", "use classair export")
        return ctx.exports

    @api.post("/exports/preview", summary="Preview export", responses=responses(401, 403, 422, 501, 503))
    async def preview(wish: ExportWish) -> ExportPreview:
        """Requires the scope `export`. Creates nothing; rows, size and share of gaps are estimates."""
        request = wish.request()
        found = await _called(offered().preview, request)
        return ExportPreview(id=request.id, **found)

    @api.post(
        "/exports", summary="Create export", status_code=202, responses=responses(401, 403, 422, 429, 501, 503, 507)
    )
    async def begin(wish: ExportWish, call: Request) -> ExportRow:
        """Requires the scope `export`. The export runs in the background; query its status until it is `ready`.
        Repeating a request that is still running returns the same export."""
        principal: Principal = call.state.principal
        request = wish.request()
        found = await _called(offered().start, request, principal.who)
        desk: Desk = call.app.state.desk
        desk.note(principal.who, Action.EXPORT, request.id, found.id)
        return _row(found)

    @api.get("/exports", summary="List your exports, newest first", responses=responses(401, 403, 503))
    async def listed(call: Request) -> ExportList:
        """Requires the scope `export`. Administrators see all exports."""
        principal: Principal = call.state.principal
        who = None if "admin" in principal.scopes else principal.who
        found = await asyncio.to_thread(offered().jobs, who)
        return ExportList(exports=[_row(one) for one in found[:200]])

    @api.get("/exports/{export}", summary="Get export status", responses=responses(401, 403, 404, 503))
    async def one(export: ExportId, call: Request) -> ExportRow:
        return _row(await _own(offered(), export, call))

    @api.get(
        "/exports/{export}/package",
        summary="Download finished export",
        response_class=FileResponse,
        responses={200: {"content": {"application/zip": {}}}, **responses(401, 403, 404, 409, 503)},
    )
    async def package(export: ExportId, call: Request) -> FileResponse:
        """The zip file. Supports range requests."""
        found = await _own(offered(), export, call)
        path = await asyncio.to_thread(offered().package, found.id)
        if path is None:
            raise ApiFault(409, f"the export is {found.state}", "export", "query its state until it is ready")
        return FileResponse(path, media_type="application/zip", filename=f"classair-{found.request.id}.zip")

    @api.delete(
        "/exports/{export}",
        summary="Cancel or delete export",
        status_code=204,
        responses=responses(401, 403, 404, 503),
    )
    async def remove(export: ExportId, call: Request) -> None:
        """A running export is cancelled; a finished one is deleted with its files."""
        found = await _own(offered(), export, call)
        await asyncio.to_thread(offered().remove, found.id)

    @api.get(
        "/data",
        summary="Stream the rows of a selection as CSV or Arrow",
        response_class=StreamingResponse,
        responses={200: {"content": {_CSV: {}, _ARROW: {}}}, **responses(401, 403, 422, 501, 503)},
    )
    async def data(
        rooms: Annotated[str, Query(description="`<site>.<room>`, comma-separated", examples=["ban-suan.p1-2"])],
        first: Annotated[Day, Query(description="first local day", examples=["2026-11-16"])],
        last: Annotated[Day, Query(description="last local day, inclusive", examples=["2026-11-20"])],
        quantities: Annotated[
            str, Query(description="comma-separated: " + ", ".join(QUANTITIES), examples=["pm25,rh_pct"])
        ] = "pm25",
        step: Annotated[str, Query(description="reading, " + ", ".join(STEP_MS), examples=["1h"])] = "1h",
        method: Annotated[
            str, Query(description="none, accepted, or a correction such as epa2021_atm", examples=["none"])
        ] = "none",
        lesson: Annotated[bool, Query(description="lesson time only", examples=[False])] = False,
        completeness: Annotated[
            float, Query(ge=0, le=1, description="minimum data completeness of a mean, 0 to 1", examples=[0.75])
        ] = 0.75,
        format: Annotated[
            Literal["csv", "arrow"], Query(description="csv (UTF-8) or an Arrow IPC stream", examples=["csv"])
        ] = "csv",
    ) -> StreamingResponse:
        """Requires the scope `export`. Columns as in docs/export.md. If the stream fails, it ends without the final
        chunk, so that clients can detect incomplete data."""
        try:
            request = ExportRequest.parse(
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
        except SelectionRefused as refused:
            raise ApiFault(422, str(refused), "query") from None
        chunks = offered().stream(request, format)
        try:
            begun = await anext(chunks, b"")  # what is refused is refused with words, not in the middle
        except ExportRefused as refused:
            raise _fault(refused) from None
        name = f"classair-{request.id}.{'csv' if format == 'csv' else 'arrows'}"
        return StreamingResponse(
            _from(begun, chunks),
            media_type=_CSV if format == "csv" else _ARROW,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return api


async def _from(begun: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begun
    async for chunk in rest:
        yield chunk


async def _called(call: Any, *args: Any) -> Any:
    try:
        return await asyncio.to_thread(call, *args)
    except ExportRefused as refused:
        raise _fault(refused) from None


def _fault(refused: ExportRefused) -> ApiFault:
    return ApiFault(refused.status, str(refused), "export")


async def _own(exports: Exports, identity: str, call: Request) -> Job:
    """A package of whoever asks; what is another's is not there."""
    principal: Principal = call.state.principal
    found = await asyncio.to_thread(exports.job, identity)
    if found is None or (found.who != principal.who and "admin" not in principal.scopes):
        raise ApiFault(404, f"you have no export {identity!r}", "export")
    return found


def _row(found: Job) -> ExportRow:
    ready = found.state == "ready"
    return ExportRow(
        id=found.id,
        state=found.state,
        done=found.done,
        pieces=found.pieces,
        rows=found.rows,
        bytes=found.bytes,
        data=found.data,
        why=found.why,
        asked_by=found.who,
        asked_at=iso(found.asked_at),
        kept_until=None if found.ended_at is None else iso(found.ended_at + KEEP_MS),
        request=found.request.as_record(),
        package=f"/api/v1/exports/{found.id}/package" if ready else None,
    )
