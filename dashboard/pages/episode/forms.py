"""What people fill in on the page; the page's script sends it to the API. A form keeps what is typed while all else
is renewed, because its text stays the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from classair.alerting.records import EpisodeRecord, TaskRecord
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece

NAME_CHARS: Final = 80
TEXT_CHARS: Final = 500
DUE_MINUTES: Final = (15, 30, 60, 120, 240, 480, 1440)


def sign_in(ctx: Context, language: str) -> str:
    here = parts.address("/episode", lang=language)
    return html.P(
        html.A(ctx.t(language, "episode_page.sign_in"), href=parts.address("/login", next=here, lang=language)),
        **piece("form/sign-in"),
    )


def opening(ctx: Context, language: str, chosen: Sequence[str]) -> str:
    return _disclosed(
        ctx,
        language,
        "open",
        "/api/v1/episodes",
        [
            _schools(ctx, language, list(ctx.config().sites)),
            _line(ctx, language, "open", "name", NAME_CHARS),
            _text(ctx, language, "open", "why"),
        ],
    )


def joining(ctx: Context, language: str, missing: Sequence[str]) -> str:
    """More schools for the episode that is open."""
    if not missing:
        return html.Span(**piece("form/open"))
    return _disclosed(ctx, language, "join", "/api/v1/episodes", [_schools(ctx, language, missing)], "form/open")


def closing(ctx: Context, language: str, episode: EpisodeRecord, left: int) -> str:
    said = [html.P(ctx.t(language, "episode_page.close_left", n=left))] if left else []
    return _disclosed(
        ctx,
        language,
        "close",
        f"/api/v1/episodes/{episode.id}/close",
        [*said, html.P(ctx.t(language, "episode_page.close_means")), _text(ctx, language, "close", "summary")],
    )


def note(ctx: Context, language: str, episode: EpisodeRecord) -> str:
    return _form(
        ctx,
        language,
        "note",
        f"/api/v1/episodes/{episode.id}/notes",
        [_text(ctx, language, "note", "words", required=True)],
        className="episode-form panel pad",
        **piece("form/note"),
    )


def adding(ctx: Context, language: str, episode: EpisodeRecord) -> str:
    config = ctx.config()
    known = [site for site in episode.sites if site in config.sites]
    return _disclosed(
        ctx,
        language,
        "task",
        f"/api/v1/episodes/{episode.id}/tasks",
        [
            _text(ctx, language, "task", "words", required=True),
            _choice(ctx, language, "task", "site", [(site, config.sites[site].name.in_(language)) for site in known]),
            _choice(
                ctx,
                language,
                "task",
                "owner",
                [("", ctx.t(language, "episode_page.owner_nobody")), *((one, one) for one in config.people)],
            ),
            _choice(
                ctx,
                language,
                "task",
                "due_minutes",
                [(str(n), parts.duration(ctx, language, n * 60_000)) for n in DUE_MINUTES],
                chosen="60",
            ),
        ],
    )


def done(ctx: Context, language: str, episode: EpisodeRecord, task: TaskRecord, words: str) -> Any:
    return _form(
        ctx,
        language,
        "done",
        f"/api/v1/episodes/{episode.id}/tasks/{task.id}/done",
        [
            html.Input(
                type="text",
                name="note",
                maxlength=str(TEXT_CHARS),
                placeholder=ctx.t(language, "episode_page.field.done_note"),
                autocomplete="off",
                **parts.spoken(f"{ctx.t(language, 'episode_page.field.done_note')}: {words}"),
            )
        ],
        label=f"{ctx.t(language, 'episode_page.do.done')}: {words}",
        className="task-done",
    )


# -- of which forms are made -------------------------------------------------------------------------------------------


def _disclosed(ctx: Context, language: str, do: str, send: str, fields: list[Any], key: str = "") -> str:
    """A form behind a button-like heading."""
    return html.Details(
        [
            html.Summary(ctx.t(language, f"episode_page.ask.{do}"), className="button"),
            _form(ctx, language, do, send, fields, className="episode-form panel pad"),
        ],
        className="episode-more",
        **piece(key or f"form/{do}"),
    )


def _form(
    ctx: Context, language: str, do: str, send: str, fields: list[Any], label: str = "", **attributes: Any
) -> str:
    words = {
        key: ctx.t(language, f"episode_page.said.{key}")
        for key in ("done", "failed", "signed_out", "not_yours", "no_answer")
    }
    return html.Form(
        [
            *fields,
            html.Button(
                ctx.t(language, f"episode_page.do.{do}"),
                type="submit",
                className="button primary",
                **(parts.spoken(label) if label else {}),
            ),
        ],
        novalidate=True,  # the browser's own words would be in the browser's language
        **parts.data(send=send, words=json.dumps(words, ensure_ascii=False)),
        **attributes,
    )


def _schools(ctx: Context, language: str, known: Sequence[str]) -> Any:
    config = ctx.config()
    return html.Fieldset(
        [
            html.Legend(ctx.t(language, "episode_page.field.sites")),
            *(
                html.Label(
                    [
                        html.Input(type="checkbox", name="sites", value=site, checked=True),
                        config.sites[site].name.in_(language),
                    ],
                    className="tick-box",
                )
                for site in known
            ),
        ]
    )


def _line(ctx: Context, language: str, do: str, name: str, longest: int) -> Any:
    return html.Label(
        [
            ctx.t(language, f"episode_page.field.{do}_{name}"),
            html.Input(type="text", name=name, maxlength=str(longest), autocomplete="off"),
        ]
    )


def _text(ctx: Context, language: str, do: str, name: str, required: bool = False) -> Any:
    return html.Label(
        [
            ctx.t(language, f"episode_page.field.{do}_{name}"),
            html.Textarea(name=name, maxlength=str(TEXT_CHARS), rows="2", required=required),
        ]
    )


def _choice(
    ctx: Context, language: str, do: str, name: str, options: Sequence[tuple[str, str]], chosen: str = ""
) -> Any:
    return html.Label(
        [
            ctx.t(language, f"episode_page.field.{do}_{name}"),
            html.Select(
                [html.Option(text, value=value, selected=value == chosen) for value, text in options], name=name
            ),
        ]
    )
