"""Sets a device up, reads each setting back, and takes away commands that wait for it at the broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alerts.commands.talk import Talk
from alerts.commands.words import Words
from alerts.purifiers import Publish, Purifier

ANSWER_S: Final = 5.0
TRIES: Final = 2
LEASE_S: Final = 300


def clear(talk: Talk, found: Mapping[str, bytes]) -> None:
    """An empty retained message takes the one at the broker away."""
    talk.send([Publish(topic, "") for topic in found], retain=True)


def prepare(talk: Talk, unit: Purifier, words: Words, found: Mapping[str, bytes], left: Mapping[str, bytes]) -> int:
    """Reports each step; 0 when all is set. `found`: what was retained and was cleared, `left` what still is."""
    say, word = words.say, words.text
    failed = False
    for topic, payload in found.items():
        failed |= topic in left
        text = payload[:60].decode("utf-8", "replace")
        shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)  # for a terminal
        say("retained_left" if topic in left else "retained", topic=topic, payload=shown)
    if not found:
        say("none_retained")
    steps = unit.prepare()
    for number, step in enumerate(steps, 1):
        verdict = None
        for _ in range(TRIES):
            talk.forget()
            talk.send([step.order])
            verdict = talk.verdict(step.answer, ANSWER_S)
            if verdict is not None:
                break
        if verdict is None and number == 1:
            say("silent")
            return 1
        outcome = "ok" if verdict else "lacking" if step.optional else "failed" if verdict is False else "unanswered"
        failed |= outcome in ("failed", "unanswered")
        say(f"outcome.{outcome}", number=number, count=len(steps), step=word(f"step.{step.key}"))
    if not steps:
        say("no_steps")
    if found:
        _bound_again(talk, unit, words)
    say("some_failed" if failed else "all_set")
    return 1 if failed else 0


def _bound_again(talk: Talk, unit: Purifier, words: Words) -> None:
    """Clearing reaches the device as an empty command, which may have ended its timer: an ON gets one again."""
    talk.forget()
    talk.ask()
    told = talk.until(lambda said: said.on is not None, ANSWER_S)
    if told is not None and told.on and unit.traits.expires:
        talk.switch(True, LEASE_S)
        words.say("bound_again")
