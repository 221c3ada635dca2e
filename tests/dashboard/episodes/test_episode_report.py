"""What the report of a smoke episode counts, and what it says when it does not know."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.alerting.records import AlertRecord, NotificationRecord, TaskRecord
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import HoursOfDay, Timetable
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.episodes.air import STEP_MS, exposed
from dashboard.episodes.report import count_alerts, count_messages, count_tasks
from dashboard.reports import episode_report
from dashboard.reports.engine import unavailable
from research.means import MeanRow
from tests.classair.alerting.filled import empty_ledger, put
from tests.dashboard.conftest import MONDAY

SCHOOL = Timetable(frozenset(range(5)), (HoursOfDay(time(8), time(10)),), ())


def row(at: int, value: float | None) -> MeanRow:
    return MeanRow("s.a", "s.a-pm", "pm25", at, n=1, complete=value is not None, corrected=value)


def task(key: str, due: int, done: int | None, words: str = "default:masks") -> TaskRecord:
    return TaskRecord(key, "e", 0, words, "s", "", "lung", due, done, "teacher:kru" if done is not None else "", "")


def notification(state: str, reached: bool = False, reason: str = "") -> NotificationRecord:
    return NotificationRecord(
        "n", 1, 1, "s", "lung", "episode", "urgent", "th", "", "", state, reason, "", 1, 5 if reached else None, "",
        reached, "e",
    )  # fmt: skip


def alert(fired: int | None, acknowledged: int | None) -> AlertRecord:
    return AlertRecord(
        "a", "dust", "above", "s.a", "", "s", "s.a", "urgent", "firing", True, 0, fired, 0, acknowledged, "", None,
        None, 1, "", {}, {},
    )  # fmt: skip


def test_only_steps_in_which_the_class_was_there_are_exposure_and_a_missing_one_is_no_clean_one() -> None:
    rows = [row(MONDAY + 7 * HOUR_MS, 200.0), row(MONDAY + 8 * HOUR_MS, 40.0), row(MONDAY + 9 * HOUR_MS, None)]
    occupied, known = exposed(rows, SCHOOL, MONDAY, MONDAY + 24 * HOUR_MS)
    assert (occupied, known) == (8, [40.0])


@given(st.dictionaries(st.integers(0, 95), st.none() | st.floats(0, 400)))
def test_what_is_known_is_never_more_than_what_was_there(values: dict[int, float | None]) -> None:
    rows = [row(MONDAY + step * STEP_MS, value) for step, value in values.items()]
    occupied, known = exposed(rows, SCHOOL, MONDAY, MONDAY + 24 * HOUR_MS)
    assert occupied == 8 and len(known) <= occupied
    assert len(known) == sum(value is not None for step, value in values.items() if 32 <= step < 40)


def test_a_task_is_in_time_late_never_or_still_open() -> None:
    every = [task("a", 100, 100), task("b", 100, 101), task("c", 100, None)]
    closed = count_tasks(every, closed=True, names=True)
    assert (closed.in_time, closed.late, closed.never, closed.open) == (1, 1, 1, 0)
    assert count_tasks(every, closed=False, names=True).open == 1


def test_names_and_own_words_are_kept_from_those_who_may_not_read_them() -> None:
    (line,) = count_tasks([task("a", 100, 100, "Ask Somsri")], closed=True, names=False).tasks
    assert (line.words, line.who, line.owner) == (None, "teacher", None)


def test_a_message_counts_as_told_only_by_a_receipt_of_a_channel_that_reaches_a_person() -> None:
    found = count_messages(
        [
            notification("delivered", reached=True),
            notification("delivered"),
            notification("dropped", reason="unsubscribed"),
            notification("abandoned"),
            notification("waiting", reason="quiet_hours"),
        ]
    )
    assert (found.made, found.told, found.only_logged, found.on_the_way) == (5, 1, 1, 1)
    assert found.not_sent == {"unsubscribed": 1, "": 1}


def test_time_to_acknowledge_is_of_those_that_were_acknowledged() -> None:
    found = count_alerts([alert(0, 4 * MINUTE_MS), alert(0, 10 * MINUTE_MS), alert(0, None), alert(None, None)])
    assert (found.fired, found.acknowledged, found.median_minutes, found.longest_minutes) == (3, 2, 7.0, 10.0)


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """An episode of the day in `readings`, from 08:00 to 14:00."""
    path = empty_ledger(tmp_path / "past.db")
    put(
        path,
        "episode",
        id="ep-9",
        name="Rice straw",
        sites='["ban-suan", "gone"]',
        opened_at=MONDAY + 8 * HOUR_MS,
        opened_by="caretaker:lung",
        why="smell",
        closed_at=MONDAY + 14 * HOUR_MS,
        closed_by="admin:head",
        summary="Keep masks ready",
    )
    put(
        path,
        "episode_task",
        id="t1",
        episode="ep-9",
        at=MONDAY,
        words="default:masks",
        site="ban-suan",
        room="",
        owner="",
        due_at=MONDAY,
    )
    return path


@pytest.mark.thorough
def test_the_report_says_what_was_measured_and_what_was_not(make_house: Any, readings: Path, past: Path) -> None:
    store = SqliteStore(readings, readonly=True)
    house = make_house(store=store, readings=readings, ledger=past)
    told = house.ask("/api/v1/episodes/ep-9/report").json
    (yard,) = told["outdoors"]
    assert (yard["highest"], yard["hours_known"], yard["hours_expected"]) == (13.0, 6, 6)
    assert yard["mean"] == 10.5 and "hourly means" in yard["source"]
    exposure = {one["room"]: one for one in told["exposure"]}["ban-suan.p1-2"]
    assert (exposure["occupied_hours"], exposure["known_hours"], exposure["mean"]) == (6.0, 6.0, 10.5)
    assert [one["hours"] for one in exposure["above"]] == [0.0, 0.0, 0.0]
    silent = {one["room"]: one for one in told["rooms"]}["ban-suan.p4-1"]
    assert (silent["mean"], silent["hours_known"]) == (None, 0)
    assert [(one["start"], one["end"]) for one in silent["missing"]] == [(MONDAY + 8 * HOUR_MS, MONDAY + 14 * HOUR_MS)]
    missing = {(one["what"], one["place"]) for one in told["not_known"]}
    assert {("school_gone", "gone"), ("hours", "ban-suan.p4-1"), ("purifier_state", "ban-suan.p1-2-fan")} <= missing
    assert (told["tasks"]["never"], told["opened_by"], told["why"], told["summary"]) == (1, "caretaker", None, None)
    for language, words in (("en", "Report of a smoke episode"), ("th", "รายงานเหตุการณ์หมอกควัน")):
        page = house.ask(f"/episode/ep-9/report?lang={language}").text
        assert words in page and "lung" not in page and "Keep masks ready" not in page
    house.desk.add_account("kru", "teacher", "four unrelated words here")
    who = house.sign_in("kru", "four+unrelated+words+here")
    assert "Keep masks ready" in house.ask("/episode/ep-9/report", Cookie=who["Cookie"]).text
    store.close()


@pytest.mark.thorough
def test_without_the_database_the_report_tells_the_rest_and_what_is_missing(make_house: Any, past: Path) -> None:
    house = make_house(ledger=past)
    told = house.ask("/api/v1/episodes/ep-9/report").json
    assert told["unavailable"] == ["readings"] and told["outdoors"] == [] and told["tasks"]["never"] == 1
    assert "could not be read" in house.ask("/episode/ep-9/report?lang=en").text


@pytest.mark.thorough
def test_an_episode_nobody_knows_is_a_404_and_a_ledger_that_is_away_is_not(make_house: Any, past: Path) -> None:
    house = make_house(ledger=past)
    assert house.ask("/api/v1/episodes/none/report").status == 404
    assert house.ask("/episode/none/report", Accept="text/html").status == 404
    past.unlink()
    assert house.ask("/api/v1/episodes").status == 503
    assert "cannot be read" in house.ask("/episode/ep-9/report?lang=en").text


def test_the_pdf_has_the_same_sheet_as_the_page_and_none_is_made_of_an_episode_nobody_knows(
    make_house: Any, readings: Path, past: Path
) -> None:
    from pypdfium2 import PdfDocument

    house = make_house(store=SqliteStore(readings, readonly=True), readings=readings, ledger=past)
    ctx = house.app.server.state.ctx
    document = episode_report.html(ctx, "th", "ep-9", False)
    assert document is not None
    sheet_of = lambda text: re.search(r"<article.*</article>", text, re.DOTALL)  # noqa: E731
    on_page, on_paper = sheet_of(house.ask("/episode/ep-9/report?lang=th").text), sheet_of(document)
    assert on_page is not None and on_paper is not None
    made_at = re.compile(r'<p class="quiet made-at">.*?</p>')
    assert made_at.sub("", on_paper[0]) == made_at.sub("", on_page[0])
    assert house.ask("/episode/nobody/report.pdf").status == 404
    if unavailable():
        pytest.skip(unavailable())
    answer = house.ask("/episode/ep-9/report.pdf?lang=th")
    assert answer.headers["Content-Type"] == "application/pdf"
    with PdfDocument(answer.body) as pdf:
        assert len(pdf) >= 1
