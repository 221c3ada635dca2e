"""While somebody tries a purifier out, control leaves it alone, for a while and not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classair.wire import Answer, Ask
from tests.alerts.watched import CONFIG, MONDAY_NINE, TOPICS, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, CONFIG, MONDAY_NINE)
    yield made
    made.ledger.close()


def asked(house: House, number: str, **args: object) -> Answer:
    ask = Ask(id=number, do="trial", who="command line", args=args)
    house.watching.hear(TOPICS.ask("alerts", number), ask.model_dump_json().encode(), False, house.now)
    return Answer.model_validate_json(house._last(TOPICS.answer(number)))


def test_control_waits_and_goes_on_when_it_is_over(house: House) -> None:
    assert asked(house, "question-1", purifier="s1.fan", minutes=10).ok
    house.live(400, 80)
    assert house.watching.board.commands == 0
    assert asked(house, "question-2", purifier="s1.fan", minutes=0).ok
    house.live(5, 80)
    assert house.watching.board.commands > 0 and house.fan().on is True


def test_a_trial_that_nobody_ends_ends_by_itself(house: House) -> None:
    assert asked(house, "question-1", purifier="s1.fan", minutes=10).ok
    house.live(610, 80)
    assert house.fan().on is True


@pytest.mark.parametrize(
    "args", [{}, {"purifier": "s1.none", "minutes": 5}, {"purifier": "s1.fan", "minutes": 16}, {"purifier": "s1.fan"}]
)
def test_what_is_not_a_trial_is_refused(house: House, args: dict[str, object]) -> None:
    assert not asked(house, "question-1", **args).ok
