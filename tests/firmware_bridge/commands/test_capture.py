"""What a sensor sends is kept as it came, and a capture of the tests' form decodes as it says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classair.__main__ import main
from firmware_bridge.drivers import driver_for

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


def streaming(sensor: Any, enough: threading.Event) -> threading.Thread:
    def send() -> None:
        while not enough.wait(0.05):
            sensor.send()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def pms(pty_sensor: Callable[..., Any], tmp_path: Path) -> Any:
    """A PMS5003 that sends twenty frames a second."""
    sensor, enough = pty_sensor(tmp_path / "port", "pms5003", VALUES), threading.Event()
    thread = streaming(sensor, enough)
    yield sensor
    enough.set()
    thread.join()


def test_raw_bytes_are_kept_without_knowing_the_sensor(
    pms: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capture", str(pms.link), "--seconds", "0.6", "-o", str(tmp_path / "raw")]) == 0
    kept = (tmp_path / "raw").read_bytes()
    assert driver_for("pms5003").encode(VALUES) in kept
    assert f"{len(kept)} bytes" in capsys.readouterr().err


def test_a_capture_of_the_tests_form_says_what_the_driver_makes_of_it(
    pms: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pms5003-here.hex"
    assert main(["capture", str(pms.link), "--sensor", "pms5003", "--seconds", "0.6", "-o", str(file)]) == 0
    capsys.readouterr()
    story = json.loads(
        "\n".join(line for line in file.read_text().partition("---\n")[0].splitlines() if not line.startswith("#"))
    )
    assert main(["decode", "--sensor", "pms5003", str(file)]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["values"][key] for line in told for key in story["keys"]] == story["values"]
    assert story["counters"]["good"] == len(told) > 3


def test_a_polled_sensor_is_asked(
    pty_sensor: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sensor = pty_sensor(tmp_path / "port", "mh-z19b", {"co2_ppm": 700})
    assert main(["capture", str(sensor.link), "--sensor", "mh-z19b", "--seconds", "1", "-o", str(tmp_path / "x")]) == 0
    assert (tmp_path / "x").read_bytes().startswith(sensor.driver.encode({"co2_ppm": 700}))


def test_a_port_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", str(tmp_path / "none"), "--seconds", "1", "-o", str(tmp_path / "x")]) == 1
    assert "it is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x.hex"], "name one with --sensor"),
        (["-o", "/nowhere/x"], "No such file"),
        (["--sensor", "pms"], "no driver speaks"),
    ],
)
def test_wrong_use_is_answered_with_what_would_be_right(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capture", "/dev/null", *words]) == 2
    assert said in capsys.readouterr().err
