"""A state says since when its level holds: pages tell it, nobody else works it out."""

from __future__ import annotations

from classair.science.state import PM25, Measure, Track, follow

MINUTE = 60_000
START = 1_795_401_720_000


def walk(*values: tuple[int, float]) -> Track:
    """What is remembered after these (minute, mean) windows."""
    track = Track()
    for minute, mean in values:
        track = follow(track, Measure(START + minute * MINUTE, mean), PM25)
    return track


def test_a_level_holds_since_the_window_that_changed_it() -> None:
    assert walk((0, 10.0), (1, 11.0), (2, 12.0)).level_since == START
    assert walk((0, 10.0), (1, 60.0), (2, 61.0)).level_since == START + MINUTE, "two levels at once change at once"


def test_a_level_that_has_to_wait_holds_since_it_is_shown() -> None:
    waited = walk((0, 10.0), *((minute, 20.0) for minute in range(1, 8)))
    assert (waited.level, waited.level_since) == ("good", START + 6 * MINUTE)


def test_after_a_gap_a_level_begins_anew() -> None:
    assert walk((0, 10.0), (20, 10.0)).level_since == START + 20 * MINUTE
