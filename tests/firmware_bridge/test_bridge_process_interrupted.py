"""A bridge that is killed, cut off, or started where another runs."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.service import main
from firmware_bridge.spool.contents import BURST
from tests.firmware_bridge.bridge_process import AIR, Running, pm, pump, school


def test_a_killed_bridge_goes_on_where_it_was_and_every_number_is_accounted_for(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    running.configure(pm(running.name))
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    stop = pump(sensor, 0.02)
    for round_ in range(3):
        running.start()
        seen = len(ingest.items)
        wait_for(lambda seen=seen: len(ingest.items) > seen + 20, 15, f"readings in round {round_}")
        running.kill()
    wait_for(lambda: any(it["state"] == "offline" for it in ingest.status), 20, "the last will")
    stop()
    running.start()
    current = wait_for(lambda: ingest.status[-1]["state"] == "online" and ingest.status[-1]["epoch"], 10, "its return")
    wait_for(lambda: ingest.upto(current) >= 3 * BURST, 15, "everything dealt with")
    (epoch,) = {epoch for epoch, _ in ingest.items}
    seqs = sorted(seq for _, seq in ingest.items)
    assert epoch == current
    assert len(seqs) == len(set(seqs))
    assert {gap["reason"] for gap in ingest.gaps} == {"bridge restarted"}
    assert running.end() == 0


@pytest.mark.slow
def test_what_is_measured_while_the_broker_is_away_arrives_late_and_complete(
    broker: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(broker.url)
    running.configure(pm(running.name))
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(broker.url, "demo-town", "school", running.name)
    stop = pump(sensor, 0.05)
    running.start()
    wait_for(lambda: len(ingest.items) > 5, 15, "readings before")
    broker.kill()
    seen = max(seq for _, seq in ingest.items)
    time.sleep(1.0)  # a second's readings are measured meanwhile
    broker.start()
    wait_for(lambda: max(seq for _, seq in ingest.items) > seen + 30, 30, "readings after")
    stop()
    (epoch,) = {epoch for epoch, _ in ingest.items}
    newest = max(seq for _, seq in ingest.items)
    wait_for(lambda: ingest.upto(epoch) >= newest, 15, "an unbroken run")
    assert any(item.get("late") for item in ingest.items.values())
    assert not ingest.gaps


def test_a_wrong_start_is_answered_with_what_would_be_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sensors.yaml"
    file.write_text(school("pi", pm("pi")), "utf-8")
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        assert main(["--bridge", "school.pie", "--config", str(file), "--data", str(tmp_path)]) == 2
        assert "known: school.pi" in capsys.readouterr().err
        file.write_text("org: demo-town\nsites: {}\n", "utf-8")
        assert main(["--bridge", "school.pi", "--config", str(file), "--data", str(tmp_path)]) == 2
        assert "sites" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main(["--bridge", "pi"])
        assert "SITE.ID" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGTERM, handlers[0])
        signal.signal(signal.SIGINT, handlers[1])


def test_two_bridges_of_one_name_exclude_each_other(
    mosquitto: Any,
    bridge: Any,
    wait_for: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    running = bridge(mosquitto.url)
    running.configure(pm(running.name))
    running.start()
    wait_for(lambda: "bridge_started" in running.log, 10, "the first")
    second = Running(running.folder, running.url, running.name)
    second.start()
    assert second.process is not None
    assert second.process.wait(60) == 1
    assert "in use by another process" in running.log
    assert running.end() == 0


@pytest.mark.slow
def test_what_was_missing_while_the_bridge_was_killed_or_the_sensor_unplugged_is_told_with_its_reason(
    mosquitto: Any,
    bridge: Any,
    pty_sensor: Any,
    small_ingest: Any,
    wait_for: Any,
) -> None:
    running = bridge(mosquitto.url)
    running.configure(pm(running.name, every="1s"))
    sensor = pty_sensor(running.places.sim_port("school.blue-pm"), "pms5003t", AIR)
    ingest = small_ingest(mosquitto.url, "demo-town", "school", running.name)
    stop = pump(sensor)
    running.start()
    wait_for(lambda: len(ingest.of("blue-pm")) > 2, 15, "readings")
    sensor.unplug()
    wait_for(lambda: ingest.health.get("blue-pm", [{}])[-1].get("state") == "unplugged", 10, "the unplug")
    threading.Event().wait(2.5)
    sensor.plug()
    wait_for(lambda: any(line["reason"] == "unplugged" for line in ingest.missing("blue-pm")), 20, "the line about it")
    readings = len(ingest.of("blue-pm"))
    wait_for(lambda: len(ingest.of("blue-pm")) > readings + 2, 10, "readings again")
    threading.Event().wait(0.6)
    running.kill()
    threading.Event().wait(3)
    running.start()
    wait_for(lambda: any(line["reason"] == "off" for line in ingest.missing("blue-pm")), 15, "the line about the kill")
    stop()
    (off,) = [line for line in ingest.missing("blue-pm") if line["reason"] == "off"]
    before = [item for item in ingest.of("blue-pm") if item["at"] <= off["start"] + 1]
    assert before[-1]["at"] == off["start"], "from the last committed reading"
    assert 3 <= off["expected"] <= 12
    assert off["end"] - off["start"] == pytest.approx(off["expected"] * 1000, abs=1000)
    (gap,) = ingest.gaps
    assert gap["last"] - gap["first"] < 20_000
