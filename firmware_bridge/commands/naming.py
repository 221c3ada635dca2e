"""The name of a port that stays when cables are moved."""

from __future__ import annotations

from pathlib import Path


def steady_name(port: str) -> str:
    """The link below /dev/serial/by-id, else by-path, that leads to this port; the port itself when there is none.

    Adapters without a serial number of their own share one link in by-id: there the socket's name is the steady one.
    """
    if "://" in port or port.startswith("/dev/serial/"):
        return port
    try:
        device = Path(port).resolve(strict=True)
    except OSError:
        return port
    for folder in (Path("/dev/serial/by-id"), Path("/dev/serial/by-path")):
        if not folder.is_dir():
            continue
        for link in sorted(folder.iterdir()):
            if "_0001-" not in link.name and "1a86_USB" not in link.name and link.resolve() == device:
                return str(link)
    return port
