"""One row for each route that asks for a scope: what it is about, and how to ask it about a room.

A new route that asks for a scope needs a row here, or a line in PLACELESS that says why it has no place. What is open
to everyone needs none: it is answered the same whoever is signed in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

DAY = "2026-11-23"
MOMENTS = f"start={DAY}T09:00:00%2B07:00&end={DAY}T10:00:00%2B07:00"
DAYS = f"first={DAY}&last={DAY}"


@dataclass(frozen=True)
class Room:
    """`<site>.<room>` with what stands in it, and the records that the matrix has put about it."""

    full: str
    ticket: int
    purifier: bool = True

    @property
    def site(self) -> str:
        return self.full.partition(".")[0]

    @property
    def key(self) -> str:
        return self.full.replace(".", "-")


# room: the room itself must be covered, for reading its school's outdoors are seen as well.
# record: the same, of something whose place only its record tells; outside it is not there.
# school: reading asks for anything in the school, acting for all of it. school_record: likewise.
# in_school: acting asks for anything in the school. ticket: a reported problem, which staff elsewhere may know of.
Kind = Literal["room", "record", "school", "school_record", "in_school", "ticket"]


@dataclass(frozen=True)
class Row:
    kind: Kind
    path: Callable[[Room], str]
    body: Callable[[Room], dict[str, Any]] | None = None
    indoors: bool = False
    endless: bool = False

    def sent(self, room: Room) -> bytes | None:
        return None if self.body is None else json.dumps(self.body(room)).encode()


def room(path: str, **more: Any) -> Row:
    return Row("room", lambda it: path.format(room=it.full, sensor=f"{it.full}-pm", purifier=f"{it.full}-fan"), **more)


def record(path: str, kind: Kind = "record", **more: Any) -> Row:
    return Row(kind, lambda it: path.format(key=it.key, site=it.site, room=it.full, ticket=it.ticket), **more)


def ticket(deed: str, **body: Any) -> Row:
    return record(f"/api/v1/tickets/{{ticket}}/{deed}", "ticket", body=lambda _: body)


def _nothing(_: Room) -> dict[str, Any]:
    return {}


def _wish(it: Room) -> dict[str, Any]:
    return {"rooms": [it.full], "first": DAY, "last": DAY}


RECORDS: dict[str, str] = {}
"""The id of a request for a record of each room, which the matrix has made."""

ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/api/live"): room("/api/live?room={room}", endless=True),
    ("GET", "/api/v1/rooms/{room}/now"): room("/api/v1/rooms/{room}/now"),
    ("GET", "/api/v1/rooms/{room}/series"): room(f"/api/v1/rooms/{{room}}/series?{MOMENTS}"),
    ("GET", "/api/v1/rooms/{room}/told"): room(f"/api/v1/rooms/{{room}}/told?{MOMENTS}"),
    # Wrong days: whoever may ask is told so before anything is worked out.
    ("GET", "/api/v1/rooms/{room}/estimates"): room("/api/v1/rooms/{room}/estimates?first=x&last=x"),
    ("GET", "/api/v1/rooms/{room}/nowcast"): room("/api/v1/rooms/{room}/nowcast?index=x"),
    ("GET", "/api/v1/sensors/{sensor}/missing"): room(f"/api/v1/sensors/{{sensor}}/missing?{MOMENTS}"),
    ("GET", "/api/v1/table"): room(f"/api/v1/table?rooms={{room}}&{DAYS}"),
    ("GET", "/api/v1/readings"): room(f"/api/v1/readings?room={{room}}&{MOMENTS}"),
    ("GET", "/api/v1/flags"): room(f"/api/v1/flags?room={{room}}&{MOMENTS}"),
    ("GET", "/api/v1/rollups"): room(f"/api/v1/rollups?room={{room}}&{MOMENTS}"),
    ("GET", "/api/v1/calendar"): room(f"/api/v1/calendar?room={{room}}&{DAYS}"),
    ("GET", "/api/v1/versions"): record(f"/api/v1/versions?site={{site}}&{DAYS}", "school"),
    ("GET", "/api/v1/deployments"): record("/api/v1/deployments?site={site}", "school"),
    ("GET", "/api/v1/events"): record(f"/api/v1/events?site={{site}}&{DAYS}", "school"),
    ("POST", "/api/v1/events"): room(
        "/api/v1/events",
        body=lambda it: {"site": it.site, "room": it.full, "kind": "cleaning", "start": f"{DAY}T09:00:00+07:00"},
    ),
    ("DELETE", "/api/v1/events/{event}"): record("/api/v1/events/ev-{key}", body=_nothing),
    ("GET", "/sta/v1.1/{kind}('{key}')"): record("/sta/v1.1/Things('{room}')"),
    ("GET", "/sta/v1.1/{kind}('{key}')/{link}"): record("/sta/v1.1/Things('{room}')/Datastreams"),
    ("POST", "/api/v1/exports/preview"): room("/api/v1/exports/preview", body=_wish),
    ("POST", "/api/v1/exports"): room("/api/v1/exports", body=_wish),
    ("GET", "/api/v1/data"): room(f"/api/v1/data?rooms={{room}}&{DAYS}"),
    ("GET", "/api/v1/purifiers/{purifier}"): room("/api/v1/purifiers/{purifier}", indoors=True),
    ("POST", "/api/v1/purifiers/{purifier}/override"): room(
        "/api/v1/purifiers/{purifier}/override", body=lambda _: {"do": "on"}, indoors=True
    ),
    ("GET", "/api/v1/alerts"): record("/api/v1/alerts?site={site}", "school"),
    ("GET", "/api/v1/alerts/{alert}"): record("/api/v1/alerts/al-{key}"),
    ("POST", "/api/v1/alerts/{alert}/acknowledge"): record("/api/v1/alerts/al-{key}/acknowledge", body=_nothing),
    ("POST", "/api/v1/silences"): room(
        "/api/v1/silences", body=lambda it: {"minutes": 5, "room": it.full, "why": "a reason"}
    ),
    ("DELETE", "/api/v1/silences/{silence}"): record("/api/v1/silences/si-{key}", body=_nothing),
    ("GET", "/api/v1/episodes/{episode}"): record("/api/v1/episodes/ep-{site}", "school_record"),
    ("GET", "/api/v1/episodes/{episode}/report"): record("/api/v1/episodes/ep-{site}/report", "school_record"),
    ("POST", "/api/v1/episodes"): record("/api/v1/episodes", "school", body=lambda it: {"sites": [it.site]}),
    ("POST", "/api/v1/episodes/{episode}/close"): record(
        "/api/v1/episodes/ep-{site}/close", "school_record", body=_nothing
    ),
    ("POST", "/api/v1/episodes/{episode}/tasks"): record(
        "/api/v1/episodes/ep-{site}/tasks", "in_school", body=lambda it: {"words": "windows", "site": it.site}
    ),
    ("POST", "/api/v1/episodes/{episode}/tasks/{task}/done"): record(
        "/api/v1/episodes/ep-{site}/tasks/et-{site}/done", "in_school", body=_nothing
    ),
    ("POST", "/api/v1/episodes/{episode}/notes"): record(
        "/api/v1/episodes/ep-{site}/notes", "in_school", body=lambda _: {"words": "a note"}
    ),
    ("GET", "/api/v1/rooms/{room}/week"): room("/api/v1/rooms/{room}/week?week=x", indoors=True),
    ("GET", "/api/v1/tickets/figures"): record(f"/api/v1/tickets/figures?site={{site}}&{DAYS}", "school"),
    ("GET", "/api/v1/tickets/{ticket}"): record("/api/v1/tickets/{ticket}", "ticket"),
    ("GET", "/api/v1/tickets/{ticket}/proof"): record("/api/v1/tickets/{ticket}/proof", "ticket"),
    ("POST", "/api/v1/tickets/{ticket}/assign"): ticket("assign", why="x"),
    ("POST", "/api/v1/tickets/{ticket}/ask"): ticket("ask", question="which?"),
    ("POST", "/api/v1/tickets/{ticket}/resume"): ticket("resume", why="x"),
    ("POST", "/api/v1/tickets/{ticket}/promise"): ticket("promise", reason="x", until=f"{DAY}T09:00:00+07:00"),
    ("POST", "/api/v1/tickets/{ticket}/resolve"): ticket("resolve", what="x", proof="act"),
    ("POST", "/api/v1/tickets/{ticket}/decline"): ticket("decline", reason="x", where="y"),
    ("POST", "/api/v1/tickets/{ticket}/merge"): record(
        "/api/v1/tickets/{ticket}/merge", "ticket", body=lambda it: {"into": str(it.ticket), "why": "x"}
    ),
    ("POST", "/api/v1/tickets/{ticket}/words"): ticket("words", words="x"),
    # What has been declined cannot be given any more, so nothing is made and signed here.
    ("POST", "/api/v1/records/{record}/decline"): Row(
        "record", lambda it: f"/api/v1/records/{RECORDS[it.full]}/decline", lambda _: {"reason": "a reason"}
    ),
    ("POST", "/api/v1/records/{record}/approve"): Row(
        "record", lambda it: f"/api/v1/records/{RECORDS[it.full]}/approve", _nothing
    ),
    # Pages and their streams.
    ("GET", "/room/{room}"): room("/room/{room}"),
    ("GET", "/clean-rooms/{room}"): room("/clean-rooms/{room}?days=x"),
    ("GET", "/clean-rooms/{room}.pdf"): room("/clean-rooms/{room}.pdf?days=x"),
    ("GET", "/live/room"): room("/live/room?room={room}&once=true"),
    ("GET", "/live/room/estimates"): room("/live/room/estimates?room={room}"),
    ("GET", "/live/room/table"): room("/live/room/table?room={room}&chart=pm25"),
    ("GET", "/room/{room}/purifier"): room("/room/{room}/purifier"),
    ("GET", "/live/purifier"): room("/live/purifier?room={room}&once=true", indoors=True),
    ("GET", "/episode/{episode}/report"): record("/episode/ep-{site}/report", "school_record"),
    ("GET", "/live/episode_report"): record("/live/episode_report?episode=ep-{site}&once=true", "school_record"),
}

LIST = "a list or an overview: it holds what its reader sees"
WHOLE = "about the installation, not about a place"
OWN = "the reader's own"
PLACELESS: dict[tuple[str, str], str] = {
    **{("GET", f"/_dash-{name}"): WHOLE for name in ("layout", "dependencies")},
    ("POST", "/_dash-update-component"): "its callbacks ask the context, which is cut to the reader",
    **{
        ("GET", f"/api/v1/{name}"): LIST
        for name in ("rooms", "health", "purifiers", "silences", "episodes", "corrections")
    },
    ("GET", "/api/v1/indices"): WHOLE,
    **{("GET", f"/sta/v1.1{rest}"): LIST for rest in ("", "/{kind}")},
    **{("GET", f"/api/v1/exports{rest}"): OWN for rest in ("", "/{export}", "/{export}/package")},
    ("DELETE", "/api/v1/exports/{export}"): OWN,
    ("POST", "/api/v1/people/{person}/test-message"): WHOLE,
    **{
        ("GET", path): LIST
        for path in ("/", "/alerts", "/episode", "/explorer", "/exports", "/health", "/municipality")
    },
    **{("GET", f"/live/{name}"): LIST for name in ("overview", "alerts", "episode", "health", "exports")},
    **{("GET", f"/live/{name}"): LIST for name in ("municipality", "reports", "tickets")},
    **{("GET", path): LIST for path in ("/reports", "/tickets", "/api/v1/tickets", "/today", "/clean-rooms")},
    **{("GET", path): LIST for path in ("/records", "/api/v1/records")},
    **{("GET", f"/live/{name}"): LIST for name in ("today", "clean_rooms", "records")},
    ("GET", "/episode/{episode}/report.pdf"): "the page of the report, which has a row, printed; that takes seconds",
    **{("GET", path): WHOLE for path in ("/audit", "/live/audit", "/training")},
}
