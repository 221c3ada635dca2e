"""A smart plug of Shelly, second generation or later (Plus, Pro, Gen3, Gen4), by JSON-RPC over MQTT.

`toggle_after` of Switch.Set is the expiry it holds itself; it never goes with an OFF, which it would turn into an ON.
The answer to Switch.Set tells what was, so each command is followed by a question, and its answer confirms. Its
`source` names who brought the output about, and stays: the button, the app and its own page are people; MQTT is ours,
and so is an ON with a timer over HTTP, as a bridge sends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.control.unit import Command
from alerts.purifiers import By, Publish, Said, Step, Traits
from classair import config
from classair.accounts import Account
from classair.control.orders import HttpCall
from classair.parsing.json_objects import NotReadable, read_object
from classair.parsing.names import unprintable
from classair.parsing.numbers import number_between

LONGEST_S: Final = 64_800
_PEOPLE: Final = {"button", "switch", "input", "shc", "ui", "ble", "bluetooth"}
_NETWORK: Final = {"http_in", "http", "ws_in", "ws"}
# Ids of requests say what their answers are: to a command, after one, a question, its time since start, a setting.
_SET, _AFTER, _ASKED, _SYS, _SETUP = 1, 2, 3, 4, 10
_MOST_FAULTS: Final = 5
_LONGEST_FAULT: Final = 40


class Settings(BaseModel):
    """`prefix` is its *MQTT prefix*, by default its device id; `channel` the output, counted from 0."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    prefix: Annotated[str, Field(min_length=1, max_length=200, examples=["shellyplugsg3-a4cf12f45a3c"])]
    channel: Annotated[int, Field(ge=0, le=7)] = 0

    @field_validator("prefix")
    @classmethod
    def _is_a_topic(cls, value: str) -> str:
        if char := unprintable(value) or next((char for char in "+#%?" if char in value), ""):
            raise ValueError(f"an MQTT prefix must not contain {char}")
        if value != value.strip() or not all(value.split("/")):
            raise ValueError("expected the device's MQTT prefix, without blanks or slashes at its ends")
        return value


@dataclass(frozen=True, slots=True)
class Edge:
    """ON without the server: over the broker, or by the plug's own page."""

    order: Callable[[int], Publish]
    url: str
    channel: int

    def messages(self, seconds: int) -> Sequence[Publish]:
        return [self.order(seconds)]

    def calls(self, seconds: int) -> Sequence[HttpCall]:
        if not self.url:
            return []
        query = f"id={self.channel}&on=true&toggle_after={min(seconds, LONGEST_S)}"
        return [HttpCall(f"{self.url.rstrip('/')}/rpc/Switch.Set?{query}", object_back=True)]


