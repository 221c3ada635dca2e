"""What holds for the messages of every foreign device, whoever wrote its adapter: told once is counted once, and a time
that the device gives is believed as far as it can be.

A message is the same as another when its content is the same and it comes within a moment of it; a counter or a time
that stands still proves nothing, because counters and clocks fail too. A message that carries its own time may be sent
again hours later, so there the content with its time is remembered; when other values come with the same time, the
clock stands still, and values count from then on when they arrive.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from classair.accounts import Account
from classair.model import Flag
from firmware_bridge.adapters._contract import Adapter, Arrival, Measured, MessageRejected
from firmware_bridge.adapters._device_clock import DeviceClock
from firmware_bridge.drivers import About

POSTED_AGAIN_S: Final = 30.0  # a device that heard no answer tries again within this
SENT_AGAIN_S: Final = 5.0  # a client that lost its connection sends what was not confirmed
ALWAYS_OTHER: Final = 3  # messages in a row that differ: one that does not has been delivered again, also later
NUMBER_AGAIN_S: Final = 0.5  # a number alone says too little to be known again
_NUMBER: Final = 24  # bytes
REMEMBERED: Final = 1000  # times of measuring: ten days at 15 minutes
_AT_ONCE_MS: Final = 10_000  # two messages with one time in whole seconds arrive so soon after it

Content = frozenset[tuple[str, float]]


@dataclass(slots=True)
class _Known:
    """A message that gave values, or may yet."""

    payload: bytes
    at_s: float
    dated: list[tuple[int, Content]]
    differs: int = 0
    """How many messages in a row were other ones than the one before."""


@dataclass(slots=True)
class _Told:
    """What was measured at one time, by the device's word; `first_s`: when that was heard for the first time."""

    first_s: float
    contents: set[Content]


