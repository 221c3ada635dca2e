"""A whole installation behind Debian's Caddy and nginx, asked from a school's network and from the internet."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classair.line import signature
from classair.places import Places
from tests.neighbours.networks import PHONE, SERVER, STRANGER, Networks
from tests.neighbours.programs import await_condition, program

pytestmark = [pytest.mark.thorough, pytest.mark.slow, pytest.mark.servers]

INSIDE, PUBLIC = "classair.school.lan", "air.my-school.ac.th"
ROOM = "school.a1"
LINE_SECRET = "a channel's secret"
CONFIG = f"""
org: test-town
language: th
address: https://{INSIDE}
public_url: https://{PUBLIC}
sites:
  school:
    name: {{th: โรงเรียนทดสอบ, en: Test School}}
    bridges: {{}}
    rooms: {{a1: {{name: {{th: ป.1/1, en: P.1/1}}, volume_m3: 180, capacity: 30}}}}
    sensors: {{}}
    purifiers:
      one: {{room: a1, kind: tasmota, topic: socket-one, cadr_m3h: 400}}
      two: {{room: a1, kind: tasmota, topic: socket-two, cadr_m3h: 400}}
"""


@dataclass
class Installation:
    """What `classair open` wrote, `classair run` behind it, and ways to ask it from outside."""

    networks: Networks
    folder: Path
    data: Path
    public: Path

    def curl(self, place: str, url: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Status in the last line of its output, after headers and body."""
        return self.networks.run(place, *self.curling(url), "-w", "\n%{http_code}", *words)

    def curling(self, url: str) -> list[str]:
        resolved = [word for name in (INSIDE, PUBLIC) for word in ("--resolve", f"{name}:443:{SERVER}")]
        resolved += [word for name in (INSIDE, PUBLIC) for word in ("--resolve", f"{name}:80:{SERVER}")]
        return [program("curl"), "-sS", "-i", "--max-time", "20", "--cacert", str(self.folder / "trusted.crt"),
                *resolved, url]  # fmt: skip

    def status(self, place: str, url: str, *words: str) -> int:
        done = self.curl(place, url, *words)
        return int(done.stdout.rpartition("\n")[2] or 0)

    def classair(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "classair", *words, "--data", str(self.data)]
        command += ["--config", str(self.folder / "sensors.yaml")]
        return self.networks.run("server", *command)


@pytest.fixture
def started(networks: Networks) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    begun: list[subprocess.Popen[bytes]] = []

    def start(log: Path, *words: str) -> subprocess.Popen[bytes]:
        begun.append(networks.start("server", log, *words))
        return begun[-1]

    yield start
    for process in reversed(begun):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def installation(
    networks: Networks, started: Any, tmp_path: Path, mosquitto_program: str, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """Opened with the broker for devices, and running; no proxy yet."""
    program("openssl")
    monkeypatch.setenv("CLASSAIR_LINE_SECRET", LINE_SECRET)
    made = Installation(networks, tmp_path, tmp_path / "data", tmp_path / "public")
    (tmp_path / "sensors.yaml").write_text(CONFIG, "utf-8")
    certificates = made.data / "open" / "certificates"
    done = made.classair(
        "open", "--yes", "--language", "en", "--address", SERVER, "--name", INSIDE, "--devices", "--plain",
        "--certificates", str(certificates), "--public-certificates", str(made.public),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # In the internet's place of a public authority stands one of this test.
    made.public.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={PUBLIC}", "-addext", f"subjectAltName=DNS:{PUBLIC}", "-out", made.public / "fullchain.pem",
         "-keyout", made.public / "privkey.pem"], check=True, capture_output=True,
    )  # fmt: skip
    trusted = (certificates / "ca.crt").read_text() + (made.public / "fullchain.pem").read_text()
    (tmp_path / "trusted.crt").write_text(trusted)
    assert networks.listening() == set()
    started(
        tmp_path / "run.log", sys.executable, "-m", "classair", "run", "--data", str(made.data),
        "--config", str(tmp_path / "sensors.yaml"), "--trusted-proxy", "127.0.0.1",
    )  # fmt: skip
    await_condition(lambda: "127.0.0.1:8050" in networks.listening(), what="the dashboard")
    return made


