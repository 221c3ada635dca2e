"""Corrections accepted and ended through ingest: kept for ever, once however often asked, refused with reasons."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.config import parse
from classair.model import Reading
from classair.science.corrections import NONE, Correction, as_record
from classair.stores import StoreAway
from classair.stores.corrections import accepted_corrections
from classair.timetable import local_time
from classair.wire import Ask, Topics
from ingest.books.books import Books
from ingest.books.corrections import ACCEPT, END, CorrectionRejected

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
LOCAL = Correction(
    "north-2026",
    1,
    "linear",
    {"slope": 0.6, "intercept": 1.5},
    valid_from=NOW - 1000,
    sensors=("north.a-pm",),
    data_set="30 days beside station 54t",
    author="account:researcher-1",
)


@pytest.fixture
def books(tmp_path: Path) -> Any:
    made = Books(tmp_path / "readings.db", journal=False)
    yield made
    made.close()


def decide(books: Books, do: str, now: int = NOW, **args: Any) -> dict[str, Any]:
    ask = Ask(id="request-0001", do=do, who="account:researcher-1", args={"role": "researcher", **args})
    return as_record(books.decide_correction(ask, parse(SCHOOL, {}), now))


def test_an_accepted_correction_is_in_force_from_its_date_for_every_reader(books: Books) -> None:
    assert accepted_corrections(books.path).accepted == ()
    kept = decide(books, ACCEPT, correction=as_record(LOCAL))
    assert (kept["version"], kept["accepted_at"]) == (1, NOW)
    found = accepted_corrections(books.path)
    assert found.correction_for("north.a-pm", LOCAL.valid_from).label == "north-2026@1"
    assert found.correction_for("north.a-pm", LOCAL.valid_from - 1) is NONE
    assert found.correction_for("north.b-pm", NOW) is NONE


def test_the_same_wish_twice_is_one_version_and_another_one_the_next(books: Books) -> None:
    decide(books, ACCEPT, correction=as_record(LOCAL))
    assert decide(books, ACCEPT, NOW + 5, correction=as_record(LOCAL))["version"] == 1
    changed = {**as_record(LOCAL), "coefficients": {"slope": 0.7, "intercept": 1.5}}
    assert decide(books, ACCEPT, NOW + 5, correction=changed)["version"] == 2
    assert [one.version for one in accepted_corrections(books.path).accepted] == [1, 2]


def test_an_end_is_a_new_version_and_the_past_keeps_its_correction(books: Books) -> None:
    decide(books, ACCEPT, correction=as_record(LOCAL))
    assert decide(books, END, id="north-2026", at=NOW + 100)["version"] == 2
    assert decide(books, END, id="north-2026", at=NOW + 100)["version"] == 2
    found = accepted_corrections(books.path)
    assert found.correction_for("north.a-pm", NOW).label == "north-2026@2"
    assert found.correction_for("north.a-pm", NOW + 100) is NONE


def test_an_end_never_brings_back_what_has_ended(books: Books) -> None:
    decide(books, ACCEPT, correction=as_record(LOCAL))
    decide(books, END, id="north-2026", at=NOW + 100)
    with pytest.raises(CorrectionRejected, match=f"already ended at {NOW + 100}"):
        decide(books, END, id="north-2026", at=NOW + 200)
    assert accepted_corrections(books.path).correction_for("north.a-pm", NOW + 150) is NONE
    assert decide(books, END, id="north-2026", at=NOW + 50)["valid_to"] == NOW + 50, "earlier is another end"


def test_a_school_that_a_new_version_leaves_out_gets_new_versions_of_its_days_too(books: Books) -> None:
    books.store.write(
        [Reading("north.a-pm", "north.pi-1", "abcdef012345", 1, NOW, {"pm25": 1.0}, room="north.a", simulated=True)]
    )
    decide(books, ACCEPT, correction=as_record(LOCAL))
    day = local_time(NOW).date()
    before = books.store.versions("north", day, day + timedelta(days=1))[day]
    school = parse(
        SCHOOL
        + """\
  south:
    name: South
    bridges: {pi-2: {}}
    rooms: {b: {name: B, volume_m3: 180}}
    sensors: {b-pm: {bridge: pi-2, room: b, model: pms5003t, port: "sim:classroom"}}
