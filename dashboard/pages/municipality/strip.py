"""The week as a strip: each number with the same time a week ago beside it, and how it was counted behind a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classair import i18n
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.municipality.lessons import Lessons
from dashboard.municipality.week import Used, Week
from dashboard.pages.explorer.view import MAX_ROOMS

NOT_KNOWN = "–"


def waiting(ctx: Context, language: str, *, failed: bool) -> str:
    said = ctx.t(language, "municipality.week.failed" if failed else "municipality.week.counting")
    return html.Section(
        [html.H2(ctx.t(language, "municipality.week.title")), html.P(said, className="panel pad", role="status")],
        className="week",
        **piece("week"),
    )


def strip(ctx: Context, language: str, week: Week) -> str:
    day = i18n.show_date(local_time(week.at_ms), language, "day_time")
    rows = [
        _good(ctx, language, week.this.lessons, week.before.lessons, _readings(ctx, language, week)),
        _protected(ctx, language, week.this.lessons, week.before.lessons),
        _tickets(ctx, language, week),
        _energy(ctx, language, week.used, week.used_before),
        _filters(ctx, language, week),
    ]
    return html.Section(
        [
            html.H2(ctx.t(language, "municipality.week.title")),
            html.Div(
                [*rows, html.P(ctx.t(language, "municipality.week.as_of", time=day), className="quiet week-as-of")],
                className="panel pad",
            ),
        ],
        className="week",
        **piece("week"),
    )


def _readings(ctx: Context, language: str, week: Week) -> str:
    """The readings behind the numbers: the explorer with these rooms' lesson time, as many as it draws."""
    rooms = [
        full for full, room in ctx.config().rooms() if not room.outdoor and full.partition(".")[0] in week.this.by_site
    ]
    return parts.address(
        "/explorer",
        rooms=",".join(rooms[:MAX_ROOMS]),
        quantities="pm25",
        first=week.this.first.isoformat(),
        last=week.this.last.isoformat(),
        step="15m",
        lesson="1",
        lang=language,
    )


def _row(
    ctx: Context, language: str, key: str, value: str, beside: str, how: Sequence[str], href: str = "", note: str = ""
) -> Any:
    """`beside`: the same of the time that it is compared with; `href`: what the number is made of."""
    name = ctx.t(language, f"municipality.week.{key}")
    title = html.A(name, href=href) if href else name
    return html.Div(
        [
            html.H3(title),
            html.P([html.B(value), *([" ", html.Span(beside, className="quiet")] if beside else [])]),
            *([html.P(note, className="quiet")] if note else []),
            html.Details(
                [html.Summary(ctx.t(language, "municipality.how")), *(html.P(one) for one in how)], className="how"
            ),
        ],
        className="week-row",
    )


def share(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{round(value * 100)}%"


def count(value: float | None) -> str:
    """An estimate, to three figures: more would be made up."""
    if value is None:
        return NOT_KNOWN
    whole = round(value)
    digits = max(0, len(str(whole)) - 3)
    return f"{round(whole, -digits):,}"


def _good(ctx: Context, language: str, this: Lessons, before: Lessons, readings: str) -> Any:
    known = ctx.t(language, "municipality.week.known", share=share(this.known_share))
    return _row(
        ctx,
        language,
        "good",
        share(this.good_share),
        ctx.t(language, "municipality.week.before", value=share(before.good_share)),
        [ctx.t(language, "municipality.week.good_how"), known],
        readings,
        ctx.t(language, "municipality.week.too_little") if this.slots and not this.tells else "",
    )


def _protected(ctx: Context, language: str, this: Lessons, before: Lessons) -> Any:
    hours, earlier = this.protected_hours, before.protected_hours
    about = "≈\u00a0" if hours is not None else ""
    how = [ctx.t(language, "municipality.week.protected_how")]
    if this.uncounted:
        how.append(ctx.t(language, "municipality.week.uncounted", n=len(this.uncounted)))
    was = f"≈\u00a0{count(earlier)}" if earlier is not None else NOT_KNOWN
    return _row(
        ctx,
        language,
        "protected",
        about + count(hours),
        ctx.t(language, "municipality.week.before", value=was),
        how,
    )


def _tickets(ctx: Context, language: str, week: Week) -> Any:
    open_, on_time = week.open, week.this.tickets.on_time
    said = ctx.t(language, "municipality.week.tickets_now", open=open_, overdue=week.overdue)
    earlier = share(week.before.tickets.on_time)
    return _row(
        ctx,
        language,
        "tickets",
        f"{said} · {ctx.t(language, 'municipality.week.on_time', share=share(on_time))}",
        ctx.t(language, "municipality.week.before", value=earlier),
        [ctx.t(language, "municipality.week.tickets_how")],
        parts.address("/tickets", lang=language) if any(page.path == "/tickets" for page in ctx.pages) else "",
    )


def _energy(ctx: Context, language: str, used: Used, before: Used) -> Any:
    days = i18n.show_days(used.first, used.last, language)
    how = [ctx.t(language, "municipality.week.energy_how", days=days)]
    if used.energy is None:
        said, note = ctx.t(language, "municipality.week.energy_unknown"), ""
    else:
        kwh, cost = used.energy.per_hour(used.protected_hours)
        said = _per_hour(ctx, language, kwh, cost)
        total = used.energy.kwh
        note = ctx.t(language, "municipality.week.energy_total", kwh=count(total)) if total is not None else ""
        if used.energy.without:
            how.append(ctx.t(language, "municipality.week.energy_without", n=len(used.energy.without)))
        if used.energy.cost is None:
            how.append(ctx.t(language, "municipality.week.no_price"))
    was = (
        NOT_KNOWN
        if before.energy is None
        else _per_hour(ctx, language, *before.energy.per_hour(before.protected_hours))
    )
    return _row(
        ctx, language, "energy", said, ctx.t(language, "municipality.week.seven_before", value=was), how, note=note
    )


def _per_hour(ctx: Context, language: str, kwh: float | None, cost: float | None) -> str:
    if kwh is None:
        return NOT_KNOWN
    said = [ctx.t(language, "municipality.week.kwh", value=f"{kwh:.3f}")]
    if cost is not None:
        said.append(ctx.t(language, "municipality.week.baht", value=f"{cost:.2f}"))
    return "≈\u00a0" + " · ".join(said)


def _filters(ctx: Context, language: str, week: Week) -> Any:
    filters = week.filters
    how = [ctx.t(language, "municipality.week.filters_how")]
    if filters.unpriced:
        how.append(ctx.t(language, "municipality.week.filters_unpriced", n=filters.unpriced))
    if filters.unknown:
        how.append(ctx.t(language, "municipality.week.filters_unknown", n=len(filters.unknown)))
    due = ctx.t(language, "municipality.week.filters_due", n=len(filters.due))
    budget = (
        f" · {ctx.t(language, 'municipality.week.budget', value=f'{round(filters.budget):,}')}"
        if filters.budget is not None
        else ""
    )
    month = i18n.show_month(week.month, language)
    return _row(ctx, language, "filters", due + budget, month, how)
