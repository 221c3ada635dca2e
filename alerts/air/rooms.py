"""One room's window and its state: takes readings in, gives the state at any moment. Keeps what `state` needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from alerts.air.surroundings import Place
from classair.control.signal import SignalFollower
from classair.model import Flag, Reading
from classair.science import state
from classair.science.advice_holding import Shown
from classair.science.advice_words import Over
from classair.science.averages import COMPLETE, Sample
from classair.science.corrections import Corrections
from classair.science.indexes.thai2023 import INDEX
from classair.science.room_mean import RoomCorrection
from classair.science.state import Measure, RoomMemory, Sight
from classair.science.windows import Window, measured
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import Current, PurifierState, RoomState

COMFORT_MS: Final = 5 * MINUTE_MS  # window of temperature and humidity
QUANTITIES: Final = ("pm25", "co2_ppm", "temp_c", "rh_pct")
PM10: Final = "pm10"


class RoomWatch:
    """What alerts keeps of one room. `sensors` are those the configuration puts in it."""

    def __init__(
        self,
        room: str,
        *,
        is_outdoor: bool,
        simulated: bool,
        sensors: Iterable[str],
        began_at: int,
        with_pm10: bool = False,
    ) -> None:
        self.room, self.is_outdoor, self.began_at = room, is_outdoor, began_at
        self.heard: dict[str, int] = {}  # sensor → its newest reading, whatever it was worth
        self._reported: dict[str, set[str]] = {}  # sensor → quantities it has ever named
        self._suspects: dict[str, int] = {}
        self.signal = SignalFollower(25.0, 15.0)
        self.configure(simulated=simulated, sensors=sensors, with_pm10=with_pm10)
        self.told_at: int | None = None
        self.day_level: int | None = None  # of the outdoor 24 h mean, refreshed from the store
        self._windows = {quantity: Window() for quantity in (*QUANTITIES, PM10)}
        self._correcting = RoomCorrection(self._windows)
        self._warming: dict[tuple[str, str], tuple[int, int]] = {}  # (quantity, sensor) → (since, newest)
        self._memory = RoomMemory()
        self._pm25, self._co2 = Measure(), Measure()

    def configure(self, *, simulated: bool, sensors: Iterable[str], with_pm10: bool = False) -> None:
        """`with_pm10`: somebody wants to know it; no screen shows it."""
        self.simulated, self.sensors = simulated, frozenset(sensors)
        self._followed = (*QUANTITIES, PM10) if with_pm10 else QUANTITIES
        self.heard = {sensor: at for sensor, at in self.heard.items() if sensor in self.sensors}
        self.signal.only(self.sensors)
        self._expected = self._what_is_measured()

    def correct(self, corrections: Corrections, models: dict[str, str]) -> None:
        """Takes on what is accepted; the value of now is worked out anew."""
        self._correcting.follow(corrections, models)
        self._pm25 = self._measured()

    def _measured(self, until: int | None = None) -> Measure:
        return self._correcting.measure(state.PM_WINDOW_MS, until, self._not_shown())

    def _co2_measured(self) -> Measure:
        return measured(self._windows["co2_ppm"].pooled(state.CO2_WINDOW_MS))

    @property
    def disagrees(self) -> bool:
        """Whether the room's sensors differ so much that their mean says nothing; the highest is shown then."""
        return self.signal.signal.disagree_since is not None

    def _not_shown(self) -> frozenset[str]:
        """The sensors whose values are no part of the shown mean."""
        if not self.disagrees:
            return frozenset(self._suspects)
        return (self.sensors | self._suspects.keys()) - {self.signal.signal.highest}

    def suspect(self, sensors: Mapping[str, int]) -> bool:
        """Takes on which sensors do not follow their school, with since when; whether that is new for this room.

        Their PM2.5 is neither shown nor acted on: control sees a room without values. Other sensors of the room count,
        but do not make it cleaner than the suspect one last said.
        """
        mine = {sensor: since for sensor, since in sensors.items() if sensor in self.sensors}
        if mine == self._suspects:
            return False
        again = self._suspects.keys() - mine.keys()
        self._suspects = mine
        self.signal.suspect(mine)
        self.signal.add(self._correcting.for_control(self._windows["pm25"].walk(self.sensors - again)))
        self._pm25 = self._measured()
        return True

    @property
    def suspect_since(self) -> int | None:
        """Since when no sensor of this room's PM2.5 is to be trusted; None while one is."""
        if not self._suspects or any(sensor not in self._suspects for sensor in self.measuring):
            return None
        return max(self._suspects.values())

    @property
    def measuring(self) -> list[str]:
        """The sensors that have said PM2.5."""
        return [sensor for sensor in self.sensors if "pm25" in self._reported.get(sensor, ())]

    # -- readings in ---------------------------------------------------------------------------------------------------

    def add(self, readings: Iterable[Reading], now: int) -> None:
        """Takes readings in, in any order; what is dated ahead of the clock counts once its time has come."""
        changed: set[str] = set()
        fresh: list[Sample] = []
        for reading in readings:
            named = self._reported.setdefault(reading.sensor, set())
            self.heard[reading.sensor] = max(min(reading.at_ms, now), self.heard.get(reading.sensor, 0))
            if not named.issuperset(reading.values):
                named.update(reading.values)
                self._expected = self._what_is_measured()
            for quantity in self._followed:
                if quantity not in reading.values:
                    continue
                value = reading.valid(quantity)
                if value is None:
                    self._note_warming(reading, quantity)
                    continue
                # A bridge's clock may be a little ahead of ours; judged as future is only what is far ahead.
                sample = Sample(
                    min(reading.at_ms, now), value, max(1, round(reading.interval_s * 1000)), reading.sensor
                )
                if self._windows[quantity].add(sample):
                    changed.add(quantity)
                    if quantity == "pm25" and reading.sensor not in self._suspects:
                        fresh.append(sample)
        if fresh:
            self.signal.add(self._correcting.for_control(fresh))
        if "pm25" in changed:
            self._pm25 = self._measured()
        if "co2_ppm" in changed:
            self._co2 = self._co2_measured()

    def prime(self, readings: Sequence[Reading], now: int) -> None:
        """Takes in what the store knows, so that a restart forgets no level and no duration.

        What was judged here before the past was known, and is bad by it, is taken out again. Sensors that are not in
        this room any more are left out: control would hold their word as that of sensors that fell silent.
        """
        readings = [reading for reading in readings if reading.sensor in self.sensors]
        self._take_back(readings)
        self.add(readings, now)
        self._live_through(now)

    def _take_back(self, readings: Iterable[Reading]) -> None:
        changed: set[str] = set()
        for reading in readings:
            for quantity in self._followed:
                if (
                    quantity in reading.values
                    and reading.valid(quantity) is None
                    and (self._windows[quantity].discard(reading.sensor, reading.at_ms))
                ):
                    changed.add(quantity)
        if "pm25" in changed:
            self._pm25 = self._measured()
        if "co2_ppm" in changed:
            self._co2 = self._co2_measured()

    def _live_through(self, now: int) -> None:
        """The memory as it would be had every sample come in its time, minute by minute."""
        for window in self._windows.values():
            window.filled_behind = False
        oldest = [self._windows[quantity].oldest() for quantity in ("pm25", "co2_ppm")]
        began = max(next((at for at in oldest if at is not None), now), now - HOUR_MS)
        before = self._memory
        self._memory = RoomMemory(pm25=_last_word(before.pm25), co2=_last_word(before.co2), shown=before.shown)
        moments = range(began, now, MINUTE_MS)
        for pm25, co2 in zip(
            self._correcting.measures(state.PM_WINDOW_MS, moments, self._not_shown()),
            self._windows["co2_ppm"].measures(state.CO2_WINDOW_MS, moments),
            strict=True,
        ):
            self._memory = state.remember(self._memory, Sight(self.room, pm25=pm25, co2=co2))

    @property
    def behind(self) -> bool:
        """Whether samples came late: the next look at the state works the past out again, which takes a while."""
        return any(window.filled_behind for window in self._windows.values())

    def _caught_up(self, now: int) -> None:
        """A level must not be held because half of its window was still on the way when it was first worked out."""
        if self.behind:
            self._live_through(now)

    def _note_warming(self, reading: Reading, quantity: str) -> None:
        if not reading.flags_of(quantity) & Flag.WARMUP:
            return
        key = (quantity, reading.sensor)
        since, newest = self._warming.get(key, (reading.at_ms, reading.at_ms))
        if reading.at_ms - newest > state.LATE_MS:
            since = reading.at_ms  # warmed up anew
        self._warming[key] = (min(since, reading.at_ms), max(newest, reading.at_ms))

    # -- state out -----------------------------------------------------------------------------------------------------

    def state(
        self,
        now: int,
        *,
        outdoor: Current,
        play: tuple[int | None, Over],
        purifiers: tuple[PurifierState, ...],
        occupied: bool,
        config_version: int,
        place: Place,
    ) -> RoomState:
        self._caught_up(now)
        sight = Sight(
            room=self.room,
            has=place.has,
            is_clean=place.is_clean,
            door=place.door,
            empty=place.empty,
            is_outdoor=self.is_outdoor,
            pm25=self._pm25,
            co2=self._co2,
            expects=self._expected,
            warming=self._warming_until(now),
            temp_c=self._comfort("temp_c", now),
            rh_pct=self._comfort("rh_pct", now),
            outdoor=outdoor,
            play_level=play[0],
            play_over=play[1],
            sensitive=place.sensitive,
            purifiers=purifiers,
            occupied=occupied,
            simulated=self.simulated,
            config_version=config_version,
            told_at=self.told_at,
            suspect_since=self.suspect_since,
        )
        told, self._memory = state.room_state(sight, self._memory, now)
        if not self.disagrees:
            return told
        shown = {"disagree": True, "source": self.signal.signal.highest}
        return told.model_copy(update={"pm25": told.pm25.model_copy(update=shown)})

    def shows(self, row: str) -> None:
        """What stood on the screen before a restart, so that it is held as if there had been none."""
        self._memory = replace(self._memory, shown=Shown(row))

    @property
    def newest_valid_at(self) -> int | None:
        """The newest valid value of what this room is for: PM2.5, or CO2 where nothing measures dust."""
        if "pm25" in self._expected:
            return self._windows["pm25"].newest(frozenset(self._suspects))
        return self._windows["co2_ppm"].newest()

    def current_dust(self, now: int) -> Current:
        """Its PM2.5 as it is now; a yard's is what the other rooms of its school show as outdoors."""
        self._caught_up(now)
        self._memory = state.remember(self._memory, Sight(self.room, pm25=self._pm25, co2=self._co2))
        return state.current(
            self._memory.pm25,
            self._pm25,
            now,
            expected="pm25" in self._expected,
            source=self.room,
            suspect_since=self.suspect_since,
        )

    def play_level(self, now: int) -> tuple[int | None, Over]:
        """The worse of the 24 h level and the last hour's, and which it is, while a yard measures; for outdoor play."""
        newest = self.newest_valid_at
        hour = self.hour_level if newest is not None and now - newest < state.UNKNOWN_MS else None
        if self.day_level is not None and self.day_level >= (hour or 0):
            return self.day_level, "day"
        return (hour, "hour") if hour is not None else (None, "")

    @property
    def hour_level(self) -> int | None:
        """The level (1…5) of the last hour's mean that ends at the newest value; for the yard."""
        mean = self._correcting.measure(HOUR_MS, without=frozenset(self._suspects)).mean
        return INDEX.level_number("pm25", mean)

    def pm10(self, now: int) -> float | None:
        """The mean of the newest quarter of an hour, None while it is not a current one."""
        found = measured(self._windows[PM10].pooled(state.PM_WINDOW_MS))
        return found.mean if found.newest_at is not None and now - found.newest_at < state.LATE_MS else None

    def hour_mean(self, now: int) -> float | None:
        """PM2.5 of the last hour, None while it is not known; without sensors that are not to be trusted."""
        suspects = frozenset(self._suspects)
        newest = self._windows["pm25"].newest(suspects)
        if newest is None or now - newest >= state.UNKNOWN_MS:
            return None
        return self._correcting.measure(HOUR_MS, without=suspects).mean

    def means(self, now: int) -> dict[str, float]:
        """The mean of the same quarter of an hour by each sensor that is to be trusted and measured most of it."""
        window = self._windows["pm25"]
        trusted = [sensor for sensor in window.sensors if sensor in self.sensors and sensor not in self._suspects]
        end = window.newest(frozenset(self._suspects))
        if len(trusted) < 2 or end is None or now - end >= state.LATE_MS:
            return {}
        found = {sensor: window.over(sensor, end - state.PM_WINDOW_MS, end) for sensor in trusted}
        return {
            sensor: mean
            for sensor, (covered, mean) in found.items()
            if mean is not None and covered >= COMPLETE * state.PM_WINDOW_MS
        }

    def _what_is_measured(self) -> frozenset[str]:
        """What is measured here: named by a sensor, or possible because one has not spoken yet."""
        if not self.sensors:
            return frozenset()
        if self.sensors - self._reported.keys():
            return frozenset(QUANTITIES)
        return frozenset().union(*(self._reported[sensor] for sensor in self.sensors))

    def _warming_until(self, now: int) -> MappingProxyType[str, int]:
        until: dict[str, int] = {}
        for (quantity, _), (since, newest) in self._warming.items():
            if now - newest < state.LATE_MS and quantity in state.WARM_UP_MS:
                until[quantity] = max(until.get(quantity, 0), since + state.WARM_UP_MS[quantity])
        return MappingProxyType(until)

    def _comfort(self, quantity: str, now: int) -> float | None:
        sliding = self._windows[quantity].pooled(COMFORT_MS)
        if sliding.newest is None or now - sliding.newest >= state.UNKNOWN_MS:
            return None
        weight, total, _ = sliding.sums()
        return round(total / weight, 1) if weight else None


def _last_word(track: state.Track) -> state.Track:
    """Nothing but the last value that was current, for "last value 18 at 09:05"."""
    return state.Track(last_shown=track.last_shown, last_at=track.last_at)
