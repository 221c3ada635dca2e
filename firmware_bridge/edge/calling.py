"""Requests to a device's own address, each order on a thread of its own, so that no sensor waits for them."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from classair.control.orders import HttpCall

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 3.0  # for each thing that is waited for …
WHOLE_S: Final = 6.0  # … and for all of them: a device that says a byte at a time would hold its orders up for hours
_ANSWER: Final = 4096  # bytes of an answer that are looked at


class Calls:
    """`done(purifier, fault)` is called on the thread of the call; `fault` is "" when the device took the order."""

    def __init__(self, done: Callable[[str, str], None]) -> None:
        self._done = done
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, purifier: str, calls: Sequence[HttpCall]) -> None:
        """Nothing while an earlier order of this purifier is still on its way."""
        with self._lock:
            if purifier in self._under_way:
                return
            self._under_way.add(purifier)
        threading.Thread(target=self._run, args=(purifier, calls), name=f"edge-{purifier}", daemon=True).start()

    @property
    def under_way(self) -> bool:
        return bool(self._under_way)

    def _run(self, purifier: str, calls: Sequence[HttpCall]) -> None:
        fault = ""
        try:
            for call in calls:
                if fault := request(call):
                    break
        except Exception as error:  # whatever an address or an answer makes of it, it is this order's matter alone
            log.exception("edge_call_failed purifier=%s", purifier)
            fault = type(error).__name__
        with self._lock:
            self._under_way.discard(purifier)
        self._done(purifier, fault)


def request(call: HttpCall) -> str:
    """Makes one request; why it failed, "" when the device took it. No proxy, no redirection."""
    try:
        parts = urlsplit(call.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        try:
            connection.connect()
            with _ended_after(connection.sock, WHOLE_S) as ended:
                connection.request("GET", path)
                answer = connection.getresponse()
                told = answer.read(_ANSWER)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    if ended.is_set():
        return f"no whole answer within {WHOLE_S:g} s"
    if answer.status >= 300:
        return f"HTTP {answer.status}"
    return _refusal(told, call.object_back)


@contextmanager
def _ended_after(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Whatever is being said over a connection then, it ends; set when that was so."""
    ended = threading.Event()

    def end() -> None:
        ended.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # beneath TLS, which another thread is reading

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()


def _refusal(told: bytes, wants_object: bool) -> str:
    """Firmware says with status 200, too, that it did not do what it was told: Tasmota without its password."""
    try:
        answer = json.loads(told)
    except (ValueError, RecursionError):
        answer = None
    if wants_object and not isinstance(answer, dict):
        return "what answers there is another device"
    if isinstance(answer, dict):
        for key in ("WARNING", "error"):
            if answer.get(key):
                return str(answer[key])[:120]
    return ""
