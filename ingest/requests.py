"""What other services and commands ask of ingest over MQTT, and its answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from classair.broker import Link
from classair.science.corrections import as_record
from classair.stores import StoreAway
from classair.wire import Answer, Ask, Topics
from ingest.books import corrections, events
from ingest.books.manual_flags import FlagRejected
from ingest.clock import now_ms
from ingest.inbox import Inbox
from ingest.rechecking import flag_asks
from ingest.writer import Writer

log = logging.getLogger(__name__)


class Requests:
    """`announce` publishes what is retained again, because an answer has changed it."""

    def __init__(
        self,
        link: Link,
        topics: Topics,
        writer: Writer,
        inbox: Inbox,
        figures: Callable[[], dict[str, Any]],
        announce: Callable[[], None],
    ) -> None:
        self._link, self._topics, self._writer, self._inbox = link, topics, writer, inbox
        self._figures, self._announce = figures, announce

    def hear(self, topic: str, payload: bytes) -> None:
        """Takes a request; what changes the store is done, and answered, on the writer's thread."""
        try:
            ask = Ask.model_validate_json(payload)
        except ValidationError:
            log.warning("request_rejected topic=%s", topic)
            return
        if ask.do == "time":
            self._answer(ask, {"server_time": now_ms(), "synchronised": self._writer.synchronised()})
        elif ask.do == "counts":
            self._inbox.do(lambda: self._answer(ask, self._figures()))
        elif ask.do == "quarantine_replay":
            self._inbox.do(lambda: self._replay(ask))
        elif ask.do in (corrections.ACCEPT, corrections.END):
            self._inbox.do(lambda: self._correct(ask))
        elif ask.do in (events.ADD, events.WITHDRAW):
            self._inbox.do(lambda: self._note(ask))
        elif ask.do in flag_asks.ASKS:
            self._inbox.do(lambda: self._flags(ask))
        else:
            known = (
                "time",
                "counts",
                "quarantine_replay",
                corrections.ACCEPT,
                corrections.END,
                events.ADD,
                events.WITHDRAW,
                *flag_asks.ASKS,
            )
            self._answer(ask, {}, f"unknown request {ask.do!r}; known: {', '.join(known)}")

    def _answer(self, ask: Ask, result: dict[str, Any], error: str = "") -> None:
        answer = Answer(id=ask.id, ok=not error, result=result, error=error)
        self._link.publish(self._topics.answer(ask.id), answer.model_dump_json().encode(), qos=1)

    def _replay(self, ask: Ask) -> None:
        wanted = ask.args.get("id")
        if not (isinstance(wanted, int) and not isinstance(wanted, bool)) and ask.args.get("all") is not True:
            self._answer(ask, {}, "args: expected id (a number) or all: true")
            return
        try:
            outcome = self._writer.replay(wanted if isinstance(wanted, int) else None)
        except StoreAway as away:
            self._answer(ask, {}, f"cannot write to the database: {away}")
            raise
        self._answer(ask, {"stored": outcome.stored, "duplicates": outcome.duplicates, "still": outcome.quarantined})

    def _correct(self, ask: Ask) -> None:
        current = self._writer.accepting.current
        assert current is not None
        try:
            accepted = self._writer.books.decide_correction(ask, current.config, now_ms())
        except corrections.CorrectionRejected as refused:
            self._answer(ask, {}, str(refused))
            return
        except StoreAway as away:
            self._answer(ask, {}, f"cannot write to the database: {away}")
            raise
        log.info("correction_approved label=%s who=%s", accepted.label, ask.who)
        self._announce()
        self._answer(ask, {"correction": as_record(accepted)})

    def _note(self, ask: Ask) -> None:
        current = self._writer.accepting.current
        assert current is not None
        try:
            noted = self._writer.books.note_event(ask, current.config, now_ms())
        except events.EventRejected as refused:
            self._answer(ask, {}, str(refused))
            return
        except StoreAway as away:
            self._answer(ask, {}, f"cannot write to the database: {away}")
            raise
        log.info(
            "event_logged id=%s site=%s kind=%s valid=%s who=%s", noted.id, noted.site, noted.kind, noted.valid, ask.who
        )
        self._answer(ask, {"event": asdict(noted)})

    def _flags(self, ask: Ask) -> None:
        try:
            self._answer(ask, flag_asks.decide(ask, self._writer.books, now_ms()))
        except FlagRejected as refused:
            self._answer(ask, {}, str(refused))
        except StoreAway as away:
            self._answer(ask, {}, f"cannot write to the database: {away}")
            raise
