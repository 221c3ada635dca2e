"""What a route asks for and what a role is given; the table that says it for every route that is no page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args

from dashboard.access.reach import Reach

Role = Literal["viewer", "teacher", "researcher", "caretaker", "head", "municipality", "admin"]
Scope = Literal["read", "control", "export", "tickets", "approve", "admin"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
TOKEN_SCOPES: Final = ("read", "control", "export", "tickets")
"""Signing what leaves the school and administering are for people."""

SCOPES_OF: Final[dict[str, frozenset[str]]] = {
    "viewer": frozenset({"read"}),
    "teacher": frozenset({"read", "control"}),
    "researcher": frozenset({"read", "export"}),
    "caretaker": frozenset({"read", "control", "tickets"}),
    "head": frozenset({"read", "control", "export", "tickets", "approve"}),
    "municipality": frozenset({"read", "export", "tickets", "approve"}),
    "admin": frozenset({"read", "control", "export", "tickets", "approve", "admin"}),
}


class Need(StrEnum):
    """What a route asks of whoever calls it."""

    OPEN = "open"  # anyone: signing in, style sheets, the API's description
    DISPLAY = "display"  # anyone inside the school's network: what hangs on the wall
    READ = "read"  # working pages and their data; open in the demo on this machine
    MEMBER = "member"  # anyone signed in
    CONTROL = "control"  # whatever moves a machine; never without signing in
    EXPORT = "export"  # whatever takes data away; never without signing in
    TICKETS = "tickets"  # working on reported problems
    APPROVE = "approve"  # signing what leaves the school: records on request, monthly papers
    ADMIN = "admin"
    NOBODY = "nobody"  # exists in the framework, is not offered here


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever is asking. `csrf` is set for a browser session, which must prove each change with it.

    `places`: the sites and rooms that it is about, empty for all. `phone`: the remembered phone it comes from.
    `demo`: an account without a password, worth nothing outside of the demo.
    """

    kind: Literal["visitor", "account", "token"] = "visitor"
    name: str = ""
    role: str = ""
    scopes: frozenset[str] = frozenset()
    csrf: str = ""
    places: frozenset[str] = frozenset()
    phone: str = ""
    demo: bool = False

    @property
    def reach(self) -> Reach:
        return Reach(self.places)

    def covers(self, place: str) -> bool:
        """Whether it is about `<site>.<room>` or `<site>`; a site only as a whole."""
        return self.reach.covers(place)

    def may(self, scope: Scope, place: str) -> bool:
        """Whether it may do this to `<site>.<room>` or `<site>`."""
        return scope in self.scopes and self.covers(place)

    def controls(self, room: str) -> bool:
        """Whether it may switch what stands in `<site>.<room>`."""
        return self.may("control", room)

    def controls_place(self, site: str, room: str) -> bool:
        """The same for what may stand in no room (a bridge, a service): it needs the whole school, or all of them."""
        if room:
            return self.controls(room if "." in room else f"{site}.{room}")
        return "control" in self.scopes and (not self.places or bool(site and site in self.places))

    @property
    def signed_in(self) -> bool:
        return self.kind != "visitor"

    @property
    def who(self) -> str:
        """For logs and for the ledger: account names are ids that the school chose, not people's names."""
        return f"{self.kind}:{self.name}" if self.signed_in else "visitor"

    @property
    def by(self) -> str:
        """For whoever reads who has switched a purifier: the role counts, `<role>:<name>`."""
        return f"{self.role or self.kind}:{self.name}"


VISITOR: Final = Principal()


def may(need: Need, principal: Principal, *, demo: bool, near: bool) -> bool:
    """Whether a request passes. `demo`: simulated schools on this machine alone; `near`: from the school's network."""
    match need:
        case Need.OPEN:
            return True
        case Need.NOBODY:
            return False
        case Need.DISPLAY:
            return near or "read" in principal.scopes
        case Need.READ:
            return demo or "read" in principal.scopes
        case Need.MEMBER:
            return principal.kind == "account"
        case Need.CONTROL | Need.EXPORT | Need.TICKETS | Need.APPROVE | Need.ADMIN:
            return need.value in principal.scopes


