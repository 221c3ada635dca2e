"""What is known of each service, bridge and purifier: how it is, since when, why, and what to do. No drawing here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from classair import i18n
from dashboard.context import Context
from dashboard.frame import attention, parts
from dashboard.live.cases import beat_is_silent, purifier_trouble
from dashboard.live.lives import BROKER, Lives
from dashboard.live.processes import Process

MANY_LEFT: Final = 20
"""Of a store that keeps up, a step or two are always under way."""

Well = Literal["yes", "wait", "no"]


@dataclass(frozen=True, slots=True)
class Day:
    """Twenty-four hours up to now, as a strip: the share of each hour whose readings are missing, and words for those.

    `words`: what is missing by reason; `late`: what is there, but came late, as means or without a quantity.
    """

    shares: Sequence[float]
    titles: Sequence[str]
    words: str
    late: str = ""


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One part of the system. `key`: its kind and id, as in the hub's news of it.

    `word` is a key of health_page.word, `at` when it last spoke (UTC ms). `step`: the first thing to try. `facts`: what
    it says of itself. `process`: under which name a supervisor would keep it alive. `depends`: nothing is known of it
    because another part is silent, which has a line of its own.
    """

    key: str
    group: str
    name: str
    detail: str
    well: Well
    word: str
    at: int | None = None
    cause: str = ""
    figures: Sequence[str] = field(default_factory=tuple)
    process: str = ""
    step: str = ""
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    day: Day | None = None
    depends: bool = False


def as_known(ctx: Context, language: str, row: HealthRow, lives: Lives) -> HealthRow:
    """The line with what is known of the part now: what it said before it, or what it needs, fell silent is not."""
    if row.key not in lives.verdicts or row.key == BROKER:
        return row
    verdict = lives.of(row.key)
    if verdict.life == "unknown" and verdict.by != row.key:
        cause = ctx.t(language, "health_page.do.depends", part=attention.part_name(ctx, language, verdict.by))
        return replace(row, well="wait", word="unknown", cause=cause, step="", depends=True)
    if row.well != "yes" or verdict.life == "alive":
        return row
    if verdict.life == "late":
        return replace(row, well="wait", word="late")
    kind = row.key.partition("/")[0]
    return replace(row, well="no", word="silent", cause=ctx.t(language, f"health_page.do.{kind}_silent"))


def rows(ctx: Context, language: str, store_fault: str) -> list[HealthRow]:
    """Every part that the configuration names or that has spoken, but for sensors."""
    units = [purifier(ctx, language, full) for full, _ in ctx.config().purifiers()]
    return [*few(ctx, language, store_fault), *units]


def few(ctx: Context, language: str, store_fault: str) -> list[HealthRow]:
    """The parts of which a school has a handful: broker, store, services, bridges."""
    found = [*_middle(ctx, language, store_fault), *_services(ctx, language), *_bridges(ctx, language)]
    known = ctx.processes()
    return [_with_process(ctx, language, row, known[row.process]) if row.process in known else row for row in found]


def _with_process(ctx: Context, language: str, row: HealthRow, process: Process) -> HealthRow:
    """What the supervisor knows of it: how often it began again, why it ended, where its log is."""
    name = process.log_name
    figures = [*row.figures, ctx.t(language, "health_page.log", name=name)]
    if process.restarts:
        code = process.last_exit
        ended = (
            ""
            if code is None
            else ctx.t(language, "health_page.ended_signal" if code < 0 else "health_page.ended_code", n=abs(code))
        )
        figures.append(f"{ctx.t(language, 'health_page.restarts', n=process.restarts)} {ended}".rstrip())
    if process.hung_at is not None:
        at = parts.moment(process.hung_at, ctx.now_ms(), language)
        figures.append(ctx.t(language, "health_page.hung", n=process.hung, at=at))
    if process.alive:
        return replace(row, figures=figures)
    return replace(
        row, figures=figures, well="no", word="offline", cause=ctx.t(language, "health_page.do.ended", name=name)
    )


