"""What people are told of a smoke episode, in their language: title and text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerts.episodes.episode import Episode, Reminder
from classair import i18n
from classair.alerting import episode_words
from classair.config import Config

MOST_NAMED = 5
"""Tasks named in one message; the rest is counted."""


def message(config: Config, language: str, what: str, episode: Episode, now: int) -> tuple[str, str]:
    """`what`: opened, joined, over or closed."""
    places = {
        "episode": episode_words.name(language, episode.name, episode.opened_at),
        "sites": _sites(config, language, episode.sites),
    }
    why = {"why": episode_words.why(language, episode.why)} if what == "opened" else {}
    left = {"n": len(episode.open_tasks())} if what == "closed" else {}
    key = f"{what}_left" if left.get("n") else what
    text = i18n.t(language, f"episode_message.{key}_text", **places, **why, **left)
    return i18n.t(language, f"episode_message.{what}_title", **places), _marked(config, language, episode, text)


def overdue(
    config: Config, language: str, episode: Episode, reminders: Sequence[Reminder], now: int
) -> tuple[str, str]:
    """What one person is to be reminded of: their own tasks, and those that others have left open."""
    words = [
        i18n.t(
            language,
            "episode_message.overdue_own" if one.owner else "episode_message.overdue_other",
            task=episode_words.task(language, one.task.words),
            site=_sites(config, language, [one.task.site]),
            owner=one.task.owner or "–",
            due=episode_words.moment(language, one.task.due_at, now),
        )
        for one in reminders
    ]
    left = len(words) - MOST_NAMED
    more = [i18n.t(language, "episode_message.overdue_more", n=left)] if left > 0 else []
    title = i18n.t(language, "episode_message.overdue_title", n=len(words))
    return title, _marked(config, language, episode, "\n".join([*words[:MOST_NAMED], *more]))


def _sites(config: Config, language: str, sites: Iterable[str]) -> str:
    return ", ".join(config.sites[site].name.in_(language) if site in config.sites else site for site in sites)


def _marked(config: Config, language: str, episode: Episode, text: str) -> str:
    if any(site in config.sites and config.site_simulated(site) for site in episode.sites):
        return f"{text} ({i18n.t(language, 'told.simulated')})"
    return text
