"""A Tapo plug of TP-Link, asked in the school's network by python-kasa (extra `tapo`); it speaks no MQTT.

Its expiry is a countdown rule, of which it holds one: set before the ON, read back after it, so that only an ON that
ends counts. python-kasa has no name for these rules; they are sent as the app sends them. The account of the app stands
in the environment, never in sensors.yaml. Firmware 1.4 may answer 403 while it has no internet.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from alerts.control.unit import Command
from alerts.purifiers import Publish, Said, Step, Traits
from alerts.purifiers._asked import Asked, NoAnswer, Reading, Refused
from classair import config
from classair.accounts import Account
from classair.parsing.numbers import number_between

ACCOUNT: Final = ("CLASSAIR_TAPO_USER", "CLASSAIR_TAPO_PASSWORD")
MAX_SECONDS: Final = 64_800
_TIMEOUT_S: Final = 3
_RULES: Final = {"start_index": 0}
_LONGEST_FAULT: Final = 80


class Settings(BaseModel):
    """`timer`: countdown, or none for a plug that takes no such rule. `protocol`: aes before firmware 1.1."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    timer: Literal["countdown", "none"] = "countdown"
    protocol: Literal["klap", "aes"] = "klap"


def faults(unit: config.Purifier) -> Iterator[str]:
    """A plug without an address."""
    if not unit.url:
        yield "url: expected the plug's own address such as http://192.168.40.30"


class _NotTaken(NoAnswer):
    """It is there, and does not know or take this request."""


class Plug:
    """One plug (a Way). Its session is begun with the first question, and afresh after a failure."""

    def __init__(self, url: str, settings: Settings) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._settings = settings
        self._protocol: Any = None
        self._metered = True

    async def switch(self, command: Command) -> None:
        if not command.on:
            await self._ask("set_device_info", {"device_on": False})
            return
        seconds = min(command.seconds or 0, MAX_SECONDS)
        if self._settings.timer == "countdown":
            await self._count_down(seconds)
        await self._ask("set_device_info", {"device_on": True})
        if self._settings.timer == "countdown" and await self._left() is None:
            await self._count_down(seconds)  # the switching has ended the rule

    async def read(self) -> Reading:
        told = await self._ask("get_device_info")
        on = told.get("device_on")
        if not isinstance(on, bool):
            raise NoAnswer("it does not say whether it is on")
        left = await self._left() if on and self._settings.timer == "countdown" else None
        return Reading(Said(on=on, watts=await self._watts(), faults=tuple(_faults(told))), left)

    async def leave(self) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            await protocol.close()

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _count_down(self, seconds: int) -> None:
        rule = {"delay": seconds, "remain": seconds, "desired_states": {"on": False}, "enable": True}
        try:
            known = await self._rule()
            if known is not None:
                await self._ask("edit_countdown_rule", {"id": known.get("id"), **rule})
            else:
                await self._ask("add_countdown_rule", rule)
        except _NotTaken:
            # Nothing would end the ON, so it is not sent.
            raise Refused("it takes no countdown; with timer: none only ClassAir ends an ON") from None

    async def _rule(self) -> Mapping[str, Any] | None:
        """The one rule that it holds, also when it has run out."""
        rules = (await self._ask("get_countdown_rules", _RULES)).get("rule_list")
        return rules[0] if isinstance(rules, list) and rules and isinstance(rules[0], dict) else None

    async def _left(self) -> float | None:
        """Seconds until it switches itself off; None when it will not."""
        try:
            rule = await self._rule()
        except _NotTaken:
            return None
        if rule is None or rule.get("enable") is not True:
            return None
        wanted = rule.get("desired_states")
        ends = isinstance(wanted, dict) and wanted.get("on") is False
        return (number_between(rule.get("remain"), 0, 1e9) or None) if ends else None

    async def _watts(self) -> float | None:
        if not self._metered:
            return None
        try:
            told = await self._ask("get_current_power")
        except _NotTaken:
            self._metered = False  # a P100 has no meter; it is asked no more
            return None
        return number_between(told.get("current_power"), 0, 100_000)

    async def _ask(self, method: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        kasa: Any = await _library()
        if self._protocol is None:
            self._protocol = self._begin(kasa)
        try:
            told = await self._protocol.query({method: dict(params) if params else None}, retry_count=0)
        except kasa.AuthenticationError:
            raise Refused(f"{' and '.join(ACCOUNT)} do not fit") from None
        except kasa.DeviceError as error:
            raise _NotTaken(str(error)[:_LONGEST_FAULT]) from None
        except kasa.KasaException as error:
            if " 403 " in f"{error} ":
                raise Refused("HTTP 403: no internet or no third-party access") from None
            raise NoAnswer(str(error)[:_LONGEST_FAULT]) from None
        result = told.get(method) if isinstance(told, dict) else None
        return result if isinstance(result, dict) else {}

    def _begin(self, kasa: Any) -> Any:
        user, password = (os.environ.get(name, "") for name in ACCOUNT)
        if not user or not password:
            raise Refused(f"{' or '.join(ACCOUNT)} is not set")
        factory: Any = importlib.import_module("kasa.device_factory")
        how = {"klap": kasa.DeviceEncryptionType.Klap, "aes": kasa.DeviceEncryptionType.Aes}[self._settings.protocol]
        way = kasa.DeviceConnectionParameters(kasa.DeviceFamily.SmartTapoPlug, how, 2, False, self._port)
        return factory.get_protocol(
            kasa.DeviceConfig(
                self._host, timeout=_TIMEOUT_S, credentials=kasa.Credentials(user, password), connection_type=way
            )
        )


class Purifier:
    def __init__(self, name: str, settings: Settings, unit: config.Purifier, clock: Callable[[], int]) -> None:
        self._asked = Asked(name, Plug(unit.url, settings), expires=settings.timer == "countdown")
        self.traits = Traits(expires=settings.timer == "countdown", longest_s=MAX_SECONDS)

    def account(self) -> Account:
        return Account()

    def topics(self) -> list[str]:
        return []

    def command(self, command: Command) -> list[Publish]:
        self._asked.order(command)
        return []

    def query(self) -> list[Publish]:
        self._asked.ask()
        return []

    def heard(self) -> list[Said]:
        return self._asked.heard()

    def occupied(self, seconds: int | None) -> list[Publish]:
        return []

    def read_state(self, topic: str, payload: bytes, retained: bool) -> list[Said]:
        return []

    def edge(self) -> None:
        return None  # a bridge does not speak its protocol

    def prepare(self) -> list[Step]:
        return []


async def _library() -> Any:
    """python-kasa; loading it takes a while, and nobody waits for that."""
    try:
        return await asyncio.to_thread(importlib.import_module, "kasa")
    except ImportError:
        raise Refused("python-kasa is missing: install the extra tapo") from None


def _faults(told: Mapping[str, Any]) -> Iterator[str]:
    if told.get("overheated") is True or told.get("overheat_status") not in (None, "normal"):
        yield "overheated"
    for name in ("overcurrent_status", "power_protection_status"):
        if told.get(name) not in (None, "normal"):
            yield f"{name.removesuffix('_status')}: {told.get(name)}"[:_LONGEST_FAULT]
