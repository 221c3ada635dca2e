"""`classair alerts`: the loop around `watching`: one queue of news, a tick each second, a beat every five."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from alerts.air.stream import too_old
from alerts.air.warm_start import WarmStart
from alerts.engine import AlertsEngine
from alerts.episodes.desk import EpisodeDesk
from alerts.ledger import Ledger
from alerts.outbox.addressed import mail_is_set_up
from alerts.outbox.asking import OutboxAsks
from alerts.outbox.outbox import Outbox
from alerts.rules import messages
from classair import config as configuration
from classair import service
from classair.broker import Link, Message, Will
from classair.i18n import REFERENCE, in_every_language
from classair.logs import begin_logging
from classair.places import Places, alone
from classair.progress.telling import DISK_PATIENCE_S, Progress
from classair.service import Accepted, Following
from classair.wire import Beat, ServiceStatus, Topics

log = logging.getLogger(__name__)

NAME = "alerts"
TICK_S = 1.0
BEAT_MS = 5_000
STATUS_MS = 10_000
_BY_LOOP_WITHIN_S = 60.0
STEP_MS = 10_000  # more than clocks drift between two looks, less than what control allows a device's timer


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """A clock that nobody puts right; it runs on while the machine sleeps, where the system has such a one."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


def main(argv: list[str]) -> int:
    """Exit code 0 when asked to stop, 1 when it must be started anew, 2 for a wrong configuration."""
    parser = service.arguments(NAME, "publish room status, control purifiers, notify people")
    args = parser.parse_args(argv)
    begin_logging(args.log_level)
    # A town's samples are millions of objects that no cycle holds: looking at all of them stops everything for a tenth
    # of a second and more, and finds nothing.
    gc.freeze()
    gc.set_threshold(20_000, 20, 1000)
    return service.run_service(_serve, args)


def _serve(args: argparse.Namespace) -> int:
    places = service.places_of(args)
    broker = service.broker_of(args, NAME)
    with alone(places.run / "alerts.lock") as is_alone:
        if not is_alone:
            # Two of them would switch the same purifiers by turns.
            print(
                f"classair alerts: already running with data folder {places.root}. Stop it, or use --data DIR",
                file=sys.stderr,
            )
            return 2
        return Alerts(places, partial(Link, broker), _org(places, args)).run(service.stop_on_signals())


def _org(places: Places, args: argparse.Namespace) -> str:
    """The organisation whose announcements to hear; "+" (whichever) while neither memory nor file says it."""
    known = Following(places.accepted_config).current
    if known is not None:
        return known.config.org
    try:
        return service.parse_as_follower(args.config.read_text(encoding="utf-8")).org
    except (configuration.ConfigFaults, OSError, UnicodeDecodeError) as error:
        log.warning("config_file_read_failed error=%s action=wait_for_server", str(error).splitlines()[0])
        return "+"


@dataclass(frozen=True, slots=True)
class _Heard:
    topic: str
    payload: bytes
    retain: bool
    at: int


