"""The results of a test of one sensor, on its port or from the black box, and what they mean."""

from __future__ import annotations

import statistics
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from classair.config import Sensor
from classair.model import SHOWN, Flag
from classair.places import Places
from firmware_bridge.blackbox.format import LOST, SENT, NotABlackBox
from firmware_bridge.blackbox.reading import is_black_box, records
from firmware_bridge.clock import boot_id, elapsed
from firmware_bridge.drivers import About, Driver, Frame, UnknownModel, driver_for
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.sources import source_for

WORST_ERROR_RATE: Final = 0.01  # of all candidates; a short cable has none in a day
FOREIGN: Final = "foreign"  # a cause: a network device, which has no port to look at
_FEW: Final = 0.5  # of the frames that were to be expected
_OLDEST_S: Final = 300.0  # a bridge writes its black box every minute
_SILENCE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of `n` values, in the quantity's unit."""

    mean: float
    sd: float
    n: int


@dataclass(frozen=True, slots=True)
class Found:
    """`cause` as in PortState or [selftest.cause] of the locales, empty when nothing is wrong.

    `seen_by`: port, or blackbox when a running bridge holds the port. `errors`: frames with a wrong checksum.
    """

    sensor: str
    model: str
    port: str
    seconds: float = 0.0
    cause: str = ""
    places: dict[str, Any] = field(default_factory=dict)
    seen_by: str = "port"
    about: About = field(default_factory=About)
    frames: int = 0
    other: int = 0
    errors: int = 0
    bytes_in: int = 0
    frame_every_s: float = 1.0
    noise: dict[str, Spread] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    code: int = 0  # the newest error byte or status word
    well: bool = False

    @property
    def error_rate(self) -> float:
        return self.errors / max(self.errors + self.frames + self.other, 1)


def watched_on_port(full: str, sensor: Sensor, places: Places, seconds: float) -> Found:
    """Opens the port as a bridge would and looks for so long; `full` is `<site>.<id>`."""
    empty = Found(full, sensor.model, sensor.port, seconds)
    frames: list[Frame] = []
    state, ended = [PortState("starting", "starting")], threading.Event()

    def hear(came: list[Frame], at_s: float, warming_up: bool) -> None:
        frames.extend(came)

    def hear_state(told: PortState) -> None:
        state[0] = told
        if told.cause in ("in_use", "not_allowed", "bad_port", "several_devices"):
            ended.set()  # more seconds would change nothing

    try:
        source = source_for(full, sensor, places, hear, hear_state)
    except UnknownModel as error:
        return replace(empty, cause="unknown_model", places={"known": str(error).rpartition("known: ")[2]})
    except ValueError as error:
        return replace(empty, cause="unknown_model", places={"known": f"settings: {error}"})
    if "checksum" not in source.counts():
        return replace(empty, cause=FOREIGN)
    began = elapsed()
    source.start()
    ended.wait(seconds)
    source.stop()
    cause = state[0].cause if state[0].state not in ("ok", "starting", "asleep") else ""
    if cause in ("silent", "no_frames") and frames:
        cause = ""
    counts = source.counts()
    looked = _counted(empty, source.about, frames, source.frame_every_s)
    return replace(
        looked,
        seconds=elapsed() - began,
        cause=cause,
        places=dict(state[0].places),
        errors=counts["checksum"],
        other=counts.get("other", 0),
        bytes_in=counts.get("bytes_in", 0),
    )


def watched_in_black_box(full: str, sensor: Sensor, folder: Path, seconds: float) -> Found | None:
    """The newest seconds of what the bridge that holds the port has kept; None where it keeps nothing."""
    boot = boot_id().replace("-", "")
    empty = Found(full, sensor.model, sensor.port, seconds, seen_by="blackbox")
    try:
        if not folder.is_dir() or not is_black_box(folder):
            return None
        newest_ms = max((it.item.elapsed_ms for it in records(folder) if it.boot.hex() == boot), default=None)
        age_s = None if newest_ms is None else elapsed() - newest_ms / 1000
        if newest_ms is None or age_s is None or age_s > _OLDEST_S:
            return replace(empty, cause="old_black_box", places={"minutes": round((age_s or 0) / 60)})
        driver, frames = driver_for(sensor.model, sensor.settings), list[Frame]()
        errors = bytes_in = other = 0
        last_ms = 0
        for record in records(folder):
            item = record.item
            in_window = record.boot.hex() == boot and item.elapsed_ms >= newest_ms - seconds * 1000
            before = _so_far(driver)
            came = driver.silence() if item.elapsed_ms - last_ms >= 1000 * _SILENCE_S else []
            last_ms = item.elapsed_ms
            if item.kind == SENT:
                if driver.poll_every_s is not None:
                    driver.ask()
            elif item.kind != LOST:
                came += driver.feed(item.data)
            if in_window:
                frames += came
                after = _so_far(driver)
                errors, other, bytes_in = (
                    now + new - old for now, new, old in zip((errors, other, bytes_in), after, before, strict=True)
                )
    except (NotABlackBox, OSError, ValueError, UnknownModel):
        return None
    looked = _counted(empty, driver.about, frames, driver.poll_every_s or driver.frame_every_s)
    return replace(looked, errors=errors, other=other, bytes_in=bytes_in)


def _so_far(driver: Driver) -> tuple[int, int, int]:
    """Checksum errors, other frames and bytes so far."""
    return driver.counters.checksum, driver.counters.other, driver.counters.bytes_in


def _counted(empty: Found, about: About, frames: list[Frame], frame_every_s: float) -> Found:
    flags: Counter[str] = Counter()
    for frame in frames:
        every = frame.flags
        for flag in frame.value_flags.values():
            every |= flag
        flags.update(flag.name for flag in every if flag.name)
    code = round(frames[-1].values.get("error", frames[-1].values.get("meter_status", 0))) if frames else 0
    return replace(
        empty,
        about=about,
        frames=len(frames),
        frame_every_s=frame_every_s,
        code=code,
        noise=_spread(frames),
        flags=dict(flags),
    )


def _spread(frames: Iterable[Frame]) -> dict[str, Spread]:
    values: dict[str, list[float]] = {}
    for frame in frames:
        for key in SHOWN:
            if key in frame.values:
                values.setdefault(key, []).append(frame.values[key])
    return {key: Spread(statistics.fmean(them), statistics.pstdev(them), len(them)) for key, them in values.items()}


def judged(one: Found) -> Found:
    """With its cause and whether it is well; what was found out already stays."""
    cause, places = one.cause, one.places
    share = {name: count / one.frames for name, count in one.flags.items()} if one.frames else {}
    if cause:
        pass
    elif not one.frames:
        cause, places = ("no_frames", {}) if one.bytes_in >= 64 else ("silent", {"seconds": round(one.seconds)})
    elif share.get(Flag.SENSOR_ERROR.name or "", 0) > _FEW:
        cause = "sensor_fault"
    elif one.errors >= 2 and one.error_rate > WORST_ERROR_RATE:
        cause, places = "checksums", {"percent": f"{100 * one.error_rate:.1f}"}
    elif share.get(Flag.ORDER.name or "", 0) > _FEW:
        cause = "contradicts"
    elif one.frames < _FEW * (one.seconds / one.frame_every_s - 2):
        cause, places = "few_frames", {"frames": one.frames, "expected": round(one.seconds / one.frame_every_s)}
    if cause == "in_use":
        cause = "busy"
    fine = cause in ("", FOREIGN)
    return replace(one, cause=cause, places=places, well=fine)
