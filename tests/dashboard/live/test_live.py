"""What the broker says reaches browsers: the newest only, encoded once; what is foreign is refused."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from classair.service import PASSWORD_VARIABLE
from classair.wire import RoomState, Topics
from dashboard.live.hub import Hub, frame
from tests.neighbours.ports import free_port

pytestmark = pytest.mark.thorough


def everything(_: str) -> bool:
    return True


def test_a_slow_reader_is_given_only_the_newest_of_each_room() -> None:
    async def run() -> list[bytes]:
        hub = Hub("b", lambda: 7)
        stream = hub.stream(everything)
        got = [await anext(stream)]
        for n in range(1000):
            hub.publish("full/a.b", frame("state", str(n)))
            hub.publish("full/a.c", frame("state", str(n)))
        got.append(await anext(stream))
        await stream.aclose()
        assert hub.listeners == 0
        return got

    hello, news = asyncio.run(run())
    assert b'"build": "b"' in hello
    assert news == b"event: time\ndata: 7\n\n" + frame("state", "999") * 2


def test_whoever_comes_later_is_given_the_snapshot_with_the_time_of_now() -> None:
    async def run() -> bytes:
        clock = iter(range(1, 9))
        hub = Hub("b", lambda: next(clock))
        hub.publish("full/a.b", frame("state", "old"))
        stream = hub.stream(everything)
        await anext(stream)
        return await anext(stream)

    assert asyncio.run(run()) == b"event: time\ndata: 2\n\n" + frame("state", "old")


def test_a_quiet_stream_says_the_time_and_an_ending_server_ends_it() -> None:
    async def run() -> list[bytes]:
        hub = Hub("b", lambda: 7, keep_alive_s=0.01)
        got = []
        async for chunk in hub.stream(everything):
            got.append(chunk)
            if len(got) == 3:
                hub.end()
        return got

    assert asyncio.run(run())[1:3] == [b"event: time\ndata: 7\n\n"] * 2


def test_the_stream_of_a_room_carries_its_texts_and_the_stream_of_all_does_not(house: Any) -> None:
    def first_state(path: str) -> tuple[dict[str, Any], list[str]]:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.getheader("Content-Type", "").startswith("text/event-stream")
        names = []
        while True:
            line = answer.fp.readline().decode().strip()
            if line.startswith("event: "):
                names.append(line[7:])
            elif line.startswith("data: ") and names[-1] == "state":
                connection.close()
                return json.loads(line[6:]), names

    whole, names = first_state("/api/live?room=ban-suan.p1-2")
    assert names == ["hello", "time", "state"]
    assert RoomState.model_validate(whole) == house.live.state("ban-suan.p1-2")
    assert "texts" not in first_state("/api/live")[0]
    assert house.ask("/api/live?room=ban-suan.nothing").status == 404


def test_a_message_that_is_not_ours_or_speaks_of_another_room_changes_nothing(house: Any, make_state: Any) -> None:
    topics, before, refused = Topics("demo-town"), house.live.state("ban-suan.p1-2"), house.live.refused
    topic = topics.room_now("ban-suan", "p1-2")
    for payload in (
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"v": 2}',
        b"x" * 1_000_000,
        make_state("ban-suan.p4-1").model_dump_json().encode(),
    ):
        house.live.hear(topic, payload)
    assert house.live.state("ban-suan.p1-2") == before
    assert house.live.refused == refused + 6


def test_a_retained_state_that_is_taken_back_is_forgotten(house: Any) -> None:
    house.live.hear(Topics("demo-town").room_now("ban-suan", "p1-2"), b"")
    assert house.live.state("ban-suan.p1-2") is None
    assert house.ask("/display/ban-suan.p1-2/now").json["state"] is None


def test_the_service_starts_without_broker_and_store_and_stops_with_an_open_stream(
    tmp_path: Path,
    wait_for: Any,
    schools: Any,
) -> None:
    port, nothing = free_port(), free_port()
    root = Path(__file__).parents[3]
    service = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "classair",
            "dashboard",
            "--data",
            str(tmp_path),
            "--config",
            str(root / "sensors.yaml"),
            "--broker",
            f"mqtt://127.0.0.1:{nothing}",
            "--port",
            str(port),
        ],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", PASSWORD_VARIABLE: "canary-secret"},
    )
    try:

        def health() -> Any:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/api/v1/health")
                return json.loads(connection.getresponse().read())
            except OSError:
                return None

        said = wait_for(health, timeout=30, what="the health of a dashboard alone")
        assert (said["state"], said["broker"], said["store"]) == ("degraded", False, False)
        open_stream = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        open_stream.request("GET", "/display/ban-suan.p1-2/live")
        assert open_stream.getresponse().readline() == b"event: hello\n"
        service.send_signal(signal.SIGTERM)
        _, log = service.communicate(timeout=60)
        assert "Traceback" not in log and "canary-secret" not in log
    finally:
        if service.poll() is None:
            service.kill()
            service.wait()
