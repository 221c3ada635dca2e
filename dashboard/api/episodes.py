"""Smoke episodes: the open one and those before, their tasks and log, their report. Only alerts changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from classair.alerting.episode_words import DEFAULT_TASK
from classair.alerting.reading import NotKnown
from classair.alerting.records import EpisodeLogRecord, EpisodeRecord, TaskRecord
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.access.guard import OTHER_ROOM
from dashboard.access.roles import Need, Principal
from dashboard.api._faults import ApiFault, responses, unknown
from dashboard.api.alerts import asked, read
from dashboard.context import Context
from dashboard.episodes.now import schools
from dashboard.episodes.report import Report, make
from dashboard.episodes.told import role_of
from dashboard.frame.parts import state_of

PAGE: Final = 200
TEXT_CHARS: Final = 500
LATEST_DUE_MINUTES: Final = 14 * 24 * 60

EpisodeId = Annotated[str, Path(max_length=64, description="`id` of the episode", examples=["ep-1"])]
TaskId = Annotated[str, Path(max_length=64, description="`id` of the task", examples=["et-1"])]
Text = Annotated[str, Field(max_length=TEXT_CHARS)]
Said = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS)]


class EpisodeInfo(BaseModel):
    """Times are UTC ms. Names and what people wrote are null for those without the scope `control`; `…_by` is a role.

    `name` empty: the episode is called by its date. `opened_by` null: the rule that `why` names.
    """

    id: str
    name: str
    sites: list[str]
    opened_at: int
    opened_by: str | None
    why: str | None
    closed_at: int | None = Field(description="null while it is open")
    closed_by: str | None
    summary: str | None


class TaskInfo(BaseModel):
    """`words` begin with `default:` for a task of the list that every school is given."""

    id: str
    words: str | None
    site: str
    room: str
    owner: str | None = Field(description="id of the person; empty for nobody; null where it may not be read")
    due_at: int
    overdue: bool
    done_at: int | None
    done_by: str | None
    note: str | None


class LogLine(BaseModel):
    at: int
    what: str = Field(description="opened, alert, joined, told, task_added, task_done, overdue, note, over, closed")
    who: str | None
    words: str | None


class SchoolSeats(BaseModel):
    """Clean-room seats and pupils by capacity; what is not known is counted apart (see docs/episodes.md)."""

    site: str
    counted_for: int = Field(description="the moment whose timetable counts, UTC ms")
    need: int
    severe: int
    need_unknown: int
    free: int
    unknown_seats: int
    lacking: int
    ranking: list[str] = Field(description="rooms: known above 37.5 µg/m³ worst first, unknown, all others")
    uncounted: list[str] = Field(description="rooms that take part but have no capacity")


class EpisodesAnswer(BaseModel):
    server_time: int
    episodes: list[EpisodeInfo]


class EpisodeDetail(EpisodeInfo):
    tasks: list[TaskInfo]
    log: list[LogLine]
    seats: list[SchoolSeats] = Field(description="as they are now; empty once the episode is closed")


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Opening(_Wish):
    """While an episode is open its schools join it: there is never a second one."""

    name: Annotated[str, Field(max_length=80)] = ""
    sites: Annotated[list[str], Field(max_length=500, examples=[["ban-suan"]])] = Field(
        [], description="empty: all schools"
    )
    why: Text = ""


class Closing(_Wish):
    summary: Text = ""


class NewTask(_Wish):
    words: Annotated[Said, Field(examples=["Close the north windows"])]
    site: Annotated[str, Field(examples=["ban-suan"])]
    room: Annotated[str, Field(max_length=65)] = ""
    owner: Annotated[str, Field(max_length=32)] = ""
    due_minutes: Annotated[float, Field(ge=0, le=LATEST_DUE_MINUTES)] = 60


class TaskDone(_Wish):
    note: Text = ""


class Note(_Wish):
    words: Annotated[Said, Field(examples=["The municipality has been called"])]


class Changed(BaseModel):
    """`already`: somebody did it before; nothing was changed. `joined`: an episode was open, its schools were added."""

    ok: bool
    episode: str
    task: str | None = None
    already: bool = False
    joined: bool = False


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["episodes"])

    @api.get("/episodes", summary="List smoke episodes", responses=responses(401, 422, 503))
    async def episodes(
        request: Request,
        open: Annotated[bool, Query(description="only the one that is open", examples=[False])] = False,
        limit: Annotated[int, Query(ge=1, le=PAGE, description="at most so many", examples=[20])] = 50,
    ) -> EpisodesAnswer:
        """The newest first. 503 while the records of alerts cannot be read: unknown is not none."""
        found = await read(ctx, lambda records: records.episodes(open_only=open, limit=limit))
        return EpisodesAnswer(server_time=ctx.now_ms(), episodes=[_info(one, _names(request)) for one in found])

    @api.get("/episodes/{episode}", summary="Get smoke episode with tasks and log", responses=responses(401, 404, 503))
    async def one(episode: EpisodeId, request: Request) -> EpisodeDetail:
        """The log has at most 500 lines, the first ones; the report counts all."""
        known, names, now = await _known(ctx, episode), _names(request), ctx.now_ms()
        tasks = await read(ctx, lambda records: records.tasks(episode))
        log = await read(ctx, lambda records: records.episode_log(episode))
        return EpisodeDetail(
            **_info(known, names).model_dump(),
            tasks=[_task(task, now, names) for task in tasks],
            log=[_line(line, names) for line in log],
            seats=[] if known.closed_at is not None else _seats(ctx, known.sites),
        )

    @api.get("/episodes/{episode}/report", summary="Get report of a smoke episode", responses=responses(401, 404, 503))
    async def report(episode: EpisodeId, request: Request) -> Report:
        """The numbers of the report's page. `unavailable` and `not_known` say what is missing."""
        known, names = await _known(ctx, episode), _names(request)
        try:
            return await asyncio.to_thread(make, ctx, known, names)
        except NotKnown as error:
            raise ApiFault(503, f"what alerts has recorded is not known: {error}", "ledger") from None

    @api.post("/episodes", summary="Open smoke episode", responses=responses(401, 403, 409, 415, 422, 503))
    async def opening(wish: Opening, request: Request) -> Changed:
        """Requires the scope `control` for every school that is named. A browser session sends its CSRF token."""
        sites = wish.sites or list(ctx.config().sites)
        for site in sites:
            if site not in ctx.config().sites:
                raise unknown("site", site, ctx.config().sites, 422)
        _allowed(request, sites, "episode")
        args = {"name": wish.name, "sites": sites, "why": wish.why}
        return _changed((await asked(ctx, request, Action.EPISODE_OPEN, args, ",".join(sites))).result)

    @api.post(
        "/episodes/{episode}/close",
        summary="Close smoke episode",
        responses=responses(401, 403, 404, 409, 415, 422, 503),
    )
    async def closing(episode: EpisodeId, wish: Closing, request: Request) -> Changed:
        """Requires the scope `control` for all its schools."""
        _allowed(request, (await _known(ctx, episode)).sites, episode)
        args = {"episode": episode, "summary": wish.summary}
        return _changed((await asked(ctx, request, Action.EPISODE_CLOSE, args, episode)).result)

    @api.post(
        "/episodes/{episode}/tasks",
        summary="Add task to a smoke episode",
        responses=responses(401, 403, 404, 409, 415, 422, 503),
    )
    async def add_task(episode: EpisodeId, wish: NewTask, request: Request) -> Changed:
        """Requires the scope `control` for something in the school."""
        await _known(ctx, episode)
        _allowed_in(request, wish.site, episode)
        answer = await asked(ctx, request, Action.TASK_ADD, {"episode": episode, **wish.model_dump()}, episode)
        return _changed(answer.result)

    @api.post(
        "/episodes/{episode}/tasks/{task}/done",
        summary="Mark task as done",
        responses=responses(401, 403, 404, 409, 415, 422, 503),
    )
    async def task_done(episode: EpisodeId, task: TaskId, wish: TaskDone, request: Request) -> Changed:
        """Requires the scope `control` for something in the task's school. Twice is harmless: the first one counts."""
        await _known(ctx, episode)
        tasks = await read(ctx, lambda records: records.tasks(episode))
        known = next((one for one in tasks if one.id == task), None)
        if known is None:
            raise ApiFault(404, f"unknown task {task!r}", "task", f"see /api/v1/episodes/{episode}")
        _allowed_in(request, known.site, task)
        answer = await asked(ctx, request, Action.TASK_DONE, {"task": task, "note": wish.note}, task)
        return _changed({"episode": episode, **answer.result})

    @api.post(
        "/episodes/{episode}/notes",
        summary="Write note into the log of a smoke episode",
        responses=responses(401, 403, 404, 409, 415, 422, 503),
    )
    async def note(episode: EpisodeId, wish: Note, request: Request) -> Changed:
        """Requires the scope `control`."""
        known = await _known(ctx, episode)
        if not any(_in_school(request.state.principal, site) for site in known.sites):
            _allowed(request, known.sites, episode)
        answer = await asked(ctx, request, Action.EPISODE_NOTE, {"episode": episode, "words": wish.words}, episode)
        return _changed(answer.result)

    return api


