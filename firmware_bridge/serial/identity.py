"""Which device a port of sensors.yaml means at this moment, whether it still is that one, and who else claims it.

A port names hardware, not a number: `/dev/serial/by-id/…`, `/dev/serial/by-path/…`, `usb:1-1.3` (the socket),
`usb:serial=A50285BI` (the adapter). Which `/dev/ttyUSB…` that is changes with every plugging, so it is looked up anew
before each opening and watched while open.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

DEVICES: Final = Path("/dev")
_NUMBERED: Final = re.compile(r"^/dev/tty(USB|ACM)\d+$")


class UsbPort(NamedTuple):
    """A serial port of the machine: its device, the USB socket it is in (`1-1.3`), its serial number ("" without)."""

    device: str
    location: str
    serial: str


Plugged = Callable[[], Iterable[UsbPort]]
"""Lists the serial ports that are plugged in at present."""


class SeveralDevices(ValueError):
    """More than one device fits; the message names them."""


class Device(NamedTuple):
    """A device as the kernel knows it; another after it was plugged anew, except where numbers are used again."""

    number: int  # st_rdev
    node: int  # inode of the node: a node made anew has a new one
    link: int  # inode of the link that names it, 0 without a link


def may_change(port: str) -> bool:
    """Whether this name is given out in the order of plugging, so that it may mean another sensor tomorrow."""
    return bool(_NUMBERED.match(port))


class Identity:
    """One port of the configuration. `root` stands for /dev, so that a folder of links can play it."""

    def __init__(self, port: str, plugged: Plugged = tuple, root: Path = DEVICES) -> None:
        self.port, self._plugged = port, plugged
        self.url = "://" in port
        self.address = str(root) + port.removeprefix(str(DEVICES)) if port.startswith(f"{DEVICES}/") else port
        self._device = Path(self.address)

    def look_up(self) -> str:
        """What pyserial opens. Raises FileNotFoundError when nothing fits at present, SeveralDevices."""
        if not self.port.startswith("usb:"):
            return self.address
        wanted = self.port.removeprefix("usb:")
        if wanted.startswith("serial="):
            found = [port.device for port in self._plugged() if port.serial == wanted.removeprefix("serial=")]
        else:
            # An adapter with several ports has one location for each: 1-1.3:1.0.
            found = [
                port.device
                for port in self._plugged()
                if port.location == wanted or port.location.partition(":")[0] == wanted
            ]
        if not found:
            raise FileNotFoundError(errno.ENOENT, "nothing is plugged in there", self.port)
        if len(found) > 1:
            raise SeveralDevices(", ".join(sorted(found)))
        self._device = Path(found[0])
        return found[0]

    def device(self) -> Device | None:
        """The device it means now; None when there is none, and for URLs, which have none."""
        if self.url:
            return None
        try:
            path = Path(self.look_up())
            node, link = path.stat(), path.lstat()
        except (OSError, SeveralDevices):
            return None
        return Device(node.st_rdev, node.st_ino, link.st_ino if link.st_ino != node.st_ino else 0)

    def still(self, fd: int) -> bool:
        """Whether what is open there is what the identity means now: its link has not gone or been pointed anew."""
        if self.url:
            return True
        try:
            # A node in a USB socket is made anew with each plugging, so the path found once is enough to look at.
            return os.path.samestat(self._device.stat(), os.fstat(fd))
        except OSError:
            return False


class Claims:
    """Which sensors of a bridge mean which device at present; two of one device are a mistake in the file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, int] = {}

    def claim(self, sensor: str, device: Device | None) -> str:
        """Notes what `sensor` means (None: nothing); another sensor that means the same device, else ""."""
        with self._lock:
            if device is None:
                self._of.pop(sensor, None)
                return ""
            self._of[sensor] = device.number
            return next(
                (other for other, number in self._of.items() if number == device.number and other != sensor), ""
            )
