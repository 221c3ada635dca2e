"""LINE's fake as a neighbour: real HTTP on a loopback port, with a token and a secret of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

from simulator.line.platform import LinePlatform
from simulator.line.server import LineFake

TOKEN = "a-channel-access-token+/="
SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"


def line_fake(
    clock: Callable[[], float] = time.time, quota: int | None = 300, token: str = TOKEN, secret: str = SECRET
) -> LineFake:
    return LineFake(LinePlatform(token, secret, clock, quota))


def user(number: int) -> str:
    """The id of a user, as LINE gives them."""
    return f"U{number:032x}"