class Alerts:
    """The service. `make_link` makes the connection; `clock` gives UTC ms and is passed on to everything.

    `steady` gives ms that no correction of the system's clock touches; beside it such a correction is noticed.
    """

    def __init__(
        self,
        places: Places,
        make_link: Callable[..., Link],
        org: str,
        clock: Callable[[], int] = now_ms,
        steady: Callable[[], int] = steady_ms,
    ) -> None:
        self._clock, self._steady = clock, steady
        self._ahead_of_steady = clock() - steady()
        self._org = org
        self._news: queue.SimpleQueue[_Heard | Callable[[], None]] = queue.SimpleQueue()
        self._skipped = 0
        self._slowest_ms = 0
        self._version = 0
        self._running = False
        self._was_up = False
        self._leave: int | None = None
        self._progress = Progress()
        with self._progress.opening():
            self.ledger = Ledger(places.ledger)
        self._outbox = Outbox(self.ledger, messages.words, self._news.put, clock)
        self._following = Following(
            places.accepted_config, lambda accepted: self._news.put(partial(self._follow, accepted))
        )
        self._priming = WarmStart(
            places,
            clock,
            lambda readings: self._by_loop(lambda: self.watching.prime(readings, self._moment())),
            lambda levels: self._news.put(lambda: self.watching.day_levels(levels)),
            lambda: self.watching.corrections,
            lambda: self.watching.following.unknown(),
            lambda past: self._by_loop(lambda: self.watching.prime_following(past, self._moment())),
        )
        self._term = self.ledger.next_term()
        status = Topics(org).service_status(NAME) if org != "+" else ""
        self._link = make_link(
            on_message=self._hear,
            on_up=lambda: self._news.put(self._reconnected),
            subscriptions=[(Topics(org).config, 1)],
            will=Will(status, ServiceStatus(service=NAME, state="offline").model_dump_json().encode())
            if status
            else None,
        )
        self.watching = AlertsEngine(self.ledger, self._outbox, self._say, clock, places)
        self.watching.handlers.update(OutboxAsks(self._outbox, self.ledger).handlers)
        self._episodes = EpisodeDesk(places.ledger, self._outbox)
        self.watching.handlers.update(self._episodes.handlers())
        self._unreachable: list[dict[str, str]] = []
        if (alive_at := self.ledger.remembered("alive")) is not None:
            self.watching.notices.ended_badly(int(alive_at), clock())

    # -- the network thread: look, judge by age, hand over -------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        now = self._clock()
        if message.topic.endswith("/reading") and too_old(message.payload, now):
            self._skipped += 1
            return
        if message.topic.endswith("/control/config"):
            self._following.hear(message.payload)
            return
        self._news.put(_Heard(message.topic, message.payload, message.retain, now))

    def _say(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> bool:
        return self._link.publish(topic, payload, qos=qos, retain=retain) is not None

    def _by_loop(self, call: Callable[[], None]) -> None:
        """For other threads: has the loop do it, and waits until it has. So a long row of such calls, one after the
        other, lets what is urgent in between.
        """
        done = threading.Event()

        def do() -> None:
            try:
                call()
            finally:
                done.set()

        self._news.put(do)
        done.wait(_BY_LOOP_WITHIN_S)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> int:
        """Until asked to stop (0), or until only a new process helps (1)."""
        if self._following.current is not None:
            self._follow(self._following.current)
        self._link.start()
        self._progress.watch("network", lambda: self._link.moved_at)
        self._progress.watch("ledger", lambda: self.ledger.moved_at, DISK_PATIENCE_S)
        ticked = part_due = pause = beat = status = 0.0
        parts: list[Callable[[int], None]] = []
        try:
            while not stop.is_set() and self._leave is None:
                if not self._link.thread_alive:
                    log.error("network_thread_died action=restart")
                    return 1
                self._progress.tick()
                self._work(until=part_due)
                now = time.monotonic()
                if now >= part_due and not parts:
                    ticked, parts = now, self._parts()
                    pause = TICK_S / (len(parts) + 1)
                if now >= part_due:
                    self._guarded(partial(self._do_part, parts.pop(0)))
                    # Spread over the second, so that no reading waits for a whole town to be looked at.
                    part_due = now + pause if parts else ticked + TICK_S
                if now - beat >= BEAT_MS / 1000:
                    beat = now
                    self._beat()
                if now - status >= STATUS_MS / 1000:
                    status = now
                    self.ledger.write("insert or replace into meta values('alive', ?)", str(self._clock()))
                    self._status("online")
        finally:
            self._close()
        return self._leave or 0

    def _work(self, until: float) -> None:
        """Takes in news as it comes, until the next tick is due."""
        while True:
            left = until - time.monotonic()
            try:
                news = self._news.get(timeout=max(0.0, left)) if left > 0 else self._news.get_nowait()
            except queue.Empty:
                return
            if isinstance(news, _Heard):
                if self._running:
                    self._guarded(
                        lambda heard=news: self.watching.hear(  # type: ignore[misc]
                            heard.topic, heard.payload, heard.retain, self._moment()
                        )
                    )
                    self._slowest_ms = max(self._slowest_ms, self._clock() - news.at)
            else:
                self._guarded(news)
            if time.monotonic() >= until:
                return

    def _moment(self) -> int:
        """Now, UTC ms. When the system's clock was put right since the last look, everything is told first."""
        now = self._clock()
        ahead = now - self._steady()
        by_ms, self._ahead_of_steady = ahead - self._ahead_of_steady, ahead
        if abs(by_ms) > STEP_MS:
            log.warning("clock_stepped by_s=%.1f", by_ms / 1000)
            self.watching.clock_stepped(by_ms, now)
            self._outbox.clock_stepped(by_ms)
            if self._running:
                self._priming.again()
        return now

    def _guarded(self, call: Callable[[], None]) -> None:
        """The one place that catches everything: whatever one message or room does, the others go on."""
        try:
            call()
        except Exception:
            log.exception("event_failed")

    def _follow(self, accepted: Accepted) -> None:
        config = accepted.config
        if self._org not in ("+", config.org):
            log.warning("organisation_changed action=restart")
            self._leave = 1
            return
        self._org = config.org
        self._version = accepted.version
        now = self._moment()
        topics = Topics(config.org)
        self._unreachable = [
            in_every_language("alerts_warning.channel", why=why) for why in self._outbox.follow(config)
        ]
        devices = self.watching.follow(config, accepted.version, now)
        self._episodes.follow(config)
        for warning in [*self.watching.warnings(), *self._unreachable]:
            log.warning("config_part_ignored error=%s", warning[REFERENCE])
        for topic in (
            topics.corrections,
            topics.bridges("reading"),
            topics.bridges("status"),
            topics.ask(NAME, "+"),
            *devices,
        ):
            self._link.subscribe(topic, 1)
        self._running = True
        self._priming.follow(config)
        self.watching.tick(now, self._link.up)
        self._beat()
        self._status("online")

    def _reconnected(self) -> None:
        if self._running:
            self.watching.reconnected(self._moment())
            if self._was_up:
                self._priming.again()
        self._was_up = True
        self._beat()
        self._status("online")

    def _parts(self) -> list[Callable[[int], None]]:
        if not self._running:
            return [lambda _: None]
        return [*self.watching.tick_parts(self._link.up), self._look_at_episodes]

    def _look_at_episodes(self, now: int) -> None:
        statements = self._episodes.step(self.watching.alerts.open(), now)
        if statements:
            self.ledger.together(statements, self._outbox.committed)

    def _do_part(self, part: Callable[[int], None]) -> None:
        part(self._moment())

    def _beat(self) -> None:
        if self._org != "+" and self._running:
            self._say(Topics(self._org).beat, Beat(term=self._term, at=self._clock()).model_dump_json(), qos=0)

    def _status(self, state: str) -> None:
        if self._org == "+":
            return
        figures: dict[str, float | int | str | None] = {
            "rooms": len(self.watching.rooms),
            "purifiers": len(self.watching.board.names()),
            "term": self._term,
            "readings": self.watching.readings,
            "refused": self.watching.refused,
            "too_old_messages": self._skipped,
            "commands": self.watching.board.commands,
            "slowest_ms": self._slowest_ms,
            "ledger_lost": self.ledger.lost,
            "callback_errors": self._link.errors,
            "mail": int(mail_is_set_up()),  # so that no page offers what cannot be sent
            **self.watching.alerts.figures(),
        }
        self._slowest_ms = 0
        of_channels = self._outbox.warnings()
        self.watching.channels_say(of_channels)
        warnings = [*self.watching.warnings(), *self._unreachable, *self._outbox.unlinked(), *of_channels]
        if self.ledger.failing:
            warnings.append(in_every_language("alerts_warning.ledger", why=self.ledger.failing))
        self._say(
            Topics(self._org).service_status(NAME),
            ServiceStatus(
                service=NAME,
                state="online" if state == "online" else "offline",
                at=self._clock(),
                pid=os.getpid(),
                version=_version(),
                config_version=self._version,
                figures=figures,
                warnings=[warning[REFERENCE] for warning in warnings],
                causes=warnings,
            ).model_dump_json(),
            retain=True,
        )

    def _close(self) -> None:
        self._priming.stop()
        self._outbox.stop()
        self._status("offline")
        self.watching.care.close()
        self.ledger.write("delete from meta where key='alive'")
        self.ledger.close()
        self._link.stop()


def _version() -> str:
    try:
        return version("classair")
    except PackageNotFoundError:
        return ""
