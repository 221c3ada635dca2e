"""`classair ingest`: takes readings in over MQTT, stores each exactly once, says so, and accepts the configuration."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from classair import __version__
from classair.broker import BrokerAddress, Link, Message, Will
from classair.config import ConfigFaults
from classair.config.settings import Keep
from classair.i18n import REFERENCE, in_every_language
from classair.logs import begin_logging
from classair.places import Places
from classair.progress.telling import DISK_PATIENCE_S, Progress
from classair.science.corrections import as_record
from classair.service import (
    arguments,
    broker_of,
    places_of,
    run_service,
    stop_on_signals,
)
from classair.stores import StoreAway
from classair.stores.corrections import accepted_corrections
from classair.wire import BridgeStatus, CorrectionsTold, SensorHealth, ServiceStatus, TimeQuestion, Topics, address
from ingest.acknowledgement import Acknowledgements
from ingest.books.books import Books
from ingest.clock import now_ms
from ingest.config_acceptance import ConfigAcceptance, FileWatch, read_file
from ingest.inbox import Inbox
from ingest.nightly import Nightly
from ingest.opening import only_one, open_books
from ingest.rechecking.schedule import RecheckSchedule
from ingest.replication import Replicator
from ingest.requests import Requests
from ingest.writer import Writer

log = logging.getLogger(__name__)

NAME: Final = "ingest"
STATUS_EVERY_S: Final = 5.0
STUCK_AFTER_S: Final = 120.0  # a commit that takes longer is no commit any more
DISK_LOW: Final = 200 * 1024 * 1024  # bytes
RATE_OVER_S: Final = 15.0


def main(argv: list[str]) -> int:
    """Runs until SIGTERM; 2 for a configuration that cannot be accepted, 1 when a thread died."""
    args = arguments(NAME, "check, store and acknowledge readings; publish the configuration").parse_args(argv)
    begin_logging(args.log_level)
    # A batch is thousands of short-lived objects without cycles; looking for cycles among them costs a tenth.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    try:
        broker = broker_of(args, NAME)
    except ValueError as error:
        print(f"classair ingest: {error}", file=sys.stderr)
        return 2
    return run_service(_run, places_of(args), args.config.resolve(), broker, stop_on_signals())


def _run(places: Places, file: Path, broker: BrokerAddress, stop: threading.Event) -> int:
    with only_one(places) as is_alone:
        if not is_alone:
            print(
                f"classair ingest: already running with data folder {places.root}. Stop it, or use --data DIR",
                file=sys.stderr,
            )
            return 2
        progress = Progress()
        with progress.opening():
            books = open_books(places, stop)
        if books is None:
            return 0
        try:
            with progress.opening():
                service = Ingest(books, places, file, broker, stop)
            return service.run(progress)
        finally:
            books.close()


class Ingest:
    """The thin rim: network callbacks in, threads, status out."""

    def __init__(self, books: Books, places: Places, file: Path, broker: BrokerAddress, stop: threading.Event) -> None:
        self._places, self._stop = places, stop
        self._watch = FileWatch(file, self._edited, stop)
        accepting = ConfigAcceptance(books)
        text = read_file(file)
        accepting.consider(text, now_ms())
        if accepting.current is None:
            raise ConfigFaults(accepting.refused)
        config = accepting.current.config
        if config.store.startswith("influxdb") != books.journal:
            books.reopen(journal=not books.journal)
        self.topics = topics = Topics(config.org)
        self._inbox = Inbox()
        self._identities: dict[str, str] = {}
        self._announce_again = threading.Event()
        self._status_again = threading.Event()
        self._link = Link(
            broker,
            on_message=self._on_message,
            on_up=self._up,
            keep_session=True,
            manual_ack=True,
            subscriptions=[
                (topics.bridges("reading"), 1),
                (topics.purifier_state("+", "+"), 1),
                (topics.bridges("status"), 0),
                (topics.bridges("time"), 0),
                (topics.sensor_health("+", "+"), 0),
                (topics.ask(NAME, "+"), 0),
            ],
            will=Will(
                topics.service_status(NAME), ServiceStatus(service=NAME, state="offline").model_dump_json().encode()
            ),
        )
        self._telling = Acknowledgements(
            topics, lambda topic, payload, retain: self._link.publish(topic, payload, qos=1, retain=retain) is not None
        )
        self._writer = Writer(books, self._inbox, accepting, self._telling, self._link, stop, self._announce_again.set)
        self._requests = Requests(
            self._link, topics, self._writer, self._inbox, self._figures, self._announce_again.set
        )
        self._replicator = Replicator(places, self._inbox.do, books, stop)
        self._recheck_schedule = RecheckSchedule(places, self._inbox.do, lambda: self._writer.books, stop)
        self._nightly = Nightly(
            places, books, self._inbox.do, self._keep, lambda: self._replicator.behind in (None, 0), stop
        )
        self._rates: list[tuple[float, int]] = []

    def run(self, progress: Progress | None = None) -> int:
        progress = progress or Progress()
        progress.watch("network", lambda: self._link.moved_at)
        progress.watch("writer", lambda: self._writer.beat, DISK_PATIENCE_S)
        self._link.start()
        self._writer.start()
        self._watch.start()
        self._replicator.start()
        self._recheck_schedule.start()
        self._nightly.start()
        self._announce_again.set()
        next_status, told_away = 0.0, ""
        while not self._stop.wait(0.2):
            progress.tick()
            now = time.monotonic()
            if wrong := self._dead(now):
                log.critical("ingest_stopping error=%s", wrong)
                self._status("offline")
                return 1
            current = self._writer.accepting.current
            if current is not None:
                self._replicator.follow(current.config.store)
            if self._announce_again.is_set() and self._link.up:
                self._announce_again.clear()
                if not self._announce():
                    self._announce_again.set()
                self._status_again.set()
            away = self._writer.figures.store_away
            if now >= next_status or self._status_again.is_set() or away != told_away:
                told_away = away
                self._status_again.clear()
                next_status = now + STATUS_EVERY_S
                self._status("online")
        return self._end()

    def _end(self) -> int:
        self._writer.join(5)
        self._replicator.join(2)
        self._nightly.join(2)
        self._status("offline")
        time.sleep(0.05)  # the network thread still has to write it
        self._link.stop()
        log.info("ingest_stopped stored=%d", self._writer.figures.stored)
        return 0

    def _dead(self, now: float) -> str:
        """Which part has died; empty when all live."""
        if not self._link.thread_alive:
            return "the network thread has died"
        if self._writer.failed or not self._writer.is_alive():
            return "the writer's thread has died"
        if now - self._writer.beat > STUCK_AFTER_S:
            return f"the writer has not moved for {STUCK_AFTER_S:.0f} s"
        return ""

    # -- on the network thread: quick, and nothing that waits ----------------------------------------------------------

    def _up(self) -> None:
        self._inbox.connected()
        self._announce_again.set()

    def _on_message(self, message: Message) -> None:
        if message.qos:
            self._inbox.put(message)  # everything that wants an acknowledgement ends in the writer
            return
        where = address(message.topic)
        if where is None:
            if message.topic.startswith(self.topics.ask(NAME, "")):
                self._requests.hear(message.topic, message.payload)
            else:
                self._inbox.put(message)
        elif where.kind == "bridge" and where.leaf == "time" and not message.retain:
            with contextlib.suppress(ValidationError):
                question = TimeQuestion.model_validate_json(message.payload)
                self._telling.answer_time(where.full, question.id, now_ms())
        elif where.kind == "bridge" and where.leaf == "status":
            self._bridge_said(where.full, message)
        elif where.kind == "sensor" and where.leaf == "health":
            self._sensor_said(where.full, message)
        else:
            self._inbox.put(message)

    def _bridge_said(self, bridge: str, message: Message) -> None:
        online = False
        with contextlib.suppress(ValidationError):
            online = BridgeStatus.model_validate_json(message.payload).state == "online"
        (self._telling.online.add if online else self._telling.online.discard)(bridge)

    def _sensor_said(self, sensor: str, message: Message) -> None:
        """Which device hangs there, by its own words: kept for those who ask later with what was measured."""
        with contextlib.suppress(ValidationError):
            told = SensorHealth.model_validate_json(message.payload)
            if told.identity and self._identities.get(sensor) != told.identity:
                self._identities[sensor] = told.identity
                at = min(told.at, now_ms())
                self._inbox.do(lambda: self._writer.books.note_identity(sensor, told.identity, at))

    # -- configuration -------------------------------------------------------------------------------------------------

    def _keep(self) -> Keep:
        current = self._writer.accepting.current
        return Keep() if current is None else current.config.keep

    def _edited(self, text: str | ConfigFaults) -> None:
        self._writer.edited(text)

    def _announce(self) -> bool:
        def publish(topic: str, payload: bytes) -> bool:
            return self._link.publish(topic, payload, qos=1, retain=True) is not None

        try:
            accepted = accepted_corrections(self._places.readings).accepted
        except StoreAway as away:
            log.warning("corrections_publish_failed error=%s retry=true", away)
            return False
        told = CorrectionsTold(accepted=[as_record(one) for one in accepted])
        # Before the configuration: who follows a new version then knows what its numbers mean.
        return publish(self.topics.corrections, told.model_dump_json().encode()) and self._writer.accepting.announce(
            publish
        )

    # -- status --------------------------------------------------------------------------------------------------------

    def _figures(self) -> dict[str, float | int | str | None]:
        figures, now = self._writer.figures, time.monotonic()
        self._rates = [(at, stored) for at, stored in self._rates if now - at <= RATE_OVER_S] + [(now, figures.stored)]
        since, before = self._rates[0]
        found: dict[str, float | int | str | None] = {
            "messages": figures.messages,
            "stored": figures.stored,
            "duplicates": figures.duplicates,
            "quarantined": figures.quarantined,
            "gaps": figures.gaps,
            "missing": figures.missing,
            "in_quarantine": figures.in_quarantine,
            "queue": len(self._inbox),
            "per_second": round((figures.stored - before) / (now - since), 1) if now > since else 0.0,
            "newest_at": figures.newest_at or None,
            "replays_asked": self._telling.replays,
            "overflowed": self._inbox.overflowed,
            "clock": "synchronised" if self._writer.synchronised() else "not synchronised",
            "carried_behind": self._replicator.behind,
            "carry_left": self._replicator.left,
            "store": self._replicator.state,
            "store_away": self._writer.figures.store_away or self._replicator.trouble or None,
            "rejected_points": self._replicator.rejections.points if self._replicator.rejections else None,
            "archive": self._nightly.state,
        }
        with contextlib.suppress(OSError):
            found["disk_free"] = shutil.disk_usage(self._places.root).free
        return found

    def _warnings(self, figures: dict[str, float | int | str | None]) -> list[dict[str, str]]:
        """What a person should know or do, by language."""
        state, found = self._writer.figures, []

        def say(what: str, **places: object) -> None:
            found.append(in_every_language(f"ingest_warning.{what}", **places))

        if state.store_away:
            say("store_away", why=state.store_away)
        if isinstance(free := figures.get("disk_free"), int) and free < DISK_LOW:
            say("disk_low", megabytes=free // 1024 // 1024)
        if state.in_quarantine:
            say("quarantine", count=state.in_quarantine)
        if state.set_aside:
            say("set_aside", name=state.set_aside)
        if self._replicator.trouble:
            say("influxdb", why=self._replicator.trouble)
        if (rejections := self._replicator.rejections) is not None and rejections.points:
            names = ", ".join(rejections.sensors[:3]) + (" …" if len(rejections.sensors) > 3 else "")
            say("influxdb_rejected", count=rejections.points, sensors=names, why=rejections.reason)
        if self._nightly.trouble:
            say("archive", why=self._nightly.trouble)
        for fault in self._writer.accepting.refused[:5]:
            say("refused", fault=fault)
        return found

    def _status(self, state: str) -> None:
        figures = self._figures()
        warnings = self._warnings(figures)
        current = self._writer.accepting.current
        status = ServiceStatus(
            service=NAME,
            state="online" if state == "online" else "offline",
            at=now_ms(),
            pid=os.getpid(),
            version=__version__,
            config_version=current.version if current else 0,
            figures=figures,
            warnings=[warning[REFERENCE] for warning in warnings],
            causes=warnings,
        )
        self._link.publish(self.topics.service_status(NAME), status.model_dump_json().encode(), qos=1, retain=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
