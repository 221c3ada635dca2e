"""A smart socket with Tasmota firmware, over MQTT.

Its PulseTime is the expiry it holds itself. Three traps of the firmware are avoided here: an empty POWER question
wipes the running timer (Tasmota #9325), so it is asked by `Status 11`; the timer runs in full again after a reboot
(#23526), so a birth message makes control send the expiry anew; `Power ON` restarts the timer (#12323), which is
what renews a lease.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Step, Traits
from classair import config
from classair.accounts import USER, Account
from classair.control.orders import HttpCall
from classair.parsing.json_objects import NotReadable, read_object
from classair.parsing.names import unprintable
from classair.parsing.numbers import number_between

MAX_SECONDS: Final = 64_800  # PulseTime 64900
LONGEST_WORD: Final = 20
PRESS_MS: Final = 3_000  # a relay that moves so soon after the button did so because of it
UNSURE_MS: Final = 5_000
LEASE_S: Final = 300  # how long the plug's own rule switches on, and how often it looks again
LOOK_S: Final = 120
_KEYS: Final = ("POWER", "POWER1")
_ANSWERS: Final = ("RESULT", "POWER", "POWER1", "STATUS10", "STATUS11")
# StateText1 and StateText2 can be renamed; these words mean the same to everybody.
_ON: Final = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
_DAYS: Final = re.compile(r"(\d{1,6})T(\d\d):(\d\d):(\d\d)", re.ASCII)


class Settings(BaseModel):
    """`topic` is the device's own Topic; FullTopic is the firmware's default, %prefix%/%topic%/."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    topic: Annotated[str, Field(min_length=1, max_length=64, examples=["socket-p1-2"])]

    @field_validator("topic")
    @classmethod
    def _one_level(cls, value: str) -> str:
        """Blanks and letters of any script are ordinary in it. The firmware itself refuses slashes and wildcards."""
        if char := unprintable(value) or next((char for char in "/+#" if char in value), ""):
            raise ValueError(f"a Topic of Tasmota must not contain {char}")
        if value != value.strip():
            raise ValueError("must not begin or end with a blank")
        return value


def pulse_time(seconds: int) -> int:
    """The PulseTime setting that lasts so long: tenths of a second up to 11.1 s, above that seconds + 100."""
    if seconds <= 11:
        return max(1, seconds) * 10
    return min(seconds, MAX_SECONDS) + 100


RULE: Final = (
    # A press is remembered by the plug's minutes since start and its clock, and its own rule does not fight it.
    "ON Button1#State=10 DO Backlog0 Var3 %uptime% %timestamp%; Var1 rest; Power1 TOGGLE ENDON "
    # Var1 is `dust` while children are there; without a broker the plug then stays on by itself, a lease at a time.
    "ON Mqtt#Disconnected DO event %var1% ENDON "
    f"ON event#dust DO Backlog0 PulseTime1 {pulse_time(LEASE_S)}; Power1 ON; RuleTimer2 {LOOK_S} ENDON "
    "ON Rules#Timer=2 DO event %var1% ENDON "
    "ON Mqtt#Connected DO RuleTimer2 0 ENDON "
    "ON Rules#Timer=1 DO Var1 rest ENDON"
)
"""The plug's own rule. Var and RuleTimer are memory, not flash: they wear nothing out, and a power cut ends them."""


@dataclass(frozen=True, slots=True)
class Edge:
    """ON without the server: over the broker, or by the plug's own page."""

    topic: str
    url: str

    def messages(self, seconds: int) -> Sequence[Publish]:
        return [Publish(f"cmnd/{self.topic}/Backlog0", _on(seconds))]

    def calls(self, seconds: int) -> Sequence[HttpCall]:
        if not self.url:
            return []
        return [HttpCall(f"{self.url.rstrip('/')}/cm?cmnd={quote('Backlog0 ' + _on(seconds))}", object_back=True)]


