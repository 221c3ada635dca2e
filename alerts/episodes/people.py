"""Whom a smoke episode concerns: the chains of the rules of kind smoke_episode, school by school."""

from __future__ import annotations

from classair.config import Config, SmokeEpisodeRule
from classair.config.notifying import chain


def chain_of(config: Config, site: str, only: str = "") -> list[list[str]]:
    """The people of a school, step by step, each once; those whose `sites` leave the school out are not asked.

    `only`: of this rule.
    """
    steps: dict[float, list[str]] = {}
    for rule_name, rule in config.rules.items():
        if not isinstance(rule, SmokeEpisodeRule) or not _covers(rule, site) or only not in ("", rule_name):
            continue
        for after, people in chain(rule, config.escalation):
            steps.setdefault(after, []).extend(people)
    seen: set[str] = set()
    found: list[list[str]] = []
    for after in sorted(steps):
        step = []
        for name in steps[after]:
            person = config.people.get(name)
            if name not in seen and person is not None and (not person.sites or site in person.sites):
                seen.add(name)
                step.append(name)
        if step:
            found.append(step)
    return found


def _covers(rule: SmokeEpisodeRule, site: str) -> bool:
    return not rule.places or any(place.partition(".")[0] == site for place in rule.places)
