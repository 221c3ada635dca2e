"""The same room and moment: the same number, level, action and age wherever it is read; the same past quarter-hour too.

Moments are drawn, so that every kind of state comes: late, unknown, filling, suspect, without CO2 or outdoors.
"""

from __future__ import annotations

import asyncio
import csv
import html
import io
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from classair import i18n
from classair.dates import day, moment_ms
from classair.line import flex
from classair.model import Flag, Reading
from classair.places import Places
from classair.science.state import pm25_shown
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from classair.wire import RoomState
from dashboard.context import Context
from dashboard.line import air, card
from dashboard.pages.explorer.view import asked
from dashboard.queries.exports import Exports
from dashboard.reports.week.asking import current
from dashboard.reports.week.words import headline
from ingest.books.books import Books
from research.export.request import Request
from research.lesson_slots import SLOT_MS
from tests.dashboard.conftest import MONDAY, SCHOOLS, Builder, House, now_ms, state_of

pytestmark = pytest.mark.thorough

ROOMS = ("ban-suan.a1-1", "ban-suan.p1-2", "ban-suan.p1-10", "ban-suan.p4-1")
MOMENTS = 100
SLOTS = 100


# -- now --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Read:
    """What a place says of a room now. `number` "" and `level` unknown: there is no current value."""

    phase: str
    number: str
    level: str
    action: str
    newest_at: int | None


def drawn(rng: random.Random, room: str, at: int) -> RoomState:
    """A state that alerts may have said some time before `at`."""
    filling = rng.random() < 0.1
    told = state_of(
        room,
        None
        if filling or rng.random() < 0.1
        else rng.choice([rng.uniform(0, 130), 15.0, 15.1, 25.04, 25.2, 37.5, 75.0]),
        age_s=rng.choice([0, 10, 60, 179, 200]),
        at=at - rng.choice([0, 5_000, 100_000, 170_000, 185_000, 600_000, 895_000, 905_000, 3_600_000]),
        co2=rng.choice([None, 600, 1004, 1600, 2400]),
        outdoor=rng.choice([None, 5, 24, 46, 90]),
        on=rng.choice([True, False, None]),
        minutes_left=rng.randint(1, 14) if filling else None,
        play=rng.choice([None, 1, 3, 5]),
        told_at=rng.choice([None, at - 60_000]),
    )
    if rng.random() < 0.3 and told.outdoor.status == "ok":  # the place outdoors goes silent before the room
        older = told.outdoor.model_copy(update={"late_at": told.at, "unknown_at": told.at + 60_000})
        told = told.model_copy(update={"outdoor": older})
    if rng.random() < 0.1 and told.pm25.value is not None:
        bad = told.pm25.model_copy(update={"status": "suspect", "value": None, "shown": "", "level": "unknown"})
        words = {code: {"unknown": phases["unknown"]} for code, phases in told.texts.items()}
        told = told.model_copy(update={"pm25": bad, "texts": words, "rule": "0"})
    return told


def display(house: House, room: str, language: str, at: int) -> Read:
    """As display.js goes through a state by the ages that it is told, written here once more."""
    state = house.ask(f"/display/{room}/now").json["state"]
    value, outdoor = state["pm25"], state["outdoor"]
    known = value["status"] in ("ok", "late") and not (value["unknown_at"] is not None and at >= value["unknown_at"])
    late = known and (value["status"] == "late" or (value["late_at"] is not None and at >= value["late_at"]))
    phase = "late" if late else "ok" if known else "unknown"
    gone = outdoor["status"] in ("ok", "late") and outdoor["unknown_at"] is not None and at >= outdoor["unknown_at"]
    was = value["status"] in ("ok", "late")
    if gone and (known or not was) and "no_outdoor" in state["texts"][language]:
        phase = "no_outdoor"
    action = state["texts"][language][phase]["action"]
    shown = (value["shown"], value["level"]) if known else ("", "unknown")
    return Read("late" if late else "ok" if known else "unknown", *shown, plain(action), value["newest_at"])


def door(house: House, room: str, language: str) -> Read:
    page = house.ask(f"/door/{room}?lang={language}").text
    head = re.search(r'<section data-phase="(\w+)"[^>]*data-piece="now">', page)
    assert head is not None
    now = page[head.start() : page.index("</section>", head.start())]
    known = head[1] != "unknown"
    number = found(now, r'class="door-value"><span class="if-known"><span class="number"><b>([^<]*)</b>')
    level = found(now, r'class="door-level level" data-level="(\w+)"') if known else "unknown"
    word = found(now, r'class="door-word" aria-live="polite"><span class="if-known">([^<]*) <span')
    assert not known or word == i18n.t(language, f"level.{level}")
    part = now[now.index('<div class="door-advice">') :]
    block = found(part, rf'<div class="{"if-known" if known else "if-unknown"}">(<p class="action"[^>]*>.*?</p>)')
    age = re.search(r'data-age="measured" data-at="(\d+)"', now)
    return Read(head[1], number if known else "", level, plain(text_of(block)), int(age[1]) if age else None)


