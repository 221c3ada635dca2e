"""The spool on disks that cannot be written, are full, or stay full."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.spool import spool as spool_module
from firmware_bridge.spool.packing import Hole, SpoolRow
from firmware_bridge.spool.spool import Spool

pytestmark = pytest.mark.thorough

AT = 1_800_000_000_000


def reading(value: float = 18.0) -> dict[str, Any]:
    return {"sensor": "blue-pm", "values": {"pm25": value}, "interval_s": 10.0, "n": 10}


def rows(spool: Spool) -> list[SpoolRow]:
    return [it for it in spool.after(0, 100_000) if isinstance(it, SpoolRow)]


def test_a_place_that_cannot_be_written_is_served_from_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", "utf-8")
    spool = Spool.open(blocked / "school.pi.db", memory_items=50)
    assert spool.storage
    for value in range(80):
        assert spool.append(reading(value), AT + value, "sync") is not None
    assert spool.commit() is False
    first, *rest = spool.after(0, 1000)
    assert first == Hole(1, 30, "spool full")
    assert len(rest) == 50
    spool.acknowledge(80)
    assert spool.waiting == 0
    spool.close()


def test_memory_goes_over_to_the_disk_when_it_can_be_written_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool_module, "REOPEN_EVERY_S", 0.0)
    folder = tmp_path / "folder"
    folder.write_text("not yet a folder", "utf-8")
    spool = Spool.open(folder / "school.pi.db")
    spool.append(reading(1), AT, "sync")
    epoch = spool.epoch
    folder.unlink()
    folder.mkdir()
    spool.append(reading(2), AT, "sync")
    assert spool.commit()
    assert not spool.storage
    spool.close()
    again = Spool.open(folder / "school.pi.db")
    assert again.epoch == epoch
    assert [row.given for row in rows(again)] == ["1", "2"]
    again.close()


@pytest.fixture
def tiny_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of one megabyte, or of as many as the test says."""
    megabytes = getattr(request, "param", 1)
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> None:
    with (disk / "others").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))


@pytest.mark.parametrize("tiny_disk", [24], indirect=True)
@pytest.mark.parametrize("answered", [True, False])
def test_a_disk_that_stays_full_is_worked_with_what_the_spool_has(
    tiny_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    answered: bool,
) -> None:
    monkeypatch.setattr(spool_module, "REOPEN_EVERY_S", 0.0)
    chance = random.Random(2)
    spool = Spool.open(tiny_disk / "school.pi.db", memory_items=4000)

    def feed(count: int) -> bool:
        for _ in range(count):
            values = {key: float(chance.randrange(60_000)) for key in ("n03", "n05", "n1", "n25")}
            spool.append(
                {"sensor": "a", "values": values, "interval_s": 10.0, "n": 10}, AT + spool.next_seq * 10_000, "sync"
            )
        return spool.commit()

    assert all(feed(500) for _ in range(100))
    fill(tiny_disk)
    while feed(500) and spool.next_seq < 120_000:
        pass
    given_up = spool.given_up
    if answered:
        spool.acknowledge(spool.next_seq - 1)
        assert feed(100), "what ingest has makes room"
        spool.acknowledge(spool.next_seq - 1)
    while not feed(500):
        assert spool.waiting < 10**6
    assert spool.storage == ""
    assert all(feed(500) for _ in range(40 if not answered else 10)), "and goes on so"
    assert (spool.given_up > given_up) is not answered, "unanswered readings are given up, and that is said"
    assert {hole.reason for hole in spool.after(0, 10**6) if isinstance(hole, Hole)} <= {"spool full", "no longer kept"}
    (tiny_disk / "others").unlink()
    assert all(feed(500) for _ in range(3))
    assert (tiny_disk / "school.pi.db.ballast").exists()
    spool.close()


@pytest.mark.parametrize("tiny_disk", [4], indirect=True)
def test_a_full_disk_is_survived_and_nothing_is_lost(tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "REOPEN_EVERY_S", 0.0)
    spool = Spool.open(tiny_disk / "school.pi.db")
    spool.append(reading(0), AT, "sync")
    assert spool.commit()
    fill(tiny_disk)
    failed = False
    for value in range(1, 4001):
        assert spool.append(reading(value), AT + value, "sync") is not None
        if value % 200 == 0:
            failed = not spool.commit() or failed
    assert failed
    assert "full" in spool.storage
    assert len(rows(spool)) == 4001
    (tiny_disk / "others").unlink()
    assert spool.commit()
    assert spool.storage == ""
    spool.close()
    again = Spool.open(tiny_disk / "school.pi.db")
    assert [float(row.given) for row in rows(again)] == [float(value) for value in range(4001)]
    again.close()
