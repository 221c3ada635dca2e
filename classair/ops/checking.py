"""`classair check`: everything wrong with sensors.yaml, also what only a driver, a channel or a socket knows."""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from collections.abc import Iterator

from classair import PACKAGES, offers
from classair.arguments import shared
from classair.config import Config, ConfigFaults


def main(argv: list[str]) -> int:
    """Prints every fault with its path; the exit code is 0 when there is none, else 2."""
    parser = argparse.ArgumentParser(
        prog="classair check", description="list all problems in sensors.yaml", parents=[shared("--config")]
    )
    args = parser.parse_args(argv)
    for name, owner in foreign_owners():
        print(
            f"the installed package {owner} also uses the import name {name}. Install ClassAir in an environment "
            "of its own",
            file=sys.stderr,
        )
    try:
        config = offers.load(args.config)
    except ConfigFaults as faulty:
        for line in faulty.faults:
            print(f"{args.config}: {line}", file=sys.stderr)
        print(f"problems found in {args.config}: {len(faulty.faults)}", file=sys.stderr)
        return 2
    for line in (*offers.advice(config), *_reaching(config)):
        print(f"{args.config}: {line}", file=sys.stderr)
    counts = [
        f"{len(config.sites)} sites",
        f"{len(list(config.rooms()))} rooms",
        f"{len(list(config.sensors()))} sensors",
        f"{len(list(config.purifiers()))} purifiers",
    ]
    print(f"{args.config}: OK ({', '.join(counts)})")
    return 0


def _reaching(config: Config) -> Iterator[str]:
    """Advice for a real school whose codes and links lead nowhere."""
    if not config.address and not config.public_url and not all(map(config.site_simulated, config.sites)):
        yield (
            "address: neither address nor public_url is set: codes on wall displays of this machine and links in "
            "messages lead nowhere. Set address: (inside the school) or public_url: (the internet); see docs/open.md"
        )


def foreign_owners() -> Iterator[tuple[str, str]]:
    """Installed distributions other than ours that own one of our import names."""
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        for owner in owners.get(name, []):
            if owner.lower() != "classair":
                yield name, owner
