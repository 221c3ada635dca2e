"""The packages that somebody has asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classair import i18n
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.queries.exports import KEEP_MS, OPEN, Job


def table(ctx: Context, language: str, jobs: Sequence[Job]) -> str:
    """The piece with all of them, newest first."""
    if jobs:
        heads = [html.Th(ctx.t(language, f"exports.head_{key}"), scope="col") for key in ("what", "state", "do")]
        rows = html.Tbody([_line(ctx, language, one) for one in jobs])
        inside = html.Div(html.Table([html.Thead(html.Tr(heads)), rows], className="health"), className="panel")
    else:
        inside = html.P(ctx.t(language, "exports.none_yet"), className="quiet")
    return html.Div(inside, id="export-jobs", **parts.aria(live="polite"), **piece("jobs"))


def _line(ctx: Context, language: str, one: Job) -> Any:
    chosen = one.request.selection
    step = ctx.t(language, "exports.step_reading" if chosen.step == "reading" else f"exports.steps.{chosen.step}")
    what = (
        f"{', '.join(ctx.t(language, f'export.quantity.{key}') for key in chosen.quantities)} · {step} · "
        f"{i18n.show_days(chosen.first, chosen.last, language)}"
    )
    rooms = ", ".join(
        parts.room_name(ctx, language, room) if ctx.config().has_room(room) else room for room in chosen.rooms[:6]
    ) + (" …" if len(chosen.rooms) > 6 else "")
    package = f"/api/v1/exports/{one.id}/package"
    label = ctx.t(language, "exports.download", size=size(one.bytes))
    word = "cancel" if one.state in OPEN else "remove"
    removing = html.Button(
        ctx.t(language, f"exports.{word}"),
        type="button",
        className="button",
        **parts.data(remove=f"/api/v1/exports/{one.id}"),
        **parts.spoken(f"{ctx.t(language, f'exports.{word}')}: {what}"),
    )
    ready = one.state == "ready"
    return html.Tr(
        [
            html.Td([what, html.Small(rooms)], className="part"),
            html.Td(_state(ctx, language, one)),
            html.Td(
                html.Div(
                    [html.A(label, href=package, download="", className="button") if ready else None, removing],
                    className="buttons",
                )
            ),
        ]
    )


def _state(ctx: Context, language: str, one: Job) -> Any:
    rows = spoken_rows(language, one.rows)
    if one.state == "failed":
        # Why stands in the words of the program that made it, for whoever looks after the server.
        why = html.Details([html.Summary(ctx.t(language, "exports.failed_why")), html.Code(one.why, lang="en")])
        return [ctx.t(language, "exports.failed"), why]
    if one.state != "ready":
        return ctx.t(language, f"exports.{one.state}", done=one.done, pieces=one.pieces, rows=rows)
    until = i18n.show_date(local_time((one.ended_at or one.asked_at) + KEEP_MS), language)
    return [
        html.B(ctx.t(language, "export.ready", rows=rows)),
        html.Br(),
        html.Small(
            " · ".join((ctx.t(language, "exports.data_id", id=one.data), ctx.t(language, "exports.kept", day=until)))
        ),
    ]


def spoken_rows(language: str, count: int) -> str:
    """`1.2 million rows`, `1.2 ล้านแถว`; exact below a thousand."""
    if count >= 1_000_000:
        return i18n.t(language, "export.million", n=f"{count / 1e6:,.1f}")
    if count >= 10_000:
        return i18n.t(language, "export.thousand", n=f"{count / 1e3:,.0f}")
    return i18n.t(language, "export.rows", n=f"{count:,}")


def size(count: int) -> str:
    """Bytes as people say them."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:,.1f}\u00a0{unit}"
    return f"{count}\u00a0B"
