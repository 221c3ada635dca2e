"""What the explorer asks its reader: rooms, quantities, method, time, step; every answer ends in the address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import dash_mantine_components as dmc
from dash import dcc, html

from classair import dates
from classair.model import QUANTITIES, SHOWN
from classair.science.corrections import PUBLISHED
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.date_field import date_field
from dashboard.pages.explorer.view import PRESETS, View, auto_step
from dashboard.queries.rooms import StoreUnavailable
from research.selection import STEP_MS

PATH: Final = "/explorer"
NOT_AIR: Final = frozenset({"version", "error", "meter_status", "state", "internal_temp_c", "pm25_stream"})
FIELDS: Final = ("rooms", "quantities", "method", "step", "lesson", "completeness", "rooms2")
DATES: Final = ("first", "last", "first2", "last2")


def known_rooms(ctx: Context) -> list[str]:
    """Every room that is configured or has readings, by school and name as people order them."""
    configured = [room for room, _ in ctx.config().rooms()]
    try:
        stored = ctx.queries.rooms()
    except StoreUnavailable:
        stored = []
    return known_order(ctx, {*configured, *stored})


def known_order(ctx: Context, rooms: Iterable[str]) -> list[str]:
    """By school and by name, as people order them."""
    language = ctx.config().language
    return sorted(rooms, key=lambda room: (room.partition(".")[0], parts.name_order(name(ctx, language, room))))


def name(ctx: Context, language: str, room: str) -> str:
    """A room's name; the id of one that is no longer configured."""
    return parts.room_name(ctx, language, room) if ctx.config().has_room(room) else room.partition(".")[2]


def site_name(ctx: Context, language: str, site: str) -> str:
    return ctx.config().sites[site].name.in_(language) if site in ctx.config().sites else site


def names(ctx: Context, language: str, rooms: Iterable[str]) -> dict[str, str]:
    """Names of rooms beside each other: with the school's where there are several schools."""
    rooms = list(rooms)
    several = len({room.partition(".")[0] for room in rooms}) > 1
    return {room: name(ctx, language, room) + (f" · {room.partition('.')[0]}" if several else "") for room in rooms}


def default_rooms(ctx: Context, rooms: Sequence[str]) -> list[str]:
    """The indoor rooms of the first school, as many as a chart has lines."""
    site = next(iter(ctx.config().sites), "")
    inside = [
        room
        for room in rooms
        if room.startswith(f"{site}.") and ctx.config().has_room(room) and not ctx.config().room(room).outdoor
    ]
    return (inside or list(rooms))[:8]


def quantity_name(ctx: Context, language: str, key: str) -> str:
    return ctx.t(language, f"explorer.quantity.{key}") if key in SHOWN else key


