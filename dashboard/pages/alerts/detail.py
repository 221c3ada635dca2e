"""One alert in full: its changes, who was notified of it, and every attempt to reach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from classair.alerting.reading import NotKnown
from classair.alerting.records import AttemptRecord, ChangeRecord, NotificationRecord
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.live.alert_count import KEY
from dashboard.pages.alerts import cards, wording
from dashboard.pages.alerts.now import head_of, not_known, table


class Detail:
    every_s = 2.0

    def __init__(self, ctx: Context, language: str, reader: Principal, alert: str) -> None:
        self._ctx, self._language, self._reader, self._alert = ctx, language, reader, alert

    def concerns(self, key: str) -> bool:
        return key == KEY

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, reader = self._ctx, self._language, self._reader
        head = head_of(ctx, language, "")
        try:
            alert = ctx.records.alert(self._alert)
            changes = ctx.records.changes(self._alert)
            told = ctx.records.notifications_of([self._alert])[self._alert]
            attempts = ctx.records.attempts([one.id for one in told])
        except NotKnown:
            return {"": html.Div([head, not_known(ctx, language)], className="alerts", **piece(""))}
        if alert is None:
            return {"": html.Div([head, html.P(ctx.t(language, "alerts_page.gone"))], className="alerts", **piece(""))}
        nobody = html.P(ctx.t(language, "alerts_page.notified_nobody"), className="quiet")
        return {
            f"alert/{alert.id}": cards.card(ctx, language, reader, alert, told, linked=False),
            "": html.Div(
                [
                    head,
                    hole(f"alert/{alert.id}"),
                    html.Section(
                        [
                            html.H2(ctx.t(language, "alerts_page.notified")),
                            *([_message(ctx, language, reader, one, attempts) for one in told] or [nobody]),
                        ],
                        className="group",
                    ),
                    html.Section(
                        [
                            html.H2(ctx.t(language, "alerts_page.changes")),
                            table(
                                ctx,
                                language,
                                ("when", "change", "by_whom"),
                                [_change(ctx, language, reader, one) for one in changes],
                            ),
                        ],
                        className="group",
                    ),
                ],
                className="alerts",
                **parts.data(words=cards.words(ctx, language)),
                **piece(""),
            ),
        }


def _change(ctx: Context, language: str, reader: Principal, one: ChangeRecord) -> list[Any]:
    after = wording.word(ctx, language, "state", one.after)
    why = wording.word(ctx, language, "why", one.why)
    same = one.before == one.after
    return [
        wording.time(ctx, language, one.at),
        (why or after) if same else f"{after} · {why}" if why else after,
        wording.by(ctx, language, one.who, reader) if one.who else ctx.t(language, "alerts_page.by.system"),
    ]


def _message(
    ctx: Context, language: str, reader: Principal, one: NotificationRecord, attempts: Sequence[AttemptRecord]
) -> Any:
    """One message to one person and every attempt to deliver it."""
    stage = wording.word(ctx, language, "stage", one.stage)
    if one.told_at is not None:
        said = ctx.t(
            language,
            "alerts_page.told_by",
            time=wording.time(ctx, language, one.told_at),
            who=wording.person(ctx, language, one.person, reader),
            channel=wording.channel(ctx, language, one.channel),
        )
    else:
        state = wording.word(ctx, language, "sending", one.state)
        why = wording.reason(ctx, language, one)
        said = f"{wording.person(ctx, language, one.person, reader)}: {state}" + (f" · {why}" if why else "")
        if one.state == "waiting":
            said += " · " + ctx.t(language, "alerts_page.due", time=wording.time(ctx, language, one.due_at))
        elif one.state == "delivered":
            only = ctx.t(language, "alerts_page.only_in", channel=wording.channel(ctx, language, one.channel))
            said = f"{wording.person(ctx, language, one.person, reader)}: {only}"
    rows = [
        [
            wording.time(ctx, language, it.at),
            wording.channel(ctx, language, it.channel),
            ctx.t(language, f"alerts_page.attempt_{'ok' if it.ok else 'failed'}"),
            it.error if reader.signed_in else "",
        ]
        for it in attempts
        if it.notification == one.id
    ]
    return html.Div(
        [
            html.P([html.Span(stage, className="stage"), " ", html.B(said)]),
            *([html.P(one.title, className="quiet", lang=one.language)] if one.title else []),
            *([table(ctx, language, ("when", "through", "result", "error"), rows)] if rows else []),
        ],
        className="alert-message panel",
    )
