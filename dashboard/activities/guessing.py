"""Guess before you see: three questions about the class's newest day, and how near a guess was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from research.lesson_air import GOOD, LessonAir

Question = Literal["highest", "good", "outside"]
QUESTIONS: Final[tuple[Question, ...]] = ("highest", "good", "outside")
CHOICES: Final = ("lower", "same", "higher")
MOST: Final = {"highest": 500, "good": 100}
NEAR: Final = {"highest": 5, "good": 10}  # µg/m³, per cent
ALIKE_UGM3: Final = 3.0
"""Inside and outside that differ by less are alike: two sensors of one kind differ as much."""


class NoGuess(ValueError):
    """What was typed is no guess; the message is a key of activity.wrong."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the question's answer is: a number, or a word of CHOICES. `at_ms`: when, of the highest."""

    value: float | str
    at_ms: int | None = None


def truth(question: Question, air: LessonAir) -> Truth | None:
    """None where the data do not say."""
    if question == "highest":
        slot = air.highest
        return Truth(slot.pm25, slot.start_ms) if slot is not None and slot.pm25 is not None else None
    if question == "good":
        share = air.share_in(GOOD)
        return Truth(round(100 * share)) if share is not None else None
    means = air.paired_means
    if means is None:
        return None
    inside, outside = means
    if abs(inside - outside) < ALIKE_UGM3:
        return Truth("same")
    return Truth("lower" if inside < outside else "higher")


def guess_of(question: Question, typed: str) -> float | str:
    """Raises NoGuess."""
    if question == "outside":
        if typed not in CHOICES:
            raise NoGuess("choose")
        return typed
    try:
        value = float(typed.strip().replace(",", "."))  # takes Thai digits as well
    except ValueError:
        raise NoGuess("number") from None
    if not 0 <= value <= MOST[question]:
        raise NoGuess("range")
    return value


def verdict(question: Question, guess: float | str, real: Truth) -> str:
    """A key of activity.verdict: right, near, too_high, too_low, other."""
    if isinstance(guess, str) or isinstance(real.value, str):
        return "right" if guess == real.value else "other"
    off = guess - real.value
    if abs(off) < 0.5:
        return "right"
    if abs(off) <= NEAR[question]:
        return "near"
    return "too_high" if off > 0 else "too_low"
