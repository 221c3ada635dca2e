"""`classair line-fake`: LINE's Messaging API on this machine, for tests and for trying it all without an account."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Final

from classair.service import stop_on_signals
from simulator.line.platform import LinePlatform
from simulator.line.server import LineFake

TOKEN: Final = "CLASSAIR_LINE_TOKEN"  # noqa: S105
SECRET: Final = "CLASSAIR_LINE_SECRET"  # noqa: S105


def main(argv: list[str]) -> int:
    """Exit code 0 when asked to stop, 2 for wrong use or a port that is taken."""
    parser = argparse.ArgumentParser(
        prog="classair line-fake", description="imitate LINE's Messaging API on this machine, for tests and trials"
    )
    parser.add_argument("--port", type=int, default=8056, metavar="PORT", help="port on 127.0.0.1 (default: 8056)")
    parser.add_argument(
        "--webhook", default="", metavar="URL", help="address on this machine that is told what users do"
    )
    parser.add_argument(
        "--quota", type=_quota, default=300, metavar="N", help="messages a month, or none (default: 300)"
    )
    args = parser.parse_args(argv)
    token, secret = os.environ.get(TOKEN, ""), os.environ.get(SECRET, "")
    if not token or not secret:
        print(
            f"classair line-fake: set {TOKEN} and {SECRET} to any words; alerts and dashboard need the same ones",
            file=sys.stderr,
        )
        return 2
    try:
        fake = LineFake(LinePlatform(token, secret, time.time, args.quota), args.port)
        if args.webhook:
            fake.webhook.point_at(args.webhook)
    except (OSError, OverflowError, ValueError) as error:
        print(f"classair line-fake: {error}", file=sys.stderr)
        return 2
    with fake:
        print(f"LINE's fake is at {fake.url}. In sensors.yaml: line: {{api: {fake.url}}}", flush=True)
        stop_on_signals().wait()
    return 0


def _quota(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor none")
    return int(text)
