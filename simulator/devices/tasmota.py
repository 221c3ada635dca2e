"""A smart socket with Tasmota firmware, as a pure machine: commands and time in, MQTT messages out, traps included.

The pulse timer behaves as in the firmware (support_tasmota.ino, ExecuteCommandPower and CmndPulsetime): every POWER
command, an empty question too, first sets the remaining time to 0, and only a command that leaves the relay on starts
it again, in full; setting PulseTime starts it at once; after a restart it runs in full again (Tasmota #9325, #12323,
#23526). A broker that hangs is noticed after the keepalive, and Mqtt#Disconnected happens again at every attempt to
reconnect that fails (MqttDisconnected, with a growing pause).
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from simulator.devices.device import Publish
from simulator.devices.tasmota_rules import SETS, Rules, timestamp

__all__ = ["Publish", "TasmotaPlug", "pulse_seconds", "pulse_setting"]

BACKLOG_PAUSE_S: Final = 0.2  # the firmware's SetOption34 by default; Backlog0 goes without
TELE_PERIOD_S: Final = 60.0  # TelePeriod; the firmware's own default is 300 s, a demo likes it livelier
KEEPALIVE_S: Final = 30.0  # MqttKeepAlive
_RETRY_S: Final = 10.0  # MqttRetry, and by how much the pause grows
_LONGEST_RETRY_S: Final = 120.0
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


def pulse_seconds(setting: int) -> float:
    """Seconds of a PulseTime setting: 1 to 111 count tenths of a second, 112 and more seconds plus 100."""
    return setting / 10.0 if setting < 112 else float(setting - 100)


def pulse_setting(seconds: float) -> int:
    """The PulseTime setting that lasts so many seconds; 0 (no timer) for nothing."""
    if seconds <= 0:
        return 0
    return max(1, round(seconds * 10)) if seconds <= 11.1 else min(_MAX_PULSE, round(seconds) + 100)


class TasmotaPlug:
    """One socket with one relay (Device). `now` is seconds of any steady clock, the same one in every call.

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
        load_w: float | None = None,
        now: float = 0.0,
    ) -> None:
        self.topic = topic
        self.on = on
        self.disobey = self.dead = self.offline = False
        self.load_w = load_w
        self.pulse = pulse  # the PulseTime setting
        self.power_on_state = power_on_state  # 0 off, 1 on, 2 toggle, 3 as before
        self.tele_period_s, self.keepalive_s, self.power_delta_w = TELE_PERIOD_S, KEEPALIVE_S, 0
        self.detached = False  # SetOption73: the button speaks and does not switch
        self._expires_at = now + remaining_s if remaining_s > 0 else None
        self._next_tele = now + TELE_PERIOD_S
        self._said: list[Publish] = []
        self._waiting: deque[tuple[str, bool]] = deque()  # the rest of a Backlog; whether it goes without pause
        self._next_waiting = now
        self._retry_at: float | None = None
        self._retry_s = _RETRY_S
        self._told_w = 0.0
        self.rules = Rules(topic, self._line, now)

    # -- what the world does to it ------------------------------------------------------------------------------------

    @property
    def purifying(self) -> bool:
        return self.on and not self.dead

    def topics(self) -> list[str]:
        return [f"cmnd/{self.topic}/#"]

    def connected(self, now: float) -> list[Publish]:
        """It has reached the broker: says that it lives, and how it stands."""
        self._retry_at, self._retry_s = None, _RETRY_S
        if self.offline:
            return []
        self._next_tele = now + self.tele_period_s
        self._said.append(self._lwt("Online"))
        self._say_power()
        self._tele(now)
        return self._happened("mqtt#connected", now)

    def disconnected(self, now: float) -> list[Publish]:
        """The broker is gone; rules ON Mqtt#Disconnected act, now and at each attempt to reconnect."""
        self._retry_at = now + self._retry_s
        self._retry_s = min(self._retry_s + _RETRY_S, _LONGEST_RETRY_S)
        return self._happened("mqtt#disconnected", now)

    def broker_hangs(self, now: float) -> None:
        """Nothing comes from the broker any more; it is noticed after the keepalive."""
        self._retry_at = now + 1.5 * self.keepalive_s

    def farewell(self) -> list[Publish]:
        """What the broker says in its place when it is gone: the last will."""
        return [self._lwt("Offline")]

    def handle(self, topic: str, payload: bytes | str, now: float) -> list[Publish]:
        """A message arrived; one on another's topic, or while offline, changes nothing."""
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        prefix, _, command = topic.rpartition("/")
        if self.offline or prefix != f"cmnd/{self.topic}":
            return []
        self._expire(now)
        self._command(command, text.strip(), now)
        return self._spoken(now)

    def http(self, path: str, now: float) -> list[Publish]:
        """A request to its own page, /cm?cmnd=…; it needs the network, not the broker."""
        asked = urlsplit(path)
        if self.offline or asked.path != "/cm":
            return []
        self._expire(now)
        for line in parse_qs(asked.query).get("cmnd", []):
            self._line(line, now)
        return self._spoken(now)

    def tick(self, now: float) -> list[Publish]:
        """What time brings: the end of the pulse, the rest of a Backlog, the regular word."""
        self._expire(now)
        self.rules.tick(now, self.on)
        if self._retry_at is not None and now >= self._retry_at:
            self.disconnected(now)
        self._work_off(now)
        if now >= self._next_tele:
            self._next_tele = now + self.tele_period_s
            self._tele(now)
        elif self.power_delta_w and abs(self.watts - self._told_w) > self.power_delta_w:
            self._sensor(now)
        return self._spoken(now)

    def press(self, now: float) -> list[Publish]:
        """Somebody presses the button."""
        self._expire(now)
        if self.detached:
            self._result({"Button1": {"Action": "SINGLE"}})
            return self._happened("button1#state", now, "10")
        self._power("toggle", now)
        return self._spoken(now)

    def drop(self, now: float) -> list[Publish]:
        """The relay moves by itself, and the firmware says so as for any change."""
        self._expires_at, self.on = None, not self.on
        self._say_power()
        return self._spoken(now)

    def reboot(self, now: float) -> list[Publish]:
        """Power was cut and came back: the relay as PowerOnState says, the pulse timer in full."""
        self._waiting.clear()
        self.rules.reboot(now)
        self.on = {0: False, 1: True, 2: not self.on}.get(self.power_on_state, self.on)
        self._expires_at = None
        self._start_pulse(now)
        said = [*self.farewell(), *self.connected(now), *self._happened("system#boot", now)]
        return [] if self.offline else said

    def go_offline(self, now: float) -> list[Publish]:
        """Loses its network; the broker speaks its last will. It notices when its keepalive is over."""
        if self.offline:
            return []
        self.offline = True
        self.broker_hangs(now)
        return self.farewell()

    def come_back(self, now: float) -> list[Publish]:
        """Has its network again."""
        if not self.offline:
            return []
        self._expire(now)
        self._said.clear()
        self.offline = False
        return self.connected(now)

    def remaining_s(self, now: float) -> float:
        """Seconds until the device switches itself off; 0 when it will not."""
        return max(0.0, self._expires_at - now) if self._expires_at is not None else 0.0

    @property
    def watts(self) -> float:
        return (self.load_w or 0.0) if self.purifying else 0.0

    # -- commands -----------------------------------------------------------------------------------------------------

    def _command(self, command: str, value: str, now: float) -> None:
        match = re.fullmatch(r"([a-z]+)(\d*)", command.lower())
        name, index = (match[1], match[2]) if match else (command.lower(), "")
        if name == "power" and index in ("", "0", "1"):
            self._power(_STATES.get(value.lower(), "" if not value else "?"), now)
        elif name == "pulsetime" and index in ("", "1"):
            self._pulsetime(value, now)
        elif name == "backlog" and index in ("", "0", "1", "2", "3"):
            self._backlog(value, now, pause=index != "0")
        elif name == "state" and not index:
            self._result(self._state(now))
        elif name == "status":
            self._status(value, now)
        elif name == "rule" and (not index or 1 <= int(index) <= SETS):
            self._result(self.rules.define(int(index or 1), value))
        elif name in ("var", "mem") and index and (stored := self.rules.store(name, int(index), value)) is not None:
            self._result(stored)
        elif name == "ruletimer" and index and (timers := self.rules.set_timer(int(index), value, now)) is not None:
            self._result(timers)
        elif name == "event":
            self._result({"Event": "Done"})
            event, _, given = value.partition("=")
            if event:
                self._happen(f"event#{event}", now, given)
        elif name == "restart" and value == "1":
            self._result({"Restart": "Restarting"})
            self._said += self.reboot(now)
        elif (answer := self._setting(name, index, value, now)) is not None:
            self._result(answer)
        else:
            self._result({"Command": "Unknown", "Input": command.upper()})

    def _setting(self, name: str, index: str, value: str, now: float) -> dict[str, Any] | None:
        if name == "teleperiod" and not index:
            if value.isdigit():
                self.tele_period_s = float(min(3600, max(10, int(value))))
                self._next_tele = now + self.tele_period_s
            return {"TelePeriod": int(self.tele_period_s)}
        if name == "poweronstate" and not index:
            if value in ("0", "1", "2", "3"):
                self.power_on_state = int(value)
            return {"PowerOnState": self.power_on_state}
        if name == "mqttkeepalive" and not index:
            if value.isdigit() and 1 <= int(value) <= 100:
                self.keepalive_s = float(value)
            return {"MqttKeepAlive": int(self.keepalive_s)}
        if name == "setoption" and index == "73":
            if value.lower() in ("0", "off", "1", "on"):
                self.detached = value.lower() in ("1", "on")
            return {"SetOption73": "ON" if self.detached else "OFF"}
        if name == "powerdelta" and index in ("", "1") and self.load_w is not None:
            if value.isdigit():
                self.power_delta_w = max(0, int(value) - 100)  # above 100 it counts watts
            return {"PowerDelta1": self.power_delta_w + 100 if self.power_delta_w else 0}
        return None

    def _power(self, state: str, now: float) -> None:
        if state == "?":
            self._result({"Command": "Error", "Input": "POWER"})
            return
        if not self.disobey:
            # The firmware's trap: even a question ends the timer.
            self._expires_at = None
            if state:
                self.on = state == "on" or (state == "toggle" and not self.on)
                self._start_pulse(now)
        self._say_power()

    def _pulsetime(self, value: str, now: float) -> None:
        if value.isdigit():
            self.pulse = min(_MAX_PULSE, int(value))
            self._expires_at = now + pulse_seconds(self.pulse) if self.pulse else None
        self._result({"PulseTime1": {"Set": self.pulse, "Remaining": pulse_setting(self.remaining_s(now))}})

    def _backlog(self, value: str, now: float, pause: bool) -> None:
        lines = [line.strip() for line in value.split(";") if line.strip()][:_MAX_BACKLOG]
        if not lines:
            self._waiting.clear()
        self._waiting.extend((line, not pause) for line in lines[: _MAX_BACKLOG - len(self._waiting)])
        self._next_waiting = max(self._next_waiting, now)

    def _work_off(self, now: float) -> None:
        """What waits of a Backlog; in the firmware, too, it comes after the rule or message that brought it."""
        while self._waiting and (now >= self._next_waiting or self._waiting[0][1]):
            line, at_once = self._waiting.popleft()
            if not at_once:
                self._next_waiting = now + BACKLOG_PAUSE_S
            self._line(line, now)

    def _line(self, line: str, now: float) -> None:
        command, _, value = line.partition(" ")
        self._command(command, value.strip(), now)

    def _status(self, value: str, now: float) -> None:
        if value in ("", "0"):
            status = {
                "Module": 1,
                "DeviceName": self.topic,
                "FriendlyName": [self.topic],
                "Topic": self.topic,
                "ButtonTopic": "0",
                "Power": int(self.on),
                "PowerOnState": self.power_on_state,
            }
            self._stat("STATUS", {"Status": status})
        for number in ("8", "10"):
            if value in ("0", number):
                self._stat(f"STATUS{number}", {"StatusSNS": self._sensors()})
        if value in ("0", "11"):
            self._stat("STATUS11", {"StatusSTS": self._state(now)})

    # -- inside -------------------------------------------------------------------------------------------------------

    def _happen(self, event: str, now: float, value: str = "") -> None:
        self.rules.happen(event, now, value, self.on)

    def _happened(self, event: str, now: float, value: str = "") -> list[Publish]:
        """An event for the socket's own rules, and all that it says because of it."""
        self._happen(event, now, value)
        return self._spoken(now)

    def _spoken(self, now: float) -> list[Publish]:
        self._work_off(now)
        said, self._said = self._said, []
        return [] if self.offline else said

    def _start_pulse(self, now: float) -> None:
        if self.on and self.pulse:
            self._expires_at = now + pulse_seconds(self.pulse)

    def _expire(self, now: float) -> None:
        if self._expires_at is None or now < self._expires_at:
            return
        self._expires_at = None
        if not self.disobey:
            self.on = False
            self._say_power()

    def _say_power(self) -> None:
        word = "ON" if self.on else "OFF"
        self._result({"POWER": word})
        self._said.append(Publish(f"stat/{self.topic}/POWER", word))

    def _state(self, now: float) -> dict[str, Any]:
        up = int(now - self.rules.booted_at)
        uptime = f"{up // 86400}T{up // 3600 % 24:02d}:{up // 60 % 60:02d}:{up % 60:02d}"
        return {
            "Time": timestamp(now),
            "Uptime": uptime,
            "UptimeSec": up,
            "SleepMode": "Dynamic",
            "Sleep": 50,
            "LoadAvg": 19,
            "MqttCount": 1,
            "POWER": "ON" if self.on else "OFF",
            "Wifi": {"AP": 1, "SSId": "simulated", "RSSI": 78, "Signal": -61},
        }

    def _sensors(self) -> dict[str, Any]:
        told: dict[str, Any] = {"Time": "2026-11-30T08:00:00"}
        if self.load_w is not None:
            self._told_w = self.watts
            told["ENERGY"] = {"Total": 3.185, "Today": 0.241, "Power": round(self.watts), "Voltage": 229}
        return told

    def _tele(self, now: float) -> None:
        self._said.append(Publish(f"tele/{self.topic}/STATE", json.dumps(self._state(now))))
        self._sensor(now)

    def _sensor(self, now: float) -> None:
        if self.load_w is not None:
            self._said.append(Publish(f"tele/{self.topic}/SENSOR", json.dumps(self._sensors())))

    def _lwt(self, word: str) -> Publish:
        return Publish(f"tele/{self.topic}/LWT", word, retain=True)

    def _stat(self, leaf: str, payload: dict[str, Any]) -> None:
        self._said.append(Publish(f"stat/{self.topic}/{leaf}", json.dumps(payload, separators=(",", ":"))))

    def _result(self, payload: dict[str, Any]) -> None:
        self._stat("RESULT", payload)