def caddy(made: Installation, started: Any) -> None:
    home = made.folder / "caddy"
    home.mkdir()
    started(
        made.folder / "caddy.log", "env", f"HOME={home}", f"XDG_DATA_HOME={home}", f"XDG_CONFIG_HOME={home}",
        program("caddy"), "run", "--adapter", "caddyfile", "--config", str(made.data / "open" / "Caddyfile"),
    )  # fmt: skip


def nginx(made: Installation, started: Any) -> None:
    whole = made.folder / "nginx-whole.conf"
    whole.write_text(
        f"daemon off;\npid {made.folder}/nginx.pid;\nerror_log stderr;\n{'user root;' if os.geteuid() == 0 else ''}\n"
        "events {}\nhttp {\n    access_log off;\n"
        + "".join(f"    {kind}_temp_path {made.folder}/nginx-{kind};\n" for kind in TEMPORARY)
        + f"    include {made.data}/open/nginx.conf;\n}}\n"
    )
    started(made.folder / "nginx.log", program("nginx"), "-e", "stderr", "-p", str(made.folder), "-c", str(whole))


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("proxy", [caddy, nginx])
def test_the_school_and_the_internet_reach_what_is_theirs(
    installation: Installation, started: Any, proxy: Callable[..., None], wait_for: Any
) -> None:
    program(proxy.__name__)
    networks = installation.networks
    proxy(installation, started)
    inside, public = f"https://{INSIDE}", f"https://{PUBLIC}"
    wait_for(lambda: installation.status("school", f"{inside}/login") == 200, what=f"{proxy.__name__} to answer")

    # Pages, by name and by address, with the school's own certificate; http leads to https.
    page = installation.curl("school", f"{inside}/display/{ROOM}")
    assert page.stdout.endswith("\n200") and "x-frame-options: deny" in page.stdout.lower()
    assert "strict-transport-security" not in page.stdout.lower()
    assert installation.status("school", f"https://{SERVER}/display/{ROOM}") == 200
    moved = installation.curl("school", f"http://{INSIDE}/display?lang=en").stdout
    assert moved.endswith("\n308") and f"location: {inside}/display?lang=en" in moved.lower()

    # The internet: what is public, nothing of the school's, whatever it writes about itself.
    login = installation.curl("internet", f"{public}/login").stdout
    assert login.endswith("\n200") and "strict-transport-security" in login.lower()
    for words in ((), ("-H", f"X-Forwarded-For: {PHONE}"), ("-H", "X-Forwarded-For: 127.0.0.1"),
                  ("-H", f"X-Forwarded-Host: {INSIDE}"), ("-H", f"Forwarded: for={PHONE}")):  # fmt: skip
        for base in (public, inside, f"https://{SERVER}"):
            assert installation.status("internet", f"{base}/display/{ROOM}", "-k", *words) == 401, (base, words)
            assert installation.status("internet", f"{base}/api/v1/rooms", "-k", *words) == 401, (base, words)
    assert installation.status("school", f"{public}/display/{ROOM}") == 401, "the public name is the internet's"

    # A request that changes something arrives with its body; too much of it does not.
    form = ("-X", "POST", "-H", f"Origin: {public}", "--data")
    assert installation.status("internet", f"{public}/login", *form, "name=nobody&password=wrong") == 401
    seen_of_413 = (0, 413)  # whoever is cut off while still sending may not read the answer
    for size in (262_145, 269_999, 270_000, 400_000, 3_000_000):
        (installation.folder / "large").write_bytes(b"x" * size)
        large = f"@{installation.folder}/large"
        assert installation.status("internet", f"{public}/login", *form, large) in seen_of_413, size
        assert installation.status("internet", f"{public}/line/webhook", *form, large) in seen_of_413, size

    webhook(installation, f"{public}/line/webhook")
    strangeness(installation)

    # Limits count the client's address, not the proxy's; cookies are for https.
    add = [*installation.networks.inside("server"), sys.executable, "-m", "classair", "user", "add", "head"]
    subprocess.run([*add, "--role", "admin", "--password-stdin", "--data", str(installation.data)],
                   input="four unrelated words", text=True, check=True, capture_output=True)  # fmt: skip
    signed = installation.curl("internet", f"{public}/login", *form, "name=head&password=four unrelated words").stdout
    cookies = [line.lower() for line in signed.splitlines() if line.lower().startswith("set-cookie: classair_s")]
    assert signed.endswith("\n303") and cookies and all("; secure" in line for line in cookies)
    seen = failures(installation)
    assert seen == {STRANGER}, seen

    stream(installation, f"{inside}/display/{ROOM}/live")
    devices(installation)

    listening = {place for place in networks.listening() if not place.startswith("127.0.0.1:")}
    assert listening == {f"{SERVER}:{port}" for port in (80, 443, 1883, 8883)}
    told = installation.classair("open", "--status", "--language", "en")
    assert told.returncode == 0 and f"{SERVER}:443" in told.stdout and "Wider" not in told.stdout
    assert networks.run("school", "curl", "-s", "--max-time", "3", f"http://{SERVER}:8050/login").returncode != 0


