"""One child process: started, monitored, restarted with growing pauses, with its output in a log file."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0  # alive this long, a child's next pause is the first one again
LOG_LIMIT = 20 * 1024 * 1024
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In the child: be ended when the supervisor dies without a word (Linux; elsewhere nothing happens)."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        pass


@dataclass
class Child:
    """A program that should run. `tick` keeps it running; `stop` and `kill` end it."""

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restarts: int = 0
    last_exit: int | None = None
    _pause: float = FIRST_PAUSE_S
    _not_before: float = 0.0

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
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
        self.started_at = time.monotonic()

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
            return None
        if self.process is not None:
            self.last_exit = self.process.returncode
            self.process = None
            self.restarts += 1
            self._not_before = now + self._pause
            told = f"{self.name} ended ({_exit_words(self.last_exit)}); restarting in {self._pause:g} s, see {self.log}"
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
            return told
        if now >= self._not_before:
            self.start()
        return None

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
