"""One child process: started, watched for progress, restarted with growing pauses, with its output in a log file."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from classair.ops.incidents import Incidents
from classair.progress.listening import PATIENCE_S, Signs, Watch
from classair.progress.telling import SOCKET_VARIABLE

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0  # alive this long, a child's next pause is the first one again
LOG_LIMIT = 20 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_NOT_INHERITED = (SOCKET_VARIABLE, "WATCHDOG_USEC", "WATCHDOG_PID")


def end_with_parent() -> None:
    """In the child: be ended when the supervisor dies without a word (Linux; elsewhere nothing happens)."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        pass


@dataclass
class Child:
    """A program that should run. `tick` keeps it running; `stop` and `kill` end it.

    `signs`: how it shows that it makes progress; without signs it is only kept alive. One that hangs is killed and
    begun again at once: pauses grow for what dies by itself. `mend` is asked when one ended by itself: what it did
    about the cause in words, empty for nothing.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    signs: Signs | None = None
    incidents: Incidents | None = None
    mend: Callable[[], str] | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    log_from: int = 0  # the byte of the log at which this run begins
    restarts: int = 0
    last_exit: int | None = None
    _pause: float = FIRST_PAUSE_S
    _not_before: float = 0.0
    _watch: Watch = field(default_factory=Watch)
    _hung: bool = False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        return self.process.pid if self.alive and self.process else 0

    def start(self) -> None:
        """Raises OSError when the program cannot be started at all."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.trim_log()
        # Whoever keeps the supervisor itself listens to it alone.
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        told = {} if self.signs is None else self.signs.environment()
        with self.log.open("ab") as output:
            self.log_from = output.tell()
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, **told, **self.env},
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
        self.started_at = time.monotonic()
        self._hung = False
        self._watch.begin(self.started_at)
        if self.signs is not None:
            self.signs.begin()
        elif self.incidents is not None:
            self.incidents.over(self.name)

    def tick(self, now: float) -> str | None:
        """Starts again what has ended, after its pause; returns a line when there is something to tell."""
        try:
            return self._tick(now)
        except OSError as error:
            # Out of memory or processes: the others must not end because this one cannot begin.
            self._not_before = now + LONGEST_PAUSE_S
            return f"{self.name} could not be started ({error.strerror}); retrying in {LONGEST_PAUSE_S:g} s"

    def _tick(self, now: float) -> str | None:
        if self.alive:
            if now - self.started_at > STEADY_S:
                self._pause = FIRST_PAUSE_S
            return self._watched(now)
        if self.process is not None:
            self.last_exit = self.process.returncode
            self.process = None
            self.restarts += 1
            mended = self.mend() if self.mend is not None and not self._hung else ""
            if mended:
                self._pause = FIRST_PAUSE_S
            pause = FIRST_PAUSE_S if self._hung else self._pause
            self._not_before = now + pause
            if not self._hung:
                self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
                if self.incidents is not None:
                    self.incidents.began(self.name, "died")
            what = f"{self.name} ended ({_exit_words(self.last_exit)}); restarting in {pause:g} s, see {self.log}"
            return f"{what}. {mended}" if mended else what
        if now >= self._not_before:
            self.start()
        return None

    def _watched(self, now: float) -> str | None:
        """Kills what lives and does nothing."""
        if self.signs is None:
            return None
        vouched_s, spoken = self.signs.look(now), self._watch.spoken
        hung = self._watch.hung(now, vouched_s)
        if self._hung:
            return None  # killed; a process that the system holds in a call of the disk ends when that returns
        if self._watch.spoken and not spoken and self.incidents is not None:
            self.incidents.over(self.name)
        if not hung:
            return None
        self._hung = True
        if self.incidents is not None:
            self.incidents.began(self.name, "hung")
        self.kill()
        how = f"made no progress for {PATIENCE_S:g} s" if spoken else "did not begin to work"
        return f"{self.name} {how} and is killed, see {self.log}"

    def stop(self) -> None:
        if self.alive and self.process:
            self.process.terminate()

    def kill(self) -> None:
        if self.alive and self.process:
            self.process.kill()

    def wait(self, until: float) -> bool:
        """Whether it has ended by the monotonic moment `until`."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """It will not be started again."""
        if self.signs is not None:
            self.signs.close()

    def trim_log(self) -> None:
        """Keeps a log bounded: the newest part moves aside, the file begins again."""
        try:
            if self.log.stat().st_size > LOG_LIMIT:
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)
        except OSError:
            pass


def _exit_words(code: int | None) -> str:
    if code is None:
        return "unknown"
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
