"""Forms of light pages: plain elements that work without a script, and what is wrong beside each field.

A form keeps what was typed, right or wrong, because the address says it and the page writes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from classair import i18n
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html
from research.selection import SelectionRefused

Faults = Mapping[str, str]
"""What is wrong with each field, in the reader's language."""


def faults_of(ctx: Context, language: str, refused: SelectionRefused, **places: Any) -> dict[str, str]:
    """Words for what is wrong with a selection, by field; what no field is to blame for has the key "other"."""
    found: dict[str, str] = {}
    for field, kind in refused.wrong or (("other", "form"),):
        keys = (f"wish.{field}_{kind}", f"wish.{kind}", f"wish.{field}")
        key = next((one for one in keys if i18n.has(one)), "wish.other")
        found[field if i18n.has(f"wish.{field}") else "other"] = ctx.t(language, key, **places)
    return found


def summary(ctx: Context, language: str, faults: Faults) -> Markup:
    """What is wrong, in one place above the form and in the words that stand beside the fields."""
    if not faults:
        return Markup()
    key = "wish.title_one" if len(faults) == 1 else "wish.title"
    return html.Div(
        [
            html.B(ctx.t(language, key, n=len(faults))),
            html.Ul([html.Li(text) for text in dict.fromkeys(faults.values())]),
        ],
        className="panel notice warning",
        role="alert",
    )


def fault(faults: Faults, name: str) -> Markup:
    text = faults.get(name, "")
    return html.Span(text, id=f"fault-{name}", className="field-fault") if text else Markup()


def marks(faults: Faults, name: str, more: str = "") -> dict[str, Any]:
    """For the control itself; `more`: the id of what else describes it."""
    described = " ".join(part for part in (f"fault-{name}" if name in faults else "", more) if part)
    told = parts.aria(describedby=described) if described else {}
    return told | (parts.aria(invalid="true") if name in faults else {})


def line(name: str, label: str, value: str, faults: Faults, *, longest: int, about: str = "", **attributes: Any) -> Any:
    """One line of text. `about` says what belongs there."""
    about_id = f"about-{name}" if about else ""
    return html.Label(
        [
            html.Span(label),
            html.Input(
                type="text",
                name=name,
                value=value,
                maxlength=str(longest),
                autocomplete="off",
                **marks(faults, name, about_id),
                **attributes,
            ),
            html.Small(about, id=about_id, className="quiet") if about else None,
            fault(faults, name),
        ],
        className="field",
    )


def choice(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str, faults: Faults) -> Any:
    """One of a list. What was asked for and is not in it stands there too, so that it is not lost."""
    known = list(options) if chosen in dict(options) else [*options, (chosen, chosen)]
    return html.Label(
        [
            html.Span(label),
            html.Select(
                [html.Option(text, value=value, selected=value == chosen) for value, text in known],
                name=name,
                **marks(faults, name),
            ),
            fault(faults, name),
        ],
        className="field",
    )


def tick(name: str, label: str, checked: bool) -> Any:
    return html.Label(
        [html.Input(type="checkbox", name=name, value="1", checked=checked), html.Span(label)], className="tick-box"
    )


def ticks(
    name: str,
    label: str,
    groups: Sequence[tuple[str, Sequence[tuple[str, str]]]],
    chosen: Sequence[str],
    faults: Faults,
) -> Any:
    """Any number of a list in groups; a group with nothing chosen is folded where there are several."""
    parts_of: list[Any] = []
    for title, options in groups:
        boxes = html.Div(
            [
                html.Label(
                    [
                        html.Input(type="checkbox", name=name, value=value, checked=value in chosen),
                        html.Span(text, className="nowrap"),
                    ],
                    className="tick-box",
                )
                for value, text in options
            ],
            className="tick-boxes",
        )
        picked = sum(value in chosen for value, _ in options)
        counted = [title, html.Span(f" {picked}/{len(options)}", className="quiet")]
        parts_of.append(html.Details([html.Summary(counted), boxes], open=picked > 0) if len(groups) > 1 else boxes)
    return html.Fieldset(
        [html.Legend(label), *parts_of, fault(faults, name)],
        className="field ticks",
        **({"id": f"field-{name}"} | marks(faults, name)),
    )
