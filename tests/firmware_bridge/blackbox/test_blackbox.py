"""The black box keeps what travelled, within its bounds, and never gets in anybody's way."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.config import BlackBoxSettings
from firmware_bridge.blackbox import ring as blackbox_ring
from firmware_bridge.blackbox.format import (
    LOST,
    RECEIVED,
    SENT,
    Header,
    Item,
    NotABlackBox,
    decode_payload,
    encode_block,
    read_blocks,
    read_header,
)
from firmware_bridge.blackbox.reading import is_black_box, records
from firmware_bridge.blackbox.recorder import KEPT_IN_MEMORY, BlackBox, PortRecorder
from firmware_bridge.blackbox.ring import Ring
from firmware_bridge.clock import BUILT_MS, Moment

ROOT = Path(__file__).parents[3]
HEADER = Header("site.pm", "pms5003", "/dev/serial/by-id/x", {"key": "value"})
BOOT = bytes(range(16))
NOW_S = BUILT_MS / 1000 + 86_400 * 20


def block(*items: Item, offset_ms: int = BUILT_MS, quality: str = "sync", boot: bytes = BOOT) -> bytes:
    return encode_block(boot, offset_ms, quality, items)


def read(data: bytes) -> list[Item | None]:
    file = io.BytesIO(HEADER.encode() + data)
    assert read_header(file) == HEADER
    return [
        item
        for stamp, payload in read_blocks(file)
        for item in ([None] if payload is None else decode_payload(payload, stamp.elapsed_ms))
    ]


# -- the form on disk --------------------------------------------------------------------------------------------------

items = st.builds(
    lambda kind, at, data, lost: Item(LOST, at, b"", lost) if kind == LOST else Item(kind, at, data),
    st.sampled_from([RECEIVED, SENT, LOST]),
    st.integers(0, 2**40),
    st.binary(max_size=300),
    st.integers(0, 2**40),
)


@given(st.lists(items, min_size=1, max_size=30))
def test_what_is_written_is_read_again(told: list[Item]) -> None:
    told = sorted(told, key=lambda item: item.elapsed_ms)
    assert read(block(*told)) == told


@given(st.binary(max_size=400), st.integers(0, 10_000))
def test_a_block_behind_any_damage_is_found(damage: bytes, cut: int) -> None:
    first = block(Item(RECEIVED, 5, b"first"))
    found = read(first[: cut % len(first)] + damage + block(Item(RECEIVED, 9, b"second")))
    assert found[-1] == Item(RECEIVED, 9, b"second")


def test_a_flipped_bit_costs_one_block_and_is_said() -> None:
    whole = bytearray(block(Item(RECEIVED, 1, b"a")) + block(Item(RECEIVED, 2, b"b")))
    whole[30] ^= 4
    assert read(bytes(whole)) == [None, Item(RECEIVED, 2, b"b")]


def test_a_file_of_something_else_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"BM\0\x1c")
    assert not is_black_box(tmp_path / "x")
    with pytest.raises(NotABlackBox, match="the first line is not"):
        list(records(tmp_path / "x"))


# -- times -------------------------------------------------------------------------------------------------------------


def test_what_was_kept_before_the_time_was_known_is_dated_by_a_later_block_of_the_same_boot(tmp_path: Path) -> None:
    file = tmp_path / "0000000001.cbb"
    file.write_bytes(
        HEADER.encode()
        + block(Item(RECEIVED, 100, b"a"), offset_ms=0, quality="unknown")
        + block(Item(RECEIVED, 200, b"b"), offset_ms=BUILT_MS, quality="unsync")
        + block(Item(RECEIVED, 300, b"c"), offset_ms=BUILT_MS + 7, quality="sync")
        + block(Item(RECEIVED, 400, b"d"), quality="unknown", boot=bytes(16))
    )
    assert [(record.at_ms, record.item.data) for record in records(tmp_path)] == [
        (BUILT_MS + 107, b"a"),
        (BUILT_MS + 207, b"b"),
        (BUILT_MS + 307, b"c"),
        (None, b"d"),
    ]
    assert [it.item.data for it in records(file, BUILT_MS + 207, BUILT_MS + 307)] == [b"b"]


# -- the recorder and its thread ---------------------------------------------------------------------------------------


@pytest.fixture
def box(tmp_path: Path) -> Iterator[BlackBox]:
    made = BlackBox(tmp_path / "box", BlackBoxSettings(), lambda: Moment(BUILT_MS, "sync"), elapsed=lambda: 100.0)
    yield made
    made.stop()


def bytes_of(folder: Path, kind: int) -> bytes:
    return b"".join(record.item.data for record in records(folder) if record.item.kind == kind)


def test_both_directions_are_kept_with_their_time(box: BlackBox, tmp_path: Path) -> None:
    recorder = box.recorder("site.pm", "pms5003", "/dev/x", {})
    recorder.sent(b"ask", 10.0)
    recorder.received(b"BM", 10.1)
    recorder.received(b"\0\x1c", 10.11)
    recorder.received(b"later", 11.0)
    box.start()
    box.stop()
    found = [(it.at_ms, it.item.kind, it.item.data) for it in records(tmp_path / "box" / "pm")]
    assert found == [
        (BUILT_MS + 10_000, SENT, b"ask"),
        (BUILT_MS + 10_100, RECEIVED, b"BM\0\x1c"),
        (BUILT_MS + 11_000, RECEIVED, b"later"),
    ]


def test_nothing_is_written_before_a_minute_or_many_bytes(tmp_path: Path) -> None:
    now = [100.0]
    recorder = PortRecorder(HEADER, lambda: None)
    recorder.received(b"x" * 100, now[0])
    assert not recorder.due(159.9)
    assert recorder.due(160.0)
    for n in range(200):
        recorder.received(b"x" * 400, 100.0 + n)
    assert recorder.due(100.0)


def test_a_disk_that_does_not_answer_costs_the_oldest_bytes_and_no_more_memory() -> None:
    recorder = PortRecorder(HEADER, lambda: None)
    for n in range(2000):
        recorder.received(bytes((n & 0xFF,)) * 512, float(n))
    taken = recorder.take()
    assert taken[0].kind == LOST
    assert taken[0].lost == recorder.lost > 0
    assert sum(len(item.data) for item in taken) <= KEPT_IN_MEMORY
    assert sum(len(item.data) + item.lost for item in taken) == 2000 * 512
    assert taken[-1].data == bytes((1999 & 0xFF,)) * 512


def test_a_sensor_that_moves_to_another_port_begins_a_new_segment(box: BlackBox, tmp_path: Path) -> None:
    box.recorder("site.pm", "pms5003", "/dev/a", {}).received(b"old", 1.0)
    box.recorder("site.pm", "pms7003", "/dev/b", {}).received(b"new", 2.0)
    box.start()
    box.stop()
    assert [(it.header.model, it.header.port, it.item.data) for it in records(tmp_path / "box" / "pm")] == [
        ("pms5003", "/dev/a", b"old"),
        ("pms7003", "/dev/b", b"new"),
    ]


def test_nothing_is_kept_when_it_is_switched_off(tmp_path: Path) -> None:
    box = BlackBox(tmp_path / "box", BlackBoxSettings(hours=0), lambda: None)
    box.recorder("site.pm", "pms5003", "/dev/x", {}).received(b"x", 1.0)
    box.start()
    box.stop()
    assert not (tmp_path / "box").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from classair.config import BlackBoxSettings
from firmware_bridge.blackbox.recorder import BlackBox
from firmware_bridge.clock import BUILT_MS, Moment
box = BlackBox(Path(sys.argv[1]), BlackBoxSettings(), lambda: Moment(BUILT_MS, "sync"))
recorder = box.recorder("site.pm", "pms5003", "/dev/x", {})
recorder.received(sys.argv[2].encode(), 1.0)
box._write_what_is_due(everything=True)
recorder.received(b"not yet written", 2.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.thorough
def test_a_killed_bridge_loses_only_what_was_not_written_and_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for word in ("one", "two"):
        told = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "box"), word], cwd=ROOT, timeout=60)
        assert told.returncode == -9
        newest = next((tmp_path / "box" / "pm").iterdir())
        with newest.open("ab") as file:
            file.write(b"CBX1 and half a block")
    assert bytes_of(tmp_path / "box" / "pm", RECEIVED) == b"onetwo"
    assert len(list((tmp_path / "box" / "pm").iterdir())) == 1


# -- bounds ------------------------------------------------------------------------------------------------------------


def ring(
    folder: Path,
    settings: BlackBoxSettings,
    now: list[float],
    disk: Callable[[Path], tuple[int, int]] = lambda _: (1 << 40, 1 << 39),
) -> Ring:
    return Ring(folder, settings, lambda: now[0], disk)


def sizes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def noise(n: int, size: int = 50_000) -> bytes:
    """A block that does not compress."""
    return block(Item(RECEIVED, n, os.urandom(size)))


def test_a_port_keeps_the_newest_within_its_limit(tmp_path: Path) -> None:
    now = [NOW_S]
    kept = ring(tmp_path, BlackBoxSettings(port_mb=1), now)
    for n in range(60):
        now[0] += 60
        assert kept.append(HEADER, noise(n), Moment(0, "sync")) == ""
        assert sizes(tmp_path) <= 1 << 20
    numbers = [record.item.elapsed_ms for record in records(tmp_path / "pm")]
    assert numbers == list(range(numbers[0], 60))
    assert len(numbers) >= 16


def test_all_ports_together_keep_the_total(tmp_path: Path) -> None:
    now = [NOW_S]
    kept = ring(tmp_path, BlackBoxSettings(port_mb=1, total_mb=2), now)
    for n in range(50):
        for port in "abcd":
            now[0] += 1
            assert kept.append(Header(f"site.{port}", "pms5003", "/dev/x"), noise(n), Moment(0, "sync")) == ""
            assert sizes(tmp_path) <= 2 << 20
    for port in "abcd":
        assert max(record.item.elapsed_ms for record in records(tmp_path / port)) == 49


def test_what_is_older_than_the_hours_goes_unless_the_clock_is_not_known(tmp_path: Path) -> None:
    now = [NOW_S]
    old = Header("site.gone", "s8", "/dev/y")
    ring(tmp_path, BlackBoxSettings(), now).append(old, noise(1), None)
    os.utime(tmp_path / "gone" / "0000000001.cbb", (now[0], now[0]))
    now[0] += 25 * 3600
    ring(tmp_path, BlackBoxSettings(), now).append(HEADER, noise(2), None)
    assert (tmp_path / "gone").exists()
    ring(tmp_path, BlackBoxSettings(), now).append(HEADER, noise(3), Moment(0, "sync"))
    assert not (tmp_path / "gone").exists()
    assert [it.item.elapsed_ms for it in records(tmp_path / "pm")] == [2, 3]


@pytest.mark.thorough
def test_a_day_of_a_streaming_sensor_fits_into_the_default(tmp_path: Path) -> None:
    from firmware_bridge.drivers import driver_for

    driver, now = driver_for("pms5003"), [NOW_S]
    kept = ring(tmp_path, BlackBoxSettings(), now)
    for minute in range(1440):
        now[0] += 60
        frames = [
            Item(
                RECEIVED,
                (minute * 60 + second) * 1000,
                driver.encode(
                    {
                        "pm25": 20 + (minute * 7 + second * 3) % 13,
                        "n03": 2000 + (second * 37) % 400,
                        "n05": 600 + second * 3,
                        "n1": 90 + second % 17,
                        "n25": 9 + second % 5,
                    }
                ),
            )
            for second in range(60)
        ]
        kept.append(HEADER, block(*frames), Moment(0, "sync"))
    assert sizes(tmp_path) < 4 << 20
    assert sum(1 for _ in records(tmp_path / "pm")) == 86_400


# -- without room ------------------------------------------------------------------------------------------------------


def test_a_nearly_full_disk_gets_the_black_box_first(tmp_path: Path) -> None:
    now, free = [NOW_S], [1 << 30]
    kept = ring(tmp_path, BlackBoxSettings(), now, lambda _: (1 << 34, free[0]))
    for n in range(5):
        now[0] += 4 * 3600
        assert kept.append(HEADER, noise(n), None) == ""
    assert len(list((tmp_path / "pm").iterdir())) == 5
    free[0] = blackbox_ring.RESERVE
    assert kept.append(HEADER, noise(9), None) == "disk_full"
    assert list((tmp_path / "pm").iterdir()) == []
    free[0] = 1 << 30
    assert kept.append(HEADER, noise(10), None) == ""
    assert [it.item.elapsed_ms for it in records(tmp_path / "pm")] == [10]


def test_a_really_full_disk_is_said_once_and_harms_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A memory disk of one megabyte, filled by somebody else."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True).returncode
    ):
        pytest.skip("only root may mount a small disk")
    try:
        box = BlackBox(disk / "box", BlackBoxSettings(), lambda: None)
        recorder = box.recorder("site.pm", "pms5003", "/dev/x", {})
        recorder.received(os.urandom(512), 1.0)
        box._write_what_is_due(everything=True)
        assert box.trouble == ""
        with pytest.raises(OSError, match="No space"), (disk / "other").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        for n in range(3):
            recorder.received(os.urandom(512), 2.0 + n)
            box._write_what_is_due(everything=True)
        assert (box.trouble, box.lost) == ("disk_full", 3 * 512)
        assert sum("blackbox_write_failed" in line for line in caplog.messages) == 1
        (disk / "other").unlink()
        recorder.received(b"again", 9.0)
        box._write_what_is_due(everything=True)
        assert box.trouble == ""
        last = list(records(disk / "box" / "pm"))[-2:]
        assert (last[0].item.lost, last[1].item.data) == (3 * 512, b"again")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_is_said_and_the_port_goes_on(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("a file where a folder should be")
    box = BlackBox(tmp_path / "box", BlackBoxSettings(), lambda: None)
    recorder = box.recorder("site.pm", "pms5003", "/dev/x", {})
    recorder.received(b"x", 1.0)
    box.start()
    box.stop()
    assert "exists" in box.trouble or "director" in box.trouble
    assert box.lost == 1


def test_a_disk_that_hangs_does_not_hold_up_a_port(tmp_path: Path) -> None:
    hanging = threading.Event()

    def wait() -> None:
        hanging.wait(60)

    box = BlackBox(tmp_path / "box", BlackBoxSettings(), wait)
    recorder = box.recorder("site.pm", "pms5003", "/dev/x", {})
    box.start()
    for n in range(3000):
        recorder.received(b"x" * 512, float(n))
    assert recorder.lost or recorder.take()
    hanging.set()
    box.stop()
