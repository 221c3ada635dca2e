"""How long an alert waits and whom it tells, by the rules and people of sensors.yaml."""

from __future__ import annotations

from alerts.lifecycle.model import Alert, Key, Policy, Step
from classair.config import AlertRule, Config, Person, chain

NOBODY = Policy(0.0, 0.0, ())


class Policies:
    """Of one configuration. One object for a rule and site: people may be told of some schools only."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[tuple[str, str], Policy] = {}
        self._subjects = {
            name
            for names in (config.rooms(), config.purifiers(), config.sensors(), config.bridges())
            for name, _ in names
        }

    def of(self, key: Key, site: str) -> Policy:
        policy = self._known.get((key.rule, site))
        if policy is None:
            policy = self._known[key.rule, site] = self._made(key.rule, site)
        return policy

    def applies(self, alert: Alert) -> bool:
        """Whether its rule, its place and what it is about are still configured."""
        rule = self._config.rules.get(alert.key.rule)
        if not isinstance(rule, AlertRule) or getattr(rule, "kind", "") != alert.kind:
            return False
        if alert.site and alert.site not in self._config.sites:
            return False
        if alert.room and not self._config.has_room(alert.room):
            return False
        # "<site>.<id>"; "broker" or "service:ingest" are of no site.
        site, dot, _ = alert.key.subject.partition(".")
        if dot and site == alert.site and alert.key.subject not in self._subjects:
            return False
        return not rule.places or any(_lies_in(alert, place) for place in rule.places)

    def _made(self, name: str, site: str) -> Policy:
        rule = self._config.rules.get(name)
        if not isinstance(rule, AlertRule):
            return NOBODY
        steps = tuple(
            Step(after, tuple(person for person in people if self._wants(person, rule, site)))
            for after, people in chain(rule, self._config.escalation)
        )
        return Policy(rule.for_, rule.clear_for, steps, rule.remind)

    def _wants(self, name: str, rule: AlertRule, site: str) -> bool:
        person: Person | None = self._config.people.get(name)
        if person is None or getattr(rule, "kind", "") in person.mute:
            return False
        return not site or not person.sites or site in person.sites


def tells_somebody(policy: Policy) -> bool:
    return any(step.people for step in policy.steps)


def _lies_in(alert: Alert, place: str) -> bool:
    site, _, room = place.partition(".")
    return site == alert.site and (not room or not alert.room or place == alert.room)
