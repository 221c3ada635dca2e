"""A smoke episode's name, reason and tasks in a reader's language; what people wrote stays as they wrote it."""

from __future__ import annotations

from typing import Final

from classair import i18n
from classair.timetable import local_time

DEFAULT_TASK: Final = "default:"
"""Before the name of a task of the list that each school is given."""
BY_RULE: Final = "rule:"
"""Before the name of the rule that opened an episode, in its `why`."""


def name(language: str, given: str, opened_at: int) -> str:
    """The name it was given, else its first day."""
    if given:
        return given
    return i18n.t(language, "episode.named", date=i18n.show_date(local_time(opened_at).date(), language, "medium"))


def why(language: str, said: str) -> str:
    if said.startswith(BY_RULE):
        return i18n.t(language, "episode.by_rule", rule=said.removeprefix(BY_RULE))
    return said or i18n.t(language, "episode.no_reason")


def task(language: str, words: str) -> str:
    key = f"episode.task.{words.removeprefix(DEFAULT_TASK)}"
    return i18n.t(language, key) if words.startswith(DEFAULT_TASK) and i18n.has(key) else words


def moment(language: str, at_ms: int, now_ms: int) -> str:
    """A moment as short as it can be said: the time today, with the date on other days."""
    at = local_time(at_ms)
    return i18n.show_date(at, language, "time" if at.date() == local_time(now_ms).date() else "day_time")
