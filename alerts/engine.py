"""The heart of alerts: readings, devices' words, asks and the clock in; states, commands and messages to people out.

Knows no socket and no clock of its own: the service hands in messages with the time, and a way to publish. Called from
one loop only. The order on a reading is the order of importance: command first, then the state, then what is written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain

from alerts.air.corrections import ActiveCorrections
from alerts.air.following import Following, Past
from alerts.air.held import Held
from alerts.air.rooms import RoomWatch
from alerts.air.stream import SensorStream
from alerts.air.surroundings import Surroundings
from alerts.answering import Handler
from alerts.asks import Asks
from alerts.care import Care
from alerts.control.occupancy import Occupancy
from alerts.control.switchboard import Matter, Say, Switchboard
from alerts.homeassistant import HomeAssistant
from alerts.ledger import Ledger
from alerts.lifecycle import asked
from alerts.lifecycle.board import AlertBoard, Outbox
from alerts.notices import Notices
from alerts.notifying import Notifying, WhatIsKnown, wants_pm10
from alerts.presence import Presence
from alerts.rules.sources import Sources
from alerts.telling import StatesTold
from classair.config import Config
from classair.i18n import in_every_language
from classair.model import Reading
from classair.places import Places
from classair.science.advice_words import Over
from classair.science.corrections import Corrections
from classair.timetable import local_time
from classair.wire import Current, RoomState, Topics

log = logging.getLogger(__name__)

PART_ROOMS = 25  # rooms looked at in one go at a tick: some milliseconds
PAUSE_MS = 15_000  # a pause of ours so long is an absence: others may have switched meanwhile
_NOWHERE = Current(status="none")
_NOT_JUDGED: tuple[int | None, Over] = (None, "")


class AlertsEngine:
    """`say` publishes and gives False while there is no connection; `now` is UTC ms everywhere."""

    def __init__(
        self,
        ledger: Ledger,
        outbox: Outbox,
        say: Say,
        clock: Callable[[], int],
        places: Places | None = None,
    ) -> None:
        self._ledger, self._say = ledger, say
        self.notices = Notices(ledger, None if places is None else places.processes)
        self.sources = Sources(self.notices)
        self.board = Switchboard(ledger, say, clock)
        self.rooms: dict[str, RoomWatch] = {}
        self.readings = 0
        self._asks = Asks(ledger, self.board, say, self._told_of)
        self._corrections = ActiveCorrections(ledger)
        self.following = Following(ledger)
        self._surroundings = Surroundings(self._dust)
        self._rows_before = ledger.rows_shown()
        self._config: Config | None = None
        self._version = 0
        self._stream: SensorStream | None = None
        self._topics: Topics | None = None
        self._presence = Presence(ledger)
        self._held = Held(ledger)
        self._awake_at: int | None = None
        self._yard_of: dict[str, str] = {}
        self._site_rooms: dict[str, list[str]] = {}
        self._telling = StatesTold(ledger, say, self.state)
        self._retained = ledger.retained()
        self._home = HomeAssistant()
        self._announced: dict[str, str] = {}
        self.care = Care(ledger, say)
        self._told: dict[str, RoomState] = {}  # as worked out last
        known = WhatIsKnown(self.sources.offline, self.notices.open, self.board.matters, self.care.known)
        self._notifying = Notifying(ledger, outbox, known, places)
        self.handlers.update(asked.handlers(self.alerts))

    @property
    def refused(self) -> int:
        return self._stream.refused if self._stream is not None else 0

    @property
    def alerts(self) -> AlertBoard:
        return self._notifying.board

    def channels_say(self, warnings: Sequence[dict[str, str]]) -> None:
        """What channels say of themselves, such as a quota that ends."""
        self._notifying.upkeep.channels = warnings[0] if warnings else {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """What is asked of alerts beside orders to purifiers; others add theirs."""
        return self._asks.handlers

    # -- configuration -------------------------------------------------------------------------------------------------

    def follow(self, config: Config, version: int, now: int) -> list[str]:
        """Works by a configuration from now on; rooms that stay keep their windows. Returns device topics to hear."""
        self._config, self._version, self._topics = config, version, Topics(config.org)
        if self._stream is None:
            self._stream = SensorStream(config)
        else:
            self._stream.follow(config)
        fresh: dict[str, RoomWatch] = {}
        with_pm10 = wants_pm10(config)
        for name, room in config.rooms():
            site = name.partition(".")[0]
            watch = self.rooms.get(name)
            simulated = config.site_simulated(site)
            if watch is None or watch.is_outdoor != room.outdoor:
                watch = RoomWatch(
                    name,
                    is_outdoor=room.outdoor,
                    simulated=simulated,
                    sensors=config.sensors_in(name),
                    began_at=now,
                    with_pm10=with_pm10,
                )
                self._held.remind(watch, now)
            else:
                watch.configure(simulated=simulated, sensors=config.sensors_in(name), with_pm10=with_pm10)
            rule = config.purifier_rule(name)
            watch.signal.limits(rule.on_above, rule.off_below, rule.fast_above)
            fresh[name] = watch
        self.rooms = fresh
        self.following.follow(config)
        self._surroundings.follow(config)
        self._suspect()
        self._correct()
        self._presence.follow(config, fresh)
        self._yard_of = {name: yard for name in fresh if (yard := config.outdoor_of(name)) is not None}
        self._site_rooms = {}
        for name in sorted(fresh, key=lambda room: not fresh[room].is_outdoor):  # yards first, others look at them
            self._site_rooms.setdefault(name.partition(".")[0], []).append(name)
        self._telling.follow(self._topics, chain.from_iterable(self._site_rooms.values()))
        topics = self.board.follow(config, version, now)
        self.sources.follow(config, now)
        matters = self.board.open_matters()
        self.notices.only({*fresh, *self.sources.names()}, set(self.board.names()), matters, now)
        self._told = {name: told for name, told in self._told.items() if name in fresh}
        self._notifying.follow(config, now)
        self._home.follow(config)
        self.care.follow(config)
        self._clear_what_is_gone()
        self._announce()
        return topics + self.sources.topics()

    def _correct(self) -> None:
        """Every room by the corrections in force."""
        assert self._config is not None
        models = {full: sensor.model for full, sensor in self._config.sensors()}
        for watch in self.rooms.values():
            watch.correct(self._corrections.now, models)

    def warnings(self) -> list[dict[str, str]]:
        """What a person should know or do, by language."""
        found = self.board.warnings() + self.notices.warnings() + self.alerts.warnings()
        if self._corrections.rejected:
            found.append(in_every_language("alerts_warning.corrections", why=self._corrections.rejected))
        for sensor, since in sorted(self.following.suspects().items()):
            found.append(
                in_every_language("alerts_warning.suspect", sensor=sensor, since=f"{local_time(since):%Y-%m-%d %H:%M}")
            )
        return found

    @property
    def corrections(self) -> Corrections:
        return self._corrections.now

    def _announce(self) -> None:
        """Says to Home Assistant what is not said yet."""
        self._say_of_us(self._home.messages())

    def _say_of_us(self, messages: dict[str, str]) -> None:
        for topic, payload in messages.items():
            if self._announced.get(topic) != payload and self._say(topic, payload, retain=True):
                self._announced[topic] = payload

    def _clear_what_is_gone(self) -> None:
        """Empties retained topics of rooms and purifiers that are no longer configured, also those of earlier lives."""
        wanted = self._telling.topics() | self.board.retained_topics() | self._home.topics()
        wanted |= self.care.topics()
        for topic in self._retained - wanted:
            self._announced.pop(topic, None)
            if self._say(topic, "", retain=True):
                self._retained.discard(topic)
                self._ledger.write("delete from retained where topic=?", topic)
        for topic in wanted - self._retained:
            self._retained.add(topic)
            self._ledger.write("insert or replace into retained values(?)", topic)

    # -- what comes in -------------------------------------------------------------------------------------------------

    def prime(self, readings: dict[str, list[Reading]], now: int) -> None:
        """What the store knows of each room; whatever the stream brought already is kept once."""
        if self._stream is not None:
            for known in readings.values():
                self._stream.prime(known)
        for name, known in readings.items():
            if known and name in self.rooms:
                self.rooms[name].prime(known, now)
                if (row := self._rows_before.pop(name, None)) is not None:
                    self.rooms[name].shows(row)
                self._meet(known)

    def _suspect(self) -> set[str]:
        """Tells every room which of its sensors are not to be trusted; the rooms for which that is new."""
        suspects = self.following.suspects()
        return {name for name, watch in self.rooms.items() if watch.suspect(suspects)}

    def prime_following(self, past: dict[str, Past], now: int) -> None:
        """What the last fortnight says of sensors that nothing is known of."""
        self.following.prime(past)
        self._telling.now(self._suspect(), now)

    def day_levels(self, levels: dict[str, int | None]) -> None:
        """The level of each yard's 24-hour mean."""
        for name, level in levels.items():
            if name in self.rooms:
                self.rooms[name].day_level = level
        self._telling.missed(self.rooms)

    def hear(self, topic: str, payload: bytes, retained: bool, now: int) -> None:
        """One message of the broker, whatever it is."""
        assert self._stream is not None
        self._awake(now, True)
        if self.board.knows(topic):
            rooms, matters = self.board.hear(topic, payload, retained, lambda room: self._occupied(room, now), now)
            self._told_of(matters, now)
            self._telling.now(rooms, now)
        elif self._topics is not None and topic == self._topics.corrections:
            if self._corrections.hear(payload):
                self._correct()
                self._telling.now(self.rooms, now)
        elif topic.endswith("/reading"):
            self._take(self._stream.readings(topic, payload, now), now)
        elif self.sources.hear(topic, payload, now):
            self.notices.edge(topic, payload, now)
            self._notifying.upkeep.hear(topic, payload)
        elif "/ask/alerts/" in topic and not retained:
            room = self._asks.hear(topic, payload, self._topics, lambda room: self._occupied(room, now), now)
            if room is not None:
                self._telling.now([room], now)

    def _meet(self, readings: Iterable[Reading]) -> None:
        """Learns what sensors measure; a sensor that is new, or measures more, is announced."""
        for reading in readings:
            if self._home.saw(reading.sensor, reading.values):
                self._say_of_us(self._home.message_of(reading.sensor))

    def _take(self, readings: Sequence[Reading], now: int) -> None:
        by_room: dict[str, list[Reading]] = {}
        for reading in readings:
            by_room.setdefault(reading.room, []).append(reading)
        self.readings += len(readings)
        turned = self._suspect() if self.following.take(readings) else set()
        for name, found in by_room.items():
            watch = self.rooms.get(name)
            if watch is not None:
                watch.add(found, now)
                self._control(name, watch, now)
        concerned: set[str] = set()
        for name in by_room.keys() | turned:
            watch = self.rooms.get(name)
            if watch is not None:
                concerned.update(self._site_rooms[name.partition(".")[0]] if watch.is_outdoor else (name,))
        self._telling.after_readings(concerned, lambda name: self.rooms[name].behind, now)
        self._meet(readings)  # after all that is urgent

    def tick(self, now: int, connected: bool = True) -> None:
        """Once a second: silence is news as well. Without a broker no command can be confirmed, so none is tried."""
        for part in self.tick_parts(connected):
            part(now)

    def tick_parts(self, connected: bool) -> list[Callable[[int], None]]:
        """`tick` in parts of some milliseconds, between which readings can be taken in; each wants the moment."""
        names = list(self.rooms)
        groups = [names[begin : begin + PART_ROOMS] for begin in range(0, len(names), PART_ROOMS)]
        return [
            lambda now: self._begin_tick(connected, now),
            *(partial(self._tick_rooms, group, connected) for group in groups),
            lambda now: self._end_tick(connected, now),
        ]

    def _begin_tick(self, connected: bool, now: int) -> None:
        self._awake(now, connected)
        self.notices.line(connected, now)
        self.notices.services(now)
        self.sources.tick(now)
        self._notifying.begin(connected, now)

    def _end_tick(self, connected: bool, now: int) -> None:
        if connected:
            self._told_of(self.board.let_go(now), now)
        self._notifying.end(now)

    def _tick_rooms(self, group: Sequence[str], connected: bool, now: int) -> None:
        names = [name for name in group if name in self.rooms]
        if connected:
            for name in names:
                self._control(name, self.rooms[name], now)
        # What was worked out for a reading a moment ago is not worked out again.
        self._telling.at_tick(names, now)
        if connected:
            for name in names:
                for state in self.board.states_in(name, now):
                    self.care.saw(state, self.rooms[name].signal.signal, now)
        for name in names:
            who = self._occupied(name, now)
            self._notifying.room(self.rooms[name], self._told.get(name), who, self.board.running(name), now)

    def reconnected(self, now: int) -> None:
        """The broker is back, perhaps without what was retained: say everything again."""
        self.care.reconnected()
        self._telling.forget()
        self._announced.clear()
        self._told_of(self.board.reconnected(lambda room: self._occupied(room, now), now), now)
        self._clear_what_is_gone()
        self._announce()
        self._telling.now(self.rooms, now)

    def clock_stepped(self, by_ms: int, now: int) -> None:
        """The system's clock was put right by `by_ms`: rooms begin anew, to be primed with what this clock says."""
        self.rooms.clear()
        self._telling.forget()
        self._awake_at = now
        self._held.clock_stepped(by_ms)
        self.notices.clock_stepped(by_ms, now)
        self.sources.clock_stepped(by_ms, now)
        self.board.clock_stepped(by_ms, now)
        self.care.clock_stepped()
        self._told.clear()
        self._notifying.clock_stepped(by_ms, now)
        if self._config is not None:
            self.follow(self._config, self._version, now)

    # -- what goes out -------------------------------------------------------------------------------------------------

    def _control(self, name: str, watch: RoomWatch, now: int) -> None:
        who = self._occupied(name, now)
        if who.kind == "empty":
            watch.signal.forget_silent()
        self._held.note(watch)
        signal = self.sources.seen(watch.measuring, watch.signal.signal, now)
        self._told_of(self.board.step(name, signal, who, now), now)
        self._presence.learn(name, who, self.board.running(name))
        if watch.disagrees:
            self.notices.begin("disagree", name, name, now, watch.signal.signal.highest)
        else:
            self.notices.end("disagree", name, now)

    def _awake(self, now: int, connected: bool) -> None:
        """Notices that we ourselves did not run for a while: devices are asked before they are judged."""
        slept = self._awake_at is not None and now - self._awake_at > PAUSE_MS
        self._awake_at = now
        if slept:
            self._notifying.slept(now)
        if slept and connected:
            log.warning("pause_noticed action=ask_devices")
            self._told_of(self.board.reconnected(lambda room: self._occupied(room, now), now), now)

    def _told_of(self, matters: Iterable[Matter], now: int) -> None:
        for matter in matters:
            self.notices.purifier(matter, now)
            if matter.once:
                self._notifying.left(matter, now)

    def state(self, name: str, now: int) -> RoomState:
        """The room's state at `now`."""
        watch = self.rooms[name]
        yard = self.rooms.get(self._yard_of.get(name, ""))
        watch.told_at = self.alerts.told_at(name)
        outdoor, play = _NOWHERE, _NOT_JUDGED
        if yard is not None and yard is not watch:
            outdoor = yard.current_dust(now)
        if yard is not None:
            play = yard.play_level(now)
        told = watch.state(
            now,
            outdoor=outdoor,
            play=play,
            purifiers=self.board.states_in(name, now),
            occupied=self._occupied(name, now).children,
            config_version=self._version,
            place=self._surroundings.at(name, now),
        )
        self._surroundings.told(told)
        self._told[name] = told
        return told

    def _dust(self, room: str, now: int) -> float | None:
        return self.rooms[room].current_dust(now).value if room in self.rooms else None

    def _occupied(self, room: str, now: int) -> Occupancy:
        return self._presence.of(room, now)
