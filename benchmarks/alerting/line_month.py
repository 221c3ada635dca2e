"""A month of 60 people who are told by LINE with a quota of 300 messages and two weeks of smoke, drawn by a seed.

    python benchmarks/alerting/line_month.py [--recipients 60] [--quota 300] [--seeds 1,2,3]

Ledger, outbox, channels and delivery are the real ones; LINE is `classair line-fake`, the second channel a server on
this machine; only the clock is made. Faults of LINE and restarts of alerts are drawn as well. Aims: every urgent
message reaches its person, by LINE or by the second channel, or its person was listed on the first day as having none;
LINE never has to refuse a message for its quota; none comes twice by LINE. Exit code 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.alerting.linemonth.drawing import DAY, START, month
from benchmarks.alerting.linemonth.playing import Played, Player, second_kind


def main() -> int:
    parser = argparse.ArgumentParser(description="a month of LINE messages with too small a quota")
    parser.add_argument("--recipients", type=int, default=60, help="people who are told by LINE (default: 60)")
    parser.add_argument("--quota", type=int, default=300, help="messages a month (default: 300)")
    parser.add_argument("--seeds", default="1,2,3", help="draws to play (default: 1,2,3)")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # each failed attempt is a line
    print(f"second channel: {second_kind()[0]}")
    missed = 0
    for seed in map(int, args.seeds.split(",")):
        began = time.perf_counter()
        played = play(seed, args.recipients, args.quota)
        found = faults(played, args.quota)
        missed += bool(found)
        took = time.perf_counter() - began
        print(f"\nseed {seed}: {took:.1f} s, {played.restarts} restarts, {played.faults} faults of LINE")
        print(played.listed_words)
        for name, value in rows(played):
            print(f"  {name:<58} {value}")
        for fault in found:
            print(f"  MISSED: {fault}")
    return 1 if missed else 0


def play(seed: int, recipients: int, quota: int) -> Played:
    with tempfile.TemporaryDirectory(prefix="classair-line-month-") as folder:
        return Player(Path(folder), month(seed, recipients), seed, quota).play()


def faults(played: Played, quota: int) -> list[str]:
    """The aims that were missed."""
    found = []
    if unlisted := set(played.unreached) - played.listed:
        found.append(f"not reached and not listed beforehand: {', '.join(sorted(unlisted))}")
    if played.used > quota or played.over_quota:
        found.append(f"{played.used} of {quota} messages used, {played.over_quota} refused by LINE for its quota")
    if played.twice_by_line:
        found.append(f"{played.twice_by_line} messages came twice by LINE")
    return found


def rows(played: Played) -> list[tuple[str, object]]:
    first = played.first_unreached_at
    return [
        ("urgent messages", played.urgent),
        ("reached their person by LINE", played.by_line),
        ("by the second channel", played.by_second),
        (
            "by nothing: people who have none, listed on the first day",
            f"{sum(played.unreached.values())} of {len(played.unreached)} people",
        ),
        ("first of these on day", "-" if first is None else (first - START) // DAY + 1),
        ("LINE messages used", played.used),
        ("refused by LINE for its quota", played.over_quota),
        ("not sent by LINE, to keep the rest for urgent ones", played.held_back),
        ("LINE's quota was used up on day", played.ended_on),
        ("said beforehand (on day → ends on day)", ", ".join(f"{day}→{end}" for day, end in played.forecasts) or "-"),
        ("twice by LINE", played.twice_by_line),
    ]


if __name__ == "__main__":
    sys.exit(main())
