"""Corrections of PM2.5 as objects with id, version and validity: raw stays, corrected values are worked out on reading.

The school's default is `NONE`, the sensor's own value. Another takes its place only by being accepted from a date on
(kept in readings.db, read by `classair.stores.corrections`). `PUBLISHED` holds the published formulas, for comparison.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, Literal

from classair.science.corrections.formulas import METHODS, Method

SHORTEST_MS: Final = 300_000
"""Corrections hold for means over at least this long: their formulas were made from hourly means."""

ID_PATTERN: Final = r"[a-z0-9_-]{1,64}"
LONGEST_TEXT: Final = 2_000
HUMIDITY_RANGE: Final = ("rh_low", "rh_high")
"""Coefficients that bound the humidity (%) a fit has seen; where they stand, it gives nothing outside."""

Why = Literal["", "no_value", "no_humidity", "no_temperature", "out_of_range"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """`value` in the unit of the input, unclamped; None with the reason in `why`."""

    value: float | None
    why: Why = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """One version of one correction. Times are UTC ms; `valid_to` None: until further notice; ids `<site>.<id>`.

    `input` is the stored quantity that goes in, `quantity` what comes out. Empty `sites`, `sensors`, `models` mean all.
    `low` and `high` bound the input it was fitted on: outside there is no corrected value, it is not extrapolated.
    `data_set`: what it was made from, in words; `metrics`: how well it did on days it had not seen.
    """

    id: str
    version: int
    method: str
    coefficients: Mapping[str, float] = field(default_factory=dict)
    input: str = "pm25"
    quantity: str = "pm25"
    valid_from: int = 0
    valid_to: int | None = None
    sites: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    data_set: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    author: str = ""
    accepted_at: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: unknown method {self.method!r}; known: {', '.join(METHODS)}")
        missing = [name for name in self.how.coefficients if not math.isfinite(self.coefficients.get(name, math.nan))]
        if missing:
            raise ValueError(f"coefficients: {self.method} needs a number for {', '.join(missing)}")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to: must not be before valid_from")

    @property
    def how(self) -> Method:
        return METHODS[self.method]

    @property
    def humidity(self) -> tuple[float, float]:
        """The humidity (%) it may be used at."""
        low, high = HUMIDITY_RANGE
        return self.coefficients.get(low, -math.inf), self.coefficients.get(high, math.inf)

    @property
    def formula(self) -> str:
        """The formula with names; the numbers are in `coefficients`."""
        return self.how.formula

    @property
    def label(self) -> str:
        """What stands beside a figure or in a column: which correction, in which version."""
        return self.id if self.method == "none" else f"{self.id}@{self.version}"

    def covers(self, sensor: str, at: int, model: str = "") -> bool:
        """Whether it is meant for this sensor at this moment."""
        if at < self.valid_from or (self.valid_to is not None and at >= self.valid_to):
            return False
        return (
            (not self.sensors or sensor in self.sensors)
            and (not self.models or model in self.models)
            and (not self.sites or sensor.partition(".")[0] in self.sites)
        )

    def correct(
        self, mean: float | None, rh: float | None = None, temp_c: float | None = None, *, span_ms: int = SHORTEST_MS
    ) -> Corrected:
        """The corrected mean of a bucket of `span_ms`, with humidity (%) and °C of the same bucket and sensor.

        Raises ValueError for buckets shorter than five minutes.
        """
        check_span(self, span_ms)
        if mean is None or not math.isfinite(mean):
            return Corrected(None, "no_value")
        if self.method == "none":
            return Corrected(mean)
        how = self.how
        if (self.low is not None and mean < self.low) or (self.high is not None and mean > self.high):
            return Corrected(None, "out_of_range")
        humidity, temperature = math.nan, math.nan
        if mean < how.needs_rh_below:
            if rh is None or not math.isfinite(rh):
                return Corrected(None, "no_humidity")
            humidity = min(max(rh, 0.0), 100.0)
            if not self.humidity[0] <= humidity <= self.humidity[1]:
                return Corrected(None, "out_of_range")
        if how.needs_temp:
            if temp_c is None or not math.isfinite(temp_c):
                return Corrected(None, "no_temperature")
            temperature = temp_c
        value = how.compute(mean, humidity, temperature, self.coefficients)
        return Corrected(value) if math.isfinite(value) else Corrected(None, "out_of_range")


def check_span(correction: Correction, span_ms: int) -> None:
    """Raises ValueError when a mean is too short for a correction; the sensor's own value may be any length."""
    if correction.method != "none" and span_ms < SHORTEST_MS:
        raise ValueError(
            f"{correction.label} needs means over at least {SHORTEST_MS // 60_000} min, got {span_ms / 1000:g} s"
        )


