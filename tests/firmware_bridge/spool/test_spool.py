"""The spool: numbers, durability, damage, eviction."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.clock import BUILT_MS
from firmware_bridge.spool.contents import BLOCK, BURST, RATE
from firmware_bridge.spool.lock import SpoolInUse
from firmware_bridge.spool.packing import Shapes, SpoolRow, prefix_for
from firmware_bridge.spool.spool import Spool
from firmware_bridge.spool.thinning import thin
from tests.firmware_bridge.spool.spooled import AT, crash, holes, noisy, reading, rows, told_of


def test_items_come_back_in_order_under_one_random_epoch(path: Path) -> None:
    spool = Spool.open(path)
    for value in range(5):
        spool.append(reading(value), AT + value, "sync")
    spool.commit()
    assert [row.seq for row in rows(spool)] == [1, 2, 3, 4, 5]
    epoch = spool.epoch
    spool.close()
    again = Spool.open(path)
    assert again.epoch == epoch
    assert [row.given for row in rows(again)] == ["0", "1", "2", "3", "4"]
    again.close()
    other = Spool.open(path.with_name("other.db"))
    assert other.epoch != epoch
    other.close()


def test_what_was_appended_is_readable_before_and_after_the_commit(path: Path) -> None:
    spool = Spool.open(path)
    spool.append(reading(), AT, "sync")
    before = spool.after(0, 10)
    spool.commit()
    assert spool.after(0, 10) == before
    assert spool.waiting == 1
    spool.close()


def test_a_proper_end_leaves_no_gap(path: Path) -> None:
    spool = Spool.open(path)
    spool.append(reading(), AT, "sync")
    spool.close()
    spool = Spool.open(path)
    assert spool.next_seq == 2
    assert holes(spool) == []
    spool.close()


def test_a_crash_never_reuses_a_number_and_declares_the_rest_of_the_block_a_gap(path: Path) -> None:
    spool = Spool.open(path)
    spool.append(reading(), AT, "sync")
    spool.commit()
    spool.append(reading(), AT + 1, "sync")  # sent live perhaps, never committed
    crash(spool)
    again = Spool.open(path)
    assert again.next_seq > 2
    (hole,) = holes(again)
    assert (hole.first, hole.last, hole.reason) == (2, again.next_seq - 1, "bridge restarted")
    assert again.next_seq <= 2 + BURST + 60 * RATE < BLOCK
    again.append(reading(), AT + 2, "sync")
    again.close()
    third = Spool.open(path)
    assert holes(third) == [hole]
    third.acknowledge(third.next_seq - 1)
    third.commit()
    third.close()
    fourth = Spool.open(path)
    assert fourth.acknowledged == fourth.next_seq - 1
    fourth.close()


def test_two_processes_cannot_give_out_the_same_numbers(path: Path) -> None:
    spool = Spool.open(path)
    with pytest.raises(SpoolInUse, match="in use by another process"):
        Spool.open(path)
    spool.close()
    Spool.open(path).close()


_WRITER = """
import sys
from pathlib import Path
from firmware_bridge.spool.spool import Spool
spool = Spool.open(Path(sys.argv[1]))
while True:
    for _ in range(3):
        row = spool.append({"sensor": "blue-pm", "values": {"pm25": 1.0}}, 1800000000000, "sync")
    spool.commit()
    print(spool.epoch, row.seq, flush=True)
