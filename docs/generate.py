"""Writes the files that follow from the code: `make docs`. A test compares them with what is in the repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from classair import wire
from classair.config import load
from classair.ops.brokerfiles import acl, mosquitto_conf
from classair.ops.devices import grants_of

ROOT = Path(__file__).resolve().parent.parent


def files() -> dict[str, str]:
    """Path inside the repository → text."""
    demo = load(ROOT / "sensors.yaml", {})
    found = {
        "deploy/mosquitto/mosquitto.conf": mosquitto_conf(1883, "/etc/classair/mosquitto", state="/var/lib/mosquitto"),
        "deploy/mosquitto/acl": acl(demo.org, grants_of(demo)),
        # Inside a container the network is Docker's own; the port is published on the host's loopback only.
        "deploy/compose/mosquitto.conf": mosquitto_conf(
            1883,
            "/mosquitto/config/broker",
            state="/mosquitto/data",
            address="0.0.0.0",  # noqa: S104
        ),
    }
    for name, schema in wire.schemas().items():
        titled = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        found[f"docs/wire/{name}.json"] = json.dumps(titled, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return found


def main() -> int:
    for path, text in files().items():
        place = ROOT / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text("utf-8") != text:
            place.write_text(text, "utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