def webhook(installation: Installation, url: str) -> None:
    """LINE reaches its address from the internet; the body arrives as it was signed, and nobody else is believed."""
    event = {"type": "unfollow", "mode": "active", "timestamp": 1_795_000_000_000, "webhookEventId": "01HOOK"}
    event |= {"deliveryContext": {"isRedelivery": False}, "source": {"type": "user", "userId": "U" + "0" * 32}}
    body = json.dumps({"destination": "U1", "events": [event]}, ensure_ascii=False, indent=3).encode()
    (installation.folder / "hook").write_bytes(body)
    post = ("-X", "POST", "--data-binary", f"@{installation.folder}/hook", "-H", "Content-Type: application/json")
    for given in ((), ("-H", f"X-Line-Signature: {signature.sign('another', body)}"), ("-H", "X-Line-Signature: ñ")):
        assert installation.status("internet", url, *post, *given) == 400, given
    assert kept(installation) == 0
    good = ("-H", f"X-Line-Signature: {signature.sign(LINE_SECRET, body)}")
    for more in ((), ("-H", "Transfer-Encoding: chunked", "--http1.1"), ("-H", "X-Forwarded-For: 127.0.0.1")):
        assert installation.status("internet", url, *post, *good, *more) == 200, more
    assert kept(installation) == 1, "a redelivery is the same event"
    assert installation.status("internet", url) == 404, "only LINE has business there"


def kept(installation: Installation) -> int:
    with sqlite3.connect(f"file:{Places(installation.data).desk}?mode=ro", uri=True) as desk:
        return int(desk.execute("select count(*) from line_event").fetchone()[0])


