"""A smart socket with Tasmota firmware, over MQTT.

Its PulseTime is the expiry it holds itself. Three traps of the firmware are avoided here: an empty POWER question
wipes the running timer (Tasmota #9325), so it is asked by `Status 11`; the timer runs in full again after a reboot
(#23526), so a birth message makes control send the expiry anew; `Power ON` restarts the timer (#12323), which is
what renews a lease.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Traits
from classair import config
from classair.accounts import USER, Account
from classair.parsing.json_objects import NotReadable, read_object
from classair.parsing.names import unprintable

MAX_SECONDS: Final = 64_800  # PulseTime 64900
_KEYS: Final = ("POWER", "POWER1")
# StateText1 and StateText2 can be renamed; these words mean the same to everybody.
_ON: Final = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
LONGEST_WORD: Final = 20


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


class Purifier:
    traits = Traits(longest_s=MAX_SECONDS)

    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self.name, self.topic = name, settings.topic

    def account(self) -> Account:
        # A board signs in with its Topic as user name; where that cannot be one, with its full id.
        user = self.topic if re.fullmatch(USER, self.topic) else ""
        return Account((f"stat/{self.topic}/#", f"tele/{self.topic}/#"), (f"cmnd/{self.topic}/#",), user)

    def topics(self) -> list[str]:
        return [
            f"stat/{self.topic}/RESULT",
            f"stat/{self.topic}/POWER",
            f"stat/{self.topic}/POWER1",
            f"stat/{self.topic}/STATUS11",
            f"tele/{self.topic}/STATE",
            f"tele/{self.topic}/LWT",
        ]

    def command(self, command: Command) -> list[Publish]:
        if command.on:
            assert command.seconds is not None, "an ON always carries an expiry"
            # Backlog0: both in one message and without a pause, so that no ON can arrive without its expiry.
            return [Publish(f"cmnd/{self.topic}/Backlog0", f"PulseTime1 {pulse_time(command.seconds)}; Power1 ON")]
        return [Publish(f"cmnd/{self.topic}/Power1", "OFF")]

    def query(self) -> list[Publish]:
        return [Publish(f"cmnd/{self.topic}/Status", "11")]

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        prefix, _, rest = topic.partition("/")
        mine, _, leaf = rest.rpartition("/")
        if mine != self.topic or len(payload) > 4096:
            return []
        text = payload.decode("utf-8", "replace")
        if (prefix, leaf) == ("tele", "LWT"):
            return [Said(online=text == "Online")] if text in ("Online", "Offline") else []
        if retained:
            return []  # a retained state has no time of its own: it may be of last week
        if prefix == "stat" and leaf in _KEYS:
            return _switch_words(text, True)
        try:
            told, _ = read_object(payload)
        except NotReadable:
            return []
        if (prefix, leaf) == ("stat", "STATUS11"):
            return _of(told.get("StatusSTS"), False)
        if (prefix, leaf) == ("tele", "STATE"):
            return _of(told, False)
        if (prefix, leaf) == ("stat", "RESULT"):
            # The answer to a Power command holds nothing else; the answer to State is a report.
            return _of(told, len(told) == 1)
        return []

    def edge(self) -> None:
        return None  # not yet

    def prepare(self) -> list[Publish]:
        return []


def _of(told: Any, answer: bool) -> list[Said]:
    if not isinstance(told, dict):
        return []
    word = next((told[key] for key in _KEYS if key in told), None)
    return _switch_words(word, answer)


def _switch_words(word: Any, answer: bool) -> list[Said]:
    if word is None:
        return []
    text = json.dumps(word) if not isinstance(word, str) else word.strip()
    on = _ON.get(text.lower())
    return [Said(unread=text[:LONGEST_WORD])] if on is None else [Said(on=on, answer=answer)]
