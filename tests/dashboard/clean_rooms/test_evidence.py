"""The register of clean rooms: every measured figure follows from the exports that the paper names."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.i18n import LANGUAGES, t
from classair.model import Reading
from classair.places import Places
from classair.science.corrections import Correction
from classair.stores.corrections import add
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import day_start_ms
from classair.units import MINUTE_MS
from dashboard.access.roles import Principal
from dashboard.clean_rooms import serving
from dashboard.clean_rooms.evidence import Measured, collect, requests, span
from dashboard.clean_rooms.words import NOT_KNOWN, words
from dashboard.pages.clean_rooms import Register
from dashboard.reports.engine import unavailable
from ingest.books.books import Books
from research.export.package import build
from research.export.request import Request
from research.export.sources import opened
from tests.dashboard.conftest import SCHOOLS, now_ms

pytestmark = [pytest.mark.servers, pytest.mark.thorough]

MONDAY, DAYS = date(2026, 11, 23), 4
LAST = MONDAY + timedelta(days=DAYS - 1)
ROOM, YARD = "ban-suan.p1-2", "ban-suan.yard"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Places:
    """Four days of a room and its yard; a morning and an afternoon outside are missing; corrected from Tuesday."""
    places = Places(tmp_path_factory.mktemp("clean"))
    books = Books(places.readings, journal=False)
    version = books.versions.add(SCHOOLS.read_text("utf-8"), day_start_ms(MONDAY) - 1)
    with books.store.transaction() as connection:
        moves, _ = books.deployments.plan(schools, day_start_ms(MONDAY), books.newest_reading)
        books.deployments.apply(moves, version.version)
        add(
            connection,
            Correction(
                "p1-2-2026",
                1,
                "linear",
                {"slope": 0.8, "intercept": 1.0},
                valid_from=day_start_ms(MONDAY + timedelta(days=1)),
                sensors=(f"{ROOM}-pm",),
                data_set="beside the reference, 10 days",
                author="one",
                accepted_at=day_start_ms(MONDAY),
            ),
        )
    for number, (room, base) in enumerate(((ROOM, 30.0), (YARD, 55.0))):
        found = []
        for minute in range(DAYS * 1440):
            day, inside = divmod(minute, 1440)
            if number == 0 and day == 2 and inside < 800:
                continue  # Wednesday is no known day
            if number == 1 and day == 3 and inside > 700:
                continue
            value = base + 12 * day * (1 - number) + 10 * math.sin(minute / 90)
            at = day_start_ms(MONDAY) + (minute + 1) * MINUTE_MS
            found.append(
                Reading(f"{room}-pm", "ban-suan.suan-pi", "ab12cd34ef", number * 100_000 + minute + 1, at,
                        {"pm25": round(value, 1), "rh_pct": 60.0}, 60.0, room=room, simulated=True)
            )  # fmt: skip
        books.store.write(found)
    books.close()
    return places


@pytest.fixture
def house(make_house: Any, data: Places) -> Any:
    store = SqliteStore(data.readings, readonly=True)
    found = make_house(store=store, readings=data.readings)
    found.offset_ms = day_start_ms(LAST + timedelta(days=1)) + 8 * 60 * MINUTE_MS - now_ms()
    return found


def value(row: dict[str, str]) -> float | None:
    """As docs/export.md says: corrected where a correction applies, else as measured."""
    told = row["pm25_corrected_ugm3"] if row["correction_id"] not in ("", "none") else row["pm25_raw_ugm3"]
    return float(told) if told else None


def test_every_measured_figure_is_recomputed_from_the_csv_of_the_exports_it_names(
    house: Any, data: Places, schools: Any, tmp_path: Path
) -> None:
    found = collect(house.app.server.state.ctx, ROOM, MONDAY, LAST)
    lessons, by_day = requests(schools, ROOM, MONDAY, LAST)
    tables = []
    with opened(data, schools) as sources:
        for number, selection in enumerate((lessons, by_day)):
            package = build(sources, Request(selection=selection), tmp_path / str(number))
            text = (package.path / "data.csv").read_text("utf-8-sig")
            tables.append(list(csv.DictReader(io.StringIO(text, newline=""))))
    taught = {row["time"] for row in tables[0] if row["room_id"] == ROOM and row["lesson"].lower() == "true"}
    values = {
        room: {row["time"]: value(row) for row in tables[0] if row["room_id"] == room and row["time"] in taught}
        for room in (ROOM, YARD)
    }
    pairs = [
        (inside, values[YARD][time])
        for time, inside in values[ROOM].items()
        if inside is not None and values[YARD].get(time) is not None
    ]
    outside = [told for _, told in pairs if told is not None]
    table = schools.timetable_of(ROOM)
    days = [MONDAY + timedelta(days=n) for n in range(DAYS)]
    quarters = sum((one.end_ms - one.begin_ms) // (15 * MINUTE_MS) for day in days for one in table.lesson_spans(day))
    assert (found.slots, found.pairs) == (quarters, len(pairs))
    assert found.known == sum(one is not None for one in values[ROOM].values())
    assert 0 < found.pairs < found.known < found.slots, "the example has holes of both kinds"
    inside_mean, outside_mean = sum(one for one, _ in pairs) / len(pairs), sum(outside) / len(outside)
    assert found.inside == pytest.approx(inside_mean, abs=0.005)
    assert found.outside == pytest.approx(outside_mean, abs=0.005)
    assert found.ratio is not None and round(found.ratio, 2) == round(inside_mean / outside_mean, 2)
    means = [value(row) for row in tables[1]]
    known = [one for one in means if one is not None]
    assert found.below == sum(math.floor(one * 10 + 0.5) <= 375 for one in known)
    assert found.above == len(known) - found.below and found.unknown == DAYS - len(known)
    assert (found.below, found.above, found.unknown) == (2, 1, 1)
    assert found.corrections


def test_the_paper_names_both_requests_by_command_and_id(house: Any, schools: Any) -> None:
    ctx = house.app.server.state.ctx
    found = collect(ctx, ROOM, MONDAY, LAST)
    for language in LANGUAGES:
        said = words(ctx, language, found, Measured(why="no_contrast"))
        assert said.commands == (
            f"classair export --rooms {ROOM},{YARD} --first {MONDAY} --last {LAST} "
            "--quantities pm25 --step 15m --method accepted",
            f"classair export --rooms {ROOM} --first {MONDAY} --last {LAST} "
            "--quantities pm25 --step 1d --method accepted",
        )
        for selection in requests(schools, ROOM, MONDAY, LAST):
            assert selection.id in said.ids
        assert not re.search(r"\{\w+\}|None|nan", repr(said))
        assert t(language, "room_physics.why.no_contrast") in said.rows[3].how and said.rows[3].value == NOT_KNOWN


def test_what_a_room_does_not_have_is_unknown_and_never_zero(house: Any) -> None:
    ctx = house.app.server.state.ctx
    found = collect(ctx, "rim-khlong.a2-1", MONDAY, LAST)
    assert found.ratio is None and (found.below, found.above, found.unknown) == (0, 0, DAYS)
    said = {row.name: row.value for row in words(ctx, "en", found, Measured(why="no_purifier")).rows}
    assert said["Inside over outside in lessons"] == said["Days with a mean of at most 37.5 µg/m³"] == NOT_KNOWN
    assert said["Lesson time with data"] == "0%" and said["Clean air, by the label"] == "2.7 volumes per hour"


def test_page_and_pdf_are_for_those_who_may_see_the_room(house: Any) -> None:
    text = house.ask(f"/clean-rooms/{ROOM}?lang=en&days=7").text
    assert "classair export --rooms" in text and "<script" not in text
    for room in ("ban-suan.yard", "no.where", "ban-suan.p9-9"):
        assert house.ask(f"/clean-rooms/{room}").status == 404
    assert house.ask(f"/clean-rooms/{ROOM}?days=4000").status == 422
    house.desk.add_account("teacher", "teacher", "kwan-fai-2569", ["ban-suan.p4-1"])
    teacher = house.sign_in("teacher", "kwan-fai-2569")
    assert house.ask(f"/clean-rooms/{ROOM}", **teacher).status == 403
    assert house.ask("/clean-rooms/ban-suan.p4-1", **teacher).status == 200


@pytest.mark.skipif(bool(unavailable()), reason="no PDF here")
def test_the_pdf_of_a_room_is_one_sheet(house: Any) -> None:
    from pypdfium2 import PdfDocument

    answer = house.ask(f"/clean-rooms/{ROOM}.pdf?lang=th")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/pdf"
    with PdfDocument(answer.body) as document:
        assert len(document) == 1


def test_the_register_lists_the_rooms_a_reader_covers_clean_rooms_first(house: Any) -> None:
    ctx = house.app.server.state.ctx
    head = Principal("account", "h", "head", frozenset({"read"}), places=frozenset({"ban-suan"}))
    view = Register(ctx, "en", head)
    pieces = view.pieces(set())
    with view._collecting:
        pass  # what the first look has begun is over
    pieces = view.pieces(set())
    order = re.findall(r'data-hole="room/ban-suan\.([\w-]+)"', pieces["site/ban-suan"])
    assert order[0] == "a1-1" and set(order) == {"a1-1", "p1-2", "p1-10", "p4-1"}
    assert "site/rim-khlong" not in pieces
    first, last = span(ctx.now_ms())
    assert (last - first).days == 89 and last == LAST
    assert re.search(r">\d\.\d\d</td>", pieces[f"room/{ROOM}"]) and "2 of 3 days" in pieces[f"room/{ROOM}"]


def test_the_register_without_a_database_says_so(make_house: Any) -> None:
    view = Register(make_house(store=None).app.server.state.ctx, "en", Principal())
    view.pieces(set())
    with view._collecting:
        pass
    assert t("en", "clean_rooms.failed") in view.pieces(set())[""]


def test_both_forms_come_from_one_template(house: Any) -> None:
    ctx = house.app.server.state.ctx
    found = collect(ctx, ROOM, MONDAY, LAST)
    assert "assets/public/paper.css" in serving.printed(ctx, "th", found, Measured())


@pytest.mark.browser
@pytest.mark.parametrize("language", ["th", "en"])
def test_register_and_room_are_whole_on_phone_and_screen(house: Any, chromium: Any, language: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for path in ("/clean-rooms", f"/clean-rooms/{ROOM}"):
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{house.url}{path}?lang={language}")
        page.wait_for_selector("table")
        for width in (1920, 1280, 360):
            page.set_viewport_size({"width": width, "height": 720})
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, (path, width)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
        page.close()
    assert chromium.errors == []
