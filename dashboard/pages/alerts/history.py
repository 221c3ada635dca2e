"""Alerts of the last days by school and kind, the last to change first, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from classair.alerting.reading import NotKnown
from classair.alerting.records import AlertRecord, Moment, NotificationRecord
from classair.alerting.words import OPEN
from classair.config import AlertRule
from classair.units import DAY_MS
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.pages.alerts import cards, wording
from dashboard.pages.alerts.now import head_of, not_known, table

DAYS: Final = ("1", "7", "30", "90")
_USUAL: Final = "7"
_PAGE: Final = 50


def kinds(ctx: Context) -> list[str]:
    """The kinds of rules of the configuration that people are notified by."""
    return [*dict.fromkeys(rule.kind for rule in ctx.config().rules.values() if isinstance(rule, AlertRule))]


class History:
    every_s = 30.0

    def __init__(
        self,
        ctx: Context,
        language: str,
        reader: Principal,
        site: str,
        kind: str,
        days: str,
        before: Moment | None,
    ) -> None:
        self._ctx, self._language, self._reader = ctx, language, reader
        self._site, self._kind, self._days, self._before = site, kind, days or _USUAL, before

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        head = head_of(ctx, language, "history")
        try:
            found = ctx.records.alerts(
                [*OPEN[1:], "closed"],
                sites=[self._site] if self._site else (),
                kind=self._kind,
                since_ms=ctx.now_ms() - int(self._days) * DAY_MS,
                before=self._before,
                limit=_PAGE + 1,
            )
            told = ctx.records.notifications_of([one.id for one in found[:_PAGE]])
        except NotKnown:
            return {"": html.Div([head, not_known(ctx, language)], className="alerts", **piece(""))}
        rows = [self._row(one, told[one.id]) for one in found[:_PAGE]]
        heads = ("since", "what", "where", "state_now", "told")
        nothing = html.P(ctx.t(language, "alerts_page.none_then"), className="quiet")
        return {
            "": html.Div(
                [
                    head,
                    self._filters(),
                    table(ctx, language, heads, rows) if rows else nothing,
                    self._older(found),
                ],
                className="alerts",
                **piece(""),
            )
        }

    def _row(self, one: AlertRecord, told: list[NotificationRecord]) -> list[Any]:
        ctx, language = self._ctx, self._language
        lasted = "" if one.resolved_at is None else parts.duration(ctx, language, one.resolved_at - one.since)
        people = wording.told(ctx, language, self._reader, told)
        return [
            [wording.time(ctx, language, one.since), *([html.Br(), html.Small(lasted)] if lasted else [])],
            [
                cards.severity(ctx, language, one),
                " ",
                html.A(wording.what(ctx, language, one), href=cards.link(language, one)),
            ],
            wording.where(ctx, language, one),
            wording.word(ctx, language, "state", one.state),
            html.Ul(people) if people else wording.nobody(ctx, language, one),
        ]

    def _filters(self) -> Any:
        ctx, language = self._ctx, self._language
        sites = {key: site.name.in_(language) for key, site in ctx.config().sites.items()}
        chosen = [
            (
                "site",
                self._site,
                [("", "every_school"), *sorted(sites.items(), key=lambda it: parts.name_order(it[1]))],
            ),
            (
                "kind",
                self._kind,
                [("", "every_kind"), *((one, wording.kind(ctx, language, one)) for one in kinds(ctx))],
            ),
            ("days", self._days, [(one, ctx.t(language, "alerts_page.last_days", n=one)) for one in DAYS]),
        ]
        fields = []
        for name, value, options in chosen:
            fields.append(
                html.Div(
                    [
                        html.Label(ctx.t(language, f"alerts_page.filter_{name}"), **{"for": f"filter-{name}"}),
                        html.Select(
                            [
                                html.Option(
                                    said if key else ctx.t(language, f"alerts_page.{said}"),
                                    value=key,
                                    selected=key == value,
                                )
                                for key, said in options
                            ],
                            id=f"filter-{name}",
                            name=name,
                        ),
                    ],
                    className="field",
                )
            )
        return html.Form(
            [
                html.Input(type="hidden", name="show", value="history"),
                html.Input(type="hidden", name="lang", value=language),
                *fields,
                html.Button(ctx.t(language, "alerts_page.filter"), type="submit"),
            ],
            method="get",
            action="/alerts",
            className="alert-filters",
        )

    def _older(self, found: list[AlertRecord]) -> Any:
        if len(found) <= _PAGE:
            return None
        last = found[_PAGE - 1]
        href = parts.address(
            "/alerts",
            show="history",
            site=self._site,
            kind=self._kind,
            days=self._days,
            before=f"{last.changed_at}.{last.id}",
            lang=self._language,
        )
        return html.P(html.A(self._ctx.t(self._language, "alerts_page.older"), href=href, className="button"))
