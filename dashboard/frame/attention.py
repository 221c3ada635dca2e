"""What needs attention now, a line each with since when: rooms and purifiers, and parts that are silent themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from classair.wire import RoomState
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.alert_count import count_of
from dashboard.live.alive import Verdict
from dashboard.live.cases import Case, sensor_well
from dashboard.live.lives import Lives

MOST_LINES: Final = 10
"""More than this at once is one matter, not many; the rest is counted."""
_LEVEL_KINDS: Final = ("affects_health", "starts_to_affect_health")


# -- which lines -------------------------------------------------------------------------------------------------------


def case_key(case: Case) -> str:
    """The same while a room's case gets worse or better: the line stays, only its words change."""
    about = "level" if case.kind in _LEVEL_KINDS else "purifier" if case.kind.startswith("purifier") else "value"
    return f"case/{case.room}/{about}"


def part_key(part: str) -> str:
    return f"case/{part}"


def silent_parts(ctx: Context, lives: Lives, cases: Iterable[Case]) -> list[str]:
    """Parts that are silent, or say themselves that they fail; not those that a room's case speaks of already.

    First what much depends on, then the longest silence.
    """
    told = {(case.room, case.kind.startswith("purifier")) for case in cases}
    config, found = ctx.config(), []
    for part in lives.roots:
        kind, _, full = part.partition("/")
        if kind == "room":
            continue  # its state is a case
        site = full.partition(".")[0]
        if kind == "purifier" and (f"{site}.{config.sites[site].purifiers[full.partition('.')[2]].room}", True) in told:
            continue
        found.append(part)
    for full, sensor in config.sensors():
        word, part = ctx.live.sensor(full), f"sensor/{full}"
        room = f"{full.partition('.')[0]}.{sensor.room}"
        if word is None or lives.unknown(part) or (room, False) in told:
            continue
        if sensor_well(word) == "no":
            found.append(part)
    order = ("broker", "service", "bridge", "sensor", "purifier")
    return sorted(found, key=lambda part: (order.index(part.partition("/")[0]), lives.of(part).since or 0, part))


# -- how they look -----------------------------------------------------------------------------------------------------


def still_open(ctx: Context, episode: object | None) -> tuple[bool, int]:
    """What is open without being a line: a smoke episode, and alerts that wait for somebody."""
    return episode is not None, count_of(ctx.live.services().get("alerts")).as_of(ctx.now_ms()) or 0


def section(
    ctx: Context,
    language: str,
    shown: Sequence[str],
    count: int,
    notices: Sequence[Any] = (),
    still: tuple[bool, int] = (False, 0),
) -> str:
    """The list with the lines `shown` of `count`; where there is nothing at all, that all is well."""
    if not count and notices:
        return html.Div(list(notices), **piece("cases"))
    if not count and any(still):
        return html.Div(_still(ctx, language, *still), className="panel notice plain", role="status", **piece("cases"))
    if not count:
        well: list[Any] = [html.I(className="tick"), ctx.t(language, "overview.all_well")]
        return html.Div(well, className="well", role="status", **piece("cases"))
    left = count - len(shown)
    return html.Section(
        [
            *notices,
            html.H2(f"{ctx.t(language, 'overview.needs_care')} ({count})"),
            html.Ul([hole(key) for key in shown], className="cases"),
            *([html.P(ctx.t(language, "overview.more", n=left), className="quiet")] if left else []),
        ],
        **piece("cases"),
    )


def _still(ctx: Context, language: str, episode: bool, alerts: int) -> list[Any]:
    said: list[Any] = [ctx.t(language, "overview.rooms_well")]
    if episode:
        said += [" ", ctx.t(language, "overview.still_episode")]
    if alerts:
        words = ctx.t(language, "pages.alerts.one" if alerts == 1 else "pages.alerts.some", n=alerts)
        said += [" ", html.A(words, href=parts.address("/alerts", lang=language))]
    return said


def case_line(
    ctx: Context, language: str, case: Case, state: RoomState | None, verdict: Verdict, owner: Sequence[Any] = ()
) -> str:
    level = case.kind if case.kind in _LEVEL_KINDS else "unknown"
    return _line(
        case_key(case),
        level,
        parts.room_name(ctx, language, case.room),
        parts.site_name(ctx, language, case.room),
        what(ctx, language, case, state, verdict),
        case.since,
        parts.address(f"/room/{case.room}", lang=language),
        owner,
    )


