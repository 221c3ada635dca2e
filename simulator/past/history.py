"""Writes what the simulated schools measured while nobody listened into their bridges' spools, one process per bridge.

Each chunk is one transaction of the spool. Before it a note is made of where the sequence stands and how the school
will stand afterwards, so that a process killed at any instant neither repeats nor leaves out a minute.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sqlite3
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from classair.config import Config
from classair.places import Places, write_atomically
from classair.units import MINUTE_MS
from firmware_bridge.spool.lock import SpoolInUse
from firmware_bridge.spool.packing import SpoolRow
from firmware_bridge.spool.spool import Spool
from simulator import saved_state as remembering
from simulator.past.minutes import Past
from simulator.saved_state import SimulatorState

log = logging.getLogger(__name__)

LENGTH_MS: Final = 14 * 86_400_000
_CHUNK_ITEMS: Final = 4_500  # below what the spool takes in one transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """How a bridge's part of the world stands at a moment (UTC ms), as SimulatorState keeps it."""

    at_ms: int
    world: dict[str, Any]
    plugs: dict[str, Any]

    @classmethod
    def of(cls, past: Past) -> Standing:
        return cls(past.at_ms, **past.state())


@dataclass(frozen=True, slots=True)
class Note:
    """Kept on disk around each chunk: the spool's next number before it, and how things stand before and after."""

    epoch: str
    seq: int
    before: Standing
    after: Standing


def make_history(places: Places, config: Config, stop: threading.Event, now_ms: int | None = None) -> int:
    """Brings every simulated bridge up to now; progress on standard output. Exit code 0, or 1 when a bridge failed."""
    now_ms = (now_ms if now_ms is not None else round(time.time() * 1000)) // MINUTE_MS * MINUTE_MS
    bridges = [
        full
        for full, _ in config.bridges()
        if any(s.simulated and f"{name.partition('.')[0]}.{s.bridge}" == full for name, s in config.sensors())
    ]
    context = multiprocessing.get_context("fork")
    waiting, total, failed = list(bridges), 0, False
    running: dict[str, tuple[BaseProcess, Connection]] = {}
    while waiting or running:
        while waiting and len(running) < max(1, os.cpu_count() or 1) and not stop.is_set():
            bridge = waiting.pop(0)
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(places, config, bridge, now_ms, stop, there), daemon=True)
            process.start()
            there.close()
            running[bridge] = (process, here)
        if stop.is_set():
            waiting.clear()
            for child, _ in running.values():
                child.terminate()
        for bridge, (child, answer) in list(running.items()):
            child.join(0.05)
            if child.exitcode is None:
                continue
            del running[bridge]
            try:
                written, finished = answer.recv()
            except EOFError:
                written, finished = 0, False
            total += written
            if finished:
                _merge(places, bridge)
            elif not stop.is_set():
                failed = True
                log.error("history_failed bridge=%s exit=%s", bridge, child.exitcode)
    print(f"history total {total}", flush=True)
    return 1 if failed else 0


def write_past(places: Places, config: Config, bridge: str, now_ms: int, stop: threading.Event) -> tuple[int, bool]:
    """One bridge's part, in this process: how many items were written, and whether it reached `now_ms`.

    Raises SpoolInUse while the bridge runs, sqlite3.OperationalError when the disk fails.
    """
    parent, written, shown = os.getppid(), 0, 0
    spool = Spool.open(places.spool(bridge))
    try:
        start = _standing(places, bridge, spool, now_ms)
        past = Past(config, bridge, start.at_ms, start.world, start.plugs)
        chunk_ms = max(1, _CHUNK_ITEMS // max(1, past.sensors)) * MINUTE_MS
        before = Standing.of(past)
        while past.at_ms < now_ms:
            if stop.is_set() or os.getppid() != parent:
                return written, False
            items = list(past.minutes(min(now_ms, past.at_ms + chunk_ms)))
            after = Standing.of(past)
            _keep(places, bridge, Note(spool.epoch, spool.next_seq, before, after))
            written += spool.extend(items)
            before = after
            done = 100 * (past.at_ms - start.at_ms) // (now_ms - start.at_ms)
            if done // 10 > shown // 10:
                shown = done
                print(f"history {bridge} {done} %", flush=True)
        _keep(places, bridge, Note(spool.epoch, spool.next_seq, before, before))
    finally:
        spool.close()
    return written, True


def _child(places: Places, config: Config, bridge: str, now_ms: int, stop: threading.Event, answer: Connection) -> None:
    try:
        answer.send(write_past(places, config, bridge, now_ms, stop))
    except (SpoolInUse, sqlite3.Error, OSError) as error:
        print(f"history of {bridge}: {error}", file=sys.stderr)
        answer.send((0, False))


def _note(places: Places, bridge: str) -> Path:
    return places.sim_port(f"history-{bridge}.json")


def _keep(places: Places, bridge: str, note: Note) -> None:
    write_atomically(_note(places, bridge), json.dumps(asdict(note)).encode())


def _read(places: Places, bridge: str) -> Note | None:
    """The note that an interrupted run left; None when there is none or it makes no sense."""
    try:
        raw = json.loads(_note(places, bridge).read_bytes())
        before, after = (
            Standing(int(raw[part]["at_ms"]), dict(raw[part]["world"]), dict(raw[part]["plugs"]))
            for part in ("before", "after")
        )
        return Note(str(raw["epoch"]), int(raw["seq"]), before, after)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("history_note_read_failed bridge=%s error=%s", bridge, error)
        return None


def _standing(places: Places, bridge: str, spool: Spool, now_ms: int) -> Standing:
    """From where a bridge's history goes on: what is remembered, or where an interrupted run really came to."""
    memory, note = remembering.recall(places), _read(places, bridge)
    lived = memory.bridges.get(bridge)
    if note is not None and note.epoch == spool.epoch and (lived is None or note.before.at_ms >= lived):
        # A chunk is in the spool wholly or not at all.
        committed = any(isinstance(row, SpoolRow) for row in spool.after(note.seq - 1, 1))
        start = note.after if committed else note.before
    elif lived is None and spool.next_seq > 1:
        log.warning("history_skipped bridge=%s reason=measured_before", bridge)
        start = Standing(now_ms, memory.world, memory.plugs)
    else:
        start = Standing(lived or 0, memory.world, memory.plugs)
    return start if start.at_ms >= now_ms - LENGTH_MS else replace(start, at_ms=now_ms - LENGTH_MS)


def _merge(places: Places, bridge: str) -> None:
    """Puts a finished bridge's end into the common memory."""
    note, memory = _read(places, bridge), remembering.recall(places)
    if note is None:
        return
    end = note.after
    rooms = {**memory.world.get("rooms", {}), **end.world["rooms"]}
    remembering.remember(
        places,
        SimulatorState(
            {**memory.bridges, bridge: end.at_ms}, {**memory.world, "rooms": rooms}, {**memory.plugs, **end.plugs}
        ),
    )
    _note(places, bridge).unlink(missing_ok=True)
