"""A smart socket with Tasmota firmware, as a pure machine: commands and time in, MQTT messages out, traps included.

The pulse timer behaves as in the firmware (support_tasmota.ino, ExecuteCommandPower and CmndPulsetime): every POWER
command, an empty question too, first sets the remaining time to 0, and only a command that leaves the relay on starts
it again, in full; setting PulseTime starts it at once; after a restart it runs in full again (Tasmota #9325, #12323,
#23526).
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

BACKLOG_PAUSE_S: Final = 0.2  # the firmware's SetOption34 by default; Backlog0 goes without
TELE_PERIOD_S: Final = 60.0  # TelePeriod; the firmware's own default is 300 s, a demo likes it livelier
_MAX_BACKLOG: Final = 30
_MAX_PULSE: Final = 64900
_STATES: Final = {
    "on": "on",
    "1": "on",
    "true": "on",
    "off": "off",
    "0": "off",
    "false": "off",
    "toggle": "toggle",
    "2": "toggle",
}
_RULE: Final = re.compile(
    r"\bon\s+(?P<event>\S+)\s+do\s+(?P<commands>.*?)\s+(?:endon|break)\b", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Publish:
    """A message the socket sends."""

    topic: str
    payload: str
    retain: bool = False


def pulse_seconds(setting: int) -> float:
    """Seconds of a PulseTime setting: 1 to 111 count tenths of a second, 112 and more seconds plus 100."""
    return setting / 10.0 if setting < 112 else float(setting - 100)


def pulse_setting(seconds: float) -> int:
    """The PulseTime setting that lasts so many seconds; 0 (no timer) for nothing."""
    if seconds <= 0:
        return 0
    return max(1, round(seconds * 10)) if seconds <= 11.1 else min(_MAX_PULSE, round(seconds) + 100)


class TasmotaPlug:
    """One socket with one relay. `now` is seconds of any steady clock, the same one in every call.

    on: the relay, and with it the purifier. disobey: the relay sticks; commands are answered with what is.
    offline: no network; nothing is heard or said, the timer goes on.
    """

    def __init__(
        self,
        topic: str,
        *,
        on: bool = False,
        pulse: int = 0,
        remaining_s: float = 0.0,
        power_on_state: int = 3,
        now: float = 0.0,
    ) -> None:
        self.topic = topic
        self.on = on
        self.disobey = False
        self.offline = False
        self.pulse = pulse  # the PulseTime setting
        self.power_on_state = power_on_state  # 0 off, 1 on, 2 toggle, 3 as before
        self.tele_period_s = TELE_PERIOD_S
        self._expires_at = now + remaining_s if remaining_s > 0 else None
        self._booted_at = now
        self._next_tele = now + TELE_PERIOD_S
        self._waiting: deque[str] = deque()  # the rest of a Backlog
        self._next_waiting = now
        self._rules: dict[int, tuple[bool, str]] = {}

    # -- what the world does to it ------------------------------------------------------------------------------------

    def connected(self, now: float) -> list[Publish]:
        """It has reached the broker: says that it lives, and how it stands."""
        if self.offline:
            return []
        self._next_tele = now + self.tele_period_s
        return [self._lwt("Online"), *self._power_messages(), self._tele(now), *self._happen("mqtt#connected", now)]

    def disconnected(self, now: float) -> list[Publish]:
        """The broker is gone; rules ON Mqtt#Disconnected act. What it says now nobody hears."""
        return self._happen("mqtt#disconnected", now)

    def farewell(self) -> list[Publish]:
        """What the broker says in its place when it is gone: the last will."""
        return [self._lwt("Offline")]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        """A message arrived; one on another's topic, or while offline, changes nothing."""
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        prefix, _, command = topic.rpartition("/")
        if self.offline or prefix != f"cmnd/{self.topic}":
            return []
        return [*self._expire(now), *self._command(command, text.strip(), now)]

    def tick(self, now: float) -> list[Publish]:
        """What time brings: the end of the pulse, the rest of a Backlog, the regular word."""
        said = self._expire(now)
        while self._waiting and now >= self._next_waiting:
            self._next_waiting = now + BACKLOG_PAUSE_S
            said += self._line(self._waiting.popleft(), now)
        if now >= self._next_tele:
            self._next_tele = now + self.tele_period_s
            said.append(self._tele(now))
        return [] if self.offline else said

    def press(self, now: float) -> list[Publish]:
        """Somebody presses the button."""
        said = [*self._expire(now), *self._power("toggle", now)]
        return [] if self.offline else said

    def reboot(self, now: float) -> list[Publish]:
        """Power was cut and came back: the relay as PowerOnState says, the pulse timer in full."""
        self._waiting.clear()
        self._booted_at = now
        self.on = {0: False, 1: True, 2: not self.on}.get(self.power_on_state, self.on)
        self._expires_at = None
        self._start_pulse(now)
        said = [*self.farewell(), *self.connected(now), *self._happen("system#boot", now)]
        return [] if self.offline else said

    def go_offline(self) -> list[Publish]:
        """Loses its network; the broker speaks its last will."""
        if self.offline:
            return []
        self.offline = True
        return self.farewell()

    def come_back(self, now: float) -> list[Publish]:
        """Has its network again."""
        if not self.offline:
            return []
        self.offline = False
        return [*self._expire(now), *self.connected(now)]

    def remaining_s(self, now: float) -> float:
        """Seconds until the device switches itself off; 0 when it will not."""
        return max(0.0, self._expires_at - now) if self._expires_at is not None else 0.0

    # -- commands -----------------------------------------------------------------------------------------------------

    def _command(self, command: str, value: str, now: float) -> list[Publish]:
        match = re.fullmatch(r"([a-z]+)(\d*)", command.lower())
        name, index = (match[1], match[2]) if match else (command.lower(), "")
        if name == "power" and index in ("", "0", "1"):
            return self._power(_STATES.get(value.lower(), "" if not value else "?"), now)
        if name == "pulsetime" and index in ("", "1"):
            return self._pulsetime(value, now)
        if name == "backlog" and index in ("", "0", "1", "2", "3"):
            return self._backlog(value, now, pause=index != "0")
        if name == "state" and not index:
            return [self._result(self._state(now))]
        if name == "status":
            return self._status(value, now)
        if name == "teleperiod" and not index:
            if value.isdigit():
                self.tele_period_s = float(min(3600, max(10, int(value))))
                self._next_tele = now + self.tele_period_s
            return [self._result({"TelePeriod": int(self.tele_period_s)})]
        if name == "poweronstate" and not index:
            if value in ("0", "1", "2", "3"):
                self.power_on_state = int(value)
            return [self._result({"PowerOnState": self.power_on_state})]
        if name == "rule" and index in ("", "1", "2", "3"):
            return self._rule(int(index or 1), value)
        if name == "restart" and value == "1":
            return [self._result({"Restart": "Restarting"}), *self.reboot(now)]
        return [self._result({"Command": "Unknown", "Input": command.upper()})]

    def _power(self, state: str, now: float) -> list[Publish]:
        if state == "?":
            return [self._result({"Command": "Error", "Input": "POWER"})]
        if self.disobey:
            return self._power_messages()
        # The firmware's trap: even a question ends the timer.
        self._expires_at = None
        if state:
            self.on = state == "on" or (state == "toggle" and not self.on)
            self._start_pulse(now)
        return self._power_messages()

    def _pulsetime(self, value: str, now: float) -> list[Publish]:
        if value.isdigit():
            self.pulse = min(_MAX_PULSE, int(value))
            self._expires_at = now + pulse_seconds(self.pulse) if self.pulse else None
        return [self._result({"PulseTime1": {"Set": self.pulse, "Remaining": pulse_setting(self.remaining_s(now))}})]

    def _backlog(self, value: str, now: float, pause: bool) -> list[Publish]:
        lines = [line.strip() for line in value.split(";") if line.strip()][:_MAX_BACKLOG]
        if not pause:
            return [message for line in lines for message in self._line(line, now)]
        if not lines:
            self._waiting.clear()
            return []
        self._waiting.extend(lines[: _MAX_BACKLOG - len(self._waiting)])
        self._next_waiting = max(self._next_waiting, now)
        return self.tick(now)

    def _line(self, line: str, now: float) -> list[Publish]:
        command, _, value = line.partition(" ")
        return self._command(command, value.strip(), now)

    def _status(self, value: str, now: float) -> list[Publish]:
        said = []
        if value in ("", "0"):
            payload = {
                "Status": {
                    "Module": 1,
                    "DeviceName": self.topic,
                    "FriendlyName": [self.topic],
                    "Topic": self.topic,
                    "ButtonTopic": "0",
                    "Power": int(self.on),
                    "PowerOnState": self.power_on_state,
                }
            }
            said.append(Publish(f"stat/{self.topic}/STATUS", json.dumps(payload)))
        if value in ("0", "11"):
            said.append(Publish(f"stat/{self.topic}/STATUS11", json.dumps({"StatusSTS": self._state(now)})))
        return said

    def _rule(self, index: int, value: str) -> list[Publish]:
        active, text = self._rules.get(index, (False, ""))
        if value.lower() in ("0", "off", "1", "on"):
            active = value.lower() in ("1", "on")
        elif value:
            text = "" if value == '"' else value
        self._rules[index] = (active, text)
        return [
            self._result(
                {
                    f"Rule{index}": {
                        "State": "ON" if active else "OFF",
                        "Once": "OFF",
                        "StopOnError": "OFF",
                        "Length": len(text),
                        "Free": 511 - len(text),
                        "Rules": text,
                    }
                }
            )
        ]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _happen(self, event: str, now: float) -> list[Publish]:
        """An event for the socket's own rules."""
        said: list[Publish] = []
        for active, text in self._rules.values():
            for rule in _RULE.finditer(text) if active else ():
                if rule["event"].lower() == event:
                    for line in rule["commands"].split(";"):
                        command, _, value = line.strip().partition(" ")
                        if command.lower().startswith("backlog"):
                            said += self._line(value.strip(), now)
                        else:
                            said += self._line(line.strip(), now)
        return said

    def _start_pulse(self, now: float) -> None:
        if self.on and self.pulse:
            self._expires_at = now + pulse_seconds(self.pulse)

    def _expire(self, now: float) -> list[Publish]:
        if self._expires_at is None or now < self._expires_at:
            return []
        self._expires_at = None
        if self.disobey:
            return []
        self.on = False
        return [] if self.offline else self._power_messages()

    def _power_messages(self) -> list[Publish]:
        word = "ON" if self.on else "OFF"
        return [self._result({"POWER": word}), Publish(f"stat/{self.topic}/POWER", word)]

    def _state(self, now: float) -> dict[str, Any]:
        up = int(now - self._booted_at)
        uptime = f"{up // 86400}T{up // 3600 % 24:02d}:{up // 60 % 60:02d}:{up % 60:02d}"
        return {
            "Uptime": uptime,
            "UptimeSec": up,
            "SleepMode": "Dynamic",
            "Sleep": 50,
            "LoadAvg": 19,
            "MqttCount": 1,
            "POWER": "ON" if self.on else "OFF",
            "Wifi": {"AP": 1, "SSId": "simulated", "RSSI": 78, "Signal": -61},
        }

    def _tele(self, now: float) -> Publish:
        return Publish(f"tele/{self.topic}/STATE", json.dumps(self._state(now)))

    def _lwt(self, word: str) -> Publish:
        return Publish(f"tele/{self.topic}/LWT", word, retain=True)

    def _result(self, payload: dict[str, Any]) -> Publish:
        return Publish(f"stat/{self.topic}/RESULT", json.dumps(payload, separators=(",", ":")))
