"""How people are reached: one file a channel, found by its name in sensors.yaml under people.

A channel's module offers `Settings` (pydantic, unknown keys refused) and `Channel(settings)` with `send`, which
returns when the message is delivered and raises ChannelError when it is not. It may take its time: it is never called
on the path between a frame and a purifier. It logs neither names nor addresses. It may say REACHES_A_PERSON = False (a
log, a page) and IDEMPOTENT = True (the provider takes `Message.key` and delivers it once, however often it is sent).
A channel of several providers gives each its own `lane`, a name: messages of one lane are sent one after the other.
One that shares something between people (a quota, addresses that are not in sensors.yaml) offers
`make(settings, person, office)` instead of leaving that to its class. What the health page is to say of it (a quota
that ends), it says by `warnings(config, office)`, asked every few seconds: texts by language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel

from classair import plugins
from classair.config import Config


@dataclass(frozen=True, slots=True)
class Message:
    """In the reader's language. `urgent`: it is about something that must be looked at.

    `key`: a UUID made before the first attempt, the same at each further one. `link`: where to read more and
    acknowledge, `choose`: where its reader chooses what to be told of; both empty where no address of the dashboard is
    known. `stage`, `severity`: see classair.alerting.words. `kind`: of a message that the dashboard asked for
    (classair.alerting.messages), with its `card` in LINE's form and its `picture`, two addresses: whole and preview.
    """

    title: str
    text: str
    language: str
    urgent: bool = True
    key: str = ""
    link: str = ""
    stage: str = ""
    severity: str = "warning"
    choose: str = ""
    kind: str = ""
    card: dict[str, Any] | None = None
    picture: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider's word that it has taken the message. `repeated`: it had it already from an earlier attempt."""

    id: str = ""
    repeated: bool = False


class ChannelError(Exception):
    """Not delivered. `permanent`: trying again will not help. `reason`: one of classair.alerting.words.Reason.

    `pause_s`: how long the provider wants to be left alone; None where it does not say.
    """

    def __init__(self, why: str, *, permanent: bool, reason: str = "", pause_s: float | None = None) -> None:
        super().__init__(why)
        self.permanent, self.reason, self.pause_s = permanent, reason, pause_s


class Channel(Protocol):
    def send(self, message: Message) -> Receipt | None: ...


class Office(Protocol):
    """What channels share: addresses that people gave themselves, what is kept between restarts, the configuration."""

    def contact(self, person: str, channel: str) -> str | None:
        """The address that a person has linked (a LINE user id); None where there is none."""

    def blocked(self, person: str, channel: str) -> None:
        """The person has blocked the channel: known from now on, so that nothing is tried in vain."""

    def has_left(self, person: str, channel: str) -> bool:
        """Whether they have blocked it, also where their address stands in sensors.yaml."""

    def config(self) -> Config:
        """The configuration in force: which language the school writes, where LINE is."""

    def shared(self, name: str, make: Callable[[], object]) -> object:
        """One object for all people's channels of a kind, such as a client with its quota."""

    def remember(self, key: str, value: str) -> None: ...

    def remembered(self, key: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Way:
    """One way to one person. Messages of one `lane` are sent one after the other."""

    kind: str
    channel: Channel
    lane: str
    reaches: bool = True
    idempotent: bool = False


def make(kind: str, settings: dict[str, Any], person: str, office: Office) -> Way:
    """The way to one person. Raises plugins.UnknownPlugin, pydantic.ValidationError, ChannelError."""
    module = plugins.load("alerts.channels", kind)
    checked: BaseModel = module.Settings.model_validate(settings)
    made = module.make(checked, person, office) if hasattr(module, "make") else module.Channel(checked)
    return Way(
        kind,
        cast(Channel, made),
        str(getattr(made, "lane", kind)),
        bool(getattr(module, "REACHES_A_PERSON", True)),
        bool(getattr(module, "IDEMPOTENT", False)),
    )


def warnings(config: Config, office: Office) -> list[dict[str, str]]:
    """What the health page says of the channels in use."""
    people = config.people.values()
    kinds = {person.channel for person in people} | {person.second.channel for person in people if person.second}
    found: list[dict[str, str]] = []
    for kind in sorted(kinds):
        try:
            module = plugins.load("alerts.channels", kind)
        except plugins.UnknownPlugin:
            continue  # told where channels are made
        if hasattr(module, "warnings"):
            found += module.warnings(config, office)
    return found
