"""An unknown port is listened to and asked, never changed; what cannot be decided is asked of the person."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.__main__ import main
from firmware_bridge.commands import detect
from firmware_bridge.commands.candidates import Evidence, judge, refusal
from firmware_bridge.commands.detect import _questions
from firmware_bridge.drivers import driver_for, models

pytestmark = pytest.mark.thorough

COUNTS = {"n03": 2241.0, "n05": 668.0, "n1": 94.0, "n25": 10.0}
MASSES = {"pm1": 12.0, "pm25": 18.0, "pm10": 21.0, "pm1_cf1": 12.0, "pm25_cf1": 18.0, "pm10_cf1": 21.0}
PLANTOWER = {
    "pms5003": {**MASSES, **COUNTS, "n5": 3.0, "n10": 1.0, "version": 0x97},
    "pms5003t": {**MASSES, **COUNTS, "temp_c": 31.4, "rh_pct": 63.2, "version": 0x9A},
    "pms5003s": {**MASSES, **COUNTS, "n5": 3.0, "n10": 1.0, "hcho_ugm3": 37.0},
    "pms5003st": {
        **MASSES,
        **COUNTS,
        "n5": 3.0,
        "n10": 1.0,
        "hcho_ugm3": 37.0,
        "temp_c": 30.8,
        "rh_pct": 58.5,
        "version": 0x9B,
    },
    "pms3003": {**MASSES, "version": 0x51},
}


def heard(model: str, values: dict[str, float], times: int = 3) -> Evidence:
    frame = driver_for(model).encode(values)
    return Evidence(driver_for(model).baud, frame[5:] + frame * times)


@pytest.mark.parametrize("model", PLANTOWER)
def test_plantower_look_alikes_are_told_apart_by_what_their_words_can_mean(model: str) -> None:
    found = judge(heard(model, PLANTOWER[model]))
    fitting = [candidate for candidate in found if not candidate.against]
    assert [candidate.model for candidate in fitting] == [model]
    assert all(candidate.against for candidate in found if candidate.model != model)


OTHERS = {
    "hpma115s0": {"pm25": 42.0, "pm10": 57.0},
    "hpma115c0": {"pm1": 28.0, "pm25": 41.0, "pm4": 49.0, "pm10": 56.0},
    "sds011": {"pm25": 37.4, "pm10": 58.1},
    "zh03b": {"pm1": 28.0, "pm25": 41.0, "pm10": 56.0},
    "sps30": {
        "pm1": 14.25,
        "pm25": 21.5,
        "pm4": 24.75,
        "pm10": 26.0,
        "nc05": 98.5,
        "nc1": 118.25,
        "nc25": 121.0,
        "nc4": 121.5,
        "nc10": 121.75,
        "tps_um": 0.5625,
    },
}


@pytest.mark.parametrize("model", OTHERS)
def test_others_are_found_among_all(model: str) -> None:
    found = judge(heard(model, OTHERS[model]))
    fitting = [candidate for candidate in found if not candidate.against]
    assert [candidate.model for candidate in fitting] == [model]


def test_types_that_nothing_tells_apart_are_one_answer() -> None:
    (found,) = [it for it in judge(heard("pms7003", PLANTOWER["pms5003"])) if not it.against]
    assert (found.model, found.same) == ("pms5003", ["pms1003", "pms7003", "pmsa003"])


def test_what_speaks_against_a_type_is_said_with_what_the_bytes_show() -> None:
    found = {it.model: it for it in judge(heard("pms5003t", PLANTOWER["pms5003t"]))}
    assert "more particles above 5 µm than above 2.5 µm" in found["pms5003"].against[0]


def test_clean_air_leaves_it_open() -> None:
    """All words zero but the version: a 5003 and others fit, and nobody guesses."""
    fitting = [it.model for it in judge(heard("pms5003", {"version": 0x97})) if not it.against]
    assert len(fitting) != 1 or fitting == ["pms5003"]


@pytest.mark.parametrize("baud", [9600, 115200])
def test_no_question_changes_any_sensor(baud: int) -> None:
    for question in _questions(baud):
        assert refusal(question) == ""
        for model in models():
            try:
                driver = driver_for(model)
            except ValueError:
                continue
            assert driver.changes(question) == "", f"{question.hex()} changes a {model}"
            assert question not in driver.kept().values()


# -- on a port ---------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "ANSWER_S", 0.15)


@pytest.fixture
def streaming(pty_sensor: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[[str, dict[str, float]], Path]]:
    enough, threads = threading.Event(), []

    def make(model: str, values: dict[str, float]) -> Path:
        sensor = pty_sensor(tmp_path / "port", model, values)

        def send() -> None:
            while not enough.wait(0.05):
                sensor.send()

        threads.append(threading.Thread(target=send, daemon=True))
        threads[-1].start()
        return tmp_path / "port"

    yield make
    enough.set()
    for thread in threads:
        thread.join()


def test_a_streaming_sensor_is_found_and_the_line_to_paste_printed(
    streaming: Callable[[str, dict[str, float]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    port = streaming("pms5003t", PLANTOWER["pms5003t"])
    assert main(["detect", str(port), "--seconds", "0.4"]) == 0
    told = capsys.readouterr().out
    assert f'SENSOR: {{bridge: BRIDGE, room: ROOM, model: pms5003t, port: "{port}"}}' in told


@pytest.mark.parametrize(
    ("model", "values"),
    [("mh-z19b", {"co2_ppm": 847.0, "internal_temp_c": 29.0}), ("s8", {"co2_ppm": 847.0}), ("sps30", OTHERS["sps30"])],
)
def test_a_sensor_that_speaks_only_when_asked_is_asked(
    model: str,
    values: dict[str, float],
    pty_sensor: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sensor = pty_sensor(tmp_path / "port", model, values)
    main(["detect", str(sensor.link), "--seconds", "0.3", "--json"])
    told = json.loads(capsys.readouterr().out)
    fitting = [it for it in told["candidates"] if it["fits"]]
    assert model in {name for it in fitting for name in [it["model"], *it["same"]]}
    assert all(not driver_for(name).changes(sensor.heard) for name in models() if _plain(name))


def _plain(model: str) -> bool:
    try:
        driver_for(model)
    except ValueError:
        return False
    return True


def test_without_a_terminal_nobody_is_asked_and_the_code_says_undecided(
    pty_sensor: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = pty_sensor(tmp_path / "port", "mh-z19b", {"co2_ppm": 847})
    assert main(["detect", str(sensor.link), "--seconds", "0.3"]) == 1
    told = capsys.readouterr().out
    assert "mh-z19c" in told
    assert "Check the label" in told


def test_a_person_chooses_where_the_bytes_do_not_decide(
    pty_sensor: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyboard:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return "2\n"

    monkeypatch.setattr("sys.stdin", Keyboard())
    sensor = pty_sensor(tmp_path / "port", "mh-z19b", {"co2_ppm": 847})
    assert main(["detect", str(sensor.link), "--seconds", "0.3"]) == 0
    told = capsys.readouterr().out
    assert "  2  mh-z19c" in told
    assert "model: mh-z19c" in told


def test_silence_and_noise_are_told_apart(
    pty_sensor: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sensor = pty_sensor(tmp_path / "port", "pms5003", {})
    assert main(["detect", str(sensor.link), "--seconds", "0.2"]) == 1
    assert "no data, neither sent unprompted nor as an answer" in capsys.readouterr().out
    timer = threading.Timer(0.1, sensor.send, [b"\x80\xf8\x00" * 40])
    timer.start()
    assert main(["detect", str(sensor.link), "--seconds", "0.4", "--baud", "9600"]) == 1
    assert "120 bytes received (120 at 9600 baud), which no driver can decode" in capsys.readouterr().out


def test_a_port_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(tmp_path / "none")]) == 1
    assert "the port does not exist" in capsys.readouterr().err
