"""Applies the edge rule to the rooms of one bridge. It runs on the bridge's thread; `heard` alone on any."""

from __future__ import annotations

import contextlib
import logging
import queue
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from pydantic import ValidationError

from classair import offers
from classair.broker import Message
from classair.config import Config
from classair.config.purifiers import PurifierRule
from classair.control.orders import EdgeOrder
from classair.timetable import Timetable
from classair.wire import Beat, EdgeOrdered, PurifierState, Topics, address
from firmware_bridge.averaging import Mean
from firmware_bridge.edge.calling import Calls
from firmware_bridge.edge.rule import Beats, Need, Orders, Wish, forbidden, need
from firmware_bridge.edge.signals import RoomSignal
from firmware_bridge.published import sensors_of
from firmware_bridge.sensor_line import good_of

log = logging.getLogger(__name__)

TICK_S: Final = 1.0
REMEMBERED: Final = 20  # orders that are told upstream
QUANTITY: Final = "pm25"  # what control goes by, too
_BEAT: Final = "/control/beat"


def edge_topics(topics: Topics, site: str) -> list[str]:
    """What a bridge must hear for it."""
    return [topics.beat, topics.purifier_state(site, "+")]


class Line(Protocol):
    def gives(self, quantity: str) -> bool:
        """Whether the sensor is known to measure a quantity."""
        ...


@dataclass(slots=True)
class _Unit:
    """One purifier. `timetable` None: its room has none."""

    room: str
    order: EdgeOrder
    timetable: Timetable | None
    when_blind: bool
    orders: Orders = field(default_factory=Orders)
    wish: Wish = field(default_factory=Wish)
    unreachable: bool = False


