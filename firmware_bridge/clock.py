"""What time it is, and how well that is known: the kernel's word, else the server's by round trip, else unknown."""

from __future__ import annotations

import ctypes
import logging
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

log = logging.getLogger(__name__)

BUILT_MS: Final = 1_793_491_200_000
"""2026-11-01T00:00:00Z. A wall clock before the day this was made is not a wall clock."""

ASK_EVERY_S: Final = 2.0  # until the server has answered SAMPLES times
ASK_AGAIN_S: Final = 600.0
SAMPLES: Final = 3
LONGEST_TRIP_S: Final = 1.9  # half of it is how wrong an answer can be: a time is right to a second
TRUSTED_FOR_S: Final = 3600.0  # afterwards it is held over: 50 ppm of drift are 0.2 s an hour
_ONE_LOOK_S: Final = 0.05  # two clocks are read together, or this process stood still between the two
_LOOKS: Final = 5
_STA_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5


def elapsed() -> float:
    """Seconds since the machine was switched on, sleep included; never steps. Every schedule and anchor uses it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


UNKNOWN: Final = "unknown"  # the boot of a machine that does not tell


def boot_id() -> str:
    """Names this run of the machine; elapsed() counts within it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return UNKNOWN


class _Timex(ctypes.Structure):
    # struct timex of <sys/timex.h>: only `modes` is set and `status` read, the rest keeps its room.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@lru_cache(maxsize=1)
def _adjtimex() -> Callable[..., int] | None:
    try:
        found: Callable[..., int] = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    return found


def kernel_synchronised() -> bool:
    """Whether the kernel's clock is disciplined (adjtimex(2)); False where that cannot be asked.

    A step by hand or by a program ends it at once: the kernel then says so itself.
    """
    ask = _adjtimex()
    if ask is None:
        return False
    timex = _Timex()
    return 0 <= ask(ctypes.byref(timex)) < _TIME_ERROR and not timex.status & _STA_UNSYNC


class Moment(NamedTuple):
    """UTC milliseconds and the quality of the clock they come from."""

    at_ms: int
    quality: str


class Clock:
    """Dates moments of elapsed(). Qualities: sync, server, holdover.

    A wall clock that nobody disciplines is never believed, however likely it looks: what is measured before kernel or
    server know the time waits for its date. While the kernel disciplines the clock the offset between elapsed and wall
    time is looked up for each moment; afterwards, and from the server's answer on, it is kept: elapsed() goes on alone
    and a step of the wall clock changes nothing.
    """

    def __init__(
        self,
        *,
        elapsed: Callable[[], float] = elapsed,
        wall: Callable[[], float] = time.time,
        synchronised: Callable[[], bool] = kernel_synchronised,
    ) -> None:
        self._elapsed, self._wall, self._kernel = elapsed, wall, synchronised
        self._offset_ms: int | None = None  # true time − elapsed, by the newest that was believed
        self._from_kernel = False
        self._answered_at = 0.0
        self._trip_s = LONGEST_TRIP_S
        self._samples = 0
        self._question: tuple[str, float] | None = None
        self._ask_at = 0.0
        self._logged_quality = ""

    def _is_synchronised(self) -> bool:
        """Asks the kernel each time, and twice: between the two looks lies the reading of its clock."""
        if not self._kernel():
            return False
        for _ in range(_LOOKS):
            before, wall_ms, after = self._elapsed(), self._wall() * 1000, self._elapsed()
            if after - before <= _ONE_LOOK_S:
                break
        else:
            return False
        if wall_ms < BUILT_MS or not self._kernel():
            return False
        self._offset_ms, self._answered_at, self._trip_s = round(wall_ms - (before + after) * 500), after, 0.0
        self._from_kernel = True
        return True

    def _offset(self) -> Moment | None:
        """True time minus elapsed, in ms, and its quality; None while the time is unknown."""
        if self._is_synchronised():
            assert self._offset_ms is not None
            return self._say(self._offset_ms, "sync")
        if self._offset_ms is None:
            return None
        fresh = not self._from_kernel and self._elapsed() - self._answered_at < TRUSTED_FOR_S
        return self._say(self._offset_ms, "server" if fresh else "holdover")

    def _say(self, offset: int, quality: str) -> Moment:
        if quality != self._logged_quality:
            log.info("clock_quality_changed now=%s before=%s", quality, self._logged_quality or "unknown")
            self._logged_quality = quality
        return Moment(offset, quality)

    def date(self, moment_s: float) -> Moment | None:
        """A moment of elapsed() as UTC ms with quality; None while the time is unknown."""
        offset = self._offset()
        return None if offset is None else Moment(round(moment_s * 1000) + offset.at_ms, offset.quality)

    def offset(self) -> Moment | None:
        """For dating what was measured before the time was known: ms to add to elapsed ms, and the quality."""
        return self._offset()

    @property
    def quality(self) -> str:
        """sync, server, holdover, or unknown."""
        offset = self._offset()
        return offset.quality if offset else "unknown"

    # -- asking the server ---------------------------------------------------------------------------------------------

    def question(self) -> str | None:
        """The id of a question to send now, None when none is needed."""
        now = self._elapsed()
        if self._is_synchronised() or now < self._ask_at:
            return None
        self._ask_at = now + (ASK_EVERY_S if self._samples < SAMPLES else ASK_AGAIN_S)
        name = secrets.token_hex(8)
        self._question = (name, now)
        return name

    def answer(self, name: str, server_time_ms: int, arrived_s: float) -> bool:
        """Takes the server's answer to our newest question; True when it changed what we know.

        The server's time is taken to be that of the middle of the trip, and the answer of the shortest trip is kept.
        """
        if self._question is None or self._question[0] != name:
            return False
        trip = arrived_s - self._question[1]
        self._question = None
        if not 0 <= trip <= LONGEST_TRIP_S or server_time_ms < BUILT_MS:
            return False
        self._samples += 1
        stale = arrived_s - self._answered_at >= ASK_AGAIN_S - ASK_EVERY_S
        if self._offset_ms is not None and trip > self._trip_s and not stale:
            return False
        self._trip_s, self._answered_at = trip, arrived_s
        self._offset_ms = round(server_time_ms + trip * 500 - arrived_s * 1000)
        self._from_kernel = False
        return True

    def ask_soon(self) -> None:
        """The connection is back: do not wait for the next turn."""
        self._ask_at = min(self._ask_at, self._elapsed())