# Every route that is no page. A route that is not here is refused, and a test compares this with what there is.
TABLE: Final[dict[tuple[str, str], Need]] = {
    # What carries the working pages (Dash); each page says itself what it asks for.
    ("GET", "/assets/pages"): Need.OPEN,
    ("GET", "/_dash-layout"): Need.READ,
    ("GET", "/_dash-dependencies"): Need.READ,
    ("POST", "/_dash-update-component"): Need.READ,
    ("GET", "/_dash-component-suites/{package_name}/{fingerprinted_path:path}"): Need.OPEN,
    ("GET", "/_favicon.ico"): Need.OPEN,
    ("GET", "/_reload-hash"): Need.NOBODY,
    ("WEBSOCKET", "/_dash-ws-callback"): Need.NOBODY,
    ("GET", "{path:path}"): Need.NOBODY,
    ("GET", "/assets"): Need.OPEN,
    # Light pages.
    ("GET", "/login"): Need.OPEN,
    ("POST", "/login"): Need.OPEN,
    ("GET", "/login/with/{name}"): Need.OPEN,
    ("GET", "/login/from/{name}"): Need.OPEN,
    ("POST", "/login/demo"): Need.OPEN,  # refuses outside of the demo
    ("POST", "/logout"): Need.MEMBER,
    ("GET", "/phones"): Need.MEMBER,
    ("POST", "/phones"): Need.MEMBER,
    # Whose link it is says the link itself.
    ("GET", "/ticket/{token}"): Need.OPEN,
    ("POST", "/ticket/{token}"): Need.OPEN,
    ("GET", "/photo/{token}"): Need.OPEN,
    # Reporting a problem, for everybody; limited in number.
    ("GET", "/report"): Need.OPEN,
    ("POST", "/report"): Need.OPEN,
    ("GET", "/notify/{token}"): Need.OPEN,
    ("POST", "/notify/{token}"): Need.OPEN,
    ("GET", "/clean-rooms/{room}"): Need.READ,
    ("GET", "/clean-rooms/{room}.pdf"): Need.READ,
    ("GET", "/episode/{episode}/report.pdf"): Need.READ,
    ("GET", "/paper/month/{token}"): Need.OPEN,
    ("GET", "/paper/month/{token}.pdf"): Need.OPEN,
    ("GET", "/report/{token}"): Need.OPEN,
    ("GET", "/report/{token}.pdf"): Need.OPEN,
    ("GET", "/report/{token}.png"): Need.OPEN,
    ("GET", "/display"): Need.DISPLAY,
    ("GET", "/display/worker"): Need.DISPLAY,
    ("GET", "/display/{room}"): Need.DISPLAY,
    ("GET", "/display/{room}/now"): Need.DISPLAY,
    ("GET", "/display/{room}/live"): Need.DISPLAY,
    ("GET", "/display/{room}/line"): Need.DISPLAY,
    ("GET", "/activity/{room}"): Need.DISPLAY,  # what a class looks at together
    ("GET", "/training"): Need.READ,
    # What anyone may see of a room, and ask of the school.
    ("GET", "/town"): Need.OPEN,  # the page itself asks whether it is public
    ("GET", "/door/{room}"): Need.OPEN,
    ("GET", "/door/{room}/live"): Need.OPEN,
    ("POST", "/door/{room}/follow"): Need.OPEN,
    ("POST", "/door/{room}/record"): Need.OPEN,
    ("GET", "/record/{token}"): Need.OPEN,
    ("GET", "/record/{token}/{name}"): Need.OPEN,
    ("GET", "/record-key"): Need.OPEN,
    ("GET", "/follow/{token}"): Need.OPEN,
    ("POST", "/follow/{token}"): Need.OPEN,
    ("GET", "/unfollow/{token}"): Need.OPEN,
    ("POST", "/unfollow/{token}"): Need.OPEN,
    ("POST", "/line/webhook"): Need.OPEN,  # LINE; it proves itself by its signature
    # The API.
    ("GET", "/openapi.json"): Need.OPEN,
    ("GET", "/api/live"): Need.READ,
    ("GET", "/api/v1/me"): Need.OPEN,
    ("GET", "/api/v1/rooms"): Need.READ,
    ("GET", "/api/v1/rooms/{room}/now"): Need.READ,
    ("GET", "/api/v1/rooms/{room}/series"): Need.READ,
    ("GET", "/api/v1/rooms/{room}/told"): Need.READ,
    ("GET", "/api/v1/rooms/{room}/week"): Need.READ,
    ("GET", "/api/v1/sensors/{sensor}/missing"): Need.READ,
    ("GET", "/api/v1/health"): Need.READ,
    ("GET", "/api/v1/table"): Need.READ,
    ("GET", "/api/v1/readings"): Need.EXPORT,
    ("GET", "/api/v1/flags"): Need.READ,
    ("GET", "/api/v1/rollups"): Need.READ,
    ("GET", "/api/v1/rooms/{room}/estimates"): Need.READ,
    ("GET", "/api/v1/rooms/{room}/nowcast"): Need.READ,
    ("GET", "/api/v1/indices"): Need.READ,
    ("GET", "/api/v1/calendar"): Need.READ,
    ("GET", "/api/v1/versions"): Need.READ,
    ("GET", "/api/v1/deployments"): Need.READ,
    ("GET", "/api/v1/corrections"): Need.READ,
    ("GET", "/api/v1/events"): Need.READ,
    ("POST", "/api/v1/events"): Need.CONTROL,
    ("DELETE", "/api/v1/events/{event}"): Need.CONTROL,
    # SensorThings: single readings, so for those who may take data away.
    ("GET", "/sta/v1.1"): Need.EXPORT,
    ("GET", "/sta/v1.1/{kind}"): Need.EXPORT,
    ("GET", "/sta/v1.1/{kind}('{key}')"): Need.EXPORT,
    ("GET", "/sta/v1.1/{kind}('{key}')/{link}"): Need.EXPORT,
    ("POST", "/api/v1/exports/preview"): Need.EXPORT,
    ("POST", "/api/v1/exports"): Need.EXPORT,
    ("GET", "/api/v1/exports"): Need.EXPORT,
    ("GET", "/api/v1/exports/{export}"): Need.EXPORT,
    ("GET", "/api/v1/exports/{export}/package"): Need.EXPORT,
    ("DELETE", "/api/v1/exports/{export}"): Need.EXPORT,
    ("GET", "/api/v1/data"): Need.EXPORT,
    ("GET", "/api/v1/purifiers"): Need.READ,
    ("GET", "/api/v1/purifiers/{purifier}"): Need.READ,
    ("POST", "/api/v1/purifiers/{purifier}/override"): Need.CONTROL,
    ("GET", "/api/v1/alerts"): Need.READ,
    ("GET", "/api/v1/alerts/{alert}"): Need.READ,
    ("POST", "/api/v1/alerts/{alert}/acknowledge"): Need.CONTROL,
    ("POST", "/api/v1/people/{person}/test-message"): Need.ADMIN,
    ("GET", "/api/v1/silences"): Need.READ,
    ("POST", "/api/v1/silences"): Need.CONTROL,
    ("DELETE", "/api/v1/silences/{silence}"): Need.CONTROL,
    ("GET", "/api/v1/episodes"): Need.READ,
    ("GET", "/api/v1/episodes/{episode}"): Need.READ,
    ("GET", "/api/v1/episodes/{episode}/report"): Need.READ,
    ("POST", "/api/v1/episodes"): Need.CONTROL,
    ("POST", "/api/v1/episodes/{episode}/close"): Need.CONTROL,
    ("POST", "/api/v1/episodes/{episode}/tasks"): Need.CONTROL,
    ("POST", "/api/v1/episodes/{episode}/tasks/{task}/done"): Need.CONTROL,
    ("POST", "/api/v1/episodes/{episode}/notes"): Need.CONTROL,
    ("GET", "/api/v1/tickets"): Need.TICKETS,
    ("GET", "/api/v1/tickets/figures"): Need.TICKETS,
    ("GET", "/api/v1/tickets/{ticket}"): Need.TICKETS,
    ("GET", "/api/v1/tickets/{ticket}/proof"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/assign"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/ask"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/resume"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/promise"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/resolve"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/decline"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/merge"): Need.TICKETS,
    ("POST", "/api/v1/tickets/{ticket}/words"): Need.TICKETS,
    ("GET", "/api/v1/records"): Need.APPROVE,
    ("POST", "/api/v1/records/{record}/approve"): Need.APPROVE,
    ("POST", "/api/v1/records/{record}/decline"): Need.APPROVE,
    # Everything else is a 404 of our own.
    **{(method, "/{rest:path}"): Need.OPEN for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
}