def part_line(ctx: Context, language: str, lives: Lives, part: str, owner: Sequence[Any] = ()) -> str:
    """A part that is silent, with how many rooms are unknown for its sake; or a sensor that says what it lacks."""
    kind, _, full = part.partition("/")
    if lives.unknown(part):
        rooms = sum(one.startswith("room/") for one in lives.roots.get(part, ()))
        since = lives.of(part).since
        said = ctx.t(language, "overview.case.silent" if since is not None else "overview.case.never")
        told: list[Any] = [said]
        if rooms:
            told.append(html.Span(f" · {ctx.t(language, 'overview.case.rooms', n=rooms)}", className="quiet"))
    else:
        word = ctx.live.sensor(full)
        since = word.newest_at if word else None
        told = [ctx.t(language, f"health_page.word.{word.state if word else 'unknown'}")]
    site = full.partition(".")[0] if kind in ("bridge", "sensor", "purifier") else ""
    name = part_name(ctx, language, part)
    school = ctx.config().sites[site].name.in_(language) if site else ""
    return _line(part_key(part), "unknown", name, school, told, since, parts.address("/health", lang=language), owner)


def part_name(ctx: Context, language: str, part: str) -> str:
    """A part as the page of system health calls it, with its kind."""
    kind, _, full = part.partition("/")
    if kind == "broker":
        return ctx.t(language, "health_page.broker")
    if kind == "service":
        return ctx.t(language, f"health_page.name.{full}")
    site, _, local = full.partition(".")
    if kind == "bridge":
        name = ctx.config().sites[site].bridges[local].name
        local = name.in_(language) if name else local
    return ctx.t(language, f"overview.part.{kind}", name=local)


def _line(
    key: str, level: str, where: str, school: str, told: Any, since: int | None, href: str, owner: Sequence[Any]
) -> str:
    age = states.age(since, "since", className="age quiet nowrap") if since is not None else html.Span(className="age")
    return html.Li(
        html.A(
            [
                html.Span(className="edge level", **parts.data(level=level)),
                html.Span(where, className="where nowrap"),
                html.Span(school, className="school"),
                html.Span([html.Span(told, className="matter"), *owner], className="what"),
                age,
            ],
            href=href,
        ),
        **piece(key),
    )


def what(ctx: Context, language: str, case: Case, state: RoomState | None, verdict: Verdict) -> Any:
    """What is the matter with a room, in words."""
    told: list[Any]
    if case.kind in _LEVEL_KINDS and state is not None:
        told = [
            ctx.t(
                language,
                "overview.case.level",
                value=state.pm25.shown,
                unit=ctx.t(language, "unit.ugm3"),
                level=states.level_word(ctx, language, state.pm25.level),
            )
        ]
        if state.purifier is not None and state.purifier.on is not None:
            told += [
                " · ",
                ctx.t(language, f"overview.case.purifier_{'on' if state.purifier.on else 'off'}"),
                " ",
                states.age(state.purifier.since, "for", className="quiet"),
            ]
        return told
    if case.kind == "unknown" and state is None:
        return ctx.t(language, "pages.no_word")
    told = [ctx.t(language, f"overview.case.{case.kind}")]
    if case.kind == "unknown" and state is not None and (last := states.last_value(ctx, language, state.pm25)):
        coming = state.pm25.status in ("filling", "warming_up") and verdict.life == "alive"
        reason = states.unknown_reason(ctx, language, state.pm25, verdict)
        told.append(html.Span(f" · {reason if coming else last}", className="quiet"))
    return told


def stopped_notice(ctx: Context, language: str, lives: Mapping[str, tuple[str, ...]]) -> list[Any]:
    """Said above the list while a service that every room depends on is away."""
    if not any(name.startswith("service/") for name in lives):
        return []
    return [
        html.Div(
            [
                ctx.t(language, "overview.service_down"),
                " ",
                html.A(ctx.t(language, "health_page.title"), href=parts.address("/health", lang=language)),
            ],
            className="panel notice plain",
            role="alert",
        )
    ]