""",
        {},
    )
    elsewhere = {**as_record(LOCAL), "sensors": ["south.b-pm"]}
    books.decide_correction(
        Ask(
            id="request-0002",
            do=ACCEPT,
            who="account:researcher-1",
            args={"role": "researcher", "correction": elsewhere},
        ),
        school,
        NOW,
    )
    assert books.store.versions("north", day, day + timedelta(days=1))[day] == before + 1


def test_the_clock_stepping_back_does_not_put_a_newer_decision_before_an_older_one(books: Books) -> None:
    first = decide(books, ACCEPT, correction=as_record(LOCAL))
    second = decide(books, ACCEPT, NOW - 50_000, correction={**as_record(LOCAL), "id": "north-2027"})
    assert second["accepted_at"] > first["accepted_at"]


def test_days_with_data_get_a_new_version_once_and_days_before_it_do_not(books: Books) -> None:
    day = 86_400_000
    books.store.write(
        [
            Reading(
                "north.a-pm", "north.pi-1", "abcdef012345", seq, NOW + at, {"pm25": 1.0}, room="north.a", simulated=True
            )
            for seq, at in ((1, -3 * day), (2, 0), (3, 2 * day))
        ]
    )

    def versions() -> list[int]:
        days = [local_time(NOW + at).date() for at in (-3 * day, 0, 2 * day)]
        known = books.store.versions("north", days[0], days[-1] + timedelta(days=1))
        return [known[one] for one in days]

    before = versions()
    decide(books, ACCEPT, correction=as_record(LOCAL))
    assert [now - then for now, then in zip(versions(), before, strict=True)] == [0, 1, 1]
    decide(books, ACCEPT, correction=as_record(LOCAL))
    assert [now - then for now, then in zip(versions(), before, strict=True)] == [0, 1, 1]
    decide(books, END, id="north-2026", at=NOW + day)
    assert [now - then for now, then in zip(versions(), before, strict=True)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("do", "args", "said"),
    [
        (ACCEPT, {"role": "teacher"}, "role"),
        (ACCEPT, {"role": None}, "role"),
        (ACCEPT, {"correction": 5}, "correction"),
        (ACCEPT, {"correction": {**as_record(LOCAL), "method": "magic"}}, "magic"),
        (ACCEPT, {"correction": {**as_record(LOCAL), "sensors": ["north.zzz"]}}, "north.zzz"),
        (ACCEPT, {"correction": {**as_record(LOCAL), "sites": ["mars"]}}, "mars"),
        (ACCEPT, {"correction": {**as_record(LOCAL), "data_set": ""}}, "data_set"),
        (ACCEPT, {"correction": {**as_record(LOCAL), "valid_from": NOW * 2}}, "year ahead"),
        (ACCEPT, {"correction": {k: v for k, v in as_record(LOCAL).items() if k != "valid_from"}}, "valid_from"),
        (END, {"id": "nobody", "at": NOW}, "nobody"),
        (END, {"id": "none", "at": NOW}, "none"),
    ],
)
def test_what_is_wrong_is_refused_in_words_and_nothing_is_kept(
    books: Books,
    do: str,
    args: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(CorrectionRejected, match=said):
        decide(books, do, **args)
    assert accepted_corrections(books.path).accepted == ()


def test_what_was_accepted_is_there_after_a_new_start_and_before_the_first_one_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    assert accepted_corrections(path).accepted == ()
    sqlite3.connect(path).close()
    assert accepted_corrections(path).accepted == ()
    path.unlink()
    first = Books(path, journal=False)
    decide(first, ACCEPT, correction=as_record(LOCAL))
    first.close()
    second = Books(path, journal=False)
    assert second.corrections.all().newest("north-2026") is not None
    second.close()


def test_books_begun_anew_after_damage_go_on_with_what_is_in_force(books: Books) -> None:
    decide(books, ACCEPT, correction=as_record(LOCAL))
    decide(books, END, id="north-2026", at=NOW + 100)
    before = accepted_corrections(books.path)
    books.set_damaged_aside()
    assert accepted_corrections(books.path) == before
    assert decide(books, END, id="north-2026", at=NOW + 50)["version"] == 3


def test_one_of_a_newer_version_is_not_passed_over_in_silence(books: Books) -> None:
    decide(books, ACCEPT, correction=as_record(LOCAL))
    with books.store.transaction() as connection:
        connection.execute("update correction set method='spline2031'")
    with pytest.raises(StoreAway, match="north-2026@1 cannot be read"):
        accepted_corrections(books.path)
    books.reopen()  # and readings are taken in all the same


def test_asked_over_the_broker_it_is_accepted_and_read_from_the_file(
    school: Any,
    bridge: Any,
    wait_for: Any,
) -> None:
    school.begin()
    topic = bridge.ask(ACCEPT, role="admin", correction=as_record(LOCAL))
    wait_for(lambda: bridge.newest(topic))
    assert bridge.newest(topic)["result"]["correction"]["version"] == 1
    assert accepted_corrections(school.places.readings).newest("north-2026") is not None
    told = Topics("test-town").corrections
    wait_for(lambda: (bridge.newest(told) or {}).get("accepted"))
    assert [one["id"] for one in bridge.newest(told)["accepted"]] == ["north-2026"]
    refused = bridge.ask(ACCEPT, role="viewer", correction=as_record(LOCAL))
    wait_for(lambda: bridge.newest(refused))
    assert "researcher, admin" in bridge.newest(refused)["error"]
