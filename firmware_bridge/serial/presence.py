"""Whether a port of sensors.yaml is there on this machine. Bridges may be other machines, so it is advice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from firmware_bridge.serial.identity import Identity, Plugged, SeveralDevices
from firmware_bridge.serial.opening import plugged as plugged_now

_BY_ID: Final = "/dev/serial/by-id/"
_MOST_NAMED: Final = 6


def lacking(port: str, plugged: Plugged = plugged_now, root: Path = Path("/dev")) -> str:
    """What is not there, with what is; "" for a port that is there, and for those that no machine has: sim:, mqtt:,
    http: and addresses in the network. `root` stands for /dev."""
    if not port.startswith(("/", "usb:")):
        return ""
    who = Identity(port, plugged, root)
    try:
        if Path(who.look_up()).exists():
            return ""
    except FileNotFoundError:
        pass
    except SeveralDevices as several:
        return f"{port} fits several adapters: {several}. Name one by its socket or from {_BY_ID}"
    said = "is not plugged in" if port.startswith((_BY_ID, "usb:")) else "is not there"
    return f"{port} {said} on this machine; ignore this if its bridge runs on another. {_known(root)}"


def _known(root: Path) -> str:
    folder = root / "serial" / "by-id"
    names: Iterable[Path] = sorted(folder.iterdir()) if folder.is_dir() else ()
    listed = [f"{_BY_ID}{path.name}" for path in names][:_MOST_NAMED]
    return f"Plugged in here: {', '.join(listed)}" if listed else "No serial adapter is plugged in here"
