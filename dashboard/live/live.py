"""What the broker says, kept as "latest" and passed on to browsers; questions to other services and their answers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from classair.asking import NoAnswer, Questions
from classair.broker import BrokerAddress, Link, Message
from classair.i18n import in_every_language
from classair.service import Accepted, Following
from classair.wire import (
    Answer,
    Beat,
    BridgeStatus,
    PurifierCare,
    PurifierState,
    RoomState,
    SensorHealth,
    ServiceStatus,
    Topics,
    address,
    faults,
)
from dashboard.live import alert_count
from dashboard.live.hub import Hub, frame

log = logging.getLogger(__name__)

ANSWER_WITHIN_S: Final = 12.0  # a purifier is given 10 s to confirm, then its controller says so


_STATE: Final[dict[type[BaseModel], tuple[str, ...]]] = {
    SensorHealth: ("state", "key", "bridge"),
    BridgeStatus: ("state", "storage", "clock"),
    ServiceStatus: ("state", "warnings", "config_version"),
    PurifierState: ("on", "mode", "confirmed", "override_on", "override_until", "override_by", "speed", "faults"),
}
"""What of each word is its state; the first is the state itself."""


def _state_of(value: BaseModel) -> list[Any]:
    return [getattr(value, name) for name in _STATE[type(value)]]


class Live:
    """Implements `dashboard.context.LiveStates`. Messages arrive on the network thread, pages read on the loop."""

    def __init__(self, hub: Hub, now_ms: Callable[[], int]) -> None:
        self.hub = hub
        self._now_ms = now_ms
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: Link | None = None
        self._topics: Topics | None = None
        self._questions: Questions | None = None
        self._rooms: dict[str, RoomState] = {}
        self._purifiers: dict[str, PurifierState] = {}
        self._cares: dict[str, PurifierCare] = {}
        self._health: dict[str, SensorHealth] = {}
        self._bridges: dict[str, BridgeStatus] = {}
        self._services: dict[str, ServiceStatus] = {}
        self._beat: Beat | None = None
        self._accepted: Callable[[], Accepted | None] = lambda: None
        self.refused = 0
        self._noted: list[dict[str, str]] = []
        self._last_rejected = ("", "")
        self._up = False
        self._lost_at: int | None = None

    # -- what pages ask -----------------------------------------------------------------------------------------------

    def state(self, room: str) -> RoomState | None:
        return self._rooms.get(room)

    def states(self) -> dict[str, RoomState]:
        return dict(self._rooms)

    def purifier(self, purifier: str) -> PurifierState | None:
        return self._purifiers.get(purifier)

    def purifiers(self) -> dict[str, PurifierState]:
        return dict(self._purifiers)

    def care(self, purifier: str) -> PurifierCare | None:
        return self._cares.get(purifier)

    def sensor(self, sensor: str) -> SensorHealth | None:
        return self._health.get(sensor)

    def bridge(self, bridge: str) -> BridgeStatus | None:
        return self._bridges.get(bridge)

    def services(self) -> dict[str, ServiceStatus]:
        return dict(self._services)

    def beat(self) -> Beat | None:
        return self._beat

    def accepted(self) -> Accepted | None:
        """The configuration in force with its version, and why the newest edit is not."""
        return self._accepted()

    def connected(self) -> bool:
        return self._up

    def broker_lost_at(self) -> int | None:
        """When the connection was lost (UTC ms); None while it stands and when there never was one."""
        return self._lost_at

    async def ask(self, service: str, do: str, who: str, args: dict[str, Any]) -> Answer:
        """Asks another service and waits for its word. Raises NoAnswer."""
        if self._questions is None:
            raise NoAnswer("the broker is unreachable")
        answer = asyncio.wrap_future(self._questions.ask(service, do, who, args))
        try:
            return await asyncio.wait_for(answer, ANSWER_WITHIN_S)
        except TimeoutError:
            raise NoAnswer(f"{service} did not answer within {ANSWER_WITHIN_S:.0f} s") from None

    # -- the broker ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Browsers can be told from now on; call on the event loop's thread."""
        self._loop = asyncio.get_running_loop()
        for room in list(self._rooms):
            self._announce(room)
        self._count_alerts()

    def end(self) -> None:
        """The server is about to stop; callable from a signal handler."""
        self._on_loop(self.hub.end)

    def broker_is(self, *, up: bool) -> None:
        """The connection to the broker stands from now on, or no longer."""
        if not up and self._up:
            self._lost_at = self._now_ms()
        elif up:
            self._lost_at = None
        self._up = up

    def connect(self, broker: BrokerAddress, topics: Topics, following: Following) -> Link:
        """Begins to listen to the broker, whether or not it is there yet."""
        self._topics = topics
        self._accepted = lambda: following.current

        def hear(message: Message) -> None:
            if message.topic == topics.config:
                following.hear(message.payload)
            else:
                self.hear(message.topic, message.payload)

        self._link = Link(
            broker,
            on_message=hear,
            on_up=lambda: self.broker_is(up=True),
            on_down=lambda: self.broker_is(up=False),
            subscriptions=[
                (topics.room_now("+", "+"), 1),
                (topics.purifier_state("+", "+"), 1),
                (topics.purifier_care("+", "+"), 1),
                (topics.sensor_health("+", "+"), 1),
                (topics.bridges("status"), 1),
                (topics.service_status("+"), 1),
                (topics.beat, 0),
                (topics.config, 1),
                (topics.answer("+"), 1),
            ],
        )
        self._questions = Questions(self._link, topics)
        self._link.start()
        return self._link

    def hear(self, topic: str, payload: bytes) -> None:
        """Takes in one message; what is not ours or cannot be read is counted and said, the last good word stays."""
        try:
            self._take(topic, payload)
        except ValidationError as error:
            self._reject(topic, str(faults(error)))

    def _reject(self, topic: str, why: str) -> None:
        self.refused += 1
        self._last_rejected = (topic, why)
        log.warning("message_rejected topic=%s error=%s", topic, why)

    def warnings(self) -> list[dict[str, str]]:
        """What a person should know of this process, such as messages that it could not use, by language."""
        if not self.refused:
            return list(self._noted)
        topic, why = self._last_rejected
        rejected = in_every_language("dashboard_warning.rejected", count=self.refused, topic=topic, why=why)
        return [*self._noted, rejected]

    def note(self, words: dict[str, str]) -> None:
        """Something that this process has met and a person should know, by language."""
        self._noted.append(words)

    def _take(self, topic: str, payload: bytes) -> None:
        parts = address(topic)
        if parts is not None and parts.kind == "room" and parts.leaf == "now":
            if self._kept(self._rooms, parts.full, RoomState, payload, "room"):
                self._announce(parts.full)
        elif parts is not None and parts.kind == "purifier" and parts.leaf == "state":
            was = self._purifiers.get(parts.full)
            self._kept(self._purifiers, parts.full, PurifierState, payload, "purifier")
            self._news(f"purifier/{parts.full}", self._purifiers.get(parts.full), was)
        elif parts is not None and parts.kind == "purifier" and parts.leaf == "care":
            self._kept(self._cares, parts.full, PurifierCare, payload, "purifier")
        elif parts is not None and parts.kind == "sensor" and parts.leaf == "health":
            told = self._health.get(parts.full)
            self._kept(self._health, parts.full, SensorHealth, payload)
            self._news(f"sensor/{parts.full}", self._health.get(parts.full), told)
        elif parts is not None and parts.kind == "bridge" and parts.leaf == "status":
            status = self._bridges.get(parts.full)
            self._kept(self._bridges, parts.full, BridgeStatus, payload)
            self._news(f"bridge/{parts.full}", self._bridges.get(parts.full), status)
        elif topic.endswith("/control/beat"):
            self._beat = Beat.model_validate_json(payload)
        elif "/control/service/" in topic:
            name = topic.rpartition("/")[2]
            service = self._services.get(name)
            self._kept(self._services, name, ServiceStatus, payload, "service")
            self._news(f"service/{name}", self._services.get(name), service)
            if name == "alerts":
                self._count_alerts()
        elif "/answer/" in topic and self._questions is not None:
            self._questions.hear(payload)

    def _news(self, part: str, value: BaseModel | None, was: BaseModel | None) -> None:
        """Tells health pages when a part's state has changed; what it counts meanwhile is no news."""
        if value is None:
            self._on_loop(self.hub.forget, f"health/{part}")
        elif was is None or _state_of(value) != _state_of(was):
            said = json.dumps({"part": part, "state": _state_of(value)[0]})
            self._on_loop(self.hub.publish, f"health/{part}", frame("health", said))

    def _count_alerts(self) -> None:
        count = alert_count.count_of(self._services.get("alerts"))
        self._on_loop(self.hub.publish, alert_count.KEY, alert_count.encoded(count))

    def _kept(
        self,
        into: dict[str, Any],
        key: str,
        model: type[BaseModel],
        payload: bytes,
        named: str | None = None,
    ) -> bool:
        """Remembers a payload under its topic's name; an empty one is how a retained message is taken back."""
        if not payload:
            into.pop(key, None)
            for size in ("full", "brief"):
                self._on_loop(self.hub.forget, f"{size}/{key}")
            return False
        value = model.model_validate_json(payload)
        before = into.get(key)
        if isinstance(value, BridgeStatus | ServiceStatus | SensorHealth) and not value.at:
            # A last will cannot say when its sender spoke last; who does not know the time yet has spoken just now.
            gone = before.at if before is not None else 0
            value = value.model_copy(update={"at": gone if value.state == "offline" else self._now_ms()})
        if named is not None and getattr(value, named) != key:
            self._reject(key, f"the payload names {getattr(value, named)}")
            return False
        into[key] = value
        return True

    def _announce(self, room: str) -> None:
        state = self._rooms[room]
        self._on_loop(self.hub.publish, f"full/{room}", frame("state", state.model_dump_json()))
        self._on_loop(self.hub.publish, f"brief/{room}", frame("state", state.model_dump_json(exclude={"texts"})))

    def _on_loop(self, call: Callable[..., None], *args: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)
