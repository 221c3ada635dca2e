"""The cards of a room's purifiers: what they say of each state, what they offer, and to whom."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from classair.config.purifiers import PurifierRule
from classair.units import MINUTE_MS
from classair.wire import Beat, PurifierCare, RoomState, ServiceStatus, Topics
from tests.dashboard.conftest import MONDAY, now_ms

ROOM, FAN = "ban-suan.p1-2", "ban-suan.p1-2-fan"
PASSWORD = "four unrelated words here"
MONDAY_NINE = MONDAY + 9 * 60 * MINUTE_MS


@pytest.fixture
def school(make_house: Any, make_state: Callable[..., RoomState], schools: Any) -> Any:
    """A Monday at nine, so that there is a block that ends at 16:00."""
    house = make_house(config=schools)
    house.offset_ms = MONDAY_NINE - now_ms()
    return house


def put(house: Any, make_state: Callable[..., RoomState], pm25: float | None = 18, **unit: Any) -> None:
    now = now_ms() + house.offset_ms
    state = make_state(ROOM, pm25, at=now)
    assert state.purifier is not None
    house.put(state.model_copy(update={"purifier": state.purifier.model_copy(update=unit)}))


def signed_in(house: Any, role: str = "teacher", places: tuple[str, ...] = ()) -> dict[str, str]:
    name = f"some-{role}{len(places)}"
    if name not in {one for one, *_ in house.desk.accounts()}:
        house.desk.add_account(name, role, PASSWORD, places)
    headers: dict[str, str] = house.sign_in(name, PASSWORD)
    return headers


def phone(house: Any, language: str = "en", **headers: str) -> str:
    answer = house.ask(f"/room/{ROOM}/purifier?lang={language}", Accept="text/html", **headers or signed_in(house))
    assert answer.status == 200, answer.text
    return str(answer.text)


def words(text: str) -> str:
    """What a reader sees, without tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def options(text: str, do: str) -> list[tuple[str, str, bool]]:
    inside = text.partition(f'data-minutes="{do}"')[2].partition("</select>")[0]
    return [
        (value, html.unescape(said), "selected" in rest)
        for value, rest, said in re.findall(r'<option value="([^"]*)"([^>]*)>([^<]*)<', inside)
    ]


# -- what a card says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ({"on": True}, ["On", "Automatic"]),
        ({"on": True, "mode": "fail_safe"}, ["On as a precaution: no valid reading"]),
        ({"on": None, "mode": "unknown"}, ["State unknown"]),
        ({"on": True, "confirmed": False}, ["waiting for confirmation"]),
        ({"on": True, "watts": 38.4, "speed": "low"}, ["38 W", "speed low"]),
        (
            {
                "on": False,
                "override_on": False,
                "override_until": MONDAY_NINE + 30 * MINUTE_MS,
                "override_by": "device",
            },
            ["Off by hand until 09:30", "30 min left", "At the purifier itself"],
        ),
        (
            {
                "on": True,
                "override_on": True,
                "override_until": MONDAY_NINE + 420 * MINUTE_MS,
                "override_by": "teacher:x",
            },
            ["On by hand until 16:00", "7 h 0 min left", "Set by a teacher"],
        ),
        ({"on": True, "override_until": MONDAY_NINE + 30 * MINUTE_MS}, ["On by hand until 09:30", "Set by hand"]),
    ],
)
def test_a_card_says_what_it_does_why_and_until_when(
    school: Any, make_state: Any, unit: dict[str, Any], said: list[str]
) -> None:
    put(school, make_state, **unit)
    shown = words(phone(school))
    assert [one for one in said if one not in shown] == []


def test_watts_and_speed_of_a_purifier_that_is_not_heard_are_not_shown(school: Any, make_state: Any) -> None:
    put(school, make_state, on=None, watts=38.0, speed="low")
    assert "38 W" not in phone(school) and "speed low" not in phone(school)


