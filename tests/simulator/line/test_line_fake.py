"""The fake behaves as LINE's documents say, over real HTTP, with users who write, follow, block and take back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from simulator.line.server import LineFake
from tests.neighbours.line import SECRET, TOKEN, line_fake, user

TEXT = [{"type": "text", "text": "ok"}]
KEY = "123e4567-e89b-12d3-a456-426614174000"


def ask(fake: LineFake, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
    request = urllib.request.Request(fake.url + path, method=method)
    request.data = None if body is None else json.dumps(body).encode()
    request.add_header("Authorization", f"Bearer {TOKEN}")
    for key, value in headers.items():
        request.add_header(key.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read()), {k.lower(): v for k, v in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), {k.lower(): v for k, v in error.headers.items()}


class School:
    """A webhook that keeps what it is told, and answers with `status`."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str | None]] = []
        self.status = 200
        school = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                school.heard.append((body, self.headers.get("x-line-signature")))
                self.send_response(school.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/line/webhook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def events(self) -> list[dict[str, Any]]:
        return [event for body, _ in self.heard for event in json.loads(body)["events"]]


@pytest.fixture
def fake() -> Iterator[LineFake]:
    with line_fake() as running:
        yield running


@pytest.fixture
def school(fake: LineFake) -> Iterator[School]:
    made = School()
    ask(fake, "POST", "/fake/webhook", {"url": made.url})
    yield made
    made.server.shutdown()
    made.server.server_close()


def push(fake: LineFake, to: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
    return ask(fake, "POST", "/v2/bot/message/push", {"to": to, "messages": TEXT}, **headers)


def test_without_the_right_token_everything_is_401(fake: LineFake) -> None:
    for path in ("/v2/bot/info", "/v2/bot/message/quota"):
        assert ask(fake, "GET", path, Authorization="Bearer x")[0] == 401


def test_a_repeated_retry_key_is_409_with_the_accepted_request_until_a_day_has_passed(fake: LineFake) -> None:
    status, first, headers = push(fake, user(1), X_Line_Retry_Key=KEY)
    again = push(fake, user(1), X_Line_Retry_Key=KEY)
    assert (status, again[0]) == (200, 409)
    assert again[2]["x-line-accepted-request-id"] == headers["x-line-request-id"] != again[2]["x-line-request-id"]
    assert again[1] == {"message": "The retry key is already accepted", **first}
    ask(fake, "POST", "/fake/clock", {"ahead_s": 86_401})
    assert push(fake, user(1), X_Line_Retry_Key=KEY)[0] == 200


def test_a_retry_key_is_400_where_none_is_taken_or_when_it_is_no_uuid(fake: LineFake) -> None:
    assert push(fake, user(1), X_Line_Retry_Key="1")[0] == 400
    token = fake.platform.reply_token(user(1))
    body = {"replyToken": token, "messages": TEXT}
    assert ask(fake, "POST", "/v2/bot/message/reply", body, X_Line_Retry_Key=KEY)[0] == 400
    assert ask(fake, "POST", "/v2/bot/message/reply", body)[0] == 200


def test_the_quota_counts_recipients_and_ends_with_lines_words(fake: LineFake) -> None:
    ask(fake, "POST", "/fake/quota", {"limit": 3, "used": 0})
    many = {"to": [user(1), user(2)], "messages": TEXT}
    assert ask(fake, "POST", "/v2/bot/message/multicast", many)[0] == 200
    status, body, _ = ask(fake, "POST", "/v2/bot/message/multicast", many)
    assert (status, body["message"]) == (429, "You have reached your monthly limit.")
    assert push(fake, user(1))[0] == 200
    assert ask(fake, "GET", "/v2/bot/message/quota/consumption")[1] == {"totalUsage": 3}
    assert ask(fake, "GET", "/v2/bot/message/quota")[1] == {"type": "limited", "value": 3}
    ask(fake, "POST", "/fake/quota", {"limit": None})
    assert ask(fake, "GET", "/v2/bot/message/quota")[1] == {"type": "none"}


def test_faults_come_on_demand_and_as_often_as_asked(fake: LineFake) -> None:
    ask(fake, "POST", "/fake/fault", {"path": "push", "kind": "rate", "times": 2})
    assert [push(fake, user(1))[0] for _ in range(3)] == [429, 429, 200]


def test_messages_that_line_would_refuse_are_refused_with_their_place(fake: LineFake) -> None:
    bad = {"to": user(1), "messages": [{"type": "text", "text": ""}, {"type": "flex", "altText": "x" * 401}]}
    status, body, _ = ask(fake, "POST", "/v2/bot/message/push", bad)
    assert status == 400
    assert [detail["property"] for detail in body["details"]] == [
        "messages[0].text",
        "messages[1].altText",
        "messages[1].contents.type",
    ]


def test_what_users_do_reaches_the_webhook_signed_with_one_reply_token(fake: LineFake, school: School) -> None:
    for word, body in {
        "follow": {"user": user(1)},
        "say": {"user": user(1), "text": "อากาศห้อง ป.1/2"},
        "postback": {"user": user(1), "data": "room=demo.p12"},
        "unsend": {"user": user(1), "message": "12"},
        "unfollow": {"user": user(1)},
    }.items():
        assert ask(fake, "POST", f"/fake/{word}", body)[1]["status"] == 200
    ask(fake, "POST", "/fake/verify", {})
    for body, signature in school.heard:
        assert signature == base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    events = school.events()
    assert [event["type"] for event in events] == ["follow", "message", "postback", "unsend", "unfollow"]
    assert ["replyToken" in event for event in events] == [True, True, True, False, False]
    assert len({event["webhookEventId"] for event in events}) == 5
    assert json.loads(school.heard[-1][0])["events"] == []
    assert fake.platform.blocked == {user(1)}


def test_a_redelivered_event_keeps_its_id_and_its_reply_token_is_good_once_more_within_the_minute(
    fake: LineFake, school: School
) -> None:
    school.status = 500
    event = ask(fake, "POST", "/fake/say", {"user": user(1), "text": "x"})[1]["events"][0]
    ask(fake, "POST", "/fake/clock", {"ahead_s": 120})
    reply = {"replyToken": event["replyToken"], "messages": TEXT}
    assert ask(fake, "POST", "/v2/bot/message/reply", reply)[0] == 400
    school.status = 200
    ask(fake, "POST", "/fake/redeliver", {"event": event["webhookEventId"]})
    first, second = school.events()
    assert (first["webhookEventId"], first["replyToken"]) == (second["webhookEventId"], second["replyToken"])
    assert [it["deliveryContext"]["isRedelivery"] for it in (first, second)] == [False, True]
    assert [ask(fake, "POST", "/v2/bot/message/reply", reply)[0] for _ in range(2)] == [200, 400]


def test_a_picture_can_be_fetched_until_it_is_taken_back(fake: LineFake, school: School) -> None:
    ask(fake, "POST", "/fake/picture", {"user": user(1), "base64": base64.b64encode(b"jpeg").decode()})
    message_id = school.events()[0]["message"]["id"]
    request = urllib.request.Request(f"{fake.url}/v2/bot/message/{message_id}/content")
    request.add_header("Authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert (answer.read(), answer.headers["content-type"]) == (b"jpeg", "image/jpeg")
    ask(fake, "POST", "/fake/unsend", {"user": user(1), "message": message_id})
    assert ask(fake, "GET", f"/v2/bot/message/{message_id}/content")[0] == 404


def test_it_tells_what_each_user_received_and_never_the_token(fake: LineFake) -> None:
    push(fake, user(1), X_Line_Retry_Key=KEY)
    assert ask(fake, "GET", "/fake/messages")[1]["messages"][0]["user"] == user(1)
    assert ask(fake, "GET", "/fake/state")[1]["used"] == 1
    assert TOKEN not in json.dumps(ask(fake, "GET", "/fake/requests")[1])


def test_a_webhook_elsewhere_than_on_this_machine_is_refused(fake: LineFake) -> None:
    status, body, _ = ask(fake, "POST", "/fake/webhook", {"url": "https://air.example.go.th/line/webhook"})
    assert status == 400 and "on this machine" in body["message"]
    assert ask(fake, "POST", "/fake/nothing", {})[0] == 404


@pytest.mark.thorough
def test_the_command_serves_until_it_is_asked_to_stop() -> None:
    env = {**os.environ, "CLASSAIR_LINE_TOKEN": TOKEN, "CLASSAIR_LINE_SECRET": SECRET}
    command = [sys.executable, "-m", "classair", "line-fake", "--port", "0", "--quota", "5"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert url is not None
        with urllib.request.urlopen(f"{url[0]}/fake/state", timeout=5) as answer:
            assert json.loads(answer.read())["quota"] == 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.thorough
def test_the_command_says_which_words_it_misses() -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("CLASSAIR_LINE")}
    command = [sys.executable, "-m", "classair", "line-fake"]
    told = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2
    assert "CLASSAIR_LINE_TOKEN" in told.stderr
