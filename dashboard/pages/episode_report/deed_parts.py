"""What was done: alerts and how soon they were acknowledged, messages, tasks; and what nobody knows."""

from __future__ import annotations

from typing import Any, Final

from classair import i18n
from classair.alerting import episode_words
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.episodes import told
from dashboard.episodes.report import AlertLine, Report, TaskLine
from dashboard.frame.markup import html
from dashboard.pages.episode_report.air_parts import hours, number, place, source, table

SHOWN_ALERTS: Final = 40


def alerts(ctx: Context, language: str, report: Report) -> list[Any]:
    found = report.alerts
    said: list[Any] = [html.H2(ctx.t(language, "episode_report.alerts"))]
    if not found.fired:
        said.append(html.P(ctx.t(language, "episode_report.alerts_none")))
    else:
        said.append(
            html.P(
                ctx.t(
                    language,
                    "episode_report.alerts_count" if found.acknowledged else "episode_report.alerts_unacknowledged",
                    fired=found.fired,
                    **(
                        {
                            "n": found.acknowledged,
                            "median": number(found.median_minutes),
                            "longest": number(found.longest_minutes),
                        }
                        if found.acknowledged
                        else {}
                    ),
                )
            )
        )
        heads = [ctx.t(language, f"episode_report.col.{key}") for key in ("when", "alert", "acknowledged", "over")]
        rows = [_alert(ctx, language, line) for line in found.alerts[:SHOWN_ALERTS]]
        said.append(table(heads, rows, ctx.t(language, "episode_report.alerts")))
        if len(found.alerts) > SHOWN_ALERTS:
            said.append(html.P(ctx.t(language, "episode_report.alerts_more", n=len(found.alerts) - SHOWN_ALERTS)))
    said.append(source(ctx, language, "alerts"))
    return [html.Section(said)]


def _alert(ctx: Context, language: str, line: AlertLine) -> list[Any]:
    waited = (
        ctx.t(language, "episode_report.never_acknowledged")
        if line.minutes_to_acknowledge is None
        else ctx.t(language, "episode_report.minutes", n=number(line.minutes_to_acknowledge))
    )
    over = _at(line.resolved_at, language) if line.resolved_at is not None else ctx.t(language, "episode_report.lasts")
    return [_at(line.fired_at, language), f"{line.rule} · {place(ctx, language, line.subject)}", waited, over]


def messages(ctx: Context, language: str, report: Report) -> list[Any]:
    found = report.messages
    items = [
        ctx.t(language, f"episode_report.messages_{key}", n=count)
        for key, count in (
            ("told", found.told),
            ("only_logged", found.only_logged),
            ("on_the_way", found.on_the_way),
        )
        if count or key == "told"
    ]
    for reason, count in sorted(found.not_sent.items()):
        key = f"episode_page.why.{reason}"
        why = ctx.t(language, key) if reason and i18n.has(key) else ctx.t(language, "episode_report.given_up")
        items.append(ctx.t(language, "episode_report.messages_not_sent", n=count, why=why))
    return [
        html.Section(
            [
                html.H2(ctx.t(language, "episode_report.messages")),
                html.P(ctx.t(language, "episode_report.messages_made", n=found.made)),
                html.Ul([html.Li(item) for item in items]),
                source(ctx, language, "messages"),
            ]
        )
    ]


def tasks(ctx: Context, language: str, report: Report) -> list[Any]:
    found = report.tasks
    heads = [ctx.t(language, f"episode_report.col.{key}") for key in ("task", "school", "due", "result")]
    order = {"never": 0, "open": 1, "late": 2, "in_time": 3}
    rows = [_task(ctx, language, line) for line in sorted(found.tasks, key=lambda one: (order[one.result], one.due_at))]
    return [
        html.Section(
            [
                html.H2(ctx.t(language, "episode_report.tasks")),
                html.P(
                    ctx.t(
                        language,
                        "episode_report.tasks_count",
                        in_time=found.in_time,
                        late=found.late,
                        never=found.never,
                        open=found.open,
                    )
                ),
                *([table(heads, rows, ctx.t(language, "episode_report.tasks"))] if rows else []),
                source(ctx, language, "tasks"),
            ]
        )
    ]


def _task(ctx: Context, language: str, line: TaskLine) -> list[Any]:
    words = ctx.t(language, "episode_page.own_task") if line.words is None else episode_words.task(language, line.words)
    result = ctx.t(language, f"episode_report.result.{line.result}")
    if line.done_at is not None:
        result = f"{result}, {_at(line.done_at, language)}"
    if line.who:
        result = f"{result} · {told.person(language, line.who, ':' in line.who)}"
    return [words, place(ctx, language, line.room or line.site), _at(line.due_at, language), result]


def not_known(ctx: Context, language: str, report: Report) -> list[Any]:
    items = [
        ctx.t(
            language,
            f"episode_report.not_known.{one.what}",
            **({"place": place(ctx, language, one.place)} if one.place else {}),
            **({"hours": hours(one.hours)} if one.hours is not None else {}),
        )
        for one in report.not_known
    ]
    return [
        html.Section(
            [
                html.H2(ctx.t(language, "episode_report.not_known_title")),
                html.Ul([html.Li(item) for item in items])
                if items
                else html.P(ctx.t(language, "episode_report.all_known")),
            ]
        )
    ]


def _at(moment_ms: int, language: str) -> str:
    return i18n.show_date(local_time(moment_ms), language, "day_time")
