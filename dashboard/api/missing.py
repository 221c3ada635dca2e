"""The missing-data log of a sensor, with reasons."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from classair.dates import moment_ms
from classair.i18n import in_every_language
from classair.model import MISSING_REASONS, PRESENT_REASONS
from classair.units import HOUR_MS
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api._moments import Moment, iso
from dashboard.context import Context
from dashboard.queries.rooms import RangeRefused

SensorId = Annotated[str, Path(description="`<site>.<sensor>`", examples=["ban-suan.p1-2-pm"])]


class MissingLine(BaseModel):
    """The interval from `start` to `end`, exclusive. `there`: the readings exist (delivered late, or as means)."""

    start: str = Field(examples=["2026-11-23T09:40:00+07:00"])
    end: str = Field(examples=["2026-11-23T10:05:00+07:00"])
    start_ms: int = Field(description="UTC ms")
    end_ms: int = Field(description="UTC ms")
    expected: int = Field(description="readings expected of the sensor in the whole interval")
    reason: str = Field(description="one of " + ", ".join(MISSING_REASONS), examples=["unplugged"])
    words: dict[str, str] = Field(description="the reason by language")
    there: bool
    bridge: str
    simulated: bool


class MissingAnswer(BaseModel):
    """All lines that overlap the range, uncut, oldest first."""

    sensor: str
    start: str
    end: str
    expected: dict[str, int] = Field(description="expected readings by reason, summed over all lines")
    lines: list[MissingLine]


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["sensors"])

    @api.get(
        "/sensors/{sensor}/missing",
        summary="List missing readings of a sensor, with reasons",
        responses=responses(401, 404, 422, 503),
    )
    async def missing(
        sensor: SensorId,
        start: Annotated[
            Moment | None,
            Query(
                description="ISO 8601 with offset, or UTC ms; default: one day before `end`",
                examples=["2026-11-23T00:00:00+07:00"],
            ),
        ] = None,
        end: Annotated[
            Moment | None,
            Query(description="ISO 8601 with offset, or UTC ms; default: now", examples=["2026-11-24T00:00:00+07:00"]),
        ] = None,
    ) -> MissingAnswer:
        until = moment_ms(end) if end else ctx.now_ms()
        since = moment_ms(start) if start else until - 24 * HOUR_MS
        try:
            said = iso(since), iso(until)
        except (OverflowError, ValueError, OSError):
            raise ApiFault(422, "the time is outside the supported range", "query") from None
        try:
            found = await asyncio.to_thread(ctx.queries.missing, sensor, since, until)
        except RangeRefused as refused:
            raise ApiFault(422, str(refused), "query") from None
        known = [full for full, _ in ctx.config().sensors()]
        if not found and sensor not in known:
            raise unknown("sensor", sensor, known)
        expected: dict[str, int] = {}
        for line in found:
            expected[line.reason] = expected.get(line.reason, 0) + line.expected
        return MissingAnswer(
            sensor=sensor,
            start=said[0],
            end=said[1],
            expected=expected,
            lines=[
                MissingLine(
                    start=iso(line.start_ms),
                    end=iso(line.end_ms),
                    start_ms=line.start_ms,
                    end_ms=line.end_ms,
                    expected=line.expected,
                    reason=line.reason,
                    words=in_every_language(f"missing.{line.reason}"),
                    there=line.reason in PRESENT_REASONS,
                    bridge=line.bridge,
                    simulated=line.simulated,
                )
                for line in found
            ],
        )

    return api
