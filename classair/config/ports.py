"""What may stand as a sensor's port, and the true reason where something cannot."""

from __future__ import annotations

import re
from typing import Final

from classair.parsing.names import unprintable

_FORMS: Final = (
    "expected sim:…, /dev/serial/by-id/…, usb:1-1.3 (a USB port), usb:serial=…, mqtt:TOPIC, http:ID or a pyserial URL "
    "such as socket://host:port"
)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
_ON_THE_NETWORK: Final = ("mqtt:", "http:")


def port_fault(port: str) -> str:
    """Why this can be no port; "" when it can. What a topic may hold is the adapter's to say."""
    if char := unprintable(port):
        return f"contains {char}, a line break or another control character"
    if port != port.strip():
        return "begins or ends with a blank"
    if port.startswith(_ON_THE_NETWORK):
        # Names on the wire are opaque: blanks, letters of any script and slashes are ordinary in them.
        rest = port.partition(":")[2]
        if rest.startswith("//"):
            return f"names the topic or id alone, without the address of a broker or server; expected {port[:5]}NAME"
        return "" if rest else f"expected a name behind {port}"
    if port.lower().startswith(_ON_THE_NETWORK):
        return f"{port[:5]} is written in small letters"
    if " " in port:
        return "contains a blank, which only mqtt:… and http:… may"
    if port.startswith("sim:"):
        return "" if re.fullmatch(r"sim:[a-z0-9-]{1,32}", port) else "expected sim: and at most 32 of a-z, 0-9 and -"
    if re.fullmatch(r"/\S+", port) or _URL.fullmatch(port):
        return ""
    if re.fullmatch(r"tty\w+", port):
        return f"expected a whole path; did you mean /dev/{port}?"
    return _FORMS