class EdgeSwitch:
    """`known_ms()`: UTC ms, None while the time is not known. `publish(topic, payload)`: over the broker, with QoS 0,
    None without a connection. `lines`: the bridge's own mapping; only a sensor that measures PM2.5 can leave its room
    blind.
    """

    def __init__(
        self,
        bridge: str,
        now_s: float,
        known_ms: Callable[[], int | None],
        publish: Callable[[str, str], int | None],
        lines: Mapping[str, Line],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._bridge, self._known_ms, self._publish, self._lines = bridge, known_ms, publish, lines
        self._site = bridge.partition(".")[0]
        self._beats = Beats(now_s, chance)
        self._rules: dict[str, PurifierRule] = {}  # room → its rule
        self._units: dict[str, _Unit] = {}
        self._signals: dict[str, RoomSignal] = {}
        self._rooms: dict[str, str] = {}  # sensor → room
        self._states: queue.SimpleQueue[tuple[bytes, float]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._calls = Calls(lambda purifier, fault: self._answers.put((purifier, fault)))
        self._tick_at = 0.0
        self._news = False
        self.acting = False
        self._ordered: deque[tuple[EdgeOrdered, float]] = deque(maxlen=REMEMBERED)
        self.count = 0

    # -- what it is told -----------------------------------------------------------------------------------------------

    def use(self, config: Config, now_s: float) -> None:
        """The configuration in force: purifiers of rooms that this bridge measures, and can switch."""
        self._rooms = {sensor: f"{self._site}.{it.room}" for sensor, it in sensors_of(config, self._bridge).items()}
        rooms, known, purifiers = set(self._rooms.values()), self._units, dict(config.purifiers())
        try:
            devices = list(offers.second_paths(config))
        except Exception:  # measuring goes on, whatever a plug-in makes of a configuration
            log.exception("edge_devices_failed")
            devices = []
        self._units = {}
        for device in devices:
            if device.room not in rooms or device.order is None:
                continue
            timetable = config.timetable_of(device.room) if config.room(device.room).timetable else None
            fresh = _Unit(device.room, device.order, timetable, purifiers[device.purifier].when_blind)
            if (old := known.get(device.purifier)) is not None:
                fresh.wish = old.wish
                fresh.orders = old.orders if old.room == device.room else fresh.orders
            self._units[device.purifier] = fresh
        controlled = {unit.room for unit in self._units.values()}
        self._rules = {room: config.purifier_rule(room) for room in controlled}
        now_ms, before = round(now_s * 1000), self._signals
        self._signals = {room: before.get(room) or RoomSignal(now_ms, self._rules[room]) for room in controlled}
        for room, signal in self._signals.items():
            signal.follow(self._rules[room], {sensor for sensor, its in self._rooms.items() if its == room})

    def heard(self, message: Message, now_s: float) -> bool:
        """Whether a message is for this rule. On any thread: a beat counts from its arrival, however long the bridge's
        thread is busy.
        """
        if message.topic.endswith(_BEAT):
            # The server lives, whatever its term is and whatever time it thinks it is.
            with contextlib.suppress(ValidationError):
                Beat.model_validate_json(message.payload)
                if not message.retain:
                    self._beats.heard(now_s)
            return True
        where = address(message.topic)
        if where is None or where.kind != "purifier":
            return False
        self._states.put((message.payload, now_s))
        return True

    def reading(self, sensor: str, mean: Mean) -> None:
        room = self._rooms.get(sensor)
        value = good_of(mean).get(QUANTITY)
        if value is not None and room in self._signals:
            interval_ms = round(mean.interval_s * 1000)
            self._signals[room].add(sensor, round(mean.end_s * 1000), value, interval_ms)

    def ordered(self, now_s: float) -> list[EdgeOrdered]:
        """The newest orders, oldest first. What was ordered without the time is dated once that is known."""
        now_ms = self._known_ms()
        for index, (it, at_s) in enumerate(self._ordered):
            if not it.at and now_ms is not None:
                at = now_ms - round((now_s - at_s) * 1000)
                self._ordered[index] = it.model_copy(update={"at": at}), at_s
        return [it for it, _ in self._ordered]

    # -- acting --------------------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> bool:
        """Once a second; True when there is something new to tell of it."""
        if now_s >= self._tick_at:
            self._tick_at = now_s + TICK_S
            self._take_states()
            self._take_answers()
            lost = self._beats.lost(now_s)
            if lost != self.acting:
                self._turn(lost)
            if lost:
                now_ms = self._known_ms()
                for name, unit in list(self._units.items()):
                    try:
                        self._look(name, unit, now_s, now_ms)
                    except Exception:  # one device must not end the others, nor the measuring
                        log.exception("edge_order_failed purifier=%s action=given_up", name)
                        del self._units[name]
        news, self._news = self._news, False
        return news

    def _turn(self, lost: bool) -> None:
        self.acting = lost
        if lost:
            log.warning("server_lost bridge=%s purifiers=%d action=edge_rule", self._bridge, len(self._units))
        else:
            log.info("server_back bridge=%s orders=%d", self._bridge, self.count)
            for unit in self._units.values():
                unit.orders = Orders()

    def _look(self, name: str, unit: _Unit, now_s: float, now_ms: int | None) -> None:
        signal, rule, at = self._signals[unit.room], self._rules[unit.room], round(now_s * 1000)
        if unit.timetable is not None and now_ms is not None and unit.timetable.block_end_ms(now_ms) is None:
            signal.empty()
        wanted = need(
            high=signal.high(at, rule),
            blind=unit.when_blind and signal.blind(at) and self._measured(unit.room),
            timetable=unit.timetable,
            now_ms=now_ms,
        )
        unit.wish.dust(signal.level(at), now_s)
        if wanted is None or forbidden(unit.wish, now_s, now_ms, rule):
            return
        if unit.orders.due(now_s, wanted, rule.person_off):
            self._order(name, unit, wanted, now_s, now_ms)
        elif unit.orders.call_due(now_s):
            # Nobody is there to say that the device has heard it over the broker.
            self._call(name, unit, max(1, round(unit.orders.covers_until_s - now_s)))

    def _measured(self, room: str) -> bool:
        mine = (self._lines.get(sensor) for sensor, its in self._rooms.items() if its == room)
        return any(line is not None and line.gives(QUANTITY) for line in mine)

    def _order(self, name: str, unit: _Unit, wanted: Need, now_s: float, now_ms: int | None) -> None:
        messages = unit.order.messages(wanted.seconds)
        # Not with QoS 1: what waits for its acknowledgement would be sent again over a later connection.
        told = bool(messages) and all(self._publish(one.topic, one.payload) is not None for one in messages)
        first = unit.orders.sent_s is None or now_s >= unit.orders.covers_until_s
        unit.orders.send(now_s, wanted, told)
        if not told and not self._call(name, unit, wanted.seconds):
            unit.orders.not_sent()
            if not unit.unreachable:
                unit.unreachable = True
                log.warning("edge_order_impossible purifier=%s reason=%s", name, wanted.reason)
            return
        unit.unreachable = False
        way = "broker" if told else "http"
        told_of = name, wanted.reason, wanted.seconds, way, unit.orders.tries
        log.warning("edge_order purifier=%s reason=%s seconds=%d way=%s try=%d", *told_of)
        if first:
            self.count += 1
            ordered = EdgeOrdered(purifier=name, room=unit.room, at=now_ms or 0, reason=wanted.reason)
            self._ordered.append((ordered, now_s))
            self._news = True

    def _call(self, name: str, unit: _Unit, seconds: int) -> bool:
        """Asks the device itself, unless it is being asked; False when it has no such way."""
        calls = unit.order.calls(seconds)
        unit.orders.called = True
        if calls:
            self._calls.begin(name, calls)
        return bool(calls)

    def _take_states(self) -> None:
        """What alerts said last of each purifier."""
        while not self._states.empty():
            payload, at_s = self._states.get()
            with contextlib.suppress(ValidationError):
                state = PurifierState.model_validate_json(payload)
                if (unit := self._units.get(state.purifier)) is not None:
                    unit.wish.hear(state, at_s)

    def _take_answers(self) -> None:
        while not self._answers.empty():
            name, fault = self._answers.get()
            unit = self._units.get(name)
            if fault:
                log.warning("edge_call_failed purifier=%s error=%s", name, fault)
            else:
                log.info("edge_order_confirmed purifier=%s", name)
            if unit is not None:
                unit.orders.answered(not fault)
