"""Brings messages to people: on a thread of its own, with growing pauses between tries, every try reported back."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from pydantic import ValidationError

from alerts.channels import Channel, ChannelError, Message
from classair import plugins
from classair.config import Person
from classair.plugins import UnknownPlugin

log = logging.getLogger(__name__)

PAUSES_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 3600.0)  # between tries; then it is given up


@dataclass(frozen=True, slots=True)
class Job:
    """One message for one person about one subject (a room or a purifier)."""

    rule: str
    subject: str
    kind: str  # problem or recovery
    person: str
    channel: str
    message: Message


@dataclass(frozen=True, slots=True)
class Result:
    job: Job
    attempt: int
    ok: bool
    error: str = ""


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    job: Job = field(compare=False)
    attempt: int = field(compare=False)


class Delivery:
    """`report` is called on the delivery thread with the result of every try."""

    def __init__(self, report: Callable[[Result], None]) -> None:
        self._report = report
        self._channels: dict[str, Channel] = {}
        self._waiting: list[_Due] = []
        self._order = count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def follow(self, people: dict[str, Person]) -> list[str]:
        """Who can be reached and how. Returns what is wrong, one line a person."""
        made: dict[str, Channel] = {}
        wrong: list[str] = []
        for name, person in people.items():
            try:
                module = plugins.load("alerts.channels", person.channel)
                made[name] = module.Channel(module.Settings.model_validate(person.settings()))
            except (UnknownPlugin, ValidationError) as error:
                what = "its settings are not valid for the channel" if isinstance(error, ValidationError) else error
                wrong.append(f"people.{name}: {what}")
        with self._changed:
            self._channels = made
        return wrong

    def send(self, job: Job) -> None:
        self._put(0.0, job, 1)

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(3)

    def _put(self, pause: float, job: Job, attempt: int) -> None:
        with self._changed:
            heapq.heappush(self._waiting, _Due(time.monotonic() + pause, next(self._order), job, attempt))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (not self._waiting or self._waiting[0].at > time.monotonic()):
                    self._changed.wait(None if not self._waiting else max(0.0, self._waiting[0].at - time.monotonic()))
                if self._stopping:
                    return
                due = heapq.heappop(self._waiting)
                channel = self._channels.get(due.job.person)
            self._try(due, channel)

    def _try(self, due: _Due, channel: Channel | None) -> None:
        error, permanent = "", False
        try:
            if channel is None:
                raise ChannelError("this person has no channel", permanent=True)
            channel.send(due.job.message)
        except ChannelError as failure:
            error, permanent = str(failure), failure.permanent
        except Exception as failure:  # a channel's fault must not end all delivery
            log.exception("channel_failed channel=%s", due.job.channel)
            error = type(failure).__name__
        self._report(Result(due.job, due.attempt, not error, error))
        if not error:
            log.info(
                "notification_delivered rule=%s subject=%s channel=%s", due.job.rule, due.job.subject, due.job.channel
            )
            return
        if permanent or due.attempt > len(PAUSES_S):
            log.error(
                "notification_abandoned rule=%s subject=%s channel=%s attempt=%d",
                due.job.rule,
                due.job.subject,
                due.job.channel,
                due.attempt,
            )
            return
        log.warning(
            "notification_failed rule=%s subject=%s channel=%s attempt=%d retry=true",
            due.job.rule,
            due.job.subject,
            due.job.channel,
            due.attempt,
        )
        self._put(PAUSES_S[due.attempt - 1], due.job, due.attempt + 1)
