"""The spool: numbers, durability, damage, eviction."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.clock import BUILT_MS
from firmware_bridge.spool.contents import BLOCK, BURST, RATE
from firmware_bridge.spool.giving_up import lines_about
from firmware_bridge.spool.lock import SpoolInUse
from firmware_bridge.spool.packing import Shapes, SpoolRow, prefix_for
from firmware_bridge.spool.spool import Spool
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
    assert spool.given_up == 0
    assert [row.seq for row in kept if row.seq > 4500] == list(range(4501, 12_011))
    assert spool._file is not None
    assert spool._file.used() <= used - 20_000
    spool.close()


@pytest.mark.thorough
def test_readings_come_back_as_they_were_and_are_counted(path: Path) -> None:
    spool = Spool.open(path)
    wanted = []
    for start in range(0, 9000, 500):
        for number in range(start, start + 500):
            item = noisy(number)
            row = spool.append(item, item["at"], "sync")
            assert row is not None
            wanted.append(row)
        spool.commit()
    assert rows(spool) == wanted
    assert [row.seq for row in rows(spool, 1000, 7)] == list(range(1001, 1008))
    spool.acknowledge(1000)
    assert spool.waiting == 8000
    crash(spool)
    again = Spool.open(path)
    assert rows(again) == wanted
    assert again.waiting in (8000, 9000)
    again.close()


@pytest.mark.thorough
def test_when_nothing_is_acknowledged_the_oldest_go_and_every_reading_is_accounted_for(path: Path) -> None:
    spool = Spool.open(path, limit_bytes=400_000)
    for start in range(0, 30_000, 5_000):
        spool.extend(map(noisy, range(start, start + 5_000)))
    assert spool.given_up > 10_000
    assert spool._file is not None and spool._file.used() <= 400_000
    assert {hole.reason for hole in holes(spool)} == {"spool full"}
    told = told_of(spool)
    counted = [item for item in told if item["kind"] == "reading"]
    lines = [item for item in told if item["kind"] == "missing"]
    assert {item["reason"] for item in lines} == {"spool_full"}
    assert len(counted) + sum(item["expected"] for item in lines) == 30_000
    ends = sorted((item["start"], item["end"]) for item in lines)
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))
    assert ends[0][0] == AT - 10_000 and ends[-1][1] == counted[0]["at"] - 10_000
    assert spool.waiting == len(told)
    spool.close()
    again = Spool.open(path, limit_bytes=400_000)
    assert told_of(again) == told
    again.close()


def test_lines_of_the_gap_ledger_are_told_again_when_they_are_given_up_themselves() -> None:
    shapes, kept = Shapes(), []
    line = {"kind": "missing", "sensor": "blue-pm", "length_ms": 60_000, "expected": 6}
    items = [{**line, "reason": reason} for reason in ("silent", "broker_away", "silent")]
    items += [reading(float(number)) for number in range(12)]
    for number, item in enumerate(items):
        shape, n, given = shapes.pack(item)
        at = AT + 60_000 * number if number < 3 else AT + 1_000_000 + 10_000 * number
        kept.append(SpoolRow(number + 1, shape, at, n, 0, given))
    told = [(it.reason, it.end_ms - AT, it.length_ms, it.expected) for it in lines_about(kept, shapes)]
    assert told == [
        ("silent", 0, 60_000, 6),
        ("silent", 120_000, 60_000, 6),
        ("spool_full", 1_140_000, 120_000, 12),
    ]


def test_readings_out_of_order_are_one_line_when_they_are_given_up() -> None:
    shapes = Shapes()
    shape, n, given = shapes.pack(reading())
    ats = random.Random(1).sample(range(50), 50)
    kept = [SpoolRow(seq, shape, AT + 10_000 * at, n, 0, given) for seq, at in enumerate(ats, 1)]
    assert [(it.end_ms, it.length_ms, it.expected) for it in lines_about(kept, shapes)] == [(AT + 490_000, 500_000, 50)]


def test_a_quarter_of_the_free_disk_is_the_most_that_is_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Disk:
        f_bavail, f_frsize = 4000, 400

    monkeypatch.setattr("firmware_bridge.spool.file.os.statvfs", lambda path: Disk)
    spool = Spool.open(path)
    spool.extend(map(noisy, range(12_000)))
    assert spool._file is not None
    assert spool.given_up > 0 and 200_000 < spool._file.used() <= 410_000
    spool.close()


def test_opening_gives_up_nothing_that_is_there_when_the_disk_has_become_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool.open(path)
    spool.extend(map(noisy, range(12_000)))
    spool.close()

    class Disk:
        f_bavail, f_frsize = 10, 4096

    monkeypatch.setattr("firmware_bridge.spool.file.os.statvfs", lambda path: Disk)
    again = Spool.open(path)
    assert again.commit() and again.given_up == 0 and len(rows(again)) == 12_000
    again.close()


def test_a_message_of_an_earlier_run_is_known_by_the_reading_it_became(path: Path) -> None:
    spool = Spool.open(path)
    spool.append(reading(1), AT, messages=[2**62, 5])
    spool.append(reading(2), AT + 1)
    assert spool.knows(5) is None, "what this run was told is judged by the adapters"
    spool.commit()
    spool.append(reading(3), AT + 2, messages=[7])
    crash(spool)
    again = Spool.open(path)
    for message in (2**62, 5):
        row = again.knows(message)
        assert row is not None and (row.seq, row.at) == (1, AT)
    assert again.knows(7) is None, "its reading was lost, so it must be taken again"
    again.close()


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
