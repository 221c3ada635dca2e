"""Times as the API takes and gives them: ISO 8601 with an offset, or UTC milliseconds."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from classair.timetable import local_time, to_ms


def moment(value: str) -> str:
    """Checks a moment; raises ValueError with what would be right."""
    moment_ms(value)
    return value


def moment_ms(value: str) -> int:
    """UTC ms of `2026-11-23T09:42:00+07:00` or of `1795401720000`. Raises ValueError."""
    right = "expected ISO 8601 with an offset (2026-11-23T09:42:00+07:00) or UTC milliseconds (1795401720000)"
    if re.fullmatch(r"\d{1,16}", value):
        return int(value)
    try:
        # A plus sign that was not escaped in an address arrives as a space.
        at = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", value))
    except ValueError:
        raise ValueError(right) from None
    if at.tzinfo is None:
        raise ValueError(f"the time has no UTC offset; {right}")
    return to_ms(at)


Moment = Annotated[str, AfterValidator(moment)]


def iso(at_ms: int, timespec: str = "seconds") -> str:
    """With +07:00, Gregorian, to the second."""
    return local_time(at_ms).isoformat(timespec=timespec)
