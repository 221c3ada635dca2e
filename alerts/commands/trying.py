"""Walks a person through what a purifier must do in a school: expiry, meter, mains return, button."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from alerts.commands.talk import Talk
from alerts.commands.words import Words
from alerts.purifiers import Purifier, Said

ANSWER_S: Final = 10.0
DRAW_S: Final = 20.0  # a purifier that has power draws it by then
DRAWS_W: Final = 2.0
LEASE_S: Final = 600
TRIES: Final = 3
ALONE_MIN: Final = 2.0  # one that is killed gives the purifier back to control so soon
AGAIN_S: Final = 30.0
LONGEST_S: Final = 900.0  # also for a person who has gone away


@dataclass(frozen=True, slots=True)
class Hand:
    """How the person works: `at_once` without the Enter key, and how long each of their acts may take."""

    at_once: bool
    patience_s: float
    expiry_s: int


@dataclass(slots=True)
class _Walk:
    talk: Talk
    unit: Purifier
    words: Words
    hand: Hand
    failed: int = 0

    def step(self, key: str) -> None:
        """Says what comes, and waits until the person is ready."""
        self.words.say(f"try.{key}")
        if not self.hand.at_once:
            input(self.words.text("try.enter") + " ")
        self.talk.forget()

    def passed(self, key: str, **seen: object) -> None:
        self.words.say("try.passed", seen=self.words.text(f"seen.{key}", **seen))

    def missed(self, key: str, **seen: object) -> None:
        self.failed += 1
        self.words.say("try.missed", seen=self.words.text(f"seen.{key}", **seen))

    def skipped(self, key: str, **seen: object) -> None:
        self.words.say("try.skipped", seen=self.words.text(f"seen.{key}", **seen))

    def ordered_on(self, seconds: float) -> Said | None:
        self.talk.switch(True, LEASE_S)
        return self.asked_until(lambda said: said.on is True, seconds)

    def asked_until(self, wanted: Callable[[Said], bool], seconds: float) -> Said | None:
        """Asks every few seconds until something wanted is said."""
        left = seconds
        while left > 0:
            self.talk.ask()
            if found := self.talk.until(wanted, min(3.0, left)):
                return found
            left -= 3.0
        return None


def walk(talk: Talk, name: str, unit: Purifier, words: Words, hand: Hand) -> int:
    """0 when all that it can is as it should be, else 1."""
    it = _Walk(talk, unit, words, hand)
    if not talk.leave_alone(name, ALONE_MIN):
        words.say("try.alerts_away")
    try:
        with _left_alone(talk, name):
            if _answers(it):
                _expiry(it)
                _meter(it)
                _mains_return(it)
                _button(it)
    finally:
        talk.switch(False)
        talk.leave_alone(name, 0)
    words.say("try.some_missed" if it.failed else "try.all_passed", count=it.failed)
    return 1 if it.failed else 0


@contextmanager
def _left_alone(talk: Talk, name: str) -> Iterator[None]:
    """Asks control again and again to wait."""
    over, until = threading.Event(), time.monotonic() + LONGEST_S

    def ask() -> None:
        while not over.wait(AGAIN_S) and time.monotonic() < until:
            talk.leave_alone(name, ALONE_MIN)

    asking = threading.Thread(target=ask, name="left-alone", daemon=True)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()


def _answers(it: _Walk) -> bool:
    it.step("answer")
    it.talk.switch(False)
    it.talk.ask()
    told = it.talk.until(lambda said: said.on is not None, ANSWER_S)
    if told is None:
        it.missed("silent")
        return False
    it.passed("answer")
    return True


def _expiry(it: _Walk) -> None:
    it.step("expiry")
    it.talk.switch(True, it.hand.expiry_s)
    began = it.talk.until(lambda said: said.on is True, ANSWER_S)
    if began is None:
        it.missed("not_on")
        return
    if not it.unit.traits.expires:
        it.skipped("no_expiry")
        return
    ended = it.talk.until(lambda said: said.on is False, it.hand.expiry_s + ANSWER_S, after=began)
    if ended is None:
        it.missed("runs_on", seconds=it.hand.expiry_s)
    else:
        it.passed("expired", seconds=it.hand.expiry_s)


def _meter(it: _Walk) -> None:
    it.step("meter")
    it.talk.switch(True, LEASE_S)
    told = it.asked_until(lambda said: said.watts is not None and said.watts > DRAWS_W, DRAW_S)
    if told is not None:
        it.passed("draws", watts=round(told.watts or 0))
    elif it.talk.until(lambda said: said.watts is not None, 0.0) is not None:
        it.missed("draws_nothing")
    else:
        it.skipped("no_meter")


def _mains_return(it: _Walk) -> None:
    it.talk.switch(True, LEASE_S)
    it.step("mains_return")
    told = it.talk.until(lambda said: said.online is True or said.by == "start", it.hand.patience_s)
    if told is None:
        it.missed("not_back")
        return
    it.talk.forget()
    # It says that it is there before it hears: an order at that moment may be lost.
    tries = (it.ordered_on(ANSWER_S / TRIES) for _ in range(TRIES))
    if not any(tries):
        it.missed("not_on")
        return
    draws = it.asked_until(lambda said: said.watts is not None and said.watts > DRAWS_W, DRAW_S)
    if draws is not None:
        it.passed("back")
    elif it.talk.until(lambda said: said.watts is not None, 0.0) is not None:
        it.missed("stays_off")
    else:
        it.skipped("look_at_it")


def _button(it: _Walk) -> None:
    it.step("button")
    told = it.talk.until(lambda said: said.on is False, it.hand.patience_s)
    if told is None:
        it.missed("no_press")
    elif told.by == "person":
        it.passed("named")
    elif it.unit.traits.names_people or it.unit.prepare():
        it.missed("not_named")
    else:
        it.skipped("names_nobody")
