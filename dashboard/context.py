"""What pages and API are given: passed along, never fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from classair import i18n
from classair.alerting.links import Links
from classair.alerting.reading import Records
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
from dashboard.access.desk_file import DeskFile
from dashboard.reports.shares import Shares
from dashboard.tickets.book import Tickets

if TYPE_CHECKING:
    from dashboard.frame.page import Page
    from dashboard.live.processes import Process
    from dashboard.queries.exports import Exports
    from dashboard.queries.research import Research
    from dashboard.queries.rooms import Queries


class LiveStates(Protocol):
    """What the broker said last; empty until it has spoken."""

    def warnings(self) -> list[dict[str, str]]: ...

    def state(self, room: str) -> RoomState | None: ...

    def states(self) -> dict[str, RoomState]: ...

    def purifier(self, purifier: str) -> PurifierState | None: ...

    def purifiers(self) -> dict[str, PurifierState]: ...

    def care(self, purifier: str) -> PurifierCare | None:
        """What it has done and costs, so far as alerts has told."""
        ...

    def sensor(self, sensor: str) -> SensorHealth | None: ...

    def bridge(self, bridge: str) -> BridgeStatus | None: ...

    def beat(self) -> Beat | None: ...

    def accepted(self) -> Accepted | None:
        """The configuration in force with its version, and why the newest edit of the file is not."""
        ...

    def services(self) -> dict[str, ServiceStatus]: ...

    def connected(self) -> bool: ...

    def broker_lost_at(self) -> int | None: ...

    async def ask(self, service: str, do: str, who: str, args: dict[str, Any]) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Context:
    """`config` gives the configuration in force at this moment; `now_ms` the server's clock.

    `processes` are those that a supervisor keeps alive, by name; none where each has a unit of its own. `exports`
    makes packages; None where there is nothing to make them from. `records` are those of alerts and notifications,
    `links` those in messages. `desk` is desk.db, `shares` makes links that need no account, `papers` is the folder of
    reports as they were made. `pages` are those the application was built with. `tickets` are the reported problems,
    whose photos are in the folder `photos`. `folder` is the data folder, where files named in the configuration are.
    """

    config: Callable[[], Config]
    queries: Queries
    live: LiveStates
    now_ms: Callable[[], int]
    research: Research
    processes: Callable[[], Mapping[str, Process]] = dict
    exports: Exports | None = None
    records: Records = field(default_factory=lambda: Records(None))
    links: Links = field(default_factory=lambda: Links(None))
    desk: DeskFile = field(default_factory=DeskFile)
    shares: Shares = field(default_factory=lambda: Shares(None))
    papers: Path | None = None
    pages: tuple[Page, ...] = ()
    photos: Path | None = None
    folder: Path | None = None
    tickets: Tickets = field(init=False)

    def __post_init__(self) -> None:
        tickets = Tickets(self.desk, self.config, self.now_ms, self.photos, self._config_version)
        object.__setattr__(self, "tickets", tickets)

    @property
    def map_file(self) -> Path | None:
        """The organisation's own GeoJSON; None where it names none."""
        named = self.config().map
        return (self.folder or Path()) / named if named else None

    def _config_version(self) -> int | None:
        accepted = self.live.accepted()
        return accepted.version if accepted is not None else None

    def language(self, search: str | Mapping[str, str] | None) -> str:
        """The language an address asks for (?lang=), else the organisation's."""
        asked = dict(parse_qsl((search or "").lstrip("?"))) if search is None or isinstance(search, str) else search
        code = asked.get("lang", "")
        return code if code in i18n.LANGUAGES else self.config().language

    def t(self, language: str, key: str, **places: Any) -> str:
        return i18n.t(language, key, **places)
