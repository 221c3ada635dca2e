"""The bridge's HTTP ear: devices that post their values do it here. Off unless `http:` is set on the bridge."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import ipaddress
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote

from classair.device_secrets import digest
from firmware_bridge.adapters import Arrival, MessageRejected
from firmware_bridge.foreign.port import Crossing, ForeignPort, TimeUnknown
from firmware_bridge.spool.receipt import Receipt

log = logging.getLogger(__name__)

MAX_BODY: Final = 64 * 1024  # bytes
MAX_AT_ONCE: Final = 16  # requests
PATIENCE_S: Final = 10.0  # without a byte
LONGEST_S: Final = 20.0  # for a whole request
SAVED_WITHIN_S: Final = 5.0  # or the device is told to send again

Secrets = Callable[[str], list[str]]
"""`<site>.<id>` of a sensor → SHA-256 (hex) of every secret with which it may come in."""


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Listener:
    """Serves on a thread of its own, with at most MAX_AT_ONCE requests at a time.

    A post is answered 200 when its readings are on disk, otherwise the device is told to send again.
    Raises OSError when the address cannot be listened on.
    """

    def __init__(self, host: str, port: int, crossing: Crossing, secrets: Secrets) -> None:
        self.crossing = crossing
        self.counts: Counter[str] = Counter()
        self._secrets, self._open = secrets, is_loopback(host)
        self._server = _Server((host, port), _Handler, self)
        self.address: tuple[str, int] = (self._server.server_address[0], self._server.server_address[1])  # type: ignore[assignment]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="http", daemon=True
        )
        self._thread.start()
        log.info("http_listener_started at=%s:%s", *self.address)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)

    def tick(self, now_s: float) -> None:
        """Ends requests that take too long, whatever trickles in."""
        self._server.end_slow(now_s)

    def admitted(self, port: ForeignPort, header: str) -> bool:
        """Whether this Authorization header may speak for a device; on loopback one without a secret needs none."""
        known = self._secrets(port.sensor)
        if not known:
            return self._open
        given = digest(_password(header))
        matches = [hmac.compare_digest(given, one) for one in known]  # all of them: the time taken tells nothing
        return any(matches)


def _password(header: str) -> str:
    """The secret in `Basic …` (any user name) or `Bearer …`."""
    kind, _, rest = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        with contextlib.suppress(binascii.Error, ValueError, UnicodeDecodeError):
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], listener: Listener) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)
        self.listener = listener
        self._places = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._guard = threading.Lock()
        self._since: dict[socket.socket, float] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.listener.counts["too_many"] += 1
            self.shutdown_request(request)
            return
        with self._guard:
            self._since[request] = self.listener.crossing.now_s()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._since.pop(request, None)
            self._places.release()

    def end_slow(self, now_s: float) -> None:
        with self._guard:
            slow = [request for request, since in self._since.items() if now_s - since > LONGEST_S]
        for request in slow:
            self.listener.counts["too_slow"] += 1
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.listener.counts["broken_off"] += 1
        log.debug("http_request_aborted", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_S
    server_version, sys_version = "ClassAir", ""

    def do_POST(self) -> None:
        listener = self.server.listener
        listener.counts["posts"] += 1
        port = listener.crossing.at_path(self._named())
        if port is None:
            self._say(404, 'no sensor of this bridge uses this address; see `port: "http:…"` in sensors.yaml')
            return
        if not listener.admitted(port, self.headers.get("Authorization", "")):
            self._say(401, "send the secret of this device as Basic password or Bearer token")
            return
        body = self._body()
        if body is None:
            return
        crossing = listener.crossing
        arrival = Arrival("", body, False, crossing.now_s(), crossing.now_ms(), self.headers.get("X-Sensor", "")[:64])
        receipt = Receipt()
        try:
            refused = port.hear(arrival, receipt)
        except TimeUnknown:
            self._say(503, "the clock of this bridge is not set yet; send it again")
            return
        if refused is None or refused.reason == "repeat":
            # Only what cannot be lost any more is confirmed: some devices throw their copy away then.
            fault = receipt.wait(SAVED_WITHIN_S)
            if fault == "":
                self._say(200, "taken" if refused is None else "known already")
            else:
                why = "not saved in time" if fault is None else fault
                self._say(503, f"the reading could not be saved ({why}); send it again")
            return
        self._say(_STATUS.get(refused.reason, 422), _words(refused))

    def do_GET(self) -> None:
        known = self.server.listener.crossing.at_path(self._named()) is not None
        self._say(405 if known else 404, "use POST" if known else "there is nothing to read here")

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

    def _named(self) -> str:
        """The path as the configuration has it: percent-encoded or sent as UTF-8, names in it may be of any script."""
        return unquote(self.path.partition("?")[0].encode("latin-1", "replace").decode("utf-8", "replace"))

    def _body(self) -> bytes | None:
        """The body; None when it was refused, and that has been said."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._say(411, "Content-Length is required")
            return None
        if len(length) > 9 or int(length) > MAX_BODY:
            self._say(413, f"at most {MAX_BODY} bytes")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.server.listener.counts["broken_off"] += 1
            return None
        return body

    def _say(self, status: int, words: str) -> None:
        self.server.listener.counts[f"answered_{status}"] += 1
        text = f"{words}\n".encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="ClassAir", charset="UTF-8"')
        if status == 405:
            self.send_header("Allow", "POST")
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses of devices do not belong into a log that is kept."""


_STATUS: Final = {"malformed": 400, "foreign": 403, "stopped": 503}


def _words(refused: MessageRejected) -> str:
    return f"{refused.reason}: {refused.detail}" if refused.detail else refused.reason
