"""What a view's rows come to: what is known, shares of levels, hours of the week, inside against outside, two sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from classair import i18n
from classair.science.indexes.thai2023 import INDEX
from dashboard import figures
from dashboard.frame import parts
from dashboard.pages.explorer import charts as charts
from dashboard.pages.explorer import figures_series, figures_summary, summary
from dashboard.pages.explorer import form as forms
from dashboard.pages.explorer.charts import Looking, Rows
from dashboard.pages.explorer.view import steps_until
from research.compare import by_hour, compare
from research.lesson_air import LEVELS, NO_DATA
from research.means import lesson_steps
from research.selection import Selection


def strip(look: Looking, rows: Rows) -> Any:
    """Each room's hours or days by what is known of them, with the same in counts."""
    chosen = look.view.strip
    quantity = chosen.quantities[0]
    classes = {key: look.say(f"class.{key}", share=f"{100 * chosen.completeness:g}") for key in summary.CLASSES}
    rooms, counts = [], dict.fromkeys(summary.CLASSES, 0)
    bad: dict[str, int] = {}
    valid = 0
    config = look.ctx.config()
    for room in forms.known_order(look.ctx, chosen.rooms):
        known = {row.start_ms: row for row in rows.get((room, quantity), [])}
        cells = {start: summary.cell_class(row, chosen.completeness) for start, row in known.items()}
        rooms.append((look.names[room], cells))
        whole = lesson_steps(config, chosen, room, look.now_ms) if chosen.lesson else steps_until(chosen, look.now_ms)
        for word in cells.values():
            counts[word] += 1
        counts["none"] += max(0, whole - len(cells))
        for row in known.values():
            valid += row.n
            for name, n in row.bad.items():
                bad[name] = bad.get(name, 0) + n
    figure = figures_series.strip_figure(rooms, chosen.step_ms, look.span, look.words, classes, look.key)
    key = "hours" if chosen.step == "1h" else "days"
    legend = html.Ul(
        [
            html.Li(
                [
                    html.I(style={"background": figures_series.STRIP_COLOURS[name]}),
                    f"{classes[name]}: ",
                    html.B(look.say(f"strip_{key}", n=f"{counts[name]:,}")),
                ]
            )
            for name in summary.CLASSES
            if counts[name] or name in ("complete", "none")
        ],
        className="legend",
    )
    left_out = sum(bad.values())
    said = look.say(
        "left_out",
        n=f"{left_out:,}",
        of=f"{left_out + valid:,}",
        why=", ".join(f"{look.say(f'class_word.{name}')} {n:,}" for name, n in sorted(bad.items())) or "–",
    )
    return look.chart(
        "explorer-strip",
        look.say(f"strip_title_{key}"),
        figure,
        88 + 30 * len(rooms),
        legend,
        html.P(said, className="summary"),
        look.made(chosen, quantity, rows),
    )


# -- side by side ------------------------------------------------------------------------------------------------------


def shares(look: Looking, chosen: Selection, rows: Rows) -> Any | None:
    """How much of the time each room spent in each level; PM2.5 only, other quantities have no levels."""
    if "pm25" not in chosen.quantities:
        return None
    config = look.ctx.config()
    found = []
    for room in forms.known_order(look.ctx, look.view.selection.rooms):
        whole = lesson_steps(config, chosen, room, look.now_ms) if chosen.lesson else steps_until(chosen, look.now_ms)
        found.append((look.names[room], summary.level_shares(room, rows.get((room, "pm25"), []), whole)))
    words = {
        key: look.ctx.t(look.language, "pages.chart.no_data" if key == NO_DATA else f"level.{key}") for key in LEVELS
    }
    table = table_of(
        [look.say("room"), *words.values()],
        [[name, *(f"{p}% ({n})" for p, n in zip(one.percent, one.counts, strict=True))] for name, one in found],
    )
    return look.chart(
        "explorer-shares",
        look.say("shares_title"),
        figures_summary.shares_figure(found, words),
        70 + 42 * len(found),
        _legend(words),
        more(look, table),
        look.made(chosen, "pm25", rows, look.say("made_index", index=INDEX.key)),
    )


def _legend(words: Mapping[str, str]) -> Any:
    return html.Ul(
        [
            html.Li(
                [
                    html.I(
                        className="hatched" if key == NO_DATA else "",
                        style={} if key == NO_DATA else {"background": figures.LEVEL_COLOURS[key]},
                    ),
                    word,
                ]
            )
            for key, word in words.items()
        ],
        className="legend",
    )


def week(look: Looking, rows: Rows) -> Any:
    chosen = look.view.hourly
    quantity = chosen.quantities[0]
    cells = summary.week(rows.get((room, quantity), []) for room in chosen.rooms)
    days = [i18n.weekday(day, look.language) for day in range(7)]
    unit, places = look.unit(quantity), 0 if quantity == "co2_ppm" else 1
    figure = figures_summary.week_figure(cells, days, unit, places, look.words.no_data)
    table = table_of(
        [look.say("hour"), *days],
        [
            [
                f"{hour:02d}",
                *(
                    "–" if (day, hour) not in cells else charts.number(cells[day, hour].mean, quantity)
                    for day in range(7)
                ),
            ]
            for hour in range(24)
        ],
    )
    empty = [html.P(look.say("week_empty"), className="quiet")] if len(cells) < 7 * 24 else []
    return look.chart(
        "explorer-week",
        look.say("week_title"),
        figure,
        300,
        *empty,
        more(look, table),
        look.made(chosen, quantity, rows, look.say("rooms_n", n=len(chosen.rooms))),
    )


