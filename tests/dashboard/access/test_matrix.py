"""The whole of who may do what, where: role × places × room × action, over HTTP, against rules said anew here."""

from __future__ import annotations

import http.client
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from classair.stores.events import make_table
from dashboard.access.roles import ROLES, Need
from dashboard.records.book import RecordBook
from dashboard.tickets.records import NewTicket
from tests.classair.alerting.filled import put, put_alert
from tests.dashboard.access.matrix import DAY, PLACELESS, RECORDS, ROWS, Room, Row
from tests.dashboard.conftest import MONDAY, now_ms, state_of

OWN, BESIDE = Room("ban-suan.p1-2", 1), Room("ban-suan.p4-1", 2)
YARD, FAR = Room("ban-suan.yard", 3, purifier=False), Room("rim-khlong.a2-1", 4)
ROOMS = (OWN, BESIDE, YARD, FAR)
PLACES = {"all": frozenset[str](), "room": frozenset({OWN.full}), "school": frozenset({OWN.site})}
# What each role is given, written down once more: a slip in dashboard/access/roles.py must not correct the test.
SCOPES = {
    "viewer": "read",
    "teacher": "read control",
    "researcher": "read export",
    "caretaker": "read control tickets",
    "head": "read control export tickets approve",
    "municipality": "read export tickets approve",
    "admin": "read control export tickets approve admin",
}
TOKENS = ("read", "control", "export", "tickets")
OPEN = frozenset({Need.OPEN, Need.DISPLAY, Need.MEMBER, Need.NOBODY})
ACTS = frozenset({Need.CONTROL, Need.TICKETS, Need.APPROVE, Need.ADMIN})


@dataclass(frozen=True)
class Who:
    name: str
    scopes: frozenset[str]
    places: frozenset[str]
    headers: dict[str, str]

    def covers(self, place: str) -> bool:
        return not self.places or place in self.places or place.split(".")[0] in self.places

    def touches(self, site: str) -> bool:
        return not self.places or any(place.split(".")[0] == site for place in self.places)


def expected(who: Who, need: Need, row: Row, room: Room) -> set[int] | None:
    """The refusals of which one is right; None: let through."""
    if need.value not in who.scopes:
        return {401} if not who.scopes else {403}
    acts = need in ACTS
    match row.kind:
        case "room" | "record":
            inside = who.covers(room.full) or (not acts and room is YARD and who.touches(room.site))
            seen = inside or (room is YARD and who.touches(room.site))
            refusal = {403} if row.kind == "room" or seen else {404}
        case "school" | "school_record":
            inside = who.covers(room.site) if acts else who.touches(room.site)
            refusal = {404} if row.kind == "school_record" and not who.touches(room.site) else {403}
        case "ticket":
            inside, refusal = who.covers(room.full), {403}
        case "in_school":
            # The site in the body is refused before the episode is looked for.
            inside, refusal = who.touches(room.site), {403, 404}
    return None if inside else refusal


