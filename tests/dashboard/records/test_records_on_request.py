"""A record on request: asked for at the door, decided by whom it concerns, given as signed files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from classair.i18n import t
from classair.model import Reading
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.context import Context
from dashboard.queries.exports import Exports
from dashboard.records import routes
from dashboard.records.book import CONTACT_KEPT_MS, RecordBook
from dashboard.records.signing import SUFFIX, verify
from dashboard.reports import engine
from ingest.books.books import Books
from tests.dashboard.conftest import MONDAY, SCHOOLS, Builder, House, now_ms

ROOM = "ban-suan.p1-2"
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def _school(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Iterator[House]:
    """A day of one room; it is the day after. A head of each school."""
    places = Places(tmp_path_factory.mktemp("records"))
    books = Books(places.readings, journal=False)
    books.store.write(
        Reading(
            f"{ROOM}-pm",
            "ban-suan.suan-pi",
            "ab12cd34ef",
            minute + 1,
            MONDAY + minute * MINUTE_MS,
            {"pm25": float(minute // 60)},
            60.0,
            room=ROOM,
            simulated=True,
        )
        for minute in range(1440)
    )
    books.close()
    store, builder = SqliteStore(places.readings, readonly=True), Builder(places.root, schools)
    exports = Exports(places, SCHOOLS, now_ms, desk=places.root / "exports.db")
    house = builder(store=store, readings=places.readings, exports=exports)
    house.offset_ms = MONDAY + DAY_MS + 8 * HOUR_MS - now_ms()
    for name, site in (("head-suan", "ban-suan"), ("head-khlong", "rim-khlong")):
        house.desk.add_account(name, "head", PASSWORD)
        with house.desk.file.change() as db:
            db.execute("insert or ignore into account_place values(?,?)", (name, site))
    house.desk.add_account("kru", "teacher", PASSWORD, ["ban-suan"])
    yield house
    builder.close()
    exports.close()
    store.close()


@pytest.fixture
def school(_school: House) -> House:
    """Two hours after the test before, so that its requests count no longer; nothing asked for yet."""
    _school.offset_ms += 2 * HOUR_MS
    with context(_school).desk.change() as db:
        db.execute("delete from record_request")
    return _school


def context(house: House) -> Context:
    found: Context = house.app.server.state.ctx
    return found


def asks(house: House, **other: str) -> Any:
    fields = {"first": "2026-11-23", "last": "2026-11-23", "purpose": "my child's asthma", "contact": "", **other}
    return house.ask(
        f"/door/{ROOM}/record?lang=en",
        "POST",
        body=urlencode(fields).encode(),
        Content_Type="application/x-www-form-urlencoded",
        Origin=house.url,
    )


def signed_in(house: House, name: str) -> dict[str, str]:
    return {**house.sign_in(name, PASSWORD.replace(" ", "+")), "Content_Type": "application/json"}


def listed(house: House, name: str) -> list[dict[str, Any]]:
    return list(house.ask("/api/v1/records", **signed_in(house, name)).json["records"])


@pytest.mark.skipif(bool(engine.unavailable()), reason=engine.unavailable())
@pytest.mark.thorough
def test_a_request_that_is_given_leads_to_signed_files_of_that_day(school: House) -> None:
    where = asks(school).headers["Location"]
    assert "received" in school.ask(where).text
    request = listed(school, "head-suan")[0]
    given = school.ask(f"/api/v1/records/{request['id']}/approve", "POST", body=b"{}", **signed_in(school, "head-suan"))
    assert given.status == 200, given.text
    page = school.ask(where).text
    key = school.ask("/record-key").text.strip()
    token = where.partition("?")[0]
    bodies = {}
    for suffix in (".pdf", ".csv"):
        name = next(part for part in page.split('"') if part.startswith(token) and part.endswith(suffix))
        bodies[suffix] = school.ask(name).body
        proof = verify(bodies[suffix], school.ask(name + SUFFIX).body, key)
        assert proof.known and proof.about["room"] == ROOM and proof.about["simulated"] is True
        assert proof.about["first"] == "2026-11-23" and proof.about["request"] == request["id"]
    assert bodies[".pdf"].startswith(b"%PDF") and key.encode()
    rows = list(csv.DictReader(io.StringIO(bodies[".csv"].decode("utf-8-sig"))))
    assert len(rows) == 96 and {row["room_id"] for row in rows} == {ROOM}
    assert [float(row["pm25_raw_ugm3"]) for row in rows] == [float(quarter // 4) for quarter in range(96)]
    assert school.ask(f"{token}/../record-key").status != 500
    assert school.ask(f"{token}/passwd").status == 404


def test_nobody_of_another_school_or_without_the_right_decides(school: House) -> None:
    asks(school)
    request = listed(school, "head-suan")[0]["id"]
    assert listed(school, "head-khlong") == []
    # What an account is not about is not there for it.
    for name, status in (("head-khlong", 404), ("kru", 403)):
        for verb, body in (("approve", b"{}"), ("decline", json.dumps({"reason": "not ours"}).encode())):
            answer = school.ask(f"/api/v1/records/{request}/{verb}", "POST", body=body, **signed_in(school, name))
            assert answer.status == status, (name, verb, answer.text)
    assert school.ask("/api/v1/records").status == 401
    assert listed(school, "head-suan")[0]["state"] == "open"


def test_a_request_that_is_declined_says_why_to_its_requester_and_is_decided_once(school: House) -> None:
    where = asks(school).headers["Location"]
    request = listed(school, "head-suan")[0]["id"]
    body = json.dumps({"reason": "<b>Please</b> ask the class teacher."}).encode()
    headers = signed_in(school, "head-suan")
    assert school.ask(f"/api/v1/records/{request}/decline", "POST", body=body, **headers).status == 200
    page = school.ask(where).text
    assert "&lt;b&gt;Please&lt;/b&gt; ask the class teacher." in page and ".pdf" not in page
    assert school.ask(f"/api/v1/records/{request}/decline", "POST", body=body, **headers).status == 409
    assert school.ask(f"/api/v1/records/{request}/approve", "POST", body=b"{}", **headers).status == 409


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"first": "2026-11-24", "last": "2026-11-23"}, "wrong_days"),
        ({"last": "2027-11-23"}, "wrong_days"),
        ({"first": "2026-10-01"}, "wrong_days"),
        ({"first": "yesterday"}, "wrong_days"),
        ({"first": "0001-01-01", "last": "9999-12-31"}, "wrong_days"),
        ({"purpose": "   "}, "no_purpose"),
        ({"purpose": "x" * 501}, "no_purpose"),
        ({"contact": "x" * 121}, "no_purpose"),
    ],
)
def test_what_cannot_be_asked_for_is_said_and_kept_nowhere(school: House, fields: dict[str, str], said: str) -> None:
    answer = asks(school, **fields)
    assert answer.status == 422 and t("en", f"door.said.{said}") in answer.text
    typed = fields.get("purpose", "").strip() or fields.get("first", "")
    assert typed in answer.text, "what was typed stays"
    assert RecordBook(context(school)).listed() == []


def test_one_caller_asks_for_a_few_records_an_hour(school: House) -> None:
    answers = [asks(school).status for _ in range(routes.OF_CALLER + 2)]
    assert answers == [303] * routes.OF_CALLER + [429] * 2


def test_a_contact_is_erased_ninety_days_after_the_decision(school: House) -> None:
    asks(school, contact="081 234 5678")
    book = RecordBook(context(school))
    request = book.listed()[0]
    assert request.contact == "081 234 5678" and "081" not in repr(request)
    book.decide(request.id, "declined", "head:x", "no")
    was = school.offset_ms
    school.offset_ms += CONTACT_KEPT_MS + HOUR_MS
    assert book.listed()[0].contact == ""
    school.offset_ms = was


def test_the_page_of_requests_shows_hostile_words_as_text(school: House) -> None:
    asks(school, purpose="<script>alert(1)</script>")
    page = school.ask("/records?lang=en", **signed_in(school, "head-suan"))
    assert page.status == 200 and "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text
    assert school.ask("/records?lang=en", **signed_in(school, "kru")).status == 403


def test_a_link_that_nobody_signed_leads_to_no_request(school: House) -> None:
    for path in ("/record/nonsense", "/record/nonsense/a.pdf"):
        assert school.ask(path).status == 404