NONE: Final = Correction(id="none", version=1, method="none", source=METHODS["none"].source)
"""The sensor's own value, not calibrated."""

PUBLISHED: Final[Mapping[str, Correction]] = MappingProxyType(
    {
        "none": NONE,
        **{
            key: Correction(id=key, version=1, method=key, input=METHODS[key].input, source=METHODS[key].source)
            for key in ("epa2021_atm", "epa_fasm2020_cf1", "barkjohn2021_cf1", "nilson2022_m2_cf1")
        },
    }
)
"""Published formulas under their own names, to be chosen for comparison; they are never in force by themselves."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """All that were ever accepted, every version. Of each id the newest version alone counts."""

    accepted: tuple[Correction, ...] = ()
    _in_force: tuple[Correction, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        newest: dict[str, Correction] = {}
        for one in self.accepted:
            if one.id not in newest or one.version > newest[one.id].version:
                newest[one.id] = one
        object.__setattr__(self, "_in_force", tuple(newest.values()))

    def correction_for(self, sensor: str, at: int, model: str = "", quantity: str = "pm25") -> Correction:
        """The one in force for a sensor (`<site>.<id>`) at a moment (UTC ms), `NONE` where nothing was accepted.

        The most particular wins (sensors before models before sites), of equals the one accepted last.
        """
        found = [one for one in self._in_force if one.quantity == quantity and one.covers(sensor, at, model)]
        return max(found, key=_rank, default=NONE)

    def spans(
        self, sensor: str, start: int, end: int, model: str = "", quantity: str = "pm25"
    ) -> list[tuple[int, int, Correction]]:
        """(from, to, correction) without gaps from `start` up to `end`, for working through a series."""
        edges = {start, end}
        for one in self._in_force:
            edges |= {edge for edge in (one.valid_from, one.valid_to) if edge is not None and start < edge < end}
        found: list[tuple[int, int, Correction]] = []
        ordered = sorted(edges)
        for begin, until in pairwise(ordered):
            one = self.correction_for(sensor, begin, model, quantity)
            if found and found[-1][2] == one:
                found[-1] = (found[-1][0], until, one)
            else:
                found.append((begin, until, one))
        return found

    def newest(self, identity: str) -> Correction | None:
        """The newest accepted version of an id."""
        return next((one for one in self._in_force if one.id == identity), None)

    def get(self, label: str) -> Correction | None:
        """One by its label (`id@version`), or by its id: the newest accepted version, else the published formula."""
        identity, _, version = label.partition("@")
        if version:
            return next((one for one in (*self.accepted, *PUBLISHED.values()) if one.label == label), None)
        return self.newest(identity) or PUBLISHED.get(identity)

    def with_one(self, fresh: Correction) -> Corrections:
        """As it would be were this one accepted too."""
        return Corrections((*self.accepted, fresh))


def _rank(one: Correction) -> tuple[bool, bool, bool, int, int]:
    return bool(one.sensors), bool(one.models), bool(one.sites), one.accepted_at, one.version


def faults(one: Correction) -> list[str]:
    """What speaks against accepting it, in words; a correction that does not fit its data is worse than none."""
    found: list[str] = []
    if one.id in PUBLISHED and one.method != one.id:
        found.append(f"id: {one.id} is the name of a published formula")
    if one.method != "none" and one.how.plantower and one.input != one.how.input:
        found.append(f"input: {one.method} is defined for {one.how.input}, not for {one.input}")
    if one.how.plantower and not one.sensors and not (one.models and all(m.startswith("pms") for m in one.models)):
        found.append(f"models: {one.method} is defined for Plantower sensors; name their models (pms…) or the sensors")
    if one.quantity != "pm25" or one.input not in ("pm25", "pm25_cf1"):
        found.append("quantity, input: only PM2.5 can be corrected, from pm25 or pm25_cf1")
    elif one.input != one.quantity:
        found.append(
            f"input: screens and purifiers start from pm25; a correction of {one.input} can be compared, not approved"
        )
    if one.low is not None and one.high is not None and not one.low < one.high:
        found.append("low, high: low must be below high")
    if not one.author:
        found.append("author is missing: name the person responsible")
    if one.method.startswith("linear") and not one.data_set:
        found.append("data_set is missing: name the data it was fitted on")
    return found


def as_record(one: Correction) -> dict[str, Any]:
    """As JSON, for asks, exports and the API; `of_record` reads it back."""
    return {
        "id": one.id,
        "version": one.version,
        "method": one.method,
        "formula": one.formula,
        "coefficients": dict(one.coefficients),
        "input": one.input,
        "quantity": one.quantity,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "sites": list(one.sites),
        "sensors": list(one.sensors),
        "models": list(one.models),
        "low": one.low,
        "high": one.high,
        "data_set": one.data_set,
        "metrics": dict(one.metrics),
        "author": one.author,
        "accepted_at": one.accepted_at,
        "source": one.source,
    }


def of_record(record: Mapping[str, Any]) -> Correction:
    """From JSON. Raises ValueError saying what is wrong; `formula` is derived and ignored."""

    def texts(name: str) -> tuple[str, ...]:
        found = record.get(name) or []
        if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
            raise ValueError(f"{name}: expected a list of strings")
        return tuple(found)

    def text(name: str) -> str:
        found = record.get(name, "")
        if not isinstance(found, str) or len(found) > LONGEST_TEXT:
            raise ValueError(f"{name}: expected a string of at most {LONGEST_TEXT} characters")
        return found

    def whole(name: str, otherwise: int | None) -> int | None:
        found = record.get(name, otherwise)
        if found is None and otherwise is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or abs(found) > 2**53:
            raise ValueError(f"{name}: expected a whole number")
        return found

    def number(name: str, found: object) -> float:
        if not isinstance(found, int | float) or isinstance(found, bool) or not math.isfinite(found):
            raise ValueError(f"{name}: expected a number")
        return float(found)

    def numbers(name: str) -> dict[str, float]:
        found = record.get(name) or {}
        if not isinstance(found, Mapping):
            raise ValueError(f"{name}: expected numbers by name")
        return {str(key): number(f"{name}.{key}", value) for key, value in found.items()}

    identity = text("id")
    if not re.fullmatch(ID_PATTERN, identity):
        raise ValueError("id: expected 1 to 64 of a-z 0-9 - _")
    low, high = (None if record.get(name) is None else number(name, record[name]) for name in ("low", "high"))
    return Correction(
        id=identity,
        version=whole("version", 1) or 1,
        method=text("method"),
        coefficients=numbers("coefficients"),
        input=text("input") or "pm25",
        quantity=text("quantity") or "pm25",
        valid_from=whole("valid_from", 0) or 0,
        valid_to=whole("valid_to", None),
        sites=texts("sites"),
        sensors=texts("sensors"),
        models=texts("models"),
        low=low,
        high=high,
        data_set=text("data_set"),
        metrics=numbers("metrics"),
        author=text("author"),
        accepted_at=whole("accepted_at", 0) or 0,
        source=text("source"),
    )
