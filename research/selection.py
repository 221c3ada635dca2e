"""One question about the past, the same for the explorer's link, an export's request and the API.

Two selections that mean the same have one canonical text and so one id; that is what a link or a package names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from classair.dates import Day
from classair.model import QUANTITIES
from classair.timetable import ZONE, to_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from classair.wire import FullId

Step = Literal["reading", "1m", "5m", "15m", "30m", "1h", "1d"]
STEP_MS: Final[Mapping[str, int]] = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "1d": DAY_MS,
}
"""`reading` is each reading as measured, without averaging; days are local days."""

MethodId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class SelectionRefused(ValueError):
    """A selection that means nothing; `faults` say where and what would be right.

    wrong: the same for pages, which have words of their own for it: the field and what is wrong with it.
    """

    def __init__(self, faults: list[str], wrong: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__("; ".join(faults))
        self.faults, self.wrong = faults, tuple(wrong)


FIELD_OF: Final[Mapping[str, str]] = {
    "last_before_first": "last",
    "slow_step": "step",
    "method_of_readings": "method",
    "columns_of_readings": "columns",
}
"""Where a fault between two fields is told."""


def wrong_fields(error: ValidationError) -> list[tuple[str, str]]:
    """Which fields of a form are wrong, each once with what is wrong: a key of FIELD_OF, `too_short`, or `form`."""
    found: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_input=False):
        kind = fault["type"]
        field = FIELD_OF.get(kind) or str(fault["loc"][0] if fault["loc"] else "")
        found.setdefault(field, kind if kind in FIELD_OF or kind == "too_short" else "form")
    return list(found.items())


class Selection(BaseModel):
    """What is wanted: which rooms and quantities, from one local day to another (both included), how averaged.

    method: `none` for what the sensors said, `accepted` for the correction each sensor's school has accepted, or the
    key of a method such as `epa2021_atm`. lesson: only lesson time by each room's timetable and calendar.
    completeness: the share of its time that a mean must cover to be given, 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rooms: Annotated[tuple[FullId, ...], Field(min_length=1, max_length=500)]
    quantities: Annotated[tuple[str, ...], Field(min_length=1, max_length=len(QUANTITIES))] = ("pm25",)
    first: Day
    last: Day
    step: Step = "1h"
    method: MethodId = "none"
    lesson: bool = False
    completeness: Annotated[float, Field(ge=0, le=1)] = 0.75

    @field_validator("rooms")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @field_validator("quantities")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(QUANTITIES))
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)}; known: {', '.join(QUANTITIES)}")
        return tuple(key for key in QUANTITIES if key in value)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError("last_before_first", "the last day must not be before the first")
        slow = [key for key in self.quantities if not QUANTITIES[key].shown]
        if slow and self.step in ("1m", "5m", "15m", "30m"):
            raise PydanticCustomError(
                "slow_step",
                "{names}: only averaged by hour and day; choose step reading, 1h or 1d",
                {"names": ", ".join(slow)},
            )
        return self

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From JSON or from the keys of an address, where lists are joined by commas. Raises SelectionRefused."""
        given: dict[str, Any] = {}
        for key, value in values.items():
            if key in ("rooms", "quantities") and isinstance(value, str):
                value = [part for part in value.split(",") if part]
            given[key] = value
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise SelectionRefused(
                [
                    f"{'.'.join(map(str, fault['loc'])) or 'selection'}: "
                    + ("choose at least one" if fault["type"] == "too_short" else fault["msg"]).removeprefix(
                        "Value error, "
                    )
                    for fault in error.errors(include_url=False, include_input=False)
                ],
                wrong_fields(error),
            ) from None

    @property
    def step_ms(self) -> int:
        """Milliseconds of the step; 0 for each reading."""
        return STEP_MS.get(self.step, 0)

    @property
    def start_ms(self) -> int:
        return to_ms(datetime.combine(self.first, time(), ZONE))

    @property
    def end_ms(self) -> int:
        """The local midnight behind the last day."""
        return to_ms(datetime.combine(self.last + timedelta(days=1), time(), ZONE))

    def days(self) -> list[date]:
        """Every local day, in order."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def canonical(self) -> bytes:
        """The one text of what is meant: sorted keys, no spaces, UTF-8."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that name this selection."""
        return hashlib.sha256(self.canonical()).hexdigest()[:16]

    def query(self) -> str:
        """The keys of a link that reproduces it; what is as by default is left out."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        return urlencode(
            {
                key: ",".join(value) if isinstance(value, list) else ("1" if value is True else value)
                for key, value in said.items()
            },
            safe=",:",
        )
