"""The part of Tasmota's rules that ClassAir sets up on plugs (xdrv_10_rules.ino): events, variables, rule timers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

SETS: Final = 3
_VARIABLES: Final = 16
_TIMERS: Final = 8
_RULE: Final = re.compile(
    r"\bon\s+(?P<event>\S+)\s+do\s+(?P<commands>.*?)\s+(?:endon|break)\b", re.IGNORECASE | re.DOTALL
)
_VARIABLE: Final = re.compile(r"%(var|mem)(\d{1,2})%", re.IGNORECASE)


def timestamp(now: float) -> str:
    """The device's local time; its clock has been right since it began."""
    at = datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=now % 1e7)
    return at.strftime("%Y-%m-%dT%H:%M:%S")


class Rules:
    """Rule sets, Var, Mem and RuleTimer of one device. `run` gets a command line, its variables filled in.

    As in the firmware an event that arises while a rule is carried out is lost, which is why rules go through a
    Backlog: the firmware puts one before a command with an `event` itself. Var and timers end with the power, Mem
    and the rules stay.
    """

    def __init__(self, topic: str, run: Callable[[str, float], None], booted_at: float) -> None:
        self.sets: dict[int, tuple[bool, str]] = {}
        self.mem: dict[int, str] = {}
        self.var: dict[int, str] = {}
        self.booted_at = booted_at
        self._ends: dict[int, float] = {}
        self._topic, self._run, self._busy = topic, run, False

    def reboot(self, now: float) -> None:
        self.booted_at = now
        self.var.clear()
        self._ends.clear()

    def happen(self, event: str, now: float, value: str = "", power: bool = False) -> None:
        """`event` is what a rule names before an = sign, such as Mqtt#Disconnected or Button1#State."""
        if self._busy:
            return
        self._busy = True
        try:
            for commands in self._matching(event.lower(), value.lower()):
                line = self._filled(commands, now, value, power)
                if "event " in line.lower() and "backlog" not in line.lower():
                    line = f"backlog {line}"
                self._run(line, now)
        finally:
            self._busy = False

    def tick(self, now: float, power: bool = False) -> None:
        for index in [index for index, end in self._ends.items() if now >= end]:
            del self._ends[index]
            self.happen("rules#timer", now, str(index), power)

    def define(self, index: int, value: str) -> dict[str, object]:
        """The command Rule<index>, and its answer."""
        active, text = self.sets.get(index, (False, ""))
        if value.lower() in ("0", "off", "1", "on"):
            active = value.lower() in ("1", "on")
        elif value:
            text = "" if value == '"' else value
        self.sets[index] = (active, text)
        state = "ON" if active else "OFF"
        rule = {"State": state, "Once": "OFF", "StopOnError": "OFF", "Length": len(text), "Free": 511 - len(text)}
        return {f"Rule{index}": {**rule, "Rules": text}}

    def store(self, kind: str, index: int, value: str) -> dict[str, object] | None:
        """The commands Var<index> and Mem<index>; a value of `"` empties. None for an index that is none."""
        if not 1 <= index <= _VARIABLES:
            return None
        known = self.var if kind == "var" else self.mem
        if value:
            known[index] = "" if value == '"' else value
        return {f"{kind.capitalize()}{index}": known.get(index, "")}

    def set_timer(self, index: int, value: str, now: float) -> dict[str, object] | None:
        """The command RuleTimer<index>: seconds until Rules#Timer, 0 for never. The answer names all timers."""
        if not 1 <= index <= _TIMERS:
            return None
        if value.isdigit():
            self._ends.pop(index, None)
            if int(value):
                self._ends[index] = now + int(value)
        return {f"T{each}": round(max(0.0, self._ends.get(each, now) - now)) for each in range(1, _TIMERS + 1)}

    def _matching(self, event: str, value: str) -> Iterator[str]:
        for active, text in list(self.sets.values()):
            for rule in _RULE.finditer(text) if active else ():
                name, equals, wanted = rule["event"].lower().partition("=")
                if name == event and (not equals or wanted == value):
                    yield rule["commands"].strip()

    def _filled(self, commands: str, now: float, value: str, power: bool) -> str:
        def variable(match: re.Match[str]) -> str:
            known = self.var if match[1].lower() == "var" else self.mem
            return known.get(int(match[2]), "")

        commands = _VARIABLE.sub(variable, commands)
        minutes = str(int((now - self.booted_at) // 60))
        power1, known = str(int(power)), timestamp(now)
        for name, text in (
            ("uptime", minutes),
            ("timestamp", known),
            ("value", value),
            ("topic", self._topic),
            ("power1", power1),
        ):
            commands = re.sub(f"%{name}%", lambda _, text=text: text, commands, flags=re.IGNORECASE)  # type: ignore[misc]
        return commands
