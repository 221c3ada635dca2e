"""`classair run`: what it refuses in one line, what it starts again, and that nothing is left when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.ops import brokers, supervisor
from classair.ops.child import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, Child
from classair.places import Places, alone
from classair.service import port_fault
from tests.neighbours.ports import free_port

ROOT = next(parent for parent in Path(__file__).resolve().parents if (parent / "pyproject.toml").exists())
DEMO = ROOT / "sensors.yaml"


# -- refusing ----------------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_said_in_one_line_and_nothing_is_started(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert supervisor.main(["--data", str(tmp_path), "--config", str(DEMO), "--port", str(port)]) == 2
    told = capsys.readouterr().err
    assert told == (
        f"classair run: port {port} on 127.0.0.1 is in use by another program. "
        "Stop it, or choose another port with --port\n"
    )
    assert not (tmp_path / "logs").exists()


def test_a_port_or_address_that_cannot_be_is_said() -> None:
    assert "1 to 65535" in port_fault("127.0.0.1", 70_000)
    assert "cannot listen on" in port_fault("192.0.2.1", free_port())
    assert port_fault("127.0.0.1", free_port()) == ""


def test_a_data_folder_in_use_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with alone(Places(tmp_path).run / "lock") as first:
        assert first
        assert supervisor.main(["--data", str(tmp_path), "--config", str(DEMO)]) == 2
    assert capsys.readouterr().err == (
        f"classair run: already running with data folder {tmp_path}. Stop it, or use --data DIR\n"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "where"),
    [("model: mh-z19b", "model: mh-z19x", ".model: "), ("kind: tasmota, topic:", "kind: tasmota, tpoic:", ".tpoic: ")],
)
def test_what_only_a_driver_or_socket_knows_to_be_wrong_is_refused_before_anything_starts(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    right: str,
    wrong: str,
    where: str,
) -> None:
    text = DEMO.read_text("utf-8")
    assert right in text
    file = tmp_path / "sensors.yaml"
    file.write_text(text.replace(right, wrong, 1), "utf-8")
    assert supervisor.main(["--data", str(tmp_path / "d"), "--config", str(file), "--port", str(free_port())]) == 2
    assert where in capsys.readouterr().err
    assert not (tmp_path / "d" / "logs").exists()


def test_a_damaged_note_of_the_brokers_port_only_costs_another_port(tmp_path: Path) -> None:
    note = Places(tmp_path).run / "broker" / "port"
    note.parent.mkdir(parents=True)
    for damaged in ("", "x", "999999"):
        note.write_text(damaged)
        assert 1024 <= brokers._port(Places(tmp_path)) <= 65535


# -- starting again ----------------------------------------------------------------------------------------------------


def test_what_ends_is_started_again_after_growing_pauses_and_soon_when_it_had_run_steadily(
    tmp_path: Path,
    wait_for: Callable[..., Any],
) -> None:
    child = Child("short", ["false"], tmp_path / "short.log")
    child.start()
    now, pauses = 1000.0, []
    for _ in range(10):
        wait_for(lambda: not child.alive)
        told = child.tick(now)
        assert told is not None and "exit code 1" in told
        begin = now
        while child.process is None:
            now += 0.1
            child.tick(now)
        pauses.append(round(now - begin, 1))
    assert pauses[:4] == pytest.approx([FIRST_PAUSE_S, 1.0, 2.0, 4.0], abs=0.11)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_S, abs=0.11) and child.restarts == 10
    child.wait(time.monotonic() + 60)
    child.command = ["sleep", "60"]
    child.start()
    try:
        child.tick(child.started_at + STEADY_S + 1)
        child.kill()
        wait_for(lambda: not child.alive)
        told = child.tick(now)
        assert told is not None and f"restarting in {FIRST_PAUSE_S:g} s" in told and "SIGKILL" in told
    finally:
        child.kill()


def test_a_program_that_cannot_be_started_does_not_end_the_others(tmp_path: Path) -> None:
    child = Child("gone", [str(tmp_path / "no-such-program")], tmp_path / "gone.log")
    told = child.tick(10.0)
    assert told is not None and "could not be started" in told
    assert child.tick(11.0) is None, "it is not tried at every look"


# -- ending ------------------------------------------------------------------------------------------------------------


class Running:
    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.output = (folder / "output").open("w+")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "classair",
                "run",
                "--data",
                str(self.data),
                "--config",
                str(DEMO),
                "--port",
                str(free_port()),
            ],
            cwd=ROOT,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        self.output.seek(0)
        return self.output.read()

    def left(self) -> list[str]:
        """Command lines of processes that work in the data folder."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if str(self.data) in words and int(place.parent.name) != self.process.pid:
                found.append(words.replace("\0", " "))
        return found


@pytest.fixture
def running(mosquitto_program: str, tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.terminate()
    made.process.wait(60)
    made.output.close()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc to see what is left")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_ends_and_leaves_nothing_also_while_history_is_made(
    running: Running,
    wait_for: Callable[..., Any],
    number: signal.Signals,
) -> None:
    wait_for(lambda: any("--history" in words for words in running.left()), timeout=60, what="history is being made")
    os.kill(running.process.pid, number)
    code = running.process.wait(60)
    wait_for(lambda: not running.left(), what="every child has ended")
    assert code == (0 if number != signal.SIGKILL else -signal.SIGKILL), running.said()
