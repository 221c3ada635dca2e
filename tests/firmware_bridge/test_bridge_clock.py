"""The bridge's clock: injected kernel, wall and elapsed time."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge import clock as clock_module
from firmware_bridge.clock import BUILT_MS, LONGEST_TRIP_S, TRUSTED_FOR_S, Clock, boot_id, elapsed, kernel_synchronised

NOW_MS = BUILT_MS + 20 * 86_400_000


class World:
    """Elapsed and wall time of a machine, and whether its kernel's clock is disciplined."""

    def __init__(self, wall_ms: float = NOW_MS, synchronised: bool = False) -> None:
        self.elapsed_s, self.wall_ms, self.synchronised = 100.0, float(wall_ms), synchronised
        self.clock = Clock(
            elapsed=lambda: self.elapsed_s, wall=lambda: self.wall_ms / 1000, synchronised=lambda: self.synchronised
        )

    def passes(self, seconds: float) -> None:
        self.elapsed_s += seconds
        self.wall_ms += seconds * 1000

    def server_answers(self, server_ms: float, trip_s: float) -> bool:
        """A question goes out, and is answered with the server's time of the middle of the trip."""
        name = self.clock.question()
        assert name is not None
        self.passes(trip_s)
        return self.clock.answer(name, round(server_ms - trip_s * 500), self.elapsed_s)


def test_a_synchronised_kernel_is_believed_and_nobody_is_asked() -> None:
    world = World(synchronised=True)
    assert world.clock.date(99.0) == (NOW_MS - 1000, "sync")
    assert world.clock.question() is None


def test_a_wall_clock_that_nobody_disciplines_is_never_believed_however_likely_it_looks() -> None:
    world = World()
    world.passes(86_400)
    assert world.clock.date(100.0) is None
    assert world.clock.quality == "unknown"


def test_what_the_kernel_knew_is_held_over_when_it_stops_knowing_and_the_wall_clock_is_then_stepped() -> None:
    world = World(synchronised=True)
    assert world.clock.quality == "sync"
    world.synchronised = False
    world.wall_ms -= 3_600_000
    world.passes(10)
    assert world.clock.date(world.elapsed_s) == (NOW_MS + 10_000, "holdover")


def test_two_clocks_read_with_a_pause_between_them_are_not_believed() -> None:
    elapsed_s = iter([100.0 + 3 * look for look in range(1000)])
    standing = Clock(elapsed=lambda: next(elapsed_s), wall=lambda: NOW_MS / 1000, synchronised=lambda: True)
    assert standing.date(100.0) is None


def test_what_was_measured_before_the_server_answered_gets_the_servers_time_and_not_a_guess() -> None:
    world = World(wall_ms=NOW_MS + 3_600_000)
    assert world.clock.date(100.0) is None
    assert world.server_answers(NOW_MS, trip_s=0.0)
    assert world.clock.date(100.0) == (NOW_MS, "server")


def test_a_clock_before_the_build_date_is_no_clock() -> None:
    world = World(wall_ms=0)
    assert world.clock.date(100.0) is None
    assert world.clock.quality == "unknown"


def test_a_kernel_that_claims_to_be_synchronised_in_1970_is_not_believed() -> None:
    assert World(wall_ms=0, synchronised=True).clock.date(100.0) is None


def test_the_servers_time_is_taken_from_the_middle_of_the_round_trip() -> None:
    world = World(wall_ms=0)
    assert world.server_answers(NOW_MS, trip_s=0.2)
    assert world.clock.date(world.elapsed_s) == (NOW_MS, "server")


def test_a_slow_answer_is_not_believed() -> None:
    world = World(wall_ms=0)
    assert not world.server_answers(NOW_MS, trip_s=LONGEST_TRIP_S + 0.1)
    assert world.clock.date(100.0) is None


def test_the_answer_of_the_shortest_trip_is_kept() -> None:
    world = World(wall_ms=0)
    world.server_answers(NOW_MS, trip_s=0.1)
    before = world.clock.offset()
    world.passes(3)
    assert not world.server_answers(NOW_MS + 60_000, trip_s=1.9)
    assert world.clock.offset() == before


def test_an_answer_to_somebody_elses_question_changes_nothing() -> None:
    world = World(wall_ms=0)
    assert world.clock.question() is not None
    assert not world.clock.answer("another", NOW_MS, world.elapsed_s)
    assert world.clock.date(100.0) is None


def test_a_server_in_1970_is_not_believed() -> None:
    assert not World(wall_ms=0).server_answers(1000.0, trip_s=0.1)


def test_the_server_is_asked_often_first_and_seldom_later() -> None:
    world = World()
    asked = []
    for _ in range(2000):
        name = world.clock.question()
        if name is not None:
            asked.append(world.elapsed_s)
            world.clock.answer(name, NOW_MS, world.elapsed_s)
        world.passes(1)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:2] == [2, 2]
    assert set(pauses[3:]) == {600}


def test_a_server_that_does_not_answer_for_an_hour_leaves_the_time_held_over() -> None:
    world = World(wall_ms=0)
    world.server_answers(NOW_MS, trip_s=0.1)
    world.passes(TRUSTED_FOR_S + 1)
    moment = world.clock.date(world.elapsed_s)
    assert moment is not None
    assert moment.quality == "holdover"
    assert moment.at_ms == NOW_MS + round((TRUSTED_FOR_S + 1) * 1000)


def test_a_step_of_the_wall_clock_does_not_move_the_servers_time() -> None:
    world = World()
    world.server_answers(NOW_MS, trip_s=0.1)
    before = world.clock.date(50.0)
    world.wall_ms += 86_400_000
    assert world.clock.date(50.0) == before


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(-1e9, 1e9), st.booleans()), max_size=30))
def test_no_history_of_steps_dates_anything_before_the_build(steps: list[tuple[float, float, bool]]) -> None:
    world = World(wall_ms=0)
    for seconds, jump_s, synchronised in steps:
        world.passes(seconds)
        world.wall_ms = max(world.wall_ms + jump_s * 1000, 0)
        world.synchronised = synchronised
        moment = world.clock.date(world.elapsed_s)
        if moment is not None:
            assert moment.at_ms >= BUILT_MS - 1
        assert (moment is None) == (world.clock.quality == "unknown")


def test_the_real_clocks_can_be_read() -> None:
    assert isinstance(kernel_synchronised(), bool)
    assert elapsed() <= elapsed()
    assert len(boot_id()) >= 7
    assert time.time() * 1000 > clock_module.BUILT_MS
