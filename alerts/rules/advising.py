"""What of rules and people works and had better be otherwise (`classair check`)."""

from __future__ import annotations

from collections.abc import Iterator

from classair.alerting.words import CHANNELS_THAT_REACH_NOBODY
from classair.config import AboveRule, AlertRule, Config, Person, chain


def advice(config: Config) -> Iterator[str]:
    urgent: set[str] = set()
    real = not all(config.site_simulated(site) for site in config.sites)
    for name, rule in config.rules.items():
        if not isinstance(rule, AlertRule):
            continue
        people = {person for _, step in chain(rule, config.escalation) for person in step}
        if not people:
            yield f"rules.{name}: tells nobody; add tell or escalation"
        elif real and not any(_reaches(config.people[person]) for person in people):
            yield (
                f"rules.{name}: reaches nobody, because {' and '.join(CHANNELS_THAT_REACH_NOBODY)} only write down; "
                "give somebody another channel, such as apprise or line"
            )
        if rule.severity == "urgent" or isinstance(rule, AboveRule):
            urgent |= people
    for name in sorted(urgent):
        person = config.people[name]
        if _reaches(person) and person.second is None:
            yield f"people.{name}.second: is missing, so an urgent message is lost if {person.channel} fails"


def _reaches(person: Person) -> bool:
    ways = [person.channel] + ([person.second.channel] if person.second is not None else [])
    return any(way not in CHANNELS_THAT_REACH_NOBODY for way in ways)
