"""What an episode is and what happened in it: the banner, the log with its messages, and the episodes before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from classair import i18n
from classair.alerting import episode_words
from classair.alerting.records import EpisodeLogRecord, EpisodeRecord, NotificationRecord, TaskRecord
from dashboard.context import Context
from dashboard.episodes import told
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.episode.tasks import open_ones, overdue

SHOWN: Final = 200
"""Lines of the log on the page; the report has all of them."""
_SAID: Final = ("opened", "joined", "task_added", "task_done", "overdue", "note", "over", "closed")


def whole_log(ctx: Context, episode: str) -> list[EpisodeLogRecord]:
    found: list[EpisodeLogRecord] = []
    while more := ctx.records.episode_log(episode, after=found[-1].id if found else 0):
        found += more
    return found


def sites(ctx: Context, language: str, known: Sequence[str]) -> str:
    config = ctx.config()
    return ", ".join(config.sites[site].name.in_(language) if site in config.sites else site for site in known)


def name(language: str, episode: EpisodeRecord) -> str:
    return episode_words.name(language, episode.name, episode.opened_at)


def why(ctx: Context, language: str, episode: EpisodeRecord, names: bool) -> str:
    """What a person wrote is shown to those alone who may read names."""
    if episode.opened_by and episode.why and not names:
        return ctx.t(language, "episode_page.reason_given")
    return episode_words.why(language, episode.why)


def opened_by(ctx: Context, language: str, episode: EpisodeRecord, names: bool) -> str:
    who = told.person(language, episode.opened_by, names)
    return ctx.t(language, "episode_page.opened_by", who=who) if who else ctx.t(language, "episode_page.opened_by_rule")


def banner(
    ctx: Context,
    language: str,
    episode: EpisodeRecord,
    every: Sequence[TaskRecord],
    log: Sequence[EpisodeLogRecord],
    names: bool,
) -> str:
    now = ctx.now_ms()
    late = len(overdue(every, now))
    over = _is_over(log)
    facts = [
        ("schools", sites(ctx, language, episode.sites)),
        ("reason", f"{why(ctx, language, episode, names)} · {opened_by(ctx, language, episode, names)}"),
        ("tasks_title", ctx.t(language, "episode_page.tasks_left", n=len(open_ones(every)), late=late)),
    ]
    return html.Section(
        [
            html.Div(
                [
                    html.H2(name(language, episode)),
                    html.Span(
                        [
                            ctx.t(
                                language,
                                "episode_page.open_since",
                                time=parts.moment(episode.opened_at, now, language),
                            ),
                            " ",
                            states.age(episode.opened_at, "for"),
                        ],
                        className="nowrap",
                    ),
                ],
                className="banner-head",
            ),
            html.Dl(
                [html.Div([html.Dt(ctx.t(language, f"episode_page.{key}")), html.Dd(said)]) for key, said in facts]
            ),
            *([html.P(html.B(ctx.t(language, "episode_page.over")), role="status")] if over else []),
            html.Div(
                [
                    hole("form/close"),
                    hole("form/open"),
                    html.A(
                        ctx.t(language, "episode_page.report_so_far"),
                        href=report_address(language, episode),
                        className="button",
                    ),
                ],
                className="banner-do",
            ),
        ],
        className="banner panel",
        **piece("banner"),
    )


def _is_over(log: Sequence[EpisodeLogRecord]) -> bool:
    last = [line.what for line in log if line.what in ("alert", "over")]
    return bool(last) and last[-1] == "over"


# -- the log -----------------------------------------------------------------------------------------------------------


def log(
    ctx: Context,
    language: str,
    known: Sequence[EpisodeLogRecord],
    messages: Sequence[NotificationRecord],
    every: Mapping[str, TaskRecord],
    names: bool,
) -> str:
    """What happened and what was sent, the newest first."""
    said: list[tuple[int, Any]] = [
        (line.at, event(ctx, language, line, every, names)) for line in known if line.what in _SAID
    ]
    said += [(one.made_at, message(ctx, language, one, names)) for one in messages]
    said.sort(key=lambda one: -one[0])
    now = ctx.now_ms()
    return html.Section(
        [
            html.H2(ctx.t(language, "episode_page.log_title")),
            html.Ul(
                [
                    html.Li([html.Span(parts.moment(at, now, language), className="at quiet nowrap"), html.Div(words)])
                    for at, words in said[:SHOWN]
                ],
                className="log panel",
            ),
            *([hole("form/note")] if names else []),
        ],
        className="group",
        **piece("log"),
    )


def event(
    ctx: Context, language: str, line: EpisodeLogRecord, every: Mapping[str, TaskRecord], names: bool
) -> list[Any]:
    """One line of the log in words."""
    who = told.person(language, line.who, names)
    task = every.get(line.words)
    own = task is not None and not task.words.startswith(episode_words.DEFAULT_TASK)
    words = "" if task is None else episode_words.task(language, task.words)
    if own and not names:
        words = ctx.t(language, "episode_page.own_task")
    match line.what:
        case "joined":
            return [ctx.t(language, "episode_page.event.joined", site=sites(ctx, language, [line.words]))]
        case "task_added" | "task_done":
            return [ctx.t(language, f"episode_page.event.{line.what}", task=words, who=who)]
        case "overdue":
            person = line.who if names else ctx.t(language, "episode_page.owner_somebody")
            return [ctx.t(language, "episode_page.event.overdue", task=words, who=person)]
        case "note" | "closed":
            text = [html.Div(line.words, className="note")] if line.words and names else []
            return [ctx.t(language, f"episode_page.event.{line.what}", who=who), *text]
        case "opened":
            by = who or ctx.t(language, "episode_page.the_rule")
            return [ctx.t(language, "episode_page.event.opened", who=by)]
        case _:
            return [ctx.t(language, f"episode_page.event.{line.what}")]


def message(ctx: Context, language: str, one: NotificationRecord, names: bool) -> list[Any]:
    """A message and what came of it; "received" only where a channel that reaches a person has taken it."""
    person = one.person if names else ctx.t(language, "episode_page.owner_somebody")
    found: list[Any] = [
        ctx.t(
            language, "episode_page.message", who=person, title=one.title or ctx.t(language, "episode_page.no_title")
        ),
        " ",
        html.Span(outcome(ctx, language, one), className="outcome", **parts.data(told="yes" if one.told_at else "")),
    ]
    return found


def outcome(ctx: Context, language: str, one: NotificationRecord) -> str:
    if one.told_at is not None:
        at = parts.moment(one.told_at, ctx.now_ms(), language)
        return ctx.t(language, "episode_page.outcome.told", time=at)
    key = one.state if one.state != "delivered" else "nobody"
    known = i18n.has(f"episode_page.outcome.{key}")
    said = ctx.t(language, f"episode_page.outcome.{key}") if known else one.state
    reason = f"episode_page.why.{one.reason}"
    return f"{said}: {ctx.t(language, reason)}" if one.reason and i18n.has(reason) else said


# -- the episodes before -----------------------------------------------------------------------------------------------


def report_address(language: str, episode: EpisodeRecord) -> str:
    return parts.address(f"/episode/{episode.id}/report", lang=language)


def past(ctx: Context, language: str, known: Sequence[EpisodeRecord]) -> str:
    if not known:
        return html.Section(
            [html.H2(ctx.t(language, "episode_page.past_title")), html.P(ctx.t(language, "episode_page.past_none"))],
            className="group",
            **piece("past"),
        )
    now = ctx.now_ms()
    rows = [
        html.Li(
            [
                html.Div(
                    [
                        html.B(name(language, one)),
                        html.Small(
                            [
                                sites(ctx, language, one.sites),
                                " · ",
                                ctx.t(
                                    language,
                                    "episode_page.from_to",
                                    start=parts.moment(one.opened_at, now, language),
                                    end=parts.moment(one.closed_at or now, now, language),
                                ),
                            ],
                            className="quiet",
                        ),
                    ],
                    className="what",
                ),
                html.A(
                    [
                        ctx.t(language, "episode_page.report"),
                        html.Span(f" {name(language, one)}", className="visually-hidden"),
                    ],
                    href=report_address(language, one),
                    className="button",
                ),
            ]
        )
        for one in known
    ]
    return html.Section(
        [html.H2(ctx.t(language, "episode_page.past_title")), html.Ul(rows, className="past panel")],
        className="group",
        **piece("past"),
    )
