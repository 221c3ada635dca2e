"""How long an alert waits and whom it tells, by the rules and people of sensors.yaml."""

from __future__ import annotations

from alerts.lifecycle.model import Alert, Key, Policy, Step
from classair.config import AlertRule, Config, chain

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

    def tells_somebody(self, key: Key, site: str) -> bool:
        """Whether the chain has anybody who has not muted this kind of rule."""
        kind = getattr(self._config.rules.get(key.rule), "kind", "")
        people = {person for step in self.of(key, site).steps for person in step.people}
        return any(kind not in self._config.people[person].mute for person in people)

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
            Step(after, tuple(person for person in people if self._wants(person, site)))
            for after, people in chain(rule, self._config.escalation)
        )
        return Policy(rule.for_, rule.clear_for, steps, rule.remind)

    def _wants(self, name: str, site: str) -> bool:
        person = self._config.people.get(name)
        return person is not None and (not site or not person.sites or site in person.sites)


def _lies_in(alert: Alert, place: str) -> bool:
    site, _, room = place.partition(".")
    return site == alert.site and (not room or not alert.room or place == alert.room)
