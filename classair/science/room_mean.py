"""The mean that a room shows, corrected: the one way of working it out, for now and for what was shown in the past.

A mean is corrected as a mean of its window, with humidity and temperature of the same sensor and window. Where a
correction needs what was not measured there is no corrected mean. A purifier's signal does not go blind for that: it
then works with the sensor's own value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from classair.science.averages import Sample
from classair.science.corrections import NONE, Correction, Corrections
from classair.science.state import Measure, measure
from classair.science.windows import Window, measured

BESIDE_MS: Final = 300_000  # humidity and temperature beside a single value


class RoomCorrection:
    """Corrects the PM2.5 of one room; `windows` are its valid samples by quantity."""

    def __init__(self, windows: Mapping[str, Window]) -> None:
        self._windows = windows
        self._corrections = Corrections()
        self._models: dict[str, str] = {}

    def follow(self, corrections: Corrections, models: dict[str, str]) -> None:
        self._corrections, self._models = corrections, models

    def of(self, sensor: str, at: int) -> Correction:
        if not self._corrections.accepted:
            return NONE
        return self._corrections.correction_for(sensor, at, self._models.get(sensor, ""))

    def measure(self, length_ms: int, until: int | None = None, without: frozenset[str] = frozenset()) -> Measure:
        """The room's mean as `state.measure` gives it, corrected sensor by sensor and weighed by covered time.

        Of the stretch that ends at the newest sample (not after `until`), without the sensors of `without`.
        """
        window = self._windows["pm25"]
        if until is None:
            raw = measured(window.pooled(length_ms, without))
        else:
            raw = measure(window.last(length_ms, until, without), length_ms)
        if raw.mean is None or raw.newest_at is None or not self._corrections.accepted:
            return raw
        end = raw.newest_at
        start = end - length_ms
        parts: list[tuple[float, int, str]] = []
        for sensor in sorted(window.sensors.keys() - without):
            weight, mean = window.over(sensor, start, end)
            if not weight:
                continue
            correction = self.of(sensor, end)
            told = correction.correct(
                mean,
                self._beside("rh_pct", sensor, start, end),
                self._beside("temp_c", sensor, start, end),
                span_ms=length_ms,
            )
            if told.value is not None:
                parts.append((told.value, weight, correction.label))
        total = sum(weight for _, weight, _ in parts)
        if not total:
            return Measure()
        # Rounded to drop the noise of summation, as every mean is.
        value = round(sum(value * weight for value, weight, _ in parts) / total, 6)
        return Measure(end, value, correction=",".join(sorted({label for _, _, label in parts})))

    def measures(self, length_ms: int, moments: Iterable[int], without: frozenset[str]) -> Iterator[Measure]:
        """`measure` until each of these moments, which rise."""
        if self._corrections.accepted:
            return (self.measure(length_ms, moment, without) for moment in moments)
        return self._windows["pm25"].measures(length_ms, moments, without)

    def for_control(self, samples: Iterable[Sample]) -> list[Sample]:
        """The samples as the signal is to see them: corrected where that is possible, else as measured."""
        if not self._corrections.accepted:
            return list(samples)
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Sample:
        correction = self.of(sample.sensor, sample.at)
        if correction.method == "none":
            return sample
        start = sample.at - BESIDE_MS
        told = correction.correct(
            sample.value,
            self._beside("rh_pct", sample.sensor, start, sample.at),
            self._beside("temp_c", sample.sensor, start, sample.at),
        )
        value = sample.value if told.value is None else told.value
        return Sample(sample.at, value, sample.interval_ms, sample.sensor)

    def _beside(self, quantity: str, sensor: str, start: int, end: int) -> float | None:
        return self._windows[quantity].over(sensor, start, end)[1]
