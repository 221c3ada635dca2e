"""The broker of a one-machine installation: mosquitto where it is installed, else amqtt; ours alone, on loopback."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from classair.accounts import SERVICES, WATCH
from classair.ops import broker_memory, brokerfiles
from classair.ops.brokerfiles import Grants
from classair.ops.child import Child
from classair.ops.incidents import Incidents
from classair.ops.opening import devices
from classair.places import Places, write_atomically
from classair.progress.broker_probe import BrokerProbe

LINGER_S = 120.0  # so long the topics of devices that left the configuration stay open
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def find_mosquitto() -> str | None:
    """mosquitto on PATH or in the folders where systems keep servers."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))


@dataclass(slots=True)
class Past:
    """The grants in force, and those of earlier configurations, each until its monotonic moment.

    A device that leaves the configuration while it is on is switched off once more, and answers, after the change.
    """

    now: Grants | None = None
    before: list[tuple[float, Grants]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OwnBroker:
    """Which program it is, where it listens, and everybody's random password."""

    kind: str
    port: int
    passwords: dict[str, str]
    child: Child
    past: Past = field(default_factory=Past)
    network: frozenset[int] = frozenset()  # ports in the school's network

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"


def own_broker(
    places: Places, org: str, grants: Grants, *, wanted: str = "auto", incidents: Incidents | None = None
) -> OwnBroker:
    """Writes the broker's files into the data folder; the child is not started yet.

    Raises RuntimeError when neither broker is installed.
    """
    mosquitto = None if wanted == "amqtt" else find_mosquitto()
    if wanted == "mosquitto" and mosquitto is None:
        raise RuntimeError("mosquitto is not installed (Debian: apt install mosquitto)")
    if mosquitto is None and importlib.util.find_spec("amqtt") is None:
        raise RuntimeError(
            "no broker is installed. Install mosquitto (Debian: apt install mosquitto), or ClassAir with [demo]"
        )
    passwords = _passwords(places, _users(grants))
    port = _port(places)
    folder = places.run / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    log, signs = places.logs / "broker.log", BrokerProbe(port, WATCH, passwords[WATCH])
    if mosquitto is not None:
        network, wrong = devices.free_ports(places)
        for line in wrong:
            print(line, file=sys.stderr, flush=True)
        conf = _mosquitto_files(places, org, port, passwords, grants, network)
        child = Child("broker", [mosquitto, "-c", str(conf)], log, signs=signs, incidents=incidents)
        child.mend = lambda: broker_memory.set_aside(folder, log, child.log_from)
        return OwnBroker("mosquitto", port, passwords, child, Past(grants), frozenset(network))
    secrets_file = folder / "passwords.json"
    write_atomically(secrets_file, json.dumps(passwords).encode())
    command = [sys.executable, "-m", "classair.ops.amqtt_broker", "--port", str(port), "--passwords", str(secrets_file)]
    child = Child("broker", command, log, signs=signs, incidents=incidents)
    return OwnBroker("amqtt", port, passwords, child)


def _users(grants: Grants) -> list[str]:
    return [*SERVICES, WATCH, *grants.bridges, *grants.outsiders]


def _mosquitto_files(
    places: Places, org: str, port: int, passwords: dict[str, str], grants: Grants, network: set[int]
) -> Path:
    conf = brokerfiles.write_broker_files(places.run / "broker", org, port, passwords, grants)
    devices.write(places, conf, passwords, grants, network)
    if os.geteuid() == 0:
        # Started by root it would become the user mosquitto, who may not read a folder of root's.
        write_atomically(conf, conf.read_bytes() + b"user root\n")
    return conf


def wait_for_port(port: int, until: float, hopeless: Callable[[], bool] = lambda: False) -> bool:
    """Whether something listens on the loopback port before the monotonic moment `until` or before it is hopeless."""
    while time.monotonic() < until and not hopeless():
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _passwords(places: Places, users: Iterable[str]) -> dict[str, str]:
    path = places.run / "passwords.json"
    places.run.mkdir(parents=True, exist_ok=True)
    places.run.chmod(0o700)
    known: dict[str, str] = {}
    if path.exists():
        try:
            found = json.loads(path.read_text())
            known = {user: word for user, word in found.items() if isinstance(word, str) and word}
        except (ValueError, AttributeError):
            known = {}  # a damaged file: everybody gets a new password, the broker is ours and reads it too
    for user in users:
        known.setdefault(user, secrets.token_urlsafe(24))
    write_atomically(path, json.dumps(known, indent=1).encode())
    return known


def _port(places: Places) -> int:
    """The port of last time while it is free, else any free one."""
    place = places.run / "broker" / "port"
    try:
        last = int(place.read_text())
    except (OSError, ValueError):
        last = 0
    for wanted in (last, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except (OSError, OverflowError):
                continue
            port = int(probe.getsockname()[1])
        write_atomically(place, str(port).encode())
        return port
    raise RuntimeError("there is no free loopback port for the broker")


def follow(broker: OwnBroker, places: Places, org: str, grants: Grants) -> None:
    """Lets in whoever was added to the configuration while the broker runs, and puts its new rules in force."""
    past = broker.past
    if past.now is not None and past.now != grants:
        past.before.append((time.monotonic() + LINGER_S, past.now))
    past.now = grants
    _apply(broker, places, org)


def let_go(broker: OwnBroker, places: Places, org: str) -> None:
    """Ends the grants of earlier configurations when their time is over."""
    past, now = broker.past, time.monotonic()
    if any(until <= now for until, _ in past.before):
        past.before = [(until, grants) for until, grants in past.before if until > now]
        _apply(broker, places, org)


def _apply(broker: OwnBroker, places: Places, org: str) -> None:
    assert broker.past.now is not None
    grants = brokerfiles.joined(broker.past.now, [grants for _, grants in broker.past.before])
    broker.passwords.update(_passwords(places, _users(grants)))
    folder = places.run / "broker"
    if broker.kind != "mosquitto":
        write_atomically(folder / "passwords.json", json.dumps(broker.passwords).encode())
        return
    rules, known = folder / brokerfiles.ACL, folder / brokerfiles.PASSWORDS
    names = {line.partition(":")[0] for line in known.read_text("utf-8").splitlines()} if known.exists() else set()
    same = rules.exists() and rules.read_text("utf-8") == brokerfiles.acl(org, grants)
    if same and names == set(broker.passwords):
        return
    _mosquitto_files(places, org, broker.port, broker.passwords, grants, set(broker.network))
    if broker.child.pid:
        os.kill(broker.child.pid, signal.SIGHUP)  # mosquitto reads passwords and rules again
