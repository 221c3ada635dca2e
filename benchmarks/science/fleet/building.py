"""Rooms that breathe outdoor air: windows, people, stoves, brooms, smoke and purifiers; a mass balance each minute."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fleet.air import DAY, Outdoors, Series, dice, red, smoothed


@dataclass
class Room:
    name: str
    fine: Series
    coarse: Series
    temp: Series
    rh: Series
    purifier_on: NDArray[np.bool_] | None = None  # None: no purifier that ClassAir knows of
    happenings: list[tuple[str, int, int]] = field(default_factory=list)  # smoke, cooking, sweeping


def rooms(seed: int, site: int, count: int, air: Outdoors, first_weekday: int) -> list[Room]:
    return [_room(seed, site, number, air, first_weekday) for number in range(count)]


def _room(seed: int, site: int, number: int, air: Outdoors, first_weekday: int) -> Room:
    draw, n = dice(seed, "room", site, number), len(air.fine)
    minute = np.arange(n)
    of_day, day = minute % DAY, minute // DAY
    weekday = (day + first_weekday) % 7
    holidays = draw.random(n // DAY + 1) < 0.05
    lessons = (weekday < 5) & ~holidays[day] & (of_day >= 480) & (of_day < 940)
    is_open = _windows(draw, lessons, of_day, day)
    exchange = np.where(is_open, draw.uniform(2.5, 9) * np.exp(red(draw, n, 90, 0.35)), 0.0)
    exchange += draw.uniform(0.25, 0.8) * np.exp(red(draw, n, 500, 0.2))
    volume = draw.uniform(140, 260)
    happenings: list[tuple[str, int, int]] = []
    fine_in, coarse_in = _sources(draw, number, lessons, of_day, happenings)
    kind = draw.choice(["none", "hysteresis", "lessons", "unknown"], p=[0.35, 0.3, 0.2, 0.15])
    cadr = float(draw.uniform(220, 560))
    left_on = draw.random(n // DAY + 1) < 0.05
    allowed = lessons | (left_on[day] & (kind != "none"))
    on_at, off_at = float(draw.uniform(20, 30)), float(draw.uniform(9, 16))
    fine, coarse, on = _balance(
        air, exchange, draw.uniform(0.72, 0.97), draw.uniform(0.1, 0.35), fine_in, coarse_in, volume,
        cadr if kind != "none" else 0.0, allowed, (on_at, off_at) if kind == "hysteresis" else (0.0, -1.0),
    )  # fmt: skip
    warmer = np.where(lessons, 1.6, 0.6) + draw.uniform(0.2, 1.8) + red(draw, n, 300, 0.4)
    temp = _lagged(air.temp, 90) + warmer
    vapour = air.rh / 100 * _saturation(air.temp)
    rh = np.clip(100 * _lagged(vapour, 30) / _saturation(temp) + np.where(lessons, 2.0, 0.0), 15, 97)
    told = on if kind in ("hysteresis", "lessons") else None
    return Room(f"room-{number + 1}", fine, coarse, temp, rh, told, happenings)


def _windows(draw: np.random.Generator, lessons: NDArray[np.bool_], of_day: Series, day: Series) -> NDArray[np.bool_]:
    mostly_open, night_open = bool(draw.random() < 0.45), float(draw.choice([0.0, 0.0, 0.1, 1.0]))
    days = int(day.max()) + 1
    opened = draw.random(days) < (0.9 if mostly_open else 0.3)
    begin, end = draw.normal(485, 25, days), draw.normal(930, 30, days)
    is_open = lessons & opened[day] & (of_day > begin[day]) & (of_day < end[day])
    at_night = draw.random(days) < night_open
    is_open |= at_night[day] & ((of_day < 360) | (of_day > 1080))
    for _ in range(draw.poisson(0.7 * days)):  # airing, someone shuts a window, rain
        start = int(draw.integers(0, len(of_day) - 200))
        is_open[start : start + int(draw.integers(5, 150))] ^= True
    return is_open


def _sources(
    draw: np.random.Generator, number: int, lessons: NDArray[np.bool_], of_day: Series,
    happenings: list[tuple[str, int, int]],
) -> tuple[Series, Series]:  # fmt: skip
    """µg per minute and m³ of room, fine and coarse."""
    n = len(lessons)
    fine = np.where(lessons, draw.uniform(0.0, 0.05), 0.0) * np.exp(red(draw, n, 30, 0.5))
    coarse = np.where(lessons, draw.uniform(0.2, 0.9), 0.0) * np.exp(red(draw, n, 12, 0.7))
    days = n // DAY
    for today in range(days):
        first = today * DAY
        if lessons[first + 600] and draw.random() < 0.8:
            start, length = first + int(draw.normal(915, 15)), int(draw.integers(6, 18))
            coarse[start : start + length] += draw.uniform(6, 40)
            fine[start : start + length] += draw.uniform(0.3, 2.2)
            happenings.append(("sweeping", start, start + length + 25))
        if number % 4 == 1 and draw.random() < 0.75:
            start, length = first + int(draw.normal(640, 35)), int(draw.integers(15, 75))
            fine[start : start + length] += draw.uniform(0.7, 5) * np.exp(red(draw, length, 5, 0.4))
            coarse[start : start + length] += draw.uniform(0.2, 1.5)
            happenings.append(("cooking", start, start + length + 40))
        if draw.random() < 0.06:
            start, length = first + int(draw.integers(300, 1300)), int(draw.integers(4, 30))
            fine[start : start + length] += draw.uniform(1, 9) * np.exp(red(draw, length, 3, 0.3))
            happenings.append(("smoke", start, min(n, start + length + 60)))
    return fine, coarse


def _balance(
    air: Outdoors, exchange: Series, penetration: float, deposition: float, fine_in: Series, coarse_in: Series,
    volume: float, cadr: float, allowed: NDArray[np.bool_], limits: tuple[float, float],
) -> tuple[Series, Series, NDArray[np.bool_]]:  # fmt: skip
    n = len(exchange)
    fine, coarse, running = np.empty(n), np.empty(n), np.zeros(n, bool)
    inside, big, on = float(air.fine[0]) * 0.6, 2.0, False
    on_at, off_at = limits
    held = 0
    steps = zip(
        air.fine.tolist(), air.coarse.tolist(), exchange.tolist(), fine_in.tolist(), coarse_in.tolist(),
        allowed.tolist(), strict=True,
    )  # fmt: skip
    exp = np.exp
    for t, (out, out_big, a, source, source_big, may) in enumerate(steps):
        held -= 1
        if cadr and held < 0:
            wanted = may and (inside > on_at or (on and inside > off_at))
            if wanted != on:
                on, held = wanted, 10
        clean = cadr / volume if on else 0.0
        loss = a + deposition + clean
        steady = (penetration * a * out + source * 60) / loss
        inside = steady + (inside - steady) * float(exp(-loss / 60))
        loss_big = a + 1.6 + clean
        steady_big = (0.5 * a * out_big + source_big * 60) / loss_big
        big = steady_big + (big - steady_big) * float(exp(-loss_big / 60))
        fine[t], coarse[t], running[t] = inside, big, on
    return fine, coarse, running


def _lagged(values: Series, minutes: float) -> Series:
    keep = float(np.exp(-1 / minutes))
    kicks = values * (1 - keep)
    kicks[0] = values[0]
    return smoothed(kicks, keep)


def _saturation(temp: Series) -> Series:
    """hPa, Magnus."""
    return 6.112 * np.exp(17.62 * temp / (243.12 + temp))
