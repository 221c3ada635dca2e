"""A school with two rooms, three sensors, an accepted correction, a purifier, an event and a hole, for packages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from classair.config import Config, parse
from classair.model import Flag, Missing, Reading, SwitchEvent
from classair.places import Places
from classair.science.corrections import Correction
from classair.stores.corrections import add
from classair.stores.events import SchoolEvent, put
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from ingest.books.books import Books
from research.export.request import Request
from research.export.sources import Sources, opened

MONDAY = 1_795_366_800_000  # 2026-11-23T00:00+07:00

SCHOOL = """
org: demo-town
timetables:
  all: {occupied: ["08:00-15:30"], lessons: ["09:00-11:00", "13:00-15:00"]}
sites:
  hill:
    name: {th: โรงเรียนบ้านเนินตัวอย่าง, en: Hill example school}
    bridges: {pi: {}}
    rooms:
      r1: {name: R1, volume_m3: 180, timetable: all}
      yard: {name: {th: สนาม, en: Yard}, outdoor: yes}
    sensors:
      pm: {bridge: pi, room: r1, model: pms5003t, port: "usb:1-1"}
      out: {bridge: pi, room: yard, model: pms5003t, port: "usb:1-2"}
      air: {bridge: pi, room: r1, model: s8, port: "usb:1-3"}
    purifiers:
      fan: {room: r1, kind: dry_run, cadr_m3h: 300}
"""


def readings(days: int = 3) -> list[Reading]:
    """A value a minute in each room; the value is the hour; the first half hour of each day is warming up, an hour of
    the second day is missing; in the room PM2.5 is lost from 20:00 to 21:00 of the third. A third sensor has CO2 alone.
    """
    found = [
        Reading(
            "hill.air",
            "hill.pi",
            "ab12cd34ef",
            200_001 + n,
            MONDAY + n * MINUTE_MS,
            {"co2_ppm": 600.0},
            60.0,
            room="hill.r1",
        )
        for n in range(days * 1440)
    ]
    for number, (sensor, room) in enumerate((("hill.pm", "hill.r1"), ("hill.out", "hill.yard"))):
        for minute in range(days * 1440):
            if 1440 + 300 <= minute < 1440 + 360:
                continue
            inside = minute % 1440
            lost = number == 0 and 2880 + 1200 <= minute < 2880 + 1260
            found.append(
                Reading(
                    sensor,
                    "hill.pi",
                    "ab12cd34ef",
                    number * 100_000 + minute + 1,
                    MONDAY + minute * MINUTE_MS,
                    {**({} if lost else {"pm25": inside // 60 + number * 20.125}), "rh_pct": 60.0, "temp_c": -1.5},
                    60.0,
                    n=6,
                    flags=Flag.WARMUP if inside < 30 else Flag.NONE,
                    value_flags={"pm25": int(Flag.SPIKE)} if inside == 700 else {},
                    room=room,
                    late=inside == 800,
                )
            )
    return found


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = Places(tmp_path_factory.mktemp("hill"))
    config = parse(SCHOOL)
    books = Books(there.readings, journal=False)
    version = books.versions.add(SCHOOL, MONDAY - 10 * HOUR_MS)
    with books.store.transaction() as connection:
        moves, _ = books.deployments.plan(config, MONDAY, books.newest_reading)
        books.deployments.apply(moves, version.version)
        put(
            connection,
            SchoolEvent(
                "e1",
                "hill",
                "hill.r1",
                "filter_change",
                MONDAY + HOUR_MS,
                MONDAY + HOUR_MS,
                '=HYPERLINK("x")',
                "account:one",
                MONDAY,
            ),
        )
        add(
            connection,
            Correction(
                "hill-2026",
                1,
                "linear",
                {"slope": 0.5, "intercept": 1.0},
                valid_from=MONDAY + DAY_MS,
                sensors=("hill.pm",),
                data_set="beside the reference, 10 days",
                author="one",
                accepted_at=MONDAY,
            ),
        )
    books.store.write(readings())
    books.store.write_switches(
        [
            SwitchEvent("hill.fan", MONDAY + 9 * HOUR_MS, True, "pm25 high"),
            SwitchEvent("hill.fan", MONDAY + 10 * HOUR_MS, False, "clean"),
        ]
    )
    books.store.write_missing(
        [Missing("hill.pm", MONDAY + DAY_MS + 5 * HOUR_MS, MONDAY + DAY_MS + 6 * HOUR_MS, 60, "unplugged", "hill.pi")]
    )
    books.close()
    return there.root


@pytest.fixture
def places(_written: Path, tmp_path: Path) -> Places:
    """A data folder of this test's own."""
    shutil.copytree(_written, tmp_path / "data")
    return Places(tmp_path / "data")


@pytest.fixture(scope="session")
def school_text() -> str:
    return SCHOOL


@pytest.fixture(scope="session")
def school() -> Config:
    return parse(SCHOOL)


@pytest.fixture
def sources(places: Places, school: Config) -> Iterator[Sources]:
    with opened(places, school) as found:
        yield found


@pytest.fixture
def late(places: Places) -> Callable[[], None]:
    """A row that comes after the fact, on the second day."""

    def write() -> None:
        store = SqliteStore(places.readings)
        store.write(
            [
                Reading(
                    "hill.pm",
                    "hill.pi",
                    "late0",
                    1,
                    MONDAY + DAY_MS + 5 * HOUR_MS + 7,
                    {"pm25": 99.0},
                    60.0,
                    room="hill.r1",
                    late=True,
                )
            ]
        )
        store.close()

    return write


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """A request of both rooms and three days."""

    def request(step: str = "1h", **more: object) -> Request:
        return Request.parse(
            {
                "rooms": "hill.r1,hill.yard",
                "first": "2026-11-23",
                "last": "2026-11-25",
                "step": step,
                "quantities": "pm25,rh_pct",
                **more,
            }
        )

    return request


DESCRIBED = """
    position: {lat: 13.95, lon: 100.5, altitude_m: 3}
    data: {licence: CC-BY-4.0, doi: "https://doi.org/10.5281/zenodo.7", contact: data@example.org, url: "https://example.org/air"}
"""


@pytest.fixture(scope="session")
def described_text() -> str:
    """The school with everything that can be said of it: of its data, of a room, of a sensor."""
    return (
        SCHOOL.replace("    bridges:", f"{DESCRIBED.strip(chr(10))}\n    bridges:")
        .replace("volume_m3: 180,", "volume_m3: 180, capacity: 32, floor: 2, position: {lat: 13.951, lon: 100.501},")
        .replace('port: "usb:1-1"', 'port: "usb:1-1", serial: "PM-0042", height_m: 1.2')
        .replace('port: "usb:1-3"', 'port: "usb:1-3", identity: "S8-7"')
    )


@pytest.fixture
def described(places: Places, described_text: str) -> Iterator[Sources]:
    with opened(places, parse(described_text)) as found:
        yield found
