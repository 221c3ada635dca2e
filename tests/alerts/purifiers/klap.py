"""The encrypted local protocol of Tapo plugs (KLAP, version 2) at a real address, written from its description.

Two handshakes prove on both sides that the account is known; from the two seeds come key, start vector and signature.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.devices.tapo import TapoPlug


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class _Session:
    def __init__(self, local: bytes, remote: bytes, account: bytes) -> None:
        seeds = local + remote + account
        self._key = _sha256(b"lsk" + seeds)[:16]
        self._iv = _sha256(b"iv" + seeds)[:12]
        self._signature = _sha256(b"ldk" + seeds)[:28]
        self.known = False

    def _cipher(self, seq: int) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._iv + struct.pack(">l", seq)))

    def open(self, body: bytes, seq: int) -> bytes:
        if body[:32] != _sha256(self._signature + struct.pack(">l", seq) + body[32:]):
            raise ValueError("wrong signature")
        decryptor = self._cipher(seq).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(decryptor.update(body[32:]) + decryptor.finalize()) + unpadder.finalize()

    def close(self, text: bytes, seq: int) -> bytes:
        padder = padding.PKCS7(128).padder()
        encryptor = self._cipher(seq).encryptor()
        sealed = encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()
        return _sha256(self._signature + struct.pack(">l", seq) + sealed) + sealed


class KlapServer:
    """`refuse`: answers everything with this status. `now` is the plug's time."""

    def __init__(self, plug: TapoPlug, user: str, password: str) -> None:
        self.plug, self.now, self.refuse = plug, 0.0, 0
        account = _sha256(hashlib.sha1(user.encode()).digest() + hashlib.sha1(password.encode()).digest())
        sessions: dict[str, tuple[bytes, bytes, _Session]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                asked = urlsplit(self.path)
                session = sessions.get(self._cookie())
                if server.refuse:
                    self._send(server.refuse, b"")
                elif asked.path == "/app/handshake1" and len(body) == 16:
                    remote, name = secrets.token_bytes(16), secrets.token_hex(16).upper()
                    sessions[name] = (body, remote, _Session(body, remote, account))
                    self._send(200, remote + _sha256(body + remote + account), f"TP_SESSIONID={name};TIMEOUT=1440")
                elif session is None:
                    self._send(403, b"")
                elif asked.path == "/app/handshake2":
                    session[2].known = body == _sha256(session[1] + session[0] + account)
                    self._send(200 if session[2].known else 403, b"")
                elif asked.path == "/app/request" and session[2].known:
                    seq = int(parse_qs(asked.query)["seq"][0])
                    try:
                        request = json.loads(session[2].open(body, seq))
                    except ValueError:
                        self._send(403, b"")
                        return
                    self._send(200, session[2].close(json.dumps(server.answer(request)).encode(), seq))
                else:
                    self._send(403, b"")

            def _cookie(self) -> str:
                for part in self.headers.get("Cookie", "").split(";"):
                    name, _, value = part.strip().partition("=")
                    if name == "TP_SESSIONID":
                        return value
                return ""

            def _send(self, status: int, body: bytes, cookie: str = "") -> None:
                self.send_response(status)
                if cookie:
                    self.send_header("Set-Cookie", cookie)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        code, result = self.plug.request(request["method"], request.get("params") or {}, self.now)
        return {"error_code": code, "result": result} if code == 0 else {"error_code": code}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def klap(plug: TapoPlug, user: str, password: str) -> Iterator[KlapServer]:
    server = KlapServer(plug, user, password)
    try:
        yield server
    finally:
        server.close()
