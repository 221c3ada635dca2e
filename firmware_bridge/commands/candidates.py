"""Which models could have sent these bytes, and what speaks for and against each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from classair.model import QUANTITIES, Flag
from firmware_bridge.drivers import Driver, Frame, driver_for, models

# Of models whose frames and behaviour are the same, the one most often sold names the group.
_USUAL: Final = ("pms5003", "sds011", "mh-z19b", "zh03b")
_DOUBT: Final = Flag.ORDER | Flag.RANGE | Flag.DRIFT
_MANY: Final = 0.5  # share of the frames
# A class holds no air so dry; a Plantower count read as humidity is a few tenths of a percent.
_DRIEST: Final = 3.0


@dataclass(slots=True)
class Evidence:
    """What came by itself, and what came after each question, at one speed."""

    baud: int
    heard: bytes
    answers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Candidate:
    """A model that understands the bytes; `same` are others that nothing on the wire tells from it."""

    model: str
    frames: int
    baud: int
    for_: list[str]
    against: list[str]
    same: list[str] = field(default_factory=list)
    identity: str = ""
    firmware: str = ""
    _kind: tuple[Any, ...] = ()

    @property
    def title(self) -> str:
        return self.model + (f" (or {', '.join(self.same)}: same frames, same values)" if self.same else "")

    def as_record(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "same": self.same,
            "baud": self.baud,
            "frames": self.frames,
            "fits": not self.against,
            "for": self.for_,
            "against": self.against,
            "identity": self.identity,
            "firmware": self.firmware,
        }


def judge(evidence: Evidence) -> list[Candidate]:
    """The models that found anything in the bytes: first those against which nothing speaks."""
    found: list[Candidate] = []
    for model in sorted(models(), key=lambda name: (_USUAL.index(name) if name in _USUAL else len(_USUAL), name)):
        driver = _driver(model)
        if driver is None or driver.baud != evidence.baud:
            continue
        candidate = _candidate(model, driver, evidence)
        if candidate is None:
            continue
        twin = next((other for other in found if other._kind == candidate._kind), None)
        if twin is not None:
            twin.same.append(model)
        else:
            found.append(candidate)
    if any(candidate.identity or candidate.frames for candidate in found):
        # A whole frame without a measurement may look like another maker's answer by chance.
        found = [candidate for candidate in found if candidate.identity or candidate.frames]
    return sorted(found, key=lambda candidate: (len(candidate.against), -candidate.frames))


@cache
def _kept_by_anyone() -> tuple[tuple[str, Driver], ...]:
    return tuple((model, driver) for model in models() if (driver := _driver(model)) is not None)


def refusal(question: bytes) -> str:
    """The model and the change that these bytes would mean to any sensor we know; empty when to none."""
    return next((f"{model}: {told}" for model, driver in _kept_by_anyone() if (told := driver.changes(question))), "")


def _driver(model: str) -> Driver | None:
    try:
        return driver_for(model)
    except ValueError:
        return None  # it needs settings that only a person knows


def _candidate(model: str, driver: Driver, evidence: Evidence) -> Candidate | None:
    frames = driver.feed(evidence.heard) + driver.silence()
    by_itself, asked = len(frames), ""
    for question, answer in evidence.answers:
        driver.ask()
        came = driver.feed(answer) + driver.silence()
        if came and not asked:
            asked = question.hex(" ").upper()
        frames += came
    counters, about = driver.counters, driver.about
    if not frames and not about.identity and not about.firmware and not _acknowledged(driver, evidence):
        return None
    for_: list[str] = []
    if by_itself:
        for_.append(f"{by_itself} measurements sent unprompted at {evidence.baud} baud")
    if asked:
        for_.append(f"answered the request {asked} with a measurement")
    if about.identity:
        for_.append(f"reports its identity: {about.identity}")
    if about.firmware:
        for_.append(f"reports its firmware: {about.firmware}")
    if counters.other:
        for_.append(f"{counters.other} whole frames without a measurement")
    against = _against(driver, frames, evidence)
    if frames:
        shown = {key: value for key, value in frames[-1].values.items() if key in QUANTITIES and QUANTITIES[key].shown}
        for_.append(
            "decoded this way, the latest values are " + ", ".join(f"{key} {value:g}" for key, value in shown.items())
        )
    kind = (
        [(frame.values, frame.flags, frame.value_flags) for frame in frames],
        driver.warm_up_s,
        driver.poll_every_s,
        driver.frame_every_s,
        driver.kept(),
        about.identity,
    )
    return Candidate(model, len(frames), evidence.baud, for_, against, [], about.identity, about.firmware, (str(kind),))


def _acknowledged(driver: Driver, evidence: Evidence) -> bool:
    return driver.counters.other > 0 and any(answer for _, answer in evidence.answers)


def _against(driver: Driver, frames: list[Frame], evidence: Evidence) -> list[str]:
    """What cannot be if it were this model, said with the values that show it."""
    doubts: Counter[str] = Counter()
    all_bytes = evidence.heard + b"".join(answer for _, answer in evidence.answers)
    text = _is_text(all_bytes)  # a line can be written in many ways, a frame in one
    for frame in frames:
        told = set[str]()
        for key, value in frame.values.items():
            quantity = QUANTITIES.get(key)
            if quantity is not None and not quantity.low <= value <= quantity.high:
                told.add(f"{key} would be {value:g} {quantity.unit}, outside the possible range")
        values = frame.values
        if values.get("n5", 0) > values.get("n25", 0):
            told.add("more particles above 5 µm than above 2.5 µm, which is impossible (temperature and humidity?)")
        elif any(flag & _DOUBT for flag in frame.value_flags.values()) or frame.flags & _DOUBT:
            told.add("the values contradict each other")
        if "rh_pct" in values and values["rh_pct"] < _DRIEST:
            told.add("the humidity would be near zero: these fields hold particle counts")
        if not text and driver.encode(values) not in all_bytes:
            told.add("it ignores fields of the frame that are not zero, or decodes them differently")
        if values.get("version") == 0 and "error" in values:
            told.add("the version byte would be 0")
        doubts.update(told)
    # Values in a sentence differ from frame to frame; what counts is how many frames speak against.
    merged: dict[str, tuple[str, int]] = {}
    for sentence, count in doubts.items():
        topic = sentence.partition(" would be ")[0]
        merged[topic] = (sentence, merged.get(topic, ("", 0))[1] + count)
    return [
        f"in {count} of {len(frames)} frames {sentence}"
        for sentence, count in merged.values()
        if count >= _MANY * len(frames)
    ]


def _is_text(data: bytes) -> bool:
    printable = sum(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in data[:4096])
    return b"\0" not in data and printable > 0.9 * len(data[:4096])