@dataclass(slots=True)
class Heard:
    """An adapter with these rules around it; used as the adapter itself."""

    adapter: Adapter
    clock: DeviceClock
    stands: bool = False
    """Its clock stands still: the same time came with other values."""
    _known: dict[str, _Known] = field(default_factory=dict)
    _told: OrderedDict[int, _Told] = field(default_factory=OrderedDict)

    @property
    def own_clock(self) -> bool:
        return self.adapter.own_clock

    @property
    def frame_every_s(self) -> float:
        return self.adapter.frame_every_s

    @property
    def about(self) -> About:
        return self.adapter.about

    @property
    def online(self) -> bool | None:
        return self.adapter.online

    @property
    def keeps(self) -> bool:
        return self.adapter.keeps

    @property
    def facts(self) -> dict[str, str]:
        return self.adapter.facts

    @property
    def warning(self) -> str:
        return self.adapter.warning

    def topics(self) -> Sequence[str]:
        return self.adapter.topics()

    def account(self) -> Account:
        return self.adapter.account()

    def due_s(self) -> float | None:
        return self.adapter.due_s()

    def tick(self, now_s: float) -> list[Measured]:
        return self.adapter.tick(now_s)

    def take(self, arrival: Arrival) -> list[Measured] | MessageRejected:
        if not arrival.retained and self._again(arrival):
            return MessageRejected("repeat", "a duplicate message")
        found = self.adapter.take(arrival)
        if isinstance(found, MessageRejected):
            return found
        said = [(one.at_ms, _content(one)) for one in found if one.at_ms is not None]
        if said:
            fresh = [one for one in found if one.at_ms is None or self._dated(one, one.at_ms, arrival)]
            if not fresh:
                return MessageRejected(
                    "repeat" if self.keeps else "stale", "the same values with the same time of measuring"
                )
            if arrival.retained and any(one.at_ms is None for one in fresh):
                return MessageRejected("retained", "a retained message whose time cannot be right")
            found = fresh
        if found or self.adapter.due_s() is not None:
            before = self._known.get(arrival.topic)
            differs = before.differs + 1 if before is not None and before.payload != arrival.payload else 0
            self._known[arrival.topic] = _Known(arrival.payload, arrival.now_s, said, differs)
        return found

    def forget(self, arrival: Arrival) -> None:
        """What this message said has been lost: it counts when it is sent again."""
        known = self._known.get(arrival.topic)
        if known is None or known.payload != arrival.payload:
            return
        del self._known[arrival.topic]
        for said_ms, content in known.dated:
            told = self._told.get(said_ms)
            if told is not None:
                told.contents.discard(content)
                if not told.contents:
                    del self._told[said_ms]

    def notice(self) -> tuple[str, dict[str, str]]:
        """What should be seen to although values come: a key below [health] and its places; "" for nothing."""
        if self.adapter.warning:
            return self.adapter.warning, {}
        if self.stands:
            return "foreign_clock_stands", {}
        wrong_s = round(abs(self.clock.wrong_ms) / 1000)
        if not wrong_s:
            return "", {}
        side = "fast" if self.clock.wrong_ms > 0 else "slow"
        if wrong_s < 2 * 3600:
            return f"foreign_clock_{side}", {"minutes": str(round(wrong_s / 60))}
        if wrong_s < 48 * 3600:
            return f"foreign_clock_{side}_hours", {"hours": f"{wrong_s / 3600:.3g}"}
        return f"foreign_clock_{side}_days", {"days": str(round(wrong_s / 86_400))}

    def _again(self, arrival: Arrival) -> bool:
        """Whether this is the message before once more."""
        known = self._known.get(arrival.topic)
        if known is None or known.payload != arrival.payload:
            return False
        longest = POSTED_AGAIN_S if not arrival.topic or known.differs >= ALWAYS_OTHER else SENT_AGAIN_S
        if len(arrival.payload) <= _NUMBER:
            longest = NUMBER_AGAIN_S
        passed_s = arrival.now_s - known.at_s
        if passed_s >= min(longest, self.frame_every_s / 2):
            return False
        if passed_s >= SENT_AGAIN_S:
            known.differs = 0  # should it go on saying the same, it is no redelivery
        return True

    def _dated(self, one: Measured, said_ms: int, arrival: Arrival) -> bool:
        """Settles when a measurement was made; False when it is known already."""
        content = _content(one)
        told = self._told.get(said_ms)
        if told is None:
            self.stands = False
            self._told[said_ms] = _Told(arrival.now_s, {content})
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        elif content in told.contents and not self.stands:
            return False
        else:
            told.contents.add(content)
            self.stands = self.stands or self._stood(said_ms, told, arrival)
        if self.stands:
            one.at_ms = None
            one.frame.flags |= Flag.RECEIPT_TIME
        elif arrival.now_ms is not None:
            live = not arrival.retained and not arrival.kept_s
            one.at_ms, flags = self.clock.date(said_ms, arrival.now_ms, arrival.now_s, live=live)
            one.frame.flags |= flags
        return True

    def _stood(self, said_ms: int, told: _Told, arrival: Arrival) -> bool:
        """Whether other values with a time that is known mean that the clock does not go on.

        Two messages of one second come together: at once, or long after where the device keeps what it cannot send.
        """
        if arrival.kept_s:
            return False
        if self.keeps:
            return arrival.now_s - told.first_s > POSTED_AGAIN_S
        return arrival.now_ms is None or abs(arrival.now_ms - said_ms + self.clock.wrong_ms) > _AT_ONCE_MS


def _content(one: Measured) -> Content:
    return frozenset(one.frame.values.items())


def remembered(adapter: Heard) -> dict[str, Any]:
    """What should outlive a restart of the bridge; the clock to a minute, because each change is written to disk."""
    return {"facts": dict(adapter.facts), "clock_wrong_min": round(adapter.clock.wrong_ms / 60_000)}


def recall(adapter: Heard, known: Mapping[str, Any]) -> None:
    """The reverse; what cannot be read is as if it had not been remembered."""
    facts, wrong_min = known.get("facts"), known.get("clock_wrong_min")
    if isinstance(facts, dict):
        adapter.facts.update({str(key): str(value) for key, value in facts.items()})
    if isinstance(wrong_min, int):
        adapter.clock.wrong_ms = wrong_min * 60_000
