"""The monthly paper: measures equal a recount, what is not known stays so, three schools and what helps them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.i18n import LANGUAGES, t
from classair.model import Reading
from classair.places import Places
from classair.stores.memory.store import MemoryStore
from classair.timetable import day_start_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.municipality.lessons import Lessons
from dashboard.reports.engine import unavailable
from dashboard.reports.month import command, page
from dashboard.reports.month.help_needed import Help, RoomMonth, SchoolMonth, clean_air_changes, needed
from dashboard.reports.month.numbers import MonthPaper, before, make, newest
from dashboard.reports.month.words import NOT_KNOWN, count, headline, share, words
from dashboard.tickets.records import NewTicket
from tests.classair.alerting.filled import empty_ledger
from tests.dashboard.conftest import now_ms

MONTH = date(2026, 11, 1)
GOOD = {"ban-suan.p1-2": 12.0, "ban-suan.p4-1": 60.0}

# -- what helps ----------------------------------------------------------------------------------------------------

lessons = st.lists(st.integers(0, 200), min_size=6, max_size=6).flatmap(
    lambda counts: st.integers(0, 40).map(
        lambda pupils: Lessons(
            tuple(counts), pupils * sum(counts), pupils * sum(counts[:2]), pupils * sum(counts[:5]), frozenset()
        )
    )
)
rooms = st.lists(
    st.builds(RoomMonth, st.sampled_from([f"s.r{n}" for n in range(9)]), lessons, st.none() | st.floats(0.5, 12)),
    max_size=9,
    unique_by=lambda one: one.room,
).map(tuple)
schools = st.lists(
    st.builds(SchoolMonth, st.sampled_from("abcdefgh"), rooms, st.integers(0, 4), st.integers(0, 4)),
    max_size=8,
    unique_by=lambda one: one.site,
)


@given(schools)
def test_at_most_three_schools_each_with_something_that_helps_and_in_no_order_of_merit(of: list[SchoolMonth]) -> None:
    found = needed(of)
    assert len(found) <= 3 and all(one.helps for one in found)
    assert [one.site for one in found] == sorted(one.site for one in found)
    known = {one.site: one for one in of}
    for one in found:
        whats = [what.what for what in one.helps]
        assert len(whats) == len(set(whats))
        assert ("repairs" in whats) == (known[one.site].late > 0)
        for what in one.helps:
            assert len(what.rooms) + what.more == what.count or not what.rooms


@given(schools)
def test_whoever_is_left_out_had_no_more_unprotected_pupil_hours(of: list[SchoolMonth]) -> None:
    chosen = {one.site for one in needed(of)}
    alone = {one.site for one in of if needed([one])}
    assert len(chosen) == min(3, len(alone))
    for out in of:
        if out.site in alone - chosen:
            assert all(one.unprotected >= out.unprotected for one in of if one.site in chosen)


def test_a_room_without_purifier_needs_one_a_weak_one_more_air_and_a_strong_one_closed_windows() -> None:
    bad = Lessons((0, 0, 0, 100, 0, 0), 3000, 0, 3000)
    blind = Lessons((10, 0, 0, 0, 0, 90), 3000, 300, 300)
    one = SchoolMonth(
        "s",
        (
            RoomMonth("s.a", bad, None),
            RoomMonth("s.b", bad, 2.0),
            RoomMonth("s.c", bad, 6.0),
            RoomMonth("s.d", blind, 6.0),
        ),
    )
    assert needed([one])[0].helps == (
        Help("data", ("s.d",), 0, 1),
        Help("purifier", ("s.a",), 0, 1),
        Help("stronger", ("s.b",), 0, 1),
        Help("leaks", ("s.c",), 0, 1),
    )
    assert needed([SchoolMonth("s", (RoomMonth("s.e", Lessons((50, 50, 0, 0, 0, 0), 1, 1, 1), None),))]) == []
    assert clean_air_changes(180, {"f": 420, "g": 480}) == 5.0
    assert clean_air_changes(None, {"f": 420}) is clean_air_changes(180, {}) is None


# -- numbers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def school(make_house: Any, tmp_path: Path) -> Any:
    """The first half of a November that is over; one room good, one above moderate, three without data."""
    store = MemoryStore()
    for number, (room, value) in enumerate(GOOD.items()):
        for day in range(15):
            start = day_start_ms(MONTH + timedelta(days=day)) + 8 * HOUR_MS
            store.write(
                Reading(f"{room}-pm", "ban-suan.suan-pi", "ab12cd34ef", (number * 40 + day) * 1000 + n + 1,
                        start + (n + 1) * 5 * MINUTE_MS, {"pm25": value}, 300.0, room=room, simulated=True)
                for n in range(96)
            )  # fmt: skip
    house = make_house(store=store, ledger=empty_ledger(tmp_path / "ledger.db"))
    house.offset_ms = day_start_ms(date(2026, 12, 2)) - now_ms()
    return house


def made(house: Any, first: date = MONTH, *sites: str) -> MonthPaper:
    return make(house.app.server.state.ctx, first, sites or tuple(house.config.sites))


def test_measures_equal_a_recount_of_the_lesson_slots(school: Any) -> None:
    ctx, paper = school.app.server.state.ctx, made(school, MONTH, "ban-suan")
    every = known = good = pupils = above = 0
    with ctx.queries.lessons() as reader:
        for full, room in school.config.rooms():
            if room.outdoor or not full.startswith("ban-suan."):
                continue
            air = reader.of_room(full, MONTH, date(2026, 11, 30))
            here = sum(slot.level in ("very_good", "good") for slot in air.slots)
            every, known, good = every + len(air.slots), known + len(air.known), good + here
            above += sum(slot.level in ("starts_to_affect_health", "affects_health") for slot in air.slots)
            pupils += here * room.capacity
    found = paper.this.lessons
    assert (found.slots, found.known, found.protected_slots) == (every, known, pupils)
    assert known > 0 and above > 0
    assert found.known_share == pytest.approx(known / every)
    if known / every >= 0.5:
        assert found.good_share == pytest.approx(good / known)
        assert found.hours_above == pytest.approx(above / 4)
    assert set(paper.little) == {
        full for full, room in school.config.rooms() if full.startswith("ban-suan.") and not room.outdoor
    }


def test_months_that_are_not_known_stay_unknown_and_are_never_zero(school: Any) -> None:
    ctx, paper = school.app.server.state.ctx, made(school)
    for span in (paper.before, paper.year_ago):
        assert span.lessons.known == 0 and span.lessons.slots > 0
        assert span.lessons.good_share is span.lessons.protected_hours is span.lessons.hours_above is None
    for language in LANGUAGES:
        said = words(ctx, language, paper)
        for one in said.measures[:-1]:
            assert (one.before, one.year_ago) == (NOT_KNOWN, NOT_KNOWN)
        assert said.measures[-1].year_ago == t(language, "month.no_data")
        assert not re.search(r"\{\w+\}|None|nan", repr(said))


@given(st.none() | st.floats(0, 1e6, allow_nan=False))
def test_an_estimate_has_three_figures_and_unknown_has_none(value: float | None) -> None:
    if value is None:
        assert count(value) == share(value) == NOT_KNOWN
    else:
        digits = count(value).replace(",", "")
        assert len(digits.rstrip("0")) <= 3 or int(digits) < 1000
        assert abs(int(digits) - value) <= max(0.5, value * 0.005 + 0.5)


@pytest.mark.parametrize(
    ("counts", "key"),
    [
        ((0, 0, 0, 0, 0, 0), "none"),
        ((40, 0, 0, 0, 0, 60), "little"),
        ((95, 0, 0, 5, 0, 0), "above"),
        ((80, 0, 20, 0, 0, 0), "good"),
        ((79, 0, 21, 0, 0, 0), "mixed"),
    ],
)
def test_the_headline_is_the_first_that_fits_and_good_news_never_hides_bad_hours(counts: Any, key: str) -> None:
    told: list[str] = []
    headline(lambda which, **_: told.append(which) or "", Lessons(counts), "November")  # type: ignore[arg-type,func-returns-value]
    assert told == [f"month.headline.{key}"]


def test_reported_problems_of_the_month_are_counted_with_why_they_were_late(school: Any) -> None:
    ctx = school.app.server.state.ctx
    ticket = ctx.tickets.receive(NewTicket("purifier_dead", "ban-suan", "ban-suan.p1-2"), "k1")
    school.offset_ms += 4 * DAY_MS
    paper = made(school, date(2026, 12, 1))
    assert (paper.this.tickets.received, paper.this.tickets.late) == (1, 1)
    assert paper.late.unsaid == 1 and not paper.over
    said = words(ctx, "en", paper)
    assert t("en", "month.tickets.unsaid", n=1) in " ".join(said.tickets)
    assert "People for repairs" in " ".join(line for one in said.schools for line in one.helps)
    assert ticket.number


def test_a_month_that_has_not_begun_is_refused() -> None:
    assert newest(day_start_ms(date(2026, 12, 1))) == MONTH
    assert before(date(2026, 1, 1)) == date(2025, 12, 1)
    with pytest.raises(Exception, match="no month"):
        command.month("2026-13")


# -- served ----------------------------------------------------------------------------------------------------


def test_the_paper_is_read_by_its_link_alone_in_both_languages(school: Any) -> None:
    ctx = school.app.server.state.ctx
    signed = page.token(ctx.shares, school.config, MONTH, tuple(school.config.sites))
    for language in LANGUAGES:
        answer = school.ask(f"/paper/month/{signed}?lang={language}")
        assert answer.status == 200 and answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert t(language, "month.help_note") in answer.text and f'lang="{language}"' in answer.text
        assert len(answer.body) < 60_000 and "<script" not in answer.text
    for other in (signed[:-2] + "xx", ctx.shares.token("week", ("2026-11", "*"), ctx.now_ms() + DAY_MS)):
        assert school.ask(f"/paper/month/{other}").status == 404
    school.offset_ms += 100 * DAY_MS
    assert school.ask(f"/paper/month/{signed}").status == 404, "a link ends"


def test_a_link_about_one_school_tells_nothing_of_another(school: Any) -> None:
    ctx = school.app.server.state.ctx
    signed = page.token(ctx.shares, school.config, MONTH, ["rim-khlong"])
    text = school.ask(f"/paper/month/{signed}?lang=en").text
    assert "Rim Khlong" in text and "Ban Suan" not in text


def test_only_those_who_may_sign_are_given_the_link(school: Any, make_state: Callable[..., Any]) -> None:
    school.desk.add_account("mayor", "municipality", "kwan-fai-2569")
    school.desk.add_account("guest", "viewer", "kwan-fai-2569")
    assert "/paper/month/" in school.ask("/municipality?lang=en", **school.sign_in("mayor", "kwan-fai-2569")).text
    assert "/paper/month/" not in school.ask("/municipality?lang=en", **school.sign_in("guest", "kwan-fai-2569")).text
    assert "/paper/month/" not in school.ask("/municipality?lang=en").text


@pytest.mark.skipif(bool(unavailable()), reason="no PDF here")
def test_the_pdf_is_one_sheet_of_a4(school: Any) -> None:
    from pypdfium2 import PdfDocument

    ctx = school.app.server.state.ctx
    signed = page.token(ctx.shares, school.config, MONTH, tuple(school.config.sites))
    answer = school.ask(f"/paper/month/{signed}.pdf?lang=th")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/pdf"
    with PdfDocument(answer.body) as document:
        assert len(document) == 1
        assert [round(side) for side in document[0].get_size()] == [595, 842]


def test_the_command_makes_page_and_pdf_in_every_language(tmp_path: Path, schools: Any, capsys: Any) -> None:
    places = Places(tmp_path)
    empty_ledger(places.ledger)
    from ingest.books.books import Books

    Books(places.readings, journal=False).close()
    from argparse import Namespace

    assert command.run(Namespace(month=MONTH, site=["elsewhere"]), places, schools) == 2
    assert command.run(Namespace(month=MONTH, site=[]), places, schools) == 0
    folder = Path(capsys.readouterr().out.splitlines()[0])
    assert {path.suffix for path in folder.iterdir()} >= {".html"}
    assert {path.stem for path in folder.iterdir()} == {f"month-2026-11-{language}" for language in LANGUAGES}
