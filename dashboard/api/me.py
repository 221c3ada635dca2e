"""The current account."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from dashboard.access.roles import Principal
from dashboard.context import Context


class Me(BaseModel):
    kind: str = Field(description="visitor, account or token", examples=["account"])
    name: str = Field(examples=["teacher-p1"])
    role: str = Field(examples=["teacher"])
    scopes: list[str] = Field(examples=[["control", "read"]])
    rooms: list[str] = Field(description="rooms and sites it may control; empty: all", examples=[["ban-suan.p1-2"]])


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["access"])

    @api.get("/me", summary="Get current account")
    async def me(request: Request) -> Me:
        principal: Principal = request.state.principal
        return Me(
            kind=principal.kind,
            name=principal.name,
            role=principal.role,
            scopes=sorted(principal.scopes),
            rooms=sorted(principal.places),
        )

    return api
