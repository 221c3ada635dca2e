"""What fires now, unacknowledged first; what is over; silences; who cannot be reached; what was not sent."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from classair import i18n
from classair.alerting.reading import NotKnown
from classair.alerting.records import AlertRecord, LettersHeld, NotificationRecord, SilenceRecord
from classair.units import DAY_MS
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.alert_count import KEY
from dashboard.live.lives import ALERTS, lives_of
from dashboard.pages.alerts import cards, letters, wording

log = logging.getLogger(__name__)

MOST_CARDS: Final = 60
"""More than this at once is one matter, not many; the rest is counted."""
MOST_LINES: Final = 20
UNSENT_DAYS: Final = 7
LETTERS_DAYS: Final = 31
"""Of LINE's month."""
_URGENCY: Final = ("urgent", "warning", "info")
_UNREACHABLE: Final = (
    "alerts_warning.channel",
    "alerts_warning.nobody",
    "line.no_token",
    "line.not_linked",
    "line.used_up",
    "line.without_second",
)


class Now:
    """The page in pieces: a card for each alert that fires, a section for everything else."""

    every_s = 2.0

    def __init__(self, ctx: Context, language: str, reader: Principal) -> None:
        self._ctx, self._language, self._reader = ctx, language, reader

    def concerns(self, key: str) -> bool:
        return key in (KEY, "health/service/alerts")

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, reader = self._ctx, self._language, self._reader
        head = head_of(ctx, language, "now")
        try:
            known = ctx.records.open_alerts()
            lately = ctx.records.alerts(["closed"], since_ms=ctx.now_ms() - DAY_MS, limit=MOST_LINES)
            told = ctx.records.notifications_of([one.id for one in known if one.state != "pending"])
            silences = ctx.records.silences(now_ms=ctx.now_ms())
            unsent = ctx.records.notifications(
                held_back=True, since_ms=ctx.now_ms() - UNSENT_DAYS * DAY_MS, limit=MOST_LINES
            )
            inbox, mine = _inbox_of(ctx, reader)
            held = _letters_of(ctx, reader)
        except NotKnown as error:
            log.warning("alerts_unknown error=%s", error)
            return {"": html.Div([head, not_known(ctx, language)], className="alerts", **piece(""))}
        fires = sorted((one for one in known if one.state in ("firing", "acknowledged")), key=_order)
        apart = [one for one in fires if one.cause]
        shown = [one for one in fires if not one.cause][:MOST_CARDS]
        over = [one for one in known if one.state == "resolved"]
        sections = [
            _firing(ctx, language, shown, len(fires) - len(apart) - len(shown)),
            *([_held(ctx, language, apart)] if apart else []),
            _over(ctx, language, reader, over, lately),
            _silences(ctx, language, reader, silences),
            *_unreachable(ctx, language),
            *_people(ctx, language, reader),
            *([_unsent(ctx, language, reader, unsent)] if unsent else []),
            *([_letters(ctx, language, held)] if held else []),
            _inbox(ctx, language, reader, inbox, mine),
        ]
        pieces = {f"alert/{one.id}": cards.card(ctx, language, reader, one, told.get(one.id, ())) for one in shown}
        return pieces | {
            "": html.Div(
                [
                    head,
                    *([] if _heard(ctx) else [_away(ctx, language)]),
                    *([] if reader.signed_in else [_signing_in(ctx, language)]),
                    *sections,
                ],
                className="alerts",
                **parts.data(words=cards.words(ctx, language)),
                **piece(""),
            )
        }


def _order(alert: AlertRecord) -> tuple[Any, ...]:
    urgency = _URGENCY.index(alert.severity) if alert.severity in _URGENCY else len(_URGENCY)
    return (alert.state != "firing", urgency, alert.since, alert.id)


def _heard(ctx: Context) -> bool:
    return lives_of(ctx, [ALERTS]).of(ALERTS).life == "alive"


def _blind(ctx: Context) -> int:
    """Of how many rooms nothing is known, so that nothing can fire for their air."""
    verdicts = lives_of(ctx).verdicts
    return sum(one.life == "unknown" for name, one in verdicts.items() if name.startswith("room/"))


# -- what the views of this page share ---------------------------------------------------------------------------------


def head_of(ctx: Context, language: str, here: str) -> Any:
    tabs = [
        html.A(
            ctx.t(language, f"alerts_page.{name}"),
            href=parts.address("/alerts", show=show, lang=language),
            className="button here" if name == here else "button",
            **(parts.aria(current="page") if name == here else {}),
        )
        for name, show in (("now", ""), ("history", "history"))
    ]
    return html.Div(
        [
            html.H1(ctx.t(language, "alerts_page.title")),
            html.Nav(tabs, className="alert-tabs", **parts.spoken(ctx.t(language, "alerts_page.title"))),
        ],
        className="head",
    )


def not_known(ctx: Context, language: str) -> Any:
    return html.Div(
        [html.B(ctx.t(language, "alerts_page.not_known")), html.Div(ctx.t(language, "alerts_page.not_known_text"))],
        className="panel notice plain",
        role="alert",
    )


