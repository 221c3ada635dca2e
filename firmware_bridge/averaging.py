"""Judges each frame of a sensor and averages the good ones to one reading every so often. Pure: time is an argument."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from classair.model import BAD, QUANTITIES, Flag
from firmware_bridge.drivers import LARGEST, Frame

# Words of bits and names, which have no mean. Those of bits are joined and left out while 0, which says "all well".
BITS: Final = frozenset(("error", "meter_status", "state"))
NAMES: Final = frozenset(("version",))
_EARLY_S: Final = 0.3


@dataclass(slots=True)
class Mean:
    """What a reading says before it is dated and numbered. `end_s`: arrival of its last frame, in elapsed seconds."""

    end_s: float
    interval_s: float
    n: int
    values: dict[str, float]
    flags: Flag = Flag.NONE
    value_flags: dict[str, Flag] = field(default_factory=dict)
    at_ms: int | None = None  # this and the next two as in Frame, of a frame that is a reading of its own
    messages: tuple[int, ...] = ()
    again_s: float | None = None


class Averager:
    """Frames of one sensor in, a Mean each `every_s` out (0: one for each frame, at its own time and at once, in
    whatever order they come; nothing waits).

    An interval is complete with the first frame at or behind its end, which belongs to it; so a reading leaves with
    the frame that completes it, and frames at a steady pace give intervals of exactly `every_s`. When frames stop,
    `tick` closes the interval one frame's time later. Bad frames (classair.model.BAD) are left out of the mean unless
    there are no others; then their mean is given with their flags. n counts the frames in the mean.
    """

    def __init__(self, every_s: float, frame_every_s: float) -> None:
        self.every_s, self._frame_every_s = every_s, frame_every_s
        self._end_s: float | None = None
        self._good: list[Frame] = []
        self._bad: list[Frame] = []
        self._newest_s = 0.0

    def add(self, frame: Frame, at_s: float, warming_up: bool) -> Mean | None:
        """Takes a frame that arrived at `at_s`; the reading it completes, if it does."""
        judge(frame)
        if warming_up:
            frame.flags |= Flag.WARMUP
        if not self.every_s:
            mean = _mean_of([frame], at_s, self._frame_every_s)
            mean.at_ms, mean.messages, mean.again_s = frame.at_ms, frame.messages, frame.again_s
            return mean
        (self._bad if frame.flags & BAD else self._good).append(frame)
        self._newest_s = max(at_s, self._newest_s)
        if self._end_s is None:
            # A little early, so that frames at an even pace do not waver about the end. This first frame opens the
            # interval and waits for the others.
            self._end_s = at_s + self.every_s - min(_EARLY_S, self.every_s / 4)
            return None
        if at_s < self._end_s:
            return None
        mean = self._close()
        self._advance(at_s)
        return mean

    def due_s(self) -> float | None:
        """When `tick` would close the interval; None when nothing waits."""
        if self._end_s is None or not (self._good or self._bad):
            return None
        return self._end_s + self._frame_every_s * 1.2

    def tick(self, now_s: float) -> Mean | None:
        """Closes an interval whose completing frame does not come."""
        due = self.due_s()
        return self.flush() if due is not None and now_s >= due else None

    def flush(self) -> Mean | None:
        """The mean of what there is, because no more comes; the next frame begins a new interval."""
        mean = self._close() if self._good or self._bad else None
        self._end_s, self._newest_s = None, 0.0
        return mean

    def _advance(self, now_s: float) -> None:
        assert self._end_s is not None
        # Steady ends: a late frame does not push the following ones back.
        self._end_s += self.every_s * (1 + (now_s - self._end_s) // self.every_s)

    def _close(self) -> Mean:
        frames, self._good, self._bad = self._good or self._bad, [], []
        return _mean_of(frames, self._newest_s, self.every_s)


def _mean_of(frames: Sequence[Frame], end_s: float, interval_s: float) -> Mean:
    mean = Mean(end_s, interval_s, len(frames), {})
    for frame in frames:
        mean.flags |= frame.flags
    values: dict[str, list[float]] = defaultdict(list)
    doubtful: dict[str, list[float]] = defaultdict(list)
    flags: dict[str, Flag] = {}
    bad_flags: dict[str, Flag] = {}
    for frame in frames:
        for key, value in frame.values.items():
            flag = frame.value_flags.get(key, Flag.NONE)
            kept, said = (doubtful, bad_flags) if flag & BAD else (values, flags)
            kept[key].append(value)
            if flag:
                said[key] = said.get(key, Flag.NONE) | flag
    for key in {**values, **doubtful}:
        good = key in values
        value = joined(key, values[key] if good else doubtful[key])
        if key in BITS and not value:
            continue
        mean.values[key] = value
        about = flags if good else bad_flags
        if key in about:
            mean.value_flags[key] = about[key]
    return mean


def judge(frame: Frame) -> None:
    """Flags values outside what their quantity can be, so that one of them does not spoil a mean.

    What cannot be kept as a number at all is left out, and the others are said to come from a damaged frame.
    """
    for key in [key for key, value in frame.values.items() if not abs(value) < LARGEST]:
        del frame.values[key]
        frame.value_flags.pop(key, None)
        frame.flags |= Flag.ORDER
    for key, value in frame.values.items():
        quantity = QUANTITIES[key]
        if not quantity.low <= value <= quantity.high:
            frame.value_flags[key] = frame.value_flags.get(key, Flag.NONE) | Flag.RANGE


def joined(key: str, numbers: Sequence[float]) -> float:
    """The mean to the step of the quantity's scale; for words without a mean their bits, or the newest."""
    if key in BITS:
        bits = 0
        for number in numbers:
            bits |= int(number)
        return bits
    if key in NAMES:
        return numbers[-1]
    scale = QUANTITIES[key].scale
    return round(sum(numbers) / len(numbers) * scale) / scale
