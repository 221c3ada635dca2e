"""The page of alerts as it is served: what stands first, who is named to whom, who may act, what is not known."""

from __future__ import annotations

import html
import pkgutil
import re
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from alerts import channels
from alerts.lifecycle.model import Why
from classair import i18n
from classair.alerting.words import SEVERITIES, AlertState, NotificationState, Reason, Stage
from classair.i18n import in_every_language
from classair.units import DAY_MS, HOUR_MS
from classair.wire import Beat, ServiceStatus, Topics
from dashboard.live.alert_count import OLD_MS, count_of
from tests.classair.alerting.filled import empty_ledger, put, put_alert, put_notification
from tests.dashboard.conftest import now_ms
from tests.dashboard.pages.alerting import ROOM, busy_school, configured, say

PASSWORD = "four unrelated words here"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return busy_school(tmp_path / "ledger.db")


@pytest.fixture
def house(make_house: Any, ledger: Path) -> Any:
    house = make_house(config=configured(), ledger=ledger)
    house.desk.add_account("somsri", "teacher", PASSWORD, [ROOM])
    house.desk.add_account("somchai", "caretaker", PASSWORD)
    house.desk.add_account("head", "viewer", PASSWORD)
    say(house, 1)
    return house


def words(house: Any, path: str = "/alerts", language: str = "en", **headers: str) -> str:
    answer = house.ask(f"{path}{'&' if '?' in path else '?'}lang={language}", **headers)
    assert answer.status == 200, answer.text[:500]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def card(text: str, alert: str) -> str:
    return text.partition(f'data-piece="alert/{alert}"')[2].partition("</section>")[0]


# -- what fires --------------------------------------------------------------------------------------------------------


def test_the_unacknowledged_stand_first_and_the_rest_apart(house: Any) -> None:
    text = house.ask("/alerts?lang=en").text
    assert text.index('data-piece="alert/dust"') < text.index('data-piece="alert/filter"')
    assert 'data-piece="alert/cut"' not in text and 'data-piece="alert/held"' not in text
    said = words(house)
    assert "Firing (2)" in said and "2 alerts that are silenced or explained by another alert" in said
    assert "explained by ban-suan.gate" in said


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Urgent", "Not acknowledged", "PM2.5 52", "3 times", "for 15 min"]),
        ("th", ["ด่วน", "ยังไม่มีผู้รับเรื่อง", "PM2.5 52", "3 ครั้ง", "นาน 15 นาที"]),
    ],
)
def test_a_card_says_how_bad_what_since_when_and_how_often(house: Any, language: str, expected: list[str]) -> None:
    said = words(house, language=language)
    assert [one for one in expected if one not in said] == []


def test_told_is_said_only_of_a_channel_that_reaches_a_person(house: Any, ledger: Path) -> None:
    teacher = house.sign_in("somsri", PASSWORD)
    said = html.unescape(re.sub(r"<[^>]+>", " ", card(house.ask("/alerts?lang=en", **teacher).text, "dust")))
    assert "caretaker (LINE)" in said and "the log" not in said
    connection = sqlite3.connect(ledger)
    with connection:
        connection.execute("update notification set reached=0")
    connection.close()
    assert "Nobody has been reached yet" in words(house, **teacher)


def test_who_is_next_and_when_counts_only_the_time_that_counted(house: Any) -> None:
    said = words(house, **house.sign_in("somsri", PASSWORD))
    assert re.search(r"Next head at \d\d:\d\d, unless somebody acknowledges it", said)


def test_names_of_people_are_for_those_who_are_signed_in(house: Any) -> None:
    for path in ("/alerts", "/alerts?alert=dust", "/alerts?show=history", "/live/alerts?once=true"):
        shown = house.ask(f"{path}{'&' if '?' in path else '?'}lang=en").text
        for name in ("somchai", "painting", "caretaker (LINE)", "head at", ">head<", "the provider answered 503"):
            assert name not in shown, (path, name)
    assert "the caretaker (somchai)" in words(house, **house.sign_in("head", PASSWORD))


