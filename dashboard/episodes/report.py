"""The report of a smoke episode: what was measured, done, told and not known. Page and API give the same numbers.

Each part says what it was read from. What cannot be read now is named in `unavailable`, and is in no sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Final

from pydantic import BaseModel, Field

from classair.alerting.records import AlertRecord, EpisodeRecord, NotificationRecord, TaskRecord
from classair.units import MINUTE_MS
from dashboard.context import Context
from dashboard.episodes.air import Air, Exposure, PurifierHours, air_of, exposure_of, purifiers_of
from dashboard.episodes.told import done_in_time, role_of
from dashboard.queries.rooms import RangeRefused, StoreUnavailable

MOST_ALERTS: Final = 2000
MOST_MESSAGES: Final = 10_000


class AlertLine(BaseModel):
    """An alert that fired at the schools during the episode. `minutes_to_acknowledge` null: nobody has."""

    id: str
    rule: str
    kind: str
    subject: str
    severity: str
    fired_at: int
    acknowledged_at: int | None
    minutes_to_acknowledge: float | None
    resolved_at: int | None


class Alerts(BaseModel):
    source: str = "ledger: alerts that fired at these schools during the episode"
    fired: int
    acknowledged: int
    median_minutes: float | None = Field(description="from firing to acknowledgement, of those that were acknowledged")
    longest_minutes: float | None
    alerts: list[AlertLine]


class Messages(BaseModel):
    """`told`: taken by a channel that reaches a person. `only_logged`: delivered by one that reaches nobody."""

    source: str = "ledger: notifications about these schools made during the episode, with receipts"
    made: int
    told: int
    only_logged: int
    on_the_way: int
    not_sent: dict[str, int] = Field(description="reason → count; empty reason: given up after all attempts")


class TaskLine(BaseModel):
    """`who` is a role for those who may not read names; null where it is not done."""

    id: str
    words: str | None = Field(description="`default:<name>` for a task of the list; null where it may not be read")
    site: str
    room: str
    due_at: int
    done_at: int | None
    result: str = Field(description="in_time, late, never, open")
    who: str | None
    owner: str | None


class Tasks(BaseModel):
    source: str = "ledger: tasks of the episode"
    in_time: int
    late: int
    never: int
    open: int
    tasks: list[TaskLine]


class NotKnown(BaseModel):
    """Something this report cannot say. `what` is a word below [episode_report.not_known] in the locales."""

    what: str
    place: str = ""
    hours: float | None = None


class Report(BaseModel):
    """Times are UTC ms. `until` is the end of what is reported: the closing, or now while the episode is open."""

    episode: str
    name: str
    sites: list[str]
    opened_at: int
    opened_by: str | None
    why: str | None
    closed_at: int | None
    closed_by: str | None
    summary: str | None
    until: int
    made_at: int
    simulated: bool
    outdoors: list[Air]
    rooms: list[Air]
    exposure: list[Exposure]
    purifiers: list[PurifierHours]
    alerts: Alerts
    messages: Messages
    tasks: Tasks
    unavailable: list[str] = Field(description="`readings` where the database could not be read")
    not_known: list[NotKnown]


def make(ctx: Context, episode: EpisodeRecord, names: bool) -> Report:
    """Reads disks: call beside the event loop. Raises records.NotKnown; without the database the rest is reported."""
    now = ctx.now_ms()
    until = episode.closed_at if episode.closed_at is not None else now
    config = ctx.config()
    sites = [site for site in episode.sites if site in config.sites]
    rooms = [(name, room.outdoor) for name, room in config.rooms() if name.partition(".")[0] in sites]
    outdoors, inside, exposure, purifiers, unavailable = _air(ctx, rooms, episode.opened_at, until)
    tasks = ctx.records.tasks(episode.id)
    report = Report(
        episode=episode.id,
        name=episode.name,
        sites=list(episode.sites),
        opened_at=episode.opened_at,
        opened_by=_who(episode.opened_by, names),
        why=episode.why if names or not episode.opened_by else None,
        closed_at=episode.closed_at,
        closed_by=_who(episode.closed_by, names),
        summary=episode.summary if names else None,
        until=until,
        made_at=now,
        simulated=any(config.site_simulated(site) for site in sites),
        outdoors=outdoors,
        rooms=inside,
        exposure=exposure,
        purifiers=purifiers,
        alerts=_alerts(ctx, episode, until),
        messages=count_messages(_notifications(ctx, episode, until)),
        tasks=count_tasks(tasks, episode.closed_at is not None, names),
        unavailable=unavailable,
        not_known=[],
    )
    return report.model_copy(update={"not_known": list(_not_known(ctx, report, sites))})


def _who(who: str, names: bool) -> str | None:
    return (who if names else role_of(who)) or None


def _air(
    ctx: Context, rooms: list[tuple[str, bool]], start: int, until: int
) -> tuple[list[Air], list[Air], list[Exposure], list[PurifierHours], list[str]]:
    if until <= start:
        return [], [], [], [], []
    try:
        found = [air_of(ctx, room, outdoor, start, until) for room, outdoor in rooms]
        exposure = [exposure_of(ctx, room, start, until) for room, outdoor in rooms if not outdoor]
        purifiers = [one for room, _ in rooms for one in purifiers_of(ctx, room, start, until)]
    except (StoreUnavailable, RangeRefused):
        return [], [], [], [], ["readings"]
    return [one for one in found if one.outdoor], [one for one in found if not one.outdoor], exposure, purifiers, []


def _alerts(ctx: Context, episode: EpisodeRecord, until: int) -> Alerts:
    found: list[AlertRecord] = []
    place = None
    while len(found) < MOST_ALERTS:
        more = ctx.records.alerts(sites=episode.sites, since_ms=episode.opened_at, before=place)
        found += more
        if not more:
            break
        place = more[-1].place
    return count_alerts(one for one in found if one.fired_at is not None and episode.opened_at <= one.fired_at < until)


def count_alerts(found: Iterable[AlertRecord]) -> Alerts:
    lines = [
        AlertLine(
            id=one.id,
            rule=one.rule,
            kind=one.kind,
            subject=one.subject,
            severity=one.severity,
            fired_at=one.fired_at,
            acknowledged_at=one.acknowledged_at,
            minutes_to_acknowledge=None
            if one.acknowledged_at is None
            else round(max(0, one.acknowledged_at - one.fired_at) / MINUTE_MS, 1),
            resolved_at=one.resolved_at,
        )
        for one in found
        if one.fired_at is not None
    ]
    lines.sort(key=lambda line: (line.fired_at, line.id))
    waits = [line.minutes_to_acknowledge for line in lines if line.minutes_to_acknowledge is not None]
    return Alerts(
        fired=len(lines),
        acknowledged=len(waits),
        median_minutes=round(median(waits), 1) if waits else None,
        longest_minutes=max(waits, default=None),
        alerts=lines,
    )


def _notifications(ctx: Context, episode: EpisodeRecord, until: int) -> list[NotificationRecord]:
    """Those of the episode, its closing included, and those about its schools in its time."""
    found = {one.id: one for one in ctx.records.notifications(episode=episode.id)}
    place = None
    while len(found) < MOST_MESSAGES:
        more = ctx.records.notifications(sites=episode.sites, since_ms=episode.opened_at, before=place)
        found |= {one.id: one for one in more if one.made_at <= until}
        if not more:
            break
        place = more[-1].place
    return list(found.values())


def count_messages(found: Iterable[NotificationRecord]) -> Messages:
    made = told = only_logged = on_the_way = 0
    not_sent: dict[str, int] = {}
    for one in found:
        made += 1
        if one.told_at is not None:
            told += 1
        elif one.state == "delivered":
            only_logged += 1
        elif one.state in ("waiting", "sending"):
            on_the_way += 1
        else:
            not_sent[one.reason] = not_sent.get(one.reason, 0) + 1
    return Messages(made=made, told=told, only_logged=only_logged, on_the_way=on_the_way, not_sent=not_sent)


def count_tasks(every: Iterable[TaskRecord], closed: bool, names: bool) -> Tasks:
    lines = [
        TaskLine(
            id=task.id,
            words=task.words if names or task.words.startswith("default:") else None,
            site=task.site,
            room=task.room,
            due_at=task.due_at,
            done_at=task.done_at,
            result=_result(task, closed),
            who=_who(task.done_by, names),
            owner=task.owner or None if names else None,
        )
        for task in every
    ]
    counts = {name: sum(line.result == name for line in lines) for name in ("in_time", "late", "never", "open")}
    return Tasks(**counts, tasks=lines)


def _result(task: TaskRecord, closed: bool) -> str:
    if task.done_at is None:
        return "never" if closed else "open"
    return "in_time" if done_in_time(task) else "late"


def _not_known(ctx: Context, report: Report, sites: Iterable[str]) -> Iterable[NotKnown]:
    config = ctx.config()
    for site in report.sites:
        if site not in config.sites:
            yield NotKnown(what="school_gone", place=site)
    for site in sites:
        if not any(room.outdoor for room in config.sites[site].rooms.values()):
            yield NotKnown(what="no_outdoor_sensor", place=site)
    if report.unavailable:
        yield NotKnown(what="readings")
    for air in [*report.outdoors, *report.rooms]:
        if not config.sensors_in(air.room):
            yield NotKnown(what="no_sensor", place=air.room)
        elif air.hours_known < air.hours_expected:
            yield NotKnown(what="hours", place=air.room, hours=air.hours_expected - air.hours_known)
    for one in report.exposure:
        if one.occupied_hours is None:
            yield NotKnown(what="no_timetable", place=one.room)
    for unit in report.purifiers:
        if unit.unknown >= 0.1:
            yield NotKnown(what="purifier_state", place=unit.purifier, hours=unit.unknown)
    if any(task.result == "never" for task in report.tasks.tasks):
        yield NotKnown(what="tasks_never")
    if report.messages.only_logged and not report.messages.told:
        yield NotKnown(what="nobody_told")
