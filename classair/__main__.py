"""The front door: `classair <command>` finds the service or tool by name and hands over."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from classair import PACKAGES, __version__

# group → command → (module with main(argv) -> int, the extra it needs, what it does). This is the one place that names
# the packages above the foundation: the front door of the whole distribution.
GROUPS: dict[str, dict[str, tuple[str, str, str]]] = {
    "Run": {
        "run": ("classair.ops.supervisor", "server", "start the broker and all services on this machine"),
        "bridge": ("firmware_bridge.service", "bridge", "read the sensors of one bridge and publish their readings"),
        "ingest": ("ingest.service", "server", "check, store and acknowledge readings"),
        "alerts": ("alerts.service", "server", "publish room status, control purifiers, notify people"),
        "dashboard": ("dashboard.service", "server", "serve wall displays, pages and the API"),
        "simulate": ("simulator.service", "demo", "simulate the sensors and smart plugs whose port is sim:"),
        "line-fake": ("simulator.line.command", "demo", "imitate LINE's Messaging API for tests and trials"),
    },
    "Set up": {
        "check": ("classair.ops.checking", "", "list all problems in sensors.yaml"),
        "provision": ("classair.ops.provisioning", "", "write the configuration bundle of a bridge"),
        "open": ("classair.ops.opening.command", "", "open ClassAir to the school's network and the internet"),
        "purifier": (
            "alerts.commands.purifier",
            "server",
            "set up a purifier's device, try it out, show its use and cost",
        ),
        "line": ("dashboard.line.menu.command", "report", "put the menu on the school's LINE account"),
        "texts": ("dashboard.texts", "", "list languages and their missing texts"),
        "user": ("dashboard.access.command", "server", "manage accounts and API tokens"),
        "room-code": (
            "dashboard.public.code_command",
            "server",
            "show or renew the code by which parents follow a room",
        ),
        "signs": ("dashboard.signs.command", "report", "write door signs with QR and room code as PDF"),
    },
    "Sensor tools": {
        "detect": ("firmware_bridge.commands.detect", "bridge", "identify the sensor on a serial port"),
        "selftest": ("firmware_bridge.commands.selftest", "bridge", "test every sensor in sensors.yaml"),
        "capture": ("firmware_bridge.commands.capture", "bridge", "record the raw bytes of a sensor to a file"),
        "decode": ("firmware_bridge.commands.decode", "bridge", "decode recorded bytes or a black box"),
        "configure": ("firmware_bridge.commands.configure", "bridge", "change a sensor's stored settings, on request"),
    },
    "Data": {
        "export": ("research.export.command", "research", "export data as CSV/Parquet with codebook and metadata"),
        "gaps": ("ingest.commands.gaps", "server", "list missing readings of a sensor, with reasons"),
        "flags": ("ingest.commands.flags", "server", "re-run quality checks, or exclude readings by hand"),
        "room": ("research.rooms.command", "research", "estimate a room's ventilation and purifier performance"),
        "reports": ("dashboard.reports.command", "server", "make the parents' weekly reports and have them sent"),
        "aqi": ("classair.ops.aqi_command", "", "convert concentrations to air quality indices and NowCast"),
        "collocate": ("ingest.commands.collocate", "server", "compare a sensor with a reference, approve a correction"),
        "records": ("dashboard.records.command", "server", "verify signed records of rooms"),
    },
    "Maintenance": {
        "archive": ("research.archive.command", "research", "archive finished days to verified Parquet files"),
        "restore": ("research.archive.restore_command", "research", "rebuild readings.db from the archive"),
        "quarantine": ("ingest.commands.quarantine", "server", "list or replay messages in quarantine"),
        "count": ("ingest.commands.count", "server", "audit the database: every reading stored exactly once"),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 when all went well, 2 for wrong use or wrong configuration."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if words else 2
    if words[0] in ("-V", "--version", "version"):
        print(f"classair {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"classair: unknown command {words[0]!r}. See classair --help", file=sys.stderr)
        return 2
    module, extra, _ = COMMANDS[words[0]]
    try:
        command: Callable[[list[str]], int] = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        # Only a library that an extra would bring: anything else is a fault of ours and shows itself.
        if extra and error.name and error.name.partition(".")[0] not in PACKAGES:
            print(
                f"classair {words[0]}: the library {error.name} is not installed. Install ClassAir with [{extra}]",
                file=sys.stderr,
            )
            return 2
        raise
    try:
        return command(words[1:])
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        "ClassAir monitors the air in classrooms.",
        "",
        "usage: classair COMMAND [OPTIONS]; classair COMMAND --help",
    ]
    for title, group in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {name:<{width}}  {what}" for name, (_, _, what) in group.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