@pytest.mark.parametrize("by", ["", "x", "<script>:y", "mode.auto:z", "Home Assistant", "token:nightly", "admin:a"])
def test_whoever_has_switched_it_no_account_name_is_shown_and_nothing_is_run(
    school: Any, make_state: Any, by: str
) -> None:
    put(school, make_state, override_on=True, override_until=MONDAY_NINE + MINUTE_MS * 20, override_by=by)
    shown = phone(school)
    assert "<script>:y" not in shown and ":nightly" not in shown
    assert "[switching" not in words(shown) and "switching.by" not in words(shown)


def test_faults_are_told_and_what_the_device_says_is_marked_as_its_words(school: Any, make_state: Any) -> None:
    put(school, make_state, faults=["silent", "device: <b>overtemp</b>", "a_new_one"])
    shown = phone(school)
    assert "<b>overtemp" not in shown and "reports: &lt;b&gt;overtemp&lt;/b&gt;" in shown
    assert "no contact" in shown
    assert "a_new_one" in shown, "a fault that has no words yet is shown as it is"


def test_a_purifier_nobody_has_spoken_of_is_unknown_and_can_be_switched(school: Any) -> None:
    shown = phone(school)
    assert "State unknown" in words(shown) and 'data-order="off"' in shown


def test_while_control_is_away_its_last_word_is_not_shown_as_now(school: Any, make_state: Any) -> None:
    topics, now = Topics(school.config.org), now_ms() + school.offset_ms
    put(school, make_state, on=True, watts=38.0, override_on=True, override_until=now + 20 * MINUTE_MS)

    def beat(age_ms: int) -> str:
        school.live._topics = topics
        school.live.hear(topics.beat, Beat(term=1, at=now - age_ms).model_dump_json().encode())
        return words(phone(school))

    assert "On by hand" in beat(1_000)
    gone = beat(25_000)
    assert "No contact with purifier control" in gone and "On by hand" not in gone and "38 W" not in gone
    assert "On by hand" in beat(0)
    status = ServiceStatus(service="alerts", state="offline", at=now)
    school.live.hear(topics.service_status("alerts"), status.model_dump_json().encode())
    assert "No contact with purifier control" in beat(0)


# -- what is offered ---------------------------------------------------------------------------------------------------


def test_off_is_thirty_minutes_and_at_most_an_hour_on_is_to_the_end_of_the_block(school: Any, make_state: Any) -> None:
    put(school, make_state)
    shown = phone(school)
    off = options(shown, "off")
    assert [value for value, _, _ in off] == ["10", "15", "30", "45", "60"]
    assert [value for value, _, chosen in off if chosen] == ["30"]
    on = options(shown, "on")
    assert on[0][:2] == ("", "until 16:00")
    assert [value for value, *_ in on] == ["", "15", "30", "60", "120"]


def test_outside_of_a_block_on_is_an_hour(school: Any, make_state: Any) -> None:
    school.offset_ms += 12 * 60 * MINUTE_MS
    put(school, make_state)
    assert [(value, chosen) for value, _, chosen in options(phone(school), "on")] == [
        ("15", False),
        ("30", False),
        ("60", True),
    ]


@pytest.mark.parametrize(
    ("rule", "offered", "usual"),
    [
        ({"off_at_most": 1200, "person_off": 600}, ["10", "15", "20"], "10"),
        ({"off_at_most": 300, "person_off": 1800}, ["5"], "5"),
        ({"off_at_most": 30, "person_off": 30}, ["1"], "1"),
        ({"off_at_most": 7200, "person_off": 4500}, ["10", "15", "30", "45", "60", "75", "90", "120"], "75"),
    ],
)
def test_what_is_offered_follows_the_schools_rule(
    school: Any, make_state: Any, rule: dict[str, float], offered: list[str], usual: str
) -> None:
    school.config = school.config.model_copy(update={"rules": {"r": PurifierRule(kind="purifier", **rule)}})
    put(school, make_state)
    off = options(phone(school), "off")
    assert [value for value, *_ in off] == offered
    assert [value for value, _, chosen in off if chosen] == [usual]


