"""Pure: one step of one alert. What its rule sees and what holds it back in; its next self, changes and tellings out.

States are in classair.alerting.words, the rules in docs/notifications.md. Whatever is asked of it, it tells each person
of a problem once for each step of the chain, and of its end once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from alerts.lifecycle import escalation
from alerts.lifecycle.model import SILENCED, Alert, Change, Policy, Sight, Telling, Why
from classair.alerting.words import JOIN_MS, AlertState

RELEASE_MS: Final = 120_000
"""So long after its cause ended an alert is still held: what was cut off needs a moment to be heard again."""


@dataclass(frozen=True, slots=True)
class Step:
    """`alert` None: there is nothing left of it. `keep`: something that must be on disk has changed."""

    alert: Alert | None
    changes: tuple[Change, ...] = ()
    tellings: tuple[Telling, ...] = ()
    keep: bool = False


NOTHING: Final = Step(None)
FAR: Final = escalation.FAR


def step(
    alert: Alert | None, sight: Sight | None, policy: Policy, held: str, now: int, new_id: Callable[[], str]
) -> Step:
    """`sight` None: nobody speaks of it. `held`: the open cause that explains it, SILENCED, or "" """
    if alert is None:
        if sight is None or sight.holds is not True:
            return NOTHING
        alert = begun(sight, now, new_id())
    before = alert
    alert = _looked(_no_future(alert, now), sight, policy, now)
    known = None if sight is None else sight.holds
    if alert.state == "pending":
        alert, _ = _held(alert, held, now)
        if not alert.holds or _forgotten(alert, now):
            return NOTHING
        if not known or now - alert.since < policy.for_s * 1000:
            return Step(alert)
        alert = replace(alert, state="firing", fired_at=now, changed_at=now, times=1)
        changes = [Change(alert.id, now, "pending", "firing", why="holds")]
    else:
        alert, changes = _lived(alert, known, policy, now)
        alert, why = _held(alert, held, now)
        if why is not None and alert.state != "closed":
            changes.append(Change(alert.id, now, alert.state, alert.state, why=why))
            alert = replace(alert, changed_at=now)
    alert = escalation.counted(alert, now)
    alert, tellings = escalation.due(alert, policy, known is True, now)
    if alert.state == "closed" and alert.told:
        tellings = [Telling(alert, "recovered", tuple(sorted(alert.told)))]
    if (changes or tellings) and sight is not None:
        alert = replace(alert, words=dict(sight.words))
        tellings = [replace(telling, alert=alert) for telling in tellings]
    keep = bool(changes or tellings) or alert.holds is not before.holds
    return Step(alert, tuple(changes), tuple(tellings), keep)


def begun(sight: Sight, now: int, alert_id: str) -> Alert:
    """Pending from its first sight on."""
    since = now if sight.since is None else min(now, sight.since)
    return Alert(
        id=alert_id,
        key=sight.key,
        kind=sight.kind,
        site=sight.site,
        room=sight.room,
        severity=sight.severity,
        state="pending",
        since=since,
        changed_at=now,
        holds_since=since,
        causes=sight.causes,
        explains=sight.explains,
        words=dict(sight.words),
        once=sight.once,
    )


def happened(sight: Sight, policy: Policy, held: str, now: int, alert_id: str) -> Step:
    """An event without an end: told to those who are told first, unless it is silenced, and closed at once."""
    alert = replace(begun(sight, now, alert_id), state="closed", fired_at=now, closed_at=now, holds=False, times=1)
    alert = replace(alert, held=SILENCED if held == SILENCED else "")
    people = policy.steps[0].people if policy.steps and not alert.held else ()
    alert = replace(alert, told=dict.fromkeys(people, now), told_times=dict.fromkeys(people, 1))
    tellings = (Telling(alert, "fired", people),) if people else ()
    return Step(alert, (Change(alert.id, now, "pending", "closed", why="event"),), tellings, True)


def acknowledged(alert: Alert, who: str, now: int) -> Step:
    """Somebody has seen it. It changes a firing alert only; what is over stays over, and is acknowledged if it comes
    back within the joining time.
    """
    after: AlertState = "acknowledged" if alert.state == "firing" else alert.state
    change = Change(alert.id, now, alert.state, after, who, "acknowledged")
    if alert.state == "closed" or alert.acknowledged_at is not None:
        return Step(alert, (change,), (), True)
    alert = replace(alert, state=after, changed_at=now, acknowledged_at=now, acknowledged_by=who)
    return Step(escalation.counted(alert, now), (change,), (), True)


def gone(alert: Alert, now: int) -> Step:
    """Its rule or its subject is no longer there: closed without a word."""
    if alert.state == "pending":
        return NOTHING
    change = Change(alert.id, now, alert.state, "closed", why="gone")
    alert = replace(alert, state="closed", changed_at=now, closed_at=now, holds=False)
    return Step(escalation.counted(alert, now), (change,), (), True)


def shifted(alert: Alert, by_ms: int) -> Alert:
    """After the system's clock was put right: the same alert by the new clock, so that what it waits for lasts as long
    as it would have.
    """

    def moved(at: int | None) -> int | None:
        return None if at is None else at + by_ms

    return replace(
        alert,
        since=alert.since + by_ms,
        changed_at=alert.changed_at + by_ms,
        holds_since=alert.holds_since + by_ms,
        fired_at=moved(alert.fired_at),
        resolved_at=moved(alert.resolved_at),
        reminded_at=moved(alert.reminded_at),
        held_since=moved(alert.held_since),
        free_since=moved(alert.free_since),
        unknown_since=moved(alert.unknown_since),
        counts_since=moved(alert.counts_since),
        told={person: at + by_ms for person, at in alert.told.items()},
    )


def rests_until(alert: Alert, policy: Policy) -> int:
    """Before then nothing becomes of an alert, as long as what is seen of it and what holds it back stay the same."""
    if alert.unknown_since is not None or alert.free_since is not None:
        return 0
    waits = (policy.for_s if alert.holds else policy.clear_s) * 1000
    ends = alert.holds_since + round(waits)
    if alert.state == "resolved":
        closes = (alert.resolved_at or 0) + JOIN_MS
        return ends if alert.holds else closes
    if alert.state == "pending":
        return alert.since + round(waits)
    if not alert.holds:
        return ends
    return FAR if alert.state == "acknowledged" or alert.held else escalation.next_at(alert, policy)


# -- the pieces of a step ----------------------------------------------------------------------------------------------


def _no_future(alert: Alert, now: int) -> Alert:
    """A clock that was set back must not make anything wait for a moment that is far away."""
    moments = (alert.since, alert.holds_since, alert.resolved_at, alert.held_since, alert.free_since)
    more = (alert.unknown_since, alert.counts_since, alert.reminded_at, *alert.told.values())
    if all(at is None or at <= now for at in moments + more):
        return alert

    def past(at: int | None) -> int | None:
        return None if at is None else min(at, now)

    return replace(
        alert,
        since=min(alert.since, now),
        holds_since=min(alert.holds_since, now),
        resolved_at=past(alert.resolved_at),
        held_since=past(alert.held_since),
        free_since=past(alert.free_since),
        unknown_since=past(alert.unknown_since),
        counts_since=past(alert.counts_since),
        reminded_at=past(alert.reminded_at),
        told={person: min(at, now) for person, at in alert.told.items()},
    )


def _looked(alert: Alert, sight: Sight | None, policy: Policy, now: int) -> Alert:
    """What it knows of itself after a look: whether it holds and since when, its causes, how bad it is."""
    if sight is None or sight.holds is None:
        return alert if alert.unknown_since is not None else replace(alert, unknown_since=now)
    if (sight.causes, sight.explains, sight.severity) != (alert.causes, alert.explains, alert.severity):
        alert = replace(alert, causes=sight.causes, explains=sight.explains, severity=sight.severity)
    long_unknown = _forgotten(alert, now)
    if alert.unknown_since is not None:
        alert = replace(alert, unknown_since=None)
    began = now if sight.since is None else min(now, sight.since)
    if sight.holds is not alert.holds:
        # Not before it was last seen otherwise, whatever the source says.
        at = max(alert.holds_since, began) if sight.holds else now
        return replace(alert, holds=sight.holds, holds_since=at)
    if long_unknown:  # nobody can say that it lasted meanwhile
        return replace(alert, holds_since=max(began, alert.holds_since) if sight.since is not None else now)
    if alert.state == "pending" and sight.since is not None and began > alert.since:
        return replace(alert, since=began, holds_since=began)
    return alert


def _forgotten(alert: Alert, now: int) -> bool:
    return alert.unknown_since is not None and now - alert.unknown_since > JOIN_MS


def _lived(alert: Alert, known: bool | None, policy: Policy, now: int) -> tuple[Alert, list[Change]]:
    """An alert that has fired: over, joined or closed, if it is time."""
    lasts = now - alert.holds_since
    if alert.state in ("firing", "acknowledged"):
        if known is False and lasts >= policy.clear_s * 1000:
            return _becomes(alert, "resolved", "over", now, resolved_at=now)
    elif alert.state == "resolved":
        assert alert.resolved_at is not None
        if known and lasts >= policy.for_s * 1000:
            again: AlertState = "firing" if alert.acknowledged_at is None else "acknowledged"
            return _becomes(alert, again, "joined", now, resolved_at=None, times=alert.times + 1)
        # What has begun again is waited for: it ends, or it joins.
        if now - alert.resolved_at >= JOIN_MS and (not alert.holds or _forgotten(alert, now)):
            return _becomes(alert, "closed", "over", now, closed_at=now)
    return alert, []


def _becomes(alert: Alert, state: AlertState, why: Why, now: int, **more: int | None) -> tuple[Alert, list[Change]]:
    change = Change(alert.id, now, alert.state, state, why=why)
    return replace(alert, state=state, changed_at=now, **more), [change]  # type: ignore[arg-type]


def _held(alert: Alert, held: str, now: int) -> tuple[Alert, Why | None]:
    """The alert, held or free. A silence ends at once, a cause lets go a little later than it ends."""
    if held:
        if held == alert.held and alert.free_since is None:
            return alert, None
        since = now if alert.held_since is None else alert.held_since
        news: Why | None = "held" if held != alert.held else None
        return replace(alert, held=held, held_since=since, free_since=None), news
    if not alert.held:
        return alert, None
    if alert.held != SILENCED:
        free_since = now if alert.free_since is None else alert.free_since
        if now - free_since < RELEASE_MS:
            return (alert if alert.free_since is not None else replace(alert, free_since=now)), None
    return replace(alert, held="", held_since=None, free_since=None), "released"
