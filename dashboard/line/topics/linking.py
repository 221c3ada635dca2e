"""A person of sensors.yaml links their own LINE account by a code of eight digits."""

from __future__ import annotations

import asyncio
import logging

from dashboard.access.line_inbox import LineInbox, TooManyTries
from dashboard.line.common import CHANNEL, Common
from dashboard.line.reply import Reply
from dashboard.line.understanding import Asked

log = logging.getLogger(__name__)


async def link(common: Common, inbox: LineInbox, asked: Asked, user: str) -> Reply:
    """Raises classair.asking.NoAnswer."""
    language = common.language(user, asked.english)
    try:
        person = await asyncio.to_thread(inbox.whose, asked.about, user, common.ctx.now_ms())
    except TooManyTries:
        return Reply("too_many", common.t(language, "too_many"))
    if person is None or person not in common.config.people:
        return Reply("wrong_code", common.t(language, "wrong_code"))
    answer = await common.ctx.live.ask(
        "alerts", "contact", "line", {"person": person, "channel": CHANNEL, "address": user}
    )
    if not answer.ok:
        log.warning("line_contact_refused person=%s error=%s", person, answer.error)
        return Reply("refused", common.t(language, "try_later"))
    await asyncio.to_thread(inbox.used, asked.about)
    await asyncio.to_thread(common.followers.set_person, CHANNEL, user, person)
    log.info("line_contact_linked person=%s", person)
    return Reply("linked", common.t(language, "linked"))


async def forget(common: Common, user: str) -> bool:
    """Erases everything of a LINE user; False where alerts refuses. Raises NoAnswer.

    What the dashboard keeps goes first: it needs nobody else for that.
    """
    await asyncio.to_thread(_forget_here, common, user)
    answer = await common.ctx.live.ask("alerts", "forget_contact", "line", {"channel": CHANNEL, "address": user})
    if not answer.ok:
        log.warning("line_contact_refused error=%s", answer.error)
        return False
    return True


def _forget_here(common: Common, user: str) -> None:
    common.conversations.end(user)
    common.ctx.tickets.forget(CHANNEL, user)
    common.followers.forget(CHANNEL, user)
