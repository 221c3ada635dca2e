"""What people may ask of the outbox: what they want to be told of, where they are reached, and whether they are."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.answering import Done, Handler, Refused
from alerts.ledger import Ledger
from alerts.outbox.message_request import MessageRequest
from alerts.outbox.outbox import Outbox
from classair import plugins
from classair.config.notifying import KINDS
from classair.wire import Ask

log = logging.getLogger(__name__)

LONGEST_ADDRESS: Final = 256


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    person: Annotated[str, Field(max_length=32)]


class PreferenceRequest(_Request):
    """`kind`: of rule. `why`: in the person's own words, for those who set the rules up."""

    kind: Annotated[str, Field(max_length=32)]
    wanted: bool
    why: Annotated[str, Field(max_length=200)] = ""

    @field_validator("why")
    @classmethod
    def _printable(cls, why: str) -> str:
        return "".join(char for char in why if char.isprintable()).strip()


class ContactRequest(_Request):
    """`address`: where the person is reached by the channel from now on; None erases it."""

    channel: Annotated[str, Field(max_length=32)]
    address: SecretStr | None

    @field_validator("address")
    @classmethod
    def _bounded(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None:
            text = address.get_secret_value()
            if not 0 < len(text) <= LONGEST_ADDRESS or not text.isprintable():
                raise ValueError(f"expected 1 to {LONGEST_ADDRESS} printable characters")
        return address


class ForgetRequest(BaseModel):
    """Whoever is reached at this address wants nothing any more, or can be reached again."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    channel: Annotated[str, Field(max_length=32)]
    address: SecretStr


class OutboxAsks:
    """`handlers` are for alerts.asks.Asks. Addresses are in no answer and in no line of the log."""

    def __init__(self, outbox: Outbox, ledger: Ledger) -> None:
        self._outbox, self._ledger = outbox, ledger
        self.handlers: dict[str, Handler] = {
            "preference": self._preference,
            "contact": self._contact,
            "forget_contact": self._forget_contact,
            "welcome_contact": self._welcome_contact,
            "test_message": self._test_message,
            "message": self._message,
        }

    def _preference(self, ask: Ask, now: int) -> Done:
        wish = PreferenceRequest.model_validate(ask.args)
        self._known(wish.person)
        if wish.kind not in KINDS:
            raise Refused(f"kind: {wish.kind!r} is not a kind of rule; there are: {', '.join(KINDS)}")
        statements = self._outbox.wishes.set(wish.person, wish.kind, wish.wanted, wish.why, now)
        log.info("preference_set kind=%s wanted=%s", wish.kind, str(wish.wanted).lower())
        return Done({"person": wish.person, "kind": wish.kind, "wanted": wish.wanted}, tuple(statements))

    def _contact(self, ask: Ask, now: int) -> Done:
        wish = ContactRequest.model_validate(ask.args)
        self._known(wish.person)
        known = plugins.names("alerts.channels")
        if wish.channel not in known:
            raise Refused(f"channel: {wish.channel!r} is not a channel; there are: {', '.join(known)}")
        address = None if wish.address is None else wish.address.get_secret_value()
        statements = self._outbox.office.link(wish.person, wish.channel, address, now)
        log.info("contact_set channel=%s linked=%s", wish.channel, str(address is not None).lower())
        result: dict[str, Any] = {"person": wish.person, "channel": wish.channel, "linked": address is not None}
        # What was there before is to leave no byte on the disk.
        return Done(result, tuple(statements), self._ledger.wipe)

    def _forget_contact(self, ask: Ask, now: int) -> Done:
        wish = ForgetRequest.model_validate(ask.args)
        address = wish.address.get_secret_value()
        people, statements = self._outbox.office.forget(wish.channel, address)
        dropped = self._outbox.forget_address(wish.channel, address)
        log.info("contact_forgotten channel=%s people=%d messages=%d", wish.channel, len(people), len(dropped))
        result = {"channel": wish.channel, "forgotten": len(people), "dropped": len(dropped)}
        return Done(result, (*statements, *dropped), self._ledger.wipe)

    def _welcome_contact(self, ask: Ask, now: int) -> Done:
        wish = ForgetRequest.model_validate(ask.args)
        people, statements = self._outbox.office.welcome(wish.channel, wish.address.get_secret_value())
        log.info("contact_welcomed channel=%s people=%d", wish.channel, len(people))
        return Done({"channel": wish.channel, "welcomed": len(people)}, tuple(statements))

    def _test_message(self, ask: Ask, now: int) -> Done:
        wish = _Request.model_validate(ask.args)
        self._known(wish.person)
        key, statements = self._outbox.try_out(wish.person, now)
        return Done({"person": wish.person, "notification": key}, tuple(statements), self._outbox.committed)

    def _message(self, ask: Ask, now: int) -> Done:
        wish = MessageRequest.model_validate(ask.args)
        if wish.channel == "person":
            self._known(wish.address.get_secret_value())
        row = wish.row(now)
        statements = self._outbox.post(row, now)
        state, reason = self._outbox.state_of(row.id) or (row.state, row.reason)
        log.info("message_asked kind=%s channel=%s new=%s", wish.kind, wish.channel, str(bool(statements)).lower())
        result = {"message": row.id, "state": state, "reason": reason}
        return Done(result, tuple(statements), self._outbox.committed)

    def _known(self, person: str) -> None:
        if not self._outbox.knows(person):
            raise Refused(f"{person!r} is not defined under people in sensors.yaml")
