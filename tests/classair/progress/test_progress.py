"""Words of progress: who gives them, who hears them, and when silence means that a process hangs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.broker import BrokerAddress, Link
from classair.ops.child import FIRST_PAUSE_S, Child
from classair.ops.incidents import MOST, Incidents
from classair.progress.broker_probe import BrokerProbe
from classair.progress.listening import GRACE_S, LATE_S, PATIENCE_S, Ear, Watch
from classair.progress.telling import SOCKET_VARIABLE, TELL_EVERY_S, Progress


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    made = Ear(tmp_path / "run", "alerts")
    yield made
    made.close()


# -- telling -----------------------------------------------------------------------------------------------------------


def test_the_word_goes_out_only_when_every_part_has_moved_since_the_last_one(ear: Ear) -> None:
    clock = Time()
    progress = Progress(ear.environment(), clock)
    moved = {"network": clock.now, "disk": clock.now}
    progress.watch("network", lambda: moved["network"])
    progress.watch("disk", lambda: moved["disk"], 30.0)
    progress.tick()
    assert ear.look(0) == 0, "the network has not moved since the start"
    clock.now += 1
    moved["network"] = clock.now
    progress.tick()
    assert ear.look(0) == PATIENCE_S
    clock.now += TELL_EVERY_S
    progress.tick()
    assert ear.look(0) == 0, "the network stands still"
    for _ in range(10):
        clock.now += TELL_EVERY_S
        moved["network"] = clock.now
        progress.tick()
        assert ear.look(0) == PATIENCE_S, "a disk is given more time"
    while clock.now < 1000 + 40:
        clock.now += TELL_EVERY_S
        moved["network"] = clock.now
        progress.tick()
    ear.look(0)
    progress.tick()
    assert ear.look(0) == 0, "and not for ever"
    moved["disk"] = clock.now
    progress.tick()
    assert ear.look(0) == PATIENCE_S


def test_a_flood_of_words_does_not_hold_up_whoever_listens(ear: Ear) -> None:
    class Flood:
        read = 0

        def recv(self, _: int) -> bytes:
            self.read += 1
            assert self.read < 100_000, "it listens for ever"
            return b"WATCHDOG=1"

        def close(self) -> None:
            pass

    ear._socket.close()
    ear._socket = Flood()  # type: ignore[assignment]
    assert ear.look(0) == PATIENCE_S


def test_a_loop_that_stands_still_says_nothing_however_well_the_others_move(ear: Ear) -> None:
    progress = Progress(ear.environment())
    progress.watch("network", lambda: float("inf"))
    assert ear.look(0) == 0
    progress.tick()
    assert ear.look(0) == PATIENCE_S


def test_opening_vouches_while_it_lasts_and_nobody_listening_is_no_fault(
    ear: Ear, wait_for: Callable[..., Any]
) -> None:
    progress = Progress(ear.environment())
    with progress.opening():
        wait_for(lambda: ear.look(0) > PATIENCE_S, what="it says that it is busy")
    ear.close()
    progress.tick()
    Progress({}).tick()
    Progress({SOCKET_VARIABLE: "@nobody"}).tick()


def test_what_systemd_notify_says_is_understood(ear: Ear, program_of: Callable[..., str]) -> None:
    program = program_of("systemd-notify")
    environment = {**os.environ, **ear.environment()}
    for word in ("READY=1", "WATCHDOG=1"):
        subprocess.run([program, "--no-block", word], env=environment, check=True, timeout=60)
        assert ear.look(0) == PATIENCE_S


def test_the_first_word_says_that_it_is_ready_as_systemd_wants_it(ear: Ear) -> None:
    progress = Progress(ear.environment())
    progress.tick()
    assert ear._words() == ["READY=1", "WATCHDOG=1"]


# -- listening ---------------------------------------------------------------------------------------------------------


def test_silence_means_hanging_after_the_patience_and_at_the_start_after_the_grace() -> None:
    watch, now = Watch(), 50.0
    watch.begin(now)
    until = now + GRACE_S
    while now < until - 1:
        now += 1
        assert not watch.hung(now, 0.0)
    assert not watch.hung(now, PATIENCE_S)
    until = now + PATIENCE_S
    while now < until - 1:
        now += 1
        assert not watch.hung(now, 0.0)
    assert watch.hung(until, 0.0)


def test_a_start_that_took_too_long_is_given_twice_the_time_up_to_ten_minutes() -> None:
    watch, now, taken = Watch(), 50.0, []
    for _ in range(6):
        watch.begin(now)
        begun = now
        while not watch.hung(now, 0.0):
            now += 1
        taken.append(now - begun)
    assert taken == [60, 120, 240, 480, 600, 600]
    watch.begin(now)
    assert not watch.hung(now + 1, PATIENCE_S)
    watch.begin(now)
    begun = now
    while not watch.hung(now, 0.0):
        now += 1
    assert now - begun == GRACE_S, "it had come so far"


def test_who_looks_late_blames_nobody_for_what_it_may_not_have_heard() -> None:
    watch, now = Watch(), 50.0
    watch.begin(now)
    assert not watch.hung(now, PATIENCE_S)
    now += 3600
    assert not watch.hung(now, 0.0), "the supervisor itself stood still"
    until = now + PATIENCE_S
    while now + LATE_S < until:
        now += LATE_S
        assert not watch.hung(now, 0.0)
    assert watch.hung(until, 0.0)


@pytest.mark.parametrize("word", [b"", b"\xff\xfe", b"WATCHDOG=0", b"WATCHDOG=trigger", b"STATUS=fine", b"x" * 5000])
def test_other_words_vouch_for_nothing(ear: Ear, word: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(word, ear.environment()[SOCKET_VARIABLE])
    assert ear.look(0) == 0


def test_the_socket_is_for_its_owner_alone_and_finds_another_place_where_it_cannot_be(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "run", deep, tmp_path / "file"):
        ear = Ear(folder, "bridge-ban-suan.suan-pi")
        path = Path(ear.environment()[SOCKET_VARIABLE])
        assert path.parent.stat().st_mode & 0o077 == 0
        Progress(ear.environment()).tick()
        assert ear.look(0) == PATIENCE_S
        ear.close()
        assert not path.exists()


# -- a child that hangs ------------------------------------------------------------------------------------------------

SPEAKS = """
import time
from classair.progress.telling import Progress
progress = Progress()
while True:
    progress.tick()
    time.sleep(0.05)
