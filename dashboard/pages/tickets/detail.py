"""One report in full: how far it is, what can be done, its evidence, what was written, its log, the texts sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from classair.alerting.reading import NotKnown
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.tickets import evidence, forms
from dashboard.telling import told
from dashboard.tickets import texts
from dashboard.tickets.records import Entry, Notice, Ticket
from dashboard.tickets.telling import links, steps

_OWN_WORDS: Final = frozenset(
    {"words", "taken_back", "followed", "joined", "evidence", "reminded_owner", "reminded_supervisor"}
)


class Detail:
    """The page in pieces; a form keeps what is typed while all else is renewed."""

    every_s = 5.0

    def __init__(self, ctx: Context, language: str, ticket: int) -> None:
        self._ctx, self._language, self._ticket = ctx, language, ticket

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        ticket = ctx.tickets.get(self._ticket)
        assert ticket is not None  # reports are never deleted
        log = ctx.tickets.history(ticket.id)
        found = {
            "head": _head(ctx, language, ticket),
            "evidence": evidence.shown(ctx, language, log),
            "written": self._written(ticket),
            "log": _log(ctx, language, log),
            "texts": self._texts(ticket),
            **{f"form/{name}": text for name, text in forms.of(ctx, language, ticket).items()},
        }
        deeds = html.Section(
            [
                html.H2(ctx.t(language, "tickets_page.deeds")),
                *(hole(key) for key in found if key.startswith("form/")),
            ],
            className="deeds",
        )
        rest = [hole(key) for key in ("evidence", "written", "log", "texts")]
        found[""] = html.Div(
            [
                html.P(
                    html.A(ctx.t(language, "tickets_page.back"), href=parts.address("/tickets", lang=language)),
                ),
                hole("head"),
                html.Div([html.Div(rest, className="about"), deeds], className="ticket-parts"),
            ],
            className="tickets",
            **piece(""),
        )
        return found

    def _written(self, ticket: Ticket) -> str:
        ctx, language = self._ctx, self._language
        lines = []
        for one in ctx.tickets.written(ticket.id):
            who = html.Span(f"{_who(ctx, language, one.who)} · {texts.moment(one.at, language)}", className="quiet")
            if one.taken_back:
                lines.append(html.Li([who, html.P(ctx.t(language, "tickets_page.taken_back"), className="quiet")]))
                continue
            photo = (
                [html.Img(src=f"/photo/{links.photo_token(ctx, one.photo)}", alt=ctx.t(language, "tickets_page.photo"))]
                if one.photo
                else []
            )
            lines.append(html.Li([who, html.P(one.text, className="written"), *photo]))
        reach = [
            html.P(ctx.t(language, "tickets_page.phone", number=reporter.address))
            for reporter, _ in ctx.tickets.reporters(ticket.id)
            if reporter.channel == "phone" and reporter.address
        ]
        proof = (
            [
                html.Img(
                    src=f"/photo/{links.photo_token(ctx, ticket.proof_photo)}",
                    alt=ctx.t(language, "ticket_page.proof_photo"),
                )
            ]
            if ticket.proof_photo
            else []
        )
        inside = lines or [html.Li(ctx.t(language, "tickets_page.nothing_written"), className="quiet")]
        title = html.H2(ctx.t(language, "tickets_page.written"))
        return html.Section([title, *reach, html.Ul(inside), *proof], className="panel", **piece("written"))

    def _texts(self, ticket: Ticket) -> str:
        ctx, language = self._ctx, self._language
        rows = [
            html.Tr(
                [
                    html.Td(texts.moment(one.at, language)),
                    html.Td(self._whom(one)),
                    html.Td(one.text, lang=one.language),
                    html.Td(self._came(one)),
                ]
            )
            for one in ctx.tickets.notices(ticket.id)
        ]
        return html.Section(
            [
                html.H2(ctx.t(language, "tickets_page.texts")),
                _table(ctx, language, "texts", ("when", "whom", "text", "came"), rows)
                if rows
                else html.P(ctx.t(language, "tickets_page.no_texts"), className="quiet"),
            ],
            className="panel",
            **piece("texts"),
        )

    def _whom(self, notice: Notice) -> str:
        """A person of sensors.yaml by its id; a reporter without the address."""
        if notice.channel == "person":
            return notice.address
        return self._ctx.t(self._language, f"tickets_page.whom.{notice.channel}")

    def _came(self, notice: Notice) -> str:
        """What is known of its way: told only by the receipt of a channel that reaches a person."""
        ctx, language = self._ctx, self._language
        if notice.ended:
            return ctx.t(language, "tickets_page.came.ended")
        if notice.told_at is None:
            return ctx.t(language, "tickets_page.came.waiting")
        try:
            fate = told(ctx, notice.key)
        except NotKnown:
            fate = None
        if fate is not None and fate.told_at is not None:
            return ctx.t(language, "tickets_page.came.told", when=texts.moment(fate.told_at, language))
        if fate is not None and fate.over:
            return ctx.t(language, "tickets_page.came.not_reached")
        return ctx.t(language, "tickets_page.came.handed_over")


def _head(ctx: Context, language: str, ticket: Ticket) -> str:
    late = ticket.late(ctx.now_ms())
    rows = [
        ("place", texts.place(ctx.config(), ticket, language)),
        ("state", ctx.t(language, f"ticket.state.{ticket.state}")),
        ("received", texts.moment(ticket.received_at, language)),
        ("channel", ctx.t(language, f"tickets_page.channel.{ticket.channel}")),
        ("unit", " · ".join(filter(None, [texts.unit_name(ctx.config(), ticket.unit, language), ticket.owner]))),
    ]
    if ticket.state in ("received", "assigned", "waiting"):
        rows += [("deadline", f"{texts.deadline(ticket, language)} · {steps.left(ctx, ticket, language)}")]
    if ticket.question and ticket.state == "waiting":
        rows += [("question", ticket.question)]
    if late:
        rows += [("why_late", ticket.why_late or ctx.t(language, "tickets_page.reason_wanted"))]
    if ticket.promised is not None:
        rows += [("promised", texts.moment(ticket.promised, language))]
    if ticket.what:
        rows += [("what", ticket.what), ("proof", texts.proof(ticket, language))]
    notes = [html.P(ctx.t(language, "tickets_page.late"), className="late-mark", role="status")] if late else []
    if ticket.office:
        notes.append(html.P(ctx.t(language, "ticket_page.office"), className="quiet"))
    facts = [html.Div([html.Dt(ctx.t(language, f"tickets_page.fact.{name}")), html.Dd(shown)]) for name, shown in rows]
    title = f"{ticket.number} {ctx.t(language, f'ticket.kind.{ticket.kind}')}"
    return html.Section([html.H1(title), *notes, html.Dl(facts, className="facts")], className="panel", **piece("head"))


def _log(ctx: Context, language: str, log: Sequence[Entry]) -> str:
    rows = [
        html.Tr(
            [
                html.Td(texts.moment(entry.at, language)),
                html.Td(_what(ctx, language, entry)),
                html.Td(_who(ctx, language, entry.who)),
                html.Td(_why(entry, language)),
            ]
        )
        for entry in log
    ]
    return html.Section(
        [
            html.H2(ctx.t(language, "tickets_page.history")),
            _table(ctx, language, "history", ("when", "what", "who", "why"), rows),
        ],
        className="panel",
        **piece("log"),
    )


def _what(ctx: Context, language: str, entry: Entry) -> str:
    if entry.what in _OWN_WORDS:
        return ctx.t(language, f"tickets_page.log.{entry.what}")
    unit = texts.unit_name(ctx.config(), str(entry.data.get("unit", "")), language)
    return ctx.t(language, f"ticket.step.{entry.what}", unit=unit)


def _why(entry: Entry, language: str) -> str:
    more = [entry.why]
    if entry.what == "resolved":
        more.append(texts.proof_words(str(entry.data["proof"]), str(entry.data["words"]), language))
    if entry.what == "promised":
        more.append(texts.moment(int(entry.data["until"]), language))
    if entry.what == "declined":
        more.append(str(entry.data["where"]))
    return " · ".join(filter(None, more))


def _who(ctx: Context, language: str, who: str) -> str:
    if who in ("reporter", "clock"):
        return ctx.t(language, f"tickets_page.who.{who}")
    return who.partition(":")[2] or who


def _table(ctx: Context, language: str, name: str, heads: Sequence[str], rows: Sequence[Any]) -> Any:
    titles = [html.Th(ctx.t(language, f"tickets_page.head.{head}"), scope="col") for head in heads]
    return html.Div(
        html.Table([html.Thead(html.Tr(titles)), html.Tbody(list(rows))]),
        className="wide",
        tabindex="0",
        role="region",
        **parts.aria(label=ctx.t(language, f"tickets_page.{name}")),
    )
