"""Requests for signed records of rooms: who asks for what and why, given or declined here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any, Final

from classair import i18n
from classair.timetable import local_time
from dashboard.access.roles import Need, Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.records.book import LONGEST_REASON, RecordBook, RecordRequest

PATH = "/records"
ORDER = 75
TITLE_KEY = "records_page.title"
NEED = Need.APPROVE

MOST_DECIDED: Final = 30
_WORDS: Final = ("given", "declined", "failed", "no_answer", "signed_out", "reason_missing", "working")


def view(ctx: Context, language: str, reader: Principal) -> Records:
    return Records(ctx, language, reader)


class Records:
    """What waits for a decision first, then what was decided lately."""

    every_s = 5.0

    def __init__(self, ctx: Context, language: str, reader: Principal) -> None:
        self._ctx, self._language, self._reader, self._book = ctx, language, reader, RecordBook(ctx)

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, say = self._ctx, self._say
        own = [
            one
            for one in self._book.listed()
            if ctx.config().has_room(one.room) and self._reader.may("approve", one.room)
        ]
        waiting = [one for one in reversed(own) if one.state == "open"]
        decided = sorted((one for one in own if one.state != "open"), key=lambda one: -(one.decided_at or 0))
        words = {key: say(f"said.{key}") for key in _WORDS}
        content: list[Any] = [
            html.H1(say("title")),
            html.P(say("lead"), className="quiet"),
            html.H2(say("waiting", n=len(waiting))),
            *([self._open(one) for one in waiting] or [html.P(say("none"))]),
            html.H2(say("decided")),
            html.Ul([self._done(one) for one in decided[:MOST_DECIDED]], className="records-done")
            if decided
            else html.P(say("none_decided")),
        ]
        return {
            "": html.Div(
                content,
                className="records",
                **parts.data(words=json.dumps(words, ensure_ascii=False)),
                **piece(""),
            )
        }

    def _say(self, key: str, **places: Any) -> str:
        return self._ctx.t(self._language, f"records_page.{key}", **places)

    def _about(self, one: RecordRequest) -> str:
        room = parts.room_name(self._ctx, self._language, one.room)
        return f"{room} · {one.days(self._language)}"

    def _moment(self, at_ms: int) -> str:
        return i18n.show_date(local_time(at_ms), self._language, "day_time")

    def _open(self, one: RecordRequest) -> Any:
        say, field = self._say, f"reason-{one.id}"
        facts = [(say("asked"), self._moment(one.asked_at)), (say("purpose"), one.purpose)]
        facts += [(say("contact"), one.contact)] if one.contact else []
        return html.Section(
            [
                html.H3(self._about(one)),
                html.P(parts.site_name(self._ctx, self._language, one.room), className="quiet"),
                html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts]),
                html.Div(
                    [
                        html.Button(say("approve"), type="button", className="button", **parts.data(approve=one.id)),
                        html.Span(
                            [
                                html.Label(say("reason"), **{"for": field}),
                                html.Input(id=field, maxlength=str(LONGEST_REASON), autocomplete="off"),
                            ],
                            className="records-reason",
                        ),
                        html.Button(say("decline"), type="button", className="button", **parts.data(decline=one.id)),
                    ],
                    className="records-acts",
                ),
            ],
            className="panel",
        )

    def _done(self, one: RecordRequest) -> Any:
        when = self._moment(one.decided_at) if one.decided_at else ""
        told = self._say(f"was_{one.state}", when=when, who=one.decided_by)
        said = [html.B(self._about(one)), html.Br(), told]
        return html.Li([*said, *([html.Br(), one.reason] if one.reason else [])])
