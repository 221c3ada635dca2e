"""The tasks of an episode: what is overdue first, then by when it is due, what is done last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classair.alerting import episode_words
from classair.alerting.records import EpisodeRecord, TaskRecord
from dashboard.context import Context
from dashboard.episodes import told
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.episode import forms


def open_ones(every: Sequence[TaskRecord]) -> list[TaskRecord]:
    return [task for task in every if task.done_at is None]


def overdue(every: Sequence[TaskRecord], now: int) -> list[TaskRecord]:
    return [task for task in open_ones(every) if task.due_at <= now]


def pieces(
    ctx: Context, language: str, episode: EpisodeRecord, every: Sequence[TaskRecord], now: int, names: bool
) -> dict[str, str]:
    order = sorted(every, key=lambda task: (task.done_at is not None, task.done_at or task.due_at, task.id))
    late = len(overdue(every, now))
    head = ctx.t(language, "episode_page.tasks_done", done=len(every) - len(open_ones(every)), all=len(every))
    if late:
        head = f"{head} · {ctx.t(language, 'episode_page.tasks_overdue', n=late)}"
    found = {f"task/{task.id}": _task(ctx, language, episode, task, now, names) for task in order}
    found["tasks"] = html.Section(
        [
            html.H2(ctx.t(language, "episode_page.tasks_title")),
            html.P(head, className="quiet", role="status"),
            html.Ul([hole(f"task/{task.id}") for task in order], className="tasks panel"),
            *([hole("form/task")] if names else []),
        ],
        className="group",
        **piece("tasks"),
    )
    if names:
        found["form/task"] = forms.adding(ctx, language, episode)
    return found


def _task(ctx: Context, language: str, episode: EpisodeRecord, task: TaskRecord, now: int, names: bool) -> str:
    config = ctx.config()
    where = config.sites[task.site].name.in_(language) if task.site in config.sites else task.site
    if task.room and config.has_room(task.room):
        where = f"{where}, {parts.room_name(ctx, language, task.room)}"
    words = episode_words.task(language, task.words)
    if not names and not task.words.startswith(episode_words.DEFAULT_TASK):
        words = ctx.t(language, "episode_page.own_task")
    is_late = task.done_at is None and task.due_at <= now
    return html.Li(
        [
            html.Div(
                [
                    html.B(words),
                    html.Small([where, " · ", told.owner(language, task, names)], className="quiet"),
                    *([html.Small(f"“{task.note}”", className="note")] if names and task.note else []),
                ],
                className="what",
            ),
            html.Div(_when(ctx, language, task, now, is_late, names), className="when"),
            *([forms.done(ctx, language, episode, task, words)] if names and task.done_at is None else []),
        ],
        **parts.data(state="done" if task.done_at is not None else "late" if is_late else "open"),
        **piece(f"task/{task.id}"),
    )


def _when(ctx: Context, language: str, task: TaskRecord, now: int, is_late: bool, names: bool) -> list[Any]:
    due = parts.moment(task.due_at, now, language)
    if task.done_at is not None:
        key = "done" if told.done_in_time(task) else "done_late"
        by = told.person(language, task.done_by, names)
        at = parts.moment(task.done_at, now, language)
        return [html.I(className="tick"), html.Span(ctx.t(language, f"episode_page.{key}", time=at, who=by, due=due))]
    if is_late:
        return [
            html.B(ctx.t(language, "episode_page.overdue"), className="late-word"),
            " ",
            html.Span(ctx.t(language, "episode_page.was_due", time=due)),
        ]
    return [
        html.Span(ctx.t(language, "episode_page.due", time=due)),
        " ",
        states.age(task.due_at, "left", className="quiet"),
    ]
