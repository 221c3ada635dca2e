"""Papers for the web server: made by one child process, so that live pages never wait for a layout.

The child starts with the first paper, ends after two quiet minutes or with its parent, and makes one at a time. Whoever
comes when too many wait is told so at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import sys
from typing import Final

from dashboard.reports.engine import Form, render, unavailable

log = logging.getLogger(__name__)

MOST_WAITING: Final = 12
LONGEST_S: Final = 60.0
QUIET_S: Final = 120.0
_HEAD: Final = struct.Struct(">?I")
_LENGTH: Final = struct.Struct(">I")


class PressBusy(Exception):
    """Too many papers are waiting; try again in a moment."""


class PressFailed(Exception):
    """This paper could not be made; the log says why."""


class Press:
    """One child of this process that renders. All methods on the event loop."""

    def __init__(self) -> None:
        self._lock: asyncio.Lock | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._waiting = 0

    async def print(self, html: str, form: Form, *, title: str, language: str) -> bytes:
        """As `engine.render`. Raises PressBusy, PressFailed."""
        if why := unavailable():
            raise PressFailed(why)
        if self._waiting >= MOST_WAITING:
            raise PressBusy
        self._waiting += 1
        try:
            if self._lock is None:
                self._lock = asyncio.Lock()
            async with self._lock:
                if self._ending is not None:
                    self._ending.cancel()
                try:
                    return await asyncio.wait_for(self._one(json.dumps([html, form, title, language])), LONGEST_S)
                except (OSError, EOFError, TimeoutError) as error:
                    log.error("paper_failed error=%s", type(error).__name__)
                    await self.end()
                    raise PressFailed("the paper could not be made") from error
                except asyncio.CancelledError:
                    await self.end()  # its answer would be taken for that of the next question
                    raise
                finally:
                    self._ending = asyncio.get_running_loop().call_later(QUIET_S, self._quiet)
        finally:
            self._waiting -= 1

    async def end(self) -> None:
        """Ends the child."""
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            child.kill()
            await child.wait()

    def _quiet(self) -> None:
        if self._child is not None and self._child.stdin is not None and not self._waiting:
            self._child.stdin.close()  # it reads the end, and ends
            self._child = None

    async def _one(self, asked: str) -> bytes:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", __name__),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        child = self._child
        assert child.stdin is not None and child.stdout is not None
        body = asked.encode()
        child.stdin.write(_LENGTH.pack(len(body)) + body)
        await child.stdin.drain()
        good, length = _HEAD.unpack(await child.stdout.readexactly(_HEAD.size))
        answer = await child.stdout.readexactly(length)
        if not good:
            log.error("paper_failed error=%s", answer.decode()[:200])
            raise PressFailed("the paper could not be made")
        return answer


PRESS: Final = Press()
"""The one of this process."""


def main() -> None:
    """The child: questions on standard input, answers on standard output, until the input ends."""
    read, out = sys.stdin.buffer, sys.stdout.buffer
    while len(head := read.read(_LENGTH.size)) == _LENGTH.size:
        html, form, title, language = json.loads(read.read(_LENGTH.unpack(head)[0]))
        try:
            good, answer = True, render(html, form, title=title, language=language)
        except Exception as error:  # whatever it is, the parent is told and the next paper is made
            good, answer = False, f"{type(error).__name__}: {error}".encode()
        out.write(_HEAD.pack(good, len(answer)) + answer)
        out.flush()


if __name__ == "__main__":
    main()