def strangeness(installation: Installation) -> None:
    """Requests that no browser makes: none is answered by more than a visitor of the internet gets, none breaks us."""
    odd = [
        f"GET https://{INSIDE}/display/{ROOM} HTTP/1.1|Host: {PUBLIC}|",
        f"GET https://{PUBLIC}/display/{ROOM} HTTP/1.1|Host: {INSIDE}|",
        f"GET http://127.0.0.1/api/v1/rooms HTTP/1.1|Host: {PUBLIC}|",
        "GET http://127.0.0.1/api/v1/rooms HTTP/1.1|Host: 127.0.0.1|",
        "GET /api/v1/rooms HTTP/1.1|Host: localhost|",
        f"GET /display/{ROOM} HTTP/1.0||",
        f"GET /display/{ROOM} HTTP/1.1||",
        f"GET /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|Host: 127.0.0.1|",
        f"GET /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|X-Forwarded-For: {PHONE}|X-Forwarded-For: 127.0.0.1|",
        f"GET /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|Forwarded: for=127.0.0.1;host={INSIDE};proto=http|",
        f"GET /display/{ROOM} HTTP/1.1|Host: {INSIDE}|X-Forwarded-For: ::1|X-Forwarded-Proto: http|",
        f"GET /display/{ROOM} HTTP/1.1|Host: {INSIDE}|X_Forwarded_For: {PHONE}|X-Real-IP: {PHONE}|",
        f"GET /display/{ROOM} HTTP/1.1|Host: {INSIDE}|Connection: X-Forwarded-For, X-Forwarded-Host, Host|",
        f"GET /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|X-Long: {'x' * 60_000}|",
        f"GET /{'x' * 60_000} HTTP/1.1|Host: {PUBLIC}|",
        *(f"GET {path} HTTP/1.1|Host: {PUBLIC}|" for path in (
            f"//display/{ROOM}", f"/assets/../display/{ROOM}", f"/assets/%2e%2e/display/{ROOM}",
            f"/login;/../display/{ROOM}", f"/login/..;/display/{ROOM}", f"/assets/..%2fdisplay%2f{ROOM}",
            "/assets/..%5c..%5cdesk.db", f"/display/{ROOM}%00", "/notify/%2e%2e%2fapi%2fv1%2frooms",
            "/api/v1/rooms?x=%ff%fe", "/api/v1/episodes/x/report", "/api/v1/alerts", "/api/v1/silences")),
        f"GET /_dash-ws-callback HTTP/1.1|Host: {PUBLIC}|Connection: Upgrade|Upgrade: websocket|"
        "Sec-WebSocket-Version: 13|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|",
        f"TRACE /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|",
        f"CONNECT 127.0.0.1:8050 HTTP/1.1|Host: {PUBLIC}|",
        # Two lengths: whoever believes the other one would see a second request here.
        f"POST /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|Content-Length: 90|Transfer-Encoding: chunked||0||"
        f"GET /display/{ROOM} HTTP/1.1|Host: 127.0.0.1|X-Forwarded-For: 127.0.0.1|",
        f"POST /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|Transfer-Encoding: xchunked|Content-Length: 4||0||"
        f"GET /display/{ROOM} HTTP/1.1|Host: 127.0.0.1|",
        f"POST /display/{ROOM} HTTP/1.1|Host: {PUBLIC}|Content-Length: 4|Content-Length: 0||abcd",
    ]  # fmt: skip
    requests = [text.replace("|", "\r\n") + "\r\n" for text in odd]
    done = subprocess.run(
        [*installation.networks.inside("internet"), sys.executable, "-c", RAW, SERVER, PUBLIC],
        input=json.dumps(requests), capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    for request, answer in zip(requests, json.loads(done.stdout), strict=True):
        statuses = [int(line[9:12]) for line in answer.splitlines() if line.startswith(("HTTP/1.1 ", "HTTP/1.0 "))]
        if "\r\nContent-Length: 0\r\n" in answer and "\r\nServer: Caddy\r\n" in answer:
            continue  # Caddy's own empty answer for a name that is none of its sites
        assert all(300 <= status < 500 or status == 501 for status in statuses), (request[:300], answer[:600])
        assert "ป.1/1" not in answer, (request[:300], answer[:600])


# Sends each request by TLS as it is and says what came back until the other side ended it, or was silent.
RAW = """
import json, socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
answers = []
for request in json.load(sys.stdin):
    got = b""
    with socket.create_connection((sys.argv[1], 443), 20) as plain, context.wrap_socket(
        plain, server_hostname=sys.argv[2]
    ) as there:
        there.settimeout(2)
        try:
            there.sendall(request.encode())
            while more := there.recv(65536):
                got += more
        except OSError:
            pass
    answers.append(got.decode("utf-8", "replace"))
print(json.dumps(answers))
"""


def failures(installation: Installation) -> set[str]:
    with sqlite3.connect(f"file:{Places(installation.data).desk}?mode=ro", uri=True) as desk:
        return {str(row[0]) for row in desk.execute("select distinct address from failure")}


def stream(installation: Installation, url: str) -> None:
    """The first event arrives while the stream goes on: no proxy waits for more."""
    command = [*installation.networks.inside("school"), *installation.curling(url), "-N"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, b"")
        assert any(line.startswith(b"event: hello") for line in lines)
        assert process.poll() is None, "it is still open"
        process.terminate()


def devices(installation: Installation) -> None:
    """A plug in the school's network speaks under its own account, for itself alone; services have none there."""
    secrets = json.loads((installation.data / "run" / "passwords.json").read_text())
    broker = int((installation.data / "run" / "broker" / "port").read_text())
    ca = str(installation.data / "open" / "certificates" / "ca.crt")

    def client(place: str, host: str, port: int, user: str, *words: str) -> list[str]:
        secret = secrets.get(user, "guess")
        return [*installation.networks.inside(place), sys.executable, "-c", CLIENT, host, str(port), user, secret, ca,
                *words]  # fmt: skip

    def said(command: list[str]) -> Any:
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)

    for port in (1883, 8883):
        with subprocess.Popen(client("school", SERVER, port, "socket-one"), stdout=subprocess.PIPE) as plug:
            assert plug.stdout is not None and plug.stdout.readline() == b"listening\n"
            commands = [f"cmnd/socket-{which}" for which in ("two/POWER", "one/POWER", "one/END")]
            assert said(client("server", "127.0.0.1", broker, "tool", *commands)) == [False, False, False]
            assert json.loads(plug.stdout.read()) == ["cmnd/socket-one/POWER", "cmnd/socket-one/END"], port
        topics = ("stat/socket-one/POWER", "stat/socket-two/POWER", "classair/v1/test-town/school/room/a1/now")
        assert said(client("school", SERVER, port, "socket-one", *topics)) == [False, True, True], "refused"
        for user in ("alerts", "tool", "watch", "nobody"):
            assert said(client("school", SERVER, port, user, "stat/socket-one/POWER")) == "not let in", (port, user)


