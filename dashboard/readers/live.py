"""The newest word of rooms, machines and services, as the reader sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from classair.alerting.reading import LIMIT, NotKnown, Records
from classair.config import Config
from classair.service import Accepted
from classair.wire import (
    Answer,
    Beat,
    BridgeStatus,
    PurifierCare,
    PurifierState,
    RoomState,
    SensorHealth,
    ServiceStatus,
)
from dashboard.access.reach import Reach, reader
from dashboard.context import LiveStates
from dashboard.live import alert_count
from dashboard.readers.config import seen_config


class SeenLive:
    """Implements LiveStates. `config` is the whole one, `records` those that the reader sees.

    Services belong to all schools and are seen by everyone; only how many alerts wait is counted for the reader.
    """

    def __init__(self, live: LiveStates, config: Callable[[], Config], records: Records) -> None:
        self._live, self._config, self._records = live, config, records
        self._counted: dict[Reach, tuple[int, int | None]] = {}

    def warnings(self) -> list[dict[str, str]]:
        return self._live.warnings()

    def state(self, room: str) -> RoomState | None:
        return self._live.state(room) if reader().sees_room(self._config(), room) else None

    def states(self) -> dict[str, RoomState]:
        reach, config = reader(), self._config()
        return {room: state for room, state in self._live.states().items() if reach.sees_room(config, room)}

    def purifier(self, purifier: str) -> PurifierState | None:
        return self._live.purifier(purifier) if reader().sees_purifier(self._config(), purifier) else None

    def purifiers(self) -> dict[str, PurifierState]:
        reach, config = reader(), self._config()
        return {key: state for key, state in self._live.purifiers().items() if reach.sees_purifier(config, key)}

    def care(self, purifier: str) -> PurifierCare | None:
        return self._live.care(purifier) if reader().sees_purifier(self._config(), purifier) else None

    def sensor(self, sensor: str) -> SensorHealth | None:
        return self._live.sensor(sensor) if reader().sees_sensor(self._config(), sensor) else None

    def bridge(self, bridge: str) -> BridgeStatus | None:
        return self._live.bridge(bridge) if reader().sees_bridge(self._config(), bridge) else None

    def beat(self) -> Beat | None:
        return self._live.beat()

    def accepted(self) -> Accepted | None:
        found, reach = self._live.accepted(), reader()
        if found is None or reach.everything:
            return found
        return replace(found, config=seen_config(found.config, reach))

    def services(self) -> dict[str, ServiceStatus]:
        services, reach = self._live.services(), reader()
        alerts = services.get("alerts")
        if reach.everything or alerts is None or alert_count.FIGURE not in alerts.figures:
            return services
        figures = {key: value for key, value in alerts.figures.items() if key != alert_count.FIGURE}
        if (count := self._count(reach, alerts.at)) is not None:
            figures[alert_count.FIGURE] = count
        return {**services, "alerts": alerts.model_copy(update={"figures": figures})}

    def connected(self) -> bool:
        return self._live.connected()

    def broker_lost_at(self) -> int | None:
        return self._live.broker_lost_at()

    async def ask(self, service: str, do: str, who: str, args: dict[str, Any]) -> Answer:
        return await self._live.ask(service, do, who, args)

    def _count(self, reach: Reach, at: int) -> int | None:
        """What alerts counts for all schools, of what is seen; counted once for each word of alerts."""
        known = self._counted.get(reach)
        if known is not None and known[0] == at:
            return known[1]
        try:
            firing = self._records.alerts(["firing"], limit=LIMIT)
        except NotKnown:
            return None
        count = sum(not one.cause for one in firing)
        if len(self._counted) > 256:
            self._counted.clear()
        self._counted[reach] = (at, count)
        return count


class SeenStreams:
    """What of the hub's news goes to the reader whose stream is being written."""

    def __init__(self, live: LiveStates, config: Callable[[], Config]) -> None:
        self._live, self._config = live, config

    def wanted(self, wants: Callable[[str], bool]) -> Callable[[str], bool]:
        """`wants` and seen. Pieces are made for one reach, so their own name keeps them apart."""
        reach = reader()
        if reach.everything:
            return wants

        def sees(key: str) -> bool:
            kind, _, rest = key.partition("/")
            config = self._config()
            if kind in ("full", "brief"):
                return reach.sees_room(config, rest)
            if kind == "health":
                part, _, name = rest.partition("/")
                match part:
                    case "sensor":
                        return reach.sees_sensor(config, name)
                    case "bridge":
                        return reach.sees_bridge(config, name)
                    case "purifier":
                        return reach.sees_purifier(config, name)
                return part == "service"
            return kind == "piece" or key == alert_count.KEY

        return lambda key: wants(key) and sees(key)

    async def sent(self, frames: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The frames with the number of alerts counted for the reader."""
        if alert_count.KEY not in frames or reader().everything:
            return frames
        services = await asyncio.to_thread(self._live.services)
        count = alert_count.count_of(services.get("alerts"))
        return {**frames, alert_count.KEY: alert_count.encoded(count)}
