"""The dashboard as its users meet it: a real web server on loopback, a real desk, states as alerts publishes them."""

from __future__ import annotations

import json
import math
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from argon2 import PasswordHasher

from classair import config as configuration
from classair.alerting.links import Links
from classair.alerting.reading import Records
from classair.arguments import networks
from classair.broker import BrokerAddress, Link, Message
from classair.config import yamltext
from classair.model import Flag, Reading
from classair.science.advice import Need
from classair.science.corrections import Corrections
from classair.science.state import CO2, PM25, Measure, RoomMemory, Scale, Sight, Track, current, room_state
from classair.service import Following
from classair.stores.corrections import accepted_corrections
from classair.stores.memory.store import MemoryStore
from classair.stores.sqlite.store import SqliteStore
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import (
    Answer,
    Ask,
    Beat,
    BridgeStatus,
    Current,
    PurifierState,
    RoomState,
    SensorHealth,
    ServiceStatus,
    Topics,
)
from dashboard.access.desk import Desk
from dashboard.app import Application, create_app
from dashboard.context import Context
from dashboard.live import processes
from dashboard.live.hub import Hub
from dashboard.live.live import Live
from dashboard.public.pages import build
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries
from dashboard.reports.shares import Shares
from ingest.books.books import Books
from tests.classair.alerting.filled import empty_ledger, put, put_alert, put_notification
from tests.neighbours.ports import free_port