def form(
    ctx: Context,
    language: str,
    view: View,
    rooms: Sequence[str],
    asked: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Any:
    """The filters. Controls hold what the address says; "Show" writes them back into it.

    `asked`: an address that means nothing, whose words are kept; `faults`: what is wrong with each field.
    """
    held, wrong = asked or {}, faults or {}

    def many(key: str, otherwise: list[str]) -> list[str]:
        return [one for one in held[key].split(",") if one] if key in held else otherwise

    def choices(key: str, otherwise: str, options: list[dict[str, Any]]) -> dict[str, Any]:
        """A list with what was asked for, also where the list does not have it, and what is wrong with that."""
        value = held.get(key, otherwise)
        known = {one["value"] for one in options}
        more = [] if value in known else [{"value": value, "label": value}]
        return {"value": value, "data": [*options, *more], "error": wrong.get(key)}

    def day(key: str, label: str, known: Any) -> Any:
        typed: Any = held.get(key) or known
        with contextlib.suppress(ValueError):
            typed = dates.day(held[key]) if held.get(key) else known
        return date_field(ctx, language, label, typed, store=f"explorer-{key}", fault=wrong.get(key, ""))

    def say(key: str, **places: Any) -> str:
        return ctx.t(language, f"explorer.{key}", **places)

    chosen, second = view.selection, view.second
    schools = {room.partition(".")[0] for room in chosen.rooms}
    auto = auto_step(chosen.quantities, view.days)
    return html.Section(
        [
            html.Div(
                [
                    dmc.Select(
                        id="explorer-site",
                        label=say("school"),
                        allowDeselect=False,
                        className="wide",
                        value=schools.pop() if len(schools) == 1 else "",
                        data=[
                            {"value": "", "label": say("all_schools")},
                            *({"value": site, "label": site_name(ctx, language, site)} for site in _sites(rooms)),
                        ],
                    ),
                    dmc.MultiSelect(
                        id="explorer-rooms",
                        label=say("rooms"),
                        value=many("rooms", known_order(ctx, chosen.rooms)),
                        searchable=True,
                        data=room_options(ctx, language, rooms),
                        error=wrong.get("rooms"),
                        className="wider",
                        hidePickedOptions=True,
                        nothingFoundMessage=say("nothing_found"),
                        **_clearing(say("clear")),
                    ),
                    dmc.MultiSelect(
                        id="explorer-quantities",
                        label=say("quantities"),
                        value=many("quantities", list(chosen.quantities)),
                        data=_quantities(ctx, language),
                        error=wrong.get("quantities"),
                        searchable=True,
                        className="wide",
                        nothingFoundMessage=say("nothing_found"),
                        hidePickedOptions=True,
                    ),
                    dmc.Select(
                        id="explorer-method",
                        label=say("method"),
                        allowDeselect=False,
                        **choices("method", chosen.method, _methods(ctx, language, chosen.method)),
                        className="wide",
                    ),
                ],
                className="fields",
            ),
            html.Div(
                [
                    day("first", say("first"), chosen.first),
                    day("last", say("last"), chosen.last),
                    dmc.Select(
                        id="explorer-step",
                        label=say("step"),
                        allowDeselect=False,
                        className="narrow",
                        **choices(
                            "step",
                            "auto" if view.auto else chosen.step,
                            [
                                {"value": "auto", "label": say("step_auto", step=step_name(ctx, language, auto))},
                                *({"value": step, "label": step_name(ctx, language, step)} for step in STEP_MS),
                            ],
                        ),
                    ),
                    dmc.Select(
                        id="explorer-completeness",
                        label=say("completeness"),
                        allowDeselect=False,
                        className="narrow",
                        **choices(
                            "completeness",
                            f"{chosen.completeness:g}",
                            [
                                {"value": f"{share:g}", "label": f"≥ {100 * share:g}%"}
                                for share in sorted({0.0, 0.5, 0.75, 0.9, chosen.completeness})
                            ],
                        ),
                    ),
                    dmc.Checkbox(
                        id="explorer-lesson", label=say("lesson"), checked=chosen.lesson, className="tick-field"
                    ),
                ],
                className="fields",
            ),
            html.Nav(
                [html.Span(say("presets"), className="quiet"), *_presets(ctx, language, view)],
                className="presets",
                **parts.spoken(say("presets")),
            ),
            html.Details(
                [
                    html.Summary(say("compare_with")),
                    html.P(say("compare_help"), className="quiet"),
                    html.Div(
                        [
                            dmc.MultiSelect(
                                id="explorer-rooms2",
                                label=say("rooms2"),
                                searchable=True,
                                className="wider",
                                value=many(
                                    "rooms2",
                                    known_order(ctx, second.rooms) if second and second.rooms != chosen.rooms else [],
                                ),
                                error=wrong.get("rooms2"),
                                data=room_options(ctx, language, rooms),
                                hidePickedOptions=True,
                                nothingFoundMessage=say("nothing_found"),
                                **_clearing(say("clear")),
                            ),
                            day("first2", say("first2"), second.first if second else None),
                            day("last2", say("last2"), second.last if second else None),
                        ],
                        className="fields",
                    ),
                ],
                open=second is not None or any(held.get(key) for key in ("rooms2", "first2", "last2")),
            ),
            html.Div(
                [
                    html.Button(say("show"), id="explorer-show", className="button main", n_clicks=0),
                    html.P(id="explorer-form-says", className="says", role="status"),
                ],
                className="go",
            ),
            *(
                dcc.Store(id=f"explorer-{key}", data=held.get(key) or _iso(day))
                for key, day in (
                    ("first", chosen.first),
                    ("last", chosen.last),
                    ("first2", second.first if second else None),
                    ("last2", second.last if second else None),
                )
            ),
        ],
        className="panel explorer-form",
        **parts.spoken(say("filters")),
    )


def room_options(ctx: Context, language: str, rooms: Sequence[str], site: str = "") -> list[dict[str, Any]]:
    """Rooms by school, for a list to choose from."""
    return [
        {
            "group": site_name(ctx, language, one),
            "items": [
                {"value": room, "label": name(ctx, language, room)} for room in rooms if room.startswith(f"{one}.")
            ],
        }
        for one in _sites(rooms)
        if site in ("", one)
    ]


def searched(values: Mapping[str, Any], language: str) -> str:
    """The address's query for what the controls hold; what is not said is left out."""
    said: dict[str, str | None] = {
        key: ",".join(value) if isinstance(value, list) else ("1" if value is True else str(value or ""))
        for key, value in values.items()
    }
    # The completeness of nothing at all is a choice too.
    return parts.address("", **said, lang=language)


def step_name(ctx: Context, language: str, step: str) -> str:
    return ctx.t(language, f"explorer.steps.{step}")


def _sites(rooms: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(room.partition(".")[0] for room in rooms))


def _quantities(ctx: Context, language: str) -> list[dict[str, Any]]:
    def option(key: str) -> dict[str, str]:
        unit = parts.unit_name(ctx, language, key)
        return {"value": key, "label": f"{quantity_name(ctx, language, key)}" + (f" ({unit})" if unit != "1" else "")}

    return [
        {"group": ctx.t(language, "explorer.usual"), "items": [option(key) for key in SHOWN]},
        {
            "group": ctx.t(language, "explorer.by_hours"),
            "items": [option(key) for key in QUANTITIES if key not in SHOWN and key not in NOT_AIR],
        },
    ]


def _methods(ctx: Context, language: str, chosen: str) -> list[dict[str, str]]:
    try:
        accepted = [one.label for one in ctx.research.corrections().accepted]
    except StoreUnavailable:
        accepted = []
    labels = [one.label for key, one in PUBLISHED.items() if key != "none"]
    keys = [key for key in PUBLISHED if key != "none"]
    options = [
        {"value": "none", "label": ctx.t(language, "explorer.method_none")},
        {"value": "accepted", "label": ctx.t(language, "explorer.method_accepted")},
        *({"value": key, "label": label} for key, label in zip(keys, labels, strict=True)),
        *({"value": label.partition("@")[0], "label": label} for label in accepted),
    ]
    unique = {one["value"]: one for one in options}
    return [*unique.values(), *([] if chosen in unique else [{"value": chosen, "label": chosen}])]


def _presets(ctx: Context, language: str, view: View) -> list[Any]:
    today = local_time(ctx.now_ms()).date()
    links = []
    for key, days in PRESETS.items():
        first = today - timedelta(days=days - 1)
        here = (view.selection.first, view.selection.last) == (first, today)
        search = view.query(
            first=first.isoformat(),
            last=today.isoformat(),
            step=None if view.auto else view.selection.step,
            lang=language,
        )
        links.append(
            dcc.Link(
                ctx.t(language, f"explorer.preset.{key}"),
                href=f"{PATH}?{search}",
                className="preset here" if here else "preset",
            )
        )
    return links


def _clearing(label: str) -> dict[str, Any]:
    return {"clearable": True, "clearButtonProps": {"aria-label": label}}


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()
