"""The simulated purifiers' smart sockets at the broker: one connection that plays all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from classair.config import Config
from simulator.devices.device import Publish
from simulator.devices.tasmota import TasmotaPlug

log = logging.getLogger(__name__)

_LOAD_W: Final = 45.0  # what a purifier draws whose configuration says nothing of it


def played(config: Config) -> dict[str, str]:
    """The simulated sockets: purifier → its topic."""
    wanted: dict[str, str] = {}
    for name, unit in config.purifiers():
        topic = unit.settings.get("topic")
        if not unit.simulated:
            continue
        if unit.kind != "tasmota" or not isinstance(topic, str) or not topic:
            log.warning("purifier_not_simulated purifier=%s simulated_kind=tasmota", name)
            continue
        wanted[name] = topic
    return wanted


class Sockets:
    """Every simulated Tasmota socket of a configuration. `say` publishes, `switched` hears of each relay that moved.

    Not thread-safe: everything is called from the simulator's one loop. `now` is seconds of a steady clock.
    """

    def __init__(self, say: Callable[[Publish], None], switched: Callable[[str, bool], None]) -> None:
        self.plugs: dict[str, TasmotaPlug] = {}
        self._say, self._switched = say, switched
        self._by_topic: dict[str, str] = {}
        self._online = False

    def follow(self, config: Config, now: float, remembered: Mapping[str, Any] | None = None) -> None:
        """Sockets that stay keep their state; new ones begin as remembered, or off."""
        wanted, units = played(config), dict(config.purifiers())
        for name, plug in list(self.plugs.items()):
            if wanted.get(name) != plug.topic:
                self._tell(plug.farewell())
                del self.plugs[name]
        for name, topic in wanted.items():
            if name not in self.plugs:
                self.plugs[name] = _restored(topic, (remembered or {}).get(name), now)
                if self._online:
                    self._tell(self.plugs[name].connected(now))
            self.plugs[name].load_w = units[name].watts or _LOAD_W
            self._switched(name, self.plugs[name].purifying)
        self._by_topic = {plug.topic: name for name, plug in self.plugs.items()}

    def topics(self) -> list[str]:
        """What must be subscribed to."""
        return [f"cmnd/{topic}/#" for topic in self._by_topic]

    def up(self, now: float) -> None:
        """The broker can be reached (again)."""
        self._online = True
        for name in self.plugs:
            self._do(name, lambda plug: plug.connected(now))

    def down(self, now: float) -> None:
        """The broker is gone; the sockets' own rules may act."""
        self._online = False
        for name in self.plugs:
            self._do(name, lambda plug: plug.disconnected(now))

    def hear(self, topic: str, payload: bytes, now: float) -> None:
        """A message arrived."""
        parts = topic.split("/")
        name = self._by_topic.get("/".join(parts[1:-1]))
        if name is not None:
            self._do(name, lambda plug: plug.handle(topic, payload, now))

    def tick(self, now: float) -> None:
        for name in self.plugs:
            self._do(name, lambda plug: plug.tick(now))

    def wish(self, name: str, wish: str | None, now: float) -> None:
        """offline, silent, disobey and dead last until another wish; press, drop and reboot happen once."""
        plug = self.plugs.get(name)
        if plug is None:
            return
        if wish == "press":
            self._do(name, lambda plug: plug.press(now))
        elif wish == "drop":
            self._do(name, lambda plug: plug.drop(now))
        elif wish == "reboot":
            self._do(name, lambda plug: plug.reboot(now))
        else:
            plug.disobey = wish == "disobey"
            self._do(name, lambda plug: _afflict(plug, wish, now))

    def farewell(self) -> None:
        """All sockets leave: the broker is told what their last wills would say."""
        for plug in self.plugs.values():
            self._tell(plug.farewell())

    def state(self, now: float) -> dict[str, Any]:
        """What must be remembered to go on."""
        return {
            name: {
                "on": plug.on,
                "pulse": plug.pulse,
                "remaining_s": round(plug.remaining_s(now), 1),
                "power_on_state": plug.power_on_state,
                "detached": plug.detached,
                "rules": [[index, *rule] for index, rule in plug.rules.sets.items()],
            }
            for name, plug in self.plugs.items()
        }

    def _do(self, name: str, act: Callable[[TasmotaPlug], list[Publish]]) -> None:
        plug = self.plugs[name]
        before = plug.purifying
        self._tell(act(plug))
        if plug.purifying != before:
            self._switched(name, plug.purifying)

    def _tell(self, messages: list[Publish]) -> None:
        for message in messages:
            self._say(message)


def _afflict(plug: TasmotaPlug, wish: str | None, now: float) -> list[Publish]:
    plug.dead = wish == "dead"
    if wish not in ("offline", "silent"):
        return plug.come_back(now)
    will = plug.go_offline(now)
    # A plug that is silent has still its connection: the broker knows nothing of it yet.
    return will if wish == "offline" else []


def _restored(topic: str, remembered: Any, now: float) -> TasmotaPlug:
    if not isinstance(remembered, dict):
        return TasmotaPlug(topic, now=now)
    try:
        plug = TasmotaPlug(
            topic,
            on=bool(remembered["on"]),
            pulse=int(remembered["pulse"]),
            remaining_s=float(remembered["remaining_s"]),
            power_on_state=int(remembered.get("power_on_state", 3)),
            now=now,
        )
        plug.detached = bool(remembered.get("detached", False))
        plug.rules.sets = {int(number): (bool(on), str(text)) for number, on, text in remembered.get("rules", [])}
        return plug
    except (KeyError, TypeError, ValueError):
        return TasmotaPlug(topic, now=now)
