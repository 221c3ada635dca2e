"""Every sensor of sensors.yaml gets a verdict in plain words, and a script gets a code."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.__main__ import main
from classair.config import BlackBoxSettings
from classair.places import Places
from firmware_bridge.blackbox.recorder import BlackBox
from firmware_bridge.clock import Moment, elapsed
from firmware_bridge.drivers import driver_for
from firmware_bridge.serial.opening import open_line

pytestmark = pytest.mark.thorough

VALUES = {
    "pm1": 10.0,
    "pm25": 20.0,
    "pm10": 30.0,
    "pm1_cf1": 10.0,
    "pm25_cf1": 20.0,
    "pm10_cf1": 30.0,
    "n03": 2000.0,
    "n05": 600.0,
    "n1": 90.0,
    "n25": 9.0,
    "n5": 3.0,
    "n10": 1.0,
    "version": 0x97,
}


@pytest.fixture
def school(tmp_path: Path) -> Callable[[dict[str, tuple[str, str]]], list[str]]:
    """`school({id: (model, port)})`: the words that select its file."""

    def write(sensors: dict[str, tuple[str, str]]) -> list[str]:
        lines = [
            "org: town",
            "sites:",
            "  site:",
            "    name: Site",
            "    bridges: {pi: {}, other: {}}",
            "    rooms: {r: {name: R, volume_m3: 100}}",
            "    sensors:",
        ]
        lines += [
            f'      {name}: {{bridge: pi, room: r, model: {model}, port: "{port}"}}'
            for name, (model, port) in sensors.items()
        ]
        (tmp_path / "sensors.yaml").write_text("\n".join(lines) + "\n")
        return ["--config", str(tmp_path / "sensors.yaml"), "--data", str(tmp_path / "data"), "--seconds", "1.2"]

    return write


@pytest.fixture
def stream() -> Iterator[Callable[..., None]]:
    """`stream(sensor, *frames)`: sends one after the other, over and over."""
    enough, threads = threading.Event(), []

    def begin(sensor: Any, *frames: bytes) -> None:
        def send() -> None:
            number = 0
            while not enough.wait(0.05):
                sensor.send(frames[number % len(frames)])
                number += 1

        threads.append(threading.Thread(target=send, daemon=True))
        threads[-1].start()

    yield begin
    enough.set()
    for thread in threads:
        thread.join()


def frame(**changed: float) -> bytes:
    return driver_for("pms5003").encode({**VALUES, **changed})


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {one["sensor"]: one for one in found}


def test_good_sensors_are_in_order_with_their_noise(
    pty_sensor: Callable[..., Any],
    stream: Callable[..., None],
    school: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream(pty_sensor(tmp_path / "a", "pms5003", VALUES), frame(), frame(pm25=22, pm25_cf1=22))
    pty_sensor(tmp_path / "b", "s8", {"co2_ppm": 700})
    words = school({"pm": ("pms5003", str(tmp_path / "a")), "co2": ("s8", str(tmp_path / "b"))})
    words[-1] = "3"  # seconds; who it is gets asked once its values are believed
    assert main(["selftest", *words, "--json"]) == 0
    found = result(capsys)
    assert found["site.pm"]["well"]
    assert found["site.pm"]["noise"]["pm25"]["mean"] == pytest.approx(21, abs=0.2)
    assert found["site.pm"]["noise"]["pm25"]["sd"] == pytest.approx(1, abs=0.1)
    assert found["site.pm"]["verdict"] == {"th": "ปกติดี", "en": "OK."}
    assert found["site.co2"]["noise"]["co2_ppm"]["mean"] == 700
    assert found["site.co2"]["firmware"]


def broken() -> bytes:
    data = bytearray(frame())
    data[9] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        ((frame(error=8),), "sensor_fault"),
        ((frame(), frame(), broken()), "checksums"),
        ((frame(n5=300),), "contradicts"),
        ((b"\x80\xf8" * 40,), "no_frames"),
    ],
)
def test_what_is_wrong_with_a_sensor_is_named(
    sent: tuple[bytes, ...],
    cause: str,
    pty_sensor: Callable[..., Any],
    stream: Callable[..., None],
    school: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream(pty_sensor(tmp_path / "a", "pms5003", VALUES), *sent)
    assert main(["selftest", *school({"pm": ("pms5003", str(tmp_path / "a"))}), "--json"]) == 1
    found = result(capsys)["site.pm"]
    assert (found["cause"], found["well"]) == (cause, False)
    assert found["verdict"]["en"] != found["verdict"]["th"]


def test_silent_missing_and_well_sensors_side_by_side_in_thai(
    pty_sensor: Callable[..., Any],
    stream: Callable[..., None],
    school: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream(pty_sensor(tmp_path / "a", "pms5003", VALUES), frame())
    pty_sensor(tmp_path / "b", "pms5003", VALUES)
    words = school(
        {
            "well": ("pms5003", str(tmp_path / "a")),
            "silent": ("pms5003", str(tmp_path / "b")),
            "gone": ("pms5003", str(tmp_path / "c")),
        }
    )
    assert main(["selftest", *words, "--language", "th"]) == 1
    told = capsys.readouterr().out
    assert "✓ site.well" in told
    assert "✗ site.silent" in told
    assert "✗ site.gone" in told
    assert "มี 2 จาก 3 เครื่องที่ควรตรวจดู" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bridge", "site.nobody"], "unknown bridge 'site.nobody'; known: site.pi, site.other"),
        (["site.nothing"], "unknown sensor 'site.nothing'; known: site.pm"),
    ],
)
def test_wrong_names_are_answered_with_the_right_ones(
    words: list[str], said: str, school: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", *school({"pm": ("pms5003", "/dev/none")}), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_faulty_file_is_said_with_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.yaml").write_text("org: town\n")
    assert main(["selftest", "--config", str(tmp_path / "x.yaml")]) == 2
    assert "sites" in capsys.readouterr().err


def test_a_port_that_a_bridge_holds_is_judged_by_its_black_box(
    pty_sensor: Callable[..., Any], school: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pty_sensor(tmp_path / "a", "pms5003", VALUES)
    words = school({"pm": ("pms5003", str(tmp_path / "a"))})
    held = open_line(str(tmp_path / "a"), 9600)
    try:
        assert main(["selftest", *words, "--json"]) == 1
        assert result(capsys)["site.pm"]["cause"] == "busy"
        box = BlackBox(
            Places(tmp_path / "data").blackbox("site.pi"),
            BlackBoxSettings(),
            lambda: Moment(round(time.time() * 1000 - elapsed() * 1000), "sync"),
        )
        recorder = box.recorder("site.pm", "pms5003", "/dev/x", {})
        for second in range(20):
            recorder.received(frame(pm25=20 + second % 2) if second % 13 else broken(), elapsed() - 20 + second)
        box.start()
        box.stop()
        assert main(["selftest", *words, "--seconds", "10", "--json"]) == 0
        found = result(capsys)["site.pm"]
        assert (found["seen_by"], found["cause"]) == ("blackbox", "")
        assert (found["checksum_errors"], found["well"]) == (1, True)
        assert 8 <= found["frames"] <= 10  # the ten seconds end when it looks
    finally:
        held.close()


def test_a_network_device_is_not_said_to_be_well(school: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = school({"a": ("airgradient", "mqtt:airgradient/readings/84fce602549c")})
    assert main(["selftest", *words, "--language", "en"]) == 0
    said = capsys.readouterr().out
    assert "– site.a" in said
    assert "OK" not in said
    assert "Network devices not checked: 1" in said
    assert main(["selftest", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["well"] is None
