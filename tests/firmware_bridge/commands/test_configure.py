"""What a sensor keeps is changed by one command only, by name, confirmed, and noted; always a process of its own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.drivers import driver_for

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]


class Listening:
    """The other end of a line: remembers what was written to it, answers as an MH-Z19 would."""

    def __init__(self, link: Path) -> None:
        self.heard = b""
        self.master, slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(slave)
        self._slave = slave
        link.symlink_to(os.ttyname(slave))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                data = os.read(self.master, 64)
            except OSError:
                return
            self.heard += data

    def close(self) -> None:
        os.close(self._slave)
        os.close(self.master)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Listening]:
    made = Listening(tmp_path / "port")
    yield made
    made.close()


def configure(tmp_path: Path, *words: str, typed: bytes | None = None) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "classair",
        "configure",
        str(tmp_path / "port"),
        "--sensor",
        "mh-z19b",
        "--data",
        str(tmp_path / "data"),
        *words,
    ]
    if typed is None:
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        os.write(master, typed)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out, err)
    finally:
        os.close(master)
        os.close(slave)


def notes(tmp_path: Path) -> list[dict[str, str]]:
    file = tmp_path / "data" / "logs" / "configured.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


ABC_OFF = driver_for("mh-z19b").kept()["abc off"]


def asked_only_behind(heard: bytes, command: bytes) -> bool:
    """Whether the command was sent once, and behind it nothing but questions: what the sensor says of itself now."""
    rest = heard.removeprefix(command)
    return heard.startswith(command) and command not in rest and driver_for("mh-z19b").changes(rest) == ""


def test_without_a_confirmation_nothing_is_sent(line: Listening, tmp_path: Path) -> None:
    told = configure(tmp_path, "--do", "zero calibration")
    assert told.returncode == 2
    assert "the factory calibration cannot be restored" in told.stderr
    assert "nothing was sent: add --confirm" in told.stderr
    assert (line.heard, notes(tmp_path)) == (b"", [])


def test_confirmed_it_is_sent_once_and_noted(line: Listening, tmp_path: Path) -> None:
    told = configure(tmp_path, "--do", "abc off", "--confirm")
    assert told.returncode == 0, told.stderr
    assert asked_only_behind(line.heard, ABC_OFF)
    assert [(note["state"], note["did"], note["bytes"]) for note in notes(tmp_path)] == [
        ("sending", "abc off", ABC_OFF.hex()),
        ("sent", "abc off", ABC_OFF.hex()),
    ]


@pytest.mark.parametrize(("typed", "code", "sent"), [(b"abc off\n", 0, ABC_OFF), (b"yes\n", 2, b""), (b"\n", 2, b"")])
def test_on_a_terminal_the_name_must_be_typed(
    line: Listening, tmp_path: Path, typed: bytes, code: int, sent: bytes
) -> None:
    told = configure(tmp_path, "--do", "abc off", typed=typed)
    assert told.returncode == code
    assert asked_only_behind(line.heard, sent) if sent else line.heard == b""


def test_an_unknown_command_is_answered_with_those_that_are_known(line: Listening, tmp_path: Path) -> None:
    told = configure(tmp_path, "--do", "calibrate", "--confirm")
    assert told.returncode == 2
    assert "has no command 'calibrate'; known: 'abc on', 'abc off', 'zero calibration'" in told.stderr
    assert line.heard == b""


def test_without_a_name_the_commands_are_listed(line: Listening, tmp_path: Path) -> None:
    told = configure(tmp_path)
    assert told.returncode == 0
    assert "zero calibration" in told.stdout.splitlines()
    assert line.heard == b""


def test_what_cannot_be_noted_is_not_sent(line: Listening, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    told = configure(tmp_path, "--do", "abc off", "--confirm")
    assert told.returncode == 1
    assert "nothing was sent" in told.stderr
    assert line.heard == b""


def test_a_port_that_is_in_use_is_left_alone(line: Listening, tmp_path: Path) -> None:
    from firmware_bridge.serial.opening import open_line

    held = open_line(str(tmp_path / "port"), 9600)
    try:
        told = configure(tmp_path, "--do", "abc off", "--confirm")
    finally:
        held.close()
    assert told.returncode == 1
    assert "stop the bridge first" in told.stderr
    assert (line.heard, notes(tmp_path)) == (b"", [])
