"""What a person wants to be told of, chosen without an account: the link in their messages says who they are."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from classair.alerting.reading import NotKnown
from classair.asking import NoAnswer
from classair.config import Config, chain
from classair.config.purifiers import PurifierRule
from dashboard.access.audit import Action
from dashboard.access.desk import Desk
from dashboard.context import Context
from dashboard.public.forms import FormRefused, read
from dashboard.public.pages import page

log = logging.getLogger(__name__)

LONGEST_WHY: Final = 200


def kinds_of(config: Config, person: str) -> list[str]:
    """The kinds of rules that tell this person, in the order of the configuration."""
    found = [
        rule.kind
        for rule in config.rules.values()
        if not isinstance(rule, PurifierRule) and any(person in told for _, told in chain(rule, config.escalation))
    ]
    return [*dict.fromkeys(found)]


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    def unwanted(person: str) -> set[str]:
        """What the person has chosen goes before `mute` in sensors.yaml, as it does in alerts."""
        chosen = {one.kind: one.wanted for one in ctx.records.preferences(person)}
        muted = dict.fromkeys(ctx.config().people[person].mute, False)
        return {kind for kind, wanted in {**muted, **chosen}.items() if not wanted}

    def answer(request: Request, person: str | None, status: int = 200, **places: Any) -> Response:
        """The page, or for a link that is nobody's a few words. No search engine keeps it, no cache, no other site
        hears of it (the guard's Referrer-Policy: with none at all the form could not prove where it comes from)."""
        config = ctx.config()
        own = config.people[person].language if person is not None else config.language
        language = ctx.language({"lang": request.query_params.get("lang", own)})
        usual = {"state": "", "kinds": [], "unwanted": set()}
        shown = page(request, "notify.html", language, status=status, person=person, **(usual | places))
        shown.headers["X-Robots-Tag"] = "noindex, nofollow"
        shown.headers["Cache-Control"] = "no-store"
        return shown

    def whose(token: str) -> str | None:
        person = ctx.links.person(token, ctx.now_ms())
        return person if person in ctx.config().people else None

    @light.get("/notify/{token}")
    async def show(token: str, request: Request, saved: bool = False) -> Response:
        person = whose(token)
        if person is None:
            return answer(request, None, 404)
        try:
            off = await asyncio.to_thread(unwanted, person)
        except NotKnown:
            return answer(request, person, 503, state="not_known")
        kinds = kinds_of(ctx.config(), person)
        return answer(request, person, state="saved" if saved else "", kinds=kinds, unwanted=off)

    @light.post("/notify/{token}")
    async def choose(token: str, request: Request) -> Response:
        """Nobody else can send this form: the token in its address is known to the person alone."""
        person = whose(token)
        if person is None:
            return answer(request, None, 404)
        sent = await read(request, {"kind": 32, "why": LONGEST_WHY}, several=("kind",))
        if "why" not in sent:  # nothing ticked means nothing wanted; nothing sent does not
            raise FormRefused("incomplete")
        try:
            off = await asyncio.to_thread(unwanted, person)
        except NotKnown:
            return answer(request, person, 503, state="not_known")
        kinds, wanted = kinds_of(ctx.config(), person), set(sent.every("kind"))
        desk: Desk = request.app.state.desk
        for one in kinds:
            if (one in wanted) == (one not in off):
                continue
            args = {"person": person, "kind": one, "wanted": one in wanted, "why": sent["why"].strip()}
            try:
                told = await ctx.live.ask("alerts", "preference", f"link:{person}", args)
                fault = "" if told.ok else told.error or "refused"
            except NoAnswer as error:
                fault = str(error)
            desk.note(f"link:{person}", Action.PREFERENCE, f"{one} {one in wanted}", fault or "done")
            if fault:
                log.warning("preference_failed kind=%s error=%s", one, fault)
                left = {one for one in kinds if one not in wanted}
                return answer(request, person, 503, state="failed", kinds=kinds, unwanted=left)
        language = request.query_params.get("lang", "")
        return RedirectResponse(f"/notify/{token}?saved=1" + (f"&lang={language}" if language.isalpha() else ""), 303)

    return light