def line(house: House, room: str, language: str, at: int) -> tuple[str, Any]:
    state = house.live.state(room)
    message = card.message(house.config, room, state, language, at)
    return air.answer(house.config, room, state, language, at), message


def api(house: House, room: str, language: str) -> Read:
    state = house.ask(f"/api/v1/rooms/{room}/now").json["state"]
    row = next(one for one in house.ask("/api/v1/rooms").json["rooms"] if one["room"] == room)
    value = state["pm25"]
    assert (row["pm25"], row["level"], row["status"]) == (value["shown"], value["level"], value["status"])
    known = value["status"] in ("ok", "late")
    shown = (value["shown"], value["level"]) if known else ("", "unknown")
    return Read(value["status"] if known else "unknown", *shown, row["action"][language], value["newest_at"])


def plain(action: str) -> str:
    return " ".join(action.replace("‹", "").replace("›", "").split())


def text_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def found(text: str, pattern: str) -> str:
    match = re.search(pattern, text, re.DOTALL)
    assert match is not None, f"{pattern} in {text[:400]}"
    return html.unescape(match[1])


def test_a_hundred_moments_are_the_same_on_display_door_page_line_and_api(own_house: House) -> None:
    house, rng = own_house, random.Random(12)
    kinds = set()
    for number in range(MOMENTS):
        language, room = rng.choice(("th", "en")), rng.choice(ROOMS)
        # Each state is another one to the house: its clock goes on with it.
        house.offset_ms = number * 7_200_000
        at = now_ms() + house.offset_ms
        state = drawn(rng, room, at)
        house.put(state)
        told = display(house, room, language, at)
        kinds.add((told.level, bool(told.number), state.pm25.status))
        assert door(house, room, language) == told, state
        assert api(house, room, language) == told, state
        words, message = line(house, room, language, at)
        bubble = json.dumps(message, ensure_ascii=False)
        coloured = [level for level, colour in flex.LEVEL_COLOURS.items() if colour in bubble]
        if told.phase == "ok":
            # The number in words and on the card, the display's action word for word, the level and its colour.
            assert re.search(rf"(?<![\d.]){re.escape(told.number)}(?![\d.])", words)
            assert i18n.t(language, f"level.{told.level}").casefold() in words.casefold()
            assert told.action.casefold() in words.casefold()
            assert f'"{told.number}\u00a0' in bubble and told.action in bubble and coloured == [told.level]
        else:
            # No value of now; of a late one its number as the last that was.
            assert coloured == [] and (not told.number or told.number in words)
        if told.number:
            assert told.newest_at is not None
            assert i18n.show_date(local_time(told.newest_at), language, "time") in words
    assert {level for level, _, _ in kinds} >= {*flex.LEVEL_COLOURS, "unknown"}  # every kind came
    assert {status for _, _, status in kinds} >= {"ok", "suspect", "filling"}


# -- the past ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _past(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Iterator[House]:
    """A Monday of four rooms with drawn values, gaps and readings that failed a check; it is Tuesday."""
    places, rng = Places(tmp_path_factory.mktemp("past")), random.Random(5)
    books = Books(places.readings, journal=False)
    version = books.versions.add(SCHOOLS.read_text("utf-8"), MONDAY - 10 * HOUR_MS)
    with books.store.transaction():
        moves, _ = books.deployments.plan(schools, MONDAY, books.newest_reading)
        books.deployments.apply(moves, version.version)
    for number, room in enumerate(ROOMS):
        level, gap = rng.uniform(5, 90), -1
        for minute in range(7 * 60, 17 * 60):
            level = max(0.0, level + rng.gauss(0, 3))
            gap = minute + rng.randint(3, 40) if rng.random() < 0.01 else gap
            if minute > gap:
                books.store.write(
                    [
                        Reading(
                            f"{room}-pm",
                            "ban-suan.suan-pi",
                            "ab12cd34ef",
                            number * 5000 + minute + 1,
                            MONDAY + minute * MINUTE_MS,
                            {"pm25": round(level, 1)},
                            60.0,
                            flags=Flag.WARMUP if rng.random() < 0.05 else Flag.NONE,
                            room=room,
                            simulated=True,
                        )
                    ]
                )
    books.close()
    store, builder = SqliteStore(places.readings, readonly=True), Builder(places.root, schools)
    exports = Exports(places, SCHOOLS, now_ms, desk=places.root / "exports.db")
    house = builder(store=store, readings=places.readings, exports=exports)
    house.offset_ms = MONDAY + DAY_MS + 8 * HOUR_MS - now_ms()
    yield house
    builder.close()
    exports.close()
    store.close()


SELECTION = {
    "rooms": ",".join(ROOMS),
    "quantities": "pm25",
    "first": "2026-11-23",
    "last": "2026-11-23",
    "step": "15m",
    "method": "accepted",
}


