"""Messages to people who follow a room, have reported something, or are named in sensors.yaml.

Alerts sends them: its outbox keeps the retry key, the month's LINE budget and quiet hours. "Told" comes from the
receipt of a channel that reaches a person, never from having asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from classair.alerting.records import NotificationRecord
from classair.alerting.words import Severity
from dashboard.context import Context
from dashboard.following.followers import Followers

WHO = "dashboard"


class NotAccepted(Exception):
    """Alerts does not take the message; its words say why and name no address."""


@dataclass(frozen=True, slots=True)
class Message:
    """`key`: whoever tells again by the same key tells nothing new, such as `week:ban-suan.p1-2:2026-11-20:17`.

    `address`: a person's name in sensors.yaml, a LINE user id or a mail address. `kind`: one of
    classair.alerting.messages.MESSAGE_KINDS; it decides what goes when LINE's month runs out. `card`: a message in
    LINE's form (classair.line.flex.message), without which title and text are sent; `picture`: addresses of the whole
    picture and its preview. `until_ms`: after it the message is of no use and is given up.
    """

    key: str
    channel: Literal["person", "line", "mail"]
    address: str = field(repr=False)
    language: str
    title: str
    text: str
    severity: Severity
    kind: str
    until_ms: int
    site: str = ""
    card: dict[str, Any] | None = None
    picture: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What has become of a message. `state`: waiting, sending, delivered, abandoned or dropped; `reason`: why it was
    not sent, or not yet (classair.alerting.words.Reason). `told_at`: when a person was reached, from the receipt.
    """

    state: str
    reason: str = ""
    told_at: int | None = None

    @property
    def over(self) -> bool:
        return self.state in ("delivered", "abandoned", "dropped")


def mail_is_ready(ctx: Context) -> bool:
    """Whether a mail would leave: alerts is there, and says that a server for outgoing mail is set up."""
    status = ctx.live.services().get("alerts")
    return status is not None and status.state == "online" and bool(status.figures.get("mail"))


async def tell(ctx: Context, message: Message) -> Told:
    """Hands the message to alerts' outbox, once per key. Raises NotAccepted, or classair.asking.NoAnswer."""
    args = {
        "key": message.key,
        "channel": message.channel,
        "address": message.address,
        "language": message.language,
        "title": message.title,
        "text": message.text,
        "severity": message.severity,
        "kind": message.kind,
        "site": message.site,
        "card": message.card,
        "picture": message.picture,
        "until_ms": message.until_ms,
    }
    answer = await ctx.live.ask("alerts", "message", WHO, args)
    if not answer.ok:
        raise NotAccepted(answer.error)
    if message.channel == "line":  # whoever asks there is told what was not sent
        noted = Followers(ctx.desk, ctx.now_ms).asked_for
        await asyncio.to_thread(noted, message.key, message.channel, message.address, message.title)
    return Told(str(answer.result.get("state", "waiting")), str(answer.result.get("reason", "")))


def told(ctx: Context, key: str) -> Told | None:
    """What has become of the message of this key; None while alerts knows of none. Raises NotKnown. Reads a file."""
    found: NotificationRecord | None = ctx.records.message(key)
    return Told(found.state, found.reason, found.told_at) if found is not None else None
