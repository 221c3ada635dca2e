"""The way to somebody who is not in sensors.yaml but gave an address themselves: a LINE user, a mail address."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from pydantic import ValidationError

from alerts import channels
from alerts.channels import ChannelError, Office, Way

log = logging.getLogger(__name__)

MAIL_VARIABLE: Final = "CLASSAIR_MAIL"
"""The school's outgoing mail as apprise writes it, without a recipient: mailtos://USER:PASSWORD@HOST?from=ADDRESS."""


def mail_is_set_up(env: Mapping[str, str] = os.environ) -> bool:
    return bool(env.get(MAIL_VARIABLE, ""))


def to_address(channel: str, address: str, office: Office, env: Mapping[str, str] = os.environ) -> list[Way]:
    """The one way to it; none where the channel is not set up. Nothing here names an address."""
    try:
        if channel == "line":
            return [channels.make("line", {"user": address}, "", office)]
        if server := env.get(MAIL_VARIABLE, ""):
            return [channels.make("apprise", {"url": mail_to(server, address)}, "", office)]
        log.error("mail_not_set_up variable=%s", MAIL_VARIABLE)
    except (ChannelError, ValidationError):
        log.error("address_not_usable channel=%s", channel)
    return []


def mail_to(server: str, address: str) -> str:
    """The mail server's address with this one recipient."""
    base, _, query = server.partition("?")
    kept = [part for part in query.split("&") if part and not part.lower().startswith("to=")]
    return f"{base}?{'&'.join([*kept, 'to=' + quote(address, safe='')])}"
