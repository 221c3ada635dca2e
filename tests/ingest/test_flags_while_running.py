"""A past is judged anew through a running ingest, and a restart forgets nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from classair.model import BAD, Flag
from classair.units import DAY_MS, MINUTE_MS
from ingest.commands import flags as flags_command
from tests.ingest.asked import rows


def test_through_a_running_ingest_and_by_its_own_hourly_look(
    school: Any, bridge: Any, wait_for: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ingest = school.begin()
    at = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS - 6 * 3_600_000
    bridge.send(
        [
            {
                "bridge": "pi-1",
                "epoch": "abcdef012345",
                "seq": i + 1,
                "sensor": "a-pm",
                "at": at + i * MINUTE_MS,
                "interval_s": 60.0,
                "values": {"pm25": 300.0 if i == 50 else 20.0 + i % 7},
                "simulated": True,
                "late": True,
            }
            for i in range(180)
        ]
    )
    wait_for(lambda: bridge.upto() == 180, what="stored")
    assert rows(school.places, "select count(*) from reading where vflags is not null") == [(0,)]
    assert (
        flags_command.main(
            [
                "--data",
                str(school.places.root),
                "--broker",
                f"mqtt://127.0.0.1:{school.port}",
                "--from",
                str(at - DAY_MS),
            ]
        )
        == 0
    )
    assert "+SPIKE 1" in capsys.readouterr().out
    assert rows(school.places, "select vflags from reading where vflags is not null") == [(f"pm25:{int(Flag.SPIKE)}",)]
    bridge.ask(
        "flags_apply",
        changes=[
            {
                "sensor": "north.a-pm",
                "quantities": ["pm25"],
                "remove": int(Flag.SPIKE),
                "start": at,
                "end": at + 180 * MINUTE_MS,
            }
        ],
    )
    wait_for(
        lambda: rows(school.places, "select count(*) from reading where vflags is not null") == [(0,)],
        what="the flag gone",
    )
    assert ingest._recheck_schedule.round(2) == 1
    wait_for(
        lambda: rows(school.places, "select count(*) from reading where vflags is not null") == [(1,)],
        what="the flag back",
    )


def test_a_restart_forgets_no_stuck_sensor(school: Any, bridge: Any, wait_for: Callable[..., Any]) -> None:
    at = int(time.time() * 1000) - 62 * MINUTE_MS
    stuck = [
        {
            "bridge": "pi-1",
            "epoch": "abcdef012345",
            "seq": i + 1,
            "sensor": "a-pm",
            "at": at + i * MINUTE_MS,
            "interval_s": 60.0,
            "values": {"pm25": 44.0, "pm10": 50.0, "n03": 5000.0},
            "simulated": True,
        }
        for i in range(62)
    ]
    school.spawn()
    bridge.send(stuck[:55])
    wait_for(lambda: bridge.upto() == 55, what="stored")
    school.kill()
    school.spawn()
    bridge.send(stuck[50:])
    wait_for(lambda: bridge.upto() == 62, what="stored")
    assert rows(school.places, "select seq from reading where vflags is not null order by seq") == [(61,), (62,)]
    assert BAD & Flag.STUCK
