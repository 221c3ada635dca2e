"""`classair provision SITE.BRIDGE`: the bundle a new bridge needs, with its own part of the configuration only."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from classair import config as configuration
from classair.config.parts import part_text
from classair.places import write_atomically


def main(argv: list[str]) -> int:
    """Writes <out>/sensors.yaml and <out>/bridge.env; 2 when the bridge is not in the configuration."""
    parser = argparse.ArgumentParser(prog="classair provision", description=__doc__)
    parser.add_argument("bridge", metavar="SITE.BRIDGE")
    parser.add_argument("--config", type=Path, default=Path("sensors.yaml"), metavar="FILE")
    parser.add_argument("--broker", required=True, metavar="URL", help="as the bridge will reach it, mqtts://host:port")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: bundle-<bridge>")
    args = parser.parse_args(argv)
    try:
        text = configuration.read(args.config)
        config = configuration.load(args.config)
    except configuration.ConfigFaults as faults:
        print("\n".join(f"{args.config}: {line}" for line in faults.faults), file=sys.stderr)
        return 2
    known = [full for full, _ in config.bridges()]
    if args.bridge not in known:
        print(f"classair provision: {args.bridge!r} is not a bridge of {args.config}; there are: {', '.join(known)}",
              file=sys.stderr)
        return 2
    local = args.bridge.partition(".")[2]
    out: Path = args.out or Path(f"bundle-{local}")
    if (out / "bridge.env").exists():
        print(f"classair provision: {out} holds a bundle already; its password would no longer fit. Give --out, or "
              "remove it first", file=sys.stderr)
        return 2
    password = secrets.token_urlsafe(24)
    write_atomically(out / "sensors.yaml", part_text(text, args.bridge).encode())
    write_atomically(out / "bridge.env", (
        f"CLASSAIR_BRIDGE={args.bridge}\nCLASSAIR_BROKER={args.broker}\nCLASSAIR_MQTT_PASSWORD={password}\n").encode())
    print(f"{out}/sensors.yaml and {out}/bridge.env written. Copy both to the bridge, then let the broker know it:\n"
          f"  mosquitto_passwd /etc/classair/mosquitto/passwords {local}\n"
          f"(the password is in {out}/bridge.env; it is shown nowhere else)")
    return 0