def of_report(ctx: Context) -> dict[tuple[str, int], float | None]:
    """The model of the weekly report, which the door page and the digests show too."""
    monday = day("2026-11-23")
    return {
        (room, slot.start_ms): slot.inside
        for room in ROOMS
        for one in current(ctx, room, monday).days
        for slot in one.slots
    }


def of_room_page(house: House) -> dict[tuple[str, int], float | None]:
    """The series behind the room's page and its API: a step that is not complete has no value."""
    query = "quantity=pm25&step=15m&start=2026-11-23T00:00:00%2B07:00&end=2026-11-24T00:00:00%2B07:00"
    return {
        (room, moment_ms(point["start"])): point["mean"] if point["complete"] else None
        for room in ROOMS
        for point in house.ask(f"/api/v1/rooms/{room}/series?{query}").json["points"]
    }


def of_table(house: House) -> dict[tuple[str, int], float | None]:
    query = "&".join(f"{key}={value}" for key, value in SELECTION.items())
    answer = house.ask(f"/api/v1/table?{query}&limit=5000").json
    return {(row["room"], moment_ms(row["start"])): row["value"] for row in answer["rows"]}


def explorer_csv(ctx: Context, selection: dict[str, str]) -> str:
    return ctx.research.as_csv(asked(selection, ROOMS, ROOMS[:1], day("2026-11-23")).selection)


def export_csv(ctx: Context, selection: dict[str, str]) -> str:
    async def read() -> bytes:
        assert ctx.exports is not None
        return b"".join([piece async for piece in ctx.exports.stream(Request.parse(selection), "csv")])

    return asyncio.run(read()).decode()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def of_file(text: str) -> dict[tuple[str, int], float | None]:
    return {(full(row["school_id"], row["room_id"]), moment_ms(row["time"])): of_row(row) for row in rows_of(text)}


def of_row(row: dict[str, str]) -> float | None:
    """What docs/export.md says of these columns: the corrected value, without a correction the measured one; of rows
    that are complete."""
    said = row["pm25_raw_ugm3"] if row["correction_id"] == "none" else row["pm25_corrected_ugm3"]
    return float(said) if said and int(row["n"]) >= 0.75 * float(row["n_expected"]) else None


def full(site: str, room: str) -> str:
    return room if "." in room else f"{site}.{room}"


def test_a_hundred_past_quarter_hours_are_the_same_in_report_room_page_table_explorer_and_export(_past: House) -> None:
    ctx: Context = _past.app.server.state.ctx
    report = of_report(ctx)
    others = {
        "room page": of_room_page(_past),
        "table": of_table(_past),
        "explorer": of_file(explorer_csv(ctx, SELECTION)),
        "export": of_file(export_csv(ctx, SELECTION)),
    }
    chosen = random.Random(3).sample(sorted(report), min(SLOTS, len(report)))
    assert len(chosen) >= 75
    for room, start in chosen:
        value = report[room, start]
        for name, values in others.items():
            # Nothing is rounded before it is shown, so they are equal to the last bit that a text carries.
            other = values.get((room, start))
            assert (value is None) == (other is None), (name, room, local_time(start), value, other)
            assert value is None or other == pytest.approx(value, abs=0.0006), (name, room, local_time(start))
    known = [report[one] for one in chosen if report[one] is not None]
    assert 10 <= len(known) < len(chosen) and (start - MONDAY) % SLOT_MS == 0  # there are values, and gaps


@pytest.mark.parametrize("step", ["15m", "1h", "1d"])
def test_the_explorers_file_is_the_exports_and_its_booleans_are_read_by_r_and_spreadsheets(
    _past: House, step: str
) -> None:
    ctx: Context = _past.app.server.state.ctx
    explorer, export = (made(ctx, SELECTION | {"step": step}) for made in (explorer_csv, export_csv))
    assert explorer.startswith("\ufeff") and explorer.partition("\r\n")[0] == export.partition("\r\n")[0]
    assert sorted(map(str, rows_of(explorer))) == sorted(map(str, rows_of(export))) != []
    for name in ("lesson", "simulated"):
        assert {row[name] for row in rows_of(explorer)} <= {"TRUE", "FALSE"}, name


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_door_page_says_this_weeks_report_in_its_words_and_numbers(_past: House, language: str) -> None:
    ctx: Context = _past.app.server.state.ctx
    for room in ROOMS:
        report = current(ctx, room, day("2026-11-23"))
        page = _past.ask(f"/door/{room}?lang={language}").text
        week = page[page.index('data-piece="week"') :].partition("</section>")[0]
        assert html.escape(headline(report, language)) in html.escape(html.unescape(week))
        assert report.inside is not None and f"<dd>{pm25_shown(report.inside)}" in week
        shown = dict(re.findall(r'data-level="(\w+)"></span><span class="share-name">[^<]*</span><b>(\d+)%</b>', week))
        assert shown == {level: str(share) for level, share in report.shares.items() if share}