def line(ctx: Context, language: str, alert: AlertRecord, at_ms: int, more: Sequence[Any] = ()) -> Any:
    """An alert in one line of a list."""
    return html.Li(
        [
            cards.severity(ctx, language, alert),
            html.A(wording.what(ctx, language, alert), href=cards.link(language, alert)),
            html.Span(wording.where(ctx, language, alert), className="line-where"),
            html.Span([wording.time(ctx, language, at_ms), *more], className="quiet line-when"),
        ]
    )


# -- sections ----------------------------------------------------------------------------------------------------------


def _section(ctx: Context, language: str, name: str, content: Sequence[Any], count: int | None = None) -> Any:
    title = ctx.t(language, f"alerts_page.{name}")
    return html.Section(
        [html.H2(title if count is None else f"{title} ({count})"), *content], className=f"group alert-group {name}"
    )


def _away(ctx: Context, language: str) -> Any:
    return html.Div(ctx.t(language, "alerts_page.away"), className="panel notice plain", role="alert")


def _signing_in(ctx: Context, language: str) -> Any:
    here = parts.address("/alerts", lang=language)
    return html.P(
        html.A(ctx.t(language, "alerts_page.sign_in"), href=parts.address("/login", next=here, lang=language)),
        className="alerts-sign-in",
    )


def _firing(ctx: Context, language: str, shown: Sequence[AlertRecord], more: int) -> Any:
    if not shown and not _heard(ctx):
        return html.Div(ctx.t(language, "alerts_page.nothing_known"), className="panel pad", role="status")
    if not shown and (blind := _blind(ctx)):
        said = ctx.t(language, "alerts_page.nothing_but", n=blind)
        link = html.A(ctx.t(language, "health_page.title"), href=parts.address("/health", lang=language))
        return html.Div([said, " ", link], className="panel pad", role="status")
    if not shown:
        well = [html.I(className="tick"), ctx.t(language, "alerts_page.nothing")]
        return html.Div(well, className="well", role="status")
    left = [html.P(ctx.t(language, "alerts_page.more", n=more), className="quiet")] if more else []
    holes = html.Div([hole(f"alert/{one.id}") for one in shown], className="alert-cards")
    return _section(ctx, language, "firing", [holes, *left], len(shown) + more)


def _held(ctx: Context, language: str, apart: Sequence[AlertRecord]) -> Any:
    lines = [line(ctx, language, one, one.since, [" · ", cards.held(ctx, language, one)]) for one in apart[:MOST_CARDS]]
    left = len(apart) - len(lines)
    more = [html.P(ctx.t(language, "alerts_page.more", n=left), className="quiet")] if left else []
    summary = html.Summary(ctx.t(language, "alerts_page.held_back", n=len(apart)))
    return html.Details([summary, html.Ul(lines, className="alert-lines"), *more], className="group alert-held")


def _over(
    ctx: Context,
    language: str,
    reader: Principal,
    over: Sequence[AlertRecord],
    lately: Sequence[AlertRecord],
) -> Any:
    found = [*sorted(over, key=lambda it: -it.changed_at), *lately][:MOST_LINES]
    if not found:
        return _section(ctx, language, "over_lately", [html.P(ctx.t(language, "alerts_page.none"), className="quiet")])
    lines = [
        line(
            ctx,
            language,
            one,
            one.resolved_at or one.changed_at,
            [" · ", wording.word(ctx, language, "state", one.state)],
        )
        for one in found
    ]
    return _section(ctx, language, "over_lately", [html.Ul(lines, className="alert-lines panel")])


def _silences(ctx: Context, language: str, reader: Principal, found: Sequence[SilenceRecord]) -> Any:
    if not found:
        return _section(ctx, language, "silences", [html.P(ctx.t(language, "alerts_page.none"), className="quiet")])
    lines = []
    for one in found:
        about = wording.silence_about(ctx, language, one)
        said = [
            html.B(about),
            html.Span(
                [
                    ctx.t(language, "alerts_page.until", time=wording.time(ctx, language, one.until)),
                    " (",
                    states.age(one.until, "left"),
                    ")",
                ]
            ),
            html.Span(
                " · ".join(
                    part
                    for part in (wording.by(ctx, language, one.who, reader), one.why if reader.signed_in else "")
                    if part
                ),
                className="quiet",
            ),
        ]
        if reader.controls_place(one.site or one.subject.partition(".")[0], one.room):
            said.append(
                html.Button(
                    ctx.t(language, "alerts_page.end"),
                    type="button",
                    className="silence-end",
                    **parts.data(end=f"/api/v1/silences/{one.id}"),
                    **parts.spoken(f"{ctx.t(language, 'alerts_page.end')}: {about}"),
                )
            )
        lines.append(html.Li(said))
    return _section(ctx, language, "silences", [html.Ul(lines, className="silence-lines panel")], len(found))


