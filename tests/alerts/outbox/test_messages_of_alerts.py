"""How many messages arrive: real alerts, real outbox, real delivery threads, at a time that the test sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from alerts.lifecycle.board import AlertBoard
from alerts.lifecycle.model import Sight
from classair import config as configuration
from tests.alerts.notified import HOUR, MIN, TWO_PEOPLE, bridge, silent
from tests.alerts.outbox.posting import Post

ROOMS = "".join(f"      k{number}: {{name: Room {number}, volume_m3: 180}}\n" for number in range(40))
TOWN = TWO_PEOPLE.replace("      r1: {name", f"{ROOMS}      r1: {{name")
BEHIND = ("bridge:s1.pi",)


class School:
    def __init__(self, post: Post, paper: Any) -> None:
        self.post, self.piles = post, paper.PILES
        text = TOWN
        for person in ("teacher", "head", "officer"):
            text = text.replace(f"{person}: {{channel: console", f"{person}: {{channel: paper, to: {person}")
        post.config = configuration.parse(text)
        assert post.outbox.follow(post.config) == []
        self.board = AlertBoard(post.ledger, post.outbox)
        self.board.follow(post.config, post.now)

    def live(self, ms: int, *sights: Sight) -> None:
        for _ in range(0, ms, MIN):
            self.board.see(sights, self.post.now)
            self.post.after(MIN)

    def restart(self) -> None:
        self.post.restart()
        self.board = AlertBoard(self.post.ledger, self.post.outbox)
        self.board.follow(self.post.config, self.post.now)

    def messages(self) -> int:
        return sum(len(pile) for pile in self.piles.values())


@pytest.mark.thorough
def test_a_dead_bridge_with_forty_rooms_makes_two_messages_for_two_people(
    post: Callable[..., Post], paper: Any
) -> None:
    school = School(post(), paper)
    rooms = [silent(f"s1.k{number}", True, BEHIND) for number in range(40)]
    school.live(HOUR, bridge("s1.pi", True), *rooms)
    school.restart()
    school.live(HOUR, bridge("s1.pi", True), *rooms)
    assert school.messages() == 2
    assert school.board.told_at("s1.k7") is not None, "the wall may say that somebody was notified"
    school.live(HOUR, bridge("s1.pi", False), *(replace(room, holds=False) for room in rooms))
    assert school.messages() == 4


@pytest.mark.thorough
def test_a_sensor_that_speaks_every_sixteen_minutes_for_eight_hours_makes_four_messages_for_two_people(
    post: Callable[..., Post], paper: Any
) -> None:
    school = School(post(), paper)
    for _ in range(30):
        spoke = school.post.now
        school.live(3 * MIN, silent("s1.k1", False))
        school.live(13 * MIN, replace(silent("s1.k1", True), since=spoke))
    assert school.messages() == 2
    school.live(HOUR, silent("s1.k1", False))
    assert school.messages() == 4


@pytest.mark.thorough
def test_forty_rooms_that_fall_silent_one_by_one_within_a_minute_are_one_message_a_person(
    post: Callable[..., Post], paper: Any
) -> None:
    school = School(post(), paper)
    begun = school.post.now
    for _ in range(20 * 6):
        now = school.post.now
        rooms = [silent(f"s1.k{n}", True) for n in range(40) if now >= begun + n * 1000]
        school.board.see(rooms, now)
        school.post.after(10_000)
    assert school.messages() <= 2 * 2  # the first one goes at once, or with all the others
