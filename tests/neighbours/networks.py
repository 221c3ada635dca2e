"""A server with a school's network on one side and the internet on the other: namespaces of the kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.neighbours.programs import absent, program

SERVER, PHONE = "10.77.0.1", "10.77.0.50"
"""In the school's network."""
ROUTER, STRANGER = "20.30.40.1", "20.30.40.50"
"""In the internet, which reaches the server's address as through a router that keeps the sender's."""


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@dataclass(frozen=True)
class Networks:
    """`inside(place)` is the beginning of a command that runs in "server", "school" or "internet"."""

    names: dict[str, str]

    def inside(self, place: str) -> list[str]:
        return [program("ip"), "netns", "exec", self.names[place]]

    def run(self, place: str, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.inside(place), *words], capture_output=True, text=True, timeout=timeout)

    def start(self, place: str, log: Path, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen([*self.inside(place), *words], stdout=file, stderr=file, **more)

    def listening(self) -> set[str]:
        """`address:port` of whatever listens at the server."""
        told = self.run("server", "ss", "-Hltn").stdout.splitlines()
        return {line.split()[3].replace("%lo", "") for line in told}


@pytest.fixture
def networks() -> Iterator[Networks]:
    """Skips where namespaces may not be made: that needs root."""
    program("ss")
    names = {place: f"classair-{os.getpid()}-{place}" for place in ("server", "school", "internet")}
    made = Networks(names)
    try:
        for name in names.values():
            _run(program("ip"), "netns", "add", name)
    except subprocess.CalledProcessError:
        _remove(names)
        absent("network namespaces cannot be made here (run the tests as root)")
    try:
        for place, own, other in (("school", SERVER, PHONE), ("internet", ROUTER, STRANGER)):
            _run(
                *("ip", "-n", names["server"], "link", "add", place, "type", "veth"),
                *("peer", "name", "eth0", "netns", names[place]),
            )
            for name, device, address in ((names["server"], place, own), (names[place], "eth0", other)):
                _run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", device)
                _run("ip", "-n", name, "link", "set", device, "up")
        for name in names.values():
            _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", names["internet"], "route", "add", f"{SERVER}/32", "via", ROUTER)
        yield made
    finally:
        _remove(names)


def _remove(names: dict[str, str]) -> None:
    for name in names.values():
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
