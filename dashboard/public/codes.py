"""QR codes that lead a phone from a wall display to a page of this server; made here, without any other host."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

import segno
from fastapi import Request
from markupsafe import Markup

from classair.alerting import links
from dashboard.access.whence import LOOPBACK_NAMES
from dashboard.context import Context

MOST: int = 200
"""A longer address makes a code that no phone reads across a room."""


def address_of(ctx: Context, request: Request, path: str) -> str:
    """`path` as a phone can open it: below the configured addresses, else as the display itself came here.

    Empty where the display came over loopback: a phone that opened this would ask itself.
    """
    base = links.base(ctx.config())
    if not base:
        url = urlsplit(str(request.base_url))
        if _is_loopback(url.hostname or ""):
            return ""
        base = f"{url.scheme}://{url.netloc}"
    whole = f"{base}{path}"
    return whole if len(whole) <= MOST else ""


@lru_cache(maxsize=512)
def code(address: str) -> Markup:
    """The code as SVG without a size of its own, dark on a light ground whatever the screen's colours are."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(
        omitsize=True, border=2, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704  made of modules alone, no text of the address is in it


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK_NAMES or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return not host
