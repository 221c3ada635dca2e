"""All relays of one bridge, on one thread: orders in, boards told, states out.

A bridge that ends in good order switches its relays off, and on again for the rest of their time when it comes back.
"""

from __future__ import annotations

import json
import logging
import queue
import termios
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from classair.broker import Message
from classair.config import Config
from classair.control.relays import relay_topic
from firmware_bridge.clock import elapsed
from firmware_bridge.relays.boards import BOARDS
from firmware_bridge.relays.configured import Plug, plugs_of
from firmware_bridge.relays.leases import Leases
from firmware_bridge.relays.relay import Order, Relay, order_of
from firmware_bridge.serial.opening import open_line

log = logging.getLogger(__name__)

TICK_S: Final = 0.2
AWAY: Final = "relay board away"
AGAIN_S: Final = 2.0  # between attempts to reach a board
_LOST: Final = (OSError, ValueError, TypeError, AttributeError, termios.error)


class Broker(Protocol):
    """What of the bridge's link is used."""

    def publish(self, topic: str, payload: str, qos: int = 0, retain: bool = False) -> int | None: ...

    def subscribe(self, topic: str, qos: int = 0) -> None: ...

    def unsubscribe(self, topic: str) -> None: ...


@dataclass(slots=True)
class _Board:
    """One port; relays of one board share its line."""

    baud: int
    line: Any = None
    again_at: float = 0.0


@dataclass(slots=True)
class _State:
    plugs: dict[str, Plug] = field(default_factory=dict)
    relays: dict[str, Relay] = field(default_factory=dict)
    boards: dict[str, _Board] = field(default_factory=dict)


