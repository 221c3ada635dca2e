"""What people ask of alerts: acknowledge one, silence some for a while, end a silence."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.answering import Done, Handler, Refused
from alerts.lifecycle.board import AlertBoard
from alerts.lifecycle.silences import LONGEST_MS, Silence
from classair.wire import Ask, FullId, Id

LONGEST_MIN = LONGEST_MS // 60_000
Why = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Subject = Annotated[str, StringConstraints(max_length=128)]


class _Args(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Acknowledge(_Args):
    alert: Name


class MakeSilence(_Args):
    """Of what matches all that is named; at least one is. It always ends."""

    minutes: Annotated[float, Field(ge=1, le=LONGEST_MIN)]
    site: Id | None = None
    room: FullId | None = None
    subject: Subject | None = None
    rule: Id | None = None
    why: Why = ""


class EndSilence(_Args):
    silence: Name


def handlers(board: AlertBoard) -> dict[str, Handler]:
    def acknowledge(ask: Ask, now: int) -> Done:
        return board.acknowledge(Acknowledge.model_validate(ask.args).alert, ask.who, now)

    def silence(ask: Ask, now: int) -> Done:
        wish = MakeSilence.model_validate(ask.args)
        site, room, subject, rule = (it or "" for it in (wish.site, wish.room, wish.subject, wish.rule))
        if not (site or room or subject or rule):
            raise Refused("a silence names at least one of site, room, subject and rule")
        until = now + round(wish.minutes * 60_000)
        return board.silence(Silence(ask.id, now, until, site, room, subject, rule, ask.who, wish.why))

    def end_silence(ask: Ask, now: int) -> Done:
        return board.end_silence(EndSilence.model_validate(ask.args).silence, ask.who, now)

    return {"acknowledge": acknowledge, "silence": silence, "end_silence": end_silence}
