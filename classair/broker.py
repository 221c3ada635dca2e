"""Connecting to MQTT: the only file that knows the client library."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

log = logging.getLogger(__name__)

KEEPALIVE_S = 10  # a half-open connection is noticed within 15 s
LOOKING_S = 60.0  # a name may be looked up and a pause waited out, while there is no connection


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and as whom we go there. The client id is the user name."""

    host: str
    port: int
    user: str
    password: str = ""
    cafile: str = ""

    @classmethod
    def of(cls, url: str, user: str, password: str = "", cafile: str = "") -> BrokerAddress:
        """From `mqtt://host:port` or `mqtts://host:port`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"broker address {url!r}: expected mqtt://host:port or mqtts://host:port")
        if parts.username or parts.password:
            raise ValueError("broker address: remove user and password; they are read from the environment")
        secure = parts.scheme == "mqtts"
        return cls(
            parts.hostname,
            parts.port or (8883 if secure else 1883),
            user,
            password,
            (cafile or "system") if secure else "",
        )

    def __repr__(self) -> str:
        return f"BrokerAddress({self.user}@{self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived. `mid` and `qos` are what acknowledging by hand needs."""

    topic: str
    payload: bytes
    retain: bool
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes


class _Client(mqtt.Client):
    """The library's client, reading a stretch of packets at a time and acknowledging many in one write.

    It asks the system four times for each small packet otherwise, and gives up the interpreter each time. With
    `on_publish_packet` set, whole PUBLISH packets among what was read go straight there; every other packet, and half
    ones, the library handles. The methods are the library's own, private ones: the version is pinned, and tests hold
    that they are still called.
    """

    _AT_ONCE = 256 * 1024  # bytes
    _read = b""
    _read_to = 0
    on_publish_packet: Callable[[str, bytes, bool, int, int], None] | None = None

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._topics: dict[bytes, str] = {}
        self.moved_at = time.monotonic()

    def loop_misc(self) -> MQTTErrorCode:
        # Called at each turn of the network thread, at least once a second while there is a connection.
        self.moved_at = time.monotonic()
        return super().loop_misc()

    def _sock_recv(self, bufsize: int) -> bytes:
        start = self._read_to
        if start >= len(self._read):
            self._read = super()._sock_recv(self._AT_ONCE)
            start = 0
        self._read_to = end = min(start + bufsize, len(self._read))
        return self._read[start:end]

    def _sock_close(self) -> None:
        self._read, self._read_to = b"", 0  # half a packet of an ended connection means nothing to the next
        super()._sock_close()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        # What has been read already no longer makes the socket readable: it is worked off here.
        result = super().loop_read(max_packets)
        while not result and self._read_to < len(self._read):
            if self.on_publish_packet is not None and not self._in_packet["command"]:
                self._take_publishes(self.on_publish_packet)
                if self._read_to >= len(self._read):
                    break
            result = super().loop_read(max_packets)
        return result

    def _take_publishes(self, heard: Callable[[str, bytes, bool, int, int], None]) -> None:
        """Hands over PUBLISH packets of QoS 0 and 1 (MQTT 3.1.1 section 3.3) up to the first of another kind."""
        data, at, end, topics = self._read, self._read_to, len(self._read), self._topics
        while at + 5 < end:
            head, body, size, shift = data[at], at + 1, 0, 0
            while body < end and shift <= 21:
                part = data[body]
                size |= (part & 0x7F) << shift
                body += 1
                shift += 7
                if part < 0x80:
                    break
            else:
                break
            # Not for us: another kind, QoS 2, cut off, or not as it should be. The library knows what to do then.
            if head & 0xF4 != 0x30 or body + size > end or size < 5:
                break
            start = body + 2
            stop = start + (data[body] << 8 | data[body + 1])
            qos = head >> 1 & 1
            text = stop + 2 * qos
            if text > body + size:
                break
            raw = data[start:stop]
            topic = topics.get(raw)
            if topic is None:
                try:
                    topic = raw.decode()
                except UnicodeDecodeError:
                    break
                if len(topics) < 10_000:
                    topics[raw] = topic
            self._read_to = at = body + size
            heard(topic, data[text:at], bool(head & 1), data[stop] << 8 | data[stop + 1] if qos else 0, qos)

    def ack_many(self, numbers: Iterable[int]) -> None:
        """PUBACK (MQTT 3.1.1 section 3.4) for each message number, as one write."""
        packets = b"".join([b"\x40\x02" + number.to_bytes(2, "big") for number in numbers])
        if packets:
            self._packet_queue(mqtt.PUBACK, packets, 0, 1)


