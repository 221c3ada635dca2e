"""What is not well with the system itself: disks, the ledger, backups, services; by their own figures and markers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.ledger_schema import Notice
from alerts.upkeep import DISK_LOW, Upkeep
from classair.places import Places
from classair.wire import BridgeStatus, ServiceStatus, Topics

TOPICS = Topics("town")
NOW, MIN, HOUR = 1_790_000_000_000, 60_000, 3_600_000


@pytest.fixture
def upkeep(tmp_path: Path) -> Upkeep:
    return Upkeep(Places(tmp_path))


def _ingest(upkeep: Upkeep, state: str = "online", **figures: Any) -> None:
    status = ServiceStatus(service="ingest", state=state, figures=figures)  # type: ignore[arg-type]
    upkeep.hear(TOPICS.service_status("ingest"), status.model_dump_json().encode())


def _whats(upkeep: Upkeep, *notices: Notice, failing: str = "", now: int = NOW) -> list[tuple[str, str, int]]:
    return [(it.what, it.subject, it.since) for it in upkeep.troubles(list(notices), failing, now)]


def test_all_is_well_where_nothing_was_said_and_no_backup_was_ever_made(upkeep: Upkeep) -> None:
    assert _whats(upkeep) == []


def test_a_disk_is_low_by_ingests_figure_and_since_it_was_heard_first(upkeep: Upkeep) -> None:
    _ingest(upkeep, disk_free=DISK_LOW - 1)
    assert _whats(upkeep) == [("disk_low", "server", NOW)]
    assert _whats(upkeep, now=NOW + MIN) == [("disk_low", "server", NOW)]
    _ingest(upkeep, disk_free=DISK_LOW * 10)
    assert _whats(upkeep, now=NOW + 2 * MIN) == []


def test_before_anybody_has_looked_at_a_disk_it_is_unknown() -> None:
    upkeep = Upkeep(None)
    assert upkeep.unknown() == {"disk_low"}
    _ingest(upkeep, disk_free=DISK_LOW * 10)
    assert upkeep.unknown() == set()


def test_the_ledger_and_a_bridges_disk_are_told(upkeep: Upkeep) -> None:
    topic = TOPICS.bridge("s1", "pi", "status")
    upkeep.hear(topic, BridgeStatus(state="online", storage="disk full").model_dump_json().encode())
    assert _whats(upkeep, failing="disk full") == [("ledger", "alerts", NOW), ("bridge_disk", "s1.pi", NOW)]
    upkeep.hear(topic, BridgeStatus(state="online").model_dump_json().encode())
    assert _whats(upkeep) == []
    upkeep.hear(topic, b"not json")
    assert _whats(upkeep) == []


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ({"at": NOW - HOUR, "ok": True}, []),
        ({"at": NOW - HOUR, "ok": False, "error": "disk full"}, [("backup_failed", "backup", NOW - HOUR)]),
        ({"at": NOW - 49 * HOUR, "ok": True}, [("backup_old", "backup", NOW - 49 * HOUR)]),
        ("{", []),
        ([1], []),
    ],
)
def test_a_backup_is_judged_by_the_marker_of_whoever_makes_it(tmp_path: Path, marker: Any, expected: Any) -> None:
    places = Places(tmp_path)
    places.backup.write_text(marker if isinstance(marker, str) else json.dumps(marker), "utf-8")
    assert _whats(Upkeep(places)) == expected


def test_services_broker_and_database_are_told_as_they_are_noticed(upkeep: Upkeep) -> None:
    notices = [
        Notice(NOW - MIN, "service:dashboard", "dashboard", "", "hung"),
        Notice(NOW - MIN, "broker", "broker", ""),
        Notice(NOW - MIN, "store", "store", "", "no route"),
        Notice(NOW - MIN, "sensor", "s1.pm", "s1.r1", "silent"),
    ]
    found = [("hung", "dashboard", NOW - MIN), ("broker", "broker", NOW - MIN), ("store", "store", NOW - MIN)]
    assert _whats(upkeep, *notices) == found


def test_ingest_that_is_offline_is_told_also_where_no_supervisor_watches_it(upkeep: Upkeep) -> None:
    _ingest(upkeep, "offline")
    assert _whats(upkeep) == [("died", "ingest", NOW)]
    assert _whats(upkeep, Notice(NOW - MIN, "service:ingest", "ingest", "", "hung")) == [("hung", "ingest", NOW - MIN)]


def test_a_clock_that_was_put_right_is_told_once(upkeep: Upkeep) -> None:
    upkeep.clock_stepped(300_000, NOW)
    assert [(it.what, it.detail, it.once) for it in upkeep.troubles([], "", NOW)] == [("clock", "+300 s", True)]
    assert upkeep.troubles([], "", NOW + 1000) == []