class Relays:
    """`use`, `heard`, `publish`, `connected` and `stop` are called from other threads. `bridge` is `<site>.<id>`."""

    def __init__(self, bridge: str, leases: Path, boot: str, broker: Broker) -> None:
        self._bridge, self._broker, self._leases = bridge, broker, Leases(leases, boot)
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._names: frozenset[str] = frozenset()
        self._here = _State()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="relays", daemon=True)
        self.moved_at = time.monotonic()

    # -- from elsewhere -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        """Switches all off and returns."""
        self._stop.set()
        self._news.put(lambda: None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def use(self, config: Config) -> None:
        """The relays of this bridge in a configuration."""
        plugs = plugs_of(config, self._bridge)
        for names, hear in ((self._names - plugs.keys(), False), (plugs.keys() - self._names, True)):
            for topic in (relay_topic(name, leaf) for name in names for leaf in ("set", "get")):
                self._broker.subscribe(topic, 0) if hear else self._broker.unsubscribe(topic)
        self._names = frozenset(plugs)
        self._news.put(lambda: self._follow(plugs))

    def heard(self, message: Message) -> bool:
        """Whether a message is an order to a relay here. What the broker had kept has no time, so it is not obeyed."""
        return self._order(message.topic, message.payload, obey=not message.retain)

    def publish(self, topic: str, payload: str) -> int | None:
        """Sends an order of this bridge's own; one to a relay here needs no broker to arrive."""
        return 0 if self._order(topic, payload.encode(), obey=True) else self._broker.publish(topic, payload)

    def connected(self) -> None:
        """The broker is there: everything is said again."""
        self._news.put(self._say_again)

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        while not self._stop.is_set():
            self.moved_at = time.monotonic()
            with suppress(queue.Empty):
                self._guarded(self._news.get(timeout=TICK_S))
                while True:
                    self._guarded(self._news.get_nowait())
            self._guarded(self._tick)
        for name, relay in self._here.relays.items():
            relay.wanted, relay.due = False, True
            self._carry_out(name, relay, elapsed())
            self._broker.publish(relay_topic(name, "status"), "offline", retain=True)
        self._close(self._here.boards)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # one order must not end the others
            log.exception("relay_failed")

    def _order(self, topic: str, payload: bytes, obey: bool) -> bool:
        base, _, leaf = topic.rpartition("/")
        name = base.removeprefix("purifier/")
        if not base.startswith("purifier/") or leaf not in ("set", "get") or name not in self._names:
            return False
        order = order_of(leaf, payload) if obey else None
        if order is None:
            log.warning("relay_order_rejected purifier=%s retained=%s", name, not obey)
        else:
            self._news.put(lambda: self._obey(name, order))
        return True

    def _obey(self, name: str, order: Order) -> None:
        relay = self._here.relays.get(name)
        if relay is None:
            return
        relay.obey(order, elapsed())
        if order.on is not None:
            self._leases.keep(name, relay.ends_s)
            log.info("relay_ordered purifier=%s on=%s seconds=%d", name, order.on, order.seconds)

    def _follow(self, plugs: Mapping[str, Plug]) -> None:
        here, now = self._here, elapsed()
        for name in [name for name, plug in here.plugs.items() if plugs.get(name) != plug]:
            relay = here.relays.pop(name)
            relay.wanted, relay.due = False, True
            self._carry_out(name, relay, now)
            here.plugs.pop(name)
            if name not in plugs:
                self._leases.keep(name, None)
                self._broker.publish(relay_topic(name, "status"), "", retain=True)
        for name, plug in plugs.items():
            if name not in here.relays:
                here.plugs[name], here.relays[name] = plug, Relay()
                here.relays[name].resume(self._leases.end_of(name), now)
        wanted = {plug.port: BOARDS[plug.board].baud for plug in here.plugs.values()}
        self._close({port: here.boards.pop(port) for port in list(here.boards) if port not in wanted})
        for port, baud in wanted.items():
            here.boards.setdefault(port, _Board(baud))
        self._say_again()

    def _tick(self) -> None:
        now = elapsed()
        for name, relay in self._here.relays.items():
            was_wanted, was_there = relay.wanted, relay.is_on is not None
            relay.tick(now)
            if was_wanted and not relay.wanted:
                self._leases.keep(name, None)
            self._carry_out(name, relay, now)
            if was_there is not (relay.is_on is not None):
                self._say_status(name, relay)
            report = relay.report(now)
            if report is not None:
                self._broker.publish(relay_topic(name, "state"), json.dumps(report))

    def _carry_out(self, name: str, relay: Relay, now: float) -> None:
        """Tells its board, when something is to be told; a board that went away is noticed by a look at its line."""
        plug = self._here.plugs[name]
        board = self._here.boards.get(plug.port)
        if board is None or (not relay.due and self._still_there(board)):
            return
        try:
            if board.line is None:
                if now < board.again_at:
                    relay.lost(AWAY)
                    return
                board.line = open_line(plug.port, board.baud, read_timeout_s=0.3)
            relay.told(BOARDS[plug.board].switch(board.line, plug.channel, relay.wanted))
        except _LOST as error:
            board.again_at = now + AGAIN_S
            self._close({plug.port: board})
            if not relay.fault:
                log.warning("relay_board_away purifier=%s port=%s error=%s", name, plug.port, error)
            relay.lost(AWAY)

    def _still_there(self, board: _Board) -> bool:
        """A USB board that was unplugged lets its line say so; it had no power meanwhile, so it is told anew."""
        try:
            return board.line is not None and board.line.in_waiting >= 0
        except _LOST:
            return False

    def _say_again(self) -> None:
        for name, relay in self._here.relays.items():
            relay.report_at = 0.0
            self._say_status(name, relay)

    def _say_status(self, name: str, relay: Relay) -> None:
        self._broker.publish(
            relay_topic(name, "status"), "online" if relay.is_on is not None else "offline", retain=True
        )

    def _close(self, boards: Mapping[str, _Board]) -> None:
        for board in boards.values():
            line, board.line = board.line, None
            if line is not None:
                with suppress(*_LOST):
                    line.close()
