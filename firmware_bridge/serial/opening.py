"""Opening a serial line, and which ones are plugged in. The only file that knows pyserial."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import serial
from serial.tools import list_ports

from classair.places import Places
from firmware_bridge.serial.identity import Identity, UsbPort

WRITE_TIMEOUT_S: Final = 1.0
WriteTimeout = serial.SerialTimeoutException


def plugged() -> Iterable[UsbPort]:
    """The serial ports of this machine that are plugged in by USB."""
    return [
        UsbPort(port.device, port.location, port.serial_number or "") for port in list_ports.comports() if port.location
    ]


def address_of(port: str, sensor: str, places: Places) -> str:
    """What pyserial opens for a port of the configuration; `sensor` is `<site>.<id>`."""
    return str(places.sim_port(sensor)) if port.startswith("sim:") else port


def open_line(address: str, baud: int, read_timeout_s: float = 0.5) -> Any:
    """A serial line that nobody else may open meanwhile, without resetting the board behind it and without old bytes.

    `address`: a path or any pyserial URL, or a USB socket as in sensors.yaml. Raises OSError, ValueError or
    termios.error; `why_not_open` says it in words.
    """
    address = Identity(address, plugged).look_up()
    line = serial.serial_for_url(
        address, do_not_open=True, baudrate=baud, timeout=read_timeout_s, write_timeout=WRITE_TIMEOUT_S, exclusive=True
    )
    # Opening raises these lines, which resets many boards.
    line.dtr = line.rts = False
    line.open()
    if "://" not in address:
        # What a terminal kept while nobody read it was measured at a time nobody knows.
        line.reset_input_buffer()
    return line
