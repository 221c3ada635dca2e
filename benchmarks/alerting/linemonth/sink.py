"""Where second channels end: a real HTTP server on this machine, which now and then fails once."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """`received`: person → bodies, as they came. Every twentieth request is answered 503."""

    def __init__(self, seed: int) -> None:
        self.received: dict[str, list[str]] = defaultdict(list)
        chance, lock, received = random.Random(seed), threading.Lock(), self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
                with lock:
                    fails = chance.random() < 0.05
                    if not fails:
                        received[self.path.strip("/")].append(body)
                self.send_response(503 if fails else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
