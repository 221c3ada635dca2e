"""What the private methods of paho-mqtt that classair/broker.py overrides are worth: ingest with and without them.

    python benchmarks/server/paho_overrides.py [--messages 50000] [--rounds 3] [--kinds 3]

As benchmarks/server/ingest.py, with a bare receiver in each run; the variants take turns. Medians and the highest rates
are printed, as other programs only make it slower; shares are of the highest. Processor time is the lowest of the whole
process, its start (half a second) among it.

    as it is       stretches of 256 KiB read at once, whole PUBLISH packets handed over, many PUBACKs in one write
    no shortcut    stretches and PUBACKs in one write, but every packet goes through the library
    only PUBACKs   the library reads, PUBACKs in one write
    paho alone     the library's client, each message acknowledged by its own `ack`
"""

from __future__ import annotations

import argparse
import runpy
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = ("as it is", "no shortcut", "only PUBACKs", "paho alone")


def client_of(variant: str, whole: type[mqtt.Client]) -> type[mqtt.Client]:
    """The client that ingest connects with; `whole` is the one of classair/broker.py."""

    class NoShortcut(whole):  # type: ignore[misc,valid-type]
        @property
        def on_publish_packet(self) -> None:
            return None

        @on_publish_packet.setter
        def on_publish_packet(self, wanted: Any) -> None:
            pass

    class OnlyAcks(mqtt.Client):
        on_publish_packet: Any = None
        ack_many = whole.ack_many  # type: ignore[attr-defined]

    class Alone(mqtt.Client):
        on_publish_packet: Any = None

        def ack_many(self, numbers: Iterable[int]) -> None:
            for number in numbers:
                self.ack(number, 1)

    return dict(zip(VARIANTS, (whole, NoShortcut, OnlyAcks, Alone), strict=True))[variant]


def run_as(variant: str, arguments: list[str]) -> None:
    """`classair` with these arguments in this process, its connections made with another client."""
    sys.path[0] = str(ROOT)  # `ingest` is the service then, not the benchmark beside this file
    from classair import broker

    broker._Client = client_of(variant, broker._Client)  # type: ignore[misc,assignment]
    sys.argv = ["classair", *arguments]
    runpy.run_module("classair", run_name="__main__")


def main() -> None:
    if sys.argv[1:2] == ["--as"]:
        run_as(sys.argv[2], sys.argv[3:])
        return
    from ingest import AIM_LISTS, AIM_SHARE, AIM_SINGLE, measure

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000, help="one-reading messages (default 50000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", type=int, default=3, help="how many of the three kinds of messages")
    args = parser.parse_args()
    print(f"aims: {AIM_SINGLE:,} single messages/s and {AIM_SHARE:.0%} of bare paho; {AIM_LISTS:,}/s in lists")
    print(f"{'':34}{'median':>12}{'highest':>12}{'bare, highest':>15}{'share':>8}{'CPU µs':>9}")
    for kind, per_message, name in (
        ("mixed", 1, "one reading a message, PM and CO2"),
        ("co2", 1, "one reading a message, CO2"),
        ("mixed", 100, "lists of 100, PM and CO2"),
    )[: args.kinds]:
        print(name, flush=True)
        found: dict[str, list[tuple[float, float, float]]] = {variant: [] for variant in VARIANTS}
        for _ in range(args.rounds):
            for variant, runs in found.items():
                program = (sys.executable, __file__, "--as", variant)
                runs.append(measure(kind, args.messages // per_message * per_message, per_message, program))
        bare = max(baseline for runs in found.values() for _, baseline, _ in runs)
        for variant, runs in found.items():
            rates, _, processor = zip(*runs, strict=True)
            print(
                f"    {variant:30}{statistics.median(rates):>10,.0f}/s{max(rates):>10,.0f}/s{bare:>13,.0f}/s"
                f"{max(rates) / bare:>8.0%}{min(processor):>9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
