"""Files that browsers keep: an address changes with what is in the file, and text is compressed once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS: Final = Path(__file__).parent.parent / "assets"
PAGES: Final = Path(__file__).parent.parent / "pages"
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
"""Kept, and asked for again each time: the answer is short while nothing has changed."""
SERVED: Final = (".css", ".js", ".svg", ".png", ".woff2", ".webmanifest", ".geojson", ".txt")
SUITES: Final = "/_dash-component-suites/"
_TEXT: Final = (".css", ".js", ".svg", ".webmanifest", ".geojson", ".txt")
_KINDS: Final = {
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".geojson": "application/geo+json",
}
_RELATIVE: Final = re.compile(r"""url\((["']?)(?![a-z]+:|/)([\w./-]+)\1\)""")
_MOST_KEPT: Final = 300
"""Files of Dash that are kept compressed; there are fewer, and their names are Dash's own."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it is sent. `gzipped` is empty where that would not make it smaller."""

    digest: str
    plain: bytes
    gzipped: bytes
    kind: str


@cache
def address(name: str) -> str:
    """The address of a file of dashboard/assets, or `pages/<page>/<file>`; it names what was in the file when this
    process first spoke of it."""
    found = _kept(name)
    return f"/assets/{name}" if found is None else f"/assets/{name}?v={found.digest}"


def _place(name: str) -> Path | None:
    """Where a file lies that browsers may have."""
    if "\0" in name:
        return None
    inside, root = (name.removeprefix("pages/"), PAGES) if name.startswith("pages/") else (name, ASSETS)
    path = (root / inside).resolve()
    return path if path.suffix in SERVED and path.is_relative_to(root) and path.is_file() else None


def _kept(name: str) -> Kept | None:
    path = _place(name)
    if path is None:
        return None
    told = path.stat()
    return _read(name, path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=512)
def _read(name: str, path: Path, _changed: int, _size: int) -> Kept:
    plain = path.read_bytes()
    if path.suffix == ".css":
        plain = _with_digests(name, plain.decode()).encode()
    gzipped = gzip.compress(plain, 9, mtime=0) if path.suffix in _TEXT else b""
    kind = _KINDS.get(path.suffix) or mimetypes.types_map[path.suffix]
    return Kept(
        hashlib.sha256(plain).hexdigest()[:12],
        plain,
        gzipped if len(gzipped) < len(plain) else b"",
        f"{kind}; charset=utf-8" if path.suffix in _TEXT else kind,
    )


def _with_digests(name: str, css: str) -> str:
    """A style sheet whose fonts, drawings and other sheets are named by what is in them, too."""
    folder = Path(name).parent

    def named(found: re.Match[str]) -> str:
        target = (folder / found[2]).as_posix()
        kept = _kept(target)
        return found[0] if kept is None else f"url({found[1]}{found[2]}?v={kept.digest}{found[1]})"

    return _RELATIVE.sub(named, css)


class Files:
    """Answers for `/assets`. What is asked for by its own digest is kept for ever, all else is asked for again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(scope, scope["path"].removeprefix("/assets/"))(scope, receive, send)

    def answer(self, scope: Scope, name: str) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        kept = _kept(name)
        if kept is None:
            return Response(status_code=404)
        headers = Headers(scope=scope)
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("v", [""])[0]
        sent: dict[str, str] = {
            "Cache-Control": FOREVER if asked == kept.digest else ASK_AGAIN,
            "ETag": f'"{kept.digest}"',
            "Vary": "Accept-Encoding",
        }
        if headers.get("if-none-match") == sent["ETag"]:
            return Response(status_code=304, headers=sent)
        squeezed = bool(kept.gzipped) and "gzip" in headers.get("accept-encoding", "")
        if squeezed:
            sent["Content-Encoding"] = "gzip"
        body = kept.gzipped if squeezed else kept.plain
        return Response(body, headers={**sent, "Content-Type": kept.kind, "Content-Length": str(len(body))})


class Suites:
    """Around the application: Dash's own files with a fingerprint in the name are compressed once and kept for ever."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, tuple[Mapping[str, str], bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET" or not path.startswith(SUITES):
            await self._app(scope, receive, send)
            return
        squeezed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if squeezed and path in self._kept:
            kept, whole = self._kept[path]
            await Response(whole, headers=dict(kept))(scope, receive, send)
            return
        begun: list[Message] = []
        body = bytearray()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "max-age=31536000" in headers.get("cache-control", ""):
                    headers["Cache-Control"] = FOREVER
                    begun.append(message)
            elif begun:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    headers = MutableHeaders(scope=begun[0])
                    if squeezed and headers.get("content-encoding") == "gzip" and len(self._kept) < _MOST_KEPT:
                        self._kept[path] = dict(headers), bytes(body)
            await send(message)

        await self._app(scope, receive, sending)
