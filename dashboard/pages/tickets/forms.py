"""What staff do with a report, as forms; the page's script sends them to the API and shows what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from classair.units import HOUR_MS, MINUTE_MS
from dashboard.api.tickets import TEXT_CHARS
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.tickets.records import Ticket
from dashboard.tickets.showing.proving import fits_of
from dashboard.tickets.words import ALLOWED

ASKED: Final = ("assign", "ask", "resume", "promise", "resolve", "decline", "merge", "words")
_DEED: Final[Mapping[str, str]] = {
    "assign": "assigned",
    "ask": "asked",
    "resume": "resumed",
    "promise": "promised",
    "resolve": "resolved",
    "decline": "declined",
    "merge": "merged",
    "words": "words",
}
NEW_DATE_HOURS: Final = (4, 8, 24, 48, 72, 168)
FIXED_MINUTES: Final = (0, 15, 30, 60, 120, 240, 480, 1440)
_SAID: Final = (
    *("done", "failed", "signed_out", "not_yours", "no_answer", "looking", "found", "state"),
    *("unit", "owner", "until", "reason", "question", "what", "words", "why", "where", "into", "proof", "photo"),
    *("proof_too_early", "proof_no_valid_data", "proof_purifier_off", "proof_not_falling", "proof_database"),
    *("photo_too_large", "photo_too_many_pixels", "photo_not_a_picture", "photo_not_kept"),
)


def of(ctx: Context, language: str, ticket: Ticket) -> dict[str, str]:
    """A form for each deed that the state allows, an empty piece for each other."""
    made = {
        "assign": _assign,
        "ask": _ask,
        "resume": _resume,
        "promise": _promise,
        "resolve": _resolve,
        "decline": _decline,
        "merge": _merge,
        "words": _words,
    }
    return {
        name: _disclosed(ctx, language, ticket, name, make(ctx, language, ticket))
        if ticket.state in ALLOWED[_DEED[name]]
        else html.Div("", hidden=True, **piece(f"form/{name}"))
        for name, make in made.items()
    }


def _assign(ctx: Context, language: str, ticket: Ticket) -> list[Any]:
    config = ctx.config()
    units = [(unit, one.name.in_(language)) for unit, one in config.tickets.units.items()]
    nobody = ("", ctx.t(language, "tickets_page.nobody"))
    people = [(person, person) for person in config.people]
    fields = [_choice(ctx, language, "owner", [nobody, *people], ticket.owner), _line(ctx, language, "why", False)]
    return [_choice(ctx, language, "unit", units, ticket.unit), *fields] if units else fields


def _ask(ctx: Context, language: str, _ticket: Ticket) -> list[Any]:
    return [_note(ctx, language, "ask"), _text(ctx, language, "question")]


def _resume(ctx: Context, language: str, _ticket: Ticket) -> list[Any]:
    return [_text(ctx, language, "why")]


def _promise(ctx: Context, language: str, _ticket: Ticket) -> list[Any]:
    options = [(str(n), parts.duration(ctx, language, n * HOUR_MS)) for n in NEW_DATE_HOURS]
    return [
        _note(ctx, language, "promise"),
        _text(ctx, language, "reason"),
        _choice(ctx, language, "until_hours", options, "24"),
    ]


def _resolve(ctx: Context, language: str, ticket: Ticket) -> list[Any]:
    fits = [proof for proof in ("readings", "purifier", "photo", "act", "none") if proof in fits_of(ctx, ticket)]
    ago = [
        (str(n), parts.duration(ctx, language, n * MINUTE_MS) if n else ctx.t(language, "tickets_page.just_now"))
        for n in FIXED_MINUTES
    ]
    choices = html.Fieldset(
        [
            html.Legend(ctx.t(language, "tickets_page.field.proof")),
            *(
                html.Label(
                    [
                        html.Input(type="radio", name="proof", value=proof, checked=place == 0),
                        ctx.t(language, f"tickets_page.proof.{proof}"),
                    ],
                    className="tick-box",
                )
                for place, proof in enumerate(fits)
            ),
        ]
    )
    fields = [_text(ctx, language, "what"), choices]
    if "readings" in fits or "purifier" in fits:
        look = html.Div(
            [
                html.Button(
                    ctx.t(language, "tickets_page.look"),
                    type="button",
                    className="button",
                    **parts.data(look=f"/api/v1/tickets/{ticket.id}/proof"),
                ),
                html.P("", className="found", role="status"),
            ]
        )
        fields += [_choice(ctx, language, "fixed_minutes", ago, "30"), look]
    if "photo" in fits:
        fields.append(
            html.Label(
                [
                    ctx.t(language, "tickets_page.field.photo"),
                    html.Input(type="file", name="photo", accept="image/jpeg,image/png,image/webp"),
                ]
            )
        )
    return [*fields, _text(ctx, language, "words", required=False, label="proof_words")]


def _decline(ctx: Context, language: str, _ticket: Ticket) -> list[Any]:
    return [_text(ctx, language, "reason"), _line(ctx, language, "where", True)]


def _merge(ctx: Context, language: str, _ticket: Ticket) -> list[Any]:
    return [_note(ctx, language, "merge"), _line(ctx, language, "into", True), _text(ctx, language, "why")]


def _words(ctx: Context, language: str, _ticket: Ticket) -> list[Any]:
    return [_text(ctx, language, "words", label="note")]


# -- of which forms are made -------------------------------------------------------------------------------------------


def _disclosed(ctx: Context, language: str, ticket: Ticket, name: str, fields: list[Any]) -> str:
    words = {key: ctx.t(language, f"tickets_page.said.{key}") for key in _SAID}
    return html.Details(
        [
            html.Summary(ctx.t(language, f"tickets_page.do.{name}"), className="button"),
            html.Form(
                [
                    *fields,
                    html.Button(
                        ctx.t(language, "tickets_page.send"),
                        type="submit",
                        className="button primary",
                        **parts.spoken(
                            f"{ctx.t(language, 'tickets_page.send')}: {ctx.t(language, f'tickets_page.do.{name}')}"
                        ),
                    ),
                ],
                className="ticket-form",
                **parts.data(
                    send=f"/api/v1/tickets/{ticket.id}/{name}",
                    words=json.dumps(words, ensure_ascii=False),
                    language=language,
                ),
            ),
        ],
        className="ticket-deed",
        **piece(f"form/{name}"),
    )


def _note(ctx: Context, language: str, name: str) -> Any:
    return html.P(ctx.t(language, f"tickets_page.note.{name}"), className="quiet")


def _text(ctx: Context, language: str, name: str, required: bool = True, label: str = "") -> Any:
    return html.Label(
        [
            ctx.t(language, f"tickets_page.field.{label or name}"),
            html.Textarea(name=name, maxlength=str(TEXT_CHARS), rows="2", required=required),
        ]
    )


def _line(ctx: Context, language: str, name: str, required: bool) -> Any:
    return html.Label(
        [
            ctx.t(language, f"tickets_page.field.{name}"),
            html.Input(type="text", name=name, maxlength="200", autocomplete="off", required=required),
        ]
    )


def _choice(ctx: Context, language: str, name: str, options: Sequence[tuple[str, str]], chosen: str) -> Any:
    return html.Label(
        [
            ctx.t(language, f"tickets_page.field.{name}"),
            html.Select(
                [html.Option(text, value=value, selected=value == chosen) for value, text in options], name=name
            ),
        ]
    )
