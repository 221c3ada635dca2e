"""What of rules and people works and had better be otherwise (`classair check`)."""

from __future__ import annotations

from collections.abc import Iterator

from classair.alerting.words import CHANNELS_THAT_REACH_NOBODY
from classair.config import AboveRule, Address, AlertRule, Config, chain


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
    for name, person in config.people.items():
        second = person.second
        if second is not None and not _reaches(person) and _reaches(second):
            yield (
                f"people.{name}.second: is never used, because {person.channel} takes every message; make "
                f"{second.channel} the channel and {person.channel} the second"
            )


def _reaches(way: Address) -> bool:
    """By its own channel: the second one is used only where that fails."""
    return way.channel not in CHANNELS_THAT_REACH_NOBODY
