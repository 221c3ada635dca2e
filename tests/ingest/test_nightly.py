"""The night's work: days into the archive, old readings out of the file, and nothing lost when it is cut short."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.config import ConfigFaults, parse
from classair.config.settings import Keep
from classair.model import Reading
from classair.places import Places
from classair.stores.local_day import number_of, start_of
from classair.timetable import ZONE
from classair.units import DAY_MS
from ingest.books.books import Books
from ingest.nightly import Nightly, trimmable
from research.archive import TABLES, manifest_of

pytestmark = pytest.mark.thorough

TODAY = date(2026, 6, 10)
NIGHT = datetime(2026, 6, 10, 2, 0, tzinfo=ZONE)
OLD = TODAY - timedelta(days=40)


def reading(seq: int, day: date) -> Reading:
    return Reading("hill.pm", "hill.pi", "epoch", seq, start_of(number_of(day)) + seq, {"pm25": 5.0}, room="hill.r1")


class Night:
    """Ingest's parts around it, with a clock of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder)
        self.books = Books(self.places.readings, journal=False)
        self.keep = Keep(raw=35)
        self.at = NIGHT
        self.caught_up = True
        self.stop = threading.Event()
        self.nightly = Nightly(
            self.places,
            self.books,
            lambda job: job(),
            lambda: self.keep,
            lambda: self.caught_up,
            self.stop,
            lambda: self.at,
        )

    def rows(self) -> int:
        with self.books.store.transaction() as connection:
            return int(connection.execute("select count(*) from reading").fetchone()[0])


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    made = Night(tmp_path / "data")
    made.books.store.write(
        [reading(1, OLD), reading(2, OLD), reading(3, TODAY - timedelta(days=1)), reading(4, date(2026, 1, 1))]
    )
    yield made
    made.stop.set()
    made.books.close()


def test_a_night_archives_what_is_finished_and_takes_out_what_is_old(night: Night) -> None:
    assert night.nightly.due()
    night.nightly.work()
    assert (night.nightly.trouble, night.nightly.state) == ("", "2026-06-09")
    assert set(manifest_of(night.places.archive, "hill")) == {date(2026, 1, 1), OLD, TODAY - timedelta(days=1)}
    assert night.rows() == 1
    room = night.books.store.series("hill.r1", "pm25", 0, 2**45, DAY_MS)
    assert sum(day.n for day in room) == 4, "days still answer from their rollups"
    assert night.nightly.trim() == 0, "what is out is not asked for again"


def test_readings_stay_for_ever_unless_asked_otherwise(night: Night) -> None:
    night.keep = Keep()
    night.nightly.work()
    assert night.rows() == 4


def test_nothing_is_taken_out_without_a_file_that_is_as_it_was_verified(night: Night) -> None:
    assert trimmable(night.books.store, night.places, TODAY) == []
    night.keep = Keep()
    night.nightly.work()
    entry = manifest_of(night.places.archive, "hill")[OLD]
    path = night.places.archive / "hill" / entry.file
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert OLD not in {day for _, day, _ in trimmable(night.books.store, night.places, TODAY)}
    night.books.store.write([reading(9, date(2026, 1, 1))])
    assert [day for _, day, _ in trimmable(night.books.store, night.places, TODAY)] == [TODAY - timedelta(days=1)], (
        "a day that changed since waits for its new file"
    )


def test_nothing_is_taken_out_before_influxdb_has_everything(night: Night) -> None:
    night.caught_up = False
    night.nightly.work()
    assert night.rows() == 4


def test_it_is_due_once_a_day_after_half_past_one(night: Night) -> None:
    assert night.nightly.due(), "never written"
    night.places.archive.mkdir(parents=True)
    (night.places.archive / TABLES).write_bytes(b"")
    written = (NIGHT - timedelta(days=1)).timestamp()
    os.utime(night.places.archive / TABLES, (written, written))
    night.at = NIGHT.replace(hour=1, minute=29)
    assert not night.nightly.due()
    night.at = NIGHT.replace(hour=1, minute=30)
    assert night.nightly.due()
    night.at = NIGHT.replace(hour=0) + timedelta(days=1)
    assert night.nightly.due(), "a machine that was off makes up for it"
    night.keep = Keep(archive=False)
    assert not night.nightly.due()
    assert night.nightly.state == "archive_off"


def test_an_archive_written_while_the_clock_was_years_ahead_is_written_again(night: Night) -> None:
    night.places.archive.mkdir(parents=True)
    (night.places.archive / TABLES).write_bytes(b"")
    future = (NIGHT + timedelta(days=3650)).timestamp()
    os.utime(night.places.archive / TABLES, (future, future))
    assert night.nightly.due()


def test_a_clock_that_is_years_ahead_takes_nothing_out_that_is_recent_by_the_readings(night: Night) -> None:
    night.keep = Keep()
    night.nightly.work()
    night.keep, night.at = Keep(raw=35), NIGHT + timedelta(days=3650)
    night.nightly.trim()
    left = {day for _, day, _ in trimmable(night.books.store, night.places, date.max)}
    assert left == {TODAY - timedelta(days=1)}, "of the days before its last 35 alone"


def test_an_archive_that_fails_is_told_and_nothing_is_taken_out(night: Night) -> None:
    night.places.archive.write_bytes(b"a file where the folder should be")
    night.nightly.work()
    assert night.nightly.trouble
    assert night.rows() == 4


def test_ending_ingest_ends_the_archive(night: Night) -> None:
    night.stop.set()
    night.nightly.work()
    assert night.rows() == 4
    assert night.nightly.state == "archive_waiting"


@pytest.mark.parametrize(
    ("text", "why"), [("raw: 34", "35"), ("raw: 40\n  archive: no", "archived"), ("raw: sometimes", "raw")]
)
def test_keeping_too_little_is_refused(example: Callable[[], str], text: str, why: str) -> None:
    with pytest.raises(ConfigFaults, match=why):
        parse(f"{example()}\nkeep:\n  {text}\n", {})


def test_how_long_to_keep_is_said_in_days_or_for_ever(example: Callable[[], str]) -> None:
    def keep(text: str) -> Any:
        return parse(f"{example()}\nkeep: {{{text}}}\n", {}).keep

    assert keep("raw: forever") == Keep()
    assert keep("raw: 400") == Keep(raw=400)


@pytest.fixture
def example() -> Callable[[], str]:
    return lambda: (Path(__file__).parents[2] / "sensors.yaml").read_text("utf-8")
