"""What `classair check` advises of rules and people."""

from __future__ import annotations

from alerts.rules.advising import advice
from classair import config as configuration
from tests.alerts.rules.facts import SCHOOL

RULES = "rules:\n  dust: {kind: above, tell: [caretaker]}\n  air: {kind: co2_high}\n"


def _advice(channel: str, real: bool = True) -> list[str]:
    text = SCHOOL.replace("channel: console", channel) + RULES
    for number in range(3 if real else 0):
        text = text.replace("sim:classroom", f"/dev/ttyUSB{number}", 1).replace("sim:yard", "/dev/ttyS0")
    return list(advice(configuration.parse(text)))


def test_a_rule_that_tells_or_reaches_nobody_is_named() -> None:
    found = _advice("channel: console")
    assert any(line.startswith("rules.air: tells nobody") for line in found)
    assert any(line.startswith("rules.dust: reaches nobody") and "console" in line for line in found)
    assert not any("reaches nobody" in line for line in _advice("channel: console", real=False)), "a demo need not"


def test_a_person_told_of_urgent_things_by_one_way_alone_is_named() -> None:
    assert any(line.startswith("people.caretaker.second: ") for line in _advice("channel: line"))
    both = "channel: line, second: {channel: console}"
    assert not any(line.startswith("people.") for line in _advice(both))


def test_a_way_behind_one_that_takes_every_message_is_named_as_never_used() -> None:
    found = _advice("channel: console, second: {channel: line}")
    assert [line for line in found if line.startswith("people.")] == [
        "people.caretaker.second: is never used, because console takes every message; make line the channel and "
        "console the second"
    ]
    assert any(line.startswith("rules.dust: reaches nobody") for line in found)
