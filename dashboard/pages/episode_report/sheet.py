"""The sheet itself: plain headings, sentences and tables, which print and become a PDF as they are."""

from __future__ import annotations

from typing import Any

from classair import i18n
from classair.alerting import episode_words
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.episodes import told
from dashboard.episodes.report import Report
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.pages.episode_report import air_parts, deed_parts


def sheet(ctx: Context, language: str, report: Report, names: bool) -> str:
    return html.Article(
        [
            _head(ctx, language, report, names),
            _in_short(ctx, language, report),
            *air_parts.outdoors(ctx, language, report),
            *air_parts.rooms(ctx, language, report),
            *air_parts.purifiers(ctx, language, report),
            *deed_parts.alerts(ctx, language, report),
            *deed_parts.messages(ctx, language, report),
            *deed_parts.tasks(ctx, language, report),
            *deed_parts.not_known(ctx, language, report),
            html.P(
                ctx.t(language, "episode_report.made", time=at(report.made_at, language)), className="quiet made-at"
            ),
        ],
        className="episode-report",
        **piece("sheet"),
    )


def at(moment_ms: int, language: str) -> str:
    """With its date: the sheet is read on other days."""
    return i18n.show_date(local_time(moment_ms), language, "day_time")


def _head(ctx: Context, language: str, report: Report, names: bool) -> Any:
    by = told.person(language, report.opened_by or "", names)
    why = (
        episode_words.why(language, report.why)
        if report.why is not None
        else ctx.t(language, "episode_page.reason_given")
    )
    end = (
        at(report.closed_at, language) if report.closed_at is not None else ctx.t(language, "episode_report.still_open")
    )
    facts = [
        ("period", ctx.t(language, "episode_page.from_to", start=at(report.opened_at, language), end=end)),
        ("length", parts.duration(ctx, language, report.until - report.opened_at)),
        ("schools", ", ".join(air_parts.site_name(ctx, language, site) for site in report.sites)),
        (
            "opened",
            f"{ctx.t(language, 'episode_page.opened_by', who=by)}. {why}"
            if by
            else f"{ctx.t(language, 'episode_page.opened_by_rule')}. {why}",
        ),
    ]
    if report.closed_at is not None:
        who = told.person(language, report.closed_by or "", names)
        facts.append(("closed", ctx.t(language, "episode_page.event.closed", who=who)))
    if report.summary:
        facts.append(("summary", report.summary))
    return html.Header(
        [
            html.Div(
                [
                    html.H1(ctx.t(language, "episode_report.title")),
                    *([parts_mark(ctx, language)] if report.simulated else []),
                ],
                className="head",
            ),
            html.P(episode_words.name(language, report.name, report.opened_at), className="report-name"),
            html.Dl(
                [html.Div([html.Dt(ctx.t(language, f"episode_report.{key}")), html.Dd(said)]) for key, said in facts]
            ),
        ]
    )


def parts_mark(ctx: Context, language: str) -> Any:
    return html.Span(ctx.t(language, "word.simulated"), className="simulated")


def _in_short(ctx: Context, language: str, report: Report) -> Any:
    """One sentence each; what cannot be said is said to be unknown."""
    said = []
    highest = max((one.highest for one in report.outdoors if one.highest is not None), default=None)
    if highest is None:
        said.append(ctx.t(language, "episode_report.short_outdoor_unknown"))
    else:
        said.append(ctx.t(language, "episode_report.short_outdoor", value=air_parts.number(highest)))
    known = [one for one in report.exposure if one.known_hours]
    if known:
        hours = sum(above.hours for one in known for above in one.above if above.limit == 37.5)
        there = sum(one.known_hours or 0 for one in known)
        said.append(
            ctx.t(
                language,
                "episode_report.short_exposure",
                hours=air_parts.hours(hours),
                known=air_parts.hours(there),
                occupied=air_parts.hours(sum(one.occupied_hours or 0 for one in known)),
            )
        )
    else:
        said.append(ctx.t(language, "episode_report.short_exposure_unknown"))
    tasks = report.tasks
    said.append(
        ctx.t(
            language,
            "episode_report.short_tasks",
            in_time=tasks.in_time,
            late=tasks.late,
            never=tasks.never + tasks.open,
        )
    )
    said.append(ctx.t(language, "episode_report.short_messages", told=report.messages.told, made=report.messages.made))
    return html.Section(
        [html.H2(ctx.t(language, "episode_report.in_short")), html.Ul([html.Li(one) for one in said])],
        className="in-short",
    )
