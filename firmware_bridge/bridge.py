"""The bridge itself: one thread that takes what ports and broker post, averages, dates, numbers, keeps and sends."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any, Final

from pydantic import ValidationError

from classair.broker import BrokerAddress, Link, Message, Will
from classair.config import Config
from classair.places import Places
from classair.service import Accepted, Following
from classair.wire import BridgeStatus, Replay, Stored, TimeQuestion, Topics
from firmware_bridge.adapters import is_foreign
from firmware_bridge.averaging import Mean
from firmware_bridge.blackbox.recorder import BlackBox
from firmware_bridge.clock import Clock, boot_id, elapsed
from firmware_bridge.dating import Dating
from firmware_bridge.delivery import Delivery
from firmware_bridge.edge.switch import EdgeSwitch, edge_topics
from firmware_bridge.foreign.broker_session import BrokerSession
from firmware_bridge.foreign.http_server import HttpServer
from firmware_bridge.foreign.port import Crossing
from firmware_bridge.health.accounting import Accounting
from firmware_bridge.health.missing import MissingReadings
from firmware_bridge.liveness import Liveness
from firmware_bridge.published import bridge_status, entry_of, sensors_of
from firmware_bridge.relays.switching import Relays
from firmware_bridge.sensor_line import SensorLine, good_of, removed
from firmware_bridge.spool.keeper import Keeper
from firmware_bridge.spool.receipt import Receipt
from firmware_bridge.spool.spool import Spool
from firmware_bridge.station import Station

log = logging.getLogger(__name__)

STATUS_EVERY_S: Final = 60.0
_LONGEST_SLEEP_S: Final = 0.25
LINES_EVERY_S: Final = 0.2
FAILED: Final = 3  # exit code: a thread has died, start me anew


class Bridge:
    """`full` is `<site>.<id>`. `run` blocks until told to stop and returns the exit code."""

    def __init__(
        self,
        full: str,
        config: Config,
        following: Following,
        places: Places,
        address: BrokerAddress,
        spool: Spool,
        clock: Clock,
    ) -> None:
        self.full = full
        self.site, _, self.id = full.partition(".")
        self._config, self._following, self._places = config, following, places
        self._spool, self._clock = spool, clock
        self._boot = boot_id()
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._lines: dict[str, SensorLine] = {}
        self._topics = topics = Topics(config.org)
        self._stream = topics.bridge(self.site, self.id, "reading")
        self._status_topic = topics.bridge(self.site, self.id, "status")
        # What is meant for us alone is not worth keeping while we are away: it is said again.
        self._leaf_of = {topics.bridge(self.site, self.id, leaf): leaf for leaf in ("stored", "replay", "config")}
        marker = topics.bridge(self.site, self.id, "marker")
        self._link = Link(
            address,
            on_message=self._on_message,
            subscriptions=[*((topic, 0) for topic in (*self._leaf_of, *edge_topics(topics, self.site))), (marker, 1)],
            on_up=self._on_up,
            on_down=lambda: self._events.put(("down", None)),
            will=Will(self._status_topic, BridgeStatus(state="offline").model_dump_json().encode()),
            keep_session=True,
            manual_ack=True,
        )
        self._leaf_of[marker] = "marker"
        self._session = BrokerSession(self._link, marker, spool)
        self._crossing = Crossing(
            lambda topic: self._link.subscribe(topic, 1),
            elapsed,
            self._known_ms,
            unsubscribe=self._link.unsubscribe,
            settle=lambda receipt: self._events.put(("receipt", receipt)),
        )
        self._ear = HttpServer(full, self._crossing, places)
        self._delivery = Delivery(
            spool, self.id, lambda payload: self._link.publish(self._stream, payload, qos=1) is not None
        )
        self._keeper = Keeper(spool)
        self._relays = Relays(full, places.relays(full), self._boot, self._link)
        self._liveness = Liveness(self._link, self._ear, self._keeper, self._relays, self._lines)
        self._blackbox = BlackBox(places.blackbox(full), entry_of(config, self.full).blackbox, clock.offset)
        self._station = Station(places.sensor_book(full), self._boot)
        self._accounting = Accounting(spool, clock, self._boot, self._note_missing)
        self._dating = Dating(spool, clock, self._delivery, self._boot)
        self._edge = EdgeSwitch(full, elapsed(), self._known_ms, self._relays.publish, self._lines)
        self._newest_seq: dict[str, int] = {}
        self._unkept: set[str] = set()  # sensors with a reading that could not be taken over
        self._next_status = self._lines_at = 0.0
        self._said_storage = spool.storage
        following.on_change = lambda news: self._events.put(("config", news))

    def _on_up(self) -> None:
        self._session.connected()
        self._events.put(("up", None))

    def _on_message(self, message: Message) -> None:
        if not self._relays.heard(message) and not self._edge.heard(message, elapsed()):
            self._events.put(("mqtt", (message, elapsed(), self._session.connection)))

    # -- life ----------------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> int:
        self._keeper.start()
        self._blackbox.start()
        self._relays.start()
        self._link.start()
        self._use(self._config)
        told = self.full, len(self._lines), self._spool.epoch, self._spool.next_seq
        log.info("bridge_started bridge=%s sensors=%d epoch=%s next_seq=%d", *told)
        code, look_at = 0, 0.0
        try:
            while not stop.is_set():
                now = elapsed()
                self._liveness.tick()
                wake = self._tick(now)
                if now >= look_at:
                    look_at = now + LINES_EVERY_S
                    if not self._liveness.healthy():
                        code = FAILED
                        break
                try:
                    event = self._events.get(timeout=min(max(wake - elapsed(), 0.0), _LONGEST_SLEEP_S))
                except queue.Empty:
                    continue
                try:
                    self._handle(*event)
                except Exception:  # one event must not end the others
                    log.exception("event_failed kind=%s", event[0])
                    if event[0] == "frames":
                        self._unkept.add(event[1][0].sensor)
        finally:
            self._end()
        return code

    def _end(self) -> None:
        self._ear.listen("")
        self._relays.stop()
        lines = list(self._lines.values())
        ports = [line.port for line in lines if line.port is not None]
        for port in ports:
            port.ask_to_stop()
        for port in ports:
            port.stop()
        # Frames that the ports posted while they were being stopped belong to readings as well.
        while True:
            try:
                kind, what = self._events.get_nowait()
            except queue.Empty:
                break
            if kind in ("frames", "receipt"):
                self._handle(kind, what)
        for line in lines:
            self._keep(line, line.flush())
            line.note(elapsed())
        self._accounting.end_all(elapsed())
        self._station.book.close()
        self._keeper.stop()
        self._spool.close()
        self._blackbox.stop()
        self._link.publish(self._status_topic, self._status("offline"), qos=1, retain=True)
        # The network thread may be waiting for a broker that does not answer; nobody waits for that.
        goodbye = threading.Thread(target=self._link.stop, daemon=True)
        goodbye.start()
        goodbye.join(1.0)
        log.info("bridge_stopped bridge=%s", self.full)

    # -- events --------------------------------------------------------------------------------------------------------

    def _handle(self, kind: str, what: Any) -> None:
        if kind == "frames":
            line, frames, at_s, warming_up = what
            for mean in line.take(frames, at_s, warming_up):
                self._keep(line, mean)
        elif kind == "state":
            line, state = what
            log.log(
                logging.INFO if state.state in ("ok", "starting", "asleep") else logging.WARNING,
                "sensor_state sensor=%s state=%s cause=%s",
                line.sensor,
                state.state,
                state.cause or "none",
            )
            self._keep(line, line.now_is(state))
            self._accounting.is_now(line, state.state, state.cause, elapsed())
            self._lines_at = 0.0
        elif kind == "mqtt":
            self._handle_message(*what)
        elif kind == "receipt":
            self._answer(what)
        elif kind == "up":
            self._session.up(elapsed())
            self._relays.connected()
            self._clock.ask_soon()
            self._delivery.connected(elapsed())
            self._next_status = 0.0
            for line in self._lines.values():
                line.tell_again()
            self._lines_at = 0.0
        elif kind == "down":
            self._delivery.disconnected()
        elif kind == "config":
            self._follow(what)

    def _handle_message(self, message: Message, arrived_s: float, connection: int) -> None:
        leaf = self._leaf_of.get(message.topic)
        if leaf is None:
            kept_s = self._session.kept_s(arrived_s)
            receipt = self._session.receipt(message, connection)
            if not self._crossing.hear(message.topic, message.payload, message.retain, arrived_s, receipt, kept_s):
                receipt.kept()
            return
        self._session.acknowledge(message, connection)
        try:
            if leaf == "stored":
                told = Stored.model_validate_json(message.payload)
                if told.answer_to is None:
                    self._delivery.stored(told, arrived_s)
                else:
                    # Answered without waiting for the writer: what it says of readings may be a moment old.
                    self._clock.answer(told.answer_to, told.server_time, arrived_s)
            elif leaf == "marker":
                self._session.marked(message.payload)
            elif leaf == "replay":
                self._delivery.replay(Replay.model_validate_json(message.payload))
            elif leaf == "config" and message.payload:
                self._following.hear(message.payload)
                if not message.retain:
                    # Said just now, so ingest has just come: what was sent before it listened is sent again at once.
                    self._delivery.connected(arrived_s)
        except ValidationError as error:
            log.warning("message_rejected topic=%s errors=%d", message.topic, error.error_count())

    def _follow(self, news: Accepted) -> None:
        if news.config.org != self._config.org:
            log.error(
                "config_of_another_organisation got=%s expected=%s action=ignored", news.config.org, self._config.org
            )
            return
        self._use(news.config)
        self._next_status = 0.0

    def _use(self, config: Config) -> None:
        """Makes the lines what the configuration says; those it does not touch go on undisturbed."""
        self._config = config
        self._edge.use(config, elapsed())
        self._relays.use(config)
        self._blackbox.use(entry_of(config, self.full).blackbox)
        wanted = sensors_of(config, self.full)
        gone = [s for s, line in self._lines.items() if s not in wanted or not line.same_line(wanted[s])]
        for sensor in gone:
            line = self._lines[sensor]
            if line.port is not None:
                line.port.ask_to_stop()
        for sensor in gone:
            line = self._lines.pop(sensor)
            if line.port is not None:
                line.port.stop()
            self._keep(line, line.flush())
            if sensor not in wanted:
                line.leave()
                self._accounting.end(line, elapsed())
                self._tell(line, removed(line.settings, self._now_ms(), self.id).model_dump_json())
                log.info("sensor_removed sensor=%s", sensor)
        for sensor, settings in wanted.items():
            timetable = config.timetable_of(f"{self.site}.{settings.room}")
            old = self._lines.get(sensor)
            if old is not None:
                self._keep(old, old.adopt(settings, timetable))
                self._accounting.begin(old, elapsed())
                continue
            recorder = (
                None
                if is_foreign(settings.port)
                else self._blackbox.recorder(sensor, settings.model, settings.port, settings.settings)
            )
            self._lines[sensor] = SensorLine(
                sensor,
                settings,
                self._places,
                self._events.put,
                recorder,
                station=self._station,
                timetable=timetable,
                crossing=self._crossing,
            )
            self._accounting.begin(self._lines[sensor], elapsed())
            log.info("sensor_added sensor=%s model=%s port=%s", sensor, settings.model, settings.port)
        self._crossing.tidy()
        self._ear.listen(entry_of(config, self.full).http)

    # -- readings ------------------------------------------------------------------------------------------------------

    def _keep(self, line: SensorLine, mean: Mean | None) -> None:
        """Dates, numbers and sends a reading, and what is missing before it."""
        if mean is None or not mean.values or self._dating.told_before(mean):
            return
        self._accounting.reading(line, mean.end_s, mean.values)
        self._edge.reading(line.sensor, mean)
        moment = self._clock.date(mean.end_s)
        if moment is not None:
            self._station.pairs.add(line.sensor, moment.at_ms, mean.interval_s, good_of(mean))
        row = self._dating.append(line.item(mean), round(mean.end_s * 1000), mean.at_ms, mean.messages)
        if row is None:
            self._unkept.add(line.sensor)
            return
        self._newest_seq[line.sensor] = row.seq
        if not self._delivery.up:
            self._accounting.late(line, mean.end_s)

    def _answer(self, receipt: Receipt) -> None:
        """The readings of its message have been appended; it is answered once they are on disk."""
        receipt.seq = self._newest_seq.get(receipt.sensor, 0)
        if receipt.sensor in self._unkept:
            self._unkept.discard(receipt.sensor)
            receipt.refused(self._keeper.fault or "internal error, see the log of the bridge", lost=True)
        else:
            self._keeper.settle(receipt)

    def _note_missing(self, line: SensorLine, stretch: MissingReadings) -> None:
        """Keeps a line of the gap ledger, in the same sequence as the readings."""
        log.info("readings_missing sensor=%s reason=%s readings=%d", line.sensor, stretch.reason, stretch.expected)
        self._dating.missing(line.id, stretch, line.settings.simulated)

    # -- time ----------------------------------------------------------------------------------------------------------

    def _tick(self, now: float) -> float:
        """Everything that is due; returns when the next thing is."""
        wake = now + _LONGEST_SLEEP_S
        self._crossing.tick(now)
        self._ear.tick(now)
        if now >= self._lines_at:
            self._tick_lines(now)
        self._station.book.save_if_due(now)
        self._dating.date_what_waits()
        self._session.tick(now, self._crossing.hears)
        name = self._clock.question() if self._link.up else None
        if name is not None:
            self._link.publish(
                self._topics.bridge(self.site, self.id, "time"), TimeQuestion(id=name).model_dump_json(), qos=0
            )
        if self._edge.tick(now):
            self._next_status = 0.0
        if self._spool.storage != self._said_storage:
            self._said_storage, self._next_status = self._spool.storage, 0.0
        if now >= self._next_status and self._link.up:
            self._next_status = now + STATUS_EVERY_S
            self._link.publish(self._status_topic, self._status("online"), qos=1, retain=True)
        again = self._delivery.tick(now)
        return min(wake, self._lines_at, wake if again is None else again)

    def _tick_lines(self, now: float) -> None:
        """What is due at each line; with many sensors not at each of their frames."""
        self._lines_at, at_ms = now + LINES_EVERY_S, self._now_ms()
        for line in self._lines.values():
            self._keep(line, line.tick(now))
            state = line.without_values(now)
            self._accounting.is_now(line, state.state, state.cause, now)
            health = line.health(now, at_ms, self.id)
            if health is not None and not self._tell(line, health.model_dump_json()):
                line.tell_again()
            due = line.due_s()
            if due is not None:
                self._lines_at = min(self._lines_at, max(due, now))
        self._accounting.tick(now, connected=self._delivery.up, dated=not self._dating.undated)

    def _known_ms(self) -> int | None:
        moment = self._clock.date(elapsed())
        return moment.at_ms if moment else None

    def _now_ms(self) -> int:
        return self._known_ms() or 0

    # -- telling -------------------------------------------------------------------------------------------------------

    def _tell(self, line: SensorLine, payload: str) -> bool:
        topic = self._topics.sensor_health(self.site, line.id)
        return self._link.publish(topic, payload, qos=1, retain=True) is not None

    def _status(self, state: str) -> bytes:
        version = self._following.current.version if self._following.current else 0
        return bridge_status(
            state, self._now_ms(), self._spool, self._clock.quality, version, self._edge.ordered(elapsed())
        )
