"""One alert as a card: how bad, what, where, since when, who was told, who is next; and its buttons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from classair.alerting.records import AlertRecord, NotificationRecord
from classair.config import AlertRule, chain
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import html, piece
from dashboard.pages.alerts import wording

LENGTHS = ("60", "tomorrow", "1440", "10080", "date")


def link(language: str, alert: AlertRecord) -> str:
    return parts.address("/alerts", alert=alert.id, lang=language)


def card(
    ctx: Context,
    language: str,
    reader: Principal,
    alert: AlertRecord,
    told: Sequence[NotificationRecord],
    *,
    linked: bool = True,
) -> Any:
    what = wording.what(ctx, language, alert)
    return html.Section(
        [
            html.P(
                [
                    severity(ctx, language, alert),
                    html.Span(wording.word(ctx, language, "state", alert.state), className="alert-state"),
                ],
                className="alert-top",
            ),
            html.H3(html.A(what, href=link(language, alert)) if linked else what),
            _where(ctx, language, alert),
            html.Dl(
                [
                    html.Div([html.Dt(ctx.t(language, f"alerts_page.{name}")), html.Dd(said)])
                    for name, said in _facts(ctx, language, reader, alert, told)
                ]
            ),
            *(_buttons(ctx, language, reader, alert, what) if acts(reader, alert) else []),
        ],
        className="alert-card",
        **parts.data(severity=alert.severity, state=alert.state),
        **parts.spoken(f"{what}, {wording.where(ctx, language, alert)}"),
        **piece(f"alert/{alert.id}"),
    )


def acts(reader: Principal, alert: AlertRecord) -> bool:
    """Whether the reader may acknowledge and silence it, and there is something to."""
    return alert.state in ("firing", "acknowledged", "resolved") and reader.controls_place(alert.site, alert.room)


def severity(ctx: Context, language: str, alert: AlertRecord) -> Any:
    return html.Span(
        wording.word(ctx, language, "severity", alert.severity),
        className="severity",
        **parts.data(severity=alert.severity),
    )


def _where(ctx: Context, language: str, alert: AlertRecord) -> Any:
    said, room = wording.where(ctx, language, alert), wording.full_room(alert)
    if room and ctx.config().has_room(room):
        return html.P(html.A(said, href=parts.address(f"/room/{room}", lang=language)), className="alert-where")
    return html.P(said, className="alert-where")


def _facts(
    ctx: Context, language: str, reader: Principal, alert: AlertRecord, told: Sequence[NotificationRecord]
) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [
        (
            "since",
            [wording.time(ctx, language, alert.since), " · ", states.age(alert.since, "for", className="quiet")]
            if alert.state in ("firing", "acknowledged")
            else wording.time(ctx, language, alert.since),
        )
    ]
    if alert.times > 1:
        found.append(("times", ctx.t(language, "alerts_page.n_times", n=alert.times)))
    if alert.acknowledged_at is not None:
        said = ctx.t(
            language,
            "alerts_page.acknowledged_by",
            time=wording.time(ctx, language, alert.acknowledged_at),
            who=wording.by(ctx, language, alert.acknowledged_by, reader),
        )
        found.append(("acknowledged", said))
    if alert.resolved_at is not None and alert.state in ("resolved", "closed"):
        found.append(("over", wording.time(ctx, language, alert.resolved_at)))
    people = wording.told(ctx, language, reader, told)
    found.append(("told", html.Ul(people) if people else wording.nobody(ctx, language, alert)))
    if alert.cause and alert.state in ("pending", "firing"):
        found.append(("held", held(ctx, language, alert)))
    elif following := _next(ctx, language, reader, alert):
        found.append(("next", following))
    return found


def held(ctx: Context, language: str, alert: AlertRecord) -> str:
    if alert.cause == wording.SILENCED:
        return ctx.t(language, "alerts_page.held_silenced")
    return ctx.t(language, "alerts_page.held_cause", cause=alert.cause.removeprefix("bridge:"))


def _next(ctx: Context, language: str, reader: Principal, alert: AlertRecord) -> str:
    """Who of the chain is told next and when, if nobody acknowledges it; "" at the end of the chain."""
    rule = ctx.config().rules.get(alert.rule)
    counts_since, steps_told = alert.memory.get("counts_since"), alert.memory.get("steps_told")
    if alert.state != "firing" or not isinstance(rule, AlertRule):
        return ""
    if not isinstance(counts_since, int) or not isinstance(steps_told, int):
        return ""
    steps = chain(rule, ctx.config().escalation)[steps_told:]
    if not steps:
        return ctx.t(language, "alerts_page.next_nobody")
    after_s, people = steps[0]
    counted = alert.memory.get("counted_ms")
    at = counts_since + round(after_s * 1000) - (counted if isinstance(counted, int) else 0)
    who = ", ".join(people) if reader.signed_in else ctx.t(language, "alerts_page.people", n=len(people))
    return ctx.t(language, "alerts_page.next_at", who=who, time=wording.time(ctx, language, at))


# -- buttons -----------------------------------------------------------------------------------------------------------


def words(ctx: Context, language: str) -> str:
    """What the page's script says."""
    keys = (
        "done_acknowledge",
        "done_silence",
        "done_end",
        "done_try",
        "failed",
        "signed_out",
        "not_yours",
        "no_answer",
        "no_why",
        "no_date",
    )
    return json.dumps({key: ctx.t(language, f"alerts_page.{key}") for key in keys}, ensure_ascii=False)