# Publishes the topics and says which were refused; without topics it listens to everything until `…/END`.
CLIENT = """
import json, sys, time
import paho.mqtt.client as mqtt
host, port, user, secret, ca, *topics = sys.argv[1:]
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=user, protocol=mqtt.MQTTv5)
client.username_pw_set(user, secret)
if port == "8883":
    client.tls_set(ca)
let_in, subscribed, refused, heard = [], [], [], []
client.on_connect = lambda c, u, f, reason, p: let_in.append(not reason.is_failure)
client.on_subscribe = lambda *_: subscribed.append(True)
client.on_publish = lambda c, u, m, reason, p: refused.append(reason.is_failure)
client.on_message = lambda c, u, message: heard.append(message.topic)
client.connect(host, int(port))
client.loop_start()
def wait(condition):
    until = time.monotonic() + 50
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
wait(lambda: let_in)
if not let_in[0]:
    print(json.dumps("not let in"))
elif topics:
    for number, topic in enumerate(topics, 1):
        client.publish(topic, "ON", 1)
        wait(lambda: len(refused) == number)
    print(json.dumps(refused))
else:
    client.subscribe("#", 1)
    wait(lambda: subscribed)
    print("listening", flush=True)
    wait(lambda: heard and heard[-1].endswith("/END"))
    print(json.dumps(heard))
"""


def test_closed_again_nothing_listens_for_others(installation: Installation, started: Any, wait_for: Any) -> None:
    networks = installation.networks
    await_condition(lambda: f"{SERVER}:1883" in networks.listening(), what="the broker")
    assert installation.classair("open", "--close").returncode == 0
    started(
        installation.folder / "again.log", sys.executable, "-m", "classair", "run", "--port", "8051",
        "--data", str(installation.folder / "other"), "--config", str(installation.folder / "sensors.yaml"),
    )  # fmt: skip
    wait_for(lambda: "127.0.0.1:8051" in networks.listening(), what="the second installation")
    others = {place for place in networks.listening() if not place.startswith("127.0.0.1:")}
    assert others == {f"{SERVER}:1883", f"{SERVER}:8883"}, "the first one's, until it is started again"