def test_an_address_cannot_say_who_reads(house: Any) -> None:
    signed = house.sign_in("somchai", PASSWORD)
    assert "somchai" in house.ask("/live/alerts?once=true&lang=en", **signed).text
    for forged in ("reader=account:somchai", "reader=account%3Asomchai+control+read"):
        assert "somchai" not in house.ask(f"/live/alerts?once=true&lang=en&{forged}").text


# -- who may act -------------------------------------------------------------------------------------------------------


def test_buttons_are_there_for_the_rooms_that_the_reader_controls(house: Any) -> None:
    def buttons(**headers: str) -> list[str]:
        return re.findall(r'data-(?:acknowledge|end)="([^"]+)"', house.ask("/alerts?lang=en", **headers).text)

    assert buttons() == []
    assert buttons(**house.sign_in("head", PASSWORD)) == []
    assert buttons(**house.sign_in("somsri", PASSWORD)) == ["/api/v1/alerts/dust/acknowledge"]
    everything = ["/api/v1/alerts/dust/acknowledge", "/api/v1/silences/paint"]
    assert buttons(**house.sign_in("somchai", PASSWORD)) == everything


def test_a_whole_school_is_silenced_by_those_alone_who_control_it(house: Any) -> None:
    offered = {
        name: card(house.ask("/alerts?lang=en", **house.sign_in(name, PASSWORD)).text, "dust")
        for name in ("somsri", "somchai")
    }
    assert "all alerts of the room" in offered["somsri"] and "all alerts of the school" not in offered["somsri"]
    assert "all alerts of the school" in offered["somchai"]


# -- around it ---------------------------------------------------------------------------------------------------------


def test_people_who_cannot_be_reached_and_messages_not_sent_are_listed_with_reasons(house: Any) -> None:
    said = words(house)
    assert "People who cannot be reached" in said and "people.head: no address" in said
    assert "LINE's monthly quota is used up" in said and "quiet hours" in said


def test_other_warnings_of_alerts_are_not_about_people(house: Any) -> None:
    status = ServiceStatus(service="alerts", state="online", at=now_ms(), causes=[{"en": "Cannot write to ledger.db"}])
    house.live.hear(Topics(house.config.org).service_status("alerts"), status.model_dump_json().encode())
    assert "People who cannot be reached" not in words(house)


def test_whoever_is_a_person_of_the_configuration_sees_their_own_messages(house: Any) -> None:
    mine = house.ask("/alerts?lang=en", **house.sign_in("head", PASSWORD)).text
    assert "Your messages" in mine and "delivered by LINE" not in mine
    assert "only in the log, which reaches nobody" in mine
    assert "delivered by LINE" in words(house, **house.sign_in("somchai", PASSWORD))


def test_an_administrator_tries_out_the_channels_of_people(house: Any) -> None:
    house.desk.add_account("principal", "admin", PASSWORD)
    tried = {
        name: re.findall(r'data-try="([^"]+)"', house.ask("/alerts?lang=en", **house.sign_in(name, PASSWORD)).text)
        for name in ("principal", "somchai")
    }
    everybody = [f"/api/v1/people/{name}/test-message" for name in configured().people]
    assert tried == {"principal": everybody, "somchai": []}


def test_a_silence_of_something_unknown_is_not_said_to_be_of_everything(house: Any, ledger: Path) -> None:
    put(
        ledger,
        "silence",
        id="odd",
        at=now_ms() - 1000,
        until=now_ms() + 60_000,
        site="",
        room="",
        subject="gone-town.old-pi",
        rule="",
        why="moved",
        who="admin:head",
    )
    said = words(house, **house.sign_in("somchai", PASSWORD))
    assert "gone-town.old-pi until" in said and "everything until" not in said


def test_people_whom_line_cannot_reach_are_named(house: Any) -> None:
    causes = [in_every_language("line.not_linked", people="somchai", count=1)]
    status = ServiceStatus(service="alerts", state="online", at=now_ms(), causes=causes)
    house.live.hear(Topics(house.config.org).service_status("alerts"), status.model_dump_json().encode())
    said = words(house)
    assert "People who cannot be reached" in said and "(1): somchai" in said


