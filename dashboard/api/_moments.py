"""Times as the API takes and gives them: ISO 8601 with an offset, or UTC milliseconds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from classair.dates import moment_ms
from classair.timetable import local_time


def moment(value: str) -> str:
    """Checks a moment; raises ValueError with what would be right."""
    moment_ms(value)
    return value


Moment = Annotated[str, AfterValidator(moment)]


def iso(at_ms: int, timespec: str = "seconds") -> str:
    """With +07:00, Gregorian, to the second."""
    return local_time(at_ms).isoformat(timespec=timespec)
