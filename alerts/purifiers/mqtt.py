"""Any purifier or relay that is switched by MQTT, described by its topics and payloads.

Without topics it speaks the wire for home-built devices (docs/wire.md): orders on `purifier/<site>.<id>/set`, its own
word on `…/state`, a last will on `…/status`. An expiry is the device's own only where its ON carries `{seconds}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from alerts.control.unit import Command
from alerts.purifiers import By, Publish, Said, Step, Traits
from classair import config
from classair.accounts import Account
from classair.control.orders import HttpCall
from classair.parsing.json_objects import NotReadable, read_object
from classair.parsing.names import unprintable
from classair.parsing.numbers import number_between

ANSWER_MS: Final = 10_000  # a state so soon after a command is its answer, where none names the command
LONGEST_WORD: Final = 20
LARGEST: Final = 4096
_BY: Final = ("person", "command", "timer", "start")
_PLACE: Final = re.compile(r"\{(id|seconds|speed|percent|reason)\}")
_WORDS: Final = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}


def _as_written(value: Any) -> Any:
    """YAML reads a bare on or off as yes or no, and a bare 1 as a number."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) if isinstance(value, int | float) else value


Topic = Annotated[str, Field(max_length=256)]
Words = Annotated[str, BeforeValidator(_as_written), Field(max_length=512)]
Path = Annotated[str, Field(max_length=128)]


