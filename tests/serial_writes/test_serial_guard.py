"""No test, and no process that a test starts, calibrates a sensor or changes what it keeps; and the guard can fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ZERO = "FF 01 87 00 00 00 00 00 78"

CONFTEST = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from serial_guard import pytest_configure, pytest_sessionfinish, pytest_terminal_summary, pytest_unconfigure
"""
HARMLESS = "FF 01 86 00 00 00 00 00 79"
BY_ITSELF = """
import os, tty
import serial

def test_that_writes():
    master, slave = os.openpty()
    tty.setraw(master), tty.setraw(slave)
    with serial.serial_for_url(os.ttyname(slave)) as line:
        line.write(bytes.fromhex("{data}"))
    assert os.read(master, 64) == bytes.fromhex("{data}")
"""
BY_A_CHILD = """
import subprocess, sys

CHILD = '''
import os, tty
import serial
master, slave = os.openpty()
tty.setraw(master), tty.setraw(slave)
data = bytes.fromhex("{data}")
with serial.Serial(os.ttyname(slave)) as line:
    line.write(data[:4])
    line.write(data[4:])
'''

def test_that_starts_a_process():
    subprocess.run([sys.executable, "-c", CHILD], check=True)
"""


def run_of_tests(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_inner.py").write_text(test)
    env = {key: value for key, value in os.environ.items() if key not in ("PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS")}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading all that is installed takes seconds
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            str(folder),
            *options,
            str(folder),
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=170,
    )


@pytest.mark.parametrize("options", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["serial", "parallel"])
@pytest.mark.parametrize("test", [BY_ITSELF, BY_A_CHILD], ids=["in the process of the tests", "in a child, in pieces"])
def test_a_run_in_which_a_sensor_is_calibrated_fails_although_every_test_passes(
    tmp_path: Path, test: str, options: tuple[str, ...]
) -> None:
    told = run_of_tests(tmp_path, test.replace("{data}", ZERO), *options)
    assert "1 passed" in told.stdout, told.stdout + told.stderr
    assert told.returncode == 1
    assert "forbidden writes to serial lines" in told.stdout
    assert "MH-Z19 zero point (ff 01 87 00 00 00 00 00 78) was written to /dev/pts/" in told.stdout


@pytest.mark.parametrize("test", [BY_ITSELF, BY_A_CHILD], ids=["in the process of the tests", "in a child, in pieces"])
def test_a_run_in_which_sensors_are_only_asked_passes(tmp_path: Path, test: str) -> None:
    told = run_of_tests(tmp_path, test.replace("{data}", HARMLESS))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "serial lines: 9 bytes written by 1 processes, nothing forbidden" in told.stdout


MAKERS = {
    "MH-Z19 zero point": ZERO,
    "MH-Z19 span point": "FF 01 88 07 D0 00 00 00 A0",
    "MH-Z19 self-calibration on or off": "FF 01 79 00 00 00 00 00 86",
    "MH-Z19 range": "FF 01 99 00 00 00 13 88 CB",
    "S8 write of one register": "FE 06 00 01 7C 06 6C C7",
    "S8 write of several registers": "FE 10 00 00 00 02 04 00 00 7C 06 00 00",
    "SDS011 set mode": "AA B4 02 01 01 00 00 00 00 00 00 00 00 00 00 FF FF 02 AB",
    "SDS011 set working period": "AA B4 08 01 05 00 00 00 00 00 00 00 00 00 00 FF FF 0C AB",
    "SDS011 set device id": "AA B4 05 00 00 00 00 00 00 00 00 00 00 A0 01 FF FF A4 AB",
    "SPS30 set cleaning interval": "7E 00 80 05 00 00 01 51 80 A8 7E",
    "HPMA115 set adjustment coefficient": "68 02 08 64 2A",
}


def test_every_forbidden_command_has_an_example() -> None:
    from tests.serial_writes.serial_guard import FORBIDDEN

    assert set(MAKERS) == set(FORBIDDEN)


@pytest.mark.parametrize("what", MAKERS)
def test_a_command_of_the_makers_documents_is_found_between_others(tmp_path: Path, what: str) -> None:
    from tests.serial_writes.serial_guard import violations

    def note(argv: list[str]) -> list[str]:
        lines = [
            {"argv": argv, "address": "/dev/x", "hex": data, "test": "t"}
            for data in ("00", bytes.fromhex(MAKERS[what]).hex(), "ff0186")
        ]
        (tmp_path / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return list(violations(tmp_path))

    assert any(sentence.startswith(what) for sentence in note(["classair", "bridge"]))
    assert note(["classair", "configure", "/dev/x", "--sensor", "pms5003", "--do", "zero calibration"])


@pytest.mark.parametrize(
    "question",
    [
        HARMLESS,
        "FE 04 00 00 00 04 E5 C6",
        "FE 03 00 1F 00 01 A1 C3",
        "AA B4 04 00 00 00 00 00 00 00 00 00 00 00 00 FF FF 02 AB",
        "AA B4 02 00 00 00 00 00 00 00 00 00 00 00 00 FF FF 00 AB",
        "7E 00 80 01 00 7D 5E 7E",
        "68 01 10 87",
        "42 4D E1 00 01 01 71",
    ],
)
def test_a_question_is_not_forbidden(tmp_path: Path, question: str) -> None:
    from tests.serial_writes.serial_guard import violations

    line = {"argv": [], "address": "/dev/x", "hex": bytes.fromhex(question).hex(), "test": "t"}
    (tmp_path / "1.jsonl").write_text(json.dumps(line) + "\n")
    assert list(violations(tmp_path)) == []
