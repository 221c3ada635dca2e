"""What the store knows, brought in on a thread of its own: the last hour at the start, a yard's day from time to time.

Alerts lives without it: a store that is away is asked again, and nothing waits for the answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from alerts.air.following import Past, lived_through
from classair.config import Config
from classair.model import Reading
from classair.places import Places
from classair.science.averages import day_is_complete, day_mean, hour_means
from classair.science.corrections import Corrections
from classair.science.indexes.thai2023 import INDEX
from classair.science.quality_checks.following import PAST_MS, QUARTER_MS
from classair.stores import Store, StoreAway, open_store
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

log = logging.getLogger(__name__)

WINDOW_MS = 70 * MINUTE_MS  # enough for the last hour, a level's hold and CO2's twenty minutes
RETRY_S = 5.0
REFRESH_S = 60.0


class WarmStart:
    """`primed` and `days` are called on this thread and must hand over to the loop."""

    def __init__(
        self,
        places: Places,
        clock: Callable[[], int],
        primed: Callable[[dict[str, list[Reading]]], None],
        days: Callable[[dict[str, int | None]], None],
        corrections: Callable[[], Corrections] = Corrections,
        unfollowed: Callable[[], list[str]] = list,
        followed: Callable[[dict[str, Past]], None] = lambda _: None,
    ) -> None:
        self._places, self._clock, self._primed, self._days = places, clock, primed, days
        self._corrections = corrections
        self._unfollowed, self._followed = unfollowed, followed
        self._config: Config | None = None
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._again = False
        self._thread = threading.Thread(target=self._run, name="priming", daemon=True)

    def follow(self, config: Config) -> None:
        self._config = config
        if not self._thread.is_alive() and not self._stop.is_set():
            self._thread.start()
        self._changed.set()

    def again(self) -> None:
        """Our line was down: what went by meanwhile is in the store."""
        self._again = True
        self._changed.set()

    def stop(self) -> None:
        self._stop.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(3)

    def _run(self) -> None:
        done: set[str] = set()
        said = ""
        while not self._stop.is_set():
            self._changed.clear()
            if self._again:
                self._again = False
                done.clear()
            config = self._config
            assert config is not None
            pause = REFRESH_S
            try:
                store = open_store(self._nearest(config), self._places, readonly=True)
                try:
                    rooms = [name for name, _ in config.rooms() if name not in done]
                    for room in rooms:
                        if self._stop.is_set():
                            return
                        # One at a time: the loop has other things to do than a thousand rooms' hour.
                        self._primed(self._last_hour(store, room))
                        done.add(room)
                    if rooms:
                        log.info("warm_start_finished rooms=%d", len(rooms))
                    self._days(self._day_levels(store, config))
                    if rooms and (sensors := self._unfollowed()):
                        # A fortnight of a school takes seconds to live through, which the loop does not have.
                        self._followed(lived_through(self._fortnight(store, config, sensors)))
                finally:
                    store.close()
                said = ""
            except (StoreAway, ValueError, OSError) as error:
                pause = RETRY_S
                if str(error) != said:
                    said = str(error)
                    log.warning("database_unavailable error=%s action=use_live_readings", error)
            except Exception:
                # Whatever a store does, states and purifiers go on without it.
                pause = REFRESH_S
                log.exception("warm_start_failed")
            self._changed.wait(pause)

    def _nearest(self, config: Config) -> str:
        """ingest's own journal where it is on this machine: it has the past whatever becomes of another database."""
        return "sqlite" if config.store.startswith("influxdb") and self._places.readings.exists() else config.store

    def _last_hour(self, store: Store, room: str) -> dict[str, list[Reading]]:
        now = self._clock()
        return {room: list(store.readings(room, now - WINDOW_MS, now + 1))}

    def _fortnight(self, store: Store, config: Config, sensors: list[str]) -> dict[str, list[tuple[int, float]]]:
        """Quarter-hour means of PM2.5, by which it is known how these sensors usually follow the others."""
        end = self._clock() // QUARTER_MS * QUARTER_MS
        rooms = {full: f"{full.partition('.')[0]}.{sensor.room}" for full, sensor in config.sensors()}
        return {
            sensor: [
                (bucket.start_ms, bucket.mean)
                for bucket in store.series(rooms[sensor], "pm25", end - PAST_MS, end, QUARTER_MS, sensor)
                if bucket.mean is not None
            ]
            for sensor in sensors
            if sensor in rooms
        }

    def _day_levels(self, store: Store, config: Config) -> dict[str, int | None]:
        end = self._clock() // MINUTE_MS * MINUTE_MS
        corrections = self._corrections()
        models = {full: sensor.model for full, sensor in config.sensors()}
        levels: dict[str, int | None] = {}
        for name, room in config.rooms():
            if room.outdoor:
                mean = (
                    day_mean(_minutes(store, name, "pm25", end), end)
                    if not corrections.accepted
                    else _corrected_day(store, name, end, corrections, models)
                )
                levels[name] = INDEX.level_number("pm25", mean)
        return levels


def _minutes(store: Store, room: str, quantity: str, end: int, sensor: str | None = None) -> list[tuple[int, float]]:
    buckets = store.series(room, quantity, end - DAY_MS, end, MINUTE_MS, sensor)
    return [(bucket.start_ms, bucket.mean) for bucket in buckets if bucket.mean is not None]


def _corrected_day(store: Store, room: str, end: int, corrections: Corrections, models: dict[str, str]) -> float | None:
    """The mean of 24 hours, each sensor's hours corrected with humidity and temperature of the same hour."""
    days = []
    for sensor in store.sensors(room):
        measured, humid, warm = (
            hour_means(_minutes(store, room, quantity, end, sensor), end) for quantity in ("pm25", "rh_pct", "temp_c")
        )
        told = [
            corrections.correction_for(sensor, end - ago * HOUR_MS, models.get(sensor, ""))
            .correct(mean, humid.get(ago), warm.get(ago), span_ms=HOUR_MS)
            .value
            for ago, mean in measured.items()
        ]
        values = [value for value in told if value is not None]
        if day_is_complete(len(values)):
            days.append(sum(values) / len(values))
    return round(sum(days) / len(days), 6) if days else None
