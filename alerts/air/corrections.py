"""Which correction is in force for a sensor, as ingest tells it; remembered, so that a restart alone changes no number.

A mean is corrected as a mean of its window, with humidity and temperature of the same sensor and window. Where a
correction needs what was not measured there is no corrected mean. A purifier's signal does not go blind for that: it
then works with the sensor's own value.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pydantic import ValidationError

from alerts.ledger import Ledger
from classair.science.averages import Sample
from classair.science.corrections import NONE, Correction, Corrections, of_record
from classair.science.state import Measure, measure
from classair.science.windows import Window, measured
from classair.wire import CorrectionsTold

log = logging.getLogger(__name__)

_KEY = "corrections"
BESIDE_MS: Final = 300_000  # humidity and temperature beside a single value


class ActiveCorrections:
    """What ingest has told last; `now` gives it, from the ledger after a restart."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.now = Corrections()
        self.rejected = ""
        kept = ledger.remembered(_KEY)
        if kept is not None:
            self._take(kept.encode())

    def hear(self, payload: bytes) -> bool:
        """True when something changed. What cannot be understood changes nothing (logged)."""
        before = self.now
        if not self._take(payload) or self.now == before:
            return False
        self._ledger.write("insert or replace into meta values(?, ?)", _KEY, payload.decode())
        log.info("corrections_activated approved=%d", len(self.now.accepted))
        return True

    def _take(self, payload: bytes) -> bool:
        try:
            told = CorrectionsTold.model_validate_json(payload)
            self.now = Corrections(tuple(of_record(record) for record in told.accepted))
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            self.rejected = str(error).splitlines()[0]
            log.error("corrections_rejected error=%s", self.rejected)
            return False
        self.rejected = ""
        return True


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
