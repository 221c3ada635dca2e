"""A Shelly plug or relay of the first generation (Shelly 1, 1PM, Plug, Plug S, 2.5, …), over MQTT and its own page.

Its timer is documented for its page alone (`/relay/0?turn=on&timer=`), not for MQTT. With `url` an ON goes there, and
the answer shows the timer; with MQTT alone nothing ends an ON but control. What switched it (`source`) stands on the
page and in `info`, never in the message of a change: a change is therefore looked up before it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from alerts.control.unit import Command
from alerts.purifiers import By, Publish, Said, Step, Traits
from alerts.purifiers._asked import Asked, Reading
from alerts.purifiers._http import get_object
from classair import config
from classair.accounts import Account
from classair.control.orders import HttpCall
from classair.parsing.json_objects import NotReadable, read_object

LONGEST_WORD: Final = 20
MAX_SECONDS: Final = 64_800
ANSWER_MS: Final = 60_000
_WORDS: Final = {"on": True, "off": False}
_PEOPLE: Final = ("input", "button", "switch", "cloud", "ui")
_LONGEST_MESSAGE: Final = 8192


class Settings(BaseModel):
    """`topic`: its id below `shellies/`, or the MQTT prefix set on its page. `channel`: which of its relays."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["shellyplug-s-041290"])]
    channel: Annotated[int, Field(ge=0, le=3)] = 0


def faults(unit: config.Purifier) -> Iterator[str]:
    """An address that its page does not have."""
    if unit.url.startswith("https:"):
        yield "url: expected http://…, for a Shelly of the first generation has no https page"


@dataclass(frozen=True, slots=True)
class Edge:
    """ON without the server, by its own page: there is no timer over the broker."""

    url: str

    def messages(self, seconds: int) -> Sequence[Publish]:
        return []

    def calls(self, seconds: int) -> Sequence[HttpCall]:
        return [HttpCall(f"{self.url}?turn=on&timer={min(seconds, MAX_SECONDS)}", object_back=True)]


class Page:
    """Its own page (a Way). `relay` is the address of the relay, `status` that of everything."""

    def __init__(self, url: str, channel: int) -> None:
        self.relay, self._status = f"{url.rstrip('/')}/relay/{channel}", f"{url.rstrip('/')}/status"
        self._channel = channel

    async def switch(self, command: Command) -> None:
        if command.on:
            await get_object(f"{self.relay}?turn=on&timer={min(command.seconds or 0, MAX_SECONDS)}")

    async def read(self) -> Reading:
        told = await get_object(self._status)
        return Reading(status(told, self._channel), _left(_part(told, "relays", self._channel)))

    async def leave(self) -> None:
        return None


class Purifier:
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self._clock, self._channel = clock, settings.channel
        self._prefix = f"shellies/{settings.topic}"
        self._relay = f"{self._prefix}/relay/{settings.channel}"
        page = Page(unit.url, settings.channel) if unit.url else None
        self._page = page
        self._asked = Asked(name, page, expires=True) if page is not None else None
        # On its page it names who switched it; over MQTT alone it does not.
        self.traits = Traits(expires=page is not None, longest_s=MAX_SECONDS, names_people=page is not None)
        self._awaited: tuple[bool, int] | None = None

    def account(self) -> Account:
        return Account(tuple(self.topics()), (f"{self._relay}/command", f"{self._prefix}/command"))

    def topics(self) -> list[str]:
        return [
            self._relay,
            f"{self._relay}/power",
            *(f"{self._prefix}/{leaf}" for leaf in ("online", "info", "overtemperature")),
        ]

    def command(self, command: Command) -> list[Publish]:
        self._awaited = (command.on, self._clock())
        if self._asked is not None:
            self._asked.order(command)
            if command.on:
                return []
        # Our OFF comes over MQTT, so that one over its page is somebody's.
        return [Publish(f"{self._relay}/command", "on" if command.on else "off")]

    def query(self) -> list[Publish]:
        if self._asked is not None:
            self._asked.ask()
        return [Publish(f"{self._prefix}/command", "announce")]

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def heard(self) -> list[Said]:
        return self._asked.heard() if self._asked is not None else []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        if topic not in self.topics() or len(payload) > _LONGEST_MESSAGE:
            return []
        word = payload.decode("utf-8", "replace").strip()
        if topic == f"{self._prefix}/online":
            return [Said(online=word == "true")] if word in ("true", "false") else []
        if retained:
            return []  # a retained state has no time of its own: it may be of last week
        if topic == self._relay:
            return self._moved(word)
        if topic == f"{self._relay}/power":
            watts = _number(word)
            return [Said(watts=watts)] if watts is not None else []
        if topic == f"{self._prefix}/overtemperature":
            return [Said(faults=("overtemperature",) if word == "1" else ())] if word in ("0", "1") else []
        try:
            told, _ = read_object(payload)
        except NotReadable:
            return []
        said = status(told, self._channel)
        return [] if said == Said() else [said]

    def edge(self) -> Edge | None:
        return Edge(self._page.relay) if self._page is not None else None

    def prepare(self) -> list[Step]:
        return []

    # -- inside -------------------------------------------------------------------------------------------------------

    def _moved(self, word: str) -> list[Said]:
        """`on` or `off`, said after each change and in between; `overpower` when it has switched itself off."""
        if word == "overpower":
            return [Said(on=False, answer=True, faults=("overpower",))]
        on = _WORDS.get(word.lower())
        if on is None:
            return [Said(unread=word[:LONGEST_WORD])] if word else []
        if self._asked is not None and self._asked.reachable:
            self._asked.ask()
            return [Said()]
        awaited = self._awaited
        if awaited is None or awaited[0] is not on or not 0 <= self._clock() - awaited[1] <= ANSWER_MS:
            return [Said(on=on)]
        self._awaited = None
        return [Said(on=on, answer=True)]


def status(told: Mapping[str, Any], channel: int) -> Said:
    """What `/status`, and `info` over MQTT, say of one relay."""
    relay, meter = _part(told, "relays", channel), _part(told, "meters", channel)
    on = relay.get("ison")
    if not isinstance(on, bool):
        return Said()
    words = [word for word in ("overpower", "overtemperature") if relay.get(word) is True or told.get(word) is True]
    return Said(
        on=on,
        by=_by(relay.get("source"), on, relay.get("has_timer") is True),
        watts=_number(meter.get("power")) if meter.get("is_valid") is not False else None,
        faults=tuple(words),
        up_s=_number(told.get("uptime")),
    )


def _by(source: Any, on: bool, timed: bool) -> By:
    if source == "timer":
        return "timer"
    # Ours: an ON with a timer over the page, an OFF over MQTT. A browser gives no timer.
    if source == "mqtt" or (source == "http" and on and timed):
        return "command"
    return "person" if source in _PEOPLE or source == "http" else ""


def _left(relay: Mapping[str, Any]) -> float | None:
    return _number(relay.get("timer_remaining")) if relay.get("has_timer") is True else None


def _part(told: Mapping[str, Any], name: str, channel: int) -> Mapping[str, Any]:
    parts = told.get(name)
    part = parts[channel] if isinstance(parts, list) and channel < len(parts) else None
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> float | None:
    try:
        number = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= 1e10 else None
