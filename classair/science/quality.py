"""Judges a reading: out of range, at the ceiling, out of order, wrong clock. Flags, never deletions.

Pure and in event time: ingest and alerts run it unchanged, so that a value is bad everywhere or nowhere.
`judge` needs no memory; what needs a sensor's past joins it in classair.science.quality_checks.realtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from classair.model import QUANTITIES, Flag

EARLIEST_MS: Final = 1_735_689_600_000  # 2025-01-01T00:00Z: no bridge of this project ran before it
FUTURE_MS: Final = 120_000  # further ahead of a synchronised clock than this is no disagreement of clocks
PM_CEILING: Final = 500.0  # µg/m³, end of Plantower's effective range (PMS5003 data manual, table 1)
RH_CONDENSING: Final = 95.0  # %, above it droplets are counted as particles by optical sensors
ORDER_MARGIN: Final = 2.0  # µg/m³ by which a smaller size class may exceed a larger one through noise
ZERO_COUNTS: Final = 500.0  # particles > 0.3 µm per 0.1 L that cannot weigh nothing
COUNTED_MASS: Final = 10.0  # µg/m³ from which a mass must have particles beside it
COUNTS_PER_MASS: Final = 20.0  # particles > 0.3 µm per 0.1 L for each µg/m³; measured 60–300, sweeping ≥ 40
CO2_LIMIT: Final = 10_000.0  # ppm, where every sensor we read stops

# ppm: a flat upper range is saturation, not air. Which one an MH-Z19 is set to it does not say.
_CO2_CEILINGS: Final[Mapping[str, frozenset[float]]] = {
    "mh-z19": frozenset({2000.0, 5000.0}),
    "mh-z19b": frozenset({2000.0, 5000.0}),
    "mh-z19c": frozenset({5000.0}),
}
_CO2_COMMON: Final = frozenset({5000.0})
_PM: Final = ("pm1", "pm25", "pm4", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1")
_SIZES: Final = (("pm1", "pm25"), ("pm25", "pm10"), ("pm1_cf1", "pm25_cf1"), ("pm25_cf1", "pm10_cf1"))
# Each count is of everything larger than its size, so a frame of theirs can only fall (see the Plantower manual).
_COUNTS: Final = ("n03", "n05", "n1", "n25", "n5", "n10")
_MANY: Final = 1e9
_DATED: Final = frozenset({"sync", "holdover", "server"})


def _ordinary(key: str, low: float, high: float) -> tuple[float, float]:
    """The span in which a value needs no second look: inside its range, below ceilings and condensation."""
    if key in _PM:
        return low, PM_CEILING - 1e-9
    return (low, RH_CONDENSING) if key == "rh_pct" else (low, CO2_LIMIT - 1e-9) if key == "co2_ppm" else (low, high)


_ORDINARY: Final = {q.key: _ordinary(q.key, q.low, q.high) for q in QUANTITIES.values()}


def judge(
    values: Mapping[str, float],
    flags: Flag,
    value_flags: Mapping[str, int],
    *,
    at_ms: int,
    now_ms: int | None = None,
    clock: str = "sync",
    model: str = "",
) -> tuple[Flag, Mapping[str, int]]:
    """The flags of a reading and of its single values: those it came with and those it earns here.

    `now_ms` is the judge's own time, None while that is not synchronised; `clock` is the reading's word on its time.
    A reading with nothing against it gets back the very objects it brought, at the cost of a few comparisons.
    """
    if clock not in _DATED or at_ms < EARLIEST_MS or (now_ms is not None and at_ms > now_ms + FUTURE_MS):
        flags |= _of_time(at_ms, now_ms, clock)
    get = values.get
    for key, value in values.items():
        low, high = _ORDINARY[key]
        if not low <= value <= high:
            break
    else:
        pm25 = get("pm25")
        if pm25 is not None:
            count = get("n03", 0.0)
            if (
                get("pm1", pm25) - ORDER_MARGIN <= pm25 <= get("pm10", pm25) + ORDER_MARGIN
                and get("pm1_cf1", 0.0) - ORDER_MARGIN <= (cf1 := get("pm25_cf1", 0.0))
                and cf1 <= get("pm10_cf1", cf1) + ORDER_MARGIN
                and count >= (count := get("n05", count)) >= (count := get("n1", count))
                and count >= (count := get("n25", count)) >= (count := get("n5", count)) >= get("n10", count)
                and (pm25 != 0.0 or get("n03", 0.0) <= ZERO_COUNTS)
                and (pm25 < COUNTED_MASS or get("n03", _MANY) >= COUNTS_PER_MASS * pm25)
                and ("co2_ppm" not in values or values["co2_ppm"] not in _CO2_CEILINGS.get(model, _CO2_COMMON))
            ):
                return flags, value_flags
        elif _MAY_CONTRADICT.isdisjoint(values) and get("co2_ppm") not in _CO2_CEILINGS.get(model, _CO2_COMMON):
            return flags, value_flags
    found: dict[str, int] = {key: int(flag) for key, flag in value_flags.items()}
    for key, flag in _of_values(values, model):
        found[key] = found.get(key, 0) | int(flag)
    return flags, found


# Without pm25 these can still contradict each other; rare enough to be looked at in full.
_MAY_CONTRADICT: Final = frozenset((*_PM, *_COUNTS))


def _of_time(at_ms: int, now_ms: int | None, clock: str) -> Flag:
    if clock == "unsync" or at_ms < EARLIEST_MS or (now_ms is not None and at_ms > now_ms + FUTURE_MS):
        return Flag.CLOCK
    return Flag.RECEIPT_TIME if clock == "receipt" else Flag.NONE


def _of_values(values: Mapping[str, float], model: str) -> Iterator[tuple[str, Flag]]:
    """Every test in full, for a reading in which something is not ordinary."""
    for key, value in values.items():
        quantity = QUANTITIES[key]
        if not quantity.low <= value <= quantity.high:
            yield key, Flag.RANGE
        if key in _PM and value >= PM_CEILING:
            yield key, Flag.SATURATED
    co2 = values.get("co2_ppm")
    if co2 is not None and (co2 >= CO2_LIMIT or co2 in _CO2_CEILINGS.get(model, _CO2_COMMON)):
        yield "co2_ppm", Flag.SATURATED
    if values.get("rh_pct", 0.0) > RH_CONDENSING:
        yield from ((key, Flag.RH_HIGH) for key in _PM if key in values)
    for smaller, larger in _SIZES:
        if smaller in values and larger in values and values[smaller] > values[larger] + ORDER_MARGIN:
            yield smaller, Flag.ORDER
            yield larger, Flag.ORDER
    present = [key for key in _COUNTS if key in values]
    for wider, narrower in pairwise(present):
        if values[narrower] > values[wider]:
            yield wider, Flag.ORDER
            yield narrower, Flag.ORDER
    if values.get("pm25") == 0.0 and values.get("n03", 0.0) > ZERO_COUNTS:
        yield "pm25", Flag.ZERO
    mass = values.get("pm25", 0.0)
    if mass >= COUNTED_MASS and values.get("n03", _MANY) < COUNTS_PER_MASS * mass:
        yield from ((key, Flag.COUNTS) for key in (*_PM, "n03") if key in values)
