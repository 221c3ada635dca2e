"""An office in memory: addresses, what is kept, and a configuration with people who are told by LINE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alerts.line.desk import TOKEN as TOKEN_VARIABLE
from alerts.line.desk import Desk
from classair import config as configuration
from classair.config import Config
from simulator.line.server import LineFake
from tests.neighbours.line import TOKEN

DEMO = (Path(__file__).parents[3] / "sensors.yaml").read_text("utf-8")


def configured(api: str, people: str = "{}") -> Config:
    """The demo with these people (YAML, in one line) in place of its own, and LINE at `api`."""
    import yaml

    tree = yaml.safe_load(DEMO)
    tree.update(people=yaml.safe_load(people), line={"api": api}, rules={}, escalation={})
    return configuration.parse(yaml.safe_dump(tree, allow_unicode=True))


class MemoryOffice:
    """alerts.channels.Office, as long as it lives."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.contacts: dict[tuple[str, str], str] = {}
        self.gone: set[tuple[str, str]] = set()
        self.kept: dict[str, str] = {}
        self._shared: dict[str, object] = {}

    def config(self) -> Config:
        return self._config

    def contact(self, person: str, channel: str) -> str | None:
        return None if (person, channel) in self.gone else self.contacts.get((person, channel))

    def blocked(self, person: str, channel: str) -> None:
        self.gone.add((person, channel))

    def shared(self, name: str, make: Callable[[], object]) -> object:
        return self._shared.setdefault(name, make())

    def remember(self, key: str, value: str) -> None:
        self.kept[key] = value

    def remembered(self, key: str) -> str | None:
        return self.kept.get(key)


def office_of(fake: LineFake, people: str = "{}") -> MemoryOffice:
    """With the desk of LINE at the fake, on the fake's own clock."""
    office = MemoryOffice(configured(fake.url, people))
    desk = Desk(office, {TOKEN_VARIABLE: TOKEN}, lambda: int(fake.platform.now() * 1000))
    office.shared("line", lambda: desk)
    return office
