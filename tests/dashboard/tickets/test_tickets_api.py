"""The API for those who work on reports: what is given, what is done, who may."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest

from classair.units import HOUR_MS
from dashboard.access.accounts import AccountRejected
from dashboard.tickets.records import NewTicket, Reporter
from tests.dashboard.tickets.test_form import photo


@pytest.fixture
def ticket(tickets: Any) -> Any:
    new = NewTicket("smoke", "ban-suan", "ban-suan.p1-2", "ควันเข้าห้อง", reporter=Reporter("line", "Usecret"))
    return tickets.receive(new, "a")


@pytest.fixture
def staff(desk_house: Any) -> dict[str, str]:
    return desk_house.sign_in("lung", "correct+horse+battery")  # type: ignore[no-any-return]


def do(house: Any, staff: dict[str, str], ticket: int, deed: str, **wish: Any) -> Any:
    path = f"/api/v1/tickets/{ticket}/{deed}"
    return house.ask(path, "POST", body=json.dumps(wish).encode(), Content_Type="application/json", **staff)


def test_the_list_and_one_in_full_say_everything_but_how_a_reporter_is_reached(
    desk_house: Any, staff: dict[str, str], ticket: Any
) -> None:
    (listed,) = desk_house.ask("/api/v1/tickets?site=ban-suan&state=received", **staff).json["tickets"]
    one = desk_house.ask(f"/api/v1/tickets/{ticket.id}", **staff)
    assert listed["number"] == one.json["number"] == ticket.number
    assert one.json["log"][0]["what"] == "received"
    assert one.json["written"][0]["text"] == "ควันเข้าห้อง"
    assert "Usecret" not in one.text


def test_a_report_goes_its_way_by_the_api(desk_house: Any, staff: dict[str, str], tickets: Any, ticket: Any) -> None:
    assert do(desk_house, staff, ticket.id, "assign", unit="building", owner="caretaker").json["state"] == "assigned"
    assert do(desk_house, staff, ticket.id, "ask", question="เห็นเปลวไฟไหม").json["deadline"] is None
    assert do(desk_house, staff, ticket.id, "resume", why="โทรถามแล้ว").json["state"] == "assigned"
    until = str(ticket.deadline + 24 * HOUR_MS)
    assert do(desk_house, staff, ticket.id, "promise", reason="รออะไหล่", until=until).json["promised"] == int(until)
    assert do(desk_house, staff, ticket.id, "words", words="ดูแล้ว").status == 200
    picture = base64.b64encode(photo()).decode()
    done = do(desk_house, staff, ticket.id, "resolve", what="ดับไฟแล้ว", proof="photo", photo=picture)
    assert (done.json["state"], done.json["proof"]) == ("resolved", "photo")
    assert tickets.photos.read(tickets.get(ticket.id).proof_photo) is not None
    whos = {entry.who for entry in tickets.history(ticket.id)[1:] if entry.what != "evidence"}
    assert whos == {"account:lung"}
    figures = desk_house.ask("/api/v1/tickets/figures?first=2026-01-01&last=2026-12-31", **staff)
    assert figures.status == 200 and figures.json["in_time"] == figures.json["received"] <= 1


@pytest.mark.parametrize(
    ("deed", "wish", "status", "where"),
    [
        ("resolve", {"what": "x", "proof": "readings"}, 422, "proof"),
        ("resolve", {"what": "x", "proof": "none"}, 422, "words"),
        ("resolve", {"what": "x", "proof": "photo", "photo": "eHh4"}, 422, "photo_not_a_picture"),
        ("resolve", {"what": "x", "proof": "photo", "photo": "?"}, 422, "photo_not_a_picture"),
        ("promise", {"reason": "x", "until": "2026-01-01T00:00:00+07:00"}, 422, "until"),
        ("resume", {"why": "x"}, 409, "state"),
        ("merge", {"into": "ปก2569-99999", "why": "x"}, 422, "into"),
        ("assign", {"unit": "nobody"}, 422, "unit"),
        ("decline", {"reason": " ", "where": "x"}, 422, "reason"),
    ],
)
def test_what_is_not_possible_says_which_field_and_changes_nothing(
    desk_house: Any,
    staff: dict[str, str],
    tickets: Any,
    ticket: Any,
    deed: str,
    wish: dict[str, Any],
    status: int,
    where: str,
) -> None:
    answer = do(desk_house, staff, ticket.id, deed, **wish)
    assert (answer.status, answer.json["error"]["where"]) == (status, where)
    assert tickets.get(ticket.id).state == "received" and tickets.photos.names() == []


def test_two_reports_are_merged_by_the_number_that_people_write(
    desk_house: Any, staff: dict[str, str], tickets: Any, ticket: Any
) -> None:
    second = tickets.receive(NewTicket("smoke", "ban-suan", "ban-suan.p1-2"), "b")
    merged = do(desk_house, staff, second.id, "merge", into=ticket.number, why="เรื่องเดียวกัน")
    assert merged.json["merged_into"] == ticket.id


def test_nobody_without_the_scope_reads_or_works_on_reports(desk_house: Any, ticket: Any) -> None:
    for path in ("/api/v1/tickets", f"/api/v1/tickets/{ticket.id}", "/tickets"):
        assert desk_house.ask(path).status in (303, 401)
    assert do(desk_house, {"Origin": desk_house.url}, ticket.id, "assign").status == 401


DEEDS: dict[str, dict[str, str]] = {
    "assign": {},
    "ask": {"question": "x"},
    "resume": {"why": "x"},
    "promise": {"reason": "x", "until": "2030-01-01T00:00:00+07:00"},
    "resolve": {"what": "x", "proof": "none", "words": "x"},
    "decline": {"reason": "x", "where": "y"},
    "words": {"words": "x"},
}


def test_an_account_of_another_school_neither_sees_nor_changes_nor_counts_a_report(
    desk_house: Any, tickets: Any, ticket: Any
) -> None:
    with contextlib.suppress(AccountRejected):  # the test ran before in this house
        desk_house.desk.add_account("far", "head", "correct horse battery", ["rim-khlong"])
    far = desk_house.sign_in("far", "correct+horse+battery")
    other = tickets.receive(NewTicket("smoke", "rim-khlong", "rim-khlong.a2-1", "ใกล้"), "b")
    before = tickets.history(ticket.id)
    listed = desk_house.ask("/api/v1/tickets", **far)
    assert [one["number"] for one in listed.json["tickets"]] == [other.number]
    seen = [desk_house.ask(path, **far) for path in (f"/api/v1/tickets/{ticket.id}", f"/tickets?ticket={ticket.id}")]
    seen += [desk_house.ask(f"/live/tickets?ticket={ticket.id}&once=true", **far), desk_house.ask("/tickets", **far)]
    assert seen[0].status in (403, 404)
    for answer in seen:
        assert ticket.number not in answer.text and "ควันเข้าห้อง" not in answer.text
    tried = [do(desk_house, far, ticket.id, deed, **wish).status for deed, wish in DEEDS.items()]
    tried += [
        do(desk_house, far, one.id, "merge", into=str(to.id), why="x").status
        for one, to in ((ticket, other), (other, ticket))
    ]
    assert all(status in (403, 404, 422) for status in tried[-1:]) and {*tried[:-1]} <= {403, 404}
    days = "first=2026-01-01&last=2026-12-31"
    assert desk_house.ask(f"/api/v1/tickets/figures?{days}", **far).json["received"] == 1
    assert desk_house.ask(f"/api/v1/tickets/figures?{days}&site=ban-suan", **far).status in (403, 404)
    assert [one for one in tickets.history(ticket.id) if one.what != "evidence"] == [
        one for one in before if one.what != "evidence"
    ]
    assert tickets.get(other.id).state == "received"
