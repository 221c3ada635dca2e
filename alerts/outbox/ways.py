"""How each person is reached: the ways that sensors.yaml names, made once and kept while they stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from alerts import channels
from alerts.channels import ChannelError, Office, Way
from alerts.outbox.addressed import to_address
from alerts.outbox.rows import Row
from classair.config import Person
from classair.plugins import UnknownPlugin


@dataclass(frozen=True, slots=True)
class _Made:
    kind: str
    settings: dict[str, Any]
    way: Way


class Ways:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._made: dict[tuple[str, int], _Made] = {}
        self._ways: dict[str, list[Way]] = {}

    def follow(self, people: dict[str, Person]) -> list[str]:
        """What is wrong, one line each; none of them names an address."""
        wrong: list[str] = []
        made: dict[tuple[str, int], _Made] = {}
        for name, person in people.items():
            for number, address in enumerate([person, *([person.second] if person.second else [])]):
                kind, settings = address.channel, address.settings()
                known = self._made.get((name, number))
                if known is None or (known.kind, known.settings) != (kind, settings):
                    try:
                        known = _Made(kind, settings, channels.make(kind, settings, name, self._office))
                    except (UnknownPlugin, ValidationError, ChannelError) as error:
                        what = (
                            "its settings are not valid for the channel"
                            if isinstance(error, ValidationError)
                            else error
                        )
                        wrong.append(f"people.{name}{'.second' if number else ''}: {what}")
                        continue
                made[name, number] = known
        self._made = made
        self._ways = {}
        for (name, _), it in sorted(made.items()):
            self._ways.setdefault(name, []).append(it.way)
        return wrong

    def of(self, row: Row) -> list[Way]:
        """The first way, then the second, as far as they can be used; the one way to an address."""
        if row.letter is not None and row.letter.address:
            return to_address(row.letter.channel, row.letter.address, self._office)
        return self._ways.get(row.person, [])
