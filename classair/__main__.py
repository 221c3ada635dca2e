"""The front door: `classair <command>` finds the service or tool by name and hands over."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from classair import PACKAGES, __version__

# command → (module with main(argv) -> int, the extra it needs, what it does)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("classair.ops.supervisor", "server", "start everything that sensors.yaml describes, on this machine"),
    "bridge": ("firmware_bridge.service", "bridge", "read the sensors of one bridge and deliver what they say"),
    "ingest": ("ingest.service", "server", "take readings in, judge and store them"),
    "alerts": ("alerts.service", "server", "work out each room's state, switch purifiers, tell people"),
    "dashboard": ("dashboard.service", "server", "wall displays, working pages and the API"),
    "simulate": ("simulator.service", "demo", "play the sensors and sockets whose ports are sim:"),
    "decode": ("firmware_bridge.commands.decode", "bridge", "decode what a sensor sent, from a capture or a black box"),
    "capture": ("firmware_bridge.commands.capture", "bridge", "keep the bytes that a sensor sends in a file"),
    "selftest": ("firmware_bridge.commands.selftest", "bridge", "look at every sensor of sensors.yaml and judge it"),
    "detect": ("firmware_bridge.commands.detect", "bridge", "find out which sensor is on a port"),
    "configure": ("firmware_bridge.commands.configure", "bridge", "change what a sensor keeps, confirmed by a person"),
    "check": ("classair.ops.checking", "", "say everything that is wrong with sensors.yaml"),
    "aqi": ("classair.ops.aqi_command", "", "work out index numbers and NowCast from concentrations"),
    "collocate": ("ingest.commands.collocate", "server", "fit a sensor to a reference beside it, accept a correction"),
    "provision": ("classair.ops.provisioning", "", "write the bundle a new bridge needs"),
    "user": ("dashboard.access.command", "server", "add people and API tokens"),
    "quarantine": ("ingest.commands.quarantine", "server", "list what could not be stored, or take it in again"),
    "gaps": ("ingest.commands.gaps", "server", "say which readings of a sensor are not there, and why"),
    "flags": ("ingest.commands.flags", "server", "judge stored readings anew, or set some aside by hand"),
    "room": ("research.rooms.command", "research", "say how a room breathes and what its purifier does"),
    "export": ("research.export.command", "research", "one request, one package of files, with all about them"),
    "archive": ("research.archive.command", "research", "put finished days into Parquet files, each read back"),
    "restore": ("research.archive.restore_command", "research", "make readings.db again from the archive alone"),
    "count": ("ingest.commands.count", "server", "prove by sequence number that nothing is missing or doubled"),
}


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
        print(f"classair: there is no command {words[0]!r}\n\n{_help()}", file=sys.stderr)
        return 2
    module, extra, _ = COMMANDS[words[0]]
    try:
        command: Callable[[list[str]], int] = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        # Only a library that an extra would bring: anything else is a fault of ours and shows itself.
        if extra and error.name and error.name.partition(".")[0] not in PACKAGES:
            print(
                f"classair {words[0]}: the library {error.name} is not installed; install ClassAir with [{extra}]",
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
    lines = [f"  {name:<{width}}  {what}" for name, (_, _, what) in COMMANDS.items()]
    return "\n".join(["ClassAir watches the air in classrooms.\n\nclassair COMMAND --help says more:", *lines])


if __name__ == "__main__":
    sys.exit(main())
