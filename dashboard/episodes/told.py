"""Who did something, as far as whoever reads may know: names only for those who may control something."""

from __future__ import annotations

from classair import i18n
from classair.alerting.records import TaskRecord

ROLES = ("teacher", "caretaker", "admin", "researcher", "viewer", "token")


def role_of(who: str) -> str:
    """The role in `<role>:<name>`; "" for nobody, `somebody` for a role that is none of ours."""
    role = who.partition(":")[0]
    return role if not role or role in ROLES else "somebody"


def person(language: str, who: str, names: bool) -> str:
    """Whoever acted, in words; "" where nobody did."""
    if not who:
        return ""
    role = i18n.t(language, f"episode_page.role.{role_of(who)}")
    name = who.partition(":")[2]
    return i18n.t(language, "episode_page.named", role=role, name=name) if names and name else role


def owner(language: str, task: TaskRecord, names: bool) -> str:
    if not task.owner:
        return i18n.t(language, "episode_page.owner_nobody")
    return task.owner if names else i18n.t(language, "episode_page.owner_somebody")


def done_in_time(task: TaskRecord) -> bool:
    return task.done_at is not None and task.done_at <= task.due_at