"""


def test_a_stopped_child_is_killed_and_begun_again_without_a_growing_pause(
    tmp_path: Path, ear: Ear, wait_for: Callable[..., Any]
) -> None:
    incidents = Incidents()
    child = Child("alerts", [sys.executable, "-c", SPEAKS], tmp_path / "a.log", signs=ear, incidents=incidents)
    child.start()
    now = child.started_at
    try:
        for round_ in range(1, 4):

            def spoke() -> bool:
                nonlocal now
                now += 0.01
                assert child.tick(now) is None
                return child._watch.spoken

            wait_for(spoke, what="its first word")
            assert all(it["over_at"] for it in incidents.records())
            pid = child.pid
            os.kill(pid, signal.SIGSTOP)
            child.tick(now)
            told, begun = None, now
            while told is None and now < begun + 60:
                now += 0.2
                told = child.tick(now)
            assert told is not None and "made no progress" in told
            assert PATIENCE_S - 1 <= now - begun <= PATIENCE_S + 1
            wait_for(lambda: not child.alive)
            ended = child.tick(now)
            assert ended is not None and "SIGKILL" in ended and f"restarting in {FIRST_PAUSE_S:g} s" in ended
            now += FIRST_PAUSE_S
            child.tick(now)
            now = max(now, child.started_at)
            child._watch.begin(now)
            assert child.alive and child.pid != pid
            assert [it["what"] for it in incidents.records()] == ["hung"] * round_
    finally:
        child.kill()


def test_a_child_that_never_speaks_is_given_its_grace(tmp_path: Path, ear: Ear) -> None:
    child = Child("alerts", ["sleep", "600"], tmp_path / "a.log", signs=ear)
    child.start()
    try:
        now, told = child.started_at, None
        while told is None:
            now += 1
            told = child.tick(now)
        assert "did not begin to work" in told
        assert now - child.started_at == pytest.approx(GRACE_S, abs=1)
    finally:
        child.kill()


# -- the broker --------------------------------------------------------------------------------------------------------


def test_a_broker_that_answers_is_vouched_for_and_a_stopped_one_is_not(
    broker: Any, wait_for: Callable[..., Any]
) -> None:
    now = 0.0
    probe = BrokerProbe(broker.port, "watch", "secret")

    def vouched() -> bool:
        nonlocal now
        now += 1.0
        return probe.look(now) > 0

    for _ in range(3):
        wait_for(vouched, what="an answer")
    os.kill(broker.process.pid, signal.SIGSTOP)
    pause = threading.Event()
    for _ in range(60):
        pause.wait(0.005)
        now += 0.5
        late = probe.look(now)
    assert late == 0
    os.kill(broker.process.pid, signal.SIGCONT)
    wait_for(vouched, what="it answers again")
    broker.kill()
    probe.begin()
    assert not any(probe.look(now + step) for step in range(30))
    now += 30
    broker.start()
    wait_for(vouched, what="the new one answers")
    probe.close()


def test_a_broker_that_refuses_the_account_lives(mosquitto_with: Any, wait_for: Callable[..., Any]) -> None:
    broker = mosquitto_with(lambda port, folder: f"listener {port} 127.0.0.1\nallow_anonymous false\n")
    probe = BrokerProbe(broker.port, "watch", "wrong")
    wait_for(lambda: probe.look(0.0) > 0, what="its refusal")
    probe.close()


def test_a_link_says_that_its_thread_moves_and_is_given_time_while_it_looks_for_the_broker(
    broker: Any, wait_for: Callable[..., Any]
) -> None:
    link = Link(BrokerAddress("127.0.0.1", broker.port, "a"), on_message=lambda _: None)
    begun = link.moved_at
    link.start()
    assert link.wait_up(60)
    before = link.moved_at
    assert before < begun + 60, "connected it is asked for every second"
    wait_for(lambda: link.moved_at > before, what="an idle connection moves as well")
    broker.kill()
    wait_for(lambda: not link.up and link.moved_at > before + 30)
    link.stop()


# -- what is written down ----------------------------------------------------------------------------------------------


def test_incidents_are_bounded_outlast_the_supervisor_and_end(tmp_path: Path) -> None:
    file, clock = tmp_path / "services.json", Time()
    incidents = Incidents(file, clock)
    for _ in range(MOST + 5):
        incidents.began("ingest", "died")
    incidents.began("alerts", "hung")
    assert len(incidents.records()) == MOST
    file.write_text(json.dumps({"at": 1, "services": [], "incidents": incidents.records()}))
    again = Incidents(file, clock)
    assert again.records() == incidents.records()
    clock.now += 20
    again.over("alerts")
    assert again.records()[-1] == {"service": "alerts", "what": "hung", "at": 1_000_000, "over_at": 1_020_000}
    for damaged in ("", "[]", "{}", '{"incidents": 3}', '{"incidents": [1]}', '{"incidents": [{"service": "a"}]}'):
        file.write_text(damaged)
        assert Incidents(file).records() == []


def test_a_run_that_was_ended_with_its_services_alive_is_told_by_the_next_one(tmp_path: Path) -> None:
    file, clock = tmp_path / "services.json", Time()
    for alive in (True, False):
        services = [{"name": "ingest", "alive": False}, {"name": "alerts", "alive": alive}]
        file.write_text(json.dumps({"at": 1, "services": services, "incidents": []}))
        found = [(it["service"], it["what"], it["over_at"]) for it in Incidents(file, clock).records()]
        assert found == ([("supervisor", "died", None)] if alive else [])
