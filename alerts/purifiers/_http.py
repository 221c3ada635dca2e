"""One GET to a small device's page, without waiting in anybody's thread."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import urlsplit

from alerts.purifiers._asked import NoAnswer, Refused
from classair.parsing.json_objects import NotReadable, read_object

_LONGEST: Final = 65_536
_LENGTH: Final = re.compile(rb"(?:^|\r\n)content-length: *(\d{1,9})", re.IGNORECASE)
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


async def get_object(url: str) -> dict[str, Any]:
    """The JSON object at an http:// address. Raises NoAnswer, Refused (the device wants a password), OSError."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    reader, writer = await asyncio.open_connection(parts.hostname or "", parts.port or 80)
    try:
        # Version 1.0: in one piece. Most close when they have said all; the others say how long it is.
        writer.write(f"GET {target} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        first, answer = await reader.readline(), b""
        while not reader.at_eof() and len(answer) < _LONGEST and not _complete(answer):
            answer += await reader.read(_LONGEST)
    except ValueError as error:  # a line without end
        raise NoAnswer(str(error)) from None
    finally:
        writer.close()
    found = _STATUS.match(first)
    if found is None:
        raise NoAnswer("no HTTP")
    if found[1] in (b"401", b"403"):
        raise Refused(f"HTTP {found[1].decode()}")
    if found[1] != b"200":
        raise NoAnswer(f"HTTP {found[1].decode()}")
    try:
        return read_object(answer.partition(b"\r\n\r\n")[2])[0]
    except NotReadable as error:
        raise NoAnswer(str(error)) from None


def _complete(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and length is not None and len(body) >= int(length[1])
