"""Messages a second from the wish to tell somebody to the provider's receipt on disk, beside bare requests.

    python benchmarks/alerting/outbox.py [--messages 2000]

Each message goes to another person, so that nothing is gathered. The channel posts to a web server on loopback over one
connection for each request; the baseline posts the same bodies the same way, one after the other, and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import queue
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from alerts import channels
from alerts.ledger import Ledger
from alerts.lifecycle.model import Alert, Key, Telling
from alerts.outbox import timing
from alerts.outbox.outbox import Outbox
from classair import config as configuration
from classair import plugins
from classair.config import Config

AIM = 0.4  # of the bare requests
TOWN = """
org: town
sites: {s1: {name: School, bridges: {}, sensors: {}, rooms: {r1: {name: Room 1, volume_m3: 180}}}}
"""


class Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def bare(post: Callable[[int, str], None], port: int, messages: int) -> float:
    began = time.perf_counter()
    for number in range(messages):
        post(port, json.dumps({"key": str(number), "title": f"a{number} fired", "text": "Room 1"}))
    return messages / (time.perf_counter() - began)


def ours(port: int, messages: int) -> tuple[float, float, float]:
    """Messages/s; ms of the loop's thread for each; MB of memory that it all took."""
    people = ", ".join(f"p{number}: {{channel: sink, port: {port}}}" for number in range(messages))
    config = configuration.parse(f"{TOWN}people: {{{people}}}\n")
    calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db")
        outbox = Outbox(ledger, _words, calls.put, lambda: time.time_ns() // 1_000_000)
        assert outbox.follow(config) == []
        began, busy = time.perf_counter(), time.thread_time()
        now = time.time_ns() // 1_000_000
        for number, person in enumerate(config.people):
            alert = Alert(f"a{number}", Key("r", "s1.r1"), "silent", "s1", "s1.r1", "urgent", "firing", now, now)
            ledger.together(outbox.tell(Telling(alert, "fired", (person,)), now), outbox.committed)
        while outbox.waiting():
            calls.get(timeout=60)()
        assert ledger.sync(60)
        taken, busy = time.perf_counter() - began, time.thread_time() - busy
        ((delivered,),) = ledger.rows("select count(*) from notification where state='delivered' and receipt<>''")
        assert delivered == messages, delivered
        outbox.stop()
        ledger.close()
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return messages / taken, busy * 1000 / messages, memory


def _words(config: Config, language: str, alert: Alert, stage: str) -> tuple[str, str]:
    return f"{alert.id} {stage}", "Room 1"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    messages = parser.parse_args().messages
    channels.__path__.append(str(Path(__file__).parent / "channels"))
    timing.URGENT_MS = 0  # type: ignore[misc]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = int(server.server_address[1])
    post = plugins.load("alerts.channels", "sink").post
    bare(post, port, 200)
    baseline = bare(post, port, messages)
    rate, loop_ms, memory = ours(port, messages)
    print(f"bare requests     {baseline:7.0f} messages/s")
    print(f"through the outbox{rate:7.0f} messages/s ({rate / baseline:.0%}), {loop_ms:.2f} ms of the loop for each, ")
    print(f"                  {memory:.0f} MB more at the peak")
    return 0 if rate >= AIM * baseline else 1


if __name__ == "__main__":
    sys.exit(main())
