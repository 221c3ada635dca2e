"""One question about the past: its address, its canonical text, its id."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.model import QUANTITIES
from research.selection import STEP_MS, Selection, SelectionRefused

PLAIN: dict[str, Any] = {"rooms": ["ban-suan.p1-2"], "first": "2026-11-16", "last": "2026-11-20"}

selections = st.builds(
    lambda rooms, quantities, days, **rest: Selection.parse(
        {"rooms": rooms, "quantities": quantities, "first": min(days), "last": max(days), **rest}
    ),
    rooms=st.lists(st.from_regex(r"[a-z0-9-]{1,8}\.[a-z0-9-]{1,8}", fullmatch=True), min_size=1, max_size=4),
    quantities=st.lists(st.sampled_from(list(QUANTITIES)), min_size=1, max_size=4),
    days=st.tuples(*[st.dates(date(2015, 1, 1), date(2199, 12, 31))] * 2),
    step=st.sampled_from(["reading", "1h", "1d"]),
    method=st.sampled_from(["none", "accepted", "epa2021_atm"]),
    lesson=st.booleans(),
    completeness=st.sampled_from([0, 0.5, 0.75, 1]),
)


@given(selections)
def test_a_link_and_the_canonical_text_give_the_same_selection_again(selection: Selection) -> None:
    assert Selection.parse(dict(parse_qsl(selection.query()))) == selection
    again = Selection.parse(json.loads(selection.canonical()))
    assert (again, again.id) == (selection, selection.id)


def test_order_and_repetition_of_rooms_and_quantities_mean_nothing() -> None:
    one = Selection.parse({**PLAIN, "rooms": "a.b,c.d,a.b", "quantities": "co2_ppm,pm25"})
    two = Selection.parse({**PLAIN, "rooms": ["c.d", "a.b"], "quantities": ["pm25", "co2_ppm"]})
    assert one.canonical() == two.canonical()


def test_what_is_as_by_default_is_not_in_the_link() -> None:
    assert Selection.parse(PLAIN).query() == "rooms=ban-suan.p1-2&first=2026-11-16&last=2026-11-20"


def test_both_days_are_included_and_are_local_days() -> None:
    selection = Selection.parse(PLAIN)
    assert selection.end_ms - selection.start_ms == 5 * STEP_MS["1d"]
    assert selection.start_ms == 1_794_762_000_000  # 2026-11-15T17:00Z
    assert selection.days()[-1] == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rooms": []}, "rooms"),
        ({"rooms": "nowhere"}, "rooms"),
        ({"quantities": "pm2.5"}, "unknown pm2.5; known: pm25"),
        ({"last": "2026-11-01"}, "must not be before the first"),
        ({"first": "1999-01-01"}, "between 2015-01-01"),
        ({"step": "7m"}, "step"),
        ({"quantities": "n03", "step": "5m"}, "n03: only averaged by hour and day"),
        ({"completeness": 2}, "completeness"),
        ({"method": "../x"}, "method"),
        ({"wish": 1}, "wish"),
    ],
)
def test_a_selection_that_means_nothing_is_refused_with_its_place(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SelectionRefused) as refused:
        Selection.parse({**PLAIN, **wrong})
    assert said in str(refused.value)


@pytest.mark.parametrize("missing", ["rooms", "quantities"])
def test_an_empty_choice_is_told_in_plain_words(missing: str) -> None:
    asked = {"rooms": "hill.r1", "quantities": "pm25", "first": "2026-11-23", "last": "2026-11-24", missing: ""}
    with pytest.raises(SelectionRefused, match=f"^{missing}: choose at least one$"):
        Selection.parse(asked)
