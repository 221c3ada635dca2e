"""SIGKILL at random moments of a storm: every alert in the ledger reaches everybody, once by a provider with keys."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alerts.ledger import Ledger
from tests.alerts.receiving import serving

pytestmark = [pytest.mark.thorough, pytest.mark.slow]
ROOT = Path(__file__).parents[3]
PEOPLE, EACH = 5, 12  # alerts that are new to each process


class Provider(ThreadingHTTPServer):
    """Takes each key once and answers 409 to it afterwards. Now and then it fails, before or after it has taken one."""

    daemon_threads = True

    def __init__(self, chance: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.chance = chance
        self.taken: dict[str, tuple[str, str]] = {}
        self.answers: Counter[int] = Counter()


class _Taking(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # it was killed in the middle
        told = json.loads(body)
        luck = self.server.chance.random()
        if luck < 0.1:
            self._answer(500)
            return
        again = told["key"] in self.server.taken
        if again:
            assert self.server.taken[told["key"]] == (told["to"], told["text"])  # nobody changes what was sent
        self.server.taken[told["key"]] = told["to"], told["text"]
        if luck > 0.95:
            self.server.answers[0] += 1
            self.connection.close()
        else:
            self._answer(500 if luck > 0.8 else 409 if again else 200)

    def _answer(self, status: int) -> None:
        self.server.answers[status] += 1
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def _start(folder: Path, port: int, alerts: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tests.alerts.outbox.storm", str(folder), str(port), str(alerts)]
    with (folder / "storm.log").open("ab") as log:
        return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)


def test_no_alert_is_lost_and_no_message_arrives_twice(tmp_path: Path, exhaustive: bool, chance: random.Random) -> None:
    kills = 50 if exhaustive else 8
    with serving(Provider(chance)) as provider:
        for kill in range(1, kills + 1):
            process = _start(tmp_path, provider.server_address[1], kill * EACH)
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n", (tmp_path / "storm.log").read_text("utf-8")[-2000:]
            time.sleep(chance.uniform(0, 0.5))
            process.kill()
            process.wait()
            process.stdout.close()
        with _start(tmp_path, provider.server_address[1], kills * EACH) as last:
            assert last.wait(120) == 0
        ledger = Ledger(tmp_path / "ledger.db")
        rows = ledger.rows(
            "select n.id, n.person, n.state, i.alert from notification n "
            "join notification_item i on i.notification=n.id"
        )
        assert {alert for (alert,) in ledger.rows("select id from alert")} == {f"a{n}" for n in range(kills * EACH)}
        ledger.close()
    told = Counter((person, alert) for _, person, _, alert in rows)
    assert told == {(f"p{person}", f"a{alert}"): 1 for person in range(PEOPLE) for alert in range(kills * EACH)}
    assert {state for _, _, state, _ in rows} == {"delivered"}
    assert {key: to for key, (to, _) in provider.taken.items()} == {key: person for key, person, _, _ in rows}
    print(f"{kills} kills, {len(provider.taken)} messages, answers {dict(provider.answers)}")
