"""The fake over HTTP: LINE's own paths, and below /fake/ what plays its users, its faults and its clock.

GET  /fake/messages    what each user received, in order     GET  /fake/requests  what was asked of LINE
GET  /fake/state       quota, used, blocked, webhook         POST /fake/reset     forgets all of it
POST /fake/say         {user, text}                          POST /fake/picture   {user, type, base64}
POST /fake/follow      {user}                                POST /fake/unfollow  {user}
POST /fake/unsend      {user, message}                       POST /fake/postback  {user, data}
POST /fake/event       {…} as it is                          POST /fake/redeliver {event}
POST /fake/verify      an empty list of events               POST /fake/raw       {body, signature}
POST /fake/webhook     {url}                                 POST /fake/quota     {limit, used, lag_s}
POST /fake/fault       {path, kind, accepted, times}         POST /fake/clock     {ahead_s}
POST /fake/unknown     {user}
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from simulator.line.events import Webhook
from simulator.line.platform import MONTHLY, RATE, Answer, Fault, LinePlatform

_LONGEST: Final = 16 * 1024 * 1024
_SILENCE_S: Final = 60.0


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a school writes at once


class LineFake:
    """Serves on a loopback port from `start` to `stop`. `platform` and `webhook` may be used directly as well."""

    def __init__(self, platform: LinePlatform, port: int = 0) -> None:
        self.platform, self.webhook = platform, Webhook(platform)
        self.ended = threading.Event()
        handler = type("_Handler", (_Handler,), {"fake": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="line-fake", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> LineFake:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(3)

    def __enter__(self) -> LineFake:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- below /fake/ --------------------------------------------------------------------------------------------------

    def control(self, method: str, word: str, given: dict[str, Any]) -> Answer:
        doing: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "messages"): lambda: self.platform.received,
            ("GET", "requests"): lambda: list(self.platform.requests),
            ("GET", "state"): self._state,
            ("POST", "say"): lambda: self.webhook.message(given["user"], {"type": "text", "text": given["text"]}),
            ("POST", "picture"): lambda: self.webhook.picture(
                given["user"], given.get("type", "image/jpeg"), base64.b64decode(given["base64"])
            ),
            ("POST", "follow"): lambda: self.webhook.follow(given["user"]),
            ("POST", "unfollow"): lambda: self.webhook.unfollow(given["user"]),
            ("POST", "unsend"): lambda: self.webhook.unsend(given["user"], given["message"]),
            ("POST", "postback"): lambda: self.webhook.postback(given["user"], given["data"]),
            ("POST", "event"): lambda: self.webhook.anything(given),
            ("POST", "redeliver"): lambda: self.webhook.again(given["event"]),
            ("POST", "verify"): self.webhook.verify,
            ("POST", "raw"): lambda: self.webhook.raw(str(given["body"]).encode(), given.get("signature")),
            ("POST", "webhook"): lambda: self.webhook.point_at(given["url"]),
            ("POST", "quota"): lambda: self._quota(given),
            ("POST", "fault"): lambda: self.platform.faults.append(Fault(**given)),
            ("POST", "clock"): lambda: setattr(self.platform, "ahead_s", float(given["ahead_s"])),
            ("POST", "unknown"): lambda: self.platform.unknown.add(given["user"]),
            ("POST", "reset"): self._reset,
        }
        do = doing.get((method, word))
        if do is None:
            return Answer(404, {"message": f"the fake knows: {', '.join(sorted({word for _, word in doing}))}"})
        try:
            made = do()
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, {"message": f"{type(error).__name__}: {error}"})
        return Answer(200, made if isinstance(made, dict) else {word: made} if made is not None else {"ok": True})

    def _state(self) -> dict[str, Any]:
        platform = self.platform
        menus = {
            "default": platform.menus.default,
            "aliases": platform.menus.aliases,
            "of_user": platform.menus.of_user,
        }
        return {"quota": platform.quota, "used": platform.used, "blocked": sorted(platform.blocked), "menus": menus}

    def _quota(self, given: dict[str, Any]) -> None:
        if "limit" in given:
            self.platform.quota = None if given["limit"] is None else int(given["limit"])
        if "used" in given:
            self.platform.new_month()
            self.platform.count(int(given["used"]))
        self.platform.lag_s = float(given.get("lag_s", self.platform.lag_s))

    def _reset(self) -> None:
        platform = self.platform
        platform.new_month()
        platform.blocked.clear()
        platform.unknown.clear()
        platform.received.clear()
        platform.requests.clear()
        platform.faults.clear()


class _Handler(BaseHTTPRequestHandler):
    """One connection; kept open between requests, as LINE's are."""

    fake: LineFake
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """What was asked is told by /fake/requests."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path = self.path.partition("?")[0]
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(min(length, _LONGEST))
        headers = {key.lower(): value for key, value in self.headers.items()}
        if self.command == "POST" and path.startswith("/v2/bot/richmenu/") and path.endswith("/content"):
            return self._say(self.fake.platform.take_menu_picture(path, headers, raw))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            return self._say(
                Answer(400, {"message": "The request body could not be parsed as JSON (line: 1, column: 1)"})
            )
        if path.startswith("/fake/"):
            given = body if isinstance(body, dict) else {}
            return self._say(self.fake.control(self.command, path.removeprefix("/fake/"), given))
        fault = self.fake.platform.fault(path)
        if fault is not None:
            return self._fail(fault, path, headers, body)
        content = self.fake.platform.contents.get(path.removeprefix("/v2/bot/message/").removesuffix("/content"))
        answer = self.fake.platform.answer(self.command, path, headers, body)
        if content is not None and path.endswith("/content") and answer.status == 404:
            return self._write(200, content[1], {"Content-Type": content[0]})
        return self._say(answer)

    def _fail(self, fault: Fault, path: str, headers: dict[str, str], body: Any) -> None:
        if fault.accepted:
            self.fake.platform.answer(self.command, path, headers, body)
        if fault.kind == "silence":
            self.fake.ended.wait(_SILENCE_S)
        if fault.kind in ("silence", "drop"):
            self.close_connection = True
            self.connection.close()
            return
        words = {"rate": (429, RATE), "monthly": (429, MONTHLY)}
        status, message = words.get(fault.kind) or (int(fault.kind), "The server failed")
        self._say(Answer(status, {"message": message}, {"x-line-request-id": "fault"}))

    def _say(self, answer: Answer) -> None:
        body = json.dumps(answer.body, ensure_ascii=False).encode("utf-8", "replace")
        self._write(answer.status, body, {"Content-Type": "application/json", **answer.headers})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
