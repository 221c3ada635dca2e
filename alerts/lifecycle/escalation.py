"""Pure: who of the chain is told of an alert now, and who is reminded of it."""

from __future__ import annotations

from dataclasses import replace

from alerts.lifecycle.model import Alert, Policy, Telling
from classair.alerting.words import Stage


def counted(alert: Alert, now: int) -> Alert:
    """The alert with its escalation's clock running or standing, as its state wants it."""
    runs = alert.state == "firing" and not alert.held
    if runs and alert.counts_since is None:
        return replace(alert, counts_since=now)
    if not runs and alert.counts_since is not None:
        counted_ms = alert.counted_ms + max(0, now - alert.counts_since)
        return replace(alert, counted_ms=counted_ms, counts_since=None)
    return alert


def due(alert: Alert, policy: Policy, known_to_hold: bool, now: int) -> tuple[Alert, list[Telling]]:
    """What people are to be told of an alert that fires. While it seems to be over nobody is; an alert of which nothing
    is known goes on up the chain, but nobody is reminded of it.
    """
    if alert.state != "firing" or alert.held or not alert.holds or alert.counts_since is None:
        return alert, []
    alert, tellings = _climbed(alert, policy, now)
    if not tellings and known_to_hold:
        return _reminded(alert, policy, now)
    return alert, tellings


def _climbed(alert: Alert, policy: Policy, now: int) -> tuple[Alert, list[Telling]]:
    """People of a step that is new, and people who were put into an earlier step since."""
    assert alert.counts_since is not None
    passed_ms = alert.counted_ms + max(0, now - alert.counts_since)
    told: dict[str, int] = {}
    wanted: list[tuple[Stage, tuple[str, ...]]] = []
    climbed = alert.steps_told
    for place, step in enumerate(policy.steps):
        if passed_ms < step.after_s * 1000:
            continue
        people = tuple(
            person
            for person in dict.fromkeys(step.people)
            if person not in told and (place >= alert.steps_told or person not in alert.told)
        )
        climbed = max(climbed, place + 1)
        if people:
            wanted.append(("fired" if place == 0 else "escalated", people))
            told.update(dict.fromkeys(people, now))
    if climbed == alert.steps_told and not told:
        return alert, []
    alert = replace(alert, steps_told=climbed, told={**alert.told, **told})
    return alert, [Telling(alert, stage, people) for stage, people in wanted]


def _reminded(alert: Alert, policy: Policy, now: int) -> tuple[Alert, list[Telling]]:
    """Those of the chain who know of it, when it has held for long since they were told last."""
    known = {person for step in policy.steps for person in step.people} & alert.told.keys()
    if not policy.remind_s or not known:
        return alert, []
    last = max(alert.reminded_at or 0, alert.holds_since, *alert.told.values())
    if now - last < policy.remind_s * 1000:
        return alert, []
    alert = replace(alert, reminded_at=now)
    return alert, [Telling(alert, "reminder", tuple(sorted(known)))]