def _at_once(_c: mqtt.Client, _u: Any, connection: Any) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Link:
    """A connection that comes back by itself. Callbacks run on the network thread and must be quick.

    Publishing while disconnected is refused (False), never queued in memory: whoever must not lose a message keeps it.
    An exception in a callback is logged and counted; it never ends the network thread.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        on_message: Callable[[Message], None],
        subscriptions: Sequence[tuple[str, int]] = (),
        on_up: Callable[[], None] | None = None,
        on_down: Callable[[], None] | None = None,
        on_published: Callable[[int], None] | None = None,
        will: Will | None = None,
        keep_session: bool = False,
        manual_ack: bool = False,
    ) -> None:
        self.address = address
        self.errors = 0
        self._subscriptions = list(subscriptions)
        self._lock = threading.Lock()
        self._up = threading.Event()
        self._subscribed = threading.Event()
        self._stopping = False
        self._said_away = False
        self._last: mqtt.MQTTMessageInfo | None = None
        self._on_message, self._on_up, self._on_down, self._on_published = on_message, on_up, on_down, on_published
        client = _Client(
            CallbackAPIVersion.VERSION2, client_id=address.user, clean_session=not keep_session, manual_ack=manual_ack
        )
        if address.password:
            client.username_pw_set(address.user, address.password)
        if address.cafile:
            client.tls_set_context(
                ssl.create_default_context(cafile=None if address.cafile == "system" else str(Path(address.cafile)))
            )
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.reconnect_delay_set(1, 30)
        client.max_inflight_messages_set(1000)
        # A small packet leaves at once: waiting for the one before to be confirmed costs up to 40 ms.
        client.on_socket_open = _at_once
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._listening
        client.on_connect_fail = self._refused
        client.on_message = self._received
        if manual_ack:
            client.on_publish_packet = self._received_packet
        if on_published is not None:
            client.on_publish = self._published
        self._client = client

    def start(self) -> None:
        """Begins connecting in the background; returns at once."""
        self._client.connect_async(self.address.host, self.address.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Says goodbye properly (the will is not sent) and ends the network thread, within about a second."""
        self._stopping = True
        if self._last is not None and self._up.is_set():
            # Closing while PUBACKs are on their way would reset the connection, and what was said last be lost.
            with contextlib.suppress(RuntimeError, ValueError):
                self._last.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()
        self._up.clear()

    @property
    def up(self) -> bool:
        return self._up.is_set()

    @property
    def thread_alive(self) -> bool:
        """False when the network thread has died; a process should then end and be started anew."""
        thread = getattr(self._client, "_thread", None)
        return thread is not None and thread.is_alive()

    @property
    def moved_at(self) -> float:
        """Until which moment of time.monotonic the network thread is known to move (classair.progress)."""
        return self._client.moved_at + (0.0 if self._up.is_set() else LOOKING_S)

    def wait_up(self, timeout: float) -> bool:
        """Whether, within `timeout` seconds, the connection stands and the broker has taken the first subscriptions:
        what others publish from then on is heard."""
        return self._up.wait(timeout) and self._subscribed.wait(timeout)

    def publish(self, topic: str, payload: bytes | str, qos: int = 0, retain: bool = False) -> int | None:
        """Sends now; the message number (see on_published), or None when there is no connection."""
        if not self._up.is_set():
            return None
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if qos:
            self._last = info
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else None

    def ack_many(self, numbers: Iterable[int]) -> None:
        """Acknowledges messages of QoS 1 received with manual_ack, all in one write; nothing while disconnected."""
        if self._up.is_set():
            self._client.ack_many(numbers)

    def again(self) -> None:
        """Ends the connection and begins a new one, so that the broker sends again what was not acknowledged."""
        self.stop()
        self._stopping = False
        self.start()

    def subscribe(self, topic: str, qos: int = 0) -> None:
        """Also remembered for every reconnection."""
        with self._lock:
            if (topic, qos) not in self._subscriptions:
                self._subscriptions.append((topic, qos))
            if self._up.is_set():
                self._client.subscribe(topic, qos)

    def unsubscribe(self, topic: str) -> None:
        """Also forgotten for every reconnection; a session that the broker keeps forgets it as well."""
        with self._lock:
            self._subscriptions = [entry for entry in self._subscriptions if entry[0] != topic]
            if self._up.is_set():
                self._client.unsubscribe(topic)

    # -- callbacks of the library: nothing may escape from them -------------------------------------------------------

    def _guarded(self, what: str, call: Callable[..., None] | None, *args: Any) -> None:
        if call is None:
            return
        try:
            call(*args)
        except Exception:
            self.errors += 1
            log.exception("callback_failed in=%s", what)

    def _connected(self, client: mqtt.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            if not self._said_away:
                self._said_away = True
                log.error("broker_login_refused user=%s error=%s", self.address.user, reason)
            return
        with self._lock:  # who subscribes meanwhile is either in the list or sends for themselves, never neither
            if self._subscriptions:
                self._subscribed.clear()
                client.subscribe(list(self._subscriptions))
            else:
                self._subscribed.set()
            self._up.set()
        log.info("broker_connected at=%s:%s user=%s", self.address.host, self.address.port, self.address.user)
        self._said_away = False
        self._guarded("on_up", self._on_up)

    def _disconnected(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        was_up = self._up.is_set()
        self._up.clear()
        if was_up:
            if not self._stopping:
                log.warning("broker_disconnected user=%s error=%s retry=true", self.address.user, reason)
            self._guarded("on_down", self._on_down)

    def _listening(self, *_: Any) -> None:
        self._subscribed.set()

    def _refused(self, _c: Any, _u: Any) -> None:
        if not self._said_away and not self._stopping:
            self._said_away = True
            log.warning("broker_unreachable at=%s:%s retry=true", self.address.host, self.address.port)

    def _received(self, _c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self.errors += 1
            topic = ""
        self._guarded(
            "on_message",
            self._on_message,
            Message(topic, bytes(message.payload), bool(message.retain), message.mid, message.qos),
        )

    def _received_packet(self, topic: str, payload: bytes, retain: bool, mid: int, qos: int) -> None:
        try:
            self._on_message(Message(topic, payload, retain, mid, qos))
        except Exception:
            self.errors += 1
            log.exception("callback_failed in=on_message")

    def _published(self, _c: Any, _u: Any, mid: int, _r: Any, _p: Any) -> None:
        self._guarded("on_published", self._on_published, mid)
