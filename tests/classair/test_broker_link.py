"""A link asks the broker for every topic that it was asked for, at whatever moment that was."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link

pytestmark = pytest.mark.servers


def test_a_topic_asked_for_between_any_two_steps_of_connecting_is_heard(mosquitto: Any) -> None:
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    link = Link(
        BrokerAddress.of(mosquitto.url, "in-the-gap"),
        on_message=lambda message: heard.put(message.topic),
        subscriptions=[("gap/first", 1)],
    )

    class Gap:
        """The link's lock; another thread asks for a topic at the very moment it is let go."""

        def __init__(self) -> None:
            self.real, self.asked = threading.Lock(), False

        def __enter__(self) -> None:
            self.real.acquire()

        def __exit__(self, *_: Any) -> None:
            self.real.release()
            if not self.asked:
                self.asked = True
                link.subscribe("gap/second", 1)

    link._lock = Gap()  # type: ignore[assignment]
    link.start()
    try:
        assert link.wait_up(60)
        for topic in ("gap/second", "gap/first"):  # one connection: what is answered first was asked for first
            link.publish(topic, "x", qos=1)
        assert [heard.get(timeout=60), heard.get(timeout=60)] == ["gap/second", "gap/first"]
    finally:
        link.stop()
