"""Every service, bridge, sensor and purifier in plain words: how it is, since when, why, and what to do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from classair.config import Config
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.lives import lives_of
from dashboard.pages.health import health_rows, sensor_rows
from dashboard.pages.health.day import HOURS
from dashboard.pages.health.health_rows import Day, HealthRow
from dashboard.pages.health.sensor_rows import Stored

PATH = "/health"
ORDER = 90
TITLE_KEY = "health_page.title"
NEED = Need.READ
RENEW_EVERY_MS: Final = 10_000
"""Figures go on, and the disk is asked; what changes its state is shown at once."""


def view(ctx: Context, language: str) -> Health:
    return Health(ctx, language)


class Health:
    """The page in pieces: a line for each part, which moves to the top when it needs somebody."""

    def __init__(self, ctx: Context, language: str) -> None:
        self._ctx, self._language = ctx, language
        self._config: Config | None = None
        self._stored = Stored()
        self._due = 0.0
        self._rows: dict[str, HealthRow] = {}
        self._drawn: dict[str, tuple[HealthRow, str]] = {}

    @property
    def every_s(self) -> float:
        return RENEW_EVERY_MS / 1000

    def concerns(self, key: str) -> bool:
        return key.startswith("health/")

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        if ctx.config() is not self._config or time.monotonic() >= self._due:
            self._config, self._due = ctx.config(), time.monotonic() + self.every_s
            self._stored = sensor_rows.asked(ctx)
            self._rows = {row.key: row for row in _said(ctx, language, self._stored)}
        else:
            self._rows |= {row.key: row for row in self._again({key.removeprefix("health/") for key in changed})}
        found, lives = {}, lives_of(ctx)
        known = [health_rows.as_known(ctx, language, row, lives) for row in self._rows.values()]
        for row in known:
            key = row.key
            drawn = self._drawn.get(key)
            if drawn is None or drawn[0] != row:
                drawn = self._drawn[key] = (row, _row(ctx, language, row))
            found[key] = drawn[1]
        return found | _around(ctx, language, known)

    def _again(self, changed: Set[str]) -> list[HealthRow]:
        """The lines of parts that have had news; without asking the disk."""
        ctx, language, found = self._ctx, self._language, []
        for key in sorted(changed):
            kind, _, full = key.partition("/")
            if kind == "sensor" and key in self._rows:
                found.append(sensor_rows.sensor(ctx, language, full, self._stored))
            elif kind == "purifier" and key in self._rows:
                found.append(health_rows.purifier(ctx, language, full))
        if any(key.startswith(("bridge/", "service/")) for key in changed):
            found += health_rows.few(ctx, language, self._stored.fault)
        return found


def rows(ctx: Context, language: str, stored: Stored) -> list[HealthRow]:
    """Every part that the configuration names or that has spoken, as it is known now."""
    lives = lives_of(ctx)
    return [health_rows.as_known(ctx, language, row, lives) for row in _said(ctx, language, stored)]


def _said(ctx: Context, language: str, stored: Stored) -> list[HealthRow]:
    """What every part has said of itself."""
    return [*health_rows.rows(ctx, language, stored.fault), *sensor_rows.rows(ctx, language, stored)]


def _around(ctx: Context, language: str, found: Sequence[HealthRow]) -> dict[str, str]:
    """The page around its lines: which of them stand where."""
    accepted = ctx.live.accepted()
    refused = accepted.refused if accepted else None
    # Only what has stopped or is in doubt is a matter; what another's silence hides waits in its own group.
    amiss = [
        row for row in found if row.well == "no" or (row.well == "wait" and row.word != "starting" and not row.depends)
    ]
    matters = {row.key for row in amiss}
    count = len(amiss) + bool(refused)
    head = [html.H1(ctx.t(language, "health_page.title"))]
    if count:
        summary = html.P(ctx.t(language, "health_page.some", n=count), className="quiet", role="status")
    else:
        summary = html.Div(
            [html.I(className="tick"), ctx.t(language, "health_page.all_well")], className="well", role="status"
        )
    groups = [("look_here", sorted(amiss, key=lambda row: row.well != "no"))] if amiss else []
    groups += [
        (name, [row for row in found if row.group == name and row.key not in matters])
        for name in ("services", "bridges", "sensors", "purifiers")
    ]
    groups = [(name, members) for name, members in groups if members]
    pieces = {f"group/{name}": _group(ctx, language, name, members) for name, members in groups}
    pieces[""] = html.Div(
        [
            html.Div([*head, *([summary] if count else [])], className="head"),
            *([] if count else [summary]),
            *([_refused(ctx, language, refused)] if refused else []),
            *(hole(f"group/{name}") for name, _ in groups),
            _configuration(ctx, language),
        ],
        id="health",
        **piece(""),
    )
    return pieces


def _refused(ctx: Context, language: str, refused: str) -> Any:
    return html.Section(
        [
            html.P(html.B(ctx.t(language, "health_page.refused"))),
            html.Pre(refused, className="refused", lang="en"),
            html.P(ctx.t(language, "health_page.refused_do")),
        ],
        className="panel group",
    )


def _group(ctx: Context, language: str, name: str, members: Sequence[HealthRow]) -> str:
    heads = ("part", "state", "heard", "cause", "numbers")
    return html.Section(
        [
            html.H2(ctx.t(language, f"health_page.{name}")),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr([html.Th(ctx.t(language, f"health_page.{head}"), scope="col") for head in heads])
                        ),
                        html.Tbody([hole(row.key) for row in members]),
                    ],
                    className="health",
                ),
                className="panel",
            ),
        ],
        className="group",
        **piece(f"group/{name}"),
    )


def _row(ctx: Context, language: str, row: HealthRow) -> str:
    heard = states.age(row.at, "ago") if row.at is not None else html.Span("–", className="quiet")
    return html.Tr(
        [
            html.Td([row.name, html.Small(row.detail)] if row.detail else row.name, className="part"),
            html.Td(
                html.Span(
                    ctx.t(language, f"health_page.word.{row.word}"), className="state-word", **parts.data(well=row.well)
                )
            ),
            html.Td(heard, className="quiet nowrap"),
            html.Td(
                [
                    *([html.Div(row.cause)] if row.cause else []),
                    *([_step(ctx, language, row)] if row.step else []),
                    *([_day(ctx, language, row.day)] if row.day else []),
                ]
            ),
            html.Td(_numbers(ctx, language, row), className="counts"),
        ],
        **piece(row.key),
    )


def _step(ctx: Context, language: str, row: HealthRow) -> Any:
    if not row.cause:
        return html.Div(row.step)
    return html.Div([html.B(ctx.t(language, "health_page.step")), " ", row.step], className="step")


def _numbers(ctx: Context, language: str, row: HealthRow) -> Any:
    """What a part says of itself; what it has counted is behind a word where there is both."""
    counted = " · ".join(row.figures)
    if not row.facts:
        return counted
    facts = html.Div(" · ".join(f"{name}\u00a0{value}" for name, value in row.facts), className="facts-list")
    return [facts, html.Details([html.Summary(ctx.t(language, "health_page.counted")), counted])] if counted else facts


def _day(ctx: Context, language: str, day: Day) -> Any:
    """Words always; the strip only where an hour misses something, its bars as high as what is missing."""
    words = " ".join(text for text in (day.words, day.late) if text)
    if not any(day.shares):
        return html.Div(words, className="day-words")
    bars = ", ".join(_bar(hour, share) for hour, share in enumerate(day.shares) if share)
    ends = [html.Span(ctx.t(language, f"health_page.day.{end}")) for end in ("begin", "end")]
    return html.Div(
        [
            html.Div(
                className="day-strip",
                role="img",
                title="\n".join(day.titles),
                **parts.data(background=bars),
                **parts.spoken(words),
            ),
            html.Div(ends, className="day-ends", **parts.aria(hidden="true")),
            html.Div(words, className="day-words"),
        ],
        className="day",
    )


def _bar(hour: int, share: float) -> str:
    """One hour's bar as a layer of the strip's background; what is missing can be seen however little it is."""
    wide, high = 100 / HOURS, max(share, 0.12) * 100
    place = hour * wide / (100 - wide) * 100
    return f"linear-gradient(var(--affects_health) 0 0) {place:.3f}% 100% / {wide * 0.86:.3f}% {high:.1f}% no-repeat"


def _configuration(ctx: Context, language: str) -> Any:
    accepted = ctx.live.accepted()
    told = (
        ctx.t(language, "health_page.version_none")
        if accepted is None
        else ctx.t(
            language,
            "health_page.version",
            n=accepted.version,
            time=parts.moment(accepted.accepted_at, ctx.now_ms(), language),
        )
    )
    names = [
        "broker.log",
        "ingest.log",
        "alerts.log",
        "dashboard.log",
        *(f"bridge-{full}.log" for full, _ in ctx.config().bridges()),
    ]
    return html.Section(
        [
            html.H2(ctx.t(language, "health_page.configuration")),
            html.Div(
                [html.P(told), html.P(ctx.t(language, "health_page.logs", names=", ".join(names)), className="quiet")],
                className="panel pad",
            ),
        ],
        className="group",
    )
