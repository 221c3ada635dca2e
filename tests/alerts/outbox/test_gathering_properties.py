"""Whatever fires, ends, fails and restarts: who was to be told is told once of each matter, and never too often."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.channels import ChannelError
from alerts.outbox import timing
from classair.alerting.words import GROUP_MS
from tests.alerts.outbox.posting import HOUR, SEC, Post, alert

pytestmark = pytest.mark.thorough
PEOPLE = ("p0: {channel: paper, to: p0}", "p1: {channel: paper, to: p1, second: {channel: paper, to: mail}}")
NAMES = ("p0", "p1")

waits = st.sampled_from([1, 15, 30, 70, 200]).map(lambda seconds: ("wait", seconds * SEC))
fires = st.tuples(
    st.just("fire"), st.integers(0, 5), st.sampled_from(["s1", "s2"]), st.sampled_from(["info", "warning", "urgent"])
)
ends = st.tuples(st.just("end"), st.integers(0, 5))
faults = st.tuples(st.just("fault"), st.sampled_from(NAMES), st.booleans())
restarts = st.just(("restart",))
histories = st.lists(st.one_of(waits, waits, fires, fires, ends, faults, restarts), min_size=8, max_size=25)


# Urgent news 15 s after urgent news was sent, with a restart between them.
@example([("fire", 0, "s1", "urgent"), ("wait", 15 * SEC), ("restart",), ("fire", 1, "s1", "urgent")])
@given(histories)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everything_is_told_once_and_nobody_twice_within_a_minute(paper: Any, history: list[tuple[Any, ...]]) -> None:
    paper.PILES.clear()
    paper.FAULTS.clear()
    with tempfile.TemporaryDirectory() as folder:
        it = Post(Path(folder), *PEOPLE)
        try:
            _play(it, paper, history)
        finally:
            it.close()


def _play(it: Post, paper: Any, history: list[tuple[Any, ...]]) -> None:
    open_now: dict[int, Any] = {}
    lasting: list[str] = []
    number = 0
    for what, *values in history:
        if what == "wait":
            it.after(values[0])
        elif what == "fire" and values[0] not in open_now:
            number += 1
            open_now[values[0]] = alert(f"a{number}", values[1], values[2], at=it.now)
            it.tell(open_now[values[0]], NAMES)
        elif what == "end" and values[0] in open_now:
            over = open_now.pop(values[0])
            it.withdraw(over)
            it.tell(over, NAMES, "recovered")
        elif what == "fault":
            paper.FAULTS[values[0]].append(ChannelError("no", permanent=values[1] and values[0] == "p1"))
        elif what == "restart":
            it.restart()
    lasting = [one.id for one in open_now.values()]
    it.after(2 * HOUR)
    assert not it.outbox.waiting()
    items = it.rows(
        "select n.person, i.alert, i.stage, n.state, n.site, n.id from notification n "
        "join notification_item i on i.notification=n.id"
    )
    told = [(person, about, stage) for person, about, stage, state, *_ in items if state == "delivered"]
    assert len(told) == len(set(told))  # nothing twice
    for name in NAMES:
        for about in lasting:
            assert (name, about, "fired") in told  # nothing that lasts is told to nobody
    for name, about, stage in told:
        assert stage == "fired" or (name, about, "fired") in told  # no end without its beginning
    sent = it.rows(
        "select n.person, n.site, min(a.at), max(a.at) from notification n join attempt a on a.notification=n.id "
        "group by n.id order by 1, 2, 3"
    )
    for (person, site, first, _), (other, where, second, _) in pairwise(sent):
        assert (person, site) != (other, where) or second - first >= GROUP_MS
    assert all(state in ("delivered", "dropped") for (state,) in it.rows("select state from notification"))


@given(st.integers(0, 400), st.integers(1, 3), st.sets(st.integers(0, 2)), st.booleans())
def test_each_way_is_tried_until_it_refuses_for_good(attempts: int, ways: int, refused: set[int], urgent: bool) -> None:
    number = timing.way_of(attempts, ways, refused, urgent)
    left = set(range(ways)) - refused
    assert (number is None) == (not left) and (number is None or number in left)
    if left:
        assert {timing.way_of(attempts + more, ways, refused, urgent) for more in range(12)} == left
