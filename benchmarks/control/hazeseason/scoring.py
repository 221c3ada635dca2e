"""What a way to run a purifier did to the children, the bill and the quiet: one room's season in a row of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from benchmarks.control.hazeseason.playing import Played
from benchmarks.control.hazeseason.world import DAY, HAZE, Clock, Room

LOUDEST = 45.0  # dB(A), the limit for lessons


@dataclass(frozen=True, slots=True)
class Score:
    """Of the time that the timetable has children in the room: `mean` and `outdoor` µg/m³, hours above limits.

    `energy` kWh and `starts` of the whole season; `haze_hours` the mean, `haze_most` the most hours on in a school day
    of haze; `loud` minutes of lessons above the loudness limit; `empty_hours` on in an empty room.
    """

    mean: float
    outdoor: float
    above_25: float
    above_37: float
    energy: float
    starts: float
    on_hours: float
    haze_hours: float
    haze_most: float
    loud: float
    empty_hours: float

    @property
    def io(self) -> float:
        return self.mean / self.outdoor


def score(room: Room, timing: Clock, played: Played) -> Score:
    occupied, on = timing.occupied, played.speed > 0
    watts = np.array([0.0, *room.unit.watts])[played.speed]
    dba = np.array([0.0, *room.unit.dba])[played.speed]
    mean = played.mean[occupied]
    hours = on.reshape(timing.days, DAY).sum(axis=1) / 60
    dusty = room.outdoor.reshape(timing.days, DAY).mean(axis=1) > HAZE
    haze = [hours[day] for day in timing.school_days if dusty[day]]
    return Score(
        float(mean.mean()),
        float(room.outdoor[occupied].mean()),
        float((mean > 25).sum() / 60),
        float((mean > 37.5).sum() / 60),
        float(watts.sum() / 60_000),
        float((np.diff(on.astype(np.int8), prepend=0) == 1).sum()),
        float(on.sum() / 60),
        float(np.mean(haze)) if haze else 0.0,
        float(np.max(haze)) if haze else 0.0,
        float(((dba > LOUDEST) & timing.lesson).sum()),
        float((on & ~occupied).sum() / 60),
    )


def mean_of(scores: Sequence[Score]) -> Score:
    """The mean room; of the most hours on a day, the most."""
    found = {part.name: float(np.mean([getattr(one, part.name) for one in scores])) for part in fields(Score)}
    found["haze_most"] = max(one.haze_most for one in scores)
    return Score(**found)


def as_row(score: Score) -> dict[str, float]:
    return {**{key: round(value, 3) for key, value in asdict(score).items()}, "io": round(score.io, 3)}