class Purifier:
    traits = Traits(longest_s=LONGEST_S, names_people=True)

    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self._prefix, self._channel, self._url = settings.prefix, settings.channel, unit.url
        self._part = f"switch:{settings.channel}"

    def account(self) -> Account:
        return Account((f"{self._prefix}/#",), (f"{self._prefix}/rpc", f"{self._prefix}/command/#"))

    def topics(self) -> list[str]:
        return [f"{self._prefix}/{leaf}" for leaf in ("online", "events/rpc", "classair/rpc", f"status/{self._part}")]

    def command(self, command: Command) -> list[Publish]:
        if command.on:
            assert command.seconds is not None, "an ON always carries an expiry"
            return [self._on(command.seconds), self._status_asked(_AFTER)]
        return [self._request(_SET, "Switch.Set", {"id": self._channel, "on": False}), self._status_asked(_AFTER)]

    def query(self) -> list[Publish]:
        return [self._request(_SYS, "Sys.GetStatus", {}), self._status_asked(_ASKED)]

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        leaf = topic.removeprefix(f"{self._prefix}/")
        if leaf == topic or len(payload) > 8192:
            return []
        if leaf == "online":
            told = payload.decode("utf-8", "replace")
            return [Said(online=told == "true")] if told in ("true", "false") else []
        if retained or leaf not in ("events/rpc", "classair/rpc", f"status/{self._part}"):
            return []
        try:
            frame, _ = read_object(payload)
        except NotReadable:
            return []
        if leaf == f"status/{self._part}":
            return self._switch(frame, answer=False, whole=True)
        return self._notified(frame) if leaf == "events/rpc" else self._answered(frame)

    def edge(self) -> Edge:
        return Edge(self._on, self._url, self._channel)

    def prepare(self) -> list[Step]:
        switch = {"id": self._channel, "config": {"initial_state": "off"}}
        return [
            # Retained commands of other programs wait on the topics of MQTT control; RPC goes on without it.
            self._step("reports", 0, "MQTT.SetConfig", {"config": {"status_ntf": True, "rpc_ntf": True}}),
            self._step("no_control", 1, "MQTT.SetConfig", {"config": {"enable_control": False}}),
            # Off after a power cut: it has no timer then, and an ON with one comes within seconds of its birth.
            self._step("mains_return", 2, "Switch.SetConfig", switch),
        ]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _on(self, seconds: int) -> Publish:
        return self._request(
            _SET, "Switch.Set", {"id": self._channel, "on": True, "toggle_after": min(seconds, LONGEST_S)}
        )

    def _status_asked(self, number: int) -> Publish:
        return self._request(number, "Switch.GetStatus", {"id": self._channel})

    def _request(self, number: int, method: str, params: dict[str, Any]) -> Publish:
        frame = {"id": number, "src": f"{self._prefix}/classair", "method": method, "params": params}
        return Publish(f"{self._prefix}/rpc", json.dumps(frame, separators=(",", ":")))

    def _step(self, key: str, number: int, method: str, params: dict[str, Any]) -> Step:
        def answered(topic: str, payload: bytes) -> bool | None:
            if topic != f"{self._prefix}/classair/rpc":
                return None
            try:
                frame, _ = read_object(payload)
            except NotReadable:
                return None
            return isinstance(frame.get("result"), dict) if frame.get("id") == _SETUP + number else None

        return Step(key, self._request(_SETUP + number, method, params), answered)

    def _answered(self, frame: dict[str, Any]) -> list[Said]:
        number, result, error = frame.get("id"), frame.get("result"), frame.get("error")
        if number == _SET and isinstance(error, dict):
            return [Said(faults=(str(error.get("message"))[:_LONGEST_FAULT],))]
        if not isinstance(result, dict):
            return []
        if number == _SYS:
            up_s = number_between(result.get("uptime"), 0, 1e10)
            return [Said(up_s=up_s)] if up_s is not None else []
        if number not in (_AFTER, _ASKED):
            return []
        # An ON that has no timer is not the one that was ordered.
        ordered = number == _AFTER and (result.get("output") is not True or "timer_duration" in result)
        return self._switch(result, answer=ordered, whole=True)

    def _notified(self, frame: dict[str, Any]) -> list[Said]:
        params = frame.get("params")
        part = params.get(self._part) if isinstance(params, dict) else None
        if frame.get("method") not in ("NotifyStatus", "NotifyFullStatus") or not isinstance(part, dict):
            return [Said()]
        return self._switch(part, answer=True, whole=frame.get("method") == "NotifyFullStatus")

    def _switch(self, told: dict[str, Any], answer: bool, whole: bool) -> list[Said]:
        """What a status says; one that is not `whole` names only what has changed."""
        output, source, watts, errors = (told.get(key) for key in ("output", "source", "apower", "errors"))
        if not isinstance(output, bool):
            output = None
        faults: tuple[str, ...] | None = () if whole else None
        if isinstance(errors, list):
            faults = tuple(str(error)[:_LONGEST_FAULT] for error in errors[:_MOST_FAULTS])
        return [
            Said(
                on=output,
                answer=answer and output is not None,
                by=_by(source, output, "timer_duration" in told) if output is not None else "",
                watts=_watts(watts),
                faults=faults,
            )
        ]


def _by(source: Any, on: bool | None, timed: bool) -> By:
    word = source.lower() if isinstance(source, str) else ""
    if word == "init":
        return "start"
    if word == "timer":
        return "timer"
    if word == "mqtt" or (word in _NETWORK and on and timed):
        return "command"
    return "person" if word in _PEOPLE or word in _NETWORK else ""


def _watts(told: Any) -> float | None:
    """A meter may show a little less than nothing."""
    watts = number_between(told, -100, 100_000)
    return None if watts is None else max(0.0, watts)
