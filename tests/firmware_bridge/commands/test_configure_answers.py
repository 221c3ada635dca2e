"""SDS011 by id, S8 by address, SPS30 start, stop and cleaning: asked for by name, and told by the sensor's answer.

The sensors here are written from the makers' documents, byte by byte, and share no code with the drivers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers import driver_for, models

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]


class Sds:
    """Nova's protocol V1.3: 19 bytes in, 10 out; a command for another id is none."""

    def __init__(self, *ids: str) -> None:
        self.state = {bytes.fromhex(one): {2: 0, 6: 1, 8: 0} for one in ids}

    def __call__(self, heard: bytes) -> tuple[bytes, int]:
        if len(heard) < 19:
            return b"", 0
        frame = heard[:19]
        assert frame[:2] == b"\xaa\xb4" and frame[18] == 0xAB and sum(frame[2:17]) & 0xFF == frame[17]
        answers = b""
        for device, kept in self.state.items():
            if frame[15:17] not in (b"\xff\xff", device):
                continue
            what, how, value = frame[2:5]
            if what == 7:
                body = bytes((7, 18, 11, 16)) + device
            else:
                if how:
                    kept[what] = value
                body = bytes((what, how, kept[what], 0)) + device
            answers += b"\xaa\xc5" + body + bytes((sum(body) & 0xFF, 0xAB))
        return answers, 19


def crc16(data: bytes) -> bytes:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


class S8:
    """TDE2067: Modbus RTU; each sensor listens to its own address and to FE."""

    def __init__(self, *addresses: int, refuses: bool = False) -> None:
        self.abc, self.refuses = dict.fromkeys(addresses, 180), refuses

    def __call__(self, heard: bytes) -> tuple[bytes, int]:
        if heard[:1] == b"\0":
            return b"", 1  # a byte that wakes
        if len(heard) < 8:
            return b"", 0
        frame = heard[:8]
        assert crc16(frame[:6]) == frame[6:8]
        answers = b""
        for address in self.abc:
            if frame[0] not in (0xFE, address):
                continue
            register, value = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
            if frame[1] == 6 and self.refuses:
                body = bytes((frame[0], 0x86, 2))
            elif frame[1] == 6:
                if register == 0x1F:
                    self.abc[address] = value
                body = frame[:6]
            elif frame[1] == 3:
                body = bytes((frame[0], 3, 2)) + self.abc[address].to_bytes(2, "big")
            else:
                body = bytes((frame[0], 4, 6, 1, 6, 0, address, 0x4C, 0x2B))
            answers += body + crc16(body)
        return answers, 8


class Sps30:
    """Datasheet V1.0, chapter 5: SHDLC; idle after power-on, cleaning only while it measures."""

    def __init__(self, *, measuring: bool) -> None:
        self.measuring, self.cleaned, self.interval_s = measuring, 0, 604_800

    def __call__(self, heard: bytes) -> tuple[bytes, int]:
        if heard[:1] == b"\xff":
            return b"", 1
        end = heard.find(b"\x7e", 1)
        if end < 0:
            return b"", 0
        body, raw = b"", heard[1:end]
        while raw:
            body, raw = (body + bytes((raw[1] ^ 0x20,)), raw[2:]) if raw[0] == 0x7D else (body + raw[:1], raw[1:])
        assert sum(body) & 0xFF == 0xFF and body[2] == len(body) - 4
        command, data = body[1], body[3:-1]
        state, told = 0, b""
        if command in (0, 1):
            state = 0x43 if self.measuring == (command == 0) else 0
            self.measuring = command == 0
        elif command == 0x56:
            state = 0 if self.measuring else 0x43
            self.cleaned += self.measuring
        elif command == 0x80 and len(data) == 5:
            self.interval_s = int.from_bytes(data[1:], "big")
        elif command == 0x80:
            told = self.interval_s.to_bytes(4, "big")
        elif command == 0xD1:
            told = bytes((2, 2, 0, 7, 0, 2, 0))
        elif command == 0xD0:
            told = b"5350533330000001\0"
        elif command == 0xD2:
            told = bytes(5)
        answer = bytes((0, command, state, len(told))) + told
        answer += bytes((~sum(answer) & 0xFF,))
        stuffed = b"".join(
            bytes((0x7D, byte ^ 0x20)) if byte in (0x7E, 0x7D, 0x11, 0x13) else bytes((byte,)) for byte in answer
        )
        return b"\x7e" + stuffed + b"\x7e", end + 1


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[Callable[[Any], Path]]:
    opened: list[int] = []

    def plug(sensor: Any) -> Path:
        master, slave = os.openpty()
        opened.extend((master, slave))
        tty.setraw(master)
        tty.setraw(slave)

        def live() -> None:
            waiting = b""
            while True:
                try:
                    waiting += os.read(master, 64)
                except OSError:
                    return
                while waiting:
                    answer, used = sensor(waiting)
                    if not used:
                        break
                    waiting = waiting[used:]
                    os.write(master, answer)

        threading.Thread(target=live, daemon=True).start()
        port = tmp_path / "port"
        port.symlink_to(os.ttyname(slave))
        return port

    yield plug
    for handle in opened:
        os.close(handle)