def _middle(ctx: Context, language: str, store_fault: str) -> list[HealthRow]:
    up = ctx.live.connected()
    filling = "" if store_fault else _filling(ctx, language)
    rejected = any(status.figures.get("rejected_points") for status in ctx.live.services().values())
    return [
        HealthRow(
            "broker",
            "services",
            ctx.t(language, "health_page.broker"),
            "",
            "yes" if up else "no",
            "online" if up else "away",
            cause="" if up else ctx.t(language, "health_page.do.broker"),
            process="broker",
        ),
        HealthRow(
            "store",
            "services",
            ctx.t(language, "health_page.store"),
            ctx.config().store.partition(":")[0],
            "no" if store_fault or rejected else "wait" if filling else "yes",
            "away" if store_fault else "incomplete" if rejected else "lagging" if filling else "online",
            cause=ctx.t(language, "health_page.do.store", why=store_fault)
            if store_fault
            else ctx.t(language, "health_page.do.incomplete")
            if rejected
            else filling,
        ),
    ]


def _filling(ctx: Context, language: str) -> str:
    """What to say while a store that is filled from ingest's journal lacks much of it; empty when it does not."""
    status = ctx.live.services().get("ingest")
    left = status.figures.get("carry_left") if status is not None and status.state == "online" else None
    if not isinstance(left, int | float) or left < MANY_LEFT:
        return ""
    return ctx.t(language, "health_page.do.filling", n=f"{left:,}")


def _services(ctx: Context, language: str) -> list[HealthRow]:
    told, newest = ctx.live.services(), ctx.live.accepted()
    simulated = any(ctx.config().site_simulated(site) for site in ctx.config().sites)
    names = ["ingest", "alerts", "dashboard", *(["simulator"] if simulated else [])]
    found: list[HealthRow] = []
    for name in [*names, *sorted(set(told) - set(names))]:
        key = f"health_page.name.{name}"
        title = ctx.t(language, key) if name in names else name
        status = told.get(name)
        process = "simulate" if name == "simulator" else name
        if name == "dashboard":
            # Whoever reads this page hears from it.
            warned = [words.get(language, "") for words in ctx.live.warnings()]
            found.append(
                HealthRow(
                    f"service/{name}",
                    "services",
                    title,
                    "",
                    "wait" if warned else "yes",
                    "online",
                    ctx.now_ms(),
                    " ".join(warned),
                    process=name,
                )
            )
            continue
        if status is None:
            found.append(
                HealthRow(
                    f"service/{name}",
                    "services",
                    title,
                    "",
                    "wait",
                    "unknown",
                    cause=ctx.t(language, "health_page.do.never", service=name),
                    process=process,
                )
            )
            continue
        well: Well = "yes" if status.state == "online" else "no"
        word: str = status.state
        cause = "" if well == "yes" else ctx.t(language, "health_page.do.offline", service=name)
        beat = ctx.live.beat()
        if name == "alerts" and well == "yes" and beat is not None and beat_is_silent(beat, ctx.now_ms()):
            well, word = "no", "no_heartbeat"
            cause = ctx.t(
                language, "health_page.do.beat", service=name, age=parts.duration(ctx, language, ctx.now_ms() - beat.at)
            )
        figures = list(figures_of(ctx, language, status.figures))
        if newest is not None and well == "yes" and 0 < status.config_version < newest.version:
            well, word, cause = "wait", "outdated", ctx.t(language, "health_page.do.behind", service=name)
        if newest is not None and status.config_version:
            figures.append(ctx.t(language, "health_page.follows", n=status.config_version, newest=newest.version))
        if status.warnings:
            well = "no" if well == "no" else "wait"
            warned = [words.get(language, "") for words in status.causes] or status.warnings
            cause = " ".join([cause, *warned]).strip()
        found.append(
            HealthRow(
                f"service/{name}",
                "services",
                title,
                status.version,
                well,
                word,
                status.at or None,
                cause,
                figures,
                process,
            )
        )
    return found


