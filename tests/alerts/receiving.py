"""A mail server and a web server on loopback that keep what they are sent."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a client needs. `refuse`: the answer to a recipient, such as "550 no such user"."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.mails: list[EmailMessage] = []
        self.refuse = ""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self._say("250-here\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif word == b"DATA":
                self._say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                self.server.mails.append(cast(EmailMessage, message_from_bytes(b"".join(lines), policy=policy.default)))
                self._say("250 kept")
            elif word == b"RCPT" and self.server.refuse:
                self._say(self.server.refuse)
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class WebServer(ThreadingHTTPServer):
    """`answers`: the next status codes, 200 afterwards. `kept`: what was posted, as JSON, with its path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Web)
        self.kept: list[tuple[str, Any]] = []
        self.answers: list[int] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Web(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.kept.append((self.path, json.loads(body)))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
