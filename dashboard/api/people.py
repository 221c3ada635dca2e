"""People who are told: a message to try out their channels. Only alerts sends; the API asks it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from dashboard.access.audit import Action
from dashboard.api._faults import responses, unknown
from dashboard.api.alerts import asked
from dashboard.context import Context

PersonId = Annotated[str, Path(max_length=32, description="id of the person in `people`", examples=["head"])]


class Tried(BaseModel):
    ok: bool
    notification: str = Field(description="id of the message")


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["alerts"])

    @api.post(
        "/people/{person}/test-message",
        summary="Send test message to a person",
        responses=responses(401, 403, 404, 409, 415, 503),
    )
    async def test_message(person: PersonId, request: Request) -> Tried:
        """Requires the scope `admin`, which no token has. It is sent by the person's own channels, at once."""
        if person not in ctx.config().people:
            raise unknown("person", person, ctx.config().people, 404)
        answer = await asked(ctx, request, Action.TEST_MESSAGE, {"person": person}, person)
        return Tried(ok=True, notification=str(answer.result.get("notification", "")))

    return api