class Purifier:
    traits = Traits(longest_s=MAX_SECONDS)

    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self.name, self.topic, self._url, self._clock = name, settings.topic, unit.url, clock
        self._pressed_at: int | None = None
        self._moved: tuple[bool, int] | None = None  # what the relay last said of itself, and when
        self._commanded_at = 0
        self._pressed: tuple[int, datetime | None] | None = None  # the last press, as Var3 has it
        self._unsure_until = 0  # after its birth: until it has said what its button did meanwhile

    def account(self) -> Account:
        # A board signs in with its Topic as user name; where that cannot be one, with its full id.
        user = self.topic if re.fullmatch(USER, self.topic) else ""
        return Account((f"stat/{self.topic}/#", f"tele/{self.topic}/#"), (f"cmnd/{self.topic}/#",), user)

    def topics(self) -> list[str]:
        return [
            *(f"stat/{self.topic}/{leaf}" for leaf in _ANSWERS),
            *(f"tele/{self.topic}/{leaf}" for leaf in ("STATE", "SENSOR", "LWT")),
        ]

    def command(self, command: Command) -> list[Publish]:
        self._commanded_at, self._unsure_until = self._clock(), 0
        if command.on:
            assert command.seconds is not None, "an ON always carries an expiry"
            # Backlog0: both in one message and without a pause, so that no ON can arrive without its expiry.
            return [Publish(f"cmnd/{self.topic}/Backlog0", _on(command.seconds))]
        return [Publish(f"cmnd/{self.topic}/Power1", "OFF")]

    def query(self) -> list[Publish]:
        # Var3 first: it says who brought about the state that 11 tells.
        return [Publish(f"cmnd/{self.topic}/Backlog0", "Var3; SetOption73; Status 10; Status 11")]

    def occupied(self, seconds: int | None) -> list[Publish]:
        told = f"Var1 dust; RuleTimer1 {min(seconds, MAX_SECONDS)}" if seconds else "Var1 rest; RuleTimer1 0"
        return [Publish(f"cmnd/{self.topic}/Backlog0", told)]

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        prefix, _, rest = topic.partition("/")
        mine, _, leaf = rest.rpartition("/")
        if mine != self.topic or len(payload) > 4096:
            return []
        text = payload.decode("utf-8", "replace")
        if (prefix, leaf) == ("tele", "LWT"):
            if text == "Online":
                self._unsure_until = self._clock() + UNSURE_MS
            return [Said(online=text == "Online")] if text in ("Online", "Offline") else []
        if retained:
            return []  # a retained state has no time of its own: it may be of last week
        if prefix == "stat" and leaf in _KEYS:
            return self._sure(self._moved_to(text, last=True))
        try:
            told, _ = read_object(payload)
        except NotReadable:
            return []
        if (prefix, leaf) == ("stat", "STATUS11"):
            self._unsure_until = 0
            return self._reported(told.get("StatusSTS"))
        if (prefix, leaf) == ("tele", "STATE"):
            return self._sure(self._reported(told))
        if (prefix, leaf) == ("stat", "STATUS10"):
            return _drawn(told.get("StatusSNS"))
        if (prefix, leaf) == ("tele", "SENSOR"):
            return _drawn(told)
        return self._answered(told) if (prefix, leaf) == ("stat", "RESULT") else []

    def edge(self) -> Edge:
        return Edge(self.topic, self._url)

    def prepare(self) -> list[Step]:
        return [
            self._step("reports", "TelePeriod", "60"),
            self._step("mains_return", "PowerOnState", "3"),
            self._step("keepalive", "MqttKeepAlive", "15"),
            self._step("meter", "PowerDelta", "110", optional=True),  # above 100 it counts watts
            # The rule before SetOption73: a button that is detached without it would switch nothing any more.
            self._step("rule", "Rule3", RULE),
            self._step("rule_on", "Rule3", "1"),
            self._step("button", "SetOption73", "1"),
        ]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _step(self, key: str, command: str, value: str, optional: bool = False) -> Step:
        """A setting whose answer repeats it, as {"TelePeriod":60} or {"Rule3":{"State":"ON","Rules":"…"}}."""

        def answered(topic: str, payload: bytes) -> bool | None:
            if topic != f"stat/{self.topic}/RESULT":
                return None
            try:
                told, _ = read_object(payload)
            except NotReadable:
                return None
            if told.get("Command") in ("Unknown", "Error"):
                return False
            name = next((name for name in told if name in (command, f"{command}1")), None)
            return None if name is None else _is_set(told[name], value)

        return Step(key, Publish(f"cmnd/{self.topic}/{command}", value), answered, optional)

    def _answered(self, told: dict[str, Any]) -> list[Said]:
        """RESULT: the answer to a Power command holds nothing else; the answer to State is a report."""
        button = told.get("Button1")
        if isinstance(button, dict) and button.get("Action") == "SINGLE":
            return self._button()
        if "SetOption73" in told:
            detached = _ON.get(str(told["SetOption73"]).lower())
            return [Said()] if detached is None else [Said(names_people=detached)]
        if "Var3" in told:
            self._pressed = _press(told["Var3"])
            return [Said()]
        if len(told) == 1 and (word := _word(told)) is not None:
            return self._sure(self._moved_to(word, last=False))
        return self._reported(told)

    def _button(self) -> list[Said]:
        """The button spoke: the relay moves because of it, or has just done so, by a rule without a Backlog."""
        now, moved = self._clock(), self._moved
        self._moved = None
        if moved is not None and 0 <= now - moved[1] <= PRESS_MS < now - self._commanded_at:
            return [Said(on=moved[0], answer=True, by="person")]
        self._pressed_at = now
        return [Said()]

    def _moved_to(self, word: Any, last: bool) -> list[Said]:
        """The relay's own word after a change: RESULT first, then POWER, which is the `last` of it."""
        said = _switch_words(word, True)
        now = self._clock()
        if self._pressed_at is not None and not 0 <= now - self._pressed_at <= PRESS_MS:
            self._pressed_at = None
        if self._pressed_at is not None:
            said = [replace(one, by="person") for one in said]
        elif said and said[0].on is not None:
            self._moved = (said[0].on, now)
        if last:
            self._pressed_at = None
        return said

    def _reported(self, told: Any) -> list[Said]:
        if not isinstance(told, dict):
            return []
        up, word = _up_s(told), _word(told)
        said = [] if word is None else _switch_words(word, False)
        ago = _ago(self._pressed, up, told.get("Time"))
        return [replace(one, up_s=up, person_s=ago) for one in said]

    def _sure(self, said: list[Said]) -> list[Said]:
        """After a birth the plug says at once how it stands, but not why: that comes with the answer to our question.

        Before, its word would have to be taken for a fall or a power cut, and a person's press be undone. It shows that
        it is there, and by now hears: a question sent at its last will's word may have come before it had subscribed.
        """
        if self._clock() >= self._unsure_until or any(one.by for one in said):
            return said
        self._moved = None
        return [Said(online=True) if one.on is not None else one for one in said]