class Settings(BaseModel):
    """Payloads may hold {seconds}, {speed}, {percent}, {id} and {reason}. A path is keys with dots: relay.state."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    command_topic: Topic = ""
    payload_on: Words = "ON"
    payload_off: Words = "OFF"
    state_topic: Topic = ""
    state_path: Path = ""
    state_on: Words = ""
    state_off: Words = ""
    power_path: Path = ""
    availability_topic: Topic = ""
    available: Words = "online"
    not_available: Words = "offline"
    query_topic: Topic = ""
    query_payload: Words = ""
    longest: Annotated[int, Field(ge=60, le=86_400)] = 64_800
    http_on: Annotated[str, Field(max_length=256, pattern=r"^(/[^\s]*)?$")] = ""

    @field_validator("command_topic", "state_topic", "availability_topic", "query_topic")
    @classmethod
    def _is_a_topic(cls, value: str) -> str:
        if char := unprintable(value) or next((char for char in "+#" if char in value), ""):
            raise ValueError(f"a topic must not contain {char}")
        if value != value.strip():
            raise ValueError("must not begin or end with a blank")
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        if not self.command_topic and self.model_fields_set - {"longest"}:
            raise ValueError("command_topic is missing. Without any topic the device speaks purifier/<site>.<id>/…")
        if self.command_topic and not self.state_topic:
            raise ValueError("state_topic is missing: a command counts when the device says its state")
        if (self.state_on == "") != (self.state_off == ""):
            raise ValueError("state_on and state_off: expected both or neither")
        if self.command_topic and self.state_topic in (self.command_topic, self.query_topic):
            raise ValueError(
                "state_topic: expected another topic than the device is told on; else our own words confirm"
            )
        for on, off in (("payload_on", "payload_off"), ("state_on", "state_off")):
            if (word := getattr(self, on).strip().lower()) and word == getattr(self, off).strip().lower():
                raise ValueError(f"{on} and {off}: expected two different words; a toggle may do the contrary")
        if self.http_on and "{seconds}" not in self.http_on:
            raise ValueError("http_on: expected {seconds}; an ON without an expiry would never end")
        return self


@dataclass(frozen=True, slots=True)
class Wire:
    """All that is written and read, whether from settings or of the wire for home-built devices.

    echoes: the state repeats the id of the order that it answers. names: it says who brought it about.
    """

    command: str
    on: str
    off: str
    query: tuple[str, str] | None
    state: str
    state_path: str
    words: dict[str, bool]
    power_path: str
    availability: str
    available: tuple[str, str]
    echoes: bool = False
    names: bool = False


def _own(name: str) -> Wire:
    base = f"purifier/{name}"
    return Wire(
        command=f"{base}/set",
        on='{"id":"{id}","on":true,"seconds":{seconds},"speed":"{speed}","reason":"{reason}"}',
        off='{"id":"{id}","on":false,"reason":"{reason}"}',
        query=(f"{base}/get", ""),
        state=f"{base}/state",
        state_path="on",
        words=_WORDS,
        power_path="watts",
        availability=f"{base}/status",
        available=("online", "offline"),
        echoes=True,
        names=True,
    )


def _described(it: Settings) -> Wire:
    words = {it.state_on.lower(): True, it.state_off.lower(): False} if it.state_on else _WORDS
    if not it.state_on:
        # What switches it on is usually also how it says that it is on.
        words = {it.payload_on.lower(): True, it.payload_off.lower(): False, **words}
    return Wire(
        command=it.command_topic,
        on=it.payload_on,
        off=it.payload_off,
        query=(it.query_topic, it.query_payload) if it.query_topic else None,
        state=it.state_topic,
        state_path=it.state_path,
        words=words,
        power_path=it.power_path,
        availability=it.availability_topic,
        available=(it.available, it.not_available),
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """ON without the server: over the broker, or by a request to the device."""

    order: Callable[[int], Publish]
    address: str

    def messages(self, seconds: int) -> Sequence[Publish]:
        return [self.order(seconds)]

    def calls(self, seconds: int) -> Sequence[HttpCall]:
        return [HttpCall(self.address.replace("{seconds}", str(seconds)))] if self.address else []


class Purifier:
    def __init__(
        self,
        name: str,
        settings: Settings,
        unit: config.Purifier,
        clock: Callable[[], int],
        wire: Wire | None = None,
    ) -> None:
        self._wire = wire = wire or (_described(settings) if settings.command_topic else _own(name))
        self._longest, self._clock = settings.longest, clock
        self._speeds = [speed.name for speed in unit.speeds]
        self._address = f"{unit.url.rstrip('/')}{settings.http_on}" if unit.url and settings.http_on else ""
        self._commanded: tuple[str, int] | None = None  # the id of the last command, and when
        self._last: bool | None = None
        self.traits = Traits(
            expires="{seconds}" in wire.on,
            longest_s=settings.longest,
            asked=wire.query is not None,
            names_people=wire.names,
            meters=bool(wire.power_path) and not wire.echoes,
            speeds=bool(unit.speeds) and ("{speed}" in wire.on or "{percent}" in wire.on),
        )

    def account(self) -> Account:
        wire = self._wire
        reads = [wire.command, *([wire.query[0]] if wire.query else [])]
        return Account(tuple(dict.fromkeys(self.topics())), tuple(dict.fromkeys(reads)))

    def topics(self) -> list[str]:
        return [topic for topic in (self._wire.state, self._wire.availability) if topic]

    def command(self, command: Command) -> list[Publish]:
        number = str(self._clock())
        self._commanded = (number, self._clock())
        if command.on:
            assert command.seconds is not None, "an ON always carries an expiry"
            return [self._order(self._wire.on, number, command.seconds, command.speed, command.reason)]
        return [self._order(self._wire.off, number, 0, None, command.reason)]

    def query(self) -> list[Publish]:
        return [Publish(*self._wire.query)] if self._wire.query else []

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        wire = self._wire
        if len(payload) > LARGEST:
            return []
        text = payload.decode("utf-8", "replace").strip()
        if topic == wire.availability and topic and text in wire.available:
            return [Said(online=text == wire.available[0])]
        if topic != wire.state or retained:
            return []  # a retained state has no time of its own: it may be of last week
        if not wire.state_path:
            return self._told(text, {}) if text else []
        try:
            told, _ = read_object(payload)
        except NotReadable:
            return []
        word = _at(told, wire.state_path)
        if word is None or isinstance(word, dict | list):
            return [self._more(told, Said())] if told else []
        return self._told(word if isinstance(word, str) else json.dumps(word), told)

    def edge(self) -> Edge | None:
        def order(seconds: int) -> Publish:
            return self._order(self._wire.on, "edge", seconds, None, "edge")

        return Edge(order, self._address) if self.traits.expires else None

    def prepare(self) -> list[Step]:
        return []

    # -- inside -------------------------------------------------------------------------------------------------------

    def _order(self, template: str, number: str, seconds: int, speed: int | None, reason: str) -> Publish:
        count = len(self._speeds)
        index = min(speed, count - 1) if speed is not None and count else count - 1
        given = {
            "id": number,
            "seconds": str(min(seconds, self._longest)),
            "speed": self._speeds[index] if count else "",
            "percent": str(round(100 * (index + 1) / count)) if count else "100",
            "reason": json.dumps(reason, ensure_ascii=False)[1:-1],
        }
        return Publish(self._wire.command, _PLACE.sub(lambda place: given[place[1]], template))

    def _told(self, word: str, told: dict[str, Any]) -> list[Said]:
        on = self._wire.words.get(word.strip().lower())
        if on is None:
            return [Said(unread=word.strip()[:LONGEST_WORD])]
        answer = self._is_answer(on, told)
        self._last = on
        return [self._more(told, Said(on=on, answer=answer))]

    def _is_answer(self, on: bool, told: dict[str, Any]) -> bool:
        if self._commanded is None:
            return False
        number, at = self._commanded
        if self._wire.echoes:
            return told.get("id") == number
        return on is not self._last or 0 <= self._clock() - at <= ANSWER_MS

    def _more(self, told: dict[str, Any], said: Said) -> Said:
        """What else a state of JSON says."""
        watts = _number(_at(told, self._wire.power_path)) if self._wire.power_path else None
        if not self._wire.echoes:
            return Said(on=said.on, answer=said.answer, watts=watts)
        by, faults = told.get("by"), told.get("faults")
        return Said(
            on=said.on,
            answer=said.answer,
            by=cast(By, by) if self._wire.names and by in _BY and said.on is not None else "",
            watts=watts,
            faults=tuple(str(fault)[:40] for fault in faults[:5]) if isinstance(faults, list) else None,
            speed=self._speed(told),
            up_s=_number(told.get("up_s")),
            names_people="by" in told if self._wire.names and said.on is not None else None,
        )

    def _speed(self, told: dict[str, Any]) -> int | None:
        """By its name, or as the nearest to a share of 100 percent."""
        name, percent = told.get("speed"), _number(told.get("percent"))
        if isinstance(name, str) and name in self._speeds:
            return self._speeds.index(name)
        if not self._speeds or not percent or percent > 100:
            return None
        return max(0, min(len(self._speeds), round(percent / 100 * len(self._speeds))) - 1)


def _at(told: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(told, list) and key.isdecimal() and int(key) < len(told):
            told = told[int(key)]
        elif isinstance(told, dict):
            told = told.get(key)
        else:
            return None
    return told


def _number(told: Any) -> float | None:
    return number_between(told, 0, 1e9)
