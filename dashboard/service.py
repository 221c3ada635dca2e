"""`classair dashboard`: the web application, following the broker, the configuration and the store."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from classair import config as configuration
from classair import service
from classair.alerting.links import Links
from classair.alerting.reading import Records
from classair.arguments import shared
from classair.config import Config
from classair.i18n import TextFault, in_every_language
from classair.logs import begin_logging
from classair.places import Places
from classair.progress.telling import Progress
from classair.stores import Store, open_store
from classair.stores.corrections import accepted_corrections
from classair.stores.sqlite.store import SqliteStore
from classair.wire import Topics
from dashboard.access.desk import Desk
from dashboard.access.desk_damage import open_desk
from dashboard.access.desk_file import DeskFile
from dashboard.app import create_app
from dashboard.context import Context
from dashboard.frame.page import PageFault
from dashboard.live import processes
from dashboard.live.hub import Hub
from dashboard.live.live import Live
from dashboard.public.pages import build
from dashboard.queries.exports import Exports
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries
from dashboard.reports.shares import Shares

log = logging.getLogger(__name__)

STORE_PAUSE_S = 5.0  # how long a store that could not be opened is left alone


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class OpenStore:
    """The store in force, opened when first asked for and again when the configuration names another."""

    def __init__(self, places: Places, config: Callable[[], Config]) -> None:
        self._places, self._config = places, config
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._address = ""
        self._not_before = 0.0
        self._last_error = ""

    def __call__(self) -> Store | None:
        wanted = self._config().store
        with self._lock:
            if self._store is not None and self._address == wanted:
                return self._store
            if time.monotonic() < self._not_before and self._address == wanted:
                return None
            self._close()
            self._address = wanted
            try:
                self._store = open_store(wanted, self._places, readonly=True)
            except Exception as error:
                # Every store has a library of its own with failures of its own; to pages they all mean "away".
                self._not_before = time.monotonic() + STORE_PAUSE_S
                if str(error) != self._last_error:
                    self._last_error = str(error)
                    log.warning("database_unavailable store=%s error=%s retry=true", wanted.partition("?")[0], error)
                return None
            self._last_error = ""
            log.info("database_opened store=%s", wanted.partition("?")[0])
            return self._store

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


class _Server(uvicorn.Server):
    """Tells the open streams first: uvicorn waits for its connections to end, and a stream never ends by itself.

    On the event loop it also tells that this loop and the network thread go round.
    """

    def __init__(self, settings: uvicorn.Config, live: Live, progress: Progress, desk: DeskFile) -> None:
        super().__init__(settings)
        self._live, self._progress, self._desk = live, progress, desk

    async def on_tick(self, counter: int) -> bool:
        self._progress.tick()
        if self._desk.damaged and not self.should_exit:
            # The next start sets the file aside and takes over what can be read of it.
            self._live.end()
            self.should_exit = True
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._live.end()
        super().handle_exit(sig, frame)


def main(argv: list[str]) -> int:
    parser = service.arguments("dashboard", "serve wall displays, pages and the API", shared("--trusted-proxy"))
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8050, help="port to listen on (default: 8050)")
    args = parser.parse_args(argv)
    begin_logging(args.log_level)
    return service.run_service(serve, args)


def serve(args: argparse.Namespace) -> int:
    places = service.places_of(args)
    if fault := service.port_fault(args.host, args.port):
        print(f"classair dashboard: {fault}", file=sys.stderr)
        return 2
    following = service.Following(places.accepted_config)
    fallback = None if following.current is not None else configuration.load(args.config)

    def config() -> Config:
        if following.current is not None:
            return following.current.config
        assert fallback is not None
        return fallback

    live = Live(Hub(build=build(), now_ms=now_ms), now_ms)
    store = OpenStore(places, config)
    desk_file, damage = open_desk(places.desk)
    if damage is not None:
        live.note(in_every_language("dashboard_warning.desk", name=damage.aside.name, count=damage.rows))
    desk = Desk(desk_file, now_ms)
    queries = Queries(
        store,
        config,
        SqliteStore(places.readings, readonly=True),
        lambda: accepted_corrections(places.readings),
        now_ms,
    )
    exports = Exports(places, args.config.resolve(), now_ms)
    ctx = Context(
        config=config,
        queries=queries,
        live=live,
        now_ms=now_ms,
        research=Research(store, config, places.readings, now_ms),
        processes=lambda: processes.read(places.processes, now_ms()),
        exports=exports,
        records=Records(places.ledger),
        links=Links(places.link_key),
        desk=desk_file,
        shares=Shares(places.share_key),
        photos=places.photos,
        folder=places.root,
        papers=places.reports,
    )
    try:
        app = create_app(ctx, live, desk, host=args.host, proxies=args.trusted_proxy)
    except (PageFault, TextFault) as fault:
        print(f"classair dashboard: {fault}", file=sys.stderr)
        return 2
    link = live.connect(service.broker_of(args, "dashboard"), Topics(config().org), following)
    exports.begin()
    try:
        settings = uvicorn.Config(
            app,
            host=args.host,
            port=args.port,
            log_level="warning",
            timeout_graceful_shutdown=2,
            proxy_headers=False,  # the guard reads them, from proxies that were named
        )
        progress = Progress()
        progress.watch("network", lambda: link.moved_at)
        _Server(settings, live, progress, desk_file).run()
    finally:
        link.stop()
        exports.close()
        desk.close()
    return int(desk_file.damaged)