SCHOOLS = Path(__file__).parents[2] / "sensors.yaml"
MONDAY = 1_795_366_800_000  # 2026-11-23T00:00+07:00
ALIVE_MS = 10 * MINUTE_MS
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hundreds of houses and sign-ins: what a real password costs is a matter of tests/dashboard/access/test_desk.py."""
HAS: frozenset[Need] = frozenset({"purifier", "openings", "clean_room"})


def schools_with(more: str) -> configuration.Config:
    """The demo's schools. What `more` says of rules, people and chains is added, or stands in place of the demo's."""
    whole = yamltext.read(SCHOOLS.read_text("utf-8"))
    for key, section in yamltext.read(more).items():
        whole[key] = {**whole.get(key, {}), **section} if isinstance(section, dict) else section
    return configuration.parse(json.dumps(whole), {})


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Answered:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class _Still(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer to look at, not a thing to follow."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class House:
    """A running dashboard. `offset_ms` moves its clock, `config` is the one in force; `ask` speaks HTTP to it.

    `still_at`: its clock stands at this moment (UTC ms) instead of going on.
    """

    app: Application
    live: Live
    desk: Desk
    config: configuration.Config
    processes: Path
    port: int = 0
    offset_ms: int = 0
    still_at: int | None = None
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None
    _opener: urllib.request.OpenerDirector = field(default_factory=lambda: urllib.request.build_opener(_Still()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = self.port or free_port()
        taken.bind(("127.0.0.1", self.port))
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, log_level="error", timeout_graceful_shutdown=1, proxy_headers=False)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [taken]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < until and self._thread.is_alive(), "the web server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)

    def ask(self, path: str, method: str = "GET", *, body: bytes | None = None, **headers: str) -> Answered:
        """Header names with _ for -."""
        request = urllib.request.Request(
            self.url + path,
            data=body,
            method=method,
            headers={key.replace("_", "-"): value for key, value in headers.items()},
        )
        try:
            with self._opener.open(request, timeout=60) as answer:
                return Answered(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answered(error.code, error.headers, error.read())

    def put(self, state: RoomState) -> None:
        """As if the broker had brought it."""
        site, _, room = state.room.partition(".")
        topics = Topics(self.config.org)
        self.live.hear(topics.room_now(site, room), state.model_dump_json().encode())
        if state.purifier is not None:
            site, _, unit = state.purifier.purifier.partition(".")
            self.live.hear(topics.purifier_state(site, unit), state.purifier.model_dump_json().encode())

    def alive(self, *, silent: Collection[str] = (), mail: bool = False) -> None:
        """Every part speaks: broker, services, bridges, sensors; but for those that are named (`bridge/<id>` …).

        `mail`: a server for outgoing mail is set up.

        Their words are ALIVE_MS ahead, so that nobody has to go on speaking for them during a slow test.
        """
        topics, at = Topics(self.config.org), now_ms() + self.offset_ms + ALIVE_MS
        self.live.broker_is(up="broker" not in silent)
        for name in ("ingest", "alerts", "simulator"):
            if f"service/{name}" not in silent:
                figures: dict[str, Any] = {"mail": int(mail)} if name == "alerts" else {}
                word = ServiceStatus(service=name, state="online", at=at, pid=1, config_version=1, figures=figures)
                self.live.hear(topics.service_status(name), word.model_dump_json().encode())
        if "service/alerts" not in silent:
            self.live.hear(topics.beat, Beat(term=1, at=at).model_dump_json().encode())
        for full, _ in self.config.bridges():
            if f"bridge/{full}" not in silent:
                status = BridgeStatus(state="online", at=at, epoch="ab12cd34ef", clock="sync")
                self.live.hear(topics.bridge(*full.split("."), "status"), status.model_dump_json().encode())
        for full, sensor in self.config.sensors():
            if f"sensor/{full}" not in silent:
                health = SensorHealth(state="ok", at=at, bridge=sensor.bridge)
                self.live.hear(topics.sensor_health(*full.split(".")), health.model_dump_json().encode())

    def sign_in(self, name: str, password: str) -> dict[str, str]:
        """The headers a browser of this account would send."""
        answer = self.ask(
            "/login",
            "POST",
            body=f"name={name}&password={password}".encode(),
            Content_Type="application/x-www-form-urlencoded",
            Origin=self.url,
        )
        assert answer.status == 303, answer.text
        cookies = dict(line.partition(";")[0].split("=", 1) for line in answer.headers.get_all("Set-Cookie"))
        return {
            "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items()),
            "Origin": self.url,
            "X_CSRF_Token": cookies["classair_csrf"],
        }


@contextmanager
def alerts_double(house: House, mosquitto: Any, answer: Callable[[Ask], Answer]) -> Iterator[None]:
    """The house at a real broker, at which `answer` answers for alerts."""
    topics, ready = Topics(house.config.org), threading.Event()

    def hear(message: Message) -> None:
        ask = Ask.model_validate_json(message.payload)
        alerts.publish(topics.answer(ask.id), answer(ask).model_dump_json(), qos=1)

    alerts = Link(
        BrokerAddress(mosquitto.host, mosquitto.port, "alerts-double"),
        on_message=hear,
        on_up=ready.set,
        subscriptions=[(topics.ask("alerts", "+"), 1)],
    )
    alerts.start()
    link = house.live.connect(
        BrokerAddress(mosquitto.host, mosquitto.port, "dashboard-of-this-test"),
        topics,
        Following(house.processes.with_name("accepted.json")),
    )
    try:
        assert ready.wait(10) and link.wait_up(60)
        yield
    finally:
        link.stop()
        alerts.stop()


def state_of(
    room: str,
    pm25: float | None = 18,
    *,
    age_s: float = 60,
    at: int | None = None,
    co2: float | None = 870,
    outdoor: float | None = 46,
    on: bool | None = True,
    minutes_left: int | None = None,
    play: int | None = 4,
    told_at: int | None = None,
) -> RoomState:
    """A room's state as alerts works it out from a window that ended `age_s` before `at`."""
    at = now_ms() if at is None else at
    newest = at - round(age_s * 1000)

    def track(value: float | None, scale: Scale) -> Track:
        if value is None:
            return Track()
        return Track(newest, value, scale.level_of(value), "", 0, scale.shown(value), newest)

    def value_of(value: float | None, scale: Scale) -> Current:
        return current(track(value, scale), Measure(newest, value), at, expected=value is not None)

    unit = PurifierState(
        purifier=f"{room}-fan",
        room=room,
        on=on,
        since=at - 3_600_000,
        at=at,
        mode="auto",
        confirmed=True,
        simulated=True,
    )
    seen = Measure(newest, pm25) if minutes_left is None else Measure(at, None, minutes_left)
    sight = Sight(
        room=room,
        has=HAS,
        pm25=seen,
        co2=Measure(newest, co2),
        outdoor=value_of(outdoor, PM25),
        play_level=play,
        play_over="day",
        purifiers=(unit,),
        simulated=True,
        config_version=1,
        told_at=told_at,
    )
    return room_state(sight, RoomMemory(pm25=track(pm25, PM25), co2=track(co2, CO2)), at)[0]


