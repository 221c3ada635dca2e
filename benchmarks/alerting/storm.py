"""A storm: in 1,000 rooms the same problem begins in the same second, ends, and begins again.

    python benchmarks/alerting/storm.py [--rooms 1000] [--people 3] [--behind-bridges]

Every room is looked at each second of four hours, with the real board on a real ledger; the clock is the benchmark's
own. Messages are counted as the outbox gathers them: at most one a person and school in 60 s.
The baseline is the way before alerts had states: one message a person for each room that fires and each that is over.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alerts.ledger import Ledger
from alerts.lifecycle.board import AlertBoard
from alerts.lifecycle.model import Key, Sight
from classair import config as configuration
from tests.alerts.notified import T0, NotingOutbox

STEP_MS = 1_000
MIN = 60_000
ROOMS_A_SCHOOL = 40
# minutes: how long it holds in all rooms, and how long not
WAVES = ((30, 10), (30, 10), (30, 40), (30, 60))


def config_of(rooms: int, people: int) -> configuration.Config:
    names = [f"p{number}" for number in range(people)]
    lines = ["org: town", "sites:"]
    for school in range(-(-rooms // ROOMS_A_SCHOOL)):
        first, last = school * ROOMS_A_SCHOOL, min(rooms, (school + 1) * ROOMS_A_SCHOOL)
        lines += [
            f"  s{school}:",
            f"    name: School {school}",
            f"    bridges: {{pi{school}: {{}}}}",
            "    sensors: {}",
            "    rooms:",
        ]
        lines += [f"      r{room}: {{name: Room {room}, volume_m3: 180}}" for room in range(first, last)]
    lines += ["rules:", f"  no-data: {{kind: silent, for: 15m, clear_for: 5m, tell: [{', '.join(names)}]}}", "people:"]
    lines += [f"  {name}: {{channel: console}}" for name in names]
    return configuration.parse("\n".join(lines))


def sights_of(config: configuration.Config, holds: bool, behind_bridges: bool) -> list[Sight]:
    found = []
    for site in config.sites:
        bridge = f"{site}.{next(iter(config.sites[site].bridges))}"
        cause = f"bridge:{bridge}"
        if behind_bridges:
            found.append(Sight(Key("no-data", bridge, "bridge"), "silent", site, "", holds, explains=cause))
        for room in config.sites[site].rooms:
            name = f"{site}.{room}"
            found.append(Sight(Key("no-data", name), "silent", site, name, holds, causes=(cause,)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--behind-bridges", action="store_true", help="each school's rooms are behind one bridge")
    args = parser.parse_args()
    config = config_of(args.rooms, args.people)
    outbox = NotingOutbox()
    before = Counter[str]()  # what people would have got, one message for each room
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db")
        board = AlertBoard(ledger, outbox)
        now, looks, spent, worst = T0, 0, 0.0, 0.0
        board.follow(config, now)
        begun = time.perf_counter()
        for held, over in WAVES:
            for holds, minutes in ((True, held), (False, over)):
                sights = sights_of(config, holds, args.behind_bridges)
                before.update(dict.fromkeys(config.people, args.rooms))
                for _ in range(minutes * MIN // STEP_MS):
                    at = time.process_time()
                    board.see(sights, now)
                    took = time.process_time() - at
                    spent, worst, looks, now = spent + took, max(worst, took), looks + 1, now + STEP_MS
        ledger.sync(600)
        lasted = time.perf_counter() - begun
        (changes,) = ledger.rows("select count(*) from alert_change")[0]
        size = (Path(folder) / "ledger.db").stat().st_size
        ledger.close()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    messages = outbox.messages()
    print(f"{args.rooms} rooms, {args.people} people, {len(WAVES)} waves in {(now - T0) / 3_600_000:.1f} h")
    print(f"changes on disk             {changes:>10}   {changes / lasted:,.0f}/s, the looks included")
    print(f"processor time of a look    {spent / looks * 1000:>10.2f} ms, the longest {worst * 1000:.1f} ms")
    print(f"things told                 {len(outbox.told):>10}")
    schools = len(config.sites)
    print(f"messages a person           {max(messages.values()):>10}   {max(messages.values()) / schools:.1f} a school")
    print(f"  before, one a room        {max(before.values()):>10}   {max(before.values()) / schools:.1f} a school")
    print(f"memory, at most             {grown / 1024:>10.1f} MB more than before")
    print(f"ledger                      {size / 1_000_000:>10.1f} MB")


if __name__ == "__main__":
    main()