def _buttons(ctx: Context, language: str, reader: Principal, alert: AlertRecord, what: str) -> list[Any]:
    acknowledge = html.Button(
        ctx.t(language, "alerts_page.acknowledge"),
        type="button",
        className="alert-acknowledge",
        **parts.data(acknowledge=f"/api/v1/alerts/{alert.id}/acknowledge"),
        **parts.spoken(f"{ctx.t(language, 'alerts_page.acknowledge')}: {what}"),
    )
    return [
        html.Div(
            [
                *([acknowledge] if alert.state == "firing" else []),
                html.Details(
                    [
                        html.Summary(ctx.t(language, "alerts_page.silence")),
                        _silence_form(ctx, language, reader, alert),
                    ],
                    className="alert-silence",
                ),
            ],
            className="alert-do",
        )
    ]


def _silence_form(ctx: Context, language: str, reader: Principal, alert: AlertRecord) -> Any:
    room = wording.full_room(alert)
    wide: list[tuple[str, dict[str, str]]] = [("this", {"subject": alert.subject, "rule": alert.rule})]
    if room and ctx.config().has_room(room):
        wide.append(("room", {"room": room}))
    if alert.site in ctx.config().sites and reader.controls_place(alert.site, ""):
        wide.append(("school", {"site": alert.site}))

    def field(name: str, control: Any, css: str = "") -> Any:
        name_id = f"{name}-{alert.id}"
        label = html.Label(ctx.t(language, f"alerts_page.silence_{name}"), **{"for": name_id})
        return html.Div([label, control(name_id)], className=f"field {css}".strip())

    return html.Form(
        [
            field(
                "what",
                lambda id_: html.Select(
                    [
                        html.Option(ctx.t(language, f"alerts_page.silence_about.{name}"), value=json.dumps(about))
                        for name, about in wide
                    ],
                    id=id_,
                    name="about",
                ),
            ),
            field(
                "long",
                lambda id_: html.Select(
                    [html.Option(ctx.t(language, f"alerts_page.length.{one}"), value=one) for one in LENGTHS],
                    id=id_,
                    name="length_",  # a form has a length of its own
                ),
            ),
            field("date", lambda id_: html.Input(type="date", id=id_, name="date"), "until-date"),
            field(
                "why",
                lambda id_: html.Input(
                    type="text", id=id_, name="why", maxlength="200", autocomplete="off", required=True
                ),
            ),
            html.Button(ctx.t(language, "alerts_page.silence_do"), type="submit"),
        ],
        className="silence-form",
        novalidate=True,
        **parts.data(silence="/api/v1/silences"),
    )
