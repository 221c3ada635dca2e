"""Lesson time in words and bars: the shares of its levels, the highest quarter-hour, and what is not known."""

from __future__ import annotations

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
from research.lesson_air import GOOD, LEVELS, NO_DATA, LessonAir

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
        inside = [*_shares(ctx, language, past.today), *_highest(ctx, language, room, past.today)]
        inside += _gaps(ctx, language, room, past.today)
    return _section(ctx.t(language, "door.today"), day, inside, "today")


def week(ctx: Context, language: str, room: str, past: Past) -> Markup:
    days = i18n.show_days(past.first, past.last, language)
    air = past.week
    if air is None:
        inside: list[Any] = [html.P(ctx.t(language, "pages.store_away"))]
    elif not air.slots:
        inside = [html.P(ctx.t(language, "door.no_lessons_week"))]
    else:
        inside = [html.P(ctx.t(language, "door.lesson_time"), className="quiet"), *_shares(ctx, language, air)]
        inside.append(html.Dl([html.Div([html.Dt(k), html.Dd(v)]) for k, v in _facts(ctx, language, room, air)]))
    this = past.first <= local_time(past.at).date()
    current = this and (local_time(past.at).date() - past.first).days < 7
    return _section(ctx.t(language, "door.week" if current else "door.last_week"), days, inside, "week")


def _section(title: str, beside: str, inside: list[Any], key: str) -> Markup:
    head = [html.H2(title), html.P(beside, className="quiet")]
    return html.Section([*head, *inside], className="panel door-past", **piece(key))


def _shares(ctx: Context, language: str, air: LessonAir) -> list[Any]:
    """A bar and the same in words, from the cleanest; a level that did not occur is left out."""
    shares = [(level, share) for level, share in zip(LEVELS, air.percent, strict=True) if share]
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


def _facts(ctx: Context, language: str, room: str, air: LessonAir) -> list[tuple[str, str]]:
    unit = ctx.t(language, "unit.ugm3")
    facts: list[tuple[str, str]] = []
    good = air.share_in(GOOD)
    if good is not None:
        facts.append((ctx.t(language, "door.good_share"), f"{round(100 * good)}%"))
    means = air.paired_means
    if means is not None:
        facts.append((ctx.t(language, "door.mean"), f"{PM25.shown(means[0])}\u00a0{unit}"))
        facts.append((ctx.t(language, "door.mean_outside"), f"{PM25.shown(means[1])}\u00a0{unit}"))
    elif air.mean is not None:
        facts.append((ctx.t(language, "door.mean"), f"{PM25.shown(air.mean)}\u00a0{unit}"))
    fresh = air.fresh_share
    if fresh is not None and not _small(ctx, room):
        facts.append((ctx.t(language, "door.fresh_share"), f"{round(100 * fresh)}%"))
    facts.append((ctx.t(language, "door.known_share"), f"{round(100 * air.known_share)}%"))
    return facts


def _small(ctx: Context, room: str) -> bool:
    """Of a class so small its hours and its breath are not told to the public."""
    return ctx.config().room(room).capacity < LEAST_PUPILS


def _time(at_ms: int, language: str) -> str:
    return i18n.show_date(local_time(at_ms), language, "time")
