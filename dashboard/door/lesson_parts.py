"""Lesson time in words and bars: the shares of its levels, the highest quarter-hour, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from classair import i18n
from classair.science.state import PM25
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.door.past import Past, gaps
from dashboard.frame import parts, states
from dashboard.frame.markup import html, piece
from dashboard.line.air import LEAST_PUPILS
from dashboard.reports.week.numbers import WeekReport, monday_of
from dashboard.reports.week.words import headline
from research.lesson_air import LEVELS, NO_DATA, LessonAir

MOST_GAPS: Final = 4
_WIDE: Final = 100  # of the bar, in the units of its drawing: one per cent each


def today(ctx: Context, language: str, room: str, past: Past) -> Markup:
    day = i18n.show_date(local_time(past.at).date(), language, "long")
    inside: list[Any]
    if past.today is None:
        inside = [html.P(ctx.t(language, "pages.store_away"))]
    elif not past.today.slots:
        # Of a small class it is not told when it is there.
        inside = [html.P(ctx.t(language, "door.no_lessons_yet"))]
    else:
        inside = [
            *_shares(ctx, language, dict(zip(LEVELS, past.today.percent, strict=True))),
            *_highest(ctx, language, room, past.today),
        ]
        inside += _gaps(ctx, language, room, past.today)
    return _section(ctx.t(language, "door.today"), day, inside, "today")


def week(ctx: Context, language: str, room: str, past: Past) -> Markup:
    report = past.week
    if report is None:
        title, days = ctx.t(language, "door.week"), ""
        inside: list[Any] = [html.P(ctx.t(language, "pages.store_away"))]
    else:
        this = monday_of(local_time(past.at).date()) == report.first
        title = ctx.t(language, "door.week" if this else "door.last_week")
        days = i18n.show_days(report.first, report.last, language)
        inside = [html.P(ctx.t(language, "door.no_lessons_week"))]
    if report is not None and report.days:
        facts = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in _facts(ctx, language, room, report)]
        inside = [
            html.P(headline(report, language), className="door-headline"),
            html.P(ctx.t(language, "door.lesson_time"), className="quiet"),
            *_shares(ctx, language, report.shares),
            html.Dl(facts),
        ]
    return _section(title, days, inside, "week")


def _section(title: str, beside: str, inside: list[Any], key: str) -> Markup:
    head = [html.H2(title), html.P(beside, className="quiet")]
    return html.Section([*head, *inside], className="panel door-past", **piece(key))


def _shares(ctx: Context, language: str, percent: Mapping[str, int]) -> list[Any]:
    """A bar and the same in words, from the cleanest; a level that did not occur is left out."""
    shares = [(level, percent[level]) for level in LEVELS if percent[level]]
    drawn, at = [], 0
    for level, share in shares:
        drawn.append(html.Rect(x=str(at), y="0", width=str(share), height="6", className=f"share {level}"))
        at += share
    bar = html.Svg(
        drawn, className="share-bar", viewBox=f"0 0 {_WIDE} 6", preserveAspectRatio="none", **parts.aria(hidden="true")
    )
    words = [
        html.Li(
            [
                html.Span(className="share-key", **parts.data(level=level)),
                html.Span(_level(ctx, language, level), className="share-name"),
                html.B(f"{share}%"),
            ]
        )
        for level, share in shares
    ]
    return [bar, html.Ul(words, className="shares")]


def _level(ctx: Context, language: str, level: str) -> str:
    return ctx.t(language, "door.no_data") if level == NO_DATA else states.level_word(ctx, language, level)


def _highest(ctx: Context, language: str, room: str, air: LessonAir) -> list[Any]:
    slot = air.highest
    if slot is None or slot.pm25 is None:
        return []
    places = {"value": PM25.shown(slot.pm25), "level": _level(ctx, language, slot.level)}
    if _small(ctx, room):
        return [html.P(ctx.t(language, "door.highest_small", **places))]
    return [html.P(ctx.t(language, "door.highest", time=_time(slot.start_ms, language), **places))]


def _gaps(ctx: Context, language: str, room: str, air: LessonAir) -> list[Any]:
    found = gaps(air)
    if not found:
        return [html.P(ctx.t(language, "door.complete"))]
    minutes = sum(end - begin for begin, end in found) // 60_000
    if _small(ctx, room):
        return [html.P(ctx.t(language, "door.gaps_small", n=minutes)), html.P(ctx.t(language, "door.not_guessed"))]
    listed = [
        ctx.t(language, "door.gap", begin=_time(begin, language), end=_time(end, language))
        for begin, end in found[:MOST_GAPS]
    ]
    more = [ctx.t(language, "door.more_gaps", n=len(found) - MOST_GAPS)] if len(found) > MOST_GAPS else []
    said = ctx.t(language, "door.gaps", n=minutes, gaps=", ".join([*listed, *more]))
    return [html.P(said), html.P(ctx.t(language, "door.not_guessed"), className="quiet")]


def _facts(ctx: Context, language: str, room: str, report: WeekReport) -> list[tuple[str, str]]:
    """The weekly report's numbers, rounded as there."""
    unit = ctx.t(language, "unit.ugm3")
    facts: list[tuple[str, str]] = []
    for name, mean in (("mean", report.inside), ("mean_outside", report.outside)):
        if mean is not None:
            facts.append((ctx.t(language, f"door.{name}"), f"{PM25.shown(mean)}\u00a0{unit}"))
    if report.fresh_percent is not None and not _small(ctx, room):
        facts.append((ctx.t(language, "door.fresh_share"), f"{report.fresh_percent}%"))
    facts.append((ctx.t(language, "door.known_share"), f"{100 - report.shares[NO_DATA]}%"))
    return facts


def _small(ctx: Context, room: str) -> bool:
    """Of a class so small its hours and its breath are not told to the public."""
    return ctx.config().room(room).capacity < LEAST_PUPILS


def _time(at_ms: int, language: str) -> str:
    return i18n.show_date(local_time(at_ms), language, "time")
