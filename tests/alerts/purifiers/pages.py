"""A simulated device's page at a real address, in a time of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from alerts.purifiers import Said
from simulator.devices.device import Publish
from tests.neighbours.programs import await_condition


class Paged(Protocol):
    def page(self, path: str, now: float) -> tuple[int, str, list[Publish]]: ...


class Page:
    """`now` is the device's time; `said` what it sent over MQTT meanwhile; `asked` every path it was asked for."""

    def __init__(self, device: Paged) -> None:
        self.device, self.now = device, 0.0
        self.said: list[Publish] = []
        self.asked: list[str] = []
        self.deaf = threading.Event()  # takes the connection and says nothing
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if page.deaf.is_set():
                    threading.Event().wait(0.2)
                    return
                page.asked.append(self.path)
                status, text, said = page.device.page(self.path, page.now)
                page.said += said
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def served(device: Paged) -> Iterator[Page]:
    page = Page(device)
    try:
        yield page
    finally:
        page.close()


class Ear:
    """Collects what an asked device said, as control does each second."""

    def __init__(self, unit: Any) -> None:
        self.unit = unit
        self.said: list[Said] = []

    def until(self, wanted: Callable[[Said], bool], what: str) -> Said:
        """The first word since `forget` that is wanted."""

        def found() -> list[Said]:
            self.said += self.unit.heard()
            return [one for one in self.said if wanted(one)]

        first: Said = await_condition(found, what=f"{what}: {self.said}")[0]
        return first

    def forget(self) -> None:
        self.unit.heard()
        self.said.clear()
