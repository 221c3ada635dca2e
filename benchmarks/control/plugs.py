"""A smart plug with Tasmota firmware on the installation's own broker, and on an HTTP address of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from alerts import purifiers
from classair.broker import BrokerAddress, Link, Message, Will
from classair.config import Purifier
from simulator.devices.tasmota import TasmotaPlug

LOAD_W = 45.0


class PlayedPlug:
    """`plug` is the pure machine of the firmware; here are its network, its time and the purifier behind it.

    `metered`: it measures what the purifier draws. `prepared`: set up as `classair purifier prepare` does. `switched`:
    moments at which the relay moved, and to what.
    """

    def __init__(self, topic: str, *, metered: bool = False, prepared: bool = True) -> None:
        self.topic = topic
        self.plug = TasmotaPlug(topic, load_w=LOAD_W if metered else None, now=time.monotonic())
        self.on_switched: Callable[[bool, float], None] = lambda on, now: None
        self.switched: list[tuple[float, bool]] = []
        self.refused_at: float | None = None  # the first ON that it did not obey
        self._unpowered = False
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(2.0,), daemon=True).start()
        if prepared:
            self._prepare()

    def _prepare(self) -> None:
        unit = Purifier.model_validate({"room": "any", "kind": "tasmota", "cadr_m3h": 1, "topic": self.topic})
        for step in purifiers.make("any.any", unit, lambda: 0).prepare():
            self.plug.handle(step.order.topic, step.order.payload, time.monotonic())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def cleaning(self) -> bool:
        return self.plug.purifying and not self._unpowered

    @property
    def able(self) -> bool:
        """Whether the purifier could run if it were told to."""
        return not (self.plug.dead or self.plug.disobey or self.plug.offline)

    def connect(self, address: BrokerAddress) -> None:
        self._link = Link(
            address,
            on_message=self._hear,
            subscriptions=[(f"cmnd/{self.topic}/#", 0)],
            on_up=lambda: void(self.do(self.plug.connected)),
            on_down=lambda: void(self.do(self.plug.disconnected)),
            will=Will(f"tele/{self.topic}/LWT", b"Offline"),
        )
        self._link.start()

    def close(self) -> None:
        if self._link is not None:
            self._link.stop()
        self._http.shutdown()
        self._http.server_close()

    def tick(self) -> None:
        self.do(self.plug.tick)

    def do(self, act: Callable[[float], Iterable[Any]]) -> list[Any]:
        """Something happens to it now; it says what follows."""
        now = time.monotonic()
        with self._lock:
            before = self.plug.on
            said = list(act(now))
            if self.plug.on != before:
                self.switched.append((now, self.plug.on))
                self.on_switched(self.plug.on, now)
            for one in said:
                if self._link is not None:
                    self._link.publish(one.topic, one.payload, retain=one.retain)
        return said

    def fall(self) -> None:
        """The relay lets go by itself; no button was pressed and no command came."""
        if self.plug.on:
            self.do(self.plug.drop)

    def press(self) -> None:
        self.do(self.plug.press)

    def die(self) -> None:
        """It loses its power, and its last will is never said: the connection stands, nothing is heard or answered."""
        with self._lock:
            self.plug.offline = self._unpowered = True

    def _hear(self, message: Message) -> None:
        if self.plug.disobey and b"ON" in message.payload and self.refused_at is None:
            self.refused_at = time.monotonic()
        self.do(lambda now: self.plug.handle(message.topic, message.payload, now))

    def asked(self, path: str) -> dict[str, Any] | None:
        """What its own page answers; None when nobody is there."""
        if self.plug.offline:
            return None
        answer: dict[str, Any] = {}
        for one in self.do(lambda now: self.plug.http(path, now)):
            with suppress(ValueError):
                told = json.loads(one.payload)
                answer.update(told if isinstance(told, dict) else {})
        return answer


def void(_: object) -> None:
    """Drops a result."""


def _handler(played: PlayedPlug) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = played.asked(self.path)
            if answer is None:
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