def test_silences_say_what_until_when_and_why(house: Any) -> None:
    said = words(house, **house.sign_in("somchai", PASSWORD))
    assert re.search(r"Silences \(1\) .* P\.4/1 until .* painting End", said)


# -- not known ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/alerts", "/alerts?show=history", "/alerts?alert=dust"])
def test_what_cannot_be_read_is_not_known_and_not_none(make_house: Any, tmp_path: Path, path: str) -> None:
    house = make_house(ledger=tmp_path / "away" / "ledger.db")
    said = words(house, path)
    assert "Not known" in said and "Nothing fires" not in said and "None." not in said


def test_nothing_fires_is_said_when_that_is_known(make_house: Any, make_state: Any, tmp_path: Path) -> None:
    house = make_house(ledger=empty_ledger(tmp_path / "empty.db"))
    assert "Of 6 rooms nothing is known now" in words(house)
    for room, _ in house.config.rooms():
        house.put(make_state(room))
    assert "Nothing fires right now." in words(house)
    assert "ขณะนี้ไม่มีเรื่องที่ต้องแจ้งเตือน" in words(house, language="th")


def test_when_alerts_is_away_the_page_says_so_beside_what_it_recorded(house: Any) -> None:
    say(house, None, "offline")
    assert "cannot be reached. This page shows what it recorded last" in words(house)


# -- history and one alert ---------------------------------------------------------------------------------------------


def test_history_is_chosen_by_school_kind_and_days(house: Any) -> None:
    assert "Room needs fresh air" in words(house, "/alerts?show=history&days=1&site=ban-suan")
    table = house.ask("/alerts?show=history&kind=above&days=7&lang=en").text.partition("<table")[2]
    assert "PM2.5 52" in html.unescape(table) and "fresh air" not in table
    assert "No alerts in this period" in words(house, "/alerts?show=history&site=rim-khlong")


@pytest.mark.parametrize(
    "path",
    ["?show=nothing", "?show=history&site=x", "?show=history&kind=x", "?show=history&days=8", "?alert=no-such"],
)
def test_an_address_that_means_nothing_is_not_found(house: Any, path: str) -> None:
    assert house.ask(f"/alerts{path}").status == 404


def test_history_goes_on_page_by_page(house: Any, ledger: Path) -> None:
    for number in range(60):
        put_alert(ledger, f"old-{number:02}", state="closed", changed_at=now_ms() - 3_600_000 * (2 + number), since=1)
    first = house.ask("/alerts?show=history&days=7&lang=en").text
    href = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert href is not None
    second = house.ask(html.unescape(href[1])).text
    of = [set(re.findall(r"alert=([\w-]+)", text)) for text in (first, second)]
    assert len(of[0]) == 50 and not of[0] & of[1]
    assert {f"old-{number:02}" for number in range(60)} <= of[0] | of[1]


def test_one_alert_is_told_in_full(house: Any) -> None:
    said = words(house, "/alerts?alert=dust", **house.sign_in("head", PASSWORD))
    for expected in (
        "the provider answered 503",
        "it has lasted long enough",
        "the system",
        "delivered",
        "quiet hours",
    ):
        assert expected in said


def test_the_language_switch_keeps_what_is_shown(house: Any) -> None:
    text = house.ask("/alerts?show=history&days=30&lang=en").text
    assert 'href="/alerts?show=history&amp;days=30&amp;lang=th"' in text


def test_words_and_names_that_are_not_ours_are_only_text(make_house: Any, tmp_path: Path) -> None:
    ledger = empty_ledger(tmp_path / "ledger.db")
    evil = "<script>alert(1)</script>"
    put_alert(ledger, "a", kind=evil, subject=evil, cause="", words='{"what": "<b>", "value": "<i>", "quantity": "x"}')
    put_notification(ledger, "n", "a", title=evil, channel=evil, reached=1, delivered_at=now_ms(), person=evil)
    assert evil not in make_house(ledger=ledger).ask("/alerts").text


