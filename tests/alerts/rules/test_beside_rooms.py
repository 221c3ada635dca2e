"""Rules about purifiers and the system itself: what is wrong, what is over, what a restart does not forget."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.control.unit import FAULTS
from alerts.lifecycle.model import Key, Sight
from alerts.rules import kinds
from alerts.rules.facts import PurifierMatter, Trouble, World
from classair import plugins
from classair.config.notifying import AlertRule
from classair.timetable import local_time
from classair.wire import PurifierCare
from tests.alerts.rules.facts import MIN, NOW, alert_of, looking, school, seen

FAULT = "broken: {kind: purifier_fault, tell: [caretaker]}"
OFF = "off: {kind: person_off, tell: [caretaker]}"
SYSTEM = "trouble: {kind: system, tell: [caretaker]}"


def _matter(what: str, **more: Any) -> PurifierMatter:
    return PurifierMatter("s1.fan", "s1.r1", what, NOW - MIN, **more)


def _sights(rule: str, open_alerts: list[Any] | None = None, **world: Any) -> dict[Key, Sight]:
    known = World(**{"now": NOW, "listening_since": 0, **world})
    return {sight.key: sight for sight in seen(looking(rule), [], known, open_alerts or [])}


def test_every_kind_of_rule_in_the_configuration_has_its_file_and_every_file_its_kind() -> None:
    kinds_of_settings = {rule.model_fields["kind"].annotation.__args__[0] for rule in AlertRule.__subclasses__()}  # type: ignore[union-attr]
    assert set(plugins.names("alerts.rules.kinds")) == kinds_of_settings
    for kind in kinds_of_settings:
        made = kinds.make("name", school(f"name: {{kind: {kind}}}").rules["name"], school())  # type: ignore[arg-type]
        assert made.name == "name"


@pytest.mark.parametrize("what", [what for what in FAULTS if what != "device"])
def test_each_fault_of_a_purifier_is_an_alert_of_its_own(what: str) -> None:
    (sight,) = _sights(FAULT, purifiers=[_matter(what, tries=3, wanted=False)]).values()
    part = "" if what == "not_obeying" else what
    assert (sight.key, sight.room, sight.since) == (Key("broken", "s1.fan", part), "s1.r1", NOW - MIN)
    assert (sight.words["what"], sight.words["wanted"], sight.words["tries"]) == (what, "off", 3)


def test_each_of_a_devices_own_words_is_an_alert_of_its_own() -> None:
    found = _sights(FAULT, purifiers=[_matter("device", detail="filter"), _matter("device", detail="motor")])
    assert {key.part for key in found} == {"device/filter", "device/motor"}


def test_a_fault_that_is_not_named_any_more_is_over() -> None:
    matters = [_matter("silent"), _matter("no_draw")]
    alerts = [alert_of(sight) for sight in _sights(FAULT, purifiers=matters).values()]
    found = _sights(FAULT, alerts, purifiers=matters[:1])
    assert {key.part: sight.holds for key, sight in found.items()} == {"silent": True, "no_draw": False}
    assert found[Key("broken", "s1.fan", "no_draw")].words["what"] == "no_draw"


def test_a_purifier_that_left_without_obeying_is_told_once() -> None:
    (sight,) = _sights(FAULT, purifiers=[_matter("not_obeying", gone=True)]).values()
    assert sight.once and sight.key.part == f"not_obeying/{NOW - MIN}"


def test_a_persons_off_is_one_alert_however_long_and_no_fault() -> None:
    matters = [_matter("person_off"), _matter("person_off_long"), _matter("blind")]
    assert [key.subject for key in _sights(OFF, purifiers=matters)] == ["s1.fan"]
    assert _sights(FAULT, purifiers=matters) == {}
    alerts = [alert_of(sight) for sight in _sights(OFF, purifiers=matters).values()]
    assert [sight.holds for sight in _sights(OFF, alerts).values()] == [False]


def test_a_rule_for_another_room_says_nothing_of_a_purifier() -> None:
    assert _sights("broken: {kind: purifier_fault, places: [s1.r2]}", purifiers=[_matter("silent")]) == {}
    assert _sights("broken: {kind: purifier_fault, places: [s1.r1]}", purifiers=[_matter("silent")])


@pytest.mark.parametrize(
    ("used", "due_in", "holds"),
    [(1.0, None, True), (0.6, None, False), (0.6, 0, True), (0.6, 1, False), (None, None, None), (None, -3, True)],
)
def test_a_filter_is_due_by_its_life_or_by_its_day(used: float | None, due_in: int | None, holds: bool | None) -> None:
    today = local_time(NOW).date()
    care = PurifierCare(
        purifier="s1.fan",
        at=NOW,
        since=today,
        hours_on=1,
        known=1,
        starts=0,
        filter_used=used,
        filter_due=None if due_in is None else today + timedelta(days=due_in),
    )
    alerts = [alert_of(Sight(Key("filters", "s1.fan"), "filter_due", "s1", "s1.r1", True))]
    (sight,) = _sights("filters: {kind: filter_due}", alerts, care=lambda name: care).values()
    assert sight.holds is holds


def test_a_purifier_of_which_nothing_is_counted_has_no_filter_that_is_due() -> None:
    assert _sights("filters: {kind: filter_due}") == {}


TROUBLES = [
    Trouble("service", "hung", "ingest", NOW - MIN),
    Trouble("store", "store", "store", NOW - MIN, "no route"),
    Trouble("broker", "broker", "broker", NOW - MIN),
    Trouble("disk", "disk_low", "server", NOW - MIN, "120"),
    Trouble("clock", "clock", "clock", NOW, "+300 s", once=True),
]


def test_the_systems_troubles_are_told_as_the_rule_wants_them() -> None:
    found = _sights(SYSTEM, troubles=TROUBLES)
    assert {key.subject for key in found} == {"service:ingest", "store", "broker", "server"}
    assert found[Key("trouble", "service:ingest", "hung")].explains == "service:ingest"
    assert found[Key("trouble", "store", "store")].causes == ("service:ingest",)
    assert found[Key("trouble", "broker", "broker")].explains == "broker"
    clock = _sights("trouble: {kind: system, of: [clock]}", troubles=TROUBLES)
    assert [sight.once for sight in clock.values()] == [True]


def test_a_trouble_is_over_when_it_is_not_named_and_unknown_before_anybody_has_looked() -> None:
    alerts = [alert_of(sight) for sight in _sights(SYSTEM, troubles=TROUBLES).values()]
    found = _sights(SYSTEM, alerts, unknown={"disk_low"})
    assert {key.part for key in found} == {"hung", "store", "broker"}
    assert not any(sight.holds for sight in found.values())
