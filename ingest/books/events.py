"""Events that schools note, asked for on a page or through the API: kept for ever, withdrawn rather than deleted."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from classair.config import Config
from classair.stores import events
from classair.stores.events import SchoolEvent
from classair.units import DAY_MS
from classair.wire import Ask, FullId, Id

ADD, WITHDRAW = "event_add", "event_withdraw"
LONGEST_MS: Final = 400 * DAY_MS
AHEAD_MS: Final = 366 * DAY_MS
EARLIEST_MS: Final = 1_420_070_400_000  # 2015: before it no school had these sensors


class EventRejected(ValueError):
    """Why an event was not kept, in words."""


Words = Annotated[str, StringConstraints(max_length=events.NOTE_LENGTH, strip_whitespace=True)]


class EventWish(BaseModel):
    """`room` empty: the whole school. Times are UTC ms; an event without an end is a moment.

    An experiment is of one room, has a question, and a result where it has ended with one; nothing else has them.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    site: Id
    room: FullId | Literal[""] = ""
    kind: str
    start: Annotated[int, Field(strict=True, ge=EARLIEST_MS)]
    end: Annotated[int, Field(strict=True)] | None = None
    note: Words = ""
    question: Words = ""
    result: Words = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind not in events.KINDS:
            raise ValueError(f"kind: expected one of {', '.join(events.KINDS)}")
        if self.room and self.room.partition(".")[0] != self.site:
            raise ValueError("room: must belong to the same school")
        if self.end is not None and not 0 < self.end - self.start <= LONGEST_MS:
            raise ValueError("end: must be after start, by at most 400 days")
        for name in ("note", "question", "result"):
            if not getattr(self, name).isprintable():
                raise ValueError(f"{name}: expected one line of plain text")
        experiment = self.kind == "experiment"
        if experiment and not (self.question and self.room):
            raise ValueError("question: an experiment has a question and a room")
        if not experiment and (self.question or self.result):
            raise ValueError("question: only an experiment has a question and a result")
        return self


class NotedEvents:
    """The table `event`; `decide` inside a transaction of its owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        events.make_table(connection)

    def decide(self, ask: Ask, config: Config, now_ms: int) -> tuple[SchoolEvent, bool]:
        """Does what is asked; the same ask again returns what it has made. The second: whether that changed anything.

        Raises EventRejected.
        """
        return self._withdrawn(ask, now_ms) if ask.do == WITHDRAW else self._added(ask, config, now_ms)

    def _added(self, ask: Ask, config: Config, now_ms: int) -> tuple[SchoolEvent, bool]:
        there = events.find(self._connection, ask.id)
        if there is not None:
            return there, False
        try:
            wish = EventWish.model_validate(ask.args)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise EventRejected(
                f"{where + ': ' if where else ''}{fault['msg'].removeprefix('Value error, ')}"
            ) from None
        if wish.site not in config.sites:
            raise EventRejected(f"site: {wish.site!r} is not in sensors.yaml")
        if wish.room and not config.has_room(wish.room):
            raise EventRejected(f"room: {wish.room!r} is not in sensors.yaml")
        if wish.start > now_ms + AHEAD_MS:
            raise EventRejected("start: must not be more than a year ahead")
        made = SchoolEvent(
            ask.id,
            wish.site,
            wish.room,
            wish.kind,
            wish.start,
            wish.start + 1 if wish.end is None else wish.end,
            wish.note,
            ask.who,
            now_ms,
            question=wish.question,
            result=wish.result,
        )
        events.put(self._connection, made)
        return made, True

    def _withdrawn(self, ask: Ask, now_ms: int) -> tuple[SchoolEvent, bool]:
        there = events.find(self._connection, str(ask.args.get("id", "")))
        if there is None:
            raise EventRejected("id: there is no such event")
        if not there.valid:
            return there, False
        gone = replace(there, withdrawn_by=ask.who or "unknown", withdrawn_at=now_ms)
        events.put(self._connection, gone)
        return gone, True