def _bridges(ctx: Context, language: str) -> list[HealthRow]:
    found: list[HealthRow] = []
    for full, settings in ctx.config().bridges():
        status = ctx.live.bridge(full)
        title = settings.name.in_(language) if settings.name else full.partition(".")[2]
        detail = f"{parts.site_name(ctx, language, full)} · {full}"
        if status is None:
            found.append(
                HealthRow(
                    f"bridge/{full}",
                    "bridges",
                    title,
                    detail,
                    "wait",
                    "unknown",
                    cause=ctx.t(language, "health_page.do.bridge_never"),
                    process=f"bridge-{full}",
                )
            )
            continue
        figures = [ctx.t(language, "health_page.waiting", n=f"{status.waiting:,}")]
        if status.clock:
            clock = f"health_page.clock_state.{status.clock}"
            figures.append(
                ctx.t(
                    language, "health_page.clock", state=ctx.t(language, clock) if known_text(clock) else status.clock
                )
            )
        if status.edge_orders:
            newest = status.edge_orders[-1].at
            at = parts.moment(newest, ctx.now_ms(), language) if newest else "–"
            figures.append(ctx.t(language, "health_page.edge_orders", n=len(status.edge_orders), at=at))
        up = status.state == "online"
        storage = status.storage if status.storage not in ("", "ok") else ""
        cause = ctx.t(language, "health_page.do.storage", why=storage) if storage else ""
        if not up:
            cause = f"{ctx.t(language, 'health_page.do.bridge')} {cause}".strip()
        found.append(
            HealthRow(
                f"bridge/{full}",
                "bridges",
                title,
                detail,
                "no" if not up else "wait" if storage else "yes",
                status.state,
                status.at or None,
                cause,
                figures,
                f"bridge-{full}",
            )
        )
    return found


def purifier(ctx: Context, language: str, full: str) -> HealthRow:
    site, _, title = full.partition(".")
    settings, key = ctx.config().sites[site].purifiers[title], f"purifier/{full}"
    room = f"{site}.{settings.room}"
    detail = " · ".join((settings.kind, parts.room_name(ctx, language, room), parts.site_name(ctx, language, room)))
    unit = ctx.live.purifier(full)
    if unit is None:
        never = ctx.t(language, "health_page.do.purifier_never")
        return HealthRow(key, "purifiers", title, detail, "wait", "unknown", cause=never)
    trouble = purifier_trouble(unit, ctx.now_ms())
    state = ctx.t(language, f"pages.purifier.{'unknown' if unit.on is None else 'on' if unit.on else 'off'}")
    return HealthRow(
        key,
        "purifiers",
        title,
        detail,
        "no" if trouble else "yes",
        trouble.removeprefix("purifier_") if trouble else "ok",
        unit.at,
        ctx.t(language, f"health_page.do.{trouble}") if trouble else "",
        [state, _reason(ctx, language, unit.reason)] if unit.reason else [state],
    )


def _reason(ctx: Context, language: str, told: str) -> str:
    """Why a purifier is as it is; what no language has a word for is told in English alone."""
    key = f"health_page.purifier_reason.{re.sub(r'[^a-z0-9]+', '_', told.lower())}"
    if known_text(key):
        return ctx.t(language, key)
    return told if language == i18n.REFERENCE else ctx.t(language, "health_page.purifier_reason.other")


def known_text(key: str) -> bool:
    return i18n.has(key)


def figures_of(ctx: Context, language: str, told: Mapping[str, Any]) -> list[str]:
    """What a part counts, under a name of the language where it has one, else under its own; zeros say nothing."""
    found = []
    for name, value in told.items():
        if value in (None, 0, ""):
            continue
        key = f"health_page.figure.{name}"
        title = ctx.t(language, key) if known_text(key) else name.replace("_", " ")
        found.append(f"{title} {_figure(ctx, language, name, value)}")
    return found


def _figure(ctx: Context, language: str, name: str, value: Any) -> str:
    if name.endswith("_at") and isinstance(value, int):
        return parts.moment(value, ctx.now_ms(), language)
    if name.startswith("disk") and isinstance(value, int | float):
        return f"{value / 1e9:,.1f}\u00a0GB"
    if isinstance(value, int | float):
        return f"{value:,}"
    key = f"health_page.value.{value}"
    return ctx.t(language, key) if known_text(key) else str(value)
