"""What schools note: kept once however often asked, withdrawn rather than deleted, refused with reasons."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.config import parse
from classair.model import Reading
from classair.stores.events import SchoolEvent, noted_events
from classair.timetable import local_time
from classair.units import DAY_MS, HOUR_MS
from classair.wire import Ask
from ingest.books.books import Books
from ingest.books.events import ADD, WITHDRAW, EventRejected

SCHOOL = """\
org: test-town
sites:
  north:
    name: North
    bridges: {pi-1: {}}
    rooms: {a: {name: A, volume_m3: 180}}
    sensors: {a-pm: {bridge: pi-1, room: a, model: pms5003t, port: "sim:classroom"}}
"""
NOW = 1_790_000_000_000
FILTER = {"site": "north", "room": "north.a", "kind": "filter_change", "start": NOW - HOUR_MS, "note": "HEPA ใหม่"}


@pytest.fixture
def books(tmp_path: Path) -> Any:
    made = Books(tmp_path / "readings.db", journal=False)
    yield made
    made.close()


def note(books: Books, do: str = ADD, identity: str = "request-0001", **args: Any) -> SchoolEvent:
    return books.note_event(Ask(id=identity, do=do, who="account:caretaker", args=args), parse(SCHOOL, {}), NOW)


def test_a_noted_event_is_read_from_the_file_with_who_and_when(books: Books) -> None:
    assert noted_events(books.path, 0, NOW) == []
    note(books, **FILTER)
    [found] = noted_events(books.path, NOW - DAY_MS, NOW)
    assert (found.room, found.kind, found.note, found.added_by, found.added_at) == (
        "north.a",
        "filter_change",
        "HEPA ใหม่",
        "account:caretaker",
        NOW,
    )
    assert noted_events(books.path, NOW, NOW + DAY_MS) == []
    assert noted_events(books.path, 0, NOW, site="south") == []


def test_the_same_ask_twice_is_one_event(books: Books) -> None:
    assert note(books, **FILTER) == note(books, **FILTER)
    assert len(noted_events(books.path, 0, NOW)) == 1


def test_asked_or_withdrawn_again_it_raises_no_version(books: Books) -> None:
    books.store.write(
        [
            Reading(
                "north.a-pm",
                "north.pi-1",
                "abcdef012345",
                1,
                NOW - HOUR_MS,
                {"pm25": 1.0},
                room="north.a",
                simulated=True,
            )
        ]
    )
    day = local_time(NOW - HOUR_MS).date()

    def version() -> int:
        return books.store.versions("north", day, day + timedelta(days=1))[day]

    made, found = note(books, **FILTER), [version()]
    for do, args in ((ADD, FILTER), (WITHDRAW, {"id": made.id}), (WITHDRAW, {"id": made.id})):
        note(books, do, **args)
        found.append(version())
    assert [later - found[0] for later in found] == [0, 0, 1, 1]


def test_a_withdrawn_event_is_no_longer_shown_and_still_there(books: Books) -> None:
    made = note(books, **FILTER)
    gone = note(books, WITHDRAW, "request-0002", id=made.id)
    assert note(books, WITHDRAW, "request-0003", id=made.id) == gone
    assert noted_events(books.path, 0, NOW) == []
    [kept] = noted_events(books.path, 0, NOW, withdrawn=True)
    assert (kept.withdrawn_by, kept.withdrawn_at) == ("account:caretaker", NOW)


def test_the_days_it_touches_get_a_new_version(books: Books) -> None:
    books.store.write([Reading("north.a-pm", "north.pi-1", "e" * 8, 1, NOW - HOUR_MS, {"pm25": 5.0}, room="north.a")])
    day = local_time(NOW - HOUR_MS).date()
    before = books.store.versions("north", day, day + timedelta(days=1))[day]
    note(books, **FILTER)
    assert books.store.versions("north", day, day + timedelta(days=1))[day] == before + 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "party"}, "kind: expected one of filter_change"),
        ({"site": "south", "room": ""}, "'south' is not in sensors.yaml"),
        ({"room": "north.z"}, "'north.z' is not in sensors.yaml"),
        ({"room": "south.a"}, "must belong to the same school"),
        ({"end": NOW - 2 * HOUR_MS}, "end: must be after start"),
        ({"start": 5}, "start"),
        ({"start": "2026-11-01"}, "start"),
        ({"start": NOW + 500 * DAY_MS}, "more than a year ahead"),
        ({"note": "x" * 201}, "note"),
        ({"note": "two\nlines"}, "one line of plain text"),
    ],
)
def test_an_event_that_means_nothing_is_refused_with_its_place(books: Books, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(EventRejected, match=said):
        note(books, **{**FILTER, **wrong})
    assert noted_events(books.path, 0, 2 * NOW) == []


def test_what_was_never_noted_cannot_be_withdrawn(books: Books) -> None:
    with pytest.raises(EventRejected, match="no such event"):
        note(books, WITHDRAW, id="request-9999")


EXPERIMENT = {**FILTER, "kind": "experiment", "end": NOW, "question": "หน้าต่างเปิดแล้วฝุ่นลดไหม", "note": ""}


def test_an_experiment_keeps_its_question_and_its_result(books: Books) -> None:
    note(books, **EXPERIMENT, result="ลดจาก 30 เป็น 21")
    [found] = noted_events(books.path, 0, NOW)
    assert (found.kind, found.question, found.result) == ("experiment", "หน้าต่างเปิดแล้วฝุ่นลดไหม", "ลดจาก 30 เป็น 21")


@pytest.mark.parametrize(
    "wrong", [{"question": ""}, {"room": ""}, {"kind": "activity"}, {"result": "two\nlines"}, {"question": "x" * 201}]
)
def test_an_experiment_without_question_or_room_and_a_question_of_anything_else_are_refused(
    books: Books, wrong: dict[str, str]
) -> None:
    with pytest.raises(EventRejected):
        note(books, **{**EXPERIMENT, **wrong})
    assert noted_events(books.path, 0, NOW) == []


def test_events_of_a_file_from_before_experiments_are_read_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    Books(path, journal=False).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for column in ("question", "result"):
            connection.execute(f"alter table event drop column {column}")
        connection.execute("insert into event values('old','north','','other',1,2,'before','console',3,'',null)")
    before = SchoolEvent("old", "north", "", "other", 1, 2, "before", "console", 3)
    assert noted_events(path, 0, NOW) == [before]
    books = Books(path, journal=False)
    try:
        note(books, **EXPERIMENT)
        assert noted_events(path, 0, 10) == [before]
        assert [one.kind for one in noted_events(path, 0, NOW)] == ["other", "experiment"]
    finally:
        books.close()
