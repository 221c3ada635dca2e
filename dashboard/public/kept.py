"""Answers for many at once: the bytes of a page, plain and compressed, made once for all who ask meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Ready:
    """A body with everything that depends on it alone."""

    plain: bytes
    packed: bytes
    etag: str
    kind: str = HTML

    @classmethod
    def of(cls, body: bytes, kind: str = HTML) -> Ready:
        return cls(body, gzip.compress(body, 6, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:20]}"', kind)

    def answer(self, request: Request, **headers: str) -> Response:
        """For a browser that has it already, that it has not changed. Header names with _ for -.

        The framework's own compression adds `Vary` to what it might compress, and leaves alone what is compressed.
        """
        said = {"ETag": self.etag, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(None, 304, said)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                self.packed,
                headers=said | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
                media_type=self.kind,
            )
        return Response(self.plain, headers=said, media_type=self.kind)


class Kept:
    """Belongs to one event loop. At most `most` answers, the oldest go first."""

    def __init__(self, seconds: float, most: int = 512) -> None:
        self._seconds, self._most = seconds, most
        self._ready: dict[Hashable, tuple[float, Ready]] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Ready]]) -> Ready:
        """What was made within the last seconds, or made now: once, however many ask. Raises what `make` raises."""
        found = self._fresh(key)
        if found is not None:
            return found
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            found = self._fresh(key)
            if found is None:
                found = await make()
                self._ready.pop(key, None)
                self._ready[key] = (time.monotonic(), found)
                while len(self._ready) > self._most:
                    gone = next(iter(self._ready))
                    del self._ready[gone]
                    self._locks.pop(gone, None)
        return found

    def _fresh(self, key: Hashable) -> Ready | None:
        at, ready = self._ready.get(key, (0.0, None))
        return ready if ready is not None and time.monotonic() - at < self._seconds else None
