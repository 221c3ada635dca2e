"""Judges from bytes and time how a line is, and what is to be tried next. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

_GARBAGE: Final = 64  # bytes without a whole frame that are no accident any more
_EMPTY: Final = 3  # whole frames without a value, more than answers to a start sequence


@dataclass(frozen=True, slots=True)
class Limits:
    """When a line counts as silent, and how often the start sequence is tried before the port is opened anew.

    A sensor is silent after two of its frames' times, at least `least_s`: so within 10 s, or five intervals of a slow
    one, it is told.
    """

    least_s: float = 5.0
    frames: float = 2.0
    starts: int = 5


class Verdict(NamedTuple):
    """`cause` is silent, no_frames or no_value; `seconds` since the last values; `do` what is to be tried now."""

    cause: Literal["silent", "no_frames", "no_value"]
    seconds: float
    do: Literal["start", "reopen"]


class Watchdog:
    """Start sequence again, then the port opened anew; what it says is told meanwhile."""

    def __init__(
        self, now_s: float, frame_every_s: float, skipped: int, limits: Limits = Limits(), *, empty: int = 0
    ) -> None:
        self._limits = limits
        self._heard_s = self._tried_s = now_s
        self._skipped, self._starts = skipped, 0
        self._empty = empty
        self.frame_every_s = frame_every_s

    def heard(self, now_s: float, skipped: int, empty: int = 0) -> None:
        """Values have come; `skipped`, `empty` are the driver's counters of bytes and of frames without values."""
        self._heard_s = self._tried_s = now_s
        self._skipped, self._starts, self._empty = skipped, 0, empty

    def rest(self, now_s: float, skipped: int, empty: int = 0) -> None:
        """Nothing is expected for a while; the count begins again at `now_s`."""
        self.heard(now_s, skipped, empty)

    def due(self, now_s: float, skipped: int, empty: int = 0) -> Verdict | None:
        """What is wrong, each time something is to be tried."""
        if now_s - self._tried_s < max(self._limits.least_s, self._limits.frames * self.frame_every_s):
            return None
        self._tried_s = now_s
        self._starts += 1
        garbage = skipped - self._skipped >= _GARBAGE
        self._skipped = skipped
        answers = empty - self._empty >= _EMPTY
        self._empty = empty
        return Verdict(
            "no_value" if answers else "no_frames" if garbage else "silent",
            now_s - self._heard_s,
            "reopen" if self._starts > self._limits.starts else "start",
        )
