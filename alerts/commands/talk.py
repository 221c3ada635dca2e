"""A conversation with one purifier over the installation's broker, as the user `tool`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, Final

from alerts.control.unit import Command
from alerts.purifiers import AsksItself, Publish, Purifier, Said
from classair.asking import NoAnswer, Questions
from classair.broker import BrokerAddress, Link, Message
from classair.wire import Topics

SCAN_S: Final = 1.0  # what is retained comes at once after the broker has taken a subscription
CONNECT_S: Final = 5.0
LOOK_S: Final = 0.2  # a device that is asked by a way of its own says nothing to the network thread


def retained_commands(address: BrokerAddress, unit: Purifier) -> dict[str, bytes]:
    """What waits at the broker for the device: it would carry it out after each start. Raises NoAnswer."""
    found: dict[str, bytes] = {}

    def hear(message: Message) -> None:
        if message.retain and message.payload:
            found[message.topic] = message.payload

    link = Link(address, on_message=hear, subscriptions=[(topic, 1) for topic in unit.account().reads])
    link.start()
    try:
        if not link.wait_up(CONNECT_S):
            raise NoAnswer(f"the broker at {address.host}:{address.port} is unreachable")
        time.sleep(SCAN_S)
    finally:
        link.stop()
    return dict(found)


class Talk:
    """What is sent to a device and what it says. `hear` runs on the network thread, everything else on one other."""

    def __init__(self, address: BrokerAddress, unit: Purifier, topics: Topics) -> None:
        self._unit = unit
        self._said: list[Said] = []
        self._messages: list[tuple[str, bytes]] = []
        self._news = threading.Condition()
        self._answers = topics.answer("+")
        subscriptions = [(topic, 1) for topic in (*unit.topics(), self._answers)]
        self._link = Link(address, on_message=self._hear, subscriptions=subscriptions)
        self._questions = Questions(self._link, topics)
        self._link.start()
        if not self._link.wait_up(CONNECT_S):
            self._link.stop()
            raise NoAnswer(f"the broker at {address.host}:{address.port} is unreachable")

    def close(self) -> None:
        self._link.stop()

    def send(self, messages: Iterable[Publish | Said], retain: bool = False) -> None:
        for message in messages:
            if isinstance(message, Publish):
                self._link.publish(message.topic, message.payload, qos=1, retain=retain)

    def switch(self, on: bool, seconds: int = 0) -> None:
        self.send(self._unit.command(Command(on, seconds if on else None, "person", "tried out", 1)))

    def ask(self) -> None:
        self.send(self._unit.query())

    def forget(self) -> None:
        """What was said so far does not count for what is awaited next."""
        with self._news:
            if isinstance(self._unit, AsksItself):
                self._unit.heard()
            self._said.clear()
            self._messages.clear()

    def until(self, wanted: Callable[[Said], bool], seconds: float, after: Said | None = None) -> Said | None:
        """The first word since `forget`, or `after` another, that is wanted; None when it does not come in time."""

        def found() -> Said | None:
            start = next((index for index, said in enumerate(self._said, 1) if said is after), 0)
            return next(filter(wanted, self._said[start:]), None)

        end = time.monotonic() + seconds
        with self._news:
            while True:
                if isinstance(self._unit, AsksItself):
                    self._said += self._unit.heard()
                word, left = found(), end - time.monotonic()
                if word is not None or left <= 0:
                    return word
                self._news.wait(min(left, LOOK_S))

    def verdict(self, answer: Callable[[str, bytes], bool | None], seconds: float) -> bool | None:
        """What an answer since `forget` says of a setting; None when none comes in time."""

        def known() -> list[bool]:
            return [found for message in self._messages if (found := answer(*message)) is not None]

        with self._news:
            self._news.wait_for(known, seconds)
            found = known()
            return found[-1] if found else None

    def leave_alone(self, purifier: str, minutes: float) -> bool:
        """Asks alerts to leave the purifier to us for so long, 0 for no longer; False when it does not answer."""
        try:
            args: dict[str, Any] = {"purifier": purifier, "minutes": minutes}
            return self._questions.ask("alerts", "trial", "command line", args).result(CONNECT_S).ok
        except (NoAnswer, NotInTime):
            return False

    def _hear(self, message: Message) -> None:
        if message.topic.startswith(self._answers.removesuffix("+")):
            self._questions.hear(message.payload)
            return
        said = self._unit.read_state(message.topic, message.payload, message.retain)
        with self._news:
            if not message.retain:
                self._messages.append((message.topic, message.payload))
            self._said += [one for one in said if not message.retain]
            self._news.notify_all()
