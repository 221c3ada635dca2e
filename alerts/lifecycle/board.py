"""All open alerts and silences: sights in each second, rows and notifications out, restored from the ledger at start.

Called from the loop only. What it remembers and what is on disk change together: rows of alerts, of their changes and
of the notifications they want are one transaction.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from alerts.answering import Done, Refused
from alerts.ledger import Ledger, Statement
from alerts.lifecycle import machine, written
from alerts.lifecycle.inhibition import Cause, Causes
from alerts.lifecycle.machine import Step
from alerts.lifecycle.model import SILENCED, Alert, Key, Policy, Sight, Telling
from alerts.lifecycle.policies import Policies
from alerts.lifecycle.silences import Silence, by_this_clock, is_silenced
from alerts.lifecycle.upgrade import matters_become_alerts
from classair.alerting.words import JOIN_MS
from classair.config import Config
from classair.i18n import in_every_language

log = logging.getLogger(__name__)

MOST_ROWS: Final = 100
"""One look writes hardly more: what begins in a thousand rooms at once is dealt with over some seconds, so that no
reading waits for it."""
UNSEEN_MS: Final = 86_400_000  # of what no rule has spoken of for so long nobody will speak again


class Outbox(Protocol):
    """What the board wants of alerts.outbox."""

    def tell(self, telling: Telling, now: int) -> list[Statement]: ...

    def withdraw(self, alert_id: str, now: int) -> list[Statement]: ...

    def acknowledged(self, alert_id: str) -> list[Statement]: ...

    def committed(self) -> None: ...

    def told_at(self, alert_id: str) -> int | None: ...


@dataclass(slots=True)
class _Rooms:
    """Open alerts about the silence of rooms, for the screen on the wall."""

    keys: dict[str, set[Key]] = field(default_factory=dict)

    def put(self, alert: Alert) -> None:
        if alert.kind == "silent" and alert.room:
            self.keys.setdefault(alert.room, set()).add(alert.key)

    def drop(self, alert: Alert) -> None:
        self.keys.get(alert.room, set()).discard(alert.key)


@dataclass(frozen=True, slots=True)
class _Rest:
    """What lasts for hours is not worked out again each second. See machine.rests_until."""

    alert: Alert
    policy: Policy
    since: int
    until: int

    def lasts(self, alert: Alert, sight: Sight, policy: Policy, held: str, now: int) -> bool:
        return (
            self.alert is alert
            and self.policy is policy
            and self.since <= now < self.until
            and sight.holds is alert.holds
            and held == alert.held
            and sight.causes == alert.causes
            and sight.explains == alert.explains
            and sight.severity == alert.severity
            and (sight.since is None or sight.since <= alert.since)
        )


class AlertBoard:
    """Call `follow` before anything else."""

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        self._ledger, self._outbox = ledger, outbox
        ledger.put(matters_become_alerts)
        ledger.sync()
        self._open: dict[Key, Alert] = {}
        self._keys: dict[str, Key] = {}  # alert → its key
        self._rooms = _Rooms()
        self._causes = Causes()
        self._silences = {silence.id: silence for silence in written.open_silences(ledger)}
        self._events: dict[Key, int] | None = None  # when an event was last seen; None until the first look
        self._broken: set[Key] = set()
        self._rests: dict[Key, _Rest] = {}
        self._config: Config | None = None
        self._policies: Policies | None = None
        for alert in written.open_alerts(ledger):
            if alert.key in self._open:
                log.error("alert_open_twice alert=%s", alert.id)
                continue
            self._put(alert)

    # -- configuration and clock ---------------------------------------------------------------------------------------

    def follow(self, config: Config, now: int) -> None:
        """Works by this configuration; what was open about a room, a device or a rule that is gone is closed unsaid."""
        self._config, self._policies = config, Policies(config)
        for alert in list(self._open.values()):
            if not alert.kind:
                self._drop(alert)
                self._put(self._completed(alert))
        self._forget([alert for alert in self._open.values() if not self._policies.applies(alert)], now)

    def forget(self, keys: Iterable[Key], now: int) -> None:
        """Closes unsaid what no sight will speak of again, such as faults of a device that was exchanged."""
        self._forget([self._open[key] for key in keys if key in self._open], now)

    def clock_stepped(self, by_ms: int, now: int) -> None:
        """The system's clock was put right: nothing ends or is told sooner or later for that."""
        for alert in list(self._open.values()):
            self._put(machine.shifted(alert, by_ms))
        self._events = {key: at + by_ms for key, at in (self._events or {}).items()}
        rows = [written.alert_row(alert) for alert in self._open.values() if alert.state != "pending"]
        self._ledger.together(rows)

    # -- each second ---------------------------------------------------------------------------------------------------

    def see(self, sights: Iterable[Sight], now: int) -> None:
        """All that all rules see at this moment."""
        assert self._policies is not None
        statements = self._silences_by_this_clock(now)
        looked_at: dict[Key, Sight | None] = dict.fromkeys(self._open)
        for sight in sights:
            if sight.once:
                statements += self._event(sight, now)
            elif sight.holds or sight.key in looked_at:
                looked_at[sight.key] = sight
        causes = {key: sight for key, sight in looked_at.items() if self._explains(key, sight)}
        self._causes = self._causes_now(causes)
        for key in causes:
            statements += self._guarded(key, looked_at[key], now)
        if causes:
            self._causes = self._causes_now({})
        for key in [key for key in looked_at if key not in causes]:
            if len(statements) > MOST_ROWS:
                break
            statements += self._guarded(key, looked_at[key], now)
        self._commit(statements)

    def _guarded(self, key: Key, sight: Sight | None, now: int) -> list[Statement]:
        """One alert's step. Whatever is wrong with one, the others go on; it is tried again each second."""
        try:
            statements = self._step(key, sight, now)
        except Exception:
            if key not in self._broken:
                log.exception("alert_failed rule=%s subject=%s", key.rule, key.subject)
            self._broken.add(key)
            return []
        self._broken.discard(key)
        return statements

    def _step(self, key: Key, sight: Sight | None, now: int) -> list[Statement]:
        assert self._policies is not None
        alert = self._open.get(key)
        if alert is None:
            if sight is None:
                return []
            alert = machine.begun(sight, now, uuid.uuid4().hex)
        elif sight is None and alert.unknown_since is not None and now - alert.unknown_since > UNSEEN_MS:
            return self._done(alert, machine.gone(alert, now), now)
        policy = self._policies.of(key, alert.site)
        held = self._held(alert, alert.causes if sight is None else sight.causes, now)
        rest = self._rests.get(key)
        if sight is not None and rest is not None and rest.lasts(alert, sight, policy, held, now):
            return []
        step = machine.step(alert, sight, policy, held, now, lambda: alert.id)
        if step.alert is not None and step.alert.state != "closed":
            self._rests[key] = _Rest(step.alert, policy, now, machine.rests_until(step.alert, policy))
        return self._done(alert, step, now)

    def _event(self, sight: Sight, now: int) -> list[Statement]:
        assert self._policies is not None
        if self._events is None:
            self._events = {alert.key: alert.changed_at for alert in written.late_events(self._ledger, now)}
        if not sight.holds:
            return []
        last = self._events.get(sight.key)
        self._events = {key: at for key, at in self._events.items() if now - at <= JOIN_MS} | {sight.key: now}
        if last is not None and now - last <= JOIN_MS:
            return []
        alert_id = uuid.uuid4().hex
        held = SILENCED if is_silenced(machine.begun(sight, now, alert_id), self._silences.values()) else ""
        step = machine.happened(sight, self._policies.of(sight.key, sight.site), held, now, alert_id)
        return self._rows(step, now)

    def _done(self, before: Alert, step: Step, now: int) -> list[Statement]:
        """Remembers what a step has made of an alert; the rows that go with it."""
        statements = self._rows(step, now)
        if step.alert is None or step.alert.state == "closed":
            self._drop(before)
        elif step.alert is not self._open.get(before.key):
            self._put(step.alert)
        return statements

    def _rows(self, step: Step, now: int) -> list[Statement]:
        if step.alert is None or not step.keep:
            return []
        statements = [written.alert_row(step.alert), *map(written.change_row, step.changes)]
        if step.alert.state == "closed" and not step.alert.once and step.changes[-1].before != "closed":
            statements += self._outbox.withdraw(step.alert.id, now)  # what was not sent is not worth sending any more
        for telling in step.tellings:
            statements += self._outbox.tell(telling, now)
        for change in step.changes:
            log.info("alert_changed rule=%s subject=%s state=%s why=%s", *_names(step.alert), change.after, change.why)
        return statements

    # -- causes and silences -------------------------------------------------------------------------------------------

    def _explains(self, key: Key, sight: Sight | None) -> bool:
        alert = self._open.get(key)
        return bool(sight.explains if sight is not None else alert is not None and alert.explains)

    def _causes_now(self, sights: dict[Key, Sight | None]) -> Causes:
        """The causes that are open, and those which `sights` are about to begin."""
        assert self._policies is not None
        found = []
        for key, alert in self._open.items():
            if alert.explains and alert.state != "resolved":
                found.append(
                    self._cause(key, alert.id, alert.site, alert.explains, alert.causes, alert.state != "pending")
                )
        for key, sight in sights.items():
            if sight is not None and sight.holds and key not in self._open:
                found.append(self._cause(key, "", sight.site, sight.explains, sight.causes, False))
        return Causes(found)

    def _cause(self, key: Key, alert_id: str, site: str, explains: str, causes: tuple[str, ...], fires: bool) -> Cause:
        assert self._policies is not None
        policy = self._policies.of(key, site)
        told = self._policies.tells_somebody(key, site)
        return Cause(alert_id, explains, causes, fires, told, round(policy.for_s * 1000))

    def _held(self, alert: Alert, causes: tuple[str, ...], now: int) -> str:
        if self._silences and is_silenced(alert, self._silences.values()):
            return SILENCED
        return self._causes.of(alert, causes, now)

    def _silences_by_this_clock(self, now: int) -> list[Statement]:
        statements = []
        for silence in list(self._silences.values()):
            right = by_this_clock(silence, now)
            if right is not silence:
                self._silences[silence.id] = right
                statements.append(written.silence_row(right))
            if right.is_over(now):
                del self._silences[silence.id]
        return statements

    # -- what people do ------------------------------------------------------------------------------------------------

    def acknowledge(self, alert_id: str, who: str, now: int) -> Done:
        """Somebody looks after it. Raises Refused for an alert that does not exist. Commit what it returns."""
        key = self._keys.get(alert_id)
        alert = self._open[key] if key is not None else written.alert_by_id(self._ledger, alert_id)
        if alert is None or alert.state == "pending":
            raise Refused(f"there is no alert {alert_id}; the page of alerts lists those that can be acknowledged")
        step = machine.acknowledged(alert, who, now)
        assert step.alert is not None
        if key is not None:
            self._put(step.alert)
            statements = [*self._rows(step, now), *self._outbox.acknowledged(alert_id)]
        else:
            statements = [written.change_row(change) for change in step.changes]
        return Done(
            {
                "alert": alert_id,
                "state": step.alert.state,
                "acknowledged_at": step.alert.acknowledged_at,
                "acknowledged_by": step.alert.acknowledged_by,
            },
            tuple(statements),
        )

    def silence(self, silence: Silence) -> Done:
        """Nobody is told of what matches until it ends. Commit what it returns."""
        self._silences[silence.id] = silence
        return Done({"silence": silence.id, "until": silence.until}, (written.silence_row(silence),))

    def end_silence(self, silence_id: str, who: str, now: int) -> Done:
        """What it kept back and still holds is told at the next look. Raises Refused when there is none to end."""
        silence = self._silences.pop(silence_id, None)
        if silence is None:
            raise Refused(f"there is no silence {silence_id}, or it has ended")
        ended = replace(silence, ended_at=now, ended_by=who)
        return Done({"silence": silence_id, "ended_at": now}, (written.silence_row(ended),))

    # -- what others want to know --------------------------------------------------------------------------------------

    def open(self) -> list[Alert]:
        """What is not closed, what is pending too: rules say of all of it whether it holds still."""
        return list(self._open.values())

    def silences(self) -> list[Silence]:
        """What has not ended."""
        return list(self._silences.values())

    def figures(self) -> dict[str, int]:
        """For the status of the service. Nobody needs to acknowledge what is silenced or explained by its cause."""
        states = [(alert.state, alert.held) for alert in self._open.values()]
        return {
            "alerts_firing": sum(state in ("firing", "acknowledged") for state, _ in states),
            "alerts_unacknowledged": sum(state == "firing" and not held for state, held in states),
        }

    def told_at(self, room: str) -> int | None:
        """When a person was first reached about this room's silence, or about what explains it."""
        moments: list[int | None] = []
        for key in self._rooms.keys.get(room, ()):
            alert = self._open[key]
            if alert.state != "resolved" and alert.holds:
                moments += map(self._outbox.told_at, (alert.id, *self._causes.ids(alert.causes)))
        return min((at for at in moments if at is not None), default=None)

    def warnings(self) -> list[dict[str, str]]:
        """Rules whose alerts fire although nobody would be told of them."""
        if self._policies is None:
            return []
        of_nobody = {
            alert.key.rule
            for alert in self._open.values()
            if alert.state == "firing" and not self._policies.tells_somebody(alert.key, alert.site)
        }
        return [in_every_language("alerts_warning.nobody", rule=rule) for rule in sorted(of_nobody)]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _put(self, alert: Alert) -> None:
        if alert.key not in self._open:
            self._keys[alert.id] = alert.key
            self._rooms.put(alert)
        self._open[alert.key] = alert

    def _drop(self, alert: Alert) -> None:
        if self._open.pop(alert.key, None) is not None:
            self._keys.pop(alert.id, None)
            self._rests.pop(alert.key, None)
            self._rooms.drop(alert)

    def _forget(self, alerts: Iterable[Alert], now: int) -> None:
        statements: list[Statement] = []
        for alert in alerts:
            statements += self._done(alert, machine.gone(alert, now), now)
        self._commit(statements)

    def _completed(self, alert: Alert) -> Alert:
        """An alert of an earlier version's matter, with what only the configuration knows."""
        assert self._config is not None
        rule = self._config.rules.get(alert.key.rule)
        purifiers = dict(self._config.purifiers())
        subject = alert.key.subject
        room = subject if self._config.has_room(subject) else ""
        if subject in purifiers:
            room = f"{alert.site}.{purifiers[subject].room}"
        kind = getattr(rule, "kind", "")
        key = replace(alert.key, part="not_obeying") if kind == "purifier_fault" and not alert.key.part else alert.key
        return replace(alert, key=key, kind=kind, room=room)

    def _commit(self, statements: list[Statement]) -> None:
        if statements:
            self._ledger.together(statements, self._outbox.committed)


def _names(alert: Alert) -> tuple[str, str]:
    return alert.key.rule, alert.key.subject
