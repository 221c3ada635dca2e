"""Which moments lie in lesson time, many at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classair.stores import BANGKOK_MS
from classair.timetable import Timetable, local_time
from classair.units import DAY_MS

_NONE: Final = pa.scalar(None, pa.bool_())


def lessons(table: Timetable | None, at_ms: npt.NDArray[np.int64], length_ms: int = 0) -> pa.Array:
    """For each stretch of `length_ms` from a moment on (0: the moment itself) whether it lies wholly in one lesson.

    A stretch of a day or longer is never one lesson. Nothing where a room has no timetable.
    """
    if table is None:
        return pa.repeat(_NONE, len(at_ms))
    day, inside = np.divmod(at_ms + BANGKOK_MS, DAY_MS)
    found = np.zeros(len(at_ms), bool)
    for each in range(day.min(), day.max() + 1) if len(day) else ():
        here = day == each
        for span in table.lesson_spans(local_time(each * DAY_MS).date()):
            behind = inside + length_ms <= span.end_ms if length_ms else inside < span.end_ms
            found |= here & (inside >= span.begin_ms) & behind
    return pa.array(found)
