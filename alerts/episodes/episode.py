"""What a smoke episode is and what follows from what happens in it. Pure: the time is an argument, moments are UTC ms.

A row of its log is all that a restart needs to know what was said already.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Final, Literal

from classair.alerting.episode_words import DEFAULT_TASK
from classair.units import MINUTE_MS

What = Literal[
    "opened",  # words: why; who: whoever opened it, "" for the rule
    "alert",  # words: the alert that is a reason for it
    "joined",  # words: a school that came in later
    "told",  # who: a person who was told that it is open
    "task_added",  # words: the task
    "task_done",  # words: the task
    "overdue",  # words: the task; who: the person who was reminded of it
    "note",  # words: what somebody wrote
    "over",  # its alerts are over: it may be closed
    "closed",  # words: what somebody wrote at the end
]
NEXT_AFTER_MS: Final = 30 * MINUTE_MS
"""A task still open so long after it was due is told to the next person in the chain."""


@dataclass(frozen=True, slots=True)
class Task:
    """`owner`: a person of sensors.yaml, "" for nobody. `room` is `<site>.<room>` or ""."""

    id: str
    episode: str
    at: int
    words: str
    site: str
    room: str
    owner: str
    due_at: int
    done_at: int | None = None
    done_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log."""

    episode: str
    at: int
    who: str
    what: What
    words: str = ""


@dataclass(frozen=True, slots=True)
class Episode:
    """One open episode with its schools, its alerts, its tasks, and who has been told of what."""

    id: str
    name: str
    sites: tuple[str, ...]
    opened_at: int
    opened_by: str
    why: str
    alerts: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    reminded: frozenset[tuple[str, str]] = frozenset()  # (task, person)
    over: bool = False  # that its alerts are over has been said
    tasks: Mapping[str, Task] = field(default_factory=dict)

    def after(self, row: Row) -> Episode:
        """As it is once this has been written down; tasks and schools are rows of their own."""
        match row.what:
            case "alert":
                return replace(self, alerts=self.alerts | {row.words}, over=False)
            case "told":
                return replace(self, told=self.told | {row.who})
            case "overdue":
                return replace(self, reminded=self.reminded | {(row.words, row.who)})
            case "over":
                return replace(self, over=True)
            case _:
                return self

    def with_task(self, task: Task) -> Episode:
        return replace(self, tasks={**self.tasks, task.id: task})

    def open_tasks(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.done_at is None]


@dataclass(frozen=True, slots=True)
class Template:
    """One task of the list."""

    name: str
    minutes: float
    from_school: bool
    owner: int


@cache
def templates() -> tuple[Template, ...]:
    """The list as alerts/episodes/tasks.toml says it."""
    told = tomllib.loads(resources.files(__package__).joinpath("tasks.toml").read_text("utf-8"))
    return tuple(Template(one["name"], one["minutes"], one["from"] == "school", one["owner"]) for one in told["task"])


def plan(
    episode: str, site: str, chain: Sequence[Sequence[str]], now: int, school_at: int, new_id: Callable[[], str]
) -> list[Task]:
    """The list for one school. `chain`: its people by step; `school_at`: when children are there, now or next."""
    return [
        Task(
            new_id(),
            episode,
            now,
            f"{DEFAULT_TASK}{one.name}",
            site,
            "",
            _owner(chain, one.owner),
            (max(now, school_at) if one.from_school else now) + round(one.minutes * MINUTE_MS),
        )
        for one in templates()
    ]


def _owner(chain: Sequence[Sequence[str]], step: int) -> str:
    steps = [people for people in chain if people]
    return steps[min(step, len(steps)) - 1][0] if steps else ""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A person is to be reminded of a task that is overdue; `owner`: it is theirs."""

    task: Task
    person: str
    owner: bool


def overdue(episode: Episode, chain_of: Callable[[str], Sequence[str]], now: int) -> list[Reminder]:
    """Who is to be reminded now: the owner when a task is due, half an hour later the next person of the chain.

    `chain_of` gives a school's people in order. A task without an owner is the first one's.
    """
    found: list[Reminder] = []
    for task in episode.open_tasks():
        if now < task.due_at:
            continue
        chain = list(chain_of(task.site))
        owner = task.owner or (chain[0] if chain else "")
        if not owner:
            continue
        found.append(Reminder(task, owner, True))
        behind = chain[chain.index(owner) + 1 :] if owner in chain else [one for one in chain if one != owner]
        if behind and now >= task.due_at + NEXT_AFTER_MS:
            found.append(Reminder(task, behind[0], False))
    return [one for one in found if (one.task.id, one.person) not in episode.reminded]


def people_of(chain: Iterable[Iterable[str]]) -> list[str]:
    """Everybody in a chain once, in order."""
    return list(dict.fromkeys(person for step in chain for person in step))
