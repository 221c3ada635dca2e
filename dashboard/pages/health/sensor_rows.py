"""What is known of each sensor: its own word, the cause, the first step, who it is, and what is missing of its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Final

from classair import i18n
from classair.config import Sensor
from classair.model import BAD, Flag, Missing
from classair.wire import SensorHealth
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.live.cases import sensor_well
from dashboard.pages.health.day import day_of
from dashboard.pages.health.health_rows import HealthRow, figures_of, known_text
from dashboard.queries.rooms import StoreUnavailable

DOUBTED_MS: Final = 15 * 60_000
"""A newest reading that is older says nothing of how the sensor is now."""

MOST_ROOMS: Final = 200
"""Of a large town the flags are looked up in the explorer, not every few seconds for all."""

FOREIGN: Final = ("mqtt:", "http:")
"""How the port of a device begins that is not on a serial line of ours."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store and the gap ledger say of the sensors.

    `fault`: why the store does not answer, empty when it does. `doubts`: flags of each sensor's newest reading;
    `receipt`: sensors whose newest reading is dated by when it came. `gaps`: lines of the last day by sensor; a site
    whose ledger cannot be read is not among `sites`.
    """

    fault: str = ""
    doubts: Mapping[str, Flag] = field(default_factory=dict)
    receipt: frozenset[str] = frozenset()
    gaps: Mapping[str, Sequence[Missing]] = field(default_factory=dict)
    sites: frozenset[str] = frozenset()


def asked(ctx: Context) -> Stored:
    """Asks the disk; not for the event loop's thread."""
    now, fault = ctx.now_ms(), ""
    doubts: dict[str, Flag] = {}
    receipt: set[str] = set()
    try:
        ctx.queries.rooms()
        for room in [room for room, _ in ctx.config().rooms()][:MOST_ROOMS]:
            for found in ctx.queries.latest(room):
                reading = found.reading
                if reading.at_ms >= now - DOUBTED_MS:
                    doubts[found.sensor] = reduce(or_, map(Flag, reading.value_flags.values()), reading.flags)
                    if reading.clock == "receipt":
                        receipt.add(found.sensor)
    except StoreUnavailable as error:
        fault = str(error) or "StoreUnavailable"
    gaps: dict[str, Sequence[Missing]] = {}
    sites = set()
    for site in ctx.config().sites:
        lines = ctx.queries.lately.missing(site, now)
        if lines is not None:
            sites.add(site)
            gaps.update(lines)
    return Stored(fault, doubts, frozenset(receipt), gaps, frozenset(sites))


def rows(ctx: Context, language: str, stored: Stored) -> list[HealthRow]:
    """By school and room, as people look for them."""
    config = ctx.config()
    room_of = {full: f"{full.partition('.')[0]}.{settings.room}" for full, settings in config.sensors()}
    rooms = parts.rooms_in_order(config, language, dict.fromkeys(room_of.values()))
    order = {room: place for place, room in enumerate(rooms)}
    return [sensor(ctx, language, full, stored) for full in sorted(room_of, key=lambda one: order[room_of[one]])]


def sensor(ctx: Context, language: str, full: str, stored: Stored) -> HealthRow:
    site, _, title = full.partition(".")
    settings, key = ctx.config().sites[site].sensors[title], f"sensor/{full}"
    room = f"{site}.{settings.room}"
    detail = ctx.t(
        language,
        "health_page.in_room",
        model=settings.model,
        room=f"{parts.room_name(ctx, language, room)} · {parts.site_name(ctx, language, room)}",
    )
    word, now = ctx.live.sensor(full), ctx.now_ms()
    day = day_of(ctx, language, stored.gaps.get(full, ()), now) if site in stored.sites else None
    if word is None:
        return HealthRow(
            key,
            "sensors",
            title,
            detail,
            "wait",
            "unknown",
            cause=ctx.t(language, "health_page.do.sensor_never"),
            day=day,
        )
    well = sensor_well(word)
    if day is not None and not any(day.shares) and well == "no":
        day = None  # what is missing now is entered when it ends, at the latest after an hour; "none" would be wrong
    cause, step = (text.get(language) or text.get(i18n.REFERENCE, "") for text in (word.cause, word.step))
    if not cause and not step and well != "yes":
        step = ctx.t(language, f"health_page.do.{word.state}")
    if well == "yes" and (doubt := stored.doubts.get(full, Flag.NONE)):
        # The line is sound, and yet its values are not taken at their word.
        well, cause = "wait" if doubt & BAD else well, _doubt(ctx, language, doubt)
    return HealthRow(
        key,
        "sensors",
        title,
        detail,
        well,
        word.state,
        word.at,
        cause,
        step=step,
        day=day,
        facts=_facts(ctx, language, word, settings, receipt=full in stored.receipt),
        figures=figures_of(ctx, language, dict(sorted(word.counters.items()))),
    )


def _doubt(ctx: Context, language: str, doubt: Flag) -> str:
    """Why values are set aside or doubted, in words."""
    why = " · ".join(ctx.t(language, f"flag.{flag.name.lower()}") for flag in Flag if flag & doubt and flag.name)
    return ctx.t(language, "health_page.set_aside" if doubt & BAD else "health_page.doubted", why=why)


def _facts(
    ctx: Context,
    language: str,
    word: SensorHealth,
    settings: Sensor,
    *,
    receipt: bool,
) -> list[tuple[str, str]]:
    """What it says of itself, each under its name."""
    notes = dict(word.notes)
    pair = [notes.pop(key, "") for key in ("pair", "pair_means", "pair_difference")]
    told: list[tuple[str, Any]] = [
        ("identity", word.identity),
        ("firmware", word.firmware),
        ("mode", _mode(ctx, language, word.mode)),
        (
            "hours",
            None if word.running_h is None else ctx.t(language, "health_page.about_hours", n=f"{word.running_h:,.1f}"),
        ),
        (
            "pair",
            ctx.t(language, "health_page.about_pair", other=pair[0], means=pair[1], difference=pair[2])
            if pair[0]
            else "",
        ),
        ("address", word.address if not settings.simulated and word.address != settings.port else ""),
        ("foreign", settings.port if settings.port.startswith(FOREIGN) else ""),
        ("clock", ctx.t(language, "health_page.clock_state.receipt") if receipt else ""),
    ]
    named = [(ctx.t(language, f"health_page.about.{name}"), str(value)) for name, value in told if value]
    return named + [(_note_name(ctx, language, name), value) for name, value in sorted(notes.items())]


def _mode(ctx: Context, language: str, mode: str) -> str:
    key = f"health_page.mode.{mode}"
    return ctx.t(language, key) if mode and "." not in mode and known_text(key) else mode


def _note_name(ctx: Context, language: str, name: str) -> str:
    key = f"health_page.note.{name}"
    return ctx.t(language, key) if known_text(key) else name.replace("_", " ")
