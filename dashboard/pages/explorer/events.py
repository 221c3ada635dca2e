"""What schools noted beside the numbers: a numbered list, and the form's words for the script that sends it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dash import html

from classair import i18n
from classair.stores.events import KINDS, NOTE_LENGTH, SchoolEvent
from classair.timetable import local_time
from dashboard.frame import parts
from dashboard.frame.date_field import words as date_words
from dashboard.pages.explorer import form as forms
from dashboard.pages.explorer.charts import Looking


def of(look: Looking) -> list[SchoolEvent]:
    """Those of the chosen rooms and of their whole schools, oldest first. Raises StoreUnavailable."""
    chosen = look.view.selection
    sites = {room.partition(".")[0] for room in chosen.rooms}
    return [
        one
        for one in look.ctx.research.events(chosen.start_ms, chosen.end_ms)
        if one.site in sites and one.room in ("", *chosen.rooms)
    ]


def section(look: Looking, events: Sequence[SchoolEvent]) -> Any:
    """The numbers are those of the marks in the charts."""

    def say(key: str, **places: Any) -> str:
        return look.say(key, **places)

    rows = [
        html.Tr(
            [
                html.Td(html.Span(str(number), className="mark-number")),
                html.Td(_when(look, one)),
                html.Td(
                    forms.name(look.ctx, look.language, one.room)
                    if one.room
                    else forms.site_name(look.ctx, look.language, one.site)
                ),
                html.Td([html.B(say(f"kind.{one.kind}")), *(html.Span(f" {words}") for words in _words_of(one))]),
                html.Td(
                    html.Button(
                        say("withdraw"),
                        className="button small withdraw",
                        **parts.data(event=one.id),
                        **parts.spoken(say("withdraw_one", kind=say(f"kind.{one.kind}"), when=_when(look, one))),
                    )
                ),
            ]
        )
        for number, one in enumerate(events, 1)
    ]
    return html.Section(
        [
            html.H2(say("events")),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr(
                                [
                                    html.Th(say(key), scope="col")
                                    for key in ("event_number", "event_when", "event_where", "event_what", "event_undo")
                                ]
                            )
                        ),
                        html.Tbody(rows),
                    ],
                    className="figures events",
                ),
                className="scroll",
                tabIndex=0,
                role="region",
                **parts.spoken(say("events")),
            )
            if rows
            else html.P(say("no_events"), className="quiet"),
            html.Details(
                [
                    html.Summary(say("add_event")),
                    html.Div(
                        id="explorer-event-form", **parts.data(words=json.dumps(_words(look), ensure_ascii=False))
                    ),
                ]
            ),
            html.P(
                id="explorer-event-says",
                className="says",
                role="status",
                **parts.data(
                    words=json.dumps(
                        {key: say(f"event_{key}") for key in ("done", "sign_in", "not_allowed", "away", "refused")},
                        ensure_ascii=False,
                    )
                ),
            ),
        ],
        className="panel events-panel",
    )


def _words_of(event: SchoolEvent) -> list[str]:
    return [words for words in (event.question, event.result, event.note) if words]


def _words(look: Looking) -> dict[str, Any]:
    config = look.ctx.config()
    sites = list(dict.fromkeys(room.partition(".")[0] for room in look.view.selection.rooms))
    places = [
        place
        for site in sites
        if site in config.sites
        for place in (
            {
                "site": site,
                "room": "",
                "name": look.say("whole_school", school=forms.site_name(look.ctx, look.language, site)),
            },
            *(
                {"site": site, "room": room, "name": forms.name(look.ctx, look.language, room)}
                for room in forms.known_order(look.ctx, [r for r, _ in config.rooms() if r.startswith(f"{site}.")])
            ),
        )
    ]
    return {
        "places": places,
        # An experiment has more to it than this form asks: it is stored on the page of activities.
        "kinds": [{"value": kind, "name": look.say(f"kind.{kind}")} for kind in KINDS if kind != "experiment"],
        "length": NOTE_LENGTH,
        "start": f"{local_time(look.now_ms):%Y-%m-%dT%H:%M}",
        "date": date_words(look.ctx, look.language),
        **{
            key: look.say(f"event_{key}")
            for key in ("where", "what", "start_at", "end_at", "note", "send", "zone", "time")
        },
    }


def _when(look: Looking, event: SchoolEvent) -> str:
    first, last = local_time(event.start_ms), local_time(event.end_ms)
    said = i18n.show_date(first, look.language, "day_time")
    if event.end_ms - event.start_ms <= 1:
        return said
    return f"{said} – {i18n.show_date(last, look.language, 'time' if last.date() == first.date() else 'day_time')}"
