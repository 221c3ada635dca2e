"""A damaged mosquitto.db: kept aside, and the broker runs again without it; other troubles leave it where it is."""

from __future__ import annotations

import getpass
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classair.ops import brokers
from classair.ops.broker_memory import set_aside
from classair.places import Places
from tests.neighbours.ports import free_port

ROOT = next(parent for parent in Path(__file__).resolve().parents if (parent / "pyproject.toml").exists())
GRANTS = brokers.Grants({}, {})
HARMS: dict[str, Callable[[bytes], bytes]] = {
    "zeroed": lambda data: bytes(len(data)),
    "cut": lambda data: data[: len(data) // 2 + 3],
    "another file": lambda data: b"not mosquitto's" * 20,
}


def remembered(folder: Path, program: str) -> bytes:
    """A mosquitto.db with retained messages in it."""
    port = free_port()
    conf = folder / "fill.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {folder}/\nuser {getpass.getuser()}\n"
    )
    server = subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        assert brokers.wait_for_port(port, time.monotonic() + 20)
        import paho.mqtt.publish as mqtt

        mqtt.multiple(
            [{"topic": f"t/{n}", "payload": f"word {n}", "retain": True, "qos": 1} for n in range(40)], port=port
        )
    finally:
        server.terminate()
        server.wait(20)
    return (folder / "mosquitto.db").read_bytes()


@pytest.mark.parametrize("harm", HARMS)
def test_a_broker_whose_memory_is_damaged_runs_again_without_it(
    mosquitto_program: str, tmp_path: Path, wait_for: Callable[..., Any], harm: str
) -> None:
    broker = brokers.own_broker(Places(tmp_path), "demo-town", GRANTS)
    folder = Places(tmp_path).run / "broker"
    damaged = HARMS[harm](remembered(folder, mosquitto_program))
    (folder / "mosquitto.db").write_bytes(damaged)
    child = broker.child
    child.signs = None
    child.start()
    told: list[str] = []

    def up() -> bool:
        told.append(child.tick(time.monotonic()) or "")
        return child.alive and brokers.wait_for_port(broker.port, time.monotonic() + 0.2)

    try:
        wait_for(up, timeout=20, what="the broker runs")
        (aside,) = folder.glob("mosquitto.db.damaged-*")
        assert aside.read_bytes() == damaged
        assert any(aside.name in line for line in told)
    finally:
        child.stop()
        child.wait(time.monotonic() + 10)


def test_what_ended_it_otherwise_leaves_its_memory_where_it_is(tmp_path: Path) -> None:
    file, log = tmp_path / "mosquitto.db", tmp_path / "broker.log"
    file.write_bytes(b"whole")
    earlier = b"Error: Couldn't open database.\n"
    for said, since in (
        (b"Error: Address already in use\n", 0),
        (b"Error: No space left on device\n", 0),
        (earlier + b"Error: Address already in use\n", len(earlier)),
    ):
        log.write_bytes(said)
        assert set_aside(tmp_path, log, since) == ""
    assert set_aside(tmp_path, tmp_path / "no.log", 0) == ""
    assert file.read_bytes() == b"whole"


@pytest.mark.parametrize("text", ["null", "[]", "7", '{"ingest": null, "alerts": 3, "dashboard": ""}', "{", "\x00" * 9])
def test_a_damaged_file_of_passwords_is_written_anew(tmp_path: Path, text: str) -> None:
    places = Places(tmp_path)
    places.run.mkdir(parents=True)
    (places.run / "passwords.json").write_text(text)
    found = brokers._passwords(places, ["ingest", "alerts", "dashboard"])
    assert all(isinstance(word, str) and len(word) > 20 for word in found.values()) and len(found) == 3
    assert json.loads((places.run / "passwords.json").read_text()) == found
