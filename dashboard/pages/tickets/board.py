"""Four columns, in each the report with the least time left first; above them the month's figures and the filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from classair.timetable import local_time
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.tickets import texts
from dashboard.tickets.figures import Figures
from dashboard.tickets.hours import hours_of
from dashboard.tickets.records import Ticket
from dashboard.tickets.telling import steps
from dashboard.tickets.words import KINDS, UNDONE

COLUMNS: Final = ("new", "working", "waiting", "late")
FIXED: Final = "fixed"


def column(ticket: Ticket, now_ms: int) -> str:
    """Where it hangs; a late one hangs there whatever else it is, until it is solved."""
    if ticket.state == "resolved":
        return FIXED
    if ticket.late(now_ms):
        return "late"
    return {"received": "new", "assigned": "working"}.get(ticket.state, "waiting")


class Board:
    """The page in pieces: a column each, renewed as time passes."""

    every_s = 5.0

    def __init__(self, ctx: Context, language: str, reader: Principal, unit: str, site: str, kind: str) -> None:
        self._ctx, self._language, self._reader = ctx, language, reader
        self._unit, self._site, self._kind = unit, site, kind

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, now = self._ctx, self._language, self._ctx.now_ms()
        sites = [self._site] if self._site else None
        known = [
            one
            for one in ctx.tickets.listed(sites, UNDONE, kind=self._kind)
            if self._reader.may("tickets", one.room or one.site) and self._unit in ("", one.unit)
        ]
        hung: dict[str, list[Ticket]] = {name: [] for name in (*COLUMNS, FIXED)}
        for one in known:
            hung[column(one, now)].append(one)
        found = {
            f"column/{name}": _column(ctx, language, name, sorted(those, key=lambda one: _left_ms(ctx, one, now)))
            for name, those in hung.items()
        }
        found["figures"] = self._figures(sites)
        found[""] = html.Div(
            [
                html.Div(
                    [
                        html.H1(ctx.t(language, "tickets_page.title")),
                        html.A(
                            ctx.t(language, "tickets_page.enter"),
                            href=parts.address("/report", lang=language),
                            className="button",
                        ),
                    ],
                    className="head",
                ),
                hole("figures"),
                self._filters(),
                html.Div([hole(f"column/{name}") for name in COLUMNS], className="ticket-columns"),
                hole(f"column/{FIXED}"),
            ],
            className="tickets",
            **piece(""),
        )
        return found

    def _figures(self, sites: Sequence[str] | None) -> str:
        """Of this month; only for those who are about whole schools."""
        ctx, language = self._ctx, self._language
        mine = [site for site in sites or ctx.config().sites if self._reader.covers(site)]
        today = local_time(ctx.now_ms()).date()
        if not mine:
            return html.P("", hidden=True, **piece("figures"))
        found = ctx.tickets.figures(today.replace(day=1), today, mine)
        return html.Ul(
            [html.Li([html.B(shown), html.Span(name)]) for name, shown in figure_words(ctx, language, found)],
            className="figures",
            **parts.aria(label=ctx.t(language, "tickets_page.this_month")),
            **piece("figures"),
        )

    def _filters(self) -> Any:
        ctx, language, config = self._ctx, self._language, self._ctx.config()
        sites = [
            (site, one.name.in_(language)) for site, one in parts.sites_in_order(config, language) if self._about(site)
        ]
        units = [(unit, one.name.in_(language)) for unit, one in config.tickets.units.items()]
        kinds = [(kind, ctx.t(language, f"ticket.kind.{kind}")) for kind in KINDS]
        chosen = (("unit", self._unit, units), ("site", self._site, sites), ("kind", self._kind, kinds))
        return html.Form(
            [
                html.Input(type="hidden", name="lang", value=language),
                *(_choice(ctx, language, name, now, options) for name, now, options in chosen),
                html.Button(ctx.t(language, "tickets_page.show"), type="submit", className="button"),
            ],
            method="get",
            action="/tickets",
            className="filters",
        )

    def _about(self, site: str) -> bool:
        return self._reader.covers(site) or any(place.partition(".")[0] == site for place in self._reader.places)


def figure_words(ctx: Context, language: str, found: Figures) -> list[tuple[str, str]]:
    """Each figure's name and value, as they are published."""
    hours = None if found.median_hours is None else f"{found.median_hours:.1f}"
    share = None if found.on_time is None else f"{found.on_time * 100:.0f}%"
    none = ctx.t(language, "tickets_page.no_figure")
    named = (
        ("received", str(found.received)),
        ("in_time", str(found.in_time)),
        ("on_time", share or none),
        ("late", str(found.late)),
        ("median_hours", hours or none),
        ("reopened", str(found.reopened)),
        ("unconfirmed", str(found.unconfirmed)),
    )
    return [(ctx.t(language, f"tickets_page.figure.{name}"), shown) for name, shown in named]


def _left_ms(ctx: Context, ticket: Ticket, now_ms: int) -> int:
    if ticket.deadline is None:
        return ticket.left_ms or 0
    if now_ms >= ticket.deadline:
        return ticket.deadline - now_ms
    return hours_of(ctx.config(), ticket.office).between(now_ms, ticket.deadline)


def _column(ctx: Context, language: str, name: str, those: Sequence[Ticket]) -> str:
    title = ctx.t(language, f"tickets_page.column.{name}", n=len(those))
    if name == FIXED:
        if not those:
            return html.Div("", hidden=True, **piece(f"column/{name}"))
        return html.Details(
            [html.Summary(title), html.Ul([_card(ctx, language, one) for one in those])],
            className="fixed panel",
            **piece(f"column/{name}"),
        )
    inside = (
        html.Ul([_card(ctx, language, one) for one in those])
        if those
        else html.P(ctx.t(language, "tickets_page.none"), className="quiet")
    )
    return html.Section(
        [html.H2(title, id=f"column-{name}"), inside],
        className=f"column is-{name}",
        **parts.aria(labelledby=f"column-{name}"),
        **piece(f"column/{name}"),
    )


def _card(ctx: Context, language: str, ticket: Ticket) -> Any:
    late = ticket.late(ctx.now_ms())
    more = []
    if late and ticket.state != "resolved":
        reason = ticket.why_late or ctx.t(language, "tickets_page.reason_wanted")
        more.append(html.Span(ctx.t(language, "tickets_page.reason", reason=reason), className="reason"))
    if ticket.reopened:
        more.append(html.Span(ctx.t(language, "tickets_page.reopened", n=ticket.reopened), className="quiet"))
    left = steps.left(ctx, ticket, language) if ticket.state != "resolved" else ctx.t(language, "ticket.state.resolved")
    return html.Li(
        html.A(
            [
                html.Span(ticket.number, className="number"),
                html.B(ctx.t(language, f"ticket.kind.{ticket.kind}")),
                html.Span(texts.place(ctx.config(), ticket, language)),
                html.Span(left, className="left over" if late else "left"),
                *more,
            ],
            href=parts.address("/tickets", ticket=str(ticket.id), lang=language),
            className="ticket-card",
        )
    )


def _choice(ctx: Context, language: str, name: str, chosen: str, options: Sequence[tuple[str, str]]) -> Any:
    every = ("", ctx.t(language, f"tickets_page.every.{name}"))
    return html.Label(
        [
            ctx.t(language, f"tickets_page.filter.{name}"),
            html.Select(
                [html.Option(text, value=value, selected=value == chosen) for value, text in (every, *options)],
                name=name,
            ),
        ]
    )
