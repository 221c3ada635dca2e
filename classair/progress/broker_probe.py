"""Whether the broker still answers: a PINGREQ of MQTT 3.1.1 every few seconds, without a thread and without waiting.

The supervisor forks; threads of a client library would make that unsafe, so these few bytes are its own. One
connection is kept, because the broker writes a line into its log for each new one.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from typing import Final

from classair.progress.listening import PATIENCE_S

PROBE_EVERY_S: Final = 5.0
AGAIN_S: Final = 1.0  # after a refusal: it is about to begin to listen
_PINGREQ: Final = b"\xc0\x00"
_KEEPALIVE_S: Final = 60


class BrokerProbe:
    """Implements `Signs` for a broker on loopback. Any answer is one: who refuses a password is not hanging."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port, self._user, self._password = port, user, password
        self._socket: socket.socket | None = None
        self._asked = self._answered = False
        self._next = 0.0

    def environment(self) -> Mapping[str, str]:
        return {}

    def begin(self) -> None:
        self.close()
        self._next = 0.0

    def look(self, now: float) -> float:
        try:
            return PATIENCE_S if self._look(now) else 0.0
        except OSError:
            # Closed after it was taken in, at the broker's limit of connections for instance: the broker moves.
            moves = self._asked
            self.close()
            self._next = now + (PROBE_EVERY_S if moves else AGAIN_S)
            return PATIENCE_S if moves else 0.0

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._asked, self._answered = None, False, False

    def _look(self, now: float) -> bool:
        """Goes on as far as it can; whether anything was heard. Raises OSError for a lost connection."""
        if self._socket is None:
            if now < self._next:
                return False
            self._socket = socket.socket()
            self._socket.setblocking(False)
            self._socket.connect_ex(("127.0.0.1", self._port))
        if not self._asked:
            self._asked = self._ask(self._socket)
            self._next = now + PROBE_EVERY_S
        elif self._answered and now >= self._next:
            self._next, self._answered = now + PROBE_EVERY_S, False
            self._socket.send(_PINGREQ)
        try:
            told = self._socket.recv(64)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOTCONN):
                return False
            raise
        if not told:
            raise ConnectionResetError
        self._answered = True
        return True

    def _ask(self, connection: socket.socket) -> bool:
        """Sends CONNECT as soon as the connection stands."""
        if fault := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(fault, os.strerror(fault))
        try:
            connection.send(connect_packet(self._user, self._password))
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOTCONN):
                return False  # not through yet
            raise
        return True


def connect_packet(user: str, password: str) -> bytes:
    """CONNECT with a clean session (MQTT 3.1.1 section 3.1)."""
    texts = b"".join(_text(text) for text in (user, user, password))
    body = _text("MQTT") + b"\x04\xc2" + _KEEPALIVE_S.to_bytes(2, "big") + texts
    size = bytearray()
    left = len(body)
    while True:
        left, part = divmod(left, 128)
        size.append(part | (0x80 if left else 0))
        if not left:
            return b"\x10" + bytes(size) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
