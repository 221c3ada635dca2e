"""Writes the files that follow from the code: `make docs`. A test compares them with what is in the repository."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path

from classair import wire
from classair.__main__ import GROUPS
from classair.__main__ import main as classair_main
from classair.config import load
from classair.ops.brokerfiles import acl, grants_of, mosquitto_conf
from classair.ops.opening.proxies import EXAMPLE, caddyfile, nginx_conf

ROOT = Path(__file__).resolve().parent.parent


def files() -> dict[str, str]:
    """Path inside the repository → text."""
    demo = load(ROOT / "sensors.yaml", {})
    found = {
        "deploy/mosquitto/mosquitto.conf": mosquitto_conf(1883, "/etc/classair/mosquitto", state="/var/lib/mosquitto"),
        "deploy/mosquitto/acl": acl(demo.org, grants_of(demo)),
        "deploy/caddy/Caddyfile": caddyfile(EXAMPLE),
        "deploy/nginx/classair.conf": nginx_conf(EXAMPLE),
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
    found["docs/command-line.md"] = command_line()
    return found


SUBCOMMANDS = (
    *("user add", "user password", "user disable", "user list", "user rooms", "user phones", "user forget"),
    "user audit",
    "user invite",
    *("user token create", "user token list", "user token revoke"),
    *("flags set", "flags list", "flags take-back", "quarantine list", "quarantine replay"),
)


def command_line() -> str:
    """Every command's own --help, grouped as `classair --help` groups them."""
    lines = [
        "# Command line",
        "",
        "The help text of every command, for everyone who works in a terminal. You need an activated environment "
        "(`source .venv/bin/activate`). `make docs` writes this page from the commands themselves.",
    ]
    for group, names in GROUPS.items():
        lines += ["", f"## {group}"]
        for name in names:
            for words in (name, *(each for each in SUBCOMMANDS if each.partition(" ")[0] == name)):
                heading = "###" if words == name else "####"
                lines += ["", f"{heading} classair {words}", "", "```text", _help_of(words), "```"]
    return "\n".join(lines) + "\n"


def _help_of(words: str) -> str:
    said = io.StringIO()
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            classair_main([*words.split(), "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if width is not None:
            os.environ["COLUMNS"] = width
    # Python 3.13 writes "-o, --output FILE" and breaks lines elsewhere: one form for all.
    return re.sub(r"(-\w) ([A-Z]+), (--[\w-]+ \2)", r"\1, \3", said.getvalue()).rstrip()


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
