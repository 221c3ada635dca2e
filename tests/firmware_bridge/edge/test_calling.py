"""One request to a device's own address: whatever is there, and however it answers, it ends and says what was wrong."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from classair.control.orders import HttpCall
from firmware_bridge.edge import calling


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://127.0.0.1:1/x y", "http://[", "ftp://127.0.0.1", "http://", "http://\x00"]
)
def test_an_address_that_leads_nowhere_is_a_fault_and_no_more(url: str) -> None:
    assert calling.request(HttpCall(url))


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n"],
)
def test_a_device_that_never_comes_to_an_end_holds_up_no_later_order(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "WHOLE_S", 0.3)
    over = threading.Event()

    def talk(server: socket.socket) -> None:
        with server.accept()[0] as connection, contextlib.suppress(OSError):
            connection.recv(1000)
            connection.sendall(said)
            while not over.wait(0.02):
                connection.sendall(said if b"100" in said else b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        talking = threading.Thread(target=talk, args=(server,))
        talking.start()
        found: list[str] = []
        asking = threading.Thread(
            target=lambda: found.append(calling.request(HttpCall(f"http://127.0.0.1:{server.getsockname()[1]}"))),
            daemon=True,
        )
        asking.start()
        asking.join(20)
        over.set()
        talking.join()
    assert found and found[0]


def test_an_answer_nested_too_deep_is_none() -> None:
    assert calling._refusal(b"[" * 4096, False) == ""
