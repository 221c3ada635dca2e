"""Pure: who of the chain is told of an alert now, and who is reminded of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from alerts.lifecycle.model import Alert, Policy, Telling

FAR: Final = 2**62  # later than any moment


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


def next_at(alert: Alert, policy: Policy) -> int:
    """When somebody is to be told next of an alert that fires, if nothing changes. To be asked after `due`."""
    if alert.counts_since is None:
        return 0
    begun = alert.counts_since - alert.counted_ms
    moments = [begun + round(step.after_s * 1000) for step in policy.steps[alert.steps_told :]]
    if policy.remind_s and alert.told:
        moments.append(_told_last(alert) + round(policy.remind_s * 1000))
    return min(moments, default=FAR)


def _told_last(alert: Alert) -> int:
    return max(alert.reminded_at or 0, alert.holds_since, *alert.told.values())


def _climbed(alert: Alert, policy: Policy, now: int) -> tuple[Alert, list[Telling]]:
    """Each person is told once for each step of theirs whose time has come, however the chain was edited meanwhile."""
    assert alert.counts_since is not None
    passed_ms = alert.counted_ms + max(0, now - alert.counts_since)
    climbed = [step for step in policy.steps if passed_ms >= step.after_s * 1000]
    times = Counter(person for step in climbed for person in dict.fromkeys(step.people))
    new = {person for person, count in times.items() if count > alert.told_times.get(person, 0)}
    if not new and len(climbed) <= alert.steps_told:
        return alert, []
    alert = replace(
        alert,
        steps_told=max(alert.steps_told, len(climbed)),
        told={**alert.told, **dict.fromkeys(new, now)},
        told_times={**alert.told_times, **{person: times[person] for person in new}},
    )
    tellings = []
    for place, step in reversed(list(enumerate(climbed))):  # who is in several steps at once is told of the last one
        people = tuple(person for person in dict.fromkeys(step.people) if person in new)
        new.difference_update(people)
        if people:
            tellings.append(Telling(alert, "escalated" if place else "fired", people))
    return alert, tellings[::-1]


def _reminded(alert: Alert, policy: Policy, now: int) -> tuple[Alert, list[Telling]]:
    """Those of the chain who know of it, when it has held for long since they were told last."""
    known = {person for step in policy.steps for person in step.people} & alert.told.keys()
    if not policy.remind_s or not known:
        return alert, []
    if now - _told_last(alert) < policy.remind_s * 1000:
        return alert, []
    alert = replace(alert, reminded_at=now)
    return alert, [Telling(alert, "reminder", tuple(sorted(known)))]