@pytest.mark.parametrize(
    ("pm25", "asked", "longest"),
    [
        (25.0, "", "60"),
        (25.4, "While the purifier is off, the children breathe this dust", "60"),
        (75.0, "While the purifier is off, the children breathe this dust", "60"),
        (90.0, "for a short time only", "10"),
        (None, "is not known now", "60"),
    ],
)
def test_before_off_in_dusty_air_it_is_asked_and_above_75_it_is_short(
    school: Any, make_state: Any, pm25: float | None, asked: str, longest: str
) -> None:
    put(school, make_state, pm25)
    shown = phone(school)
    found = re.search(r'data-ask="([^"]*)"', shown)
    assert found is not None
    assert asked in found[1] and bool(found[1]) == bool(asked)
    assert f'data-longest="{longest}"' in shown
    assert all(int(value) <= int(longest) for value, *_ in options(shown, "off"))


def test_what_the_script_needs_is_there_in_both_languages(school: Any, make_state: Any) -> None:
    put(school, make_state)
    for language in ("th", "en"):
        found = re.search(r'data-words="([^"]*)"', phone(school, language).partition('class="purifier-do"')[2])
        assert found is not None
        said = json.loads(html.unescape(found[1]))
        assert all(said.values()) and "%H" in said["clock"] and "{clock}" in said["time"]
        assert any("ก" <= char <= "๙" for char in said["ask_title"]) == (language == "th")


# -- to whom -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "places", "passes"),
    [
        ("teacher", (), True),
        ("teacher", (ROOM,), True),
        ("teacher", ("ban-suan",), True),
        ("teacher", ("ban-suan.p1-10",), False),
        ("caretaker", (), True),
        ("admin", (), True),
        ("viewer", (), False),
        ("researcher", (), False),
    ],
)
def test_the_page_behind_the_code_is_for_staff_of_the_room(
    school: Any, make_state: Any, role: str, places: tuple[str, ...], passes: bool
) -> None:
    put(school, make_state)
    headers = signed_in(school, role, places)
    answer = school.ask(f"/room/{ROOM}/purifier?lang=en", Accept="text/html", **headers)
    assert answer.status == (200 if passes else 403)
    assert ("data-order" in answer.text) == passes
    assert passes or "may not open this page" in answer.text or "not one of your rooms" in answer.text
    # The room page is for all who see the room, its buttons for the same.
    live = school.ask(f"/live/room?room={ROOM}&lang=en&once=true", **headers)
    if not passes and places:
        assert live.status == 403
        return
    assert ("data-order" in live.text) == passes


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back_with_the_phone_to_be_remembered(school: Any) -> None:
    answer = school.ask(f"/room/{ROOM}/purifier?lang=th", Accept="text/html")
    assert answer.status == 303
    target = answer.headers["Location"]
    assert target.startswith("/login?next=%2Froom%2Fban-suan.p1-2%2Fpurifier")
    assert 'type="checkbox" value="yes" checked' in school.ask(target).text
    assert 'type="checkbox" value="yes" checked' not in school.ask("/login?next=/").text


def test_a_room_that_is_not_there_is_not_found(school: Any) -> None:
    answer = school.ask("/room/ban-suan.nothing/purifier", Accept="text/html", **signed_in(school))
    assert answer.status == 404


# -- what it costs -----------------------------------------------------------------------------------------------------


def cared(house: Any, **more: Any) -> None:
    care = PurifierCare(
        **{
            "purifier": FAN,
            "at": MONDAY_NINE,
            "since": date(2026, 5, 18),
            "hours_on": 812.4,
            "known": 0.984,
            "starts": 6,
        }
        | more
    )
    topic = Topics(house.config.org).purifier_care("ban-suan", "p1-2-fan")
    house.live.hear(topic, care.model_dump_json().encode())


def test_hours_filter_and_cost_are_shown_with_how_they_are_known(school: Any, make_state: Any) -> None:
    put(school, make_state)
    assert "Run hours" not in phone(school), "nothing is shown before it was told"
    cared(
        school,
        energy_kwh=36.6,
        energy_by="rated",
        cost=164.5,
        filter_used=0.325,
        filter_at_least=True,
        filter_due=date(2027, 2, 11),
        filter_due_by="load",
        yearly_electricity=402,
        yearly_filters=1310,
    )
    shown = words(phone(school))
    for said in (
        "812 h, 6 starts",
        "at least 32% used · due Thu 11 Feb 2027 (dust)",
        "37 kWh · from its rated power",
        "164 baht",
        "1,712 baht · electricity 402 · filters 1,310",
        "the state was known 98% of the time",
    ):
        assert said in shown, said
    assert "11 ก.พ. 2570" in words(phone(school, "th")) and "บาท" in phone(school, "th")