def _on(seconds: int) -> str:
    return f"PulseTime1 {pulse_time(seconds)}; Power1 ON"


def _is_set(told: Any, value: str) -> bool:
    if isinstance(told, dict):  # a rule
        told = told.get("State") if value == "1" else told.get("Rules", told.get("Length"))
    if isinstance(told, int) and not isinstance(told, bool):
        return told == (len(value) if value == RULE else int(value))
    known = _ON.get(str(told).lower())
    return known is _ON.get(value, "") or str(told) == value


def _word(told: dict[str, Any]) -> Any:
    return next((told[key] for key in _KEYS if key in told), None)


def _switch_words(word: Any, answer: bool) -> list[Said]:
    text = json.dumps(word) if not isinstance(word, str) else word.strip()
    on = _ON.get(text.lower())
    return [Said(unread=text[:LONGEST_WORD])] if on is None else [Said(on=on, answer=answer)]


def _up_s(told: dict[str, Any]) -> float | None:
    seconds = number_between(told.get("UptimeSec"), 0, 1e10)
    if seconds is not None:
        return seconds
    match = _DAYS.fullmatch(str(told.get("Uptime")))
    if match is None:
        return None
    days, hours, minutes, rest = map(int, match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def _press(told: Any) -> tuple[int, datetime | None] | None:
    """Var3: the minute since the plug's start, and its clock, when the button was pressed last."""
    minute, _, stamp = str(told).partition(" ")
    if not re.fullmatch(r"\d{1,8}", minute, re.ASCII):
        return None
    return int(minute), _clock_of(stamp)


def _ago(press: tuple[int, datetime | None] | None, up_s: float | None, told: Any) -> float | None:
    """Seconds since the press: by the plug's clock where that was not put right meanwhile, else to the minute."""
    if press is None or up_s is None:
        return None
    by_minutes, now = up_s - 60.0 * press[0], _clock_of(told)
    if by_minutes < 0:
        return None  # of a time before its last start
    by_clock = (now - press[1]).total_seconds() if now and press[1] else -1.0
    return by_clock if max(0.0, by_minutes - 61.0) <= by_clock <= by_minutes + 1.0 else by_minutes


def _clock_of(told: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(told).replace(tzinfo=UTC) if isinstance(told, str) else None
    except ValueError:
        return None


def _drawn(told: Any) -> list[Said]:
    """What the meter says; one value, or one for each relay."""
    energy = told.get("ENERGY") if isinstance(told, dict) else None
    watts = energy.get("Power") if isinstance(energy, dict) else None
    if isinstance(watts, list):
        watts = watts[0] if watts else None
    if not isinstance(told, dict):
        return []
    return [Said(watts=number_between(watts, 0, 100_000))]
