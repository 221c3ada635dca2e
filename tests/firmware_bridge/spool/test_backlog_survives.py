"""Days of readings into an absent broker, the feeding process killed again and again, then all of it into a store.

The usual run is a small one, killed at other moments each time; --all plays 72 hours of eight sensors at 10 s and 50
kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from classair.broker import Message
from classair.config import parse
from classair.wire import Stored, Topics
from firmware_bridge.delivery import Delivery
from firmware_bridge.spool.spool import Spool
from ingest.books.books import Books
from ingest.intake import Intake

SENSORS = 8
AT = 1_795_000_000_000
MOST_BYTES = 60_000_000

_FEEDER = """
import random, sys
from pathlib import Path
from firmware_bridge.spool.spool import Spool
path, at, sensors, total, commit_every = Path(sys.argv[1]), *map(int, sys.argv[2:6])
spool = Spool.open(path)
last = max((spool.until(f"s{n}") - at) // 10_000 * sensors + n if spool.until(f"s{n}") else -1 for n in range(sensors))
chance = random.Random(last)
for index in range(last + 1, total):
    values = {"pm25": index % 997 / 10, "n03": index}
    values.update((key, round(chance.uniform(5, 60), 2)) for key in (
        "pm1", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1", "n05", "n1", "n25", "temp_c", "rh_pct"))
    item = {"sensor": f"s{index % sensors}", "values": values, "interval_s": 10.0, "n": 10, "simulated": True}
    spool.append(item, at + index // sensors * 10_000, "sync")
    if index % commit_every == commit_every - 1 or index == total - 1:
        spool.commit()
        print(index, flush=True)
spool.close()
print("done", flush=True)
"""

SCHOOL = (
    "org: town\nsites:\n  school:\n    name: School\n    bridges: {pi: {}}\n    rooms:\n"
    "      a: {name: A, volume_m3: 180}\n    sensors:\n"
    + "".join(f'      s{n}: {{bridge: pi, room: a, model: pms5003t, port: "sim:classroom"}}\n' for n in range(SENSORS))
)


def feed_with_kills(path: Path, total: int, kills: int, chance: random.Random) -> None:
    """Runs the feeder to its end through kills at random moments; every promise made must be kept."""
    promised, commit_every = -1, 125
    commits = total // commit_every
    for kill in range(kills + 1):
        with subprocess.Popen(
            [sys.executable, "-c", _FEEDER, str(path), *map(str, (AT, SENSORS, total, commit_every))],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        ) as feeder:
            assert feeder.stdout is not None
            lives = chance.randint(1, max(2 * commits // (kills + 1), 2)) if kill < kills else 10**9
            for line in feeder.stdout:
                if line == "done\n":
                    assert promised == total - 1
                    return
                assert int(line) > promised, "what was committed before the kill is still there"
                promised = int(line)
                lives -= 1
                if not lives:
                    # Between two commits, inside one, or while packing: wherever it happens to be.
                    os.kill(feeder.pid, signal.SIGKILL)
                    break
    raise AssertionError("the feeder never came to its end")


@pytest.mark.thorough
def test_nothing_committed_is_lost_or_doubled_by_kills_and_the_order_is_kept(
    tmp_path: Path, exhaustive: bool, chance: random.Random
) -> None:
    total, kills = (207_360, 50) if exhaustive else (6_000, 5)
    path = tmp_path / "school.pi.db"
    feed_with_kills(path, total, kills, chance)
    size = sum(part.stat().st_size for part in tmp_path.iterdir())
    assert size <= MOST_BYTES
    print(f"{total} readings, {kills} kills: {size / total:.1f} bytes of disk a reading")

    spool, books = Spool.open(path), Books(tmp_path / "readings.db", journal=False)
    config = parse(SCHOOL)
    with books.store.transaction():
        moves, reasons = books.deployments.plan(config, AT - 1000, books.newest_reading)
        assert not reasons
        books.deployments.apply(moves, 1)
    intake = Intake(config, books.deployments)
    topic, sent = Topics("town").bridge("school", "pi", "reading"), list[bytes]()

    def publish(payload: bytes) -> bool:
        sent.append(payload)
        return True

    delivery, now = Delivery(spool, "pi", publish, chance=lambda: 0.5), 1000.0
    delivery.connected(now)
    while spool.acknowledged < spool.next_seq - 1:
        for _ in range(25):
            delivery.tick(now)
            now += 0.01
        decided = intake.decide([Message(topic, payload, False, 1, 1) for payload in sent], AT + 40 * 86_400_000, True)
        sent.clear()
        assert not decided.refused
        outcome = books.keep(decided, AT)
        assert not outcome.duplicates
        delivery.stored(Stored(epoch=spool.epoch, upto=books.store.upto("school.pi", spool.epoch), server_time=AT), now)
    found: list[Any] = sorted(
        ((reading.seq, reading) for reading in books.store.readings("school.a", AT - 1, AT + total * 10_000)),
        key=lambda pair: pair[0],
    )
    assert [round(reading.values["n03"]) for _, reading in found] == list(range(total))
    assert all(reading.at_ms == AT + index // SENSORS * 10_000 for index, (_, reading) in enumerate(found))
    books.close()
    spool.close()
