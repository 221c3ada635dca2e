"""Alerts: what fires, who was told, acknowledging; silences with an end. Only alerts changes them; the API asks it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar, get_args

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from classair.alerting.reading import NotKnown, Records
from classair.alerting.records import AlertRecord, AttemptRecord, ChangeRecord, NotificationRecord, SilenceRecord
from classair.alerting.words import AlertState
from classair.asking import NoAnswer
from classair.dates import moment_ms
from classair.units import MINUTE_MS
from classair.wire import Answer
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.guard import OTHER_ROOM
from dashboard.access.roles import Principal
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api._moments import Moment
from dashboard.context import Context

T = TypeVar("T")

PAGE: Final = 200
LONGEST_MIN: Final = 30 * 24 * 60
STATES: Final = get_args(AlertState)

AlertId = Annotated[str, Path(max_length=64, description="`id` of the alert", examples=["al-1"])]
SilenceId = Annotated[str, Path(max_length=64, description="`id` of the silence", examples=["si-1"])]
Named = Annotated[str, Field(max_length=128)]


class AlertInfo(BaseModel):
    """An alert as it is now. Times are UTC ms. `subject`: the room, purifier, bridge or service it is about."""

    id: str
    rule: str
    kind: str = Field(examples=["above"])
    severity: str = Field(examples=["warning"])
    state: str = Field(examples=["firing"])
    site: str
    room: str
    subject: str
    since: int = Field(description="when it began")
    fired_at: int | None
    changed_at: int
    acknowledged_at: int | None
    acknowledged_by: str | None = Field(description="`<role>:<name>`; null for those who are not signed in")
    resolved_at: int | None
    closed_at: int | None
    times: int = Field(description="how often it has fired, joining included")
    held: str = Field(description="why nobody is notified at present: the cause, or `silenced`; otherwise empty")
    told_at: int | None = Field(description="first delivery by a channel that reaches a person; null if there is none")


class AlertsAnswer(BaseModel):
    server_time: int
    alerts: list[AlertInfo]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class Attempt(BaseModel):
    at: int
    channel: str
    attempt: int
    ok: bool
    error: str


class Notified(BaseModel):
    """One message to one person. `told_at` is null until a channel that reaches a person has confirmed it."""

    person: str | None = Field(description="id of the person; null for those who are not signed in")
    stage: str
    state: str
    reason: str
    channel: str
    made_at: int
    due_at: int
    delivered_at: int | None
    told_at: int | None
    attempts: list[Attempt]


class ChangeInfo(BaseModel):
    at: int
    before: str
    after: str
    who: str | None = Field(description="empty: the system; null for those who are not signed in")
    why: str


class AlertDetail(AlertInfo):
    changes: list[ChangeInfo]
    notifications: list[Notified]


class Acknowledged(BaseModel):
    ok: bool
    alert: AlertInfo | None = Field(description="the alert after the acknowledgement; null when it cannot be read")


class SilenceInfo(BaseModel):
    """While it holds, nobody is notified of what it names. An empty `site`, `room`, `subject` or `rule` means any."""

    id: str
    at: int
    until: int
    site: str
    room: str
    subject: str
    rule: str
    who: str | None = Field(description="null for those who are not signed in")
    why: str
    ended_at: int | None
    in_force: bool


class SilencesAnswer(BaseModel):
    server_time: int
    silences: list[SilenceInfo]


class Silence(BaseModel):
    """`minutes` or `until`, and what it is about: a site, a room, one subject, one rule, or several of these."""

    model_config = ConfigDict(extra="forbid")
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MIN, examples=[60])] | None = None
    until: Annotated[Moment, Field(description="ISO 8601 with offset, or UTC ms; instead of `minutes`")] | None = None
    site: Named = ""
    room: Named = Field("", examples=["ban-suan.p1-2"])
    subject: Named = ""
    rule: Named = ""
    why: Annotated[
        str,
        StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
        Field(examples=["painting the room"]),
    ]


class Silenced(BaseModel):
    ok: bool
    silence: str = Field(description="id of the silence")
    until: int | None


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["alerts"])

    @api.get("/alerts", summary="List alerts", responses=responses(401, 422, 503))
    async def alerts(
        request: Request,
        state: Annotated[
            str, Query(description="comma-separated: " + ", ".join(STATES), examples=["firing,acknowledged"])
        ] = "",
        site: Annotated[str, Query(max_length=32, description="only this site", examples=["ban-suan"])] = "",
        kind: Annotated[str, Query(max_length=32, description="only this kind of rule", examples=["above"])] = "",
        since: Annotated[
            Moment | None,
            Query(description="changed since; ISO 8601 with offset, or UTC ms", examples=["2026-11-23T00:00:00+07:00"]),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE, description="alerts per page", examples=[100])] = 100,
        cursor: Annotated[
            str, Query(max_length=100, description="`next` of the previous page", examples=["1795401720000.al-9"])
        ] = "",
    ) -> AlertsAnswer:
        """The last to change comes first. 503 while the records of alerts cannot be read: unknown is not none."""
        wanted = [one for one in state.split(",") if one]
        if wrong := next((one for one in wanted if one not in STATES), None):
            raise unknown("state", wrong, STATES, 422)
        if site and site not in ctx.config().sites:
            raise unknown("site", site, ctx.config().sites, 422)
        found = await read(
            ctx,
            lambda records: records.alerts(
                wanted,
                sites=[site] if site else (),
                kind=kind,
                since_ms=moment_ms(since) if since else None,
                before=_place(cursor),
                limit=limit + 1,
            ),
        )
        page = found[:limit]
        infos = await _infos(ctx, request, page)
        last = f"{page[-1].changed_at}.{page[-1].id}" if len(found) > limit else None
        return AlertsAnswer(server_time=ctx.now_ms(), alerts=infos, next=last)

    @api.get(
        "/alerts/{alert}", summary="Get alert with its changes and notifications", responses=responses(401, 404, 503)
    )
    async def alert(alert: AlertId, request: Request) -> AlertDetail:
        known = await _known(ctx, alert)
        changes = await read(ctx, lambda records: records.changes(alert))
        told = (await read(ctx, lambda records: records.notifications_of([alert])))[alert]
        attempts = await read(ctx, lambda records: records.attempts([one.id for one in told]))
        named = request.state.principal.signed_in
        return AlertDetail(
            **_info(known, told, named).model_dump(),
            changes=[_change(one, named) for one in changes],
            notifications=[_notified(one, attempts, named) for one in told],
        )

    @api.post(
        "/alerts/{alert}/acknowledge",
        summary="Acknowledge alert",
        responses=responses(401, 403, 404, 409, 415, 503),
    )
    async def acknowledge(alert: AlertId, request: Request) -> Acknowledged:
        """Requires the scope `control` for the alert's room. Escalation and reminders end; it goes on until it is over.
        A browser session sends its CSRF token as `X-CSRF-Token`."""
        known = await _known(ctx, alert)
        _allowed(request, known.site, known.room, alert)
        await asked(ctx, request, Action.ACKNOWLEDGE, {"alert": alert}, alert)
        try:
            after = await read(ctx, lambda records: records.alert(alert))
        except ApiFault:
            after = None  # it is acknowledged all the same
        return Acknowledged(ok=True, alert=(await _infos(ctx, request, [after]))[0] if after else None)

    @api.get("/silences", summary="List silences", responses=responses(401, 422, 503))
    async def silences(
        request: Request,
        in_force: Annotated[bool, Query(description="only those that hold now", examples=[True])] = False,
    ) -> SilencesAnswer:
        """The newest first, at most 200."""
        now = ctx.now_ms()
        found = await read(ctx, lambda records: records.silences(now_ms=now if in_force else None, limit=PAGE))
        named = request.state.principal.signed_in
        return SilencesAnswer(server_time=now, silences=[_silence(one, now, named) for one in found])

    @api.post("/silences", summary="Silence alerts until a time", responses=responses(401, 403, 409, 415, 422, 503))
    async def silence(wish: Silence, request: Request) -> Silenced:
        """Requires the scope `control` for the place. What still holds when the silence ends is told then."""
        now, config = ctx.now_ms(), ctx.config()
        if (wish.minutes is None) == (wish.until is None):
            raise ApiFault(422, "say either minutes or until", "body")
        minutes = wish.minutes
        if wish.until is not None:
            minutes = -(-(moment_ms(wish.until) - now) // MINUTE_MS)
        assert minutes is not None
        if not 1 <= minutes <= LONGEST_MIN:
            raise ApiFault(422, "until must be in the future, by at most 30 days", "body.until")
        if wish.room and not config.has_room(wish.room):
            raise unknown("room", wish.room, (full for full, _ in config.rooms()), 422)
        if wish.site and wish.site not in config.sites:
            raise unknown("site", wish.site, config.sites, 422)
        if wish.rule and wish.rule not in config.rules:
            raise unknown("rule", wish.rule, config.rules, 422)
        if not (wish.site or wish.room or wish.subject or wish.rule):
            raise ApiFault(422, "the silence is about nothing", "body", "name a site, room, subject or rule")
        _of_one_place(ctx, wish)
        _allowed(request, wish.site or _site_of(ctx, wish.subject), wish.room or _room_of(ctx, wish.subject), "silence")
        args: dict[str, Any] = {"minutes": minutes, "why": wish.why}
        args |= {name: said for name in ("site", "room", "subject", "rule") if (said := getattr(wish, name))}
        about = " ".join(str(args[name]) for name in ("site", "room", "subject", "rule") if name in args)
        answer = await asked(ctx, request, Action.SILENCE, args, f"{about} {minutes} min")
        until = answer.result.get("until")
        return Silenced(
            ok=True, silence=str(answer.result.get("silence", "")), until=until if isinstance(until, int) else None
        )

    @api.delete("/silences/{silence}", summary="End silence", responses=responses(401, 403, 404, 409, 415, 503))
    async def end(silence: SilenceId, request: Request) -> Silenced:
        """Requires the scope `control` for the place. What holds is told now."""
        known = await read(ctx, lambda records: records.silence(silence))
        if known is None:
            raise ApiFault(404, f"unknown silence {silence!r}", "silence", "see /api/v1/silences")
        site = known.site or _site_of(ctx, known.subject)
        _allowed(request, site, known.room or _room_of(ctx, known.subject), silence)
        await asked(ctx, request, Action.END_SILENCE, {"silence": silence}, silence)
        return Silenced(ok=True, silence=silence, until=ctx.now_ms())

    return api


async def read(ctx: Context, call: Callable[[Records], T]) -> T:
    """Beside the event loop. Raises ApiFault where the records of alerts cannot be read."""
    try:
        return await asyncio.to_thread(call, ctx.records)
    except NotKnown as error:
        raise ApiFault(503, f"what alerts has recorded is not known: {error}", "ledger", "try again shortly") from None


async def asked(ctx: Context, request: Request, do: Action, args: dict[str, Any], about: str) -> Answer:
    """Asks alerts and waits for its answer. Raises ApiFault: 503 without an answer, 409 for a refusal."""
    principal: Principal = request.state.principal
    desk: Desk = request.app.state.desk
    try:
        answer = await ctx.live.ask("alerts", do.value, principal.by, args)
    except NoAnswer as error:
        desk.note(principal.who, do, about, str(error))
        raise ApiFault(
            503, str(error), "alerts", "the request may not have arrived; look at the alerts before trying again"
        ) from None
    desk.note(principal.who, do, about, "done" if answer.ok else answer.error)
    if not answer.ok:
        raise ApiFault(409, answer.error or "alerts rejected the request", do.value)
    return answer


def _allowed(request: Request, site: str, room: str, about: str) -> None:
    principal: Principal = request.state.principal
    if not principal.controls_place(site, room):
        desk: Desk = request.app.state.desk
        desk.note(principal.who, Action.REFUSED, f"{request.method} {about}", "other room")
        raise ApiFault(403, f"{principal.name} may not control {room or site or 'all schools'}", "room", OTHER_ROOM)


def _of_one_place(ctx: Context, wish: Silence) -> None:
    """A silence is of what matches all that it names: of different places that is nothing."""
    sites = {one for one in (wish.site, _site_of(ctx, wish.room), _site_of(ctx, wish.subject)) if one}
    rooms = {one for one in (wish.room, _room_of(ctx, wish.subject)) if one}
    if len(sites) > 1 or len(rooms) > 1:
        named = ", ".join(one for one in (wish.site, wish.room, wish.subject) if one)
        raise ApiFault(422, f"{named} are different places, so nothing would be silenced", "body", "name one place")


def _site_of(ctx: Context, subject: str) -> str:
    site = subject.partition(".")[0]
    return site if site in ctx.config().sites else ""


def _room_of(ctx: Context, subject: str) -> str:
    """The room that a subject is or stands in; empty for one that belongs to a whole school, or to none."""
    config = ctx.config()
    if config.has_room(subject):
        return subject
    part = dict(config.purifiers()).get(subject) or dict(config.sensors()).get(subject)
    return f"{subject.partition('.')[0]}.{part.room}" if part is not None else ""


def _place(cursor: str) -> tuple[int, str] | None:
    if not cursor:
        return None
    found = re.fullmatch(r"(\d{1,16})\.(.+)", cursor, re.ASCII)
    if found is None:
        raise ApiFault(422, "the cursor is none that this address has given", "query.cursor")
    return int(found[1]), found[2]


async def _known(ctx: Context, alert: str) -> AlertRecord:
    found = await read(ctx, lambda records: records.alert(alert))
    if found is None:
        raise ApiFault(404, f"unknown alert {alert!r}", "alert", "see /api/v1/alerts")
    return found


async def _infos(ctx: Context, request: Request, page: Sequence[AlertRecord]) -> list[AlertInfo]:
    told = await read(ctx, lambda records: records.notifications_of([one.id for one in page]))
    return [_info(one, told[one.id], request.state.principal.signed_in) for one in page]


def _info(one: AlertRecord, told: Sequence[NotificationRecord], named: bool) -> AlertInfo:
    same = {name: getattr(one, name) for name in AlertInfo.model_fields if name not in ("held", "told_at")}
    reached = [at for it in told if (at := it.told_at) is not None]
    same["acknowledged_by"] = one.acknowledged_by if named else None
    return AlertInfo(**same, held=one.cause, told_at=min(reached, default=None))


def _change(one: ChangeRecord, named: bool) -> ChangeInfo:
    return ChangeInfo(
        at=one.at, before=one.before, after=one.after, who=one.who if named or not one.who else None, why=one.why
    )


def _notified(one: NotificationRecord, attempts: Sequence[AttemptRecord], named: bool) -> Notified:
    return Notified(
        person=one.person if named else None,
        stage=one.stage,
        state=one.state,
        reason=one.reason,
        channel=one.channel,
        made_at=one.made_at,
        due_at=one.due_at,
        delivered_at=one.delivered_at,
        told_at=one.told_at,
        attempts=[
            Attempt(at=it.at, channel=it.channel, attempt=it.attempt, ok=it.ok, error=it.error if named else "")
            for it in attempts
            if it.notification == one.id
        ],
    )


def _silence(one: SilenceRecord, now: int, named: bool) -> SilenceInfo:
    same = {name: getattr(one, name) for name in SilenceInfo.model_fields if name not in ("who", "in_force")}
    return SilenceInfo(**same, who=one.who if named else None, in_force=one.holds(now))
