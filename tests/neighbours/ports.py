"""Ports of this test run alone, however many runs and workers there are on the machine."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
# Below what the kernel gives away by itself (from 32768 on): to whoever asks for any port, and to outgoing connections.
FIRST, LAST = 16_384, 32_000

_held: list[socket.socket] = []


def free_port() -> int:
    """A TCP port on which nothing listens and which no other test is given while this process lives.

    It is held by its UDP twin: bound here, so that every other call, in this process or in another, finds it taken,
    while the server under test is free to bind the TCP port, as often as it likes.
    """
    for _ in range(1000):
        port = random.randint(FIRST, LAST)
        twin = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            twin.bind((HOST, port))
            with socket.socket() as probe:
                probe.bind((HOST, port))
        except OSError:
            twin.close()
            continue
        _held.append(twin)
        return port
    raise RuntimeError(f"no free port from {FIRST} to {LAST}")


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0
