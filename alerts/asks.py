"""Requests of other services to alerts: manual overrides, and whatever the table of handlers knows.

Each request is executed once, however often it arrives.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.answering import Handler, Refused
from alerts.control.switchboard import Matter, Occupied, Say, Switchboard
from alerts.homeassistant import ASK_PREFIX, WHO
from alerts.ledger import Ledger
from classair.accounts import HOME_ASSISTANT
from classair.wire import Answer, Ask, FullId, Topics

log = logging.getLogger(__name__)

REMEMBERED: Final = 500
_ANSWERED: Final = "insert or replace into answered values(?,?,?)"
LONGEST_MIN: Final = 720
LONGEST_TRIAL_MIN: Final = 15
SECOND_MS: Final = 1_000


class OverrideRequest(BaseModel):
    """`do`: on, off, or auto (the signal decides again). Without `minutes` as long as the rule says.

    Whatever is asked, the rule's limits hold: the answer says when the override really ends, and whether that is
    earlier than was asked.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    purifier: FullId
    do: Literal["on", "off", "auto"]
    minutes: Annotated[float, Field(gt=0, le=LONGEST_MIN)] | None = None


class TrialRequest(BaseModel):
    """`minutes`: for how long control leaves the purifier alone; 0 ends it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    purifier: FullId
    minutes: Annotated[float, Field(ge=0, le=LONGEST_TRIAL_MIN)]


class Asks:
    """`handlers`: what is asked beside orders to purifiers, by the word of `Ask.do`; others add theirs."""

    def __init__(self, ledger: Ledger, board: Switchboard, say: Say, told: Callable[[list[Matter], int], None]) -> None:
        self._ledger, self._board, self._say, self._told = ledger, board, say, told
        self.handlers: dict[str, Handler] = {}
        self._writing: set[str] = set()  # done, and answered as soon as it is on disk
        self._given: OrderedDict[str, str] = OrderedDict()

    def hear(self, topic: str, payload: bytes, topics: Topics | None, occupied: Occupied, now: int) -> str | None:
        """Does what is asked and answers once it is on disk. Returns the room concerned, None when nothing was done."""
        if topics is None:
            return None
        try:
            ask = Ask.model_validate_json(payload)
        except ValidationError:
            log.warning("request_rejected reason=malformed")
            return None
        from_home_assistant = topic == topics.ask("alerts", HOME_ASSISTANT) and ask.id.startswith(ASK_PREFIX)
        if topic != topics.ask("alerts", ask.id) and not from_home_assistant:
            log.warning("request_rejected reason=id_differs_from_topic")
            return None
        if from_home_assistant:
            ask = ask.model_copy(update={"who": WHO})  # what it says of others it cannot know
        answer_topic = topics.answer(ask.id)
        if ask.id in self._writing:
            return None
        given = self._given.get(ask.id) or self._ledger.answered(ask.id)
        if given is not None:
            self._say(answer_topic, given)
            return None
        if ask.do == "trial" and not from_home_assistant:
            self._try_out(ask, answer_topic, now)
            return None
        if ask.do in self.handlers and not from_home_assistant:
            self._handle(ask, answer_topic, now)
            return None
        if ask.do != "override":
            known = ", ".join(sorted(("override", "trial", *self.handlers)))
            self._refuse(ask, answer_topic, f"unknown request {ask.do!r}; known: {known}")
            return None
        try:
            wish = OverrideRequest.model_validate(ask.args)
        except ValidationError as error:
            self._refuse(ask, answer_topic, _fault(error))
            return None
        on = {"on": True, "off": False, "auto": None}[wish.do]
        try:
            room, state, matters = self._board.order(wish.purifier, on, wish.minutes, ask.who, occupied, now)
        except KeyError:
            self._refuse(ask, answer_topic, f"{wish.purifier} is not a purifier in sensors.yaml")
            return None
        self._told(matters, now)
        log.info("override_set purifier=%s command=%s until=%s", wish.purifier, wish.do, state.override_until)
        until = state.override_until
        asked_until = None if on is None or wish.minutes is None else now + round(wish.minutes * 60_000)
        result = {
            "purifier": wish.purifier,
            "do": wish.do,
            "mode": state.mode,
            "override_until": until,
            "shortened": asked_until is not None and until is not None and until < asked_until - SECOND_MS,
        }
        answer = self._answer(ask, True, result)
        self._ledger.write(
            "insert or replace into override values(?,?,?,?,?,?,?)",
            ask.id,
            wish.purifier,
            now,
            wish.do,
            state.override_until,
            ask.who,
            answer,
        )
        if self._ledger.failing:
            self._say(answer_topic, answer)  # it is in force, although the disk cannot keep it
        else:
            self._ledger.after(lambda: self._say(answer_topic, answer))
        return room

    def _handle(self, ask: Ask, topic: str, now: int) -> None:
        """By the table: what is done and the answer are on disk together before the answer is said."""
        try:
            done = self.handlers[ask.do](ask, now)
        except (Refused, ValidationError) as error:
            self._refuse(ask, topic, _fault(error) if isinstance(error, ValidationError) else str(error))
            return
        log.info("request_done do=%s", ask.do)
        answer = self._answer(ask, True, done.result)

        def on_disk() -> None:
            self._writing.discard(ask.id)
            self._say(topic, answer)
            if done.then is not None:
                done.then()

        self._writing.add(ask.id)
        self._ledger.together([*done.statements, (_ANSWERED, (ask.id, now, answer))], on_disk)

    def _try_out(self, ask: Ask, topic: str, now: int) -> None:
        """A person is at the device and tries it out: control waits for so many minutes, 0 for no longer."""
        try:
            wish = TrialRequest.model_validate(ask.args)
            self._board.try_out(wish.purifier, now + round(wish.minutes * 60_000) if wish.minutes else 0)
        except (ValidationError, KeyError):
            self._refuse(ask, topic, f"expected purifier and minutes, at most {LONGEST_TRIAL_MIN}")
            return
        log.info("purifier_on_trial purifier=%s minutes=%g", wish.purifier, wish.minutes)
        self._say(topic, self._answer(ask, True, {}))

    def _refuse(self, ask: Ask, topic: str, why: str) -> None:
        self._say(topic, self._answer(ask, False, {}, why))

    def _answer(self, ask: Ask, ok: bool, result: dict[str, Any], error: str = "") -> str:
        text = Answer(id=ask.id, ok=ok, result=result, error=error).model_dump_json()
        self._given[ask.id] = text
        while len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
        return text


def _fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