# -- who may -----------------------------------------------------------------------------------------------------------


def _names(request: Request) -> bool:
    return Need.CONTROL in request.state.may


def _in_school(principal: Principal, site: str) -> bool:
    """Whether it may control something in a school: a teacher of one room does the school's tasks as well."""
    places = {place.partition(".")[0] for place in principal.places}
    return "control" in principal.scopes and (not places or site in places)


def _allowed_in(request: Request, site: str, about: str) -> None:
    if not _in_school(request.state.principal, site):
        _allowed(request, [site], about)


def _allowed(request: Request, sites: Iterable[str], about: str) -> None:
    """The whole of every school. Raises ApiFault."""
    principal: Principal = request.state.principal
    for site in sites:
        if not principal.controls_place(site, ""):
            desk: Desk = request.app.state.desk
            desk.note(principal.who, Action.REFUSED, f"{request.method} {about}", "other school")
            raise ApiFault(403, f"{principal.name} may not control {site}", "site", OTHER_ROOM)


# -- how it is told ----------------------------------------------------------------------------------------------------


async def _known(ctx: Context, episode: str) -> EpisodeRecord:
    found = await read(ctx, lambda records: records.episode(episode))
    if found is None:
        raise ApiFault(404, f"unknown episode {episode!r}", "episode", "see /api/v1/episodes")
    return found


