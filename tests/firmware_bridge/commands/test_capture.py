"""What a sensor sends is kept as it came, and a capture of the tests' form decodes as it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from classair.__main__ import main
from firmware_bridge.drivers import driver_for

ROOT = next(parent for parent in Path(__file__).resolve().parents if (parent / "pyproject.toml").exists())
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


def judged_by_the_contract_suite(files: Iterable[Path], folder: Path) -> str:
    """Runs the drivers' contract suite, unchanged, over these files, unchanged; what it printed."""
    suite = Path("tests/firmware_bridge/drivers/test_driver_contract.py")
    (folder / suite).parent.mkdir(parents=True)
    (folder / "tests" / "captures").mkdir()
    shutil.copyfile(ROOT / suite, folder / suite)
    for file in files:
        shutil.copyfile(file, folder / "tests" / "captures" / file.name)
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / suite), "-k", "a_capture_gives"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        text=True,
        capture_output=True,
    )
    return told.stdout


CASES: dict[str, tuple[str, list[str], dict[str, float]]] = {
    "a streaming sensor": ("pms5003", [], VALUES),
    "a polled sensor": ("mh-z19b", [], {"co2_ppm": 700}),
    "with settings": ("json-lines", ["--settings", 'fields={"dust": "pm25"}'], {"pm25": 12.5}),
    "sizes out of order, flagged": ("sds011", [], {"pm25": 80.0, "pm10": 20.0}),
}


@pytest.mark.slow
def test_hex_captures_from_ports_are_accepted_by_the_contract_suite_as_they_are(
    pty_sensor: Callable[..., Any], tmp_path: Path
) -> None:
    files = []
    for case, (model, settings, values) in CASES.items():
        sensor, enough = pty_sensor(tmp_path / f"{model}-port", model, values), threading.Event()
        thread = streaming(sensor, enough) if sensor.driver.poll_every_s is None else None
        files.append(tmp_path / f"{model}-{case.replace(' ', '-')}.hex")
        words = ["capture", str(sensor.link), "--sensor", model, *settings, "--seconds", "1", "--note", "Unit 7.", "-o"]
        try:
            assert main([*words, str(files[-1])]) == 0
        finally:
            enough.set()
            if thread is not None:
                thread.join()
        head = files[-1].read_text("utf-8").splitlines()
        assert head[0].startswith(f"# A {model}, captured on ") and head[0].endswith(" Unit 7.")
        assert json.loads(head[2])["counters"]["good"] >= 1
    changed = tmp_path / "pms5003-changed.hex"
    head, rule, data = files[0].read_text("utf-8").partition("---\n")
    changed.write_text(head + rule + data.replace("42 4D", "42 4E", 1), "utf-8")
    told = judged_by_the_contract_suite([*files, changed], tmp_path / "suite")
    assert f"1 failed, {len(files)} passed" in told and "pms5003-changed" in told


def test_every_capture_says_its_source_and_the_readme_tells_the_same() -> None:
    captures = ROOT / "tests" / "captures"
    sources = {
        file.name: json.loads(
            "\n".join(
                line for line in file.read_text("utf-8").partition("---\n")[0].splitlines() if not line.startswith("#")
            )
        )["source"]
        for file in captures.glob("*.hex")
    }
    listed = dict(
        re.findall(r"^\| `([\w-]+\.hex)` \| (\w+) \|", (captures / "README.md").read_text("utf-8"), re.MULTILINE)
    )
    assert set(sources.values()) <= {"device", "composed", "encoded"}
    # A capture of a device is sent in as it is: it needs no row.
    assert {name: source for name, source in sources.items() if source != "device"} == {
        name: source for name, source in listed.items() if source != "device"
    }


def test_a_polled_sensor_is_asked(
    pty_sensor: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sensor = pty_sensor(tmp_path / "port", "mh-z19b", {"co2_ppm": 700})
    assert main(["capture", str(sensor.link), "--sensor", "mh-z19b", "--seconds", "1", "-o", str(tmp_path / "x")]) == 0
    assert (tmp_path / "x").read_bytes().startswith(sensor.driver.encode({"co2_ppm": 700}))


def test_a_port_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", str(tmp_path / "none"), "--seconds", "1", "-o", str(tmp_path / "x")]) == 1
    assert "the port does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x.hex"], "with --sensor MODEL"),
        (["-o", "/nowhere/x"], "No such file"),
        (["--sensor", "pms"], "unknown sensor model"),
    ],
)
def test_wrong_use_is_answered_with_what_would_be_right(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capture", "/dev/null", *words]) == 2
    assert said in capsys.readouterr().err
