"""Requested exports: who requested what, the one process that runs them, what is stored and for how long."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from classair.places import Places
from classair.units import DAY_MS
from research import export as exporting
from research.export.job import PACKAGE, Progress
from research.export.job import read as progress_of
from research.export.request import Request

log = logging.getLogger(__name__)

KEEP_MS: Final = 14 * DAY_MS
"""How long a package stays; it can be made again, with the same bytes, from its request."""
MOST_AT_ONCE: Final = 3
"""Packages that one person may have waiting or in the making."""
MOST_ROWS: Final = 200_000_000
MOST_BYTES: Final = 20_000_000_000
"""Of all packages that are kept."""
EVERY_S: Final = 0.5
PREVIEW_S: Final = 120.0

State = Literal["waiting", "running", "packing", "ready", "failed", "cancelled"]
OPEN: Final = ("waiting", "running", "packing")

_TABLE: Final = """
create table if not exists export_job(
  id text primary key, who text not null, request text not null, asked_at int not null, state text not null,
  done int not null, pieces int not null, rows int not null, bytes int not null, data text not null,
  why text not null, ended_at int
) without rowid
"""
_COLUMNS: Final = "id, who, request, asked_at, state, done, pieces, rows, bytes, data, why, ended_at"


class ExportRefused(Exception):
    """A package that is not begun; `status` as in HTTP, the message says why and what would be right.

    key, places: the same for pages, which have words of their own for it (wish.refused.<key>).
    """

    def __init__(self, status: int, what: str, key: str = "other", **places: str) -> None:
        super().__init__(what)
        self.status, self.key, self.places = status, key, places


@dataclass(frozen=True, slots=True)
class Job:
    """One package that was asked for. Times are UTC ms; `done` of `pieces` are made; `data` names what came of it."""

    id: str
    who: str
    request: Request
    asked_at: int
    state: State
    done: int
    pieces: int
    rows: int
    bytes: int
    data: str
    why: str
    ended_at: int | None


class Exports:
    """`places` is the data folder; `config` the file to fall back on where no configuration was accepted yet.

    The table stands in desk.db, whose only writer is this process. Everything is synchronous, `stream` apart.
    """

    def __init__(
        self,
        places: Places,
        config: Path,
        now_ms: Callable[[], int],
        *,
        desk: Path | None = None,
        installed: Callable[[], bool] = exporting.installed,
    ) -> None:
        self._places, self._config, self._now_ms = places, config, now_ms
        self.installed = installed
        self._lock = threading.RLock()
        self._db = sqlite3.connect(desk or places.desk, isolation_level=None, timeout=5, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute(_TABLE)
        self._child: tuple[str, subprocess.Popen[bytes]] | None = None
        self._stop, self._news = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    # -- asking --------------------------------------------------------------------------------------------------------

    def preview(self, request: Request) -> dict[str, Any]:
        """What the package would be (see research.export.preview). Raises ExportRefused."""
        self._check_installed()
        with self._written(request) as file:
            try:
                told = subprocess.run(
                    [*self._words(), "--request", str(file), "--preview", "--json"],
                    capture_output=True,
                    timeout=PREVIEW_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise ExportRefused(
                    503, f"the preview took longer than {PREVIEW_S:.0f} s. Choose fewer rooms or days", "slow"
                ) from None
        if told.returncode:
            raise _refused(told.returncode, told.stderr)
        found: dict[str, Any] = json.loads(told.stdout)
        return found

    def start(self, request: Request, who: str) -> Job:
        """Begins a package; the same request of the same person that is still open is not begun twice.

        Raises ExportRefused.
        """
        told = self.preview(request)
        with self._lock:
            if running := self._allowed(request, who, told):
                return running
            identity = secrets.token_hex(8)
            folder = self._folder(identity)
            folder.mkdir(parents=True)
            (folder / "job.json").write_text(json.dumps({"request": request.as_record()}), "utf-8")
            self._db.execute(
                f"insert into export_job({_COLUMNS}) values(?,?,?,?,'waiting',0,0,0,0,'','',null)",
                (identity, who, json.dumps(request.as_record()), self._now_ms()),
            )
            found = self.job(identity)
        assert found is not None
        self._news.set()
        return found

    def check(self, request: Request, who: str) -> dict[str, Any]:
        """The preview of what `start` would begin. Raises ExportRefused as that would."""
        told = self.preview(request)
        with self._lock:
            self._allowed(request, who, told)
        return told

    def _allowed(self, request: Request, who: str, told: Mapping[str, Any]) -> Job | None:
        """The same package where it is being made already. Raises ExportRefused for one that may not begin."""
        if not told["rows"]:
            raise ExportRefused(422, "there is no data in this range. Choose a wider one", "nothing")
        if told["rows"] > MOST_ROWS:
            raise ExportRefused(
                422,
                f"the selection has about {told['rows']:,} rows; an export has at most {MOST_ROWS:,}. Choose "
                "fewer rooms or days, or a longer averaging interval",
                "too_many_rows",
                rows=f"{told['rows']:,}",
                most=f"{MOST_ROWS:,}",
            )
        free = shutil.disk_usage(self._places.root).free
        if 3 * told["bytes"] + 2**28 > free:  # pieces, the files, and the zip file beside them
            raise ExportRefused(
                507,
                f"the export needs about {3 * told['bytes'] // 2**20:,} MB of disk space, and "
                f"{free // 2**20:,} MB are free. Choose less data, or free disk space",
                "no_space",
            )
        mine = [one for one in self.jobs(who) if one.state in OPEN]
        for one in mine:
            if one.request == request:
                return one
        if len(mine) >= MOST_AT_ONCE:
            raise ExportRefused(
                429,
                f"{MOST_AT_ONCE} of your exports are running. Wait for one of them, or cancel it",
                "too_many",
                most=str(MOST_AT_ONCE),
            )
        kept = sum(one.bytes for one in self.jobs())
        if kept > MOST_BYTES:
            raise ExportRefused(
                507, f"{kept // 10**9} GB of exports are stored. Delete those you no longer need", "kept_too_much"
            )
        return None

    def jobs(self, who: str | None = None) -> list[Job]:
        """Newest first; of everybody when nobody is named."""
        with self._lock:
            rows = self._db.execute(
                f"select {_COLUMNS} from export_job where ? is null or who=? order by asked_at desc, id", (who, who)
            ).fetchall()
        return [_job(row) for row in rows]

    def job(self, identity: str) -> Job | None:
        with self._lock:
            row = self._db.execute(f"select {_COLUMNS} from export_job where id=?", (identity,)).fetchone()
        return _job(row) if row else None

    def package(self, identity: str) -> Path | None:
        """The zip file of a package that is ready."""
        found = self.job(identity)
        path = self._folder(identity) / PACKAGE
        return path if found is not None and found.state == "ready" and path.is_file() else None

    def remove(self, identity: str) -> None:
        """Cancels what is open; what has ended is forgotten with its package."""
        with self._lock:
            found = self.job(identity)
            if found is None:
                return
            if found.state == "waiting":
                self._note(identity, Progress("cancelled"))
            elif found.state in OPEN:
                (self._folder(identity) / "cancel").touch()
            else:
                shutil.rmtree(self._folder(identity), ignore_errors=True)
                self._db.execute("delete from export_job where id=?", (identity,))
        self._news.set()

    async def stream(self, request: Request, form: Literal["csv", "arrow"]) -> AsyncIterator[bytes]:
        """The rows alone, as they are read, from a process that ends when nobody listens. Raises ExportRefused before
        the first bytes; a stream that cannot be ended raises it too, so that nobody takes half for whole."""
        self._check_installed()
        with self._written(request) as file:
            child = await asyncio.create_subprocess_exec(
                *self._words(),
                "--request",
                str(file),
                "--stream",
                form,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert child.stdout is not None and child.stderr is not None
            try:
                while chunk := await child.stdout.read(1 << 18):
                    yield chunk
                said = await child.stderr.read()
                if code := await child.wait():
                    raise _refused(code, said)
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()

    # -- making --------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Goes on with what was open when the last process ended."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="exports", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the process that is at work; its package goes on at the next start."""
        self._stop.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(5)
        with self._lock:
            self._db.close()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self._turn()
            except (OSError, sqlite3.Error) as error:
                log.warning("exports_turn_failed error=%s", error)
                busy = True
            self._news.wait(EVERY_S if busy else 30.0)
            self._news.clear()
        if self._child is not None:
            self._child[1].terminate()
            self._child[1].wait(5)

    def _turn(self) -> bool:
        """One look at the process at work; whether another is due soon."""
        if self._child is not None:
            identity, child = self._child
            code, told = child.poll(), progress_of(self._folder(identity))
            if code is None:
                self._note(identity, told)
                return True
            self._child = None
            if told.state in ("ready", "failed", "cancelled"):
                self._note(identity, told)
                log.info("export_finished id=%s state=%s rows=%d", identity, told.state, told.rows)
            elif code != 4:  # killed before it could say anything: it is taken up again, but not for ever
                self._again(identity, code)
            else:
                self._note(identity, told)
                self._stop.wait(5)  # a process of an earlier dashboard is at it: its end is waited for
                return True
        self._expire()
        for one in reversed(self.jobs()):
            if one.state in OPEN:
                self._child = one.id, self._started(one.id)
                return True
        return False

    def _again(self, identity: str, code: int) -> None:
        tries = self._folder(identity) / "tries"
        count = int(tries.read_text() or 0) + 1 if tries.exists() else 1
        tries.write_text(str(count))
        log.warning("export_process_died id=%s code=%d times=%d", identity, code, count)
        if count >= 3:
            self._note(
                identity,
                Progress("failed", why=f"its process ended three times (last: {code}); see dashboard.log"),
            )

    def _started(self, identity: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [*self._words(), "--job", str(self._folder(identity))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        os.setpriority(os.PRIO_PROCESS, child.pid, 10)  # readings and screens come first
        return child

    def _note(self, identity: str, told: Progress) -> None:
        ended = None if told.state in OPEN else self._now_ms()
        with self._lock:
            self._db.execute(
                "update export_job set state=?, done=?, pieces=?, rows=?, bytes=?, data=?, why=?, "
                "ended_at=? where id=?",
                (told.state, told.done, told.pieces, told.rows, told.bytes, told.data, told.why, ended, identity),
            )

    def _expire(self) -> None:
        for one in self.jobs():
            if one.ended_at is not None and one.ended_at < self._now_ms() - KEEP_MS:
                self.remove(one.id)

    # -- processes and files -------------------------------------------------------------------------------------------

    def _check_installed(self) -> None:
        if not self.installed():
            raise ExportRefused(
                501,
                "export needs [research]. Install it: pip install --require-hashes -r requirements/research.txt",
                "not_installed",
            )

    def _folder(self, identity: str) -> Path:
        return self._places.exports / identity

    def _words(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "classair",
            "export",
            "--data",
            str(self._places.root),
            "--config",
            str(self._config),
        ]

    @contextmanager
    def _written(self, request: Request) -> Iterator[Path]:
        self._places.exports.mkdir(parents=True, exist_ok=True)
        file = self._places.exports / f".{secrets.token_hex(8)}.json"
        file.write_text(json.dumps(request.as_record()), "utf-8")
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)


def _job(row: tuple[Any, ...]) -> Job:
    return Job(row[0], row[1], Request.parse(json.loads(row[2])), *row[3:])


def _refused(code: int, said: bytes) -> ExportRefused:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    words = lines[-1].removeprefix("classair export: ") if lines else f"its process ended with {code}"
    return ExportRefused(422 if code == 2 else 503, words)
