"""What is opened and where: remembered in `open/opening.json` of the data folder, read again by `classair run`."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from classair.places import Places, write_atomically

NAME: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
INSTALLED: Final = "/etc/classair/open"
"""Where proxies look for the certificate: a data folder is closed to them."""


class Opening(BaseModel):
    """`address`: the one of this machine in the school's network, `name`: what it is called there.

    `public`: the name of public_url, "" for none. `devices`: whether the broker lets bridges and devices in by TLS,
    `plain`: also devices that know no TLS.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    name: Annotated[str, Field(max_length=253, pattern=rf"^({NAME})?$")] = ""
    public: Annotated[str, Field(max_length=253, pattern=rf"^({NAME})?$")] = ""
    pages: Annotated[int, Field(ge=1, le=65535)] = 8050
    https: Annotated[int, Field(ge=1, le=65535)] = 443
    http: Annotated[int, Field(ge=1, le=65535)] = 80
    devices: bool = False
    plain: bool = False
    secure_port: Annotated[int, Field(ge=1, le=65535)] = 8883
    plain_port: Annotated[int, Field(ge=1, le=65535)] = 1883
    certificates: Annotated[str, Field(pattern=r"^/[^\s\"';{}]*$")] = INSTALLED
    public_certificates: Annotated[str, Field(pattern=r"^(/[^\s\"';{}]*)?$")] = ""

    @field_validator("address")
    @classmethod
    def _one_of_the_school(cls, value: str) -> str:
        try:
            found = ipaddress.ip_address(value)
        except ValueError:
            raise ValueError(f"{value!r}: expected an IP address such as 192.168.1.10") from None
        if found.is_unspecified or found.is_loopback or found.is_multicast:
            raise ValueError(f"{value}: expected the one address that this machine has in the school's network")
        return str(found)

    @property
    def names(self) -> list[str]:
        """What the school's own certificate is for."""
        return [name for name in (self.name, self.address) if name]

    @property
    def url(self) -> str:
        """For `address` of sensors.yaml."""
        name = self.name or (f"[{self.address}]" if ":" in self.address else self.address)
        return f"https://{name}{'' if self.https == 443 else f':{self.https}'}"


def folder_of(places: Places) -> Path:
    return places.root / "open"


def remembered(places: Places) -> Opening | None:
    """What is opened; None for nothing. Raises ValueError when the file is damaged."""
    path = folder_of(places) / "opening.json"
    try:
        return Opening.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ValueError(f"{path}: {faults(error)[0]}. Run classair open again") from None


def remember(places: Places, opening: Opening) -> None:
    write_atomically(folder_of(places) / "opening.json", opening.model_dump_json(indent=1).encode())


def faults(error: ValidationError) -> list[str]:
    """Each as `what: why`."""
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()]


def own_address() -> str:
    """The address by which this machine would speak to others, "" where it has none; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            found = str(probe.getsockname()[0])
        except OSError:
            return ""
    return "" if ipaddress.ip_address(found).is_loopback else found


def own_name() -> str:
    """What other machines of the network can call this one without a name server (mDNS)."""
    label = socket.gethostname().lower().partition(".")[0]
    return f"{label}.local" if re.fullmatch(NAME, label) and label != "localhost" else ""


def here(address: str, port: int) -> bool:
    """Whether this machine has the address and the port is free there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