def configure(port: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classair", "configure", str(port), *words, "--data", str(port.parent / "data")]
    return subprocess.run(
        [*command, "--confirm"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def test_of_two_sds011_on_a_line_only_the_one_with_the_id_is_changed(plugged: Any) -> None:
    line = Sds("A160", "58D9")
    port = plugged(line)
    told = configure(port, "--sensor", "sds011", "--address", "a160", "--do", "working period 5 min")
    assert told.returncode == 0, told.stderr
    assert {device.hex(): kept[8] for device, kept in line.state.items()} == {"a160": 5, "58d9": 0}
    assert "the sensor confirmed it (AA C5 08 01 05 00 A1 60" in told.stderr
    assert "It now says: id A160, firmware 2018-11-16, mode stream, period 5 min" in told.stderr
    note = json.loads((port.parent / "data" / "logs" / "configured.jsonl").read_text().splitlines()[-1])
    assert (note["address"], note["accepted"], note["did"]) == ("a160", True, "working period 5 min")


def test_an_sds011_that_is_not_there_gives_no_answer(plugged: Any) -> None:
    line = Sds("58D9")
    told = configure(plugged(line), "--sensor", "sds011", "--address", "A160", "--do", "query mode")
    assert told.returncode == 0 and "The sensor gave no answer" in told.stderr
    assert line.state[bytes.fromhex("58D9")][2] == 0


@pytest.mark.parametrize(("name", "state"), [("sleep", 0), ("wake", 1)])
def test_an_sds011_sleeps_and_wakes_when_asked(plugged: Any, name: str, state: int) -> None:
    line = Sds("58D9")
    told = configure(plugged(line), "--sensor", "sds011", "--do", name)
    assert told.returncode == 0 and "the sensor confirmed it" in told.stderr and "stores nothing" in told.stderr
    assert line.state[bytes.fromhex("58D9")][6] == state


def test_of_two_s8_only_the_one_at_the_address_is_changed(plugged: Any) -> None:
    line = S8(5, 7)
    told = configure(plugged(line), "--sensor", "s8", "--address", "5", "--do", "abc off")
    assert told.returncode == 0, told.stderr
    assert line.abc == {5: 0, 7: 180}
    assert "This sends “abc off” (05 06 00 1F 00 00" in told.stderr
    assert "confirmed it" in told.stderr and "abc_hours 0" in told.stderr


def test_a_refusal_is_told_as_one_and_ends_with_code_1(plugged: Any) -> None:
    line = S8(5, refuses=True)
    told = configure(plugged(line), "--sensor", "s8", "--address", "5", "--do", "abc off")
    assert told.returncode == 1
    assert "the sensor refused it" in told.stderr and "function 06 code 02" in told.stderr


@pytest.mark.parametrize(
    ("measuring", "name", "code", "after"),
    [
        (False, "start measuring", 0, (True, 0, 604_800)),
        (True, "start measuring", 1, (True, 0, 604_800)),
        (True, "stop measuring", 0, (False, 0, 604_800)),
        (True, "clean fan", 0, (True, 1, 604_800)),
        (False, "clean fan", 1, (False, 0, 604_800)),
        (False, "fan cleaning every 86400 s", 0, (False, 0, 86_400)),
        (True, "fan cleaning off", 0, (True, 0, 0)),
    ],
)
def test_an_sps30_starts_stops_and_cleans_when_asked(
    plugged: Any, measuring: bool, name: str, code: int, after: tuple[bool, int, int]
) -> None:
    sensor = Sps30(measuring=measuring)
    told = configure(plugged(sensor), "--sensor", "sps30", "--do", name)
    assert (told.returncode, (sensor.measuring, sensor.cleaned, sensor.interval_s)) == (code, after), told.stderr
    assert ("confirmed it" if code == 0 else "refused it") in told.stderr
    if "cleaning" in name:
        assert f"cleaning_s {after[2]}" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sensor", "mh-z19b", "--address", "1"], "a mh-z19b has no address"),
        (["--sensor", "sds011", "--address", "A16"], "address"),
        (["--sensor", "s8", "--address", "250"], "248 to 253 are reserved"),
        (["--sensor", "s8", "--address", "x"], "address"),
        (["--sensor", "nothing", "--address", "1"], "unknown sensor model"),
    ],
)
def test_an_address_that_cannot_be_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    told = configure(tmp_path / "port", *words)
    assert told.returncode == 2 and said in told.stderr


@pytest.mark.parametrize("model", models())
def test_everything_that_can_be_asked_for_has_a_name_of_its_own(model: str) -> None:
    driver = driver_for(model)
    kept, actions = driver.kept(), driver.actions()
    assert not kept.keys() & actions.keys()
    assert all(driver.changes(send.data) == "" for sends in actions.values() for send in sends)
    assert ("sleep" in actions) == bool(driver.sleep())