def scatter(look: Looking, rows: Rows) -> Any | None:
    """Each hour indoors against the same hour outdoors, with the median ratio of each room."""
    chosen = look.view.hourly
    quantity = chosen.quantities[0]
    if not look.yards or not quantity.startswith(("pm", "n", "co2", "temp", "rh")):
        return None
    found = []
    for room in forms.known_order(look.ctx, chosen.rooms):
        if room in look.yards:
            outside = {
                row.start_ms: row.value for row in rows.get((look.yards[room], quantity), []) if row.value is not None
            }
            found.append((look.names[room], summary.pairs(room, rows.get((room, quantity), []), outside)))
    if not any(one.indoor for _, one in found):
        return None
    unit = look.unit(quantity)
    dust = quantity.startswith("pm")
    heads = [look.say("room"), look.say("pairs"), *([look.say("ratio"), look.say("ratio_n")] if dust else [])]
    table = table_of(
        heads,
        [
            [
                name,
                f"{len(one.indoor):,}",
                *([("–" if one.ratio is None else f"{one.ratio:.2f}"), f"{one.n_ratio:,}"] if dust else []),
            ]
            for name, one in found
        ],
    )
    ratios = (
        [
            look.say("ratio_said", room=name, ratio=f"{one.ratio:.2f}", n=f"{one.n_ratio:,}")
            for name, one in found
            if one.ratio is not None
        ]
        if dust
        else []
    )
    said = (
        [
            html.P(" · ".join(ratios) or look.say("ratio_none"), className="summary"),
            html.P(look.say("ratio_limit"), className="quiet"),
        ]
        if dust
        else []
    )
    return look.chart(
        "explorer-scatter",
        look.say("scatter_title"),
        figures_summary.scatter_figure(
            found, f"{look.words.outdoor} ({unit})", f"{look.words.indoor} ({unit})", look.say("same")
        ),
        380,
        *said,
        more(look, table),
        look.made(chosen, quantity, rows),
    )


# -- two sides ---------------------------------------------------------------------------------------------------------


def comparison(look: Looking, rows: Rows, second_rows: Rows) -> Any | None:
    if look.view.second is None:
        return None
    chosen = look.view.hourly
    other = look.view.second.model_copy(update={"quantities": chosen.quantities})
    quantity, unit = chosen.quantities[0], look.unit(chosen.quantities[0])
    sides = [
        by_hour(row for room in side.rooms for row in table.get((room, quantity), []))
        for side, table in ((chosen, rows), (other, second_rows))
    ]
    found = compare(sides[0], sides[1])
    names = (look.say("first_side"), look.say("second_side"))
    what = [
        ", ".join(look.names[room] for room in forms.known_order(look.ctx, side.rooms))
        + " · "
        + charts.range_name(side, look.language)
        for side in (chosen, other)
    ]
    days: list[list[float]] = []
    for side in sides:
        by_day: dict[Any, list[float]] = {}
        for (day, _), value in side.items():
            by_day.setdefault(day, []).append(value)
        days.append([sum(values) / len(values) for _, values in sorted(by_day.items())])
    paired = look.say("paired" if found.paired else "not_paired")
    if found.difference is None or found.low is None or found.high is None:
        sentence = look.say("few_days")
    else:
        sentence = look.say(
            "difference",
            value=signed(found.difference, quantity),
            unit=unit,
            low=signed(found.low, quantity),
            high=signed(found.high, quantity),
        )
    table = table_of(
        ["", look.say("rooms_and_days"), look.say("mean_of_days", unit=unit), look.say("days"), look.say("hours")],
        [
            [
                names[i],
                what[i],
                "–" if mean is None else charts.number(mean, quantity),
                str(found.days[i]),
                f"{found.hours[i]:,}",
            ]
            for i, mean in enumerate((found.first, found.second))
        ],
    )
    figure = figures_summary.compare_figure((days[0], days[1]), found, names, unit)
    return look.chart(
        "explorer-compare",
        look.say("compare_title"),
        figure,
        340,
        html.P([html.B(sentence), " ", html.Span(paired, className="paired")], className="summary"),
        table,
        look.made(chosen, quantity, rows, look.say("made_interval")),
    )


def signed(value: float, quantity: str) -> str:
    shown = charts.number(abs(value), quantity)
    return ("−" if value < 0 and float(shown.replace(",", "")) else "+") + shown


# -- small parts -------------------------------------------------------------------------------------------------------


def more(look: Looking, table: Any) -> Any:
    return html.Details([html.Summary(look.ctx.t(look.language, "pages.chart.table")), table])


def table_of(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(head, scope="col") if head else html.Td() for head in heads])),
                html.Tbody(
                    [html.Tr([html.Th(line[0], scope="row"), *(html.Td(cell) for cell in line[1:])]) for line in rows]
                ),
            ],
            className="figures",
        ),
        className="scroll",
        tabIndex=0,
        role="region",
        **parts.spoken(" · ".join(head for head in heads if head)),
    )