def three_hours(store: MemoryStore, room: str, sensor: str, base: float, until: int, gap: bool = False) -> None:
    """A value a minute for three hours, with half an hour missing in the middle when `gap`."""
    start = until - 180 * 60_000
    store.write(
        Reading(
            sensor=sensor,
            bridge="ban-suan.suan-pi",
            epoch="ab12cd34ef",
            seq=abs(hash((sensor, i))) % 10**12 + 1,
            at_ms=start + i * 60_000,
            interval_s=60,
            room=room,
            simulated=True,
            values={"pm25": round(base + base / 3 * math.sin(i / 25), 1)},
        )
        for i in range(1, 181)
        if not (gap and 70 < i < 110)
    )


@pytest.fixture
def make_state() -> Callable[..., RoomState]:
    return state_of


@pytest.fixture(scope="session")
def schools() -> configuration.Config:
    return configuration.load(SCHOOLS, {})


class Builder:
    """Makes running dashboards and ends them."""

    def __init__(self, folder: Path, schools: configuration.Config) -> None:
        self.folder, self.schools = folder, schools
        self.begun: list[House] = []

    def __call__(
        self,
        *,
        host: str = "127.0.0.1",
        proxies: str = "",
        config: configuration.Config | None = None,
        store: Any = None,
        readings: Path | None = None,
        exports: Any = None,
        ledger: Path | None = None,
    ) -> House:
        """`host` is what it believes to listen on; it always listens on loopback.

        `readings`, `ledger`: readings.db and ledger.db, if any. `proxies`: as --trusted-proxy takes them.
        """
        config = config or self.schools
        where = SimpleNamespace(house=None)

        def clock() -> int:
            if where.house is None:
                return now_ms()
            return now_ms() + where.house.offset_ms if where.house.still_at is None else where.house.still_at

        def configured() -> configuration.Config:
            return where.house.config if where.house is not None else config

        live = Live(Hub(build(), clock), clock)
        desk = Desk(self.folder / f"desk-{len(self.begun)}.db", clock, CHEAP)
        written = self.folder / f"services-{len(self.begun)}.json"
        ctx = Context(
            config=configured,
            queries=Queries(
                lambda: store,
                configured,
                store,
                (lambda: accepted_corrections(readings)) if readings else Corrections,
                clock,
            ),
            live=live,
            now_ms=clock,
            research=Research(lambda: store, configured, readings or self.folder / "readings.db", clock),
            processes=lambda: processes.read(written, clock()),
            exports=exports,
            records=Records(ledger),
            links=Links(self.folder / "link-key"),
            desk=desk.file,
            shares=Shares(self.folder / "share-key"),
            photos=self.folder / "photos",
            folder=self.folder,
        )
        house = House(create_app(ctx, live, desk, host=host, proxies=networks(proxies)), live, desk, config, written)
        where.house = house
        house.alive()
        house.start()
        self.begun.append(house)
        return house

    def demo(self) -> House:
        """Simulated schools on loopback with three hours in a memory store."""
        store = MemoryStore()
        three_hours(store, "ban-suan.p1-2", "ban-suan.p1-2-pm", 18, now_ms(), gap=True)
        three_hours(store, "ban-suan.yard", "ban-suan.yard-pm", 46, now_ms())
        return self(store=store)

    def close(self) -> None:
        for house in self.begun:
            house.stop()
            house.desk.close()


