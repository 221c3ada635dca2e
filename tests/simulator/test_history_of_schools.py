"""The simulated past: complete, the same every time, and never written twice."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classair.config import Config
from classair.model import QUANTITIES
from classair.places import Places
from classair.units import DAY_MS, MINUTE_MS
from classair.wire import ReadingItem, SwitchItem, stream_items
from firmware_bridge.spool.packing import SpoolRow, prefix_for
from firmware_bridge.spool.spool import Spool
from simulator import saved_state
from simulator.past import history
from simulator.past.minutes import Past
from simulator.saved_state import SimulatorState

pytestmark = pytest.mark.thorough

NOW = 1_795_600_000_000 // MINUTE_MS * MINUTE_MS
PI, OTHER = "school.pi", "school.other-pi"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def spooled(places: Places, bridge: str) -> list[ReadingItem | SwitchItem]:
    """Every item that a bridge would send, as ingest would understand it."""
    spool = Spool.open(places.spool(bridge))
    try:
        prefix = prefix_for(bridge.partition(".")[2], spool.epoch)
        return [
            item
            for row in spool.after(0, 1_000_000)
            if isinstance(row, SpoolRow)
            for item in stream_items(spool.shapes.wire(row, prefix, late=True).encode())
            if isinstance(item, (ReadingItem, SwitchItem))
        ]
    finally:
        spool.close()


def begin(places: Places, at_ms: int) -> None:
    """As if both bridges had measured until then."""
    saved_state.remember(places, SimulatorState({PI: at_ms, OTHER: at_ms}, {}, {}))


def make(places: Places, config: Config, now_ms: int = NOW) -> int:
    return history.make_history(places, config, threading.Event(), now_ms)


def test_every_sensor_has_every_minute_and_says_that_it_is_simulated(
    places: Places,
    town: Config,
    capfd: pytest.CaptureFixture[str],
) -> None:
    begin(places, NOW - DAY_MS)
    assert make(places, town) == 0
    items = spooled(places, PI) + spooled(places, OTHER)
    readings = [item for item in items if isinstance(item, ReadingItem)]
    minutes = list(range(NOW - DAY_MS + MINUTE_MS, NOW + 1, MINUTE_MS))
    for sensor in ("blue-pm", "blue-co2", "yard-pm", "red-pm", "red-co2"):
        assert [item.at for item in readings if item.sensor == sensor] == minutes
    assert all(item.simulated and item.clock == "sync" for item in readings)
    assert {(item.interval_s, item.n) for item in readings if item.sensor == "blue-pm"} == {(60.0, 57)}
    assert {(item.interval_s, item.n) for item in readings if item.sensor == "blue-co2"} == {(60.0, 15)}
    for item in readings:
        for key, value in item.values.items():
            assert QUANTITIES[key].low <= value <= QUANTITIES[key].high
    out = capfd.readouterr().out
    assert "history school.pi 100 %" in out
    assert out.splitlines()[-1] == f"history total {len(items)}"


def test_a_sensor_says_what_its_model_says(places: Places, town: Config) -> None:
    begin(places, NOW - 2 * MINUTE_MS)
    make(places, town)
    said = {
        item.sensor: set(item.values)
        for item in spooled(places, PI) + spooled(places, OTHER)
        if isinstance(item, ReadingItem)
    }
    masses = {"pm1", "pm25", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1", "n03", "n05", "n1", "n25", "version"}
    assert said == {
        "blue-pm": masses | {"temp_c", "rh_pct"},
        "yard-pm": masses | {"n5", "n10"},
        "red-pm": masses | {"n5", "n10"},
        "blue-co2": {"co2_ppm"},
        "red-co2": {"co2_ppm", "internal_temp_c"},
    }


def test_haze_switches_the_purifier_on_and_the_room_falls(places: Places, town: Config) -> None:
    begin(places, NOW - 8 * DAY_MS)
    history.write_past(places, town, PI, NOW, threading.Event())
    items = spooled(places, PI)
    pm = {item.at: item.values["pm25"] for item in items if isinstance(item, ReadingItem) and item.sensor == "blue-pm"}
    switches = [item for item in items if isinstance(item, SwitchItem)]
    assert {item.purifier for item in switches} == {"blue-fan"}  # the red room's is the other bridge's to tell
    assert switches[0].on is False and switches[0].simulated
    changes = [item.on for item in switches]
    assert all(a != b for a, b in itertools.pairwise(changes))
    starts = [item.at for item in switches if item.on]
    assert len(starts) >= 3
    for at in starts:
        assert pm[at] > 20  # the median of five minutes was ≥ 25
    runs = [(a.at, b.at) for a, b in itertools.pairwise(switches) if a.on]
    assert all(end - start >= 15 * MINUTE_MS for start, end in runs)
    fallen = [pm[end] < pm[start] for start, end in runs]
    assert all(fallen)


def test_the_past_is_the_same_every_time_and_however_it_is_cut(town: Config) -> None:
    def lived(*until: int) -> list[dict[str, Any]]:
        past = Past(town, PI, NOW - DAY_MS, {}, {})
        return [item for at in until for item in past.minutes(at)]

    whole = lived(NOW)
    assert whole == lived(NOW)
    assert whole == lived(NOW - 700 * MINUTE_MS - 17, NOW - 3 * MINUTE_MS, NOW)


def test_a_later_run_fills_only_the_pause(places: Places, town: Config) -> None:
    begin(places, NOW - DAY_MS)
    make(places, town)
    make(places, town)
    later = NOW + 3 * 3_600_000
    make(places, town, later)
    minutes = [item.at for item in spooled(places, PI) if isinstance(item, ReadingItem) and item.sensor == "blue-pm"]
    assert minutes == list(range(NOW - DAY_MS + MINUTE_MS, later + 1, MINUTE_MS))


def test_no_more_than_14_days_are_made(places: Places, town: Config) -> None:
    begin(places, NOW - 400 * DAY_MS)
    written, finished = history.write_past(places, town, OTHER, NOW, threading.Event())
    assert finished and written >= 2 * 14 * 1440
    spool = Spool.open(places.spool(OTHER))
    (first,) = spool.after(1, 1)
    spool.close()
    assert isinstance(first, SpoolRow) and first.at == NOW - 14 * DAY_MS + MINUTE_MS


def test_the_live_world_goes_on_from_where_the_past_ended(places: Places, town: Config) -> None:
    begin(places, NOW - DAY_MS)
    make(places, town)
    kept = saved_state.recall(places)
    assert kept.bridges == {PI: NOW, OTHER: NOW}
    assert set(kept.world["rooms"]) == {"school.blue", "school.red", "school.yard"}
    last = [item for item in spooled(places, PI) if isinstance(item, SwitchItem)][-1]
    assert kept.plugs["school.blue-fan"]["on"] is last.on
    # A purifier left running has an expiry, so that nobody's absence leaves it running for ever.
    assert kept.plugs["school.blue-fan"]["remaining_s"] == (300.0 if last.on else 0.0)


def test_a_spool_whose_past_nobody_remembers_gets_none_made_up(places: Places, town: Config) -> None:
    begin(places, NOW - DAY_MS)
    make(places, town)
    before = len(spooled(places, PI))
    saved_state.place_of(places).write_text("{broken")
    make(places, town, NOW + 3_600_000)
    assert len(spooled(places, PI)) == before


def test_a_running_bridge_is_left_alone(places: Places, town: Config, capfd: pytest.CaptureFixture[str]) -> None:
    begin(places, NOW - DAY_MS)
    spool = Spool.open(places.spool(PI))
    try:
        assert make(places, town) == 1
    finally:
        spool.close()
    assert "in use by another process" in capfd.readouterr().err
    assert saved_state.recall(places).bridges == {PI: NOW - DAY_MS, OTHER: NOW}


@pytest.mark.parametrize("committed", [False, True])
def test_a_run_cut_off_around_a_commit_repeats_and_leaves_out_nothing(
    places: Places,
    town: Config,
    committed: bool,
) -> None:
    begin(places, NOW - DAY_MS)
    half = NOW - DAY_MS // 2
    past = Past(town, PI, NOW - DAY_MS, {}, {})
    before = history.Standing.of(past)
    items = list(past.minutes(half))
    spool = Spool.open(places.spool(PI))
    history._keep(places, PI, history.Note(spool.epoch, spool.next_seq, before, history.Standing.of(past)))
    if committed:
        spool.extend(items)
    spool.close()
    make(places, town)
    expected = list(Past(town, PI, NOW - DAY_MS, {}, {}).minutes(NOW))
    found = spooled(places, PI)
    # The controller's patience begins anew where it was cut, so switches may move; minutes may not.
    assert [(item.at, item.sensor) for item in found if isinstance(item, ReadingItem)] == [
        (item["at"], item["sensor"]) for item in expected if "sensor" in item
    ]


def test_killed_at_any_moment_it_ends_up_complete_and_nothing_is_doubled(
    places: Places,
    town_text: str,
    tmp_path: Path,
    wait_for: Callable[..., Any],
    exhaustive: bool,
) -> None:
    began = round(time.time() * 1000) // MINUTE_MS * MINUTE_MS - 4 * DAY_MS
    begin(places, began)
    config = tmp_path / "sensors.yaml"
    config.write_text(town_text)
    command = [
        sys.executable,
        "-m",
        "classair",
        "simulate",
        "--history",
        "--data",
        str(places.root),
        "--config",
        str(config),
    ]
    note = places.sim_port("history-school.pi.json")
    seen = ""
    for _ in range(12 if exhaustive else 2):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

        def moved(process: subprocess.Popen[bytes] = process) -> bool:
            nonlocal seen
            text = note.read_text() if note.exists() else ""
            if text and text != seen:
                seen = text
                return True
            return process.poll() is not None

        wait_for(moved, 30, "the history to move on")
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for bridge, sensors in ((PI, 3), (OTHER, 2)):
        readings = [item for item in spooled(places, bridge) if isinstance(item, ReadingItem)]
        keys = {(item.sensor, item.at) for item in readings}
        assert len(keys) == len(readings)
        last = max(at for _, at in keys)
        assert last >= began + 4 * DAY_MS
        assert len(keys) == sensors * (last - began) // MINUTE_MS


def test_two_simulators_of_one_folder_exclude_each_other(places: Places) -> None:
    refused = pytest.raises(saved_state.AlreadyPlayed, match="another simulator")
    with saved_state.alone(places), refused, saved_state.alone(places, patience_s=0.0):
        pass
    entered = False
    with saved_state.alone(places, patience_s=0.0):
        entered = True
    assert entered