def _unreachable(ctx: Context, language: str) -> list[Any]:
    """What alerts warns of people that it cannot reach."""
    status = ctx.live.services().get("alerts")
    forms = [_pattern(i18n.t(i18n.REFERENCE, key)) for key in _UNREACHABLE if i18n.has(key)]
    found = [
        cause.get(language, cause.get(i18n.REFERENCE, ""))
        for cause in (status.causes if status is not None else [])
        if any(form.fullmatch(cause.get(i18n.REFERENCE, "")) for form in forms)
    ]
    if not found:
        return []
    return [_section(ctx, language, "unreachable", [html.Ul([html.Li(one) for one in found], className="panel pad")])]


def _people(ctx: Context, language: str, reader: Principal) -> list[Any]:
    """Who is told and by what, for those who set it up, with a message to try it."""
    people = ctx.config().people
    if "admin" not in reader.scopes or not people:
        return []
    lines = []
    for name, person in people.items():
        ways = [person.channel, *([person.second.channel] if person.second else [])]
        button = html.Button(
            ctx.t(language, "alerts_page.try"),
            type="button",
            className="silence-end",
            **parts.data(**{"try": f"/api/v1/people/{name}/test-message"}),
            **parts.spoken(f"{ctx.t(language, 'alerts_page.try')}: {name}"),
        )
        said = " → ".join(wording.channel(ctx, language, way) for way in ways)
        lines.append(html.Li([html.B(name), html.Span(said, className="quiet"), button]))
    return [_section(ctx, language, "people_told", [html.Ul(lines, className="silence-lines panel")], len(lines))]


def _pattern(text: str) -> re.Pattern[str]:
    """What matches a text whatever stands in its places."""
    return re.compile(".*".join(map(re.escape, re.split(r"\{\w+\}", text))), re.DOTALL)


def _unsent(ctx: Context, language: str, reader: Principal, found: Sequence[NotificationRecord]) -> Any:
    rows = [
        [
            wording.time(ctx, language, one.made_at),
            wording.person(ctx, language, one.person, reader),
            one.title or wording.word(ctx, language, "stage", one.stage),
            wording.reason(ctx, language, one),
        ]
        for one in found
    ]
    return _section(ctx, language, "unsent", [table(ctx, language, ("when", "who", "message", "reason_why"), rows)])


def _letters_of(ctx: Context, reader: Principal) -> list[LettersHeld]:
    """For administrators, who alone can do something about LINE's quota or the server for mail."""
    if "admin" not in reader.scopes:
        return []
    return ctx.records.letters_held(ctx.now_ms() - LETTERS_DAYS * DAY_MS, MOST_LINES)


def _letters(ctx: Context, language: str, held: Sequence[LettersHeld]) -> Any:
    heads = ("letters_since", "who", "message", "reason_why", "letters_until")
    return _section(ctx, language, "letters", [table(ctx, language, heads, letters.rows(ctx, language, held))])


def _inbox_of(ctx: Context, reader: Principal) -> tuple[list[NotificationRecord], bool]:
    """The reader's own notifications where their account is a person of the configuration, else the schools'."""
    if reader.signed_in and reader.name in ctx.config().people:
        return ctx.records.notifications(person=reader.name, limit=MOST_LINES), True
    sites = sorted({place.partition(".")[0] for place in reader.places})
    return ctx.records.notifications(sites=sites, limit=MOST_LINES), False


def _inbox(ctx: Context, language: str, reader: Principal, found: Sequence[NotificationRecord], mine: bool) -> Any:
    name = "inbox_mine" if mine else "inbox"
    if not found:
        return _section(ctx, language, name, [html.P(ctx.t(language, "alerts_page.none"), className="quiet")])
    rows = [
        [
            wording.time(ctx, language, one.told_at or one.made_at),
            *([] if mine else [wording.person(ctx, language, one.person, reader)]),
            one.title or wording.word(ctx, language, "stage", one.stage),
            _sent(ctx, language, one),
        ]
        for one in found
    ]
    heads = ("when", "message", "sent") if mine else ("when", "who", "message", "sent")
    return _section(ctx, language, name, [table(ctx, language, heads, rows)])


def _sent(ctx: Context, language: str, one: NotificationRecord) -> str:
    if one.told_at is not None:
        return ctx.t(language, "alerts_page.told_via", channel=wording.channel(ctx, language, one.channel))
    if one.state == "delivered":
        return ctx.t(language, "alerts_page.only_in", channel=wording.channel(ctx, language, one.channel))
    said = wording.word(ctx, language, "sending", one.state)
    why = wording.reason(ctx, language, one)
    return f"{said}: {why}" if why else said


def table(ctx: Context, language: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """A table that becomes a list on a narrow screen: each cell says what it is."""
    names = [ctx.t(language, f"alerts_page.{head}") for head in heads]
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(name, scope="col") for name in names])),
                html.Tbody(
                    [
                        html.Tr([html.Td(cell, **parts.data(head=name)) for name, cell in zip(names, row, strict=True)])
                        for row in rows
                    ]
                ),
            ],
            className="alert-table",
        ),
        className="panel",
    )