@pytest.fixture
def make_house(tmp_path: Path, schools: configuration.Config) -> Iterator[Builder]:
    """`make_house(host=…, config=…, store=…)`: a running dashboard of this test alone."""
    builder = Builder(tmp_path, schools)
    yield builder
    builder.close()


@pytest.fixture
def own_house(make_house: Builder) -> House:
    """The demo, of this test alone: for those that add accounts or change the application."""
    return make_house.demo()


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory, schools: configuration.Config) -> Iterator[House]:
    builder = Builder(tmp_path_factory.mktemp("house"), schools)
    yield builder.demo()
    builder.close()


@pytest.fixture
def house(_shared: House) -> Iterator[House]:
    """The demo, shared by all tests that only look: a fresh state for every room but the yard, the clock set right."""
    _shared.offset_ms = 0
    _shared.alive()
    for room in ("a1-1", "p1-2", "p1-10", "p4-1"):
        _shared.put(state_of(f"ban-suan.{room}"))
    _shared.put(state_of("rim-khlong.a2-1", outdoor=None))
    yield _shared
    _shared.offset_ms = 0


# -- a day for researchers ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def readings(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Path:
    """A day of two rooms: the value is the hour; the first half hour is warming up."""
    path = tmp_path_factory.mktemp("research") / "readings.db"
    books = Books(path, journal=False)
    version = books.versions.add(SCHOOLS.read_text("utf-8"), MONDAY - 10 * HOUR_MS)
    with books.store.transaction():
        moves, _ = books.deployments.plan(schools, MONDAY, books.newest_reading)
        books.deployments.apply(moves, version.version)
    books.store.write(
        Reading(
            f"ban-suan.{room}-pm",
            "ban-suan.suan-pi",
            "ab12cd34ef",
            number * 5000 + minute + 1,
            MONDAY + minute * MINUTE_MS,
            {"pm25": float(minute // 60), "rh_pct": 60.0},
            60.0,
            flags=Flag.WARMUP if minute < 30 else Flag.NONE,
            room=f"ban-suan.{room}",
            simulated=True,
        )
        for number, room in enumerate(("p1-2", "yard"))
        for minute in range(1440)
    )
    books.close()
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return filled_ledger(tmp_path / "ledger.db")


def filled_ledger(path: Path) -> Path:
    """An alert that fires and is known to one person, a silence, and a smoke episode with a task."""
    empty_ledger(path)
    put_alert(path, "al-1")
    put_notification(path, "n-1", "al-1", channel="line", delivered_at=now_ms(), reached=1)
    put(
        path,
        "silence",
        id="si-1",
        at=now_ms(),
        until=now_ms() + HOUR_MS,
        site="ban-suan",
        room="",
        subject="",
        rule="",
        who="caretaker:somchai",
        why="paint",
    )
    put(
        path,
        "episode",
        id="ep-1",
        name="",
        sites='["ban-suan"]',
        opened_at=now_ms() - HOUR_MS,
        opened_by="caretaker:somchai",
        why="smoke",
    )
    put(
        path,
        "episode_task",
        id="et-1",
        episode="ep-1",
        at=now_ms() - HOUR_MS,
        words="default:masks",
        site="ban-suan",
        room="",
        owner="caretaker",
        due_at=now_ms(),
    )
    return path


@pytest.fixture
def school(make_house: Any, readings: Path, ledger: Path) -> Iterator[Any]:
    store = SqliteStore(readings, readonly=True)
    yield make_house(store=store, readings=readings, ledger=ledger)
    store.close()