@pytest.fixture(scope="module")
def record_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An alert, a silence and an event of each room, an episode of each school."""
    from tests.classair.alerting.filled import empty_ledger

    path = empty_ledger(tmp_path_factory.mktemp("records") / "ledger.db")
    for room in ROOMS:
        put_alert(path, f"al-{room.key}", site=room.site, room=room.full, subject=room.full)
        put(path, "silence", id=f"si-{room.key}", at=now_ms(), until=now_ms() + 3_600_000, site="", room=room.full,
            subject="", rule="", who="x", why="x")  # fmt: skip
    for site in ("ban-suan", "rim-khlong"):
        put(path, "episode", id=f"ep-{site}", name="", sites=f'["{site}"]', opened_at=MONDAY, opened_by="x", why="x")
        put(path, "episode_task", id=f"et-{site}", episode=f"ep-{site}", at=MONDAY, words="default:masks", site=site,
            room="", owner="", due_at=MONDAY)  # fmt: skip
    return path


@pytest.fixture
def town(make_house: Any, readings: Path, record_books: Path) -> Iterator[Any]:
    """On an address other than loopback, so that nothing is open for being a demo."""
    from classair.stores.sqlite.store import SqliteStore

    with closing(sqlite3.connect(readings)) as connection, connection:
        make_table(connection)
        connection.executemany(
            "insert or ignore into event"
            "(id, site, room, kind, start_ms, end_ms, note, added_by, added_at, withdrawn_by) "
            "values(?,?,?,'cleaning',?,?,'','x',?,'')",
            [(f"ev-{room.key}", room.site, room.full, MONDAY, MONDAY + 1, MONDAY) for room in ROOMS],
        )
    store = SqliteStore(readings, readonly=True)
    house = make_house(host="0.0.0.0", store=store, readings=readings, ledger=record_books)
    tickets, book = house.app.server.state.ctx.tickets, RecordBook(house.app.server.state.ctx)
    day = date.fromisoformat(DAY)
    for room in ROOMS:
        house.put(state_of(room.full))
        assert tickets.receive(NewTicket("stuffy", room.site, room.full), f"matrix {room.key}").id == room.ticket
        RECORDS[room.full] = book.ask(room.full, day, day, "lesson", "a@school.example", "en").id
    yield house
    store.close()


def everybody(house: Any, role: str) -> Iterator[Who]:
    if role == "visitor":
        yield Who("visitor", frozenset(), frozenset(), {})
        return
    if role == "token":
        for scope in TOKENS:
            for reach in ("all", "room"):
                secret = house.desk.create_token(f"{scope}-{reach}", (scope,), 1, sorted(PLACES[reach]))
                headers = {"Authorization": f"Bearer {secret}"}
                yield Who(f"token {scope} {reach}", frozenset({"read", scope}), PLACES[reach], headers)
        return
    for reach, places in PLACES.items():
        if role == "admin" and places:
            continue
        name = f"{role}-{reach}"
        house.desk.add_account(name, role, "", sorted(places))
        session = house.desk.sign_in_as(name)
        headers = {
            "Cookie": f"classair_session={session.secret}",
            "X-CSRF-Token": session.csrf,
            "Origin": house.url,
        }
        yield Who(name, frozenset(SCOPES[role].split()), places, headers)


def test_every_route_that_asks_for_a_scope_has_a_row_or_says_why_it_has_none(house: Any) -> None:
    asks = {route for route, need in house.app.needs.items() if need not in OPEN}
    assert asks - ROWS.keys() - PLACELESS.keys() == set(), "add them to tests/dashboard/access/matrix.py"
    assert (ROWS.keys() | PLACELESS.keys()) - asks == set()
    assert ROWS.keys() & PLACELESS.keys() == set()


@pytest.mark.thorough
@pytest.mark.parametrize("role", ["visitor", *ROLES, "token"])
def test_each_role_reaches_in_each_room_exactly_what_the_rules_say(town: Any, role: str) -> None:
    wrong = []
    for who in everybody(town, role):
        connection = http.client.HTTPConnection("127.0.0.1", town.port, timeout=60)
        for (method, route), row in ROWS.items():
            need = town.app.needs[method, route]
            for room in ROOMS:
                if row.indoors and not room.purifier:
                    continue
                status = asked(connection, method, row, room, who.headers)
                right = expected(who, need, row, room)
                if (status in (401, 403, 404)) if right is None else status not in right:
                    wrong.append(f"{who.name} {method} {row.path(room)} ({need}): {status}, expected {right or 'pass'}")
        connection.close()
    assert wrong == []


def asked(connection: http.client.HTTPConnection, method: str, row: Row, room: Room, headers: dict[str, str]) -> int:
    body = row.sent(room)
    kind = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, row.path(room), body, {**headers, **kind})
    answer = connection.getresponse()
    if row.endless and answer.status == 200:
        connection.close()  # a stream; the next request opens anew
    else:
        answer.read()
    return answer.status
