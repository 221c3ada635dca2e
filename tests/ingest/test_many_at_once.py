"""The broker link takes many messages at once: byte for byte what the library would, and on a real broker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from classair.broker import BrokerAddress, Link, Message, _Client

Packet = tuple[str, bytes, bool, int, int]


def publish(topic: bytes, payload: bytes, qos: int, retain: bool, mid: int) -> bytes:
    """A PUBLISH packet after MQTT 3.1.1 section 3.3."""
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if qos else b"") + payload
    length, left = b"", len(body)
    while True:
        left, part = divmod(left, 128)
        length += bytes([part | (0x80 if left else 0)])
        if not left:
            return bytes([0x30 | qos << 1 | retain]) + length + body


def taken(data: bytes) -> tuple[list[Packet], bytes]:
    """What the quick way makes of a stretch of bytes, and what it leaves to the library."""
    from paho.mqtt.enums import CallbackAPIVersion

    client = _Client(CallbackAPIVersion.VERSION2, client_id="x")
    found: list[Packet] = []
    client._read, client._read_to = data, 0
    client._take_publishes(lambda *packet: found.append(packet))
    return found, data[client._read_to :]


packets = st.tuples(
    st.text("abc/é", min_size=1, max_size=20),
    st.binary(max_size=400),
    st.integers(0, 1),
    st.booleans(),
    st.integers(1, 65535),
)


@given(st.lists(packets, max_size=8), st.integers(0, 60))
@settings(max_examples=60)
def test_whole_packets_are_taken_and_a_cut_one_is_left(sent: list[Any], cut: int) -> None:
    raw = [publish(topic.encode(), payload, qos, retain, mid) for topic, payload, qos, retain, mid in sent]
    data = b"".join(raw)
    data = data[: len(data) - cut] if cut < len(data) else data
    found, left = taken(data)
    expected = [(topic, payload, retain, mid if qos else 0, qos) for topic, payload, qos, retain, mid in sent]
    assert found == expected[: len(found)]
    # The library reads on exactly where a packet begins.
    assert sum(map(len, raw[: len(found)])) + len(left) == len(data)
    if cut == 0 and all(len(packet) > 7 for packet in raw):
        assert not left


@given(st.binary(max_size=300))
def test_other_packets_and_nonsense_are_left_to_the_library(data: bytes) -> None:
    for head in (b"\x20\x02\x00\x00", b"\x34" + data, b"\x30\xff\xff\xff\xff\x01" + data, b"\x30\x06\x00\x09abcd"):
        assert taken(head) == ([], head)
    assert data.endswith(taken(data)[1])


def test_a_topic_that_is_no_text_is_left_to_the_library() -> None:
    raw = publish(b"\xff\xfe", b"payload", 1, False, 1)
    assert taken(raw) == ([], raw)


def test_thousands_wait_arrive_in_order_and_do_not_come_again_once_acknowledged(
    broker: Any, wait_for: Callable[..., Any]
) -> None:
    address = BrokerAddress("127.0.0.1", broker.port, "reader")
    got: list[Message] = []
    up = threading.Event()

    def reader(ack: bool) -> Link:
        got.clear()

        def heard(message: Message) -> None:
            got.append(message)
            if ack:
                link.ack_many([message.mid])

        link = Link(
            address, on_message=heard, subscriptions=[("t/#", 1)], on_up=up.set, keep_session=True, manual_ack=True
        )
        link.start()
        assert link.wait_up(60)
        return link

    confirmed: list[int] = []
    sender = Link(
        BrokerAddress("127.0.0.1", broker.port, "sender"), on_message=lambda _: None, on_published=confirmed.append
    )
    sender.start()
    assert sender.wait_up(60)
    first = reader(ack=False)
    # Connected is not yet subscribed: asked again until it is.
    wait_for(lambda: sender.publish("t/ready", b"", qos=1) and got, what="the subscription")
    first.stop()
    wait_for(lambda: len(confirmed) > 0, what="the sender's acknowledgements")
    sizes = [0, 1, 100, 130, 20_000]
    for number in range(2000):
        sender.publish(f"t/{number % 7}", b"%06d" % number + b"x" * sizes[number % 5], qos=1)
    wait_for(lambda: len(confirmed) >= 2001, what="all parked")
    again = reader(ack=True)

    def parked() -> list[Message]:
        return [message for message in got if message.topic != "t/ready"]

    wait_for(lambda: len(parked()) == 2000, timeout=20, what="all read")
    assert [int(message.payload[:6]) for message in parked()] == list(range(2000))
    assert [len(message.payload) for message in parked()[:5]] == [6 + size for size in sizes]
    for word in (b"one", b"two"):  # by the time these have come, the acknowledgements before them have gone
        sender.publish("t/ready", word, qos=1)
        wait_for(lambda w=word: got[-1].payload == w, what="a later message")
    again.stop()
    last = reader(ack=True)
    sender.publish("t/end", b"end", qos=1)
    wait_for(lambda: got and got[-1].payload == b"end", what="the last one")
    assert [message.topic for message in got if message.payload not in (b"two", b"end")] == []
    last.again()
    assert last.wait_up(60)
    sender.publish("t/end", b"more", qos=1)
    wait_for(lambda: got[-1].payload == b"more", what="one more on a new connection")
    last.stop()
    sender.stop()
