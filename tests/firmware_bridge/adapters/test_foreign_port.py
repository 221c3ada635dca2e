"""Foreign devices as ports: dating, health, and the ear with which a bridge hears what is posted."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from classair.config import ConfigFaults, parse
from classair.device_secrets import keep_secret
from classair.i18n import LANGUAGES, t
from classair.model import Flag
from classair.places import Places
from firmware_bridge.adapters import adapter_for, kind_of
from firmware_bridge.drivers import Frame
from firmware_bridge.foreign.http_listener import MAX_AT_ONCE, MAX_BODY
from firmware_bridge.foreign.http_server import VARIABLE, HttpServer
from firmware_bridge.foreign.port import Crossing, ForeignPort
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.spool.receipt import Receipt
from tests.firmware_bridge.adapters.sample_readings import READINGS

SAMPLES = Path(__file__).parent / "samples"
NOW_MS = 1_795_246_500_000
MEASURED_MS = 1_795_245_303_000  # enviro-urban.json


class Bench:
    """A crossing with clocks of its own; what ports give is kept."""

    def __init__(self) -> None:
        self.now_s, self.now_ms = 1000.0, NOW_MS
        self.knows_time = True
        self.topics: list[str] = []
        self.frames: list[tuple[Frame, float]] = []
        self.states: list[PortState] = []
        self.crossing = Crossing(
            self.topics.append, lambda: self.now_s, lambda: self.now_ms if self.knows_time else None
        )

    def port(self, model: str, place: str, **settings: Any) -> ForeignPort:
        way, _, name = place.partition(":")
        port = ForeignPort(
            f"school.{model}",
            adapter_for(model, place, settings),
            self.crossing,
            lambda frames, at_s, warm: self.frames.extend((frame, at_s) for frame in frames),
            self.states.append,
            model=model,
            path=kind_of(model).path.format(id=name) if way == "http" else "",
        )
        port.start()
        return port

    def say(
        self,
        topic: str,
        sample: str,
        retained: bool = False,
        receipt: Receipt | None = None,
        kept_s: float = 0.0,
    ) -> None:
        assert self.crossing.hear(topic, (SAMPLES / sample).read_bytes(), retained, self.now_s, receipt, kept_s)

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.now_ms += round(seconds * 1000)
        self.crossing.tick(self.now_s)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- dating and health -------------------------------------------------------------------------------------------------


def test_a_message_is_dated_by_the_device_where_it_has_a_clock(bench: Bench) -> None:
    port = bench.port("enviro", "mqtt:enviro/yard")
    bench.say("enviro/yard", "enviro-urban.json", retained=True)
    frame, at_s = bench.frames[0]
    assert at_s == pytest.approx(1000 - (NOW_MS - MEASURED_MS) / 1000) and frame.flags == Flag.NONE
    assert port.each_alone


def test_a_message_with_a_time_waits_until_the_bridge_knows_its_own(bench: Bench) -> None:
    bench.port("enviro", "mqtt:enviro/yard")
    bench.knows_time = False
    kept: list[str] = []
    bench.say("enviro/yard", "enviro-urban.json", receipt=Receipt(lambda: kept.append("kept")))
    bench.later(60)
    assert (bench.frames, kept) == ([], [])
    bench.knows_time = True
    bench.later(60)
    frame, at_s = bench.frames[0]
    assert (frame.at_ms, frame.flags, kept) == (MEASURED_MS, Flag.NONE, ["kept"])
    assert at_s == pytest.approx(1000 - (NOW_MS - MEASURED_MS) / 1000)


def test_health_says_in_two_languages_what_is_wrong(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/board", interval="60s")
    assert bench.topics == ["tele/board/SENSOR", "tele/board/LWT"]
    bench.say("tele/board/SENSOR", "tasmota-s8.json")
    assert bench.crossing.hear("tele/board/LWT", b"Offline", True, bench.now_s)
    assert bench.crossing.hear("tele/board/LWT", b"Online", False, bench.now_s)
    bench.later(180)
    assert [state.cause for state in bench.states] == ["", "foreign_offline", ""]
    bench.later(1)
    assert bench.crossing.hear("tele/board/SENSOR", b"[]", False, bench.now_s)
    bench.later(1)
    assert [(state.state, state.cause) for state in bench.states[3:]] == [
        ("silent", "foreign_silent"),
        ("silent", "foreign_refused"),
    ]
    for state in bench.states:
        for language in LANGUAGES if state.cause else ():
            assert t(language, f"health.{state.cause}", **state.places)
    assert port.counts() == {"messages": 4, "good": 1, "refused_malformed": 1}


def test_a_dead_sensor_behind_a_living_board_is_reported(bench: Bench) -> None:
    bench.port("tasmota", "mqtt:tele/board")
    for _ in range(8):
        bench.say("tele/board/SENSOR", "tasmota-s8.json")
        bench.later(300)
    assert bench.states[-1] == PortState("error", "foreign_stuck")


def test_a_message_about_something_else_does_not_excuse_a_dead_sensor(bench: Bench) -> None:
    bench.port("tasmota", "mqtt:tele/board")
    for _ in range(8):
        bench.say("tele/board/SENSOR", "tasmota-s8.json")
        bench.later(150)
        bench.say("tele/board/SENSOR", "tasmota-pms5003.json")
        bench.later(150)
    assert bench.states[-1] == PortState("error", "foreign_stuck")


def test_a_clock_that_is_three_minutes_fast_is_told_and_its_readings_are_dated_on_receipt(bench: Bench) -> None:
    bench.port("enviro", "mqtt:enviro/yard")
    for count in range(5):
        said = json.loads((SAMPLES / "enviro-urban.json").read_bytes())
        said["timestamp"] = f"{datetime.fromtimestamp(bench.now_ms / 1000 + 180, UTC):%Y-%m-%dT%H:%M:%SZ}"
        said["readings"]["temperature"] = 28 + count
        bench.crossing.hear("enviro/yard", json.dumps(said).encode(), False, bench.now_s)
        frame, at_s = bench.frames[-1]
        assert (at_s, frame.flags) == (bench.now_s, Flag.RECEIPT_TIME)
        bench.later(900)
    state = bench.states[-1]
    assert state == PortState("ok", "foreign_clock_fast", {"minutes": "3"})
    assert "3 min fast" in t("en", f"health.{state.cause}", **state.places)
    for language in LANGUAGES:
        assert t(language, f"health_step.{state.cause}")


@pytest.mark.parametrize("side", ["fast", "slow"])
@pytest.mark.parametrize(("wrong_ms", "said"), [(420_000, "7"), (25_200_000, "7"), (604_800_000, "7")])
def test_how_far_a_clock_is_wrong_is_told_in_a_unit_that_can_be_read(side: str, wrong_ms: int, said: str) -> None:
    adapter = adapter_for("enviro", "http:yard")
    adapter.clock.wrong_ms = wrong_ms if side == "fast" else -wrong_ms
    key, places = adapter.notice()
    for language in LANGUAGES:
        assert said in t(language, f"health.{key}", **places) and t(language, f"health_step.{key}")


def test_a_device_that_leaves_is_no_longer_heard(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/board")
    port.stop()
    assert not bench.crossing.hear("tele/board/SENSOR", b"{}", False, 0.0)


# -- the ear -----------------------------------------------------------------------------------------------------------


def test_a_board_that_says_no_value_a_room_needs_is_not_well_and_the_object_is_named(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/b")
    says = b'{"DUSTY9":{"PM2.5":24},"BME280":{"Temperature":30.1}}'
    assert bench.crossing.hear("tele/b/SENSOR", says, False, bench.now_s)
    assert (port.state.state, port.state.cause) == ("error", "foreign_unread")
    assert port.state.places == {"names": "DUSTY9: PM2.5"}
    for language in LANGUAGES:
        assert "DUSTY9" in t(language, "health.foreign_unread", **port.state.places)
    assert port.counts()["unread_DUSTY9: PM2.5"] == 1
    bench.now_s += 60
    both = b'{"DUSTY9":{"PM2.5":24},"PMS5003":{"PM2.5":25}}'
    assert bench.crossing.hear("tele/b/SENSOR", both, False, bench.now_s)
    assert (port.state.state, port.state.cause) == ("ok", "foreign_unread"), "seen to, although a value is there"
    bench.now_s += 60
    assert bench.crossing.hear("tele/b/SENSOR", b'{"PMS5003":{"PM2.5":26}}', False, bench.now_s)
    assert (port.state.state, port.state.cause) == ("ok", "")


def test_a_sensor_that_answers_only_nan_is_not_well_although_its_temperature_is_read(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/b")
    bench.crossing.hear("tele/b/SENSOR", b'{"SPS30":{"PM2_5":nan},"BME280":{"Temperature":30.1}}', False, bench.now_s)
    assert (port.state.state, port.state.places) == ("error", {"names": "SPS30.PM2_5"})


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
