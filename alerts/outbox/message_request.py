"""A message that the dashboard wants to be sent: to a person of sensors.yaml, or to an address that somebody gave."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from alerts.outbox.rows import Letter, Row
from classair.alerting.messages import MESSAGE_KINDS, message_id
from classair.alerting.words import Severity
from classair.line import limits

LONGEST_CARD: Final = 30_000  # bytes of JSON; LINE takes no more
_MAIL: Final = re.compile(r"[^\s@,;:<>\"]{1,64}@[A-Za-z0-9.-]{1,190}")
_ONE_LINE: Final = r"^[^\x00-\x1f\x7f]*$"

HttpsAddress = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s]+$")]


class MessageRequest(BaseModel):
    """`key`: whoever asks again by the same one asks for the same message. `address`: a person's name, a LINE user id
    or a mail address. `card`: in LINE's form; `picture`: where LINE fetches it, whole and as preview. `until_ms`:
    UTC ms, after which it is of no use.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    key: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_ONE_LINE)]
    channel: Literal["person", "line", "mail"]
    address: Annotated[SecretStr, Field(max_length=256)]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_ONE_LINE)]
    text: Annotated[str, StringConstraints(max_length=4000)]
    severity: Severity
    kind: str
    site: Annotated[str, StringConstraints(max_length=32)] = ""
    card: dict[str, Any] | None = None
    picture: tuple[HttpsAddress, HttpsAddress] | None = None
    until_ms: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        address = self.address.get_secret_value()
        if self.channel == "line" and not limits.USER_ID.fullmatch(address):
            raise ValueError("address: not a LINE user id")
        if self.channel == "mail" and not _MAIL.fullmatch(address):
            raise ValueError("address: not a mail address")
        if self.kind not in MESSAGE_KINDS:
            raise ValueError(f"kind: expected one of {', '.join(MESSAGE_KINDS)}")
        if self.card is not None and len(_json(self.card).encode("utf-8", "replace")) > LONGEST_CARD:
            raise ValueError(f"card: more than {LONGEST_CARD} bytes")
        return self

    def row(self, now: int) -> Row:
        """Due at once."""
        address = self.address.get_secret_value()
        to_person = self.channel == "person"
        row = Row(
            message_id(self.key),
            now,
            now,
            self.site,
            address if to_person else "",
            "message",
            self.severity,
            self.language,
            title=self.title,
            text=self.text,
        )
        row.letter = Letter(
            "" if to_person else self.channel,
            "" if to_person else address,
            self.kind,
            "" if self.card is None else _json(self.card),
            "" if self.picture is None else _json(self.picture),
            self.until_ms,
        )
        return row


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