def _who(who: str, names: bool) -> str | None:
    return (who if names else role_of(who)) or None


def _info(one: EpisodeRecord, names: bool) -> EpisodeInfo:
    return EpisodeInfo(
        id=one.id,
        name=one.name,
        sites=list(one.sites),
        opened_at=one.opened_at,
        opened_by=_who(one.opened_by, names),
        why=one.why if names or not one.opened_by else None,
        closed_at=one.closed_at,
        closed_by=_who(one.closed_by, names),
        summary=one.summary if names else None,
    )


def _task(one: TaskRecord, now: int, names: bool) -> TaskInfo:
    return TaskInfo(
        id=one.id,
        words=one.words if names or one.words.startswith(DEFAULT_TASK) else None,
        site=one.site,
        room=one.room,
        owner=one.owner if names else None,
        due_at=one.due_at,
        overdue=one.done_at is None and one.due_at <= now,
        done_at=one.done_at,
        done_by=_who(one.done_by, names),
        note=one.note if names else None,
    )


def _line(one: EpisodeLogRecord, names: bool) -> LogLine:
    """People who were told or reminded have ids without a role: those are names altogether."""
    person = one.what in ("told", "overdue")
    written = one.what in ("note", "closed") or (one.what == "opened" and one.who)
    return LogLine(
        at=one.at,
        what=one.what,
        who=_who(one.who, names) if names or not person else None,
        words=None if written and not names else one.words,
    )


def _seats(ctx: Context, sites: Iterable[str]) -> list[SchoolSeats]:
    found = schools(ctx.config(), lambda room: state_of(ctx, room), sites, ctx.now_ms())
    return [
        SchoolSeats(
            site=one.site,
            counted_for=one.counted_for,
            need=one.seats.need,
            severe=one.seats.severe,
            need_unknown=one.seats.need_unknown,
            free=one.seats.free,
            unknown_seats=one.seats.unknown_seats,
            lacking=one.seats.lacking,
            ranking=[room.room for room in one.rooms],
            uncounted=list(one.seats.uncounted),
        )
        for one in found
    ]


def _changed(result: dict[str, Any]) -> Changed:
    task = result.get("task")
    return Changed(
        ok=True,
        episode=str(result.get("episode", "")),
        task=str(task) if task else None,
        already=bool(result.get("already", False)),
        joined=bool(result.get("joined", False)),
    )
