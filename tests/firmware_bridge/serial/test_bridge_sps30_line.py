"""An SPS30 at 115200 baud behind a real terminal: answers full of stuffed bytes, ten thousand with --all, none lost."""

from __future__ import annotations

import os
import random
import struct
import threading
import tty
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers import Frame
from firmware_bridge.drivers.sps30 import READ, Settings, Sps30
from firmware_bridge.serial.port_state import Timings
from firmware_bridge.serial.ports import Port

STUFFED = b"\x7e\x7d\x11\x13"


class Impatient(Sps30):
    """Asks again as soon as it has its answer: ten thousand seconds in a few."""

    @property
    def poll_every_s(self) -> float | None:
        return 0.0


def numbers(count: int, chance: random.Random) -> list[float]:
    """Masses whose bytes on the wire are, in every place that may be, bytes that have to be stuffed."""
    found = []
    while len(found) < count:
        # 0x41 and 0x42 as the first byte are floats between 8 and 128.
        value = struct.unpack(">f", bytes((chance.choice((0x41, 0x42)), *chance.choices(STUFFED, k=3))))[0]
        found.append(value if len(found) % 3 else struct.unpack(">f", struct.pack(">f", chance.uniform(1, 900)))[0])
    return found


@pytest.mark.thorough
def test_answers_full_of_stuffed_bytes_are_all_read(
    tmp_path: Path, wait_for: Any, exhaustive: bool, chance: random.Random
) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    (tmp_path / "usb-sps30").symlink_to(os.ttyname(slave))
    sent: list[float] = []
    wire = bytearray()
    speaker = Sps30(Settings())
    waiting = numbers(10_000 if exhaustive else 1000, chance)

    def speak() -> None:
        while len(sent) < len(waiting):
            request = os.read(master, 256)
            asked = READ in request
            value = waiting[len(sent)]
            answer = speaker.answer(request, {"pm1": 8.5, "pm25": value, "pm4": value, "pm10": value, "nc05": value})
            if answer:
                if asked:
                    sent.append(value)
                    wire.extend(answer)
                os.write(master, answer)

    got: list[float] = []

    def take(frames: list[Frame], at_s: float, warming_up: bool) -> None:
        got.extend(frame.values["pm25"] for frame in frames)

    driver = Impatient(Settings())
    # No names are in motion here, and what would be held back meanwhile is more than any sensor says.
    port = Port(
        "school.blue", str(tmp_path / "usb-sps30"), driver, take, lambda state: None, timings=Timings(settle_s=0.0)
    )
    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    port.start()
    try:
        wait_for(lambda: len(got) >= len(waiting), 120, "every reading")
    finally:
        port.stop()
        os.close(slave)
        os.close(master)
    assert got == sent
    assert driver.counters.checksum == driver.counters.length == 0
    assert all(bytes((0x7D, raw ^ 0x20)) in wire for raw in STUFFED)
