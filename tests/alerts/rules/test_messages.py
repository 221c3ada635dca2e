"""What people read: every kind of alert at every stage, in both languages, short enough and with all that they need."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle.model import Alert, Key
from alerts.rules.facts import PurifierMatter, Trouble, World
from alerts.rules.messages import TITLE, words
from classair import config as configuration
from classair.alerting.words import Stage
from classair.config import Titles
from classair.wire import PurifierCare
from tests.alerts.rules.facts import MIN, NOW, SCHOOL, alert_of, dust, looking, room, school, seen

STAGES: Final[tuple[Stage, ...]] = ("fired", "escalated", "reminder", "recovered")
CONFIG: Final = school()
MATTERS = [
    PurifierMatter("s1.fan", "s1.r1", what, NOW - MIN, "3 W", True, 3)
    for what in ("not_obeying", "silent", "fell_off", "no_draw", "still_drawing", "no_effect", "device", "person_off")
]
TROUBLES = [
    Trouble("service", "hung", "ingest", NOW),
    Trouble("service", "died", "dashboard", NOW),
    Trouble("store", "store", "store", NOW, "no route"),
    Trouble("broker", "broker", "broker", NOW),
    Trouble("disk", "disk_low", "server", NOW, "120"),
    Trouble("disk", "ledger", "alerts", NOW, "disk full"),
    Trouble("disk", "bridge_disk", "s1.pi", NOW),
    Trouble("backup", "backup_failed", "backup", NOW, "no space"),
    Trouble("backup", "backup_old", "backup", NOW),
    Trouble("clock", "clock", "clock", NOW, "+300 s"),
    Trouble("quota", "quota", "channels", NOW, details={"en": "LINE is used up.", "th": "LINE หมดแล้ว"}),
]
RULES = (
    "dust: {kind: above}",
    "warm: {kind: above, quantity: temperature, above: 35}",
    "air: {kind: co2_high}",
    "smoke: {kind: rising}",
    "differ: {kind: disagree}",
    "no-word: {kind: silent}",
    "broken: {kind: purifier_fault}",
    "off: {kind: person_off}",
    "filters: {kind: filter_due}",
    "episode: {kind: smoke_episode}",
    "trouble: {kind: system, of: [disk, backup, service, store, broker, clock, quota]}",
)


def _everything() -> list[Alert]:
    """An alert of each kind and part."""
    rules = looking(*RULES)
    care = PurifierCare(
        purifier="s1.fan", at=NOW, since=date(2026, 11, 1), hours_on=1, known=1, starts=1, filter_used=1.04
    )
    world = World(
        NOW,
        listening_since=0,
        purifiers=MATTERS,
        troubles=TROUBLES,
        care=lambda name: care,
        bridges_offline={"s1.other": NOW - MIN},
    )
    seen(rules, [room("s1.r1", dust(10.0, NOW - MIN))], world)
    rooms = [
        room("s1.r1", dust(80.0), co2=2100.0, means={"s1.a": 80.0, "s1.b": 20.0}, temp_c=36.0, newest_valid_at=NOW),
        room("s1.r2", suspect_since=NOW - MIN),
        room("s1.r3", newest_valid_at=NOW - 20 * MIN, heard={"s1.pm3": NOW - 20 * MIN}),
        room("s1.yard", outdoor=True, hour_mean=90.0, heard={"s1.out": NOW - 20 * MIN}),
    ]
    broker = seen(looking("no-word: {kind: silent}"), [], World(NOW, away_since=NOW - MIN))
    return [alert_of(sight, fired_at=NOW) for sight in (*seen(rules, rooms, world), *broker)]


EVERYTHING: Final = _everything()
CASES = [pytest.param(alert, id=f"{alert.kind}-{alert.key.part}-{alert.key.subject}") for alert in EVERYTHING]


def test_every_kind_and_part_is_among_the_examples() -> None:
    kinds = {rule.partition("kind: ")[2].strip("}").partition(",")[0] for rule in RULES}
    assert {alert.kind for alert in EVERYTHING} == kinds
    assert len(EVERYTHING) == len({alert.key for alert in EVERYTHING}) >= 28


@pytest.mark.parametrize("alert", CASES)
@pytest.mark.parametrize("language", ["th", "en"])
def test_every_alert_has_a_short_title_and_a_whole_text_at_every_stage(alert: Alert, language: str) -> None:
    texts = set()
    for stage in STAGES:
        title, text = words(CONFIG, language, alert, stage)
        assert 0 < len(title) <= TITLE and text
        assert not set("{}‹›") & set(title + text) and "None" not in text
        texts.add((title, text))
        if alert.site:
            assert CONFIG.sites[alert.site].name.in_(language) in text
        if alert.room and alert.kind != "smoke_episode":
            assert CONFIG.room(alert.room).name.in_(language) in text
    assert len(texts) == len(STAGES), "each stage says something of its own"


NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=64)


@pytest.mark.thorough
@given(NAMES, NAMES, NAMES, st.sampled_from(EVERYTHING), st.sampled_from(STAGES), st.sampled_from(["th", "en"]))
def test_whatever_a_school_names_its_rooms_no_title_is_too_long_and_the_text_has_the_name(
    site: str, room_name: str, bridge: str, alert: Alert, stage: Stage, language: str
) -> None:
    named = CONFIG.model_copy(deep=True)
    own = named.sites["s1"]
    rooms = {key: it.model_copy(update={"name": _name(room_name)}) for key, it in own.rooms.items()}
    bridges = {key: it.model_copy(update={"name": _name(bridge)}) for key, it in own.bridges.items()}
    part = own.model_copy(update={"name": _name(site), "rooms": rooms, "bridges": bridges})
    named = named.model_copy(update={"sites": {"s1": part}})
    title, text = words(named, language, alert, stage)
    assert len(title) <= TITLE
    if alert.room and alert.kind != "smoke_episode":
        assert room_name in text


def _name(text: str) -> Titles:
    return Titles({"en": text})


def _dusty(value: float, at_full: bool = False) -> Alert:
    found = seen(looking("dust: {kind: above}"), [room("s1.r1", dust(value), at_full=at_full)])
    return alert_of(found[-1])


def test_dust_is_told_in_the_words_of_the_screen_and_the_purifier_only_if_it_is_confirmed_on_full() -> None:
    _, text = words(CONFIG, "en", _dusty(80.0, at_full=True), "fired")
    assert text.startswith("Room 1: dust 80 µg/m³ (red) at ")
    assert " The purifier is on full. School One: above 75 µg/m³ since " in text
    assert "Advice in the room now: Purifier on full, windows closed" in text
    assert "The purifier is on full." not in words(CONFIG, "en", _dusty(80.0), "fired")[1]
    thai = words(CONFIG, "th", _dusty(52.0, at_full=True), "fired")[1]
    assert thai.startswith("ห้อง ห้องหนึ่ง ฝุ่น 52\u00a0มคก./ลบ.ม. (สีส้ม) เมื่อ ") and "เครื่องฟอกเปิดแรงสุดแล้ว" in thai


def test_moments_are_those_of_thailand_and_thai_years_are_buddhist() -> None:
    alert = replace(_dusty(52.0), since=NOW)
    assert "2026" in words(CONFIG, "en", alert, "fired")[1] and "2569" in words(CONFIG, "th", alert, "fired")[1]


def test_who_acknowledged_is_named_and_who_has_not_is_asked() -> None:
    alert = replace(_dusty(52.0), acknowledged_by="Somchai", fired_at=NOW)
    assert "Acknowledged by Somchai." in words(CONFIG, "en", alert, "recovered")[1]
    plain = replace(alert, acknowledged_by="")
    assert words(CONFIG, "en", plain, "reminder")[0].startswith("Still: ")
    assert "Nobody has acknowledged this since" in words(CONFIG, "en", plain, "escalated")[1]


def test_a_purifier_still_off_is_told_to_the_next_step_in_words_of_its_own() -> None:
    (alert,) = [alert for alert in EVERYTHING if alert.kind == "person_off"]
    assert words(CONFIG, "en", alert, "escalated")[0] == "Purifier in Room 1 is still off in dusty air"


def test_outside_school_hours_the_message_says_why_it_is_over() -> None:
    alert = replace(_dusty(52.0), words={"quantity": "pm25", "over": "when"})
    assert "school hours are over" in words(CONFIG, "en", alert, "recovered")[1]


def test_a_simulated_school_says_so() -> None:
    assert words(CONFIG, "en", _dusty(52.0), "fired")[1].endswith("(Simulated data: no action needed.)")
    text = SCHOOL
    for number in range(4):
        text = text.replace('port: "sim:classroom"', f'port: "/dev/ttyUSB{number}"', 1).replace(
            "sim:yard", "/dev/ttyS0"
        )
    assert "Simulated" not in words(configuration.parse(text), "en", _dusty(52.0), "fired")[1]


def test_a_room_that_left_the_configuration_is_named_by_its_id() -> None:
    alert = replace(_dusty(52.0), key=Key("dust", "s9.r9"), site="s9", room="s9.r9")
    assert "s9.r9" in words(CONFIG, "en", alert, "recovered")[1]


def test_the_stages_are_those_of_a_notification() -> None:
    assert set(STAGES) < set(get_args(Stage))
