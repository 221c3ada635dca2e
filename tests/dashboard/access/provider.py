"""A provider of OpenID Connect on loopback: oidc-provider-mock, behind a real web server."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import oidc_provider_mock
from werkzeug.serving import WSGIRequestHandler, make_server

from classair.config.sign_in import SignIn
from tests.neighbours.ports import free_port

PEOPLE = {
    "somsri": {"email": "Somsri@school.example", "email_verified": True},
    "stranger": {"email": "stranger@school.example", "email_verified": True},
    "outside": {"email": "somsri@elsewhere.example", "email_verified": True},
    "unproved": {"email": "mali@school.example", "email_verified": False},
    "nameless": {},
}


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Says nothing."""


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class Provider:
    port: int
    asked: list[dict[str, str]] = field(default_factory=list)
    """What its token endpoint was sent."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more: Any) -> SignIn:
        usual = {
            "name": {"th": "โรงเรียนตัวอย่าง", "en": "Example school"},
            "issuer": self.issuer,
            "client_id": "classair",
            "domains": ["school.example"],
        }
        return SignIn.model_validate({**usual, **more})


@contextmanager
def running(port: int = 0, lifetime: timedelta = timedelta(hours=1)) -> Iterator[Provider]:
    people = [oidc_provider_mock.User(sub=sub, claims=dict(claims)) for sub, claims in PEOPLE.items()]
    app = oidc_provider_mock.app(user_claims=people, access_token_max_age=lifetime, require_nonce=True)
    app.debug = False
    provider = Provider(port or free_port())

    @app.before_request
    def _note() -> None:
        import flask

        if flask.request.path == "/oauth2/token":
            provider.asked.append({**flask.request.form.to_dict(), "by": str(flask.request.authorization)})

    @app.after_request
    def _at_home(answer: Any) -> Any:
        if answer.mimetype == "text/html":  # its page asks another host for a style sheet
            answer.set_data(re.sub(rb"<link[^>]*>", b"", answer.get_data()))
        return answer

    server = make_server("127.0.0.1", provider.port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def chosen(address: str, sub: str) -> str:
    """Where the provider sends the browser once somebody has chosen an account on its page; empty for none."""
    opener = urllib.request.build_opener(_Still())
    body = urllib.parse.urlencode({"sub": sub}).encode() if sub else b"action=deny"
    try:
        with opener.open(urllib.request.Request(address, data=body, method="POST"), timeout=30) as answer:
            return str(answer.headers.get("Location", ""))
    except urllib.error.HTTPError as error:
        return str(error.headers.get("Location", ""))
