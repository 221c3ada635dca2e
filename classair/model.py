"""The words everything else is said in: quantities, flags, readings, buckets. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final


@dataclass(frozen=True, slots=True)
class Quantity:
    """What can be measured, described once for screens, checks, stores and exports.

    `scale` is how many integer steps make one unit in the store: 100 keeps hundredths. It is at least as fine as the
    finest sensor we read, so that storing loses nothing.
    `low` and `high` bound what the quantity can plausibly be; outside is flagged RANGE, never dropped.
    `shown` quantities have one-minute rollups, all have one-hour rollups.
    """

    key: str
    unit: str
    scale: int
    low: float
    high: float
    shown: bool = False


# Ranges: reference values for low-cost sensors in rooms (PM −10…1000 µg/m³, CO2 300…10000 ppm, −10…60 °C, 0…100 %).
_ALL: Final = (
    Quantity("pm25", "µg/m³", 1000, -10, 1000, shown=True),
    Quantity("pm10", "µg/m³", 1000, -10, 2000, shown=True),
    Quantity("co2_ppm", "ppm", 100, 300, 10000, shown=True),
    Quantity("temp_c", "°C", 100, -10, 60, shown=True),
    Quantity("rh_pct", "%", 100, 0, 100, shown=True),
    Quantity("pm1", "µg/m³", 1000, -10, 1000),
    Quantity("pm1_cf1", "µg/m³", 1000, -10, 1500),
    Quantity("pm25_cf1", "µg/m³", 1000, -10, 1500),
    Quantity("pm10_cf1", "µg/m³", 1000, -10, 3000),
    Quantity("n03", "1/dL", 100, 0, 65535),
    Quantity("n05", "1/dL", 100, 0, 65535),
    Quantity("n1", "1/dL", 100, 0, 65535),
    Quantity("n25", "1/dL", 100, 0, 65535),
    Quantity("n5", "1/dL", 100, 0, 65535),
    Quantity("n10", "1/dL", 100, 0, 65535),
    Quantity("hcho_ugm3", "µg/m³", 100, 0, 5000),
    Quantity("pm4", "µg/m³", 1000, -10, 1500),
    Quantity("nc05", "1/cm³", 1000, 0, 10000),
    Quantity("nc1", "1/cm³", 1000, 0, 10000),
    Quantity("nc25", "1/cm³", 1000, 0, 10000),
    Quantity("nc4", "1/cm³", 1000, 0, 10000),
    Quantity("nc10", "1/cm³", 1000, 0, 10000),
    Quantity("tps_um", "µm", 10000, 0, 50),
    Quantity("pressure_hpa", "hPa", 100, 500, 1100),
    Quantity("voc_index", "1", 10, 0, 500),
    Quantity("nox_index", "1", 10, 0, 500),
    # Words the sensor says about itself; kept as sent.
    Quantity("internal_temp_c", "°C", 100, -50, 150),
    Quantity("version", "1", 1, 0, 255),
    Quantity("error", "1", 1, 0, 65535),
    Quantity("meter_status", "1", 1, 0, 65535),
    Quantity("state", "1", 1, 0, 2**31),
    # Measured inside a purifier's air stream: never the room's.
    Quantity("pm25_stream", "µg/m³", 1000, -10, 1000),
)
QUANTITIES: Final[Mapping[str, Quantity]] = {q.key: q for q in _ALL}
SHOWN: Final[tuple[str, ...]] = tuple(q.key for q in _ALL if q.shown)


class Flag(IntFlag):
    """What is known against a value; several may hold at once and none deletes anything. The bit numbers are stored."""

    NONE = 0
    RANGE = 1 << 0  # outside what the quantity can be
    SATURATED = 1 << 1  # at the sensor's ceiling
    STUCK = 1 << 2  # does not move although air does
    SPIKE = 1 << 3  # alone far from its neighbours
    RATE = 1 << 4  # changes faster than air does
    CHANNELS = 1 << 5  # two channels disagree
    RH_HIGH = 1 << 6  # condensation makes optical PM doubtful
    ORDER = 1 << 7  # PM1 > PM2.5 or PM2.5 > PM10, or counts out of order
    ZERO = 1 << 8  # mass 0 while particles are counted, or nothing but zeros
    WARMUP = 1 << 9  # the sensor was switched on or re-plugged too recently
    SENSOR_ERROR = 1 << 10  # the sensor itself reports a fault
    CLOCK = 1 << 11  # the time of measuring cannot be relied on
    RECEIPT_TIME = 1 << 12  # dated on arrival, the device has no clock
    MANUAL = 1 << 13  # set aside by a person
    DRIFT = 1 << 14  # departs slowly from its neighbours
    MOVED = 1 << 15  # the sensor was being moved
    COUNTS = 1 << 16  # mass and particle counts contradict each other
    PAIR = 1 << 17  # two sensors of one room disagree, and which of them is right is not known
    FLOW = 1 << 18  # air does not pass the sensor as it should: a failed fan, a clogged inlet
    SWAPPED = 1 << 19  # reads what another room's sensor should: the two hang in each other's places


BAD: Final = (
    Flag.RANGE
    | Flag.STUCK
    | Flag.SPIKE
    | Flag.CHANNELS
    | Flag.WARMUP
    | Flag.SENSOR_ERROR
    | Flag.CLOCK
    | Flag.MANUAL
    | Flag.PAIR
    | Flag.FLOW
)
"""A value with any of these is left out of means; all others stay in and are counted as suspect when flagged."""

# The classes in which rollups count what they leave out; a value is counted once, in the first class that fits.
BAD_CLASSES: Final[tuple[tuple[str, Flag], ...]] = (
    ("manual", Flag.MANUAL),
    ("clock", Flag.CLOCK),
    ("warmup", Flag.WARMUP),
    ("fault", Flag.SENSOR_ERROR | Flag.STUCK | Flag.CHANNELS | Flag.SPIKE | Flag.PAIR | Flag.FLOW),
    ("range", Flag.RANGE),
)
BAD_CLASS_NAMES: Final = tuple(name for name, _ in BAD_CLASSES)


def bad_class(flags: int) -> int | None:
    """The index in BAD_CLASSES of why a value is left out of means, None when it is good enough to count."""
    if not flags & BAD:
        return None
    for index, (_, mask) in enumerate(BAD_CLASSES):
        if flags & mask:
            return index
    raise AssertionError(f"flag {flags} is in BAD but in no class")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one sensor said at one moment: the mean of `n` frames over the `interval_s` that ended at `at_ms`.

    `sensor`, `bridge` and `room` are `<site>.<id>`. `key` (bridge, epoch, seq) says once is once.
    `flags` hold for the whole reading, `value_flags` for single quantities; `flags_of` joins them.
    """

    sensor: str
    bridge: str
    epoch: str
    seq: int
    at_ms: int
    values: Mapping[str, float]
    interval_s: float = 10.0
    n: int = 1
    clock: str = "sync"
    flags: Flag = Flag.NONE
    value_flags: Mapping[str, int] = field(default_factory=dict)
    room: str = ""
    simulated: bool = False
    late: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.bridge, self.epoch, self.seq)

    def flags_of(self, quantity: str) -> Flag:
        return self.flags | Flag(self.value_flags.get(quantity, 0))

    def valid(self, quantity: str) -> float | None:
        """The value if it may be averaged, else None."""
        value = self.values.get(quantity)
        return None if value is None or self.flags_of(quantity) & BAD else value


