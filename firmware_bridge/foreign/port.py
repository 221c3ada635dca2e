"""Somebody else's devices as ports of this bridge: their messages come over its own broker link, or by HTTP."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from math import inf
from typing import Any, Final

from classair.model import Flag
from firmware_bridge.adapters import Arrival, Heard, Measured, MessageRejected
from firmware_bridge.adapters._heard import POSTED_AGAIN_S, recall, remembered
from firmware_bridge.drivers import About, Frame
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.spool.receipt import Receipt

log = logging.getLogger(__name__)

SILENT_INTERVALS: Final = 3
SILENT_AT_LEAST_S: Final = 60.0
KEPT_AT_MOST_S: Final = 60.0  # what a broker kept for longer is not dated by its receipt
EARLY: Final = 1000  # messages that wait for the time
NEEDED: Final = ("pm25", "co2_ppm")  # what a room's level and ventilation are told from

OnFrames = Callable[[list[Frame], float, bool], None]
OnState = Callable[[PortState], None]


def content_of(sensor: str, arrival: Arrival) -> int:
    """A message by what it says; the same for the same."""
    said = b"\0".join((sensor.encode(), arrival.topic.encode("utf-8", "surrogatepass"), arrival.payload))
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") >> 1  # SQLite has 63 bits and a sign


class TimeUnknown(Exception):
    """The device dates its message, and the bridge cannot yet say what that is in its own time: send it again."""


class ForeignPort:
    """One device. It has no thread: the bridge's loop brings messages and ticks, HTTP threads bring posts.

    `sensor` is `<site>.<id>`. `path` is where the device posts, empty when it speaks over MQTT.
    """

    def __init__(
        self,
        sensor: str,
        adapter: Heard,
        crossing: Crossing,
        on_frames: OnFrames,
        on_state: OnState,
        *,
        model: str = "",
        path: str = "",
    ) -> None:
        self.sensor, self.adapter, self.model, self.path = sensor, adapter, model, path
        self.state = PortState("starting", "foreign_starting")
        self._crossing, self._on_frames, self._on_state = crossing, on_frames, on_state
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._good_s = crossing.now_s()
        self._refused_since = self._unread = ""
        self._offline_s = self._good_s  # when it was last said to be off
        self._stuck: set[str] = set()
        self._needed_s: float | None = None  # when a value that a room needs came last
        self._stopped = False
        self._owed: list[Receipt] = []  # of messages whose values still wait in the adapter
        self._owed_kept_s = 0.0
        self._owed_messages: list[int] = []
        self._early: list[tuple[Arrival, Receipt | None]] = []  # dated by the device, before this bridge knew the time

    # -- what the bridge wants of a source -----------------------------------------------------------------------------

    @property
    def frame_every_s(self) -> float:
        return self.adapter.frame_every_s

    @property
    def each_alone(self) -> bool:
        return True

    @property
    def brings_backlog(self) -> bool:
        return self.adapter.own_clock

    @property
    def about(self) -> About:
        return self.adapter.about

    @property
    def alive(self) -> bool:
        return True

    def counts(self) -> dict[str, int]:
        with self._lock:
            return {"messages": 0, "good": 0, **self._counts, **self.about.unread_counts()}

    def start(self) -> None:
        self._crossing.register(self)

    def ask_to_stop(self) -> None:
        self._stopped = True

    def stop(self, timeout: float = 1.5) -> None:
        self.ask_to_stop()
        self._crossing.forget(self)
        with self._lock:
            if self.adapter.due_s() is not None:
                self._give_waiting(self.adapter.tick(inf), self._crossing.now_s(), self._crossing.now_ms())
            self._settle_owed()

    def recall(self, known: Mapping[str, Any]) -> None:
        recall(self.adapter, known)

    def remembered(self) -> dict[str, Any]:
        """What it has learnt of the device and a restart must not lose."""
        return remembered(self.adapter)

    # -- messages ------------------------------------------------------------------------------------------------------

    def hear(self, arrival: Arrival, receipt: Receipt | None = None) -> MessageRejected | None:
        """Takes a message; what was wrong with it. Raises TimeUnknown when it should be sent once more.

        `receipt` is answered when everything the message says is on disk, whatever was wrong with it.
        """
        with self._lock:
            if receipt is not None:
                receipt.sensor = self.sensor
                receipt.forget = lambda: self._forget(arrival)
            if self._stopped:
                return MessageRejected("stopped", "this device is being removed from the configuration; send it again")
            if self.adapter.own_clock and arrival.now_ms is None:
                # Before the adapter sees it, or it would take the second try for a repeat.
                if not arrival.topic:
                    self._counts["messages"] += 1
                    self._counts["refused_time_unknown"] += 1
                    self._refused_since = "time_unknown"
                    raise TimeUnknown
                if len(self._early) < EARLY:
                    self._early.append((arrival, receipt))
                return None
            found = self._take(arrival, receipt)
        self._settle(arrival.now_s)
        return found if isinstance(found, MessageRejected) else None

    def _take(self, arrival: Arrival, receipt: Receipt | None) -> list[Measured] | MessageRejected:
        self._counts["messages"] += 1
        waited, online = self.adapter.due_s(), self.adapter.online
        found = self.adapter.take(arrival)
        if self.adapter.online is False and (online is not False or found == []):
            self._offline_s = arrival.now_s
        if isinstance(found, MessageRejected):
            self._counts[f"refused_{found.reason}"] += 1
            if found.reason != "retained":
                self._refused_since, self._unread = found.reason, found.detail
            log.debug("message_rejected sensor=%s reason=%s detail=%s", self.sensor, found.reason, found.detail)
        else:
            told, this, all_given = self._owed_messages, content_of(self.sensor, arrival), self.adapter.due_s() is None
            for place, one in enumerate(found):
                # What this message says is last; while it waits itself, everything found is of those before it.
                messages = [*told] if place == 0 else []
                messages += [this] if all_given and place == len(found) - 1 else []
                self._give(one, arrival.now_s, arrival.now_ms, max(arrival.kept_s, self._owed_kept_s), messages)
        due = self.adapter.due_s()
        if due != waited:
            self._settle_owed()  # what waited has been given; what waits now is of this message
        if receipt is not None:
            self._owed.append(receipt)
        if due is None:
            self._settle_owed()
        else:
            self._owed_kept_s = max(self._owed_kept_s, arrival.kept_s)
            if not isinstance(found, MessageRejected):
                self._owed_messages.append(content_of(self.sensor, arrival))
        return found

    def _forget(self, arrival: Arrival) -> None:
        with self._lock:
            self.adapter.forget(arrival)

    def tick(self, now_s: float, now_ms: int | None) -> None:
        with self._lock:
            if now_ms is not None:
                early, self._early = self._early, []
                for arrival, receipt in early:
                    then_ms = now_ms - round((now_s - arrival.now_s) * 1000)
                    self._take(replace(arrival, now_ms=then_ms), receipt)
            if self.adapter.due_s() is not None:
                self._give_waiting(self.adapter.tick(now_s), now_s, now_ms)
            if self.adapter.due_s() is None:
                self._settle_owed()
        self._settle(now_s)

    def _settle_owed(self) -> None:
        """The readings of these messages have been given; they are answered once those are on disk."""
        owed, self._owed, self._owed_kept_s, self._owed_messages = self._owed, [], 0.0, []
        for receipt in owed:
            self._crossing.settle(receipt)

    def _give_waiting(self, found: Iterable[Measured], now_s: float, now_ms: int | None) -> None:
        for one in found:
            self._give(one, now_s, now_ms, self._owed_kept_s, self._owed_messages)

    def _give(self, one: Measured, now_s: float, now_ms: int | None, kept_s: float, messages: Sequence[int]) -> None:
        at_s = now_s
        if one.at_ms is not None and now_ms is not None:
            at_s = now_s - (now_ms - one.at_ms) / 1000
            one.frame.at_ms = one.at_ms
        elif one.at_ms is not None:
            one.frame.flags |= Flag.RECEIPT_TIME | Flag.CLOCK
        elif kept_s > KEPT_AT_MOST_S:
            one.frame.flags |= Flag.CLOCK
        self._counts["good"] += 1
        self._good_s, self._refused_since = now_s, ""
        if any(key in one.frame.values for key in NEEDED):
            self._needed_s = now_s
        # Each quantity by itself: a message about something else says nothing of it.
        self._stuck -= one.frame.values.keys()
        self._stuck |= {key for key, flag in one.frame.value_flags.items() if flag & Flag.STUCK}
        one.frame.messages = tuple(messages)
        if one.frame.at_ms is None:
            one.frame.again_s = min(POSTED_AGAIN_S, self.frame_every_s / 2) + kept_s
        self._on_frames([one.frame], at_s, False)

    # -- how it is -----------------------------------------------------------------------------------------------------

    def _settle(self, now_s: float) -> None:
        state = self._judged(now_s)
        if state != self.state:
            self.state = state
            self._on_state(state)

    def _judged(self, now_s: float) -> PortState:
        patience_s = max(SILENT_INTERVALS * self.frame_every_s, SILENT_AT_LEAST_S)
        if self.path and self._crossing.ear_fault:
            return PortState("error", "foreign_no_ear", {"why": self._crossing.ear_fault})
        # Values outrank a last word: that of an old connection is often told after the new one has begun.
        values_come = self._good_s > self._offline_s and now_s - self._good_s <= patience_s
        if self.adapter.online is False and not values_come:
            return PortState("silent", "foreign_offline")
        if now_s - self._good_s > patience_s:
            if self._refused_since == "unread":
                return PortState("silent", "foreign_nothing_read", {"reason": self._unread})
            if self._refused_since:
                cause = _REFUSED.get(self._refused_since, "foreign_refused")
                return PortState("silent", cause, {"reason": self._refused_since})
            if self.adapter.online and not self._counts["good"]:
                return PortState("silent", "foreign_no_readings")
            return PortState("silent", "foreign_silent")
        if not self._counts["good"]:
            return PortState("starting", "foreign_starting")
        if self._stuck:
            return PortState("error", "foreign_stuck")
        if names := ", ".join(self.about.unread_air)[:200]:
            # Temperature alone is no sign of health where the board says more that cannot be read.
            blind = self._needed_s is None or now_s - self._needed_s > patience_s
            return PortState("error" if blind else "ok", "foreign_unread", {"names": names})
        return PortState("ok", *self.adapter.notice())


# Why a message was refused → what that says of the device, a key below [health].
_REFUSED: Final = {
    "stale": "foreign_stale",
    "repeat": "foreign_stale",
    "time_unknown": "foreign_time_unknown",
    "air_stream": "foreign_air_stream",
    "empty": "no_value",
    "absent": "no_value",
}


class Crossing:
    """Where messages from outside cross to the ports they are for. Used by the bridge's loop and by HTTP threads.

    `subscribe` hears a topic from now on, `unsubscribe` no more; `now_s` is elapsed seconds, `now_ms` UTC ms or None
    while unknown; `settle` answers a receipt when what was given before it is on disk.
    """

    def __init__(
        self,
        subscribe: Callable[[str], None],
        now_s: Callable[[], float],
        now_ms: Callable[[], int | None],
        *,
        unsubscribe: Callable[[str], None] = lambda topic: None,
        settle: Callable[[Receipt], None] = Receipt.kept,
    ) -> None:
        self._subscribe, self._unsubscribe = subscribe, unsubscribe
        self.now_s, self.now_ms, self.settle = now_s, now_ms, settle
        self._lock = threading.Lock()
        self._ports: list[ForeignPort] = []
        self._by_topic: dict[str, ForeignPort] = {}
        self._by_path: dict[str, ForeignPort] = {}
        self._subscribed: set[str] = set()
        self.ear_fault = ""  # why nobody can post here at present; empty when they can

    def register(self, port: ForeignPort) -> None:
        topics = port.adapter.topics()
        with self._lock:
            self._ports.append(port)
            self._by_topic.update(dict.fromkeys(topics, port))
            self._subscribed.update(topics)
            if port.path:
                self._by_path[port.path] = port
        for topic in topics:
            self._subscribe(topic)

    def forget(self, port: ForeignPort) -> None:
        """Its topics stay subscribed until `tidy`: while the bridge is off, the broker keeps what is said there."""
        with self._lock:
            if port in self._ports:
                self._ports.remove(port)
            for table in (self._by_topic, self._by_path):
                for key in [key for key, owner in table.items() if owner is port]:
                    del table[key]

    def tidy(self) -> None:
        """Ends the subscriptions that no port needs any more."""
        with self._lock:
            needless = self._subscribed - self._by_topic.keys()
            self._subscribed -= needless
        for topic in needless:
            self._unsubscribe(topic)

    @property
    def hears(self) -> bool:
        """Whether a port hears the broker."""
        return bool(self._by_topic)

    def hear(
        self,
        topic: str,
        payload: bytes,
        retained: bool,
        now_s: float,
        receipt: Receipt | None = None,
        kept_s: float = 0.0,
    ) -> bool:
        """Hands over a message of the broker; False when no port asked for its topic."""
        with self._lock:
            port = self._by_topic.get(topic)
        if port is None:
            self._unsubscribe(topic)  # of an earlier configuration
            return False
        port.hear(Arrival(topic, payload, retained, now_s, self.now_ms(), kept_s=kept_s), receipt)
        return True

    def at_path(self, path: str) -> ForeignPort | None:
        """Whose posts come to this path."""
        with self._lock:
            return self._by_path.get(path)

    def posting(self) -> list[ForeignPort]:
        """The devices that post here."""
        with self._lock:
            return list(self._by_path.values())

    def tick(self, now_s: float) -> None:
        with self._lock:
            ports = list(self._ports)
        now_ms = self.now_ms() if ports else None
        for port in ports:
            port.tick(now_s, now_ms)
