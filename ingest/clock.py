"""Our own clock: what it says, and whether the system believes it."""

from __future__ import annotations

import ctypes
import time
from typing import Final

_TIME_ERROR: Final = 5  # adjtimex(2): the kernel's clock is not synchronised
_LOOK_EVERY_S: Final = 60.0


def now_ms() -> int:
    """UTC ms."""
    return time.time_ns() // 1_000_000


class Synchronised:
    """Whether the kernel holds the clock to be synchronised, asked once a minute; True where it cannot be asked."""

    def __init__(self) -> None:
        self._asked_at = -_LOOK_EVERY_S
        self._answer = True

    def __call__(self) -> bool:
        if (now := time.monotonic()) - self._asked_at >= _LOOK_EVERY_S:
            self._asked_at, self._answer = now, _ask_kernel()
        return self._answer


def _ask_kernel() -> bool:
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return True
    # struct timex all zero: modes=0, nothing is set. It has 208 bytes on 64 bits; more do no harm.
    return bool(adjtimex(ctypes.create_string_buffer(512)) != _TIME_ERROR)