@dataclass(slots=True)
class Bucket:
    """What a stretch of time knows about one quantity. `n` counts valid values; sum, low and high are of those.

    `covered_ms`: the time those stand for, the sum of their readings' `interval_s`; more than the stretch itself where
    sensors are pooled.
    """

    start_ms: int
    n: int = 0
    suspect: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    sum: float = 0.0
    low: float | None = None
    high: float | None = None
    covered_ms: int = 0

    @property
    def mean(self) -> float | None:
        # Rounded to drop the noise of summation, see the number rules of the indices.
        return round(self.sum / self.n, 6) if self.n else None


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers of a bridge that will never come, and why. Counts as dealt with."""

    bridge: str
    epoch: str
    first: int
    last: int
    reason: str


MISSING_REASONS: Final = (
    "off",  # the bridge was not running, or without power
    "asleep",  # the sensor was sent to sleep to spare its laser
    "unplugged",  # its port was not there, or could not be opened
    "silent",  # the port was there and said nothing
    "damaged",  # bytes came, no whole frame among them
    "starting",  # the port was open, the first frame had not come
    "broker_away",  # measured, but delivered late; nothing is missing in the end
    "thinned",  # kept as one-minute means, because the spool was full
    "spool_full",  # given up, because the spool was full
    "clock_unknown",  # measured, but when is not known
    "stale",  # a device sent again what it had sent before
    "no_value",  # the sensor answered, and none of its values could be read
    "no_pm25",  # readings came without PM2.5, which the sensor has
    "no_co2_ppm",  # readings came without CO2, which the sensor has
    "no_temp_c",  # readings came without temperature, which the sensor has
    "no_rh_pct",  # readings came without humidity, which the sensor has
)

WITHOUT_REASONS: Final = frozenset({"no_pm25", "no_co2_ppm", "no_temp_c", "no_rh_pct"})
"""Their lines lie over readings that are there and lack one quantity."""

PRESENT_REASONS: Final = frozenset({"broker_away", "thinned"}) | WITHOUT_REASONS
"""Their lines lie over readings that are there: late, as means, or without a quantity; all others fill the time
between readings.
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """Readings that were expected of a sensor and are not there (or came late), and why; one line of the gap ledger.

    `sensor` is `<site>.<id>`; `reason` is one of MISSING_REASONS; `expected` counts readings at the sensor's `every:`
    in the half-open stretch `start_ms` … `end_ms`.
    """

    sensor: str
    start_ms: int
    end_ms: int
    expected: int
    reason: str
    bridge: str = ""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class SwitchEvent:
    """A purifier was seen on or off (`on` None: not known) from `at_ms`; `purifier` is `<site>.<id>`."""

    purifier: str
    at_ms: int
    on: bool | None
    reason: str
    simulated: bool = False