# -- the count in the header -------------------------------------------------------------------------------------------


def header(house: Any, path: str = "/", language: str = "en") -> str:
    text = house.ask(f"{path}?lang={language}").text
    return text.partition('class="alert-count-place"')[2].partition("</header>")[0]


@pytest.mark.parametrize(("language", "one", "many"), [("en", "1 alert<", "7 alerts<"), ("th", "1 เรื่อง<", "7 เรื่อง<")])
def test_the_header_counts_what_nobody_has_acknowledged(house: Any, language: str, one: str, many: str) -> None:
    assert one in header(house, language=language)
    say(house, 7)
    assert many in header(house, "/health", language)


def test_none_is_nothing_loud_and_away_is_not_none(house: Any) -> None:
    say(house, 0)
    assert re.search(r"<a[^>]* hidden", header(house))
    for away in ({"state": "offline"}, {"unacknowledged": None}):
        say(house, **{"unacknowledged": 3, **away})
        assert "not known" in header(house) and " hidden" not in header(house)


def test_an_old_word_is_not_the_number_of_now(house: Any) -> None:
    house.offset_ms = OLD_MS + 1_000
    house.live.hear(Topics(house.config.org).beat, Beat(term=1, at=now_ms()).model_dump_json().encode())
    assert "not known" in header(house)


@pytest.mark.parametrize("said", ["many", -1, None])
def test_a_figure_that_is_no_count_is_not_known(said: Any) -> None:
    status = ServiceStatus(service="alerts", state="online", at=5, figures={"alerts_unacknowledged": said})
    assert count_of(status).unacknowledged is None


@pytest.mark.parametrize(
    ("table", "words_of"),
    [
        ("severity", SEVERITIES),
        ("state", get_args(AlertState)),
        ("stage", get_args(Stage)),
        ("sending", get_args(NotificationState)),
        ("reason", [one for one in get_args(Reason) if one]),
        ("why", get_args(Why)),
        ("channel", [info.name for info in pkgutil.iter_modules(channels.__path__)]),
    ],
)
def test_every_word_of_alerts_has_a_text(table: str, words_of: Any) -> None:
    assert [one for one in words_of if not i18n.has(f"alerts_page.{table}.{one}")] == []


@pytest.mark.parametrize("language", ["th", "en"])
def test_administrators_see_which_letters_were_held_back_since_when_and_until_when(
    house: Any, ledger: Path, language: str
) -> None:
    house.still_at = 1_795_401_720_000  # 23 November 2026
    usual = {"due_at": 1, "site": "ban-suan", "person": "", "stage": "message", "severity": "info", "language": "th"}
    for number in range(3):
        made = house.still_at - 2 * DAY_MS + number
        title = "รายงานห้อง ป.1/2"
        put(
            ledger,
            "notification",
            id=f"l{number}",
            made_at=made,
            title=title,
            state="abandoned",
            reason="quota",
            **usual,
        )
    usual |= {"due_at": house.still_at + HOUR_MS}
    put(
        ledger,
        "notification",
        id="q",
        made_at=house.still_at,
        title="ฝุ่น",
        state="waiting",
        reason="quiet_hours",
        **usual,
    )
    house.desk.add_account("boss", "admin", PASSWORD)
    said = words(house, language=language, **house.sign_in("boss", PASSWORD))
    part = said.partition(i18n.t(language, "alerts_page.letters"))[2]
    assert "รายงานห้อง ป.1/2" in part and i18n.t(language, "alerts_page.letters_to", n=3) in part
    assert i18n.show_date(date(2026, 12, 1), language, "short") in part
    assert (
        i18n.t(language, "alerts_page.reason.quota") in part and i18n.t(language, "alerts_page.letters_to", n=1) in part
    )
    others = words(house, language=language, **house.sign_in("somchai", PASSWORD))
    assert i18n.t(language, "alerts_page.letters") not in others
