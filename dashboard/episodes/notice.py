"""One line on other pages while a smoke episode is open."""

from __future__ import annotations

from classair.alerting import episode_words
from classair.alerting.reading import NotKnown
from classair.alerting.records import EpisodeRecord
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import html, piece


def open_episode(ctx: Context) -> EpisodeRecord | None:
    """None, too, while the records cannot be read: the page of episodes says so then."""
    try:
        return next(iter(ctx.records.episodes(open_only=True, limit=1)), None)
    except NotKnown:
        return None


def line(ctx: Context, language: str, episode: EpisodeRecord | None) -> str:
    if episode is None:
        return html.Div(hidden=True, **piece("episode"))
    name = episode_words.name(language, episode.name, episode.opened_at)
    return html.Div(
        [
            html.A(
                html.B(ctx.t(language, "overview.episode", name=name)),
                href=parts.address("/episode", lang=language),
            ),
            " ",
            states.age(episode.opened_at, "for", className="quiet"),
        ],
        className="panel notice plain smoke",
        role="status",
        **piece("episode"),
    )
