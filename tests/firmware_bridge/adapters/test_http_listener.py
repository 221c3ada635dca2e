"""What is posted to a bridge: taken, confirmed once, or refused with the reason; and where it may listen."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.config import ConfigFaults, parse
from classair.device_secrets import keep_secret
from classair.places import Places
from firmware_bridge.foreign.http_listener import MAX_AT_ONCE, MAX_BODY
from firmware_bridge.foreign.http_server import VARIABLE, HttpServer
from firmware_bridge.spool.receipt import Receipt
from tests.firmware_bridge.adapters.foreign_bench import SAMPLES, Bench
from tests.firmware_bridge.adapters.sample_readings import READINGS


@pytest.fixture
def bench() -> Bench:
    return Bench()


AG = "/sensors/airgradient:ecda3b1eaaaf/measures"


@pytest.fixture
def ear(bench: Bench, tmp_path: Path) -> Iterator[Callable[..., HttpServer]]:
    made: list[HttpServer] = []

    def make(address: str = "127.0.0.1:0") -> HttpServer:
        bench.port("airgradient", "http:ecda3b1eaaaf")
        bench.port("enviro", "http:yard")
        one = HttpServer("school.box", bench.crossing, Places(tmp_path))
        one.listen(address)
        made.append(one)
        return one

    yield make
    for one in made:
        one.listen("")


def post(one: HttpServer, path: str, body: bytes, **headers: str) -> tuple[int, str]:
    assert one.address is not None
    connection = http.client.HTTPConnection("127.0.0.1", one.address[1], timeout=5)
    connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_posted_values_are_taken_and_a_repeat_is_confirmed_without_counting(bench: Bench, ear: Any) -> None:
    one = ear()
    assert post(one, AG, sample("airgradient-one.json")) == (200, "taken\n")
    assert post(one, AG, sample("airgradient-one.json")) == (200, "known already\n")
    assert post(one, "/enviro/yard", sample("enviro-urban.json"))[0] == 200
    assert [frame.values.get("pm25", frame.values.get("pm25_cf1")) for frame, _ in bench.frames] == [7, 15]


POSTED = [(model, port, settings, name) for model, port, settings, name, _ in READINGS if port.startswith("http:")]


@pytest.mark.parametrize(("model", "port", "settings", "name"), POSTED)
def test_every_device_that_posts_is_counted_once_and_heard_again(
    bench: Bench, ear: Any, model: str, port: str, settings: dict[str, Any], name: str
) -> None:
    one, device = ear(), bench.port(model, port, **settings)
    assert post(one, device.path, sample(name)) == (200, "taken\n")
    assert post(one, device.path, sample(name)) == (200, "known already\n")
    bench.later(8)
    assert post(one, device.path, sample(name)) == (200, "known already\n")
    bench.later(900)
    dated = model == "enviro"
    assert post(one, device.path, sample(name)) == (200, "known already\n" if dated else "taken\n")
    assert len(bench.frames) == (1 if dated else 2)


@pytest.mark.parametrize(("model", "port", "settings", "name"), POSTED)
def test_a_post_whose_reading_was_lost_counts_when_it_is_sent_again(
    bench: Bench, ear: Any, model: str, port: str, settings: dict[str, Any], name: str
) -> None:
    one, device = ear(), bench.port(model, port, **settings)
    bench.crossing.settle = lambda receipt: receipt.refused("memory was full", lost=True)
    assert post(one, device.path, sample(name))[0] == 503
    bench.crossing.settle = Receipt.kept
    assert post(one, device.path, sample(name)) == (200, "taken\n")
    assert post(one, device.path, sample(name)) == (200, "known already\n")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("my yard", "/enviro/my%20yard"),
        ("ห้อง ป.1", "/enviro/%E0%B8%AB%E0%B9%89%E0%B8%AD%E0%B8%87%20%E0%B8%9B.1"),
        ("ห้อง", "/enviro/ห้อง"),
        ("p1/2 100%?", "/enviro/p1/2%20100%25%3F?token=x"),
    ],
)
def test_a_name_in_a_path_may_be_of_any_letters(bench: Bench, ear: Any, name: str, path: str) -> None:
    one = ear()
    bench.port("enviro", f"http:{name}")
    body = json.dumps({**json.loads(sample("enviro-urban.json")), "nickname": name}).encode()
    raw = b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body))
    with socket.create_connection(one.address, timeout=5) as line:
        line.sendall(raw + body)
        assert b" 200 " in line.recv(100)
    assert post(one, "/enviro/other", body)[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sensors/airgradient:other/measures", b"{}", 404),
        ("/", b"{}", 404),
        (AG, b"not json", 400),
        (AG, b"[1]", 400),
        (AG, b"{}", 422),
        (AG, b'{"serialno":"other"}', 403),
        (AG, b" " * (MAX_BODY + 1), 413),
    ],
)
def test_what_cannot_be_taken_is_answered_with_the_reason(
    bench: Bench, ear: Any, path: str, body: bytes, status: int
) -> None:
    told, text = post(ear(), path, body)
    assert told == status and len(text) > 5 and bench.frames == []


def test_other_methods_and_bodies_without_a_length_are_refused(ear: Any) -> None:
    one = ear()
    with socket.create_connection(one.address, 5) as raw:
        raw.sendall(f"POST {AG} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())
        assert b" 411 " in raw.recv(200)
    with socket.create_connection(one.address, 5) as raw:
        raw.sendall(f"GET {AG} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 405 " in raw.recv(200)


def test_a_disk_that_refuses_is_told_with_its_reason(bench: Bench, ear: Any) -> None:
    bench.crossing.settle = lambda receipt: receipt.refused("database or disk is full")
    status, text = post(ear(), AG, sample("airgradient-one.json"))
    assert (status, text) == (503, "the reading could not be saved (database or disk is full); send it again\n")


def test_a_device_with_a_clock_is_asked_to_send_again_until_the_bridge_knows_the_time(bench: Bench, ear: Any) -> None:
    one = ear()
    bench.knows_time = False
    assert post(one, "/enviro/yard", sample("enviro-urban.json"))[0] == 503
    bench.knows_time = True
    assert post(one, "/enviro/yard", sample("enviro-urban.json")) == (200, "taken\n")


def test_with_a_secret_only_who_knows_it_comes_in(
    bench: Bench, ear: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ear()
    keep_secret(Places(tmp_path), "school.airgradient", "right")
    body = sample("airgradient-one.json")
    basic = {word: "Basic " + base64.b64encode(f"any:{word}".encode()).decode() for word in ("right", "wrong", "")}
    for header in ("", "Bearer wrong", basic["wrong"], basic[""], "Basic ###", "Digest right"):
        assert post(one, AG, body, Authorization=header)[0] == 401
    assert post(one, AG, body, Authorization=basic["right"])[0] == 200
    assert b"right" not in Places(tmp_path).device_secrets.read_bytes()
    monkeypatch.setenv(VARIABLE, "shared")
    assert post(one, "/enviro/yard", sample("enviro-urban.json"))[0] == 401
    assert post(one, "/enviro/yard", sample("enviro-urban.json"), Authorization="Bearer shared")[0] == 200


def test_beyond_loopback_a_device_without_a_secret_is_let_in_never(bench: Bench, ear: Any) -> None:
    assert post(ear("0.0.0.0:0"), AG, sample("airgradient-one.json"))[0] == 401
    assert bench.frames == []


def test_an_address_that_is_taken_is_told_and_tried_again(bench: Bench, ear: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        one = ear(f"127.0.0.1:{taken.getsockname()[1]}")
        bench.later(1)
        assert bench.states[-1].cause == "foreign_no_ear"
    bench.later(31)
    one.tick(bench.now_s)
    bench.later(1)
    assert one.address is not None and bench.states[-1].cause != "foreign_no_ear"


def test_many_slow_senders_do_not_use_up_the_bridge(bench: Bench, ear: Any, wait_for: Any) -> None:
    one = ear()
    idle = [socket.create_connection(one.address, 5) for _ in range(MAX_AT_ONCE)]
    for connection in idle:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Le")
    wait_for(
        lambda: (
            sum(
                thread.name.startswith("Thread") and "process_request" in thread.name
                for thread in threading.enumerate()
            )
            >= MAX_AT_ONCE
        ),
        what="the places to be taken",
    )
    with pytest.raises((http.client.HTTPException, OSError)):
        post(one, AG, sample("airgradient-one.json"))
    bench.later(21)
    one.tick(bench.now_s)

    def taken() -> bool:
        try:
            return post(one, AG, sample("airgradient-one.json"))[0] == 200
        except (http.client.HTTPException, OSError):
            return False

    wait_for(taken, what="a place for an honest sender")
    for connection in idle:
        connection.close()


# -- the configuration -------------------------------------------------------------------------------------------------

SCHOOL = """
org: demo-town
sites:
  school:
    name: School
    bridges: {box: {BRIDGE}}
    rooms: {blue: {name: Blue, volume_m3: 180}}
    sensors:
      air: {bridge: box, room: blue, model: enviro, port: "http:yard"}
"""


def test_a_posting_device_needs_a_bridge_that_listens() -> None:
    assert parse(SCHOOL.replace("BRIDGE", 'http: "127.0.0.1:8088"'))
    with pytest.raises(ConfigFaults, match=r"sensors\.air\.port: http:yard needs an HTTP listener"):
        parse(SCHOOL.replace("BRIDGE", ""))


@pytest.mark.parametrize("address", ["8088", "everywhere:8088", "127.0.0.1:0", "127.0.0.1:99999", "0.0.0.0"])
def test_a_listener_has_a_whole_address(address: str) -> None:
    with pytest.raises(ConfigFaults, match="expected address:port"):
        parse(SCHOOL.replace("BRIDGE", f'http: "{address}"'))