@pytest.mark.parametrize(
    ("care", "said", "unsaid"),
    [
        ({}, ["812 h"], ["baht", "used", "kWh"]),
        (
            {"filter_used": 1.2, "filter_due": date(2026, 11, 23), "filter_due_by": "hours"},
            ["change it now"],
            ["due Mon"],
        ),
        ({"filter_used": 0.1}, ["10% used · due date not known yet"], []),
        ({"yearly_filters": 900.0}, ["900 baht"], ["electricity 0"]),
    ],
)
def test_what_is_not_known_of_its_cost_is_not_shown(
    school: Any, make_state: Any, care: dict[str, Any], said: list[str], unsaid: list[str]
) -> None:
    put(school, make_state)
    cared(school, **care)
    shown = words(phone(school))
    assert [one for one in said if one not in shown] == [] and [one for one in unsaid if one in shown] == []


def test_the_api_has_the_same_figures(school: Any, make_state: Any) -> None:
    put(school, make_state, watts=38.0, faults=["silent"])
    cared(school, filter_due=date(2027, 2, 11))
    answer = school.ask(f"/api/v1/purifiers/{FAN}").json
    assert answer["care"]["filter_due"] == "2027-02-11" and answer["care"]["hours_on"] == 812.4
    assert (answer["state"]["watts"], answer["state"]["faults"]) == (38.0, ["silent"])
    others = {one["purifier"]: one["care"] for one in school.ask("/api/v1/purifiers").json["purifiers"]}
    assert others[FAN] is not None and others["ban-suan.p1-10-fan"] is None


# -- the code ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "host", "leads"),
    [
        ("", "192.168.40.5:8050", True),
        ("http://classair.local", "classair.local", True),
        ("", "127.0.0.1:8050", False),
        ("", "localhost", False),
        ("", "[::1]:8050", False),
        ("https://air.my-school.ac.th/", "127.0.0.1:8050", True),
    ],
)
def test_a_display_shows_a_code_that_a_phone_can_follow_or_none(
    school: Any, address: str, host: str, leads: bool
) -> None:
    school.config = school.config.model_copy(update={"address": address})
    shown = school.ask(f"/display/{ROOM}?lang=en", Host=host).text
    assert ('<div class="code" role="img"' in shown) == leads
    assert ("<svg" in shown.partition('class="code"')[2].partition("</div>")[0]) == leads


def test_a_display_says_that_its_code_works_in_the_schools_network_alone(school: Any) -> None:
    before = school.config
    told = {}
    for address, public in (("http://air.local", ""), ("http://air.local", "https://air.my-school.ac.th")):
        school.config = before.model_copy(update={"address": address, "public_url": public})
        told[public] = {language: school.ask(f"/display/{ROOM}?lang={language}").text for language in ("th", "en")}
    assert "School Wi-Fi only" in told[""]["en"] and "ใช้ได้เฉพาะ Wi-Fi ของโรงเรียน" in told[""]["th"]
    assert "Wi-Fi" not in told["https://air.my-school.ac.th"]["en"]
    school.config = before.model_copy(update={"public_url": ""})
    assert "Wi-Fi only" not in school.ask(f"/display/{ROOM}?lang=en").text, "there is no code either"


def test_a_room_without_a_purifier_has_no_code(school: Any) -> None:
    school.config = school.config.model_copy(update={"address": "http://air.local"})
    assert "coded" not in school.ask("/display/ban-suan.yard").text
    assert "coded" in school.ask(f"/display/{ROOM}").text


def test_two_rooms_have_two_codes_and_none_says_more_than_an_address() -> None:
    import segno

    from dashboard.public.codes import code

    one, other = (code(f"http://air.local/room/{room}/purifier") for room in ("s.a", "s.b"))
    assert one != other and "air.local" not in one and "<script" not in one
    made = segno.make("http://air.local/room/s.a/purifier", error="m", micro=False)
    assert not made.is_micro and made.version <= 5, "few enough modules for a phone at arm's length"
