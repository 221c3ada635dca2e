"""The smoke episode: its rooms, clean-room seats, tasks and messages; opened and closed here by those who may."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from classair.alerting.reading import NotKnown
from classair.alerting.records import EpisodeRecord
from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.context import Context
from dashboard.episodes.now import schools
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.episode import forms, lines, rooms_now, tasks

PATH = "/episode"
ORDER = 40
TITLE_KEY = "episode_page.title"
NEED = Need.READ
PAST: Final = 10


def view(ctx: Context, language: str, reader: Principal = VISITOR) -> EpisodeView:
    """Who did what, what people wrote, and the forms are for those who may control something."""
    return EpisodeView(ctx, language, Need.CONTROL.value in reader.scopes)


class EpisodeView:
    """The page in pieces. `names`: for those who may act on it."""

    every_s = 2.0

    def __init__(self, ctx: Context, language: str, names: bool) -> None:
        self._ctx, self._language, self._names = ctx, language, names

    def concerns(self, key: str) -> bool:
        return key.startswith("full/")

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, names = self._ctx, self._language, self._names
        try:
            known = ctx.records.episodes(limit=PAST + 1)
            episode = next((one for one in known if one.closed_at is None), None)
            found = {} if episode is None else self._open(episode)
        except NotKnown:
            return {"": _page(ctx, language, [_unknown(ctx, language)])}
        past = [one for one in known if one.closed_at is not None][:PAST]
        found["past"] = lines.past(ctx, language, past)
        if episode is None:
            found["none"] = html.Div(
                [html.I(className="tick"), ctx.t(language, "episode_page.none_open")],
                className="well",
                role="status",
                **piece("none"),
            )
            found["form/open"] = forms.opening(ctx, language, []) if names else forms.sign_in(ctx, language)
            order = ["none", "form/open", "past"]
        else:
            order = ["banner", "seats", *(key for key in found if key.startswith("rank/")), "tasks", "log", "past"]
        found[""] = _page(ctx, language, [hole(key) for key in order])
        return found

    def _open(self, episode: EpisodeRecord) -> dict[str, str]:
        ctx, language, names, now = self._ctx, self._language, self._names, self._ctx.now_ms()
        every = ctx.records.tasks(episode.id)
        log = lines.whole_log(ctx, episode.id)
        found: dict[str, str] = {"banner": lines.banner(ctx, language, episode, every, log, names)}
        known = schools(ctx.config(), lambda room: parts.state_of(ctx, room), episode.sites, now)
        found["seats"] = rooms_now.seats(ctx, language, known, now)
        for school in known:
            found |= rooms_now.ranking(ctx, language, school)
        found |= tasks.pieces(ctx, language, episode, every, now, names)
        messages = ctx.records.notifications(episode=episode.id)
        found["log"] = lines.log(ctx, language, log, messages, {task.id: task for task in every}, names)
        if names:
            found["form/close"] = forms.closing(ctx, language, episode, len(tasks.open_ones(every)))
            found["form/note"] = forms.note(ctx, language, episode)
            missing = [site for site in ctx.config().sites if site not in episode.sites]
            found["form/open"] = forms.joining(ctx, language, missing)
        else:
            found["form/close"] = forms.sign_in(ctx, language)
        return found


def _page(ctx: Context, language: str, content: list[Any]) -> str:
    return html.Div(
        [html.Div(html.H1(ctx.t(language, TITLE_KEY)), className="head"), *content, _practice(ctx, language)],
        className="episode",
        **piece(""),
    )


def _practice(ctx: Context, language: str) -> str:
    href = parts.address("/training", lang=language)
    return html.P(html.A(ctx.t(language, "training.title"), href=href, className="button"))


def _unknown(ctx: Context, language: str) -> Any:
    return html.Div(
        [html.B(ctx.t(language, "episode_page.unknown_title")), html.Div(ctx.t(language, "episode_page.unknown"))],
        className="panel notice plain",
        role="alert",
    )
