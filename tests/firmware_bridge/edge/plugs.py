"""Tasmota plugs as a bridge without a server meets them: at the broker, and behind a page of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from classair.broker import BrokerAddress, Link, Message
from simulator.devices.tasmota import TasmotaPlug
from tests.neighbours.ports import HOST

ALWAYS = '{days: [mon, tue, wed, thu, fri, sat, sun], occupied: ["00:00-12:00", "12:00-00:00"], lessons: []}'
NEVER = "{days: [mon], occupied: [], lessons: []}"


class Plug:
    """One plug; `heard`: topics and payloads it was sent, `asked`: the paths its page was asked for."""

    def __init__(self, topic: str) -> None:
        self.device = TasmotaPlug(topic, now=time.monotonic())
        self.heard: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.answer = b'{"POWER":"ON"}'
        self._lock = threading.Lock()
        self._link: Link | None = None
        plug = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                plug.asked.append(self.path)
                if b"WARNING" not in plug.answer:
                    with plug._lock:
                        plug.device.http(self.path, time.monotonic())
                self.send_response(200)
                self.send_header("Content-Length", str(len(plug.answer)))
                self.end_headers()
                self.wfile.write(plug.answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Page)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://{HOST}:{self._server.server_port}"

    def connect(self, broker_url: str) -> None:
        topic = self.device.topic
        self._link = Link(
            BrokerAddress.of(broker_url, topic), on_message=self._hear, subscriptions=[(f"cmnd/{topic}/#", 1)]
        )
        self._link.start()
        assert self._link.wait_up(60)

    def _hear(self, message: Message) -> None:
        self.heard.append((message.topic, message.payload.decode()))
        with self._lock:
            self.device.handle(message.topic, message.payload, time.monotonic())

    @property
    def on(self) -> bool:
        with self._lock:
            self.device.tick(time.monotonic())
            return self.device.on

    @property
    def remaining_s(self) -> float:
        with self._lock:
            return self.device.remaining_s(time.monotonic())

    def close(self) -> None:
        if self._link is not None:
            self._link.stop()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def plugs(*topics: str) -> Iterator[list[Plug]]:
    made = [Plug(topic) for topic in topics]
    try:
        yield made
    finally:
        for plug in made:
            plug.close()
