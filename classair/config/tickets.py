"""Reported problems: how they are numbered, which hours count, and who is in charge of which."""

from __future__ import annotations

from datetime import time
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from classair.config.notifying import Place
from classair.config.purifiers import Part
from classair.config.scalars import HoursOfDay
from classair.config.titles import Title
from classair.timetable import HoursOfDay as Hours
from classair.wire import Id

TicketKind = Literal[
    "smoke",
    "burning",
    "purifier_dead",
    "purifier_loud",
    "wrong_value",
    "display_dark",
    "stuffy",
    "filter_dirty",
    "data_request",
    "other",
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class TicketUnit(Part):
    """Who works on reports of these `kinds` at these `places` (`<site>` or `<site>.<room>`); empty is all of them.

    `people` are reminded first, the `supervisor` when little time is left; both are ids of `people:`.
    """

    name: Title
    people: Annotated[list[str], Field(min_length=1, max_length=20)]
    supervisor: str = ""
    kinds: list[TicketKind] = []
    places: list[Place] = []


class OfficeSettings(Part):
    """When the office works. Holidays of `school_years:` and `calendar:` are free; school holidays are not."""

    days: Annotated[list[Day], Field(min_length=1)] = ["mon", "tue", "wed", "thu", "fri"]
    open: Annotated[list[HoursOfDay], Field(min_length=1, max_length=6)] = [Hours(time(8, 30), time(16, 30))]

    @field_validator("open")
    @classmethod
    def _apart(cls, spans: list[Hours]) -> list[Hours]:
        ordered = sorted(spans, key=lambda span: span.start)
        for one, following in pairwise(ordered):
            if following.start < one.end:
                raise ValueError("the spans overlap")
        return ordered


class TicketSettings(Part):
    """`hours: clock` counts every hour from receipt, `office` only those in which the office is open.

    `prefix` stands in front of each number; empty: the initials of `org`.
    """

    prefix: Annotated[str, Field(pattern=r"^([A-Za-zก-ฮ]{1,6})?$")] = ""
    hours: Literal["clock", "office"] = "clock"
    office: OfficeSettings = OfficeSettings()
    units: dict[Id, TicketUnit] = {}
