"""LINE: pushes from the school's official account, counted against its month (docs/line.md).

Whom it reaches is the person's own LINE user id: the one that they linked themselves, or `user`. LINE answers 200 for
somebody who has blocked the account, and nothing arrives; that is known from the webhook, and then nothing is tried.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channels import ChannelError, Message, Office, Receipt
from alerts.line.budget import Priority
from alerts.line.desk import Desk, NoToken, desk
from alerts.line.warnings import warnings
from classair.i18n import t
from classair.line import answers, flex, limits

__all__ = ["IDEMPOTENT", "REACHES_A_PERSON", "Channel", "Settings", "make", "warnings"]

REACHES_A_PERSON: Final = True
IDEMPOTENT: Final = True


class Settings(BaseModel):
    """`user`: a LINE user id, for somebody who cannot link it themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    user: Annotated[SecretStr | None, Field(examples=["U4af4980629ea4fd4b3b0e5c1d1e0c9a7"])] = None

    @field_validator("user")
    @classmethod
    def _an_id(cls, user: SecretStr | None) -> SecretStr | None:
        if user is not None and not limits.USER_ID.fullmatch(user.get_secret_value()):
            raise ValueError("a LINE user id is U and 32 of the characters 0-9 a-f")
        return user


class Channel:
    lane = "line"

    def __init__(self, settings: Settings, person: str, office: Office, shared: Desk) -> None:
        self._settings, self._person, self._office, self._desk = settings, person, office, shared

    def send(self, message: Message) -> Receipt:
        """Raises ChannelError; its texts name neither user nor token."""
        to = self._user()
        key = message.key or str(uuid.uuid4())
        if (pause := self._desk.paused_s()) > 0:
            raise ChannelError("LINE has asked for a pause", permanent=False, pause_s=pause)
        if self._desk.silent():
            raise ChannelError("LINE did not answer a moment ago", permanent=False)
        try:
            client = self._desk.client()
            if refusal := self._desk.budget.take(key, priority(message)):
                raise ChannelError(_WHY[refusal], permanent=True, reason=refusal)
        except NoToken as error:
            raise ChannelError(str(error), permanent=True, reason="no_channel") from None
        try:
            sent = client.push(to, messages(message), key)
        except answers.LineError as error:
            self._desk.answered(error.status > 0)
            raise self._failed(key, error) from None
        self._desk.answered(True)
        self._desk.budget.sent(key)
        self._desk.went_through()
        return Receipt(sent.id, sent.repeated)

    def _user(self) -> str:
        linked = self._office.contact(self._person, "line")
        given = self._settings.user.get_secret_value() if self._settings.user else None
        left = self._office.has_left(self._person, "line")
        if left or not (to := given or linked):
            raise ChannelError(
                "nobody has linked LINE for this person, or they have blocked the account",
                permanent=True,
                reason="no_channel",
            )
        return to

    def _failed(self, key: str, error: answers.LineError) -> ChannelError:
        if isinstance(error, answers.NotReached):
            return ChannelError(str(error), permanent=False)
        self._desk.budget.not_sent(key, error)
        match error:
            case answers.TooFast():
                return ChannelError(str(error), permanent=False, pause_s=self._desk.too_fast())
            case answers.MonthlyLimit():
                return ChannelError(str(error), permanent=True, reason="quota")
            case answers.AddressRefused():
                if self._person:  # an address of nobody in sensors.yaml goes with its message
                    self._office.blocked(self._person, "line")
                return ChannelError(str(error), permanent=True, reason="refused")
            case answers.TokenRefused():
                # Somebody has to put the token right; until then the message waits, or takes the second way.
                return ChannelError(str(error), permanent=False)
        return ChannelError(str(error), permanent=True, reason="refused")


_WHY: Final = {
    "quota": "the LINE messages of this month are used up",
    "budget": "kept back so that urgent messages still have LINE quota this month",
}


def make(settings: Settings, person: str, office: Office) -> Channel:
    return Channel(settings, person, office, desk(office))


def priority(message: Message) -> Priority:
    """The end of an urgent alert is good news, and can be seen on the page. Who reported something hears of it."""
    if message.kind == "ticket":
        return "high"
    if message.severity == "urgent" and message.stage not in ("recovered", "test"):
        return "high"
    return "low" if message.severity == "info" else "normal"


def messages(message: Message) -> list[dict[str, Any]]:
    """What one push holds: the picture first, where there is one that LINE can fetch, then the words."""
    made: list[dict[str, Any]] = []
    if message.picture is not None and all(address.startswith("https://") for address in message.picture):
        whole, preview = message.picture
        made.append({"type": "image", "originalContentUrl": whole, "previewImageUrl": preview})
    if message.card is not None:
        return [*made, message.card]
    if message.kind:
        return [*made, flex.text("\n".join(part for part in (message.title, message.text) if part))]
    return [composed(message)]


def composed(message: Message) -> dict[str, object]:
    """A card in the colour of its severity; plain text where it would not fit."""
    language = message.language
    over = message.stage == "recovered"
    card = flex.Card(
        head=message.title,
        colour=flex.LEVEL_COLOURS["good"] if over else flex.SEVERITY_COLOURS[message.severity],
        lines=tuple(line for line in message.text.splitlines() if line.strip()),
        buttons=tuple(
            flex.Button(t(language, key), uri=uri)
            for key, uri in (("line.open", message.link), ("notification.choose", message.choose))
            if uri
        ),
    )
    return flex.message(card, "\n".join(part for part in (message.title, message.text) if part))
