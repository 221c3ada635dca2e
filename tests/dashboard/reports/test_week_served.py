"""A week behind its signed link: the same numbers as the API, escaped, light, and gone when the link ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from classair.dates import moment_ms
from classair.model import Missing, Reading
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import day_start_ms
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.reports import command, engine
from dashboard.reports.shares import Shares
from dashboard.reports.week import page
from dashboard.reports.week.shelf import Shelf
from ingest.books.books import Books
from research.lesson_air import LEVELS
from tests.dashboard.conftest import Builder, House, now_ms
from tests.dashboard.reports import weeks

pytestmark = [pytest.mark.servers, pytest.mark.thorough]

SATURDAY = day_start_ms(weeks.MONDAY) + 5 * DAY_MS
HOSTILE = '<script>alert(1)</script>"&'


def fill(path: Path) -> None:
    """Five days of p1-2 and the yard, a reading a minute, Thursday 10.00–12.30 without any."""
    books = Books(path, journal=False)
    for number, (room, sensor, quantity, base) in enumerate(
        (("p1-2", "p1-2-pm", "pm25", 14.0), ("p1-2", "p1-2-co2", "co2_ppm", 950.0), ("yard", "yard-pm", "pm25", 44.0))
    ):
        found = []
        for day in range(5):
            for minute in range(8 * 60, 16 * 60):
                if day == 3 and 600 <= minute < 750 and number < 2:
                    continue
                at = day_start_ms(weeks.MONDAY) + day * DAY_MS + minute * MINUTE_MS
                value = base * (1 + ((minute * 7 + day) % 40) / 80) + (30 if day == 2 and minute < 540 else 0)
                seq = (number * 5 + day) * 1000 + minute + 1
                found.append(
                    Reading(f"ban-suan.{sensor}", "ban-suan.suan-pi", "ab12cd34ef", seq, at, {quantity: value}, 60.0,
                            room=f"ban-suan.{room}", simulated=True)
                )  # fmt: skip
        books.store.write(found)
    gone = day_start_ms(weeks.MONDAY) + 3 * DAY_MS + 10 * HOUR_MS
    books.store.write_missing(
        [Missing("ban-suan.p1-2-pm", gone, gone + 150 * MINUTE_MS, 150, "off", "ban-suan.suan-pi", True)]
    )
    books.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("week") / "readings.db"
    fill(path)
    return path


@pytest.fixture
def school(make_house: Builder, filled: Path) -> House:
    house = make_house(
        store=SqliteStore(filled, readonly=True), readings=filled, config=weeks.schools(HOSTILE, HOSTILE)
    )
    house.offset_ms = SATURDAY - now_ms()
    return house


def link(house: House) -> str:
    shares: Shares = house.app.server.state.ctx.shares
    token = shares.token(page.KIND, (weeks.ROOM, weeks.MONDAY.isoformat()), page.until_ms(weeks.MONDAY))
    return f"/report/{token}"


def test_page_api_and_series_give_the_same_numbers(school: House) -> None:
    week = school.ask(f"/api/v1/rooms/{weeks.ROOM}/week?day=2026-11-18").json
    assert week["first"] == "2026-11-16" and week["over"] and week["simulated"]
    for place, key in ((weeks.ROOM, "inside"), ("ban-suan.yard", "outside")):
        for day in week["days"]:
            start = day_start_ms(weeks.MONDAY.fromisoformat(day["day"]))
            series = school.ask(
                f"/api/v1/rooms/{place}/series?quantity=pm25&start={start}&end={start + DAY_MS}&step=15m"
            ).json
            rows = {moment_ms(point["start"]): point["mean"] for point in series["points"] if point["complete"]}
            assert day["slots"]
            for slot in day["slots"]:
                assert slot[key] == rows.get(slot["start_ms"]), (place, slot)
    text = school.ask(link(school) + "?lang=en").text
    for day in week["days"]:
        assert sum(day["shares"].values()) == 100
        for level in LEVELS:
            if day["shares"][level]:
                assert f"{day['shares'][level]}%" in text
    assert "Thursday 10:00–11:30: The bridge was not running" in text  # lessons end at 11.30
    assert week["gaps"][0]["reasons"] == ["off"]


def test_the_page_is_light_has_no_script_no_inline_style_and_escapes_names(school: House) -> None:
    for language in ("th", "en"):
        answer = school.ask(f"{link(school)}?lang={language}")
        assert answer.status == 200 and "script-src 'self'" in answer.headers["Content-Security-Policy"]
        text = answer.text
        assert "<script" not in text and " style=" not in text and "<style" not in text
        assert "&lt;script&gt;" in text
        assert f'<html lang="{language}"' in text and "noindex" in answer.headers["X-Robots-Tag"]
        sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)
        weight = len(answer.body) + sum(len(school.ask(sheet).body) for sheet in sheets)
        fonts = sum(f.stat().st_size for f in (engine.ASSETS / "fonts").glob("*.woff2"))
        assert weight + fonts <= 150_000
        # No Thai inside a drawing, its unseen title apart.
        for drawing in re.findall(r"<svg.*?</svg>", text, re.S):
            assert not re.search("[\u0e00-\u0e7f]", re.sub(r"<title>.*?</title>", "", drawing))


def test_a_link_that_was_changed_or_has_ended_leads_nowhere(school: House) -> None:
    good = link(school)
    assert school.ask(good).status == 200
    for wrong in (good[:-1], good + "x", "/report/abc", good.replace("/report/", "/report/x")):
        assert school.ask(wrong).status == 404
        assert school.ask(f"{wrong}.pdf").status == 404
    school.offset_ms += 61 * DAY_MS
    assert school.ask(good).status == 404


def test_what_was_told_stays_as_it_was_told(school: House, filled: Path, tmp_path: Path) -> None:
    """The kept report is shown, also when the database says otherwise now."""
    told = weeks.report(weeks.air(lambda d, n: 90.0))
    ctx: Any = school.app.server.state.ctx
    shelf = Shelf(tmp_path / "reports")
    shelf.put(told, {("en", "pdf"): b"%PDF-kept"})
    assert shelf.report(weeks.ROOM, weeks.MONDAY) == told
    assert ctx.papers is None
    object.__setattr__(ctx, "papers", tmp_path / "reports")
    assert "30 lesson hours were above" in school.ask(link(school) + "?lang=en").text
    assert school.ask(link(school) + ".pdf?lang=en").body == b"%PDF-kept"


@pytest.mark.skipif(bool(engine.unavailable()), reason=engine.unavailable() or "can be made")
def test_pdf_and_picture_come_from_the_press(school: House) -> None:
    pdf, png = (school.ask(f"{link(school)}.{form}?lang=th") for form in ("pdf", "png"))
    assert pdf.body.startswith(b"%PDF-") and pdf.headers["Content-Type"] == "application/pdf"
    assert png.body.startswith(b"\x89PNG") and len(png.body) < 1_000_000


def test_rooms_and_weeks_that_do_not_exist_are_refused_by_name(school: House) -> None:
    assert school.ask("/api/v1/rooms/ban-suan.yard/week").status == 404
    assert school.ask("/api/v1/rooms/ban-suan.p9/week").json["error"]["right"].startswith("did you mean")
    assert school.ask(f"/api/v1/rooms/{weeks.ROOM}/week?day=2569-11-18").status == 422
    assert school.ask("/reports?week=2026-11-18&lang=en").status == 200
    assert school.ask("/reports?week=nonsense").status == 404


def test_the_command_makes_all_once_and_refuses_a_week_that_is_not_over(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, config = tmp_path / "data", tmp_path / "sensors.yaml"
    data.mkdir()
    SqliteStore(filled, readonly=True).close()
    (data / "readings.db").write_bytes(filled.read_bytes())
    config.write_text(Path("sensors.yaml").read_text("utf-8"), "utf-8")
    words = [
        "week",
        "--week",
        "2026-11-20",
        "--room",
        weeks.ROOM,
        "--data",
        str(data),
        "--config",
        str(config),
        "--quiet",
    ]
    monkeypatch.setattr(command.time, "time_ns", lambda: (SATURDAY - 2 * DAY_MS) * 1_000_000)
    assert command.main(words) == 2
    assert "is not over" in capsys.readouterr().err
    monkeypatch.setattr(command.time, "time_ns", lambda: SATURDAY * 1_000_000)
    assert command.main([*words, "--send"]) == 0
    folder = data / "reports" / "2026-W47" / weeks.ROOM
    made = {file.name: file.read_bytes() for file in folder.iterdir()}
    forms = ("html",) if engine.unavailable() else ("html", "pdf", "png")
    assert made.keys() == {"week.json", *(f"{language}.{form}" for language in ("th", "en") for form in forms)}
    assert "1 made, 0 were there" in capsys.readouterr().out
    order = json.loads((folder.parent / "send.json").read_text())
    assert order == {"monday": "2026-11-16", "rooms": [weeks.ROOM]}
    assert command.main(words) == 0
    assert "0 made, 1 were there" in capsys.readouterr().out
    (folder / "week.json").unlink()  # as if the first run had been stopped
    assert command.main(words) == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == made  # the same bytes
    assert command.main([*words[:3], "--room", "ban-suan.yard", *words[5:]]) == 2
