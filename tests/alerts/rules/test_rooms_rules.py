"""Rules about a room's air: what holds, what is over, and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle.model import Sight
from alerts.rules.facts import RoomNow, World
from tests.alerts.rules.facts import MIN, NOW, alert_of, dust, looking, open_now, room, seen

ABOVE = "dust: {kind: above, tell: [caretaker]}"
R1 = "s1.r1"


def _one(sights: Sequence[Sight], part: str = "") -> bool | None:
    found = [sight for sight in sights if sight.key.part == part]
    assert len(found) <= 1
    return found[0].holds if found else False


def _following(rule: str, rooms: Sequence[RoomNow]) -> list[bool | None]:
    """What an open alert is told of each of these moments."""
    rules = looking(rule)
    alerts = [alert_of(sight) for sight in seen(looking(rule), [room(R1, dust(60.0), co2=5000)])]
    return [_one(seen(rules, [one], alerts=alerts)) for one in rooms]


def test_a_value_holds_from_above_its_limit_until_below_the_clear_band() -> None:
    values = (37.5, 37.6, 35.0, 30.1, 29.9, 36.0, 37.5)
    assert _following(ABOVE, [room(R1, dust(value)) for value in values]) == [
        None,  # in the band, and nobody knows from where it came
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_the_value_is_judged_as_it_stands_on_the_screen() -> None:
    assert _following(ABOVE, [room(R1, dust(37.54)), room(R1, dust(37.55))]) == [None, True]


@pytest.mark.parametrize("status", ["late", "filling", "warming_up", "suspect", "unknown", "none"])
def test_a_value_that_is_not_current_is_unknown_and_never_over(status: str) -> None:
    old = dust(10.0, status=status) if status == "late" else dust(None)
    assert _following(ABOVE, [room(R1, dust(60.0)), room(R1, old)]) == [True, None]


def test_a_room_that_was_never_told_of_is_unknown() -> None:
    assert _following(ABOVE, [RoomNow(R1)]) == [None]


@pytest.mark.thorough
@given(st.lists(st.one_of(st.none(), st.floats(0, 200)), max_size=60))
def test_whatever_a_room_measures_the_band_ends_only_below_its_lower_limit(values: list[float | None]) -> None:
    rules, held = looking(ABOVE), False
    alerts = open_now(looking(ABOVE), [room(R1, dust(60.0))])
    for value in values:
        found = _one(seen(rules, [room(R1, dust(value))], alerts=alerts))
        if value is None:
            assert found is None
            continue
        if round(value, 1) > 37.6:
            assert found is True
        if held and value >= 30.05:
            assert found is True
        if value < 29.9:
            assert found is False
        held = found is True


def test_dust_of_level_5_is_an_urgent_alert_of_its_own_that_explains_the_other() -> None:
    rules = looking(ABOVE)
    assert [(s.key.part, s.severity) for s in seen(rules, [room(R1, dust(52.0))])] == [("", "warning")]
    first, worst = seen(rules, [room(R1, dust(80.0))])
    assert (worst.key.part, worst.severity, worst.words["limit"]) == ("level_5", "urgent", 75.0)
    assert worst.explains and first.causes == (worst.explains,)


def test_a_rule_whose_limit_is_level_5_is_urgent_at_once() -> None:
    (sight,) = seen(looking("dust: {kind: above, above: 75}"), [room(R1, dust(80.0))])
    assert sight.severity == "urgent" and sight.causes == ()


def test_the_words_of_a_value_are_those_of_the_screen() -> None:
    (sight,) = seen(looking(ABOVE), [room(R1, dust(52.4), at_full=True)])
    words = sight.words
    assert (words["shown"], words["level"], words["at"]) == ("52", "starts_to_affect_health", NOW)
    assert words["purifier"] == "full" and words["action_en"] == "‹Purifier on full,› ‹windows closed›"


def test_outside_school_hours_a_rule_for_occupied_rooms_is_over_and_says_why() -> None:
    alerts = open_now(looking(ABOVE), [room(R1, dust(60.0), occupied=True)])
    (sight,) = seen(looking(ABOVE), [room(R1, dust(60.0), occupied=False)], alerts=alerts)
    assert sight.holds is False and sight.words["over"] == "when"
    assert seen(looking(ABOVE), [room(R1, dust(60.0), occupied=None)]), "no timetable says that nobody is there"
    always = looking("dust: {kind: above, when: always}")
    assert seen(always, [room(R1, dust(60.0), occupied=False)])


def test_a_rule_for_school_days_rests_on_others() -> None:
    rules = looking("dust: {kind: above, when: school_days}")
    assert seen(rules, [room(R1, dust(60.0), occupied=False, school_day=True)])
    assert not seen(rules, [room(R1, dust(60.0), occupied=True, school_day=False)])


def test_places_say_where_a_rule_looks_and_the_yard_only_where_it_is_named() -> None:
    rooms = [room(name, dust(60.0), outdoor=name == "s1.yard") for name in (R1, "s1.r2", "s1.yard")]
    assert {s.room for s in seen(looking(ABOVE), rooms)} == {R1, "s1.r2"}
    assert {s.room for s in seen(looking("dust: {kind: above, places: [s1]}"), rooms)} == {R1, "s1.r2"}
    assert {s.room for s in seen(looking("dust: {kind: above, places: [s1.yard]}"), rooms)} == {"s1.yard"}


@pytest.mark.parametrize(
    ("quantity", "more", "holds"),
    [
        ("temperature, above: 35", {"temp_c": 36.0}, True),
        ("temperature, above: 35", {}, False),
        ("pm10, above: 120", {"pm10": 130.0}, True),
        ("co2, above: 1000", {"co2": 1200.0}, True),
    ],
)
def test_other_quantities_have_limits_too(quantity: str, more: dict[str, float], holds: bool) -> None:
    rules = looking(f"limit: {{kind: above, quantity: {quantity}}}")
    assert bool(seen(rules, [room(R1, dust(10.0), **more)])) is holds  # type: ignore[arg-type]


def test_co2_is_high_above_its_limit_and_over_a_fifth_below() -> None:
    values = (1500.0, 1510.0, 1300.0, 1190.0)
    found = _following("air: {kind: co2_high}", [room(R1, co2=value) for value in values])
    assert found == [None, True, True, False]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (((0, 10.0), (5, 20.0), (10, 35.0)), True),
        (((0, 10.0), (5, 20.0), (10, 34.9)), None),  # too short a time to say that nothing rises
        (((0, 10.0), (5, 20.0), (16, 34.9)), False),
        (((0, 60.0), (5, 40.0), (10, 64.9)), None),
        (((0, 60.0), (5, 40.0), (10, 65.0)), True),
        (((0, 10.0), (20, 40.0)), None),  # a gap: nobody saw it rise
        (((0, 10.0), (5, None), (10, 36.0)), True),
        (((10, 10.0), (0, 50.0)), None),  # a clock that was put right
    ],
)
def test_a_rise_is_by_so_much_within_so_long_in_the_time_of_the_measurements(
    points: tuple[tuple[int, float | None], ...], expected: bool | None
) -> None:
    rules = looking("smoke: {kind: rising, when: always}")
    alerts = [alert_of(_rise_sight())]
    found = [
        _one(seen(rules, [room(R1, dust(value, NOW + at * MIN), now=NOW + at * MIN)], alerts=alerts))
        for at, value in points
    ]
    assert found[-1] is expected


def _rise_sight() -> Sight:
    rules = looking("smoke: {kind: rising, when: always}")
    seen(rules, [room(R1, dust(10.0))])
    (sight,) = seen(rules, [room(R1, dust(60.0, NOW + MIN), now=NOW + MIN)])
    return sight


@pytest.mark.parametrize(
    ("means", "holds"),
    [
        ({"a": 40.0, "b": 15.0}, True),
        ({"a": 40.0, "b": 25.1}, False),  # by less than 15
        ({"a": 100.0, "b": 60.0}, False),  # by less than half of the larger
        ({"a": 100.0, "b": 49.0, "c": 80.0}, True),
        ({"a": 40.0}, None),
        ({}, None),
    ],
)
def test_sensors_disagree_by_both_limits_and_one_alone_says_nothing(
    means: dict[str, float], holds: bool | None
) -> None:
    rule = "differ: {kind: disagree}"
    alerts = open_now(looking(rule), [room(R1, means={"a": 100.0, "b": 1.0})])
    (sight,) = seen(looking(rule), [room(R1, means=means)], alerts=alerts)
    assert sight.holds is holds
    if len(means) == 3:
        assert (sight.words["high"], sight.words["low"]) == ("a", "b")


def test_a_smoky_hour_outdoors_holds_for_the_school() -> None:
    rule = "smoke: {kind: smoke_episode, tell: [caretaker]}"
    rules = looking(rule)
    (sight,) = seen(rules, [room(R1, dust(90.0)), room("s1.yard", outdoor=True, hour_mean=75.1)])
    assert (sight.key.subject, sight.site, sight.room, sight.severity) == ("s1", "s1", "s1.yard", "urgent")
    assert sight.words["shown"] == "75.1" or sight.words["shown"] == "75"
    alerts = [alert_of(sight)]
    holds = [
        _one(seen(rules, [room("s1.yard", outdoor=True, hour_mean=mean)], alerts=alerts)) for mean in (None, 50.0, 37.4)
    ]
    assert holds == [None, True, False]


def test_a_rule_that_fails_keeps_no_other_from_looking(caplog: pytest.LogCaptureFixture) -> None:
    rules = looking(ABOVE, "air: {kind: co2_high}")

    def fail(room: RoomNow, world: World) -> Iterator[Sight]:
        yield from ()
        raise ZeroDivisionError

    rules._rules["dust"].in_room = fail  # type: ignore[assignment,method-assign]
    for _ in range(3):
        assert [s.key.rule for s in seen(rules, [room(R1, dust(60.0), co2=2000.0)])] == ["air"]
    assert caplog.text.count("rule_failed rule=dust") == 1
