"""The real servers that other tests lean on do what those tests take for granted."""

from __future__ import annotations

import asyncio
import http.server
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link, Message


def test_a_broker_keeps_its_port_and_its_retained_messages_over_a_restart(broker: Any, wait_for: Any) -> None:
    port, heard = broker.port, []
    published: list[int] = []
    link = Link(BrokerAddress.of(broker.url, "writer"), on_message=lambda m: None, on_published=published.append)
    link.start()
    assert link.wait_up(60)
    link.publish("house/fact", b"1", qos=1, retain=True)
    wait_for(lambda: published, what="the broker's acknowledgement")
    link.stop()
    broker.restart()
    assert broker.port == port

    def hear(message: Message) -> None:
        heard.append((message.payload, message.retain))

    reader = Link(BrokerAddress.of(broker.url, "reader"), on_message=hear, subscriptions=[("house/#", 1)])
    reader.start()
    wait_for(lambda: heard == [(b"1", True)], what="the retained message after the restart")
    reader.stop()


def test_a_killed_broker_is_gone_and_comes_back(broker: Any) -> None:
    broker.kill()
    assert not broker.running
    broker.start()
    assert broker.running


def test_influxd_answers_and_can_lose_everything(influxd: Any) -> None:
    def ask(statement: str) -> str:
        data = urllib.parse.urlencode({"q": statement}).encode()
        with urllib.request.urlopen(f"{influxd.url}/query", data=data, timeout=5) as answer:
            return str(answer.read().decode())

    ask("CREATE DATABASE house")
    assert "house" in ask("SHOW DATABASES")
    influxd.wipe()
    assert "house" not in ask("SHOW DATABASES")


def test_victoria_metrics_takes_line_protocol(victoria_metrics: Any) -> None:
    request = urllib.request.Request(f"{victoria_metrics.url}/write?db=house", data=b"room pm25=12.5", method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 204


@pytest.fixture
def page_server() -> Iterator[str]:
    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<title>house</title><img src='http://classair.invalid/x.png'>" if self.path == "/out" else b"<p>in"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_a_request_that_would_leave_the_machine_is_seen(chromium: Any, page_server: str) -> None:
    page = chromium.new_page()
    page.goto(f"{page_server}/in")
    assert chromium.foreign == []
    page.goto(f"{page_server}/out")
    assert chromium.foreign == ["http://classair.invalid/x.png"]
    chromium.foreign.clear()


def test_two_tests_share_the_browser_and_asyncio_still_runs(chromium: Any, page_server: str) -> None:
    page = chromium.new_page(locale="th-TH")
    page.goto(f"{page_server}/in")
    assert page.evaluate("navigator.language") == "th-TH"


def test_asyncio_runs_beside_the_browser() -> None:
    async def one() -> int:
        return 1

    assert asyncio.run(one()) == 1
