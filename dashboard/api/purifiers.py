"""Purifiers: their status, and manual overrides. Only alerts switches; the API sends it a request."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from classair.asking import NoAnswer
from classair.wire import PurifierCare, PurifierState
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.guard import OTHER_ROOM
from dashboard.access.roles import Principal
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.context import Context

PurifierId = Annotated[str, Path(description="`<site>.<purifier>`", examples=["ban-suan.p1-2-fan"])]


class PurifierInfo(BaseModel):
    purifier: str = Field(examples=["ban-suan.p1-2-fan"])
    room: str
    kind: str
    cadr_m3h: float
    state: PurifierState | None = Field(description="null until its controller has reported")
    care: PurifierCare | None = Field(description="run hours, filter, energy and cost; null until they were reported")


class Purifiers(BaseModel):
    server_time: int
    purifiers: list[PurifierInfo]


class Override(BaseModel):
    """A manual override: on, off, or back to automatic. It ends automatically.

    Without `minutes` an OFF lasts for the rule's `person_off` (30 minutes), an ON to the end of the occupied block or
    for 60 minutes. No OFF is longer than `off_at_most`, nor than `off_in_heavy_dust` above 75 µg/m³.
    """

    model_config = ConfigDict(extra="forbid")
    do: Literal["on", "off", "auto"] = Field(examples=["off"])
    minutes: Annotated[int, Field(ge=1, le=480, description="duration; ignored for auto")] | None = None


class Overridden(BaseModel):
    """`until` is when the override ends as things stand, UTC ms; null for auto."""

    ok: bool
    until: int | None
    shortened: bool = Field(description="the override ends earlier than requested, because of the rule's limits")
    state: PurifierState | None


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["purifiers"])

    def info(purifier: str) -> PurifierInfo:
        units = dict(ctx.config().purifiers())
        if purifier not in units:
            raise unknown("purifier", purifier, units)
        unit, site = units[purifier], purifier.partition(".")[0]
        return PurifierInfo(
            purifier=purifier,
            room=f"{site}.{unit.room}",
            kind=unit.kind,
            cadr_m3h=unit.cadr_m3h,
            state=ctx.live.purifier(purifier),
            care=ctx.live.care(purifier),
        )

    @api.get("/purifiers", summary="List purifiers", responses=responses(401))
    async def purifiers() -> Purifiers:
        return Purifiers(server_time=ctx.now_ms(), purifiers=[info(full) for full, _ in ctx.config().purifiers()])

    @api.get("/purifiers/{purifier}", summary="Get purifier status", responses=responses(401, 404))
    async def purifier(purifier: PurifierId) -> PurifierInfo:
        return info(purifier)

    @api.post(
        "/purifiers/{purifier}/override",
        summary="Override purifier for a limited time",
        responses=responses(401, 403, 404, 409, 415, 422, 503),
    )
    async def override(purifier: PurifierId, wish: Override, request: Request) -> Overridden:
        """Requires the scope `control`. A browser session sends its CSRF token as `X-CSRF-Token`."""
        room = info(purifier).room
        principal: Principal = request.state.principal
        desk: Desk = request.app.state.desk
        about = f"{purifier} {wish.do}" + (f" {wish.minutes} min" if wish.minutes is not None else "")
        if not principal.controls(room):
            desk.note(principal.who, Action.OVERRIDE, about, "refused: other room")
            raise ApiFault(403, f"{principal.name} may not control {room}", "purifier", OTHER_ROOM)
        args: dict[str, str | int] = {"purifier": purifier, "do": wish.do}
        if wish.minutes is not None and wish.do != "auto":
            args["minutes"] = wish.minutes
        try:
            answer = await ctx.live.ask("alerts", "override", principal.by, args)
        except NoAnswer as error:
            desk.note(principal.who, Action.OVERRIDE, about, str(error))
            raise ApiFault(
                503,
                str(error),
                purifier,
                "the request may not have arrived; see the purifier's state before trying again",
            ) from None
        desk.note(principal.who, Action.OVERRIDE, about, "done" if answer.ok else answer.error)
        if not answer.ok:
            raise ApiFault(409, answer.error or "alerts rejected the request", purifier)
        return Overridden(
            ok=True,
            until=answer.result.get("override_until"),
            shortened=bool(answer.result.get("shortened", False)),
            state=ctx.live.purifier(purifier),
        )

    return api