"""


def test_whatever_was_committed_survives_kill_9_and_no_number_is_given_twice(path: Path) -> None:
    promised: list[int] = []
    epochs = set()
    chance = random.Random(7)
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randint(1, 25)):
                epoch, seq = writer.stdout.readline().split()
            os.kill(writer.pid, signal.SIGKILL)
        epochs.add(epoch)
        assert not promised or int(seq) > promised[-1]
        promised.append(int(seq))
    spool = Spool.open(path)
    found = [row.seq for row in rows(spool)]
    assert set(promised) <= set(found)
    assert len(found) == len(set(found))
    assert epochs == {spool.epoch}
    covered = set(found)
    for hole in holes(spool):
        assert hole.last < spool.next_seq
        assert not covered & set(range(hole.first, min(hole.last, hole.first + 1000) + 1))
    spool.close()


def test_acknowledged_items_stay_until_space_is_needed_and_go_oldest_first(path: Path) -> None:
    spool = Spool.open(path)
    spool.extend(map(noisy, range(12_000)))
    spool.acknowledge(4500)
    spool.commit()
    assert rows(spool)[0].seq == 1
    assert spool._file is not None
    used = spool._file.used()
    spool.close()
    spool = Spool.open(path, limit_bytes=used - 20_000)
    spool.extend(map(noisy, range(12_000, 12_010)))
    kept = rows(spool)
    assert 1 < kept[0].seq <= 4501
    assert spool.thinned == spool.given_up == 0
    assert [row.seq for row in kept if row.seq > 4500] == list(range(4501, 12_011))
    assert spool._file is not None
    assert spool._file.used() <= used - 20_000
    spool.close()


def test_packed_and_loose_readings_come_back_as_they_were_and_are_counted(path: Path) -> None:
    spool = Spool.open(path)
    wanted = []
    for start in range(0, 9000, 500):
        for number in range(start, start + 500):
            item = noisy(number)
            row = spool.append(item, item["at"], "sync")
            assert row is not None
            wanted.append(row)
        spool.commit()
    assert spool._file is not None
    assert spool._file.loose < 5000
    assert rows(spool) == wanted
    assert [row.seq for row in rows(spool, 1000, 7)] == list(range(1001, 1008))
    assert [row.seq for row in rows(spool, 2046, 5)] == list(range(2047, 2052))
    spool.acknowledge(1000)
    assert spool.waiting == 8000
    crash(spool)
    again = Spool.open(path)
    assert rows(again) == wanted
    assert again.waiting in (8000, 9000)
    again.close()


@pytest.mark.slow
def test_when_nothing_is_acknowledged_the_oldest_become_means_and_only_then_go(path: Path) -> None:
    spool = Spool.open(path, limit_bytes=400_000)
    for start in range(0, 60_000, 5_000):
        spool.extend(map(noisy, range(start, start + 5_000)))
    assert spool.thinned > 10_000
    assert spool.given_up == 0
    alone, whole = rows(spool)[:2]
    assert alone.n == 10, "the first reading ends on the minute and is the only one of it"
    assert (spool.shapes.text_of(whole.shape)["interval_s"], whole.n) == (60.0, 60)
    assert {hole.reason for hole in holes(spool)} == {"thinned"}
    told = [item for item in told_of(spool) if item["kind"] == "missing"]
    assert {item["reason"] for item in told} == {"thinned"}
    assert sum(item["expected"] for item in told) == spool.thinned
    readings = [item for item in told_of(spool) if item["kind"] == "reading"]
    assert sum(item["n"] for item in readings) == 600_000, "every frame is still in one mean"
    assert len(readings) + spool.thinned == 60_000
    for start in range(60_000, 200_000, 5_000):
        spool.extend(map(noisy, range(start, start + 5_000)))
    assert spool.given_up > 0
    assert spool._file is not None
    assert spool._file.used() <= 400_000
    told = told_of(spool)
    counted = [item for item in told if item["kind"] == "reading"]
    freed = sum(item["expected"] for item in told if item["kind"] == "missing")
    assert len(counted) + freed == 200_000
    spool.close()
    again = Spool.open(path, limit_bytes=400_000)
    assert told_of(again) == told
    again.close()


def test_bad_readings_never_come_into_a_mean_with_good_ones(path: Path) -> None:
    shapes, kept = Shapes(), []
    for number in range(12):
        item = {**reading(float(number)), **({"flags": ["WARMUP"]} if number % 3 == 0 else {})}
        shape, n, given = shapes.pack(item)
        kept.append(SpoolRow(number + 1, shape, AT + 10_000 * (number % 6 + 1) + 60_000 * (number // 6), n, 0, given))
    means, lines = thin(kept, shapes)
    told = [json.loads(shapes.wire(row, prefix_for("pi", "0123456789abcdef"), True)) for row in means]
    assert [(it["values"]["pm25"], it["n"], it["interval_s"], it.get("flags")) for it in told] == [
        (1.5, 20, 20.0, ["WARMUP"]),
        (3.0, 40, 40.0, None),
        (7.5, 20, 20.0, ["WARMUP"]),
        (9.0, 40, 40.0, None),
    ]
    (line,) = lines
    assert (line.expected, line.reason) == (8, "thinned")


def test_an_acknowledgement_survives_a_restart(path: Path) -> None:
    spool = Spool.open(path)
    spool.extend({**reading(value), "at": AT + value} for value in range(10))
    spool.acknowledge(7)
    spool.commit()
    crash(spool)
    again = Spool.open(path)
    assert again.acknowledged == 7
    assert again.waiting == 3
    again.close()


def test_readings_without_a_date_wait_and_are_dated_once(path: Path) -> None:
    spool = Spool.open(path)
    spool.append(reading(1), None, mono=5_000, boot="this")
    spool.commit()
    spool.append(reading(2), None, mono=15_000, boot="this")
    assert spool.after(0, 10) == []
    assert spool.undated
    assert spool.date("this", AT, "server", BUILT_MS) == 2
    assert [row.at for row in rows(spool)] == [AT + 5_000, AT + 15_000]
    assert spool.date("this", AT + 999, "sync", BUILT_MS) == 0
    assert [row.at for row in rows(spool)] == [AT + 5_000, AT + 15_000]
    assert not spool.undated
    spool.close()


def test_readings_of_a_boot_whose_time_was_never_known_are_kept_apart(path: Path) -> None:
    spool = Spool.open(path)
    spool.append(reading(1), AT, "sync")
    spool.append(reading(2), None, mono=5_000, boot="before")
    spool.close()
    again = Spool.open(path)
    again.append(reading(3), None, mono=7_000, boot="now")
    again.date("now", AT + 60_000, "sync", BUILT_MS)
    first, lost, dated = rows(again)
    assert (first.at, lost.at, dated.at) == (AT, AT, AT + 67_000)
    assert '"flags":["CLOCK"]' in again.shapes.wire(lost, prefix_for("pi", again.epoch), True)
    again.close()


def test_readings_and_switches_are_taken_in_bulk(path: Path) -> None:
    spool = Spool.open(path)

    def history() -> Iterator[dict[str, Any]]:
        for minute in range(20_000):
            yield {**reading(minute % 50 + 0.5), "kind": "reading", "at": AT + minute * 60_000, "simulated": True}
        yield {"kind": "switch", "purifier": "fan", "at": AT, "on": True, "reason": "rule"}

    assert spool.extend(history()) == 20_001
    assert spool.waiting == 20_001
    spool.close()
