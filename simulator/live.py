"""The simulated schools as they live: one loop that moves the world, lets sensors speak and sockets obey."""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from classair import __version__
from classair.broker import BrokerAddress, Link, Message, Will
from classair.places import Places
from classair.progress.telling import Progress
from classair.service import Accepted, Following
from classair.wire import ServiceStatus, Topics
from simulator import saved_state as remembering
from simulator import wishes as wishing
from simulator.devices.device import Publish
from simulator.devices.sensors import Sensors
from simulator.devices.sockets import Sockets
from simulator.physics.world import World
from simulator.saved_state import SimulatorState
from simulator.wishes import Wishes

log = logging.getLogger(__name__)

NAME: Final = "simulator"
_TICK_S: Final = 0.1
_WORLD_S: Final = 0.25
_WISHES_S: Final = 0.5
_REMEMBER_S: Final = 10.0
_STATUS_S: Final = 15.0
_LONGEST_CATCHING_UP_MS: Final = 14 * 86_400_000
_CLOCK_WAVERS_MS: Final = 5_000
_LONG_MS: Final = 3_600_000  # living through more than this takes noticeable time
_CATCHING_UP_S: Final = 300.0
_DISK_S: Final = 45.0


class Live:
    """Plays every sensor and socket of the accepted configuration whose port is sim:, from the state remembered."""

    def __init__(self, places: Places, address: BrokerAddress, org: str | None) -> None:
        self._places = places
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._events: deque[Callable[[], None]] = deque()
        self._progress = Progress()
        self._memory = remembering.recall(places)
        self._world: World | None = None
        self._accepted: Accepted | None = None
        self._sensors = Sensors(places, self._selector)
        self._bridges: list[str] = []
        self._wishes = wishing.WishFile(wishing.place_of(places))
        self._wished = Wishes()
        self._sockets = Sockets(self._say, self._switched)
        self._worth_remembering = False  # a relay has moved: a restart must not forget it
        self._following = Following(places.accepted_config, lambda news: self._later(partial(self._follow, news)))
        subscriptions = [(Topics(org or "+").config, 1)]
        will = Will(Topics(org).service_status(NAME), _status("offline").encode()) if org else None
        self._link = Link(
            address,
            on_message=self._received,
            subscriptions=subscriptions,
            will=will,
            on_up=lambda: self._later(self._up),
            on_down=lambda: self._later(self._down),
        )

    def run(self, stop: threading.Event) -> int:
        """Until asked to stop."""
        self._link.start()
        self._progress.watch("network", lambda: self._link.moved_at)
        if self._following.current is not None:
            self._follow(self._following.current)
        else:
            log.info("config_missing action=wait")
        slow = dict.fromkeys(("tick", "world", "wishes", "remember", "status"), 0.0)
        slow["remember"] = time.monotonic() + _REMEMBER_S
        try:
            while not stop.is_set():
                self._progress.tick()
                now = time.monotonic()
                self._turn(now, slow)
                pause = min(self._sensors.next_due(slow["tick"]), slow["tick"]) - time.monotonic()
                for key, _ in self._selector.select(max(0.0, pause)):
                    if key.fd == self._wake_read:
                        _drain(self._wake_read)
                    else:
                        key.data.readable()
                while self._events:
                    self._events.popleft()()
        finally:
            self._end()
        return 0

    # -- the loop's parts ---------------------------------------------------------------------------------------------

    def _turn(self, now: float, slow: dict[str, float]) -> None:
        if now >= slow["wishes"]:
            slow["wishes"] = now + _WISHES_S
            self._look_at_wishes(now)
        if now >= slow["world"]:
            slow["world"] = now + _WORLD_S
            self._move_world()
        if now >= slow["tick"]:
            slow["tick"] = now + _TICK_S
            self._sockets.tick(now)
        self._sensors.speak(now)
        if now >= slow["remember"] or self._worth_remembering:
            slow["remember"] = now + _REMEMBER_S
            self._remember()
        if now >= slow["status"]:
            slow["status"] = now + _STATUS_S
            self._tell_status("online")

    def _move_world(self) -> None:
        if self._world is None:
            return
        now_ms = _wall_ms()
        # The clock was set: nobody needs to live through years, nor to stand still until it is late again.
        self._world.at_ms = max(self._world.at_ms, now_ms - _LONGEST_CATCHING_UP_MS)
        if self._world.at_ms > now_ms + _CLOCK_WAVERS_MS:
            self._world.at_ms = now_ms
        if now_ms - self._world.at_ms > _LONG_MS:
            self._progress.busy(_CATCHING_UP_S)
        self._world.advance(now_ms)

    def _follow(self, accepted: Accepted) -> None:
        """Plays another configuration from now on; what stays keeps its state."""
        config, now = accepted.config, time.monotonic()
        self._accepted = accepted
        if self._world is None:
            at_ms = max(self._memory.bridges.values(), default=_wall_ms())
            self._world = World(config, min(at_ms, _wall_ms()), self._memory.world)
            self._move_world()
        else:
            self._world.follow(config)
        self._bridges = [full for full, _ in config.bridges() if config.site_simulated(full.partition(".")[0])]
        self._sensors.follow(config, self._world)
        self._sockets.follow(config, now, self._memory.plugs)
        for topic in self._sockets.topics():
            self._link.subscribe(topic, 1)
        self._apply_lasting(now)
        self._tell_status("online")

    # -- wishes -------------------------------------------------------------------------------------------------------

    def _look_at_wishes(self, now: float) -> None:
        wishes = self._wishes.changed()
        if wishes is None:
            return
        if self._world is not None:
            # Before the schools live, what is to happen once is a leftover of an earlier run.
            once = wishes.once_since(self._wished)
            for room, puff in once.indoor.items():
                self._world.puff(room, puff)
            for name, wish in once.plugs.items():
                self._sockets.wish(name, wish, now)
        self._wished = wishes
        self._apply_lasting(now)
        if self._world is not None:
            known = {*self._sensors.ports, *self._sockets.plugs, *self._world.rooms}
            for name in {*wishes.faults, *wishes.plugs, *wishes.indoor} - known:
                log.warning("wish_target_unknown name=%s", name)
        log.info(
            "wishes_applied haze=%s faults=%s plugs=%s indoor=%s",
            wishes.haze,
            wishes.faults,
            wishes.plugs,
            wishes.indoor,
        )

    def _apply_lasting(self, now: float) -> None:
        if self._world is None:
            return
        self._world.haze_wished = self._wished.haze or 0.0
        self._sensors.apply(self._wished.faults)
        for name in self._sockets.plugs:
            wish = self._wished.plugs.get(name)
            if wish not in wishing.ONCE:
                self._sockets.wish(name, wish, now)

    # -- the broker's thread ------------------------------------------------------------------------------------------

    def _later(self, event: Callable[[], None]) -> None:
        """Hands something to the loop; the only thing other threads may do here."""
        self._events.append(event)
        try:
            os.write(self._wake_write, b"!")
        except BlockingIOError:
            pass  # it is awake already

    def _received(self, message: Message) -> None:
        if message.topic.endswith("/control/config"):
            self._following.hear(message.payload)
        else:
            self._later(lambda: self._sockets.hear(message.topic, message.payload, time.monotonic()))

    def _up(self) -> None:
        self._sockets.up(time.monotonic())
        self._tell_status("online")

    def _down(self) -> None:
        self._sockets.down(time.monotonic())

    def _say(self, message: Publish) -> None:
        # A socket without a broker speaks to nobody, and says how it stands when it is back.
        self._link.publish(message.topic, message.payload, qos=1 if message.retain else 0, retain=message.retain)

    def _switched(self, purifier: str, on: bool) -> None:
        if self._world is not None:
            self._world.switch(purifier, on)
            self._worth_remembering = True

    # -- remembering and leaving --------------------------------------------------------------------------------------

    def _remember(self) -> None:
        self._worth_remembering = False
        if self._world is None:
            return
        at_ms = self._world.at_ms
        self._memory = SimulatorState(
            {**self._memory.bridges, **dict.fromkeys(self._bridges, at_ms)},
            self._world.state(),
            self._sockets.state(time.monotonic()),
        )
        self._progress.busy(_DISK_S)  # a slow disk is no hang
        try:
            remembering.remember(self._places, self._memory)
        except OSError as error:
            log.error("simulator_state_write_failed error=%s", error.strerror)

    def _tell_status(self, state: str) -> None:
        if self._accepted is None:
            return
        ports = self._sensors.ports.values()
        figures: dict[str, float | int | str | None] = {
            "sensors": len(ports),
            "plugged": sum(port.plugged for port in ports),
            "sockets": len(self._sockets.plugs),
            "frames": sum(port.sent for port in ports),
            "haze_added": round(self._world.haze, 1) if self._world else 0.0,
        }
        topic = Topics(self._accepted.config.org).service_status(NAME)
        self._link.publish(topic, _status(state, self._accepted.version, figures), qos=1, retain=True)

    def _end(self) -> None:
        self._remember()
        self._sockets.farewell()
        self._tell_status("offline")
        self._sensors.close()
        self._link.stop()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)


def _status(state: str, version: int = 0, figures: dict[str, float | int | str | None] | None = None) -> str:
    return ServiceStatus.model_validate(
        {
            "service": NAME,
            "state": state,
            "at": _wall_ms(),
            "pid": os.getpid(),
            "version": __version__,
            "config_version": version,
            "figures": figures or {},
        }
    ).model_dump_json()


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass


def _wall_ms() -> int:
    return round(time.time() * 1000)
