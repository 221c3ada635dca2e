"""What is wanted: a plain form whose address says it all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from classair import dates
from classair.model import QUANTITIES
from classair.science.corrections import PUBLISHED
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame import fields, parts
from dashboard.frame.date_field import date_field
from dashboard.frame.markup import html, piece
from research.selection import STEP_MS


def with_defaults(ctx: Context, wish: Mapping[str, str]) -> dict[str, str]:
    """What an address leaves out: PM2.5 by the hour, as measured, of the last seven whole days."""
    today = local_time(ctx.now_ms()).date()
    usual = {
        "quantities": "pm25",
        "first": (today - timedelta(days=7)).isoformat(),
        "last": (today - timedelta(days=1)).isoformat(),
        "step": "1h",
        "method": "none",
        "columns": "classair",
    }
    return {key: value or usual.get(key, "") for key, value in wish.items()}


def form(ctx: Context, language: str, wish: Mapping[str, str], faults: fields.Faults) -> str:
    def t(key: str) -> str:
        return ctx.t(language, f"exports.{key}")

    methods = [("none", t("method_none")), ("accepted", t("method_accepted"))]
    methods += [(key, key) for key in PUBLISHED if key != "none"]
    steps = [("reading", t("step_reading")), *((key, t(f"steps.{key}")) for key in STEP_MS)]
    formats = [
        ("classair", t("columns_none")),
        ("openair", "openair (R)"),
        ("sensortoolkit", "sensortoolkit (US EPA)"),
        ("openaq", "OpenAQ"),
    ]
    measured = _quantities(ctx, language)
    licence, doi = t("licence_default"), t("doi_meaning")

    def button(do: str, css: str) -> Any:
        return html.Button(t(do), id=f"export-{do}", type="submit", name="do", value=do, className=css)

    words = {key: t(f"said.{key}") for key in ("begun", "removed", "signed_out", "not_yours", "no_answer")}
    return html.Form(
        [
            html.Input(type="hidden", name="lang", value=language),
            fields.ticks("rooms", t("rooms"), _rooms(ctx, language), wish["rooms"].split(","), faults),
            fields.ticks("quantities", t("quantities"), measured, wish["quantities"].split(","), faults),
            html.Div(
                [
                    _day(ctx, language, "first", t("first"), wish, faults),
                    _day(ctx, language, "last", t("last"), wish, faults),
                    fields.choice("step", t("step"), steps, wish["step"], faults),
                    fields.choice("method", t("method"), methods, wish["method"], faults),
                    fields.choice("columns", t("columns"), formats, wish["columns"], faults),
                    html.Div(
                        [
                            fields.tick("lesson", t("lesson"), wish["lesson"] in ("1", "true")),
                            fields.tick("netcdf", t("netcdf"), wish["netcdf"] in ("1", "true")),
                        ],
                        className="field",
                    ),
                    fields.line("licence", t("licence"), wish["licence"], faults, longest=400, about=licence),
                    fields.line("doi", t("doi"), wish["doi"], faults, longest=400, about=doi),
                ],
                className="field-grid",
            ),
            html.Div(
                [
                    html.Button(
                        t("preview"), id="export-preview", type="submit", name="do", value="preview", className="button"
                    ),
                    html.Button(
                        t("make"), id="export-make", type="submit", name="do", value="make", className="button primary"
                    ),
                ],
                className="buttons",
            ),
        ],
        method="get",
        action="/exports",
        id="export-form",
        className="panel pad",
        novalidate=True,  # the browser's own words would be in the browser's language
        **parts.data(words=json.dumps(words, ensure_ascii=False)),
        **piece("form"),
    )


def _rooms(ctx: Context, language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """By school, both in the order of their names."""
    config = ctx.config()
    found = []
    for key, site in sorted(config.sites.items(), key=lambda each: parts.name_order(each[1].name.in_(language))):
        named = [(f"{key}.{room}", settings.name.in_(language)) for room, settings in site.rooms.items()]
        found.append((site.name.in_(language), sorted(named, key=lambda each: parts.name_order(each[1]))))
    return found


def _quantities(ctx: Context, language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    def named(key: str) -> tuple[str, str]:
        unit = parts.unit_name(ctx, language, key)
        return key, ctx.t(language, f"export.quantity.{key}") + (f" ({unit})" if unit != "1" else "")

    usual = [key for key, quantity in QUANTITIES.items() if quantity.shown]
    groups = (("quantities_usual", usual), ("quantities_more", [key for key in QUANTITIES if key not in usual]))
    return [(ctx.t(language, f"exports.{title}"), [named(key) for key in keys]) for title, keys in groups]


def _day(ctx: Context, language: str, name: str, label: str, wish: Mapping[str, str], faults: fields.Faults) -> Any:
    typed = wish[name]
    try:
        day: Any = dates.day(typed)
    except ValueError:
        day = typed
    place = date_field(ctx, language, label, day, name=name, fault=faults.get(name, ""))
    return html.Div([place, fields.fault(faults, name)], className="field")
